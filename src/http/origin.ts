// Where a request comes from: the address of its client, and the certificate that the client has shown to a
// proxy. The certificate reaches this service in a header, which counts only on a connection of a trusted
// proxy: from anybody else it is as if it were absent.

import type { FastifyRequest } from 'fastify';
import type { Origin } from '../auth/origin.ts';
import { sha256 } from '../auth/secret.ts';
import { isInNetworks } from '../egress/address.ts';
import { Refusal } from '../refusal.ts';

export interface ProxySettings {
  readonly trustedProxies: readonly string[];
  /** In lower case; undefined: certificates are not taken from anybody. */
  readonly certificateHeader: string | undefined;
}

export type OriginOf = (request: FastifyRequest) => Origin;

export function originReader({ trustedProxies, certificateHeader }: ProxySettings): OriginOf {
  return (request) => ({
    address: request.ip,
    certificate: () => {
      const { remoteAddress = '' } = request.raw.socket;
      if (certificateHeader === undefined) return undefined;
      if (!isInNetworks(remoteAddress, trustedProxies)) return undefined;
      return certificateIn(request, certificateHeader);
    },
  });
}

/** A byte sequence (RFC 9440 section 2.1), and PEM in percent-encoding, as nginx writes it: one certificate each. */
const bytes = /^:([A-Za-z0-9+/]+={0,2}):$/;
const pem = /^-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----\s*$/;

/** @throws Refusal `unauthorized` */
function certificateIn({ raw }: FastifyRequest, name: string): Buffer | undefined {
  // Of two, one may be the client's own, which the proxy has let through.
  const [value = '', second] = raw.headersDistinct[name] ?? [];
  if (second !== undefined) {
    throw new Refusal('unauthorized', `The header ${name} comes more than once.`);
  }
  // So some proxies say that there is none.
  if (value === '') return undefined;
  const text = bytes.exec(value)?.[1] ?? pem.exec(unescaped(value))?.[1];
  if (text === undefined) {
    throw new Refusal('unauthorized', `The header ${name} holds no certificate.`);
  }
  return sha256(Buffer.from(text, 'base64'));
}

/** Empty where it is no percent-encoding. */
function unescaped(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch (error) {
    if (error instanceof URIError) return '';
    throw error;
  }
}
