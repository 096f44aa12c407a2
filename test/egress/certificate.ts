// Certificates for receivers in tests: X.509 (RFC 5280) written by hand as far as TLS needs it, signed
// with ECDSA P-256, which TLS 1.1 knows as well.
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

/** A certificate and its private key, as PEM. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

export interface Wish {
  /** The DNS names it is for. */
  readonly names: readonly string[];
  /** Default from yesterday on, for a year. */
  readonly from?: Date;
  readonly to?: Date;
}

export interface Authority {
  /** Its own certificate: whoever trusts it trusts all it has issued. */
  readonly cert: string;
  issue(wish: Wish): Identity;
}

const dayMs = 86_400_000;

/** An authority that nobody trusts by itself. */
export function newAuthority(name: string): Authority {
  const own = newPair();
  const signed = { issuer: name, signer: own.privateKey };
  const cert = certificate({ names: [], subject: name, ...signed }, own.publicKey, isAuthority);
  return {
    cert,
    issue: (wish) => {
      const { publicKey, privateKey } = newPair();
      const subject = wish.names[0] ?? 'nobody';
      return {
        cert: certificate({ ...wish, subject, ...signed }, publicKey, ...alternatives(wish.names)),
        key: toPem(privateKey),
      };
    },
  };
}

/** A certificate that vouches for itself. */
export function selfSigned(wish: Wish): Identity {
  const { publicKey, privateKey } = newPair();
  const name = wish.names[0] ?? 'nobody';
  const own = { ...wish, subject: name, issuer: name, signer: privateKey };
  return {
    cert: certificate(own, publicKey, ...alternatives(wish.names)),
    key: toPem(privateKey),
  };
}

function newPair() {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

function toPem(key: KeyObject): string {
  return key.export({ format: 'pem', type: 'pkcs8' }).toString();
}

interface Content extends Wish {
  readonly subject: string;
  readonly issuer: string;
  readonly signer: KeyObject;
}

function certificate(wish: Content, key: KeyObject, ...extensions: readonly Buffer[]): string {
  const { from = new Date(Date.now() - dayMs), to = new Date(Date.now() + 365 * dayMs) } = wish;
  const content = der(
    0x30,
    der(0xa0, der(0x02, Buffer.from([2]))), // version 3
    der(0x02, Buffer.concat([Buffer.from([0x01]), randomBytes(15)])),
    ecdsaWithSha256,
    commonName(wish.issuer),
    der(0x30, time(from), time(to)),
    commonName(wish.subject),
    key.export({ format: 'der', type: 'spki' }),
    der(0xa3, der(0x30, ...extensions)),
  );
  const signature = sign('sha256', content, wish.signer);
  const whole = der(0x30, content, ecdsaWithSha256, der(0x03, Buffer.from([0]), signature));
  const lines = whole.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

/** ASN.1 in its distinguished encoding: tag, length, content. */
function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const bytes = length < 0x80 ? [length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...bytes]), content]);
}

/** The content of an object identifier, whose first two numbers are one byte. */
function oid(...numbers: readonly number[]): Buffer {
  const bytes = numbers.flatMap((number) => {
    const septets = [number & 0x7f];
    for (let rest = number >> 7; rest > 0; rest >>= 7) septets.unshift((rest & 0x7f) | 0x80);
    return septets;
  });
  return der(0x06, Buffer.from(bytes));
}

const ecdsaWithSha256 = der(0x30, oid(42, 840, 10045, 4, 3, 2));

function commonName(name: string): Buffer {
  return der(0x30, der(0x31, der(0x30, oid(85, 4, 3), der(0x0c, Buffer.from(name)))));
}

function time(at: Date): Buffer {
  const text = at.toISOString().replaceAll(/[-:T]|\.\d+/g, '');
  return der(0x18, Buffer.from(text));
}

function extension(id: Buffer, value: Buffer): Buffer {
  return der(0x30, id, der(0x01, Buffer.from([0xff])), der(0x04, value));
}

const isAuthority = extension(oid(85, 29, 19), der(0x30, der(0x01, Buffer.from([0xff]))));

/** Subject alternative names; not critical, as TLS clients expect. */
function alternatives(names: readonly string[]): readonly Buffer[] {
  const entries = names.map((name) => der(0x82, Buffer.from(name)));
  return [der(0x30, oid(85, 29, 17), der(0x04, der(0x30, ...entries)))];
}
