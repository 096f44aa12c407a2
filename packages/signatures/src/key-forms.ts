// Public keys in the forms in which people have them: PEM, DER, JWK, OpenSSH, and the 32 bytes of an
// Ed25519 key in base64. Of a private key only the public part is taken. For those who register keys;
// `parsePublicKey` stays with the one form that is kept.

import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { keyMistake, looksLikeFileName } from './key-mistakes.ts';
import {
  keyAlgorithm,
  type PublicJwk,
  type PublicKey,
  type RsaAlgorithm,
  UnusableKeyError,
} from './keys.ts';

/** A public key, and whether it was taken out of a private one. */
export type ImportedKey = PublicKey & { readonly isOfPrivate: boolean };

interface Found {
  readonly publicKey: KeyObject;
  readonly isOfPrivate: boolean;
}

const keyForms = 'known are PEM, DER, JWK, OpenSSH, and the 32 bytes of an Ed25519 key in base64';

/** Larger than any key that is taken, in bytes. */
const keyBytesMax = 64 * 1024;

/**
 * Reads a public key in any form: PEM and DER (SPKI, PKCS #1; of private keys PKCS #8 and SEC 1), JWK, a
 * set of one JWK, a line of OpenSSH, base64 of DER, and base64 of the 32 bytes of an Ed25519 key.
 *
 * Throws `UnusableKeyError` with a sentence for each form that is not taken.
 */
export function importPublicKey(
  bytes: Uint8Array,
  rsa: RsaAlgorithm = 'rsa-pss-sha512',
): ImportedKey {
  if (bytes.length > keyBytesMax) {
    throw new UnusableKeyError(`This has ${bytes.length} bytes, too many for a key.`);
  }
  const found = isText(bytes) ? ofText(textOf(bytes)) : ofBinary(bytes);
  return { algorithm: keyAlgorithm(found.publicKey, rsa), ...found };
}

/** Visible ASCII, white space and a byte order mark, or UTF-8 in comments. */
function isText(bytes: Uint8Array): boolean {
  return !bytes.some((byte) => byte < 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d);
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString('utf8')
    .replace(/^\ufeff/, '')
    .trim();
}

function ofBinary(bytes: Uint8Array): Found {
  if (bytes[0] === 0x30) return ofDer(bytes);
  if (bytes[0] === 0xff || bytes[0] === 0xfe) {
    throw new UnusableKeyError('This is text in UTF-16; write it as UTF-8.');
  }
  if (bytes.length === ed25519Bytes) {
    throw new UnusableKeyError('These are 32 bytes as they are; give them in base64.');
  }
  throw new UnusableKeyError(`These bytes are no DER, and no text: ${keyForms}.`);
}

function ofText(text: string): Found {
  if (text === '') throw new UnusableKeyError(`The key is empty: ${keyForms}.`);
  if (text.includes('-----BEGIN')) return ofPem(text);
  if (text.includes('---- BEGIN SSH2')) {
    throw new UnusableKeyError(
      'This is a key in the form of RFC 4716; turn it into a line of OpenSSH: ssh-keygen -i -f FILE.',
    );
  }
  if (text.startsWith('{') || text.startsWith('[')) return ofJwk(text);
  if (/^(ssh-|ecdsa-sha2-|sk-)\S* /.test(text)) return ofOpenSsh(text);
  return ofBase64(text);
}

