// Why no response came, by the codes of the platform: what to do about it, and whether a
// later attempt may fare better.

/** Why there was no response. */
export type NoResponseReason =
  /** Nothing listens at the port. */
  | 'refused'
  | 'unknown_host'
  /** The name server does not answer, or no way leads to the host. */
  | 'unreachable'
  /** The host at the other end does not speak TLS, or not as this machine does. */
  | 'tls'
  /** Its certificate is not trusted, has expired, or is for another name. */
  | 'certificate'
  /** What answers does not speak HTTP. */
  | 'not_http'
  /** The platform's `fetch` connects to no such port. */
  | 'port_blocked'
  /** The connection broke before the response was complete. */
  | 'broken'
  /** The time of the attempt was up. */
  | 'timeout';

/** Whether what failed so is tried again. */
export type Worth =
  /** Waiting changes nothing. */
  | 'never'
  /** As long as a service takes to start again. */
  | 'briefly'
  /** As the policy says. */
  | 'usually';

interface Kind {
  readonly reason: NoResponseReason;
  readonly worth: Worth;
  /** Whether the request cannot have arrived. */
  readonly isUnsent: boolean;
  readonly what: (url: URL, code: string) => string;
  readonly remedy?: (url: URL) => string;
}

const refused: Kind = {
  reason: 'refused',
  worth: 'briefly',
  isUnsent: true,
  what: (url) => `Cannot connect to ${addressOf(url)}: connection refused`,
  remedy: () => 'Is the service running there, and is the port of baseUrl right?',
};

const unknownHost: Kind = {
  reason: 'unknown_host',
  worth: 'never',
  isUnsent: true,
  what: ({ hostname }) => `Cannot find the host ${hostname}`,
  remedy: () => 'Is the host name of baseUrl right?',
};

const unreachable: Kind = {
  reason: 'unreachable',
  worth: 'briefly',
  isUnsent: true,
  what: (url, code) => `Cannot reach ${addressOf(url)} (${code})`,
  remedy: () => 'Is this machine connected to the network of the service?',
};

const connectTimeout: Kind = {
  reason: 'unreachable',
  worth: 'usually',
  isUnsent: true,
  what: (url) => `Cannot connect to ${addressOf(url)}: no response in time`,
  remedy: () => 'Are host and port of baseUrl right, and does a firewall let this through?',
};

const tls: Kind = {
  reason: 'tls',
  worth: 'never',
  isUnsent: true,
  what: (url, code) => `Cannot speak TLS with ${addressOf(url)} (${code})`,
  remedy: () => 'Should baseUrl begin with http:, or have another port?',
};

const certificate: Kind = {
  reason: 'certificate',
  worth: 'never',
  isUnsent: true,
  what: (url, code) => `The certificate of ${addressOf(url)} is not trusted (${code})`,
  remedy: () => 'Name the file of its authority in NODE_EXTRA_CA_CERTS.',
};

const notValidNow: Kind = {
  ...certificate,
  what: (url, code) => `The certificate of ${addressOf(url)} is not valid now (${code})`,
  remedy: () => 'Is the clock of this machine right? Otherwise the service needs a new one.',
};

const otherName: Kind = {
  ...certificate,
  what: ({ hostname }) => `The certificate of the service is not for the name ${hostname}`,
  remedy: () => 'Use a name in baseUrl that the certificate has.',
};

const notHttp: Kind = {
  reason: 'not_http',
  worth: 'never',
  isUnsent: false,
  what: (url) => `What answers at ${addressOf(url)} does not speak HTTP`,
  remedy: () => 'Is the port of baseUrl right?',
};

const portBlocked: Kind = {
  reason: 'port_blocked',
  worth: 'never',
  isUnsent: true,
  what: (url) => `The platform's fetch connects to no port ${url.port}`,
  remedy: () => 'Is the port of baseUrl right?',
};

