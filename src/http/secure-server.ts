// The framework over plain HTTP, or over TLS where a sandbox has a certificate: the same in all else.

import type { Server } from 'node:http';
import type { Server as SecureServer } from 'node:https';
import { Server as TlsServer } from 'node:tls';
import fastify, {
  type FastifyHttpOptions,
  type FastifyHttpsOptions,
  type FastifyInstance,
} from 'fastify';

/** A certificate with its key, both PEM. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

/** How long a client may take for the handshake of TLS, in ms. */
const handshakeMsMax = 10_000;

export function fastifyOver(
  certificate: Certificate | undefined,
  options: FastifyHttpOptions<Server>,
): FastifyInstance {
  if (certificate === undefined) return fastify(options);
  const { http, ...others } = options;
  const { key, cert } = certificate;
  const own = { key, cert, minVersion: 'TLSv1.2', handshakeTimeout: handshakeMsMax } as const;
  // Of the server the service uses what both kinds have.
  const secure = {
    ...others,
    https: { ...http, ...own },
  } as unknown as FastifyHttpsOptions<SecureServer>;
  return fastify(secure) as unknown as FastifyInstance;
}

/** What a server emits when a connection can carry requests. */
export function connectionEvent(server: Server): 'connection' | 'secureConnection' {
  return (server as unknown) instanceof TlsServer ? 'secureConnection' : 'connection';
}