function ofPem(text: string): Found {
  const labels = [...text.matchAll(/-----BEGIN ([^-\n]*)-----/g)].map(([, label = '']) => label);
  const label = labels.find((one) => one.endsWith('PRIVATE KEY')) ?? labels[0] ?? '';
  if (label === 'ENCRYPTED PRIVATE KEY' || /Proc-Type: 4,ENCRYPTED/.test(text)) {
    throw new UnusableKeyError(
      'This private key is encrypted; give its public part: openssl pkey -in FILE -pubout.',
    );
  }
  if (label === 'OPENSSH PRIVATE KEY') {
    throw new UnusableKeyError(
      'This is a private key of OpenSSH; give the file .pub beside it: ssh-keygen -y -f FILE.',
    );
  }
  if (label === 'CERTIFICATE') {
    throw new UnusableKeyError(
      'This is a certificate; give the key that is in it: openssl x509 -in FILE -noout -pubkey.',
    );
  }
  if (label === 'EC PARAMETERS') {
    throw new UnusableKeyError('This names a curve and holds no key; give the block of the key.');
  }
  if (labels.length > 1 && !labels.some((one) => one === 'EC PARAMETERS')) {
    throw new UnusableKeyError('There are several keys here; give each in a file of its own.');
  }
  if (label === 'RSA PUBLIC KEY') return { publicKey: publicOf(text), isOfPrivate: false };
  const isOfPrivate = label.endsWith('PRIVATE KEY');
  const mistake = keyMistake(text, isOfPrivate ? 'private' : 'public');
  if (mistake !== undefined) throw new UnusableKeyError(mistake);
  if (!isOfPrivate) return { publicKey: publicOf(text), isOfPrivate };
  const block = new RegExp(`-----BEGIN ${label}-----[^]*?-----END ${label}-----`).exec(text)?.[0];
  return { publicKey: publicOf(createOr(() => createPrivateKey(block ?? text))), isOfPrivate };
}

function ofDer(bytes: Uint8Array): Found {
  const key = Buffer.from(bytes);
  // The private ones first: node reads them as public ones too, and then does not say that they were not.
  const readings = [
    ...(['pkcs8', 'sec1', 'pkcs1'] as const).map((type) => () => ({
      publicKey: createPublicKey(createPrivateKey({ key, format: 'der', type })),
      isOfPrivate: true,
    })),
    ...(['spki', 'pkcs1'] as const).map((type) => () => ({
      publicKey: createPublicKey({ key, format: 'der', type }),
      isOfPrivate: false,
    })),
  ];
  for (const read of readings) {
    const found = attempt(read);
    if (found !== undefined) return found;
  }
  throw new UnusableKeyError(
    'This DER is neither a public key (SPKI) nor a private one (PKCS #8, SEC 1) that is not encrypted.',
  );
}

const jwkMembers: Readonly<Record<string, readonly ('crv' | 'x' | 'y' | 'n' | 'e')[]>> = {
  EC: ['crv', 'x', 'y'],
  OKP: ['crv', 'x'],
  RSA: ['n', 'e'],
};

function ofJwk(text: string): Found {
  const parsed = attempt(() => JSON.parse(text) as unknown);
  if (parsed === undefined) throw new UnusableKeyError('This begins like a JWK and is no JSON.');
  const { keys } = Object(parsed) as { keys?: unknown };
  const all: readonly unknown[] = Array.isArray(keys) ? keys : [parsed].flat();
  if (all.length !== 1) {
    throw new UnusableKeyError(
      `This set of JWKs has ${all.length} keys; give each in a file of its own.`,
    );
  }
  const jwk: PublicJwk = Object(all[0]);
  const { kty } = jwk;
  if (kty === 'oct')
    throw new UnusableKeyError('This JWK is a shared secret, and no key of a pair.');
  const members = jwkMembers[kty ?? ''];
  if (members === undefined) {
    throw new UnusableKeyError('This JSON is no JWK: its kty is none of EC, OKP and RSA.');
  }
  const missing = members.filter((name) => typeof jwk[name] !== 'string');
  if (missing.length > 0) throw new UnusableKeyError(`This JWK lacks ${missing.join(' and ')}.`);
  const half = { kty: String(kty), ...Object.fromEntries(members.map((one) => [one, jwk[one]])) };
  const publicKey = attempt(() => createPublicKey({ key: half, format: 'jwk' }));
  if (publicKey === undefined) {
    throw new UnusableKeyError('This JWK cannot be read: its members are not those of a key.');
  }
  return { publicKey, isOfPrivate: jwk.d !== undefined };
}

