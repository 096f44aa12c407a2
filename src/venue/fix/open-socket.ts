// Connects to a venue, and says in a sentence why it cannot be reached and what to do about it.

import { readFileSync } from 'node:fs';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { FixProfile } from './profile.ts';

const connectMsMax = 10_000;

/** @returns a socket that is connected, TLS included, or why there is none. */
export async function openSocket(
  profile: FixProfile,
  signal: AbortSignal,
): Promise<Socket | string> {
  const { host, port, tls } = profile;
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  let socket: Socket;
  try {
    socket = tls === undefined ? connectTcp({ host, port }) : connectTls(tlsOptions(profile));
  } catch (error) {
    return `the TLS settings cannot be used: ${error instanceof Error ? error.message : error}`;
  }
  const timer = setTimeout(() => resolve(`no answer in ${connectMsMax / 1_000} s`), connectMsMax);
  const abort = () => resolve('the service stops');
  signal.addEventListener('abort', abort, { once: true });
  socket.once(tls === undefined ? 'connect' : 'secureConnect', () => resolve(undefined));
  socket.once('error', (error) => resolve(explain(error)));
  const failure = await promise;
  clearTimeout(timer);
  signal.removeEventListener('abort', abort);
  if (failure === undefined) {
    socket.setNoDelay(true);
    return socket;
  }
  socket.destroy();
  return `cannot connect to ${host}:${port}: ${failure}`;
}

function tlsOptions({ host, port, tls = {} }: FixProfile) {
  const { ca_file, cert_file, key_file, server_name = host } = tls;
  return {
    host,
    port,
    servername: server_name,
    minVersion: 'TLSv1.2' as const,
    ...(ca_file === undefined ? {} : { ca: readFileSync(ca_file) }),
    ...(cert_file === undefined ? {} : { cert: readFileSync(cert_file) }),
    ...(key_file === undefined ? {} : { key: readFileSync(key_file) }),
  };
}

const untrusted =
  'its certificate comes from an authority that is not trusted: name that authority in tls.ca_file';
const ourCertificate =
  'the venue wants another certificate of this side: check tls.cert_file and tls.key_file';
const noTls = 'no TLS is spoken there: check the port, or leave tls out of the profile';

/** What to do about errors of the network and of TLS, by their code. */
const remedies: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there: check host and port, or wait for the venue',
  ENOTFOUND: 'there is no such name: check host',
  EAI_AGAIN: 'the name cannot be looked up now: check the DNS of this machine',
  ECONNRESET:
    'the venue broke off at once: it may not know our address, or want TLS with a certificate of this ' +
    'side (tls.cert_file, tls.key_file)',
  ETIMEDOUT: 'no answer: check host and port, and the firewalls between',
  EHOSTUNREACH: 'no way leads there: check host, and the network of this machine',
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  UNABLE_TO_GET_ISSUER_CERT: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  CERT_HAS_EXPIRED: 'its certificate has expired: the venue has to renew it',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet: check the clock of this machine',
  ERR_TLS_CERT_ALTNAME_INVALID:
    'its certificate is for another name: check host, or set tls.server_name to a name in it',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: ourCertificate,
  'ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE': ourCertificate,
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: ourCertificate,
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: ourCertificate,
  'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE': ourCertificate,
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: ourCertificate,
  ERR_SSL_WRONG_VERSION_NUMBER: noTls,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: noTls,
};

/** An error of a connection as a sentence with its code. */
export function explain(error: Error): string {
  const code = 'code' in error ? String(error.code) : '';
  const remedy = remedies[code];
  return remedy === undefined ? error.message : `${remedy} (${code})`;
}
