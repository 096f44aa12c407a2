// The two headers that carry the digest of a body, and the check of one against the bytes
// received. Over the content as received: after transfer decoding, before content decoding, never
// re-serialised.

import { hash } from 'node:crypto';
import { type Dictionary, ParseError, parseDictionary } from 'structured-headers';
import { fieldValue, type ReadMessage, stripOws } from './message.ts';
import { SignatureError } from './signature-error.ts';
import { readUsualBytes } from './signature-input.ts';

/** A digest header: how its value is read and written. */
export interface DigestField {
  readonly name: 'digest' | 'content-digest';
  /** The digests of the algorithms we know; throws `digest_syntax`. */
  readonly read: (value: string) => readonly KnownDigest[];
  /** The header's value for a body. */
  readonly write: (body: Uint8Array) => string;
}

interface KnownDigest {
  readonly algorithm: 'sha256' | 'sha512';
  readonly digest: Uint8Array;
}

// Others (MD5, SHA, UNIXsum, …) protect nothing and are ignored beside one of these.
const digestAlgorithms: ReadonlyMap<string, KnownDigest['algorithm']> = new Map([
  ['sha-256', 'sha256'],
  ['sha-512', 'sha512'],
]);

/** `SHA-256=base64, …`, names in any letter case: RFC 3230 and RFC 5843, used by -01 and -06. */
export const digestField: DigestField = {
  name: 'digest',
  read: (value) =>
    value.split(',').flatMap((element) => {
      const [, name = '', base64 = ''] = /^([^=]+)=(.*)$/.exec(stripOws(element)) ?? [];
      if (name === '') throw new SignatureError('digest_syntax', 'digest');
      const algorithm = digestAlgorithms.get(name.toLowerCase());
      if (algorithm === undefined) return [];
      // Node's decoder skips what is not base64, so the text is looked at first.
      if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) throw new SignatureError('digest_syntax', name);
      return [{ algorithm, digest: Buffer.from(base64, 'base64') }];
    }),
  write: (body) => `SHA-256=${hash('sha256', body, 'base64')}`,
};

/** `sha-512=:base64:, …`, a dictionary of byte sequences: RFC 9530, used by -15 and RFC 9421. */
export const contentDigestField: DigestField = {
  name: 'content-digest',
  read: (value) =>
    readBytes(value).flatMap(([name, digest]) => {
      const algorithm = digestAlgorithms.get(name);
      if (algorithm === undefined) return [];
      if (digest === undefined) throw new SignatureError('digest_syntax', name);
      return [{ algorithm, digest }];
    }),
  write: (body) => `sha-512=:${hash('sha512', body, 'base64')}:`,
};

/** The members of a dictionary by name; undefined where one is no byte sequence. */
function readBytes(text: string): readonly (readonly [string, Uint8Array | undefined])[] {
  const usual = readUsualBytes(text);
  if (usual !== undefined) return [[usual.label, usual.bytes]];
  return [...readDictionary(text)].map(([name, [value]]) => {
    return [name, value instanceof ArrayBuffer ? new Uint8Array(value) : undefined];
  });
}

function readDictionary(value: string): Dictionary {
  try {
    return parseDictionary(value);
  } catch (error) {
    if (error instanceof ParseError) throw new SignatureError('digest_syntax', 'content-digest');
    throw error;
  }
}

/**
 * Compares the digest header with the body; throws the `digest_…` refusal that applies.
 *
 * Every digest of a known algorithm has to be right and there has to be one. A digest header
 * without a body is compared with the empty body: the body may have been dropped on the way.
 */
export function checkDigest(field: DigestField, message: ReadMessage): void {
  const value = fieldValue(message, field.name);
  if (value === undefined) {
    if (message.body.length === 0) return;
    throw new SignatureError('digest_missing', field.name);
  }
  const compared = compareDigests(field, message);
  if (compared.length === 0) throw new SignatureError('digest_algorithm', field.name);
  if (!compared.every(({ matches }) => matches)) {
    throw new SignatureError('digest_mismatch', field.name);
  }
}

/** A digest that was sent beside the one of the body, both in base64. */
export interface ComparedDigest {
  readonly algorithm: string;
  readonly sent: string;
  readonly computed: string;
  readonly matches: boolean;
}

/** Every digest of a known algorithm beside that of the body; throws `digest_syntax`. */
export function compareDigests(
  field: DigestField,
  message: ReadMessage,
): readonly ComparedDigest[] {
  const digests = field.read(fieldValue(message, field.name) ?? '');
  return digests.map(({ algorithm, digest }) => {
    const computed = hash(algorithm, message.body, 'buffer');
    const sent = Buffer.from(digest).toString('base64');
    return {
      algorithm,
      sent,
      computed: computed.toString('base64'),
      matches: computed.equals(digest),
    };
  });
}