const opensshCurves: ReadonlyMap<string, string> = new Map([
  ['nistp256', 'P-256'],
  ['nistp384', 'P-384'],
  ['nistp521', 'P-521'],
]);

/** A line of `authorized_keys`: type, base64 of fields with their lengths (RFC 4253), comment. */
function ofOpenSsh(text: string): Found {
  if (/\n\s*\S/.test(text)) {
    throw new UnusableKeyError('There are several keys here; give each in a file of its own.');
  }
  const [type = '', base64 = ''] = text.split(/\s+/);
  const fields = fieldsOf(Buffer.from(base64, 'base64'));
  const [named, first, second] = fields;
  if (named?.toString('latin1') !== type || first === undefined) {
    throw new UnusableKeyError('This line of OpenSSH is cut off or changed: copy it whole.');
  }
  if (type === 'ssh-ed25519') return ofRawEd25519(first);
  const curve = opensshCurves.get(first.toString('latin1'));
  if (type.startsWith('ecdsa-sha2-') && curve !== undefined && second?.[0] === 0x04) {
    const half = (second.length - 1) / 2;
    const x = second.subarray(1, 1 + half).toString('base64url');
    const y = second.subarray(1 + half).toString('base64url');
    return ofJwk(JSON.stringify({ kty: 'EC', crv: curve, x, y }));
  }
  if (type === 'ssh-rsa' && second !== undefined) {
    const [e, n] = [first, second].map((field) => withoutZeros(field).toString('base64url'));
    return ofJwk(JSON.stringify({ kty: 'RSA', n, e }));
  }
  throw new UnusableKeyError(
    `A key of OpenSSH of the type ${type} is not taken; known are ssh-ed25519, ecdsa-sha2-nistp… and ssh-rsa.`,
  );
}

function fieldsOf(blob: Buffer): readonly Buffer[] {
  const fields: Buffer[] = [];
  for (let at = 0; at + 4 <= blob.length; ) {
    const end = at + 4 + blob.readUInt32BE(at);
    if (end > blob.length) return [];
    fields.push(blob.subarray(at + 4, end));
    at = end;
  }
  return fields;
}

function withoutZeros(field: Buffer): Buffer {
  return field.subarray(field.findIndex((byte) => byte !== 0));
}

const ed25519Bytes = 32;

function ofRawEd25519(bytes: Buffer): Found {
  return ofJwk(JSON.stringify({ kty: 'OKP', crv: 'Ed25519', x: bytes.toString('base64url') }));
}

function ofBase64(text: string): Found {
  const compact = text.replace(/[\r\n]+/g, '');
  if (/^(0x)?[0-9a-f]{64}$/i.test(compact)) {
    throw new UnusableKeyError('This is hexadecimal; give the 32 bytes in base64.');
  }
  const isBase64 = /^[A-Za-z0-9+/_-]+={0,2}$/.test(compact);
  const bytes = Buffer.from(compact, 'base64');
  if (isBase64 && bytes.length === ed25519Bytes) return ofRawEd25519(bytes);
  if (isBase64 && bytes[0] === 0x30 && bytes.length > ed25519Bytes) return ofDer(bytes);
  if (looksLikeFileName(text)) {
    throw new UnusableKeyError(
      `This looks like the name of a file; give what is in it: ${keyForms}.`,
    );
  }
  if (isBase64) {
    throw new UnusableKeyError(
      `This is base64 of ${bytes.length} bytes; 32, those of an Ed25519 key, or a key in DER are expected.`,
    );
  }
  throw new UnusableKeyError(`This is no key in a form that is known: ${keyForms}.`);
}

function publicOf(key: string | KeyObject): KeyObject {
  return createOr(() => createPublicKey(key));
}

function createOr(create: () => KeyObject): KeyObject {
  const key = attempt(create);
  if (key !== undefined) return key;
  throw new UnusableKeyError('This PEM cannot be read: between its lines is no key.');
}

/** What reading gives, or undefined: what is no key in one form may be one in the next. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
