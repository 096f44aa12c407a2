// TLS for a sandbox: a certificate authority of this home and a certificate for this machine's names, made
// when they are first needed and made anew before they expire. In live mode a proxy in front ends TLS.

import { createPrivateKey, generateKeyPairSync, randomBytes, X509Certificate } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { later } from '../clock.ts';
import { fileFault, whyUnreadable } from '../file-fault.ts';
import { ConfigError } from '../settings/config.ts';

/** What a server shows of itself. */
export interface ServerCertificate {
  /** PEM. */
  readonly key: string;
  readonly cert: string;
  /** Of the authority that clients have to trust; absolute. */
  readonly caFile: string;
}

const dayMs = 24 * 3_600_000;
/** Some clients refuse longer ones, also of authorities that a user has added (825 and 398 days). */
const lifeMs = { authority: 800 * dayMs, server: 397 * dayMs };
/** How long before its end a certificate is made anew. */
const renewMs = 30 * dayMs;
const usualNames = ['localhost', '127.0.0.1', '::1'];
const rsaBits = 2_048;

interface Pair {
  readonly key: string;
  readonly cert: string;
}

/**
 * The certificate of a home for these names, beside those of this machine. Idempotent: made anew only where
 * it is missing, expires soon or lacks a name. @throws ConfigError where its files cannot be used.
 */
export async function ensureCertificate(
  home: string,
  { host, now }: { host: string; now: Date },
): Promise<ServerCertificate> {
  const directory = join(home, 'tls');
  const names = [...new Set([...usualNames, host])];
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const known = await readPair(directory, 'ca');
    const isKnown = known !== undefined && lives(known, now);
    const authority = isKnown ? known : await makePair('Unwind sandbox CA', { now });
    if (!isKnown) await writePair(directory, 'ca', authority);
    const before = isKnown ? await readPair(directory, 'server') : undefined;
    const isGood =
      before !== undefined && lives(before, now) && isFor(before, names) && isOf(before, authority);
    const server = isGood ? before : await makePair('Unwind sandbox', { now, names, authority });
    if (!isGood) await writePair(directory, 'server', server);
    return { ...server, caFile: join(directory, 'ca.pem') };
  } catch (error) {
    const fault = fileFault(error);
    if (fault === undefined) throw error;
    const sentence = `${fault.path} cannot be used for TLS: ${whyUnreadable(error)}.`;
    throw new ConfigError(sentence, { cause: error });
  }
}

const trusted = new Set<string>();

/** Lets this process trust an authority beside those that it trusts. @throws ConfigError */
export async function trustAuthority(caFile: string): Promise<void> {
  if (trusted.has(caFile)) return;
  let pem: string;
  try {
    pem = await readFile(caFile, 'utf8');
    setDefaultCACertificates([...getCACertificates('default'), pem]);
  } catch (error) {
    throw new ConfigError(
      `The certificate authority of the sandbox, ${caFile}, cannot be used: ${whyUnreadable(error)}. ` +
        'The next "unwind start --tls" makes it anew.',
      { cause: error },
    );
  }
  trusted.add(caFile);
}

function lives({ cert }: Pair, now: Date): boolean {
  const { validFromDate, validToDate } = new X509Certificate(cert);
  return validFromDate <= now && validToDate > later(now, renewMs);
}

function isFor({ cert }: Pair, names: readonly string[]): boolean {
  const own = new X509Certificate(cert);
  return names.every((name) => (isIP(name) === 0 ? own.checkHost(name) : own.checkIP(name)));
}

function isOf({ cert }: Pair, authority: Pair): boolean {
  const [own, issuer] = [new X509Certificate(cert), new X509Certificate(authority.cert)];
  return own.checkIssued(issuer) && own.verify(issuer.publicKey);
}

/** @returns undefined where one of the two is missing or is no PEM of its kind. */
async function readPair(directory: string, name: string): Promise<Pair | undefined> {
  try {
    const [key, cert] = await Promise.all([
      readFile(join(directory, `${name}-key.pem`), 'utf8'),
      readFile(join(directory, `${name}.pem`), 'utf8'),
    ]);
    return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))
      ? { key, cert }
      : undefined;
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (isMissing || fileFault(error) === undefined) return undefined;
    throw error;
  }
}

/** The key first: a certificate whose key is not there is made anew. */
async function writePair(directory: string, name: string, { key, cert }: Pair): Promise<void> {
  for (const [file, text, mode] of [
    [`${name}-key.pem`, key, 0o600],
    [`${name}.pem`, cert, 0o644],
  ] as const) {
    const beside = join(directory, `${file}.${process.pid}`);
    await writeFile(beside, text, { mode });
    await rename(beside, join(directory, file));
  }
}

/** A key and its certificate: of an authority for itself, or by an authority for these names. */
async function makePair(
  commonName: string,
  { now, names, authority }: { now: Date; names?: readonly string[]; authority?: Pair },
): Promise<Pair> {
  const { default: forge } = await import('node-forge');
  const key = newKey();
  const certificate = forge.pki.createCertificate();
  const privateKey = forge.pki.privateKeyFromPem(key);
  certificate.publicKey = forge.pki.rsa.setPublicKey(privateKey.n, privateKey.e);
  // Positive, as RFC 5280, 4.1.2.2 asks.
  certificate.serialNumber = `01${randomBytes(16).toString('hex')}`;
  certificate.validity.notBefore = later(now, -dayMs);
  const life = authority === undefined ? lifeMs.authority : lifeMs.server;
  certificate.validity.notAfter = later(certificate.validity.notBefore, life);
  const subject = [{ name: 'commonName', value: commonName }];
  const issuer = authority && forge.pki.certificateFromPem(authority.cert);
  certificate.setSubject(subject);
  certificate.setIssuer(issuer?.subject.attributes ?? subject);
  certificate.setExtensions(
    issuer === undefined
      ? [
          { name: 'basicConstraints', cA: true, pathLenConstraint: 0, critical: true },
          { name: 'keyUsage', keyCertSign: true, critical: true },
          { name: 'subjectKeyIdentifier' },
        ]
      : [
          { name: 'basicConstraints', cA: false, critical: true },
          { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
          { name: 'extKeyUsage', serverAuth: true },
          { name: 'subjectAltName', altNames: (names ?? []).map(altName) },
          { name: 'subjectKeyIdentifier' },
          {
            name: 'authorityKeyIdentifier',
            keyIdentifier: issuer.generateSubjectKeyIdentifier().getBytes(),
          },
        ],
  );
  const signer = authority === undefined ? privateKey : forge.pki.privateKeyFromPem(authority.key);
  certificate.sign(signer, forge.md.sha256.create());
  return { key, cert: forge.pki.certificateToPem(certificate).replaceAll('\r\n', '\n') };
}

/** RSA, which the library can put into a certificate. */
function newKey(): string {
  return generateKeyPairSync('rsa', {
    modulusLength: rsaBits,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  }).privateKey;
}

/** By the numbers of RFC 5280, 4.2.1.6: a DNS name or an address. */
function altName(name: string): object {
  return isIP(name) === 0 ? { type: 2, value: name } : { type: 7, ip: name };
}
