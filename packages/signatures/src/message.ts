// A message as it came over the wire, and the values a signature can cover in it. Knows no dialect:
// which of these values a dialect has, and under which name, stands in dialect.ts.

import { SignatureError } from './signature-error.ts';

/**
 * A request as received (or about to be sent), before anything has normalised it.
 *
 * `target` is the raw request target, as in the request line. `headers` are all lines in order of
 * arrival (see `headerPairs`), since Node's `headers` drops and joins lines.
 * `body` holds the bytes after transfer decoding. `scheme` is the public one, `https` by default.
 */
export interface SignedMessage {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array;
  readonly scheme?: string;
}

/** Node's `rawHeaders`, where name and value take turns, as pairs. */
export function headerPairs(rawHeaders: readonly string[]): SignedMessage['headers'] {
  const pairs: [string, string][] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    pairs.push([rawHeaders[at] ?? '', rawHeaders[at + 1] ?? '']);
  }
  return pairs;
}

/** A message taken apart once, so that every component is a look-up. */
export interface ReadMessage {
  readonly method: string;
  /** Path and query as sent, without scheme and authority. */
  readonly requestTarget: string;
  readonly path: string;
  /** With its question mark; empty if there is no query, or nothing after the mark. */
  readonly query: string;
  readonly scheme: string;
  /** Header lines by lower-case name, in order of arrival, as sent. */
  readonly lines: ReadonlyMap<string, readonly string[]>;
  readonly body: Uint8Array;
}

// The verifier and the handler of the request could read two of these differently.
const singleValued = [
  'authorization',
  'content-type',
  'content-length',
  'host',
  'date',
  'idempotency-key',
  'upvest-client-id',
  'upvest-api-version',
  'upvest-signature-version',
] as const;

const absoluteForm = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i;

/** Takes a message apart; decodes and normalises nothing (RFC 9421 section 2.2). Never throws. */
export function readMessage(message: SignedMessage): ReadMessage {
  const withoutOrigin = message.target.replace(absoluteForm, '');
  const mark = withoutOrigin.indexOf('?');
  const path = (mark < 0 ? withoutOrigin : withoutOrigin.slice(0, mark)) || '/';
  const query = mark < 0 ? '' : withoutOrigin.slice(mark);
  const lines = new Map<string, string[]>();
  for (const [sent, value] of message.headers) {
    const name = sent.toLowerCase();
    const known = lines.get(name);
    if (known) known.push(value);
    else lines.set(name, [value]);
  }
  return {
    method: message.method,
    requestTarget: path + query,
    path,
    query: query === '?' ? '' : query,
    scheme: (message.scheme ?? 'https').toLowerCase(),
    lines,
    body: message.body,
  };
}

/** Throws `duplicate_header` if a header that may come once came twice. */
export function refuseRepeatedHeaders(message: ReadMessage): void {
  const repeated = singleValued.find((name) => (message.lines.get(name)?.length ?? 0) > 1);
  if (repeated !== undefined) throw new SignatureError('duplicate_header', repeated);
}

/**
 * The value of a header as it stands in a signature base, or undefined if the header is absent.
 *
 * All lines in order of arrival, each stripped of outer white space, a fold turned into one space,
 * joined with comma and space (RFC 9421 section 2.1). Nothing inside a value is touched.
 */
export function fieldValue(message: ReadMessage, name: string): string | undefined {
  const lines = message.lines.get(name);
  return lines?.length === 1 ? unfold(lines[0] ?? '') : lines?.map(unfold).join(', ');
}

function unfold(line: string): string {
  if (!line.includes('\n')) return stripOws(line);
  return line
    .split(/\r\n(?=[ \t])/)
    .map(stripOws)
    .join(' ');
}

/** Without the spaces and tabs at both ends. A loop, since `/[ \t]+$/` takes quadratic time. */
export function stripOws(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isOws(text.charCodeAt(start))) start += 1;
  while (end > start && isOws(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

function isOws(charCode: number): boolean {
  return charCode === 0x20 || charCode === 0x09;
}

const defaultPorts: ReadonlyMap<string, RegExp> = new Map([
  ['https', /:443$/],
  ['http', /:80$/],
]);

/** Host in lower case, without the default port of the scheme (RFC 9421 section 2.2.3). */
export function authority(message: ReadMessage): string | undefined {
  const host = fieldValue(message, 'host')?.toLowerCase();
  const defaultPort = defaultPorts.get(message.scheme);
  return defaultPort ? host?.replace(defaultPort, '') : host;
}

/** The whole URI of the request, or undefined without a host (RFC 9421 section 2.2.2). */
export function targetUri(message: ReadMessage): string | undefined {
  const host = authority(message);
  return host === undefined ? undefined : `${message.scheme}://${host}${message.requestTarget}`;
}
