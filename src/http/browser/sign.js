// Signs requests in the page, by WebCrypto: draft 15 of HTTP message signatures, which takes each kind of key
// that a client can have here (packages/signatures does the same where there is Node). The private key is
// imported so that no script can read it again; nothing here sends or stores anything.

/**
 * @typedef {object} SigningKey
 * @property {CryptoKey} privateKey
 * @property {string} name such as P-256
 */

/** A key that cannot be used here; the message says what to do. */
export class KeyError extends Error {}

/** Kinds of keys by their object identifier, as it stands in PKCS #8 in hexadecimal digits. */
const kinds = [
  { name: 'Ed25519', oid: '06032b6570', algorithm: { name: 'Ed25519' } },
  ...[
    { name: 'P-256', oid: '06082a8648ce3d030107' },
    { name: 'P-384', oid: '06052b81040022' },
    { name: 'P-521', oid: '06052b81040023' },
  ].map((curve) => ({ ...curve, algorithm: { name: 'ECDSA', namedCurve: curve.name } })),
];

/** Forms that hold no key which this page can read, each with what to do. */
const otherForms = [
  ['BEGIN PUBLIC KEY', 'This is a public key. Choose the private one, which belongs to it.'],
  [
    'BEGIN ENCRYPTED PRIVATE KEY',
    'This key is encrypted. Decrypt it first: openssl pkcs8 -in key.pem -out open.pem',
  ],
  [
    'BEGIN EC PRIVATE KEY',
    'This key is in SEC1. Convert it first: openssl pkcs8 -topk8 -nocrypt -in key.pem -out pkcs8.pem',
  ],
  [
    'BEGIN OPENSSH PRIVATE KEY',
    'This key is in the form of OpenSSH. Convert it first: ssh-keygen -p -m PKCS8 -f key',
  ],
];

/** A key is shorter than this. */
const keyTextMax = 10_000;

/**
 * Reads a private key: PEM with PKCS #8, of Ed25519, P-256, P-384 or P-521.
 *
 * @param {string} text
 * @returns {Promise<SigningKey>}
 * @throws {KeyError} which says what is wrong with it.
 */
export async function readKey(text) {
  const form = otherForms.find(([mark = '']) => text.includes(mark));
  if (form !== undefined) throw new KeyError(form[1]);
  const match = /-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END PRIVATE KEY-----/.exec(
    text,
  );
  if (match === null || text.length > keyTextMax) {
    throw new KeyError('This is no private key in PEM: it begins with -----BEGIN PRIVATE KEY-----');
  }
  const bytes = bytesOf((match[1] ?? '').replace(/\s/g, ''));
  const head = hexOf(bytes?.subarray(0, 40) ?? new Uint8Array());
  const kind = kinds.find(({ oid }) => head.includes(oid));
  if (bytes === undefined || kind === undefined) {
    throw new KeyError('This key is none of Ed25519, P-256, P-384 and P-521.');
  }
  try {
    const { name, algorithm } = kind;
    const usages = /** @type {KeyUsage[]} */ (['sign']);
    const privateKey = await crypto.subtle.importKey('pkcs8', bytes, algorithm, false, usages);
    return { privateKey, name };
  } catch (error) {
    const isUnknown = error instanceof DOMException && error.name === 'NotSupportedError';
    const why = isUnknown
      ? `This browser does not sign with ${kind.name}.`
      : 'This key is damaged.';
    throw new KeyError(why, { cause: error });
  }
}

/** Headers that a signature covers, where the request has them. */
const covered = [
  'accept',
  'authorization',
  'content-type',
  'content-digest',
  'idempotency-key',
  'upvest-api-version',
  'upvest-client-id',
  'upvest-signature-version',
];

/** A signature is good for so many seconds. */
const lifeS = 60;

/**
 * The headers of a request with those that signing adds.
 *
 * @param {{ method: string, target: string, headers: Record<string, string>, body: Uint8Array<ArrayBuffer> }} request
 *   its target is path and query; names of headers are in lower case.
 * @param {{ key: SigningKey, keyId: string, now: Date }} by
 * @returns {Promise<Record<string, string>>}
 */
export async function signedHeaders({ method, target, headers, body }, { key, keyId, now }) {
  const digest = await crypto.subtle.digest('SHA-512', body);
  const all = {
    ...headers,
    'upvest-signature-version': '15',
    ...(body.length === 0 ? {} : { 'content-digest': `sha-512=:${base64Of(digest)}:` }),
  };
  const values = /** @type {Record<string, string>} */ (all);
  const [path = '', query] = target.split(/\?(.*)/s);
  const derived = [
    ['@method', method],
    ['@path', path],
    ...(query ? [['@query', `?${query}`]] : []),
  ];
  const fields = covered.flatMap((name) => {
    const value = values[name];
    return value === undefined ? [] : [[name, value.trim()]];
  });
  const components = [...derived, ...fields];
  const created = Math.floor(now.getTime() / 1_000);
  const list = components.map(([name]) => `"${name}"`).join(' ');
  const times = `created=${created};expires=${created + lifeS}`;
  const params = `(${list});keyid="${keyId}";${times};nonce="${crypto.randomUUID()}"`;
  const lines = components.map(([name, value]) => `"${name}": ${value}`);
  const base = [...lines, `"@signature-params": ${params}`].join('\n');
  const signature = await signatureOf(key, new TextEncoder().encode(base));
  return {
    ...all,
    'signature-input': `sig1=${params}`,
    signature: `sig1=:${base64Of(signature)}:`,
  };
}

/**
 * @param {SigningKey} key
 * @param {Uint8Array<ArrayBuffer>} bytes
 */
async function signatureOf({ privateKey }, bytes) {
  if (privateKey.algorithm.name === 'Ed25519') {
    return new Uint8Array(await crypto.subtle.sign('Ed25519', privateKey, bytes));
  }
  const algorithm = { name: 'ECDSA', hash: 'SHA-512' };
  return derOf(new Uint8Array(await crypto.subtle.sign(algorithm, privateKey, bytes)));
}

/**
 * ASN.1 DER of an ECDSA signature; WebCrypto gives r and s side by side.
 *
 * @param {Uint8Array} raw
 */
function derOf(raw) {
  const half = raw.length / 2;
  const content = [raw.subarray(0, half), raw.subarray(half)].flatMap((part) => {
    let start = 0;
    while (start < half - 1 && part[start] === 0) start += 1;
    // A first bit that is set would make the number negative.
    const sign = (part[start] ?? 0) >= 0x80 ? [0] : [];
    const integer = [...sign, ...part.subarray(start)];
    return [0x02, integer.length, ...integer];
  });
  const length = content.length < 0x80 ? [content.length] : [0x81, content.length];
  return new Uint8Array([0x30, ...length, ...content]);
}

/** @param {ArrayBuffer | Uint8Array} bytes */
function base64Of(bytes) {
  return btoa(String.fromCharCode(...new Uint8Array(bytes)));
}

/**
 * @param {string} base64
 * @returns {Uint8Array<ArrayBuffer> | undefined} undefined where it is none
 */
function bytesOf(base64) {
  try {
    return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  } catch (error) {
    if (error instanceof DOMException) return undefined;
    throw error;
  }
}

/** @param {Uint8Array} bytes */
function hexOf(bytes) {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
