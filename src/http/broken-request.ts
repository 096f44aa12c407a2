// Answers what never became a request: bytes that are no HTTP, headers that are too large, a request
// that does not arrive in time. The framework knows nothing of these; the response has the form of all
// others (problem.ts) and ends the connection.

import { randomUUID } from 'node:crypto';
import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Refusal } from '../refusal.ts';
import { type ProblemSettings, toProblem } from './problem.ts';

/** What went wrong with a connection, as `clientError` of Node's server reports it. */
export type ConnectionTrouble = Error & { readonly code?: string };

export interface BrokenRequests {
  /** Notes the requests of a server, so that no response overtakes one that is still due. */
  watch(server: Server): void;
  /** Answers 400, where that can only mean the broken request, and ends the connection. */
  answer(trouble: ConnectionTrouble, socket: Socket): void;
}

export function brokenRequests(
  log: { info(fields: object, message: string): void },
  problems: ProblemSettings,
): BrokenRequests {
  const due = new WeakMap<Socket, Set<ServerResponse>>();
  return {
    watch: (server) => {
      server.on('request', ({ socket }, response) => {
        const responses = due.get(socket) ?? new Set();
        due.set(socket, responses.add(response));
        response.once('close', () => responses.delete(response));
      });
    },
    answer: (trouble, socket) => {
      // A client that pipelines would take the answer for that to an earlier request, which may
      // well be carried out: cut off, it has to ask; its idempotency key says.
      const isAmbiguous = [...(due.get(socket) ?? [])].some((response) => {
        return response.headersSent || response.req.complete;
      });
      // So would one that opened it in advance and sends its first request just now.
      const isSilent = socket.bytesRead === 0;
      if (isAmbiguous || isSilent || trouble.code === 'ECONNRESET' || !socket.writable) {
        socket.destroy();
        return;
      }
      const requestId = randomUUID();
      const code = trouble.code ?? 'unknown';
      log.info({ request_id: requestId, status: 400, code }, 'request.broken');
      socket.end(responseText(code, requestId, problems));
      socket.destroySoon();
    },
  };
}

function responseText(code: string, requestId: string, problems: ProblemSettings): string {
  const refusal = new Refusal('bad_request', sentenceOf(code));
  const { status, body } = toProblem(refusal, requestId, problems);
  return [
    `HTTP/1.1 ${status} Bad Request`,
    'connection: close',
    'cache-control: no-store',
    'x-content-type-options: nosniff',
    'content-type: application/problem+json',
    `content-length: ${Buffer.byteLength(body)}`,
    `upvest-request-id: ${requestId}`,
    '',
    body,
  ].join('\r\n');
}

function sentenceOf(code: string): string {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return 'The header section is too large.';
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return 'The request did not arrive in time.';
    default:
      return 'The request is not well-formed HTTP/1.1.';
  }
}
