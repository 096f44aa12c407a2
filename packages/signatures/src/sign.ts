// Signs a message in any of the dialects: for webhook deliveries, and for clients of this service.
// Which key, which components and which times is the caller's choice.

import { signBytes } from './algorithm.ts';
import { signatureBase } from './base.ts';
import { allDialects, type Dialect, type DialectVersion, neededAspects } from './dialect.ts';
import type { SigningKey } from './keys.ts';
import { readMessage, type SignedMessage } from './message.ts';
import { SignatureError } from './signature-error.ts';

/** Signature parameters, written in the order they stand in; times in Unix seconds. */
export interface SigningParams {
  readonly keyid: string;
  readonly created: number;
  readonly expires?: number;
  /** Makes two like messages of one second differ; draft -01 has none. */
  readonly nonce?: string;
}

/** What to sign. */
export interface Signing {
  readonly dialect: DialectVersion;
  /** As it will be sent, without the headers that signing adds. */
  readonly message: SignedMessage;
  /** See `usualComponents`. */
  readonly components: readonly string[];
  readonly label?: string;
  readonly params: SigningParams;
  readonly key: SigningKey;
}

/** The headers to add to the message. */
export interface SignatureHeaders {
  readonly digest?: string;
  readonly 'content-digest'?: string;
  readonly 'upvest-signature-version'?: DialectVersion;
  readonly 'signature-input': string;
  readonly signature: string;
}

/**
 * Signs a message: gives the headers to add to it, digest and signature version among them where
 * the dialect has them. A digest header that the message already carries is left alone.
 *
 * What is signed is the header text read back as a verifier reads it, so that the two cannot
 * differ. Throws a `SignatureError` for what no verifier would accept, such as a component the
 * message does not have (`component_missing`) or P-521 with RFC 9421 (`alg_not_allowed`).
 */
export async function signMessage(signing: Signing): Promise<SignatureHeaders> {
  const { message, components, params, key, label = 'sig1' } = signing;
  const dialect = allDialects[signing.dialect];
  const scheme = dialect.schemes.get(key.algorithm);
  if (scheme === undefined) throw new SignatureError('alg_not_allowed', key.algorithm);
  const added = { ...digestHeader(dialect, message), ...versionHeader(dialect) };
  const headers = [...message.headers, ...Object.entries(added)];

  const input = dialect.input.write({ components, params: namedParams(dialect, params) });
  const member = `${label}=${input}`;
  const listed = dialect.input.read(member);
  const base = signatureBase(dialect, readMessage({ ...message, headers }), listed);
  const signature = await signBytes({ scheme, key: key.privateKey, base });
  const encoded = signature.toString('base64');
  return { ...added, 'signature-input': member, signature: `${label}=:${encoded}:` };
}

/**
 * The components a signature has to cover in a dialect, in the usual order: method, path, query if
 * there is one, then those of the headers that the message has or signing adds.
 */
export function usualComponents(of: {
  readonly dialect: DialectVersion;
  readonly message: SignedMessage;
  /** Header names in lower case; `digest` stands for the dialect's digest header. */
  readonly headers: readonly string[];
  /** Whether the signature will have `expires`; draft -01 lists it. */
  readonly expires: boolean;
}): readonly string[] {
  const dialect = allDialects[of.dialect];
  const message = readMessage(of.message);
  const needed = neededAspects(message, of.expires);
  const derived = dialect.usual.filter((name) => {
    const covers = dialect.derived.get(name)?.covers ?? [];
    return covers.some((aspect) => needed.includes(aspect));
  });
  const added = [
    ...(lacksDigest(dialect, of.message) ? [dialect.digest.name] : []),
    ...Object.keys(versionHeader(dialect)),
  ];
  const headers = of.headers
    .map((name) => (name === 'digest' ? dialect.digest.name : name))
    .filter((name) => message.lines.has(name) || added.includes(name));
  return [...derived, ...headers];
}

function lacksDigest({ digest }: Dialect, { headers, body }: SignedMessage): boolean {
  return body.length > 0 && !headers.some(([header]) => header.toLowerCase() === digest.name);
}

function digestHeader(dialect: Dialect, message: SignedMessage) {
  const { name, write } = dialect.digest;
  return lacksDigest(dialect, message) ? { [name]: write(message.body) } : {};
}

function versionHeader(dialect: Dialect) {
  return dialect.named ? { 'upvest-signature-version': dialect.version } : {};
}

function namedParams(
  dialect: Dialect,
  params: SigningParams,
): ReadonlyMap<string, string | number> {
  return new Map(
    Object.entries(params).map(([name, value]) => [name === 'keyid' ? dialect.keyid : name, value]),
  );
}