const broken: Kind = {
  reason: 'broken',
  worth: 'usually',
  isUnsent: false,
  what: (url, code) => `The connection to ${addressOf(url)} broke (${code})`,
  remedy: ({ protocol }) => (protocol === 'http:' ? 'If the service speaks TLS, use https:.' : ''),
};

const timeout: Kind = {
  reason: 'timeout',
  worth: 'usually',
  isUnsent: false,
  what: (url) => `No response in time from ${addressOf(url)}`,
};

/**
 * The first whose pattern fits a code, a message or a name decides. Node and Bun have codes; Deno says
 * it in the message of a cause.
 */
const kinds: readonly (readonly [pattern: RegExp, kind: Kind])[] = [
  [/^ECONNREFUSED$|: Connection refused/, refused],
  [/^ENOTFOUND$|: dns error/, unknownHost],
  [/^(EAI_\w+$|connect (EHOST|ENET|EADDRNOTAVAIL))|: (Network|No route)\b/, unreachable],
  [/^UND_ERR_CONNECT_TIMEOUT$/, connectTimeout],
  [/^(CERT_HAS_EXPIRED|CERT_NOT_YET_VALID)$|peer certificate: (Expired|NotValidYet)/, notValidNow],
  [/^ERR_TLS_CERT_ALTNAME_INVALID$|peer certificate: .*NotValidForName/, otherName],
  [/^([A-Z_]*CERT[A-Z_]*|UNABLE_TO_[A-Z_]+|INVALID_(CA|PURPOSE))$|peer certificate/, certificate],
  [/^(ERR_SSL_\w+|ERR_TLS_\w+|EPROTO|ERR_OSSL_\w+)$|: received corrupt message/, tls],
  [/^(HPE_\w+|HTTPParserError)$|: invalid HTTP/, notHttp],
  [/^bad port$|Requests to port \d+ are blocked/, portBlocked],
  [/^(ETIMEDOUT|TimeoutError|UND_ERR_(HEADERS|BODY)_TIMEOUT)$/, timeout],
];

/** A request that had no response; the message says why and what to do. */
export class NetworkFault extends Error {
  override readonly name = 'NetworkFault';
  readonly reason: NoResponseReason;
  readonly worth: Worth;
  readonly isUnsent: boolean;
  /** The two halves of the message. */
  readonly what: string;
  readonly remedy: string;

  constructor(url: URL, cause: unknown) {
    const { code, kind } = kindOf(cause);
    const [what, remedy] = [kind.what(url, code), kind.remedy?.(url) ?? ''];
    super(`${what}. ${remedy}`.trimEnd(), { cause });
    this.reason = kind.reason;
    this.worth = kind.worth;
    this.isUnsent = kind.isUnsent;
    this.what = what;
    this.remedy = remedy;
  }
}

/** Whether `fetch` says that the network failed, and not that it was called in a wrong way. */
export function isNetworkError(error: unknown): boolean {
  if (!(error instanceof TypeError)) return false;
  return /^(fetch failed|terminated)/i.test(error.message) || /^E[A-Z]+$/.test(codeOf(error) ?? '');
}

function kindOf(error: unknown): { readonly code: string; readonly kind: Kind } {
  const signs = signsOf(error);
  const [first = 'no cause given'] = signs;
  const [, kind = broken] = kinds.find(([pattern]) => signs.some((one) => pattern.test(one))) ?? [];
  return { code: first.split(': ').at(-1) ?? first, kind };
}

/** Codes, messages and names of an error and its causes; the innermost first. */
function signsOf(error: unknown): readonly string[] {
  if (!(error instanceof Error)) return [];
  const inner = error instanceof AggregateError ? error.errors : [error.cause];
  const code = codeOf(error);
  return [...inner.flatMap(signsOf), ...(code ? [code] : []), error.message, error.name];
}

function codeOf(error: Error): string | undefined {
  return 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

function addressOf({ host, port, protocol }: URL): string {
  return port === '' ? `${host}:${protocol === 'https:' ? 443 : 80}` : host;
}
