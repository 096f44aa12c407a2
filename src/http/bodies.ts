// The bytes of requests: what their headers say of them before any is read, and bodies beyond the usual size.

import type { FastifyReply, FastifyRequest } from 'fastify';
import { largeBodiesMax } from '../batches/limits.ts';
import { requestBodyBytesMax } from '../limits.ts';
import { Refusal } from '../refusal.ts';

/**
 * A refused body up to this size is read and thrown away: on a connection that is closed while it
 * comes, its sender might never see the response (RFC 9112 section 9.6).
 */
const discardedBodyBytesMax = 1024 * 1024;

/** What the headers say of the body, before any of it is read. @throws Refusal */
export function checkFraming(
  { method, url, headers, httpVersion }: FastifyRequest['raw'],
  bodyBytesMax: number,
): void {
  // A target has no fragment (RFC 9112 section 3.2); the router would take it away.
  if (url?.includes('#')) {
    throw new Refusal('bad_request', 'The request target has a fragment (#).');
  }
  if (httpVersion === '1.1' && headers.host === undefined) {
    throw new Refusal('bad_request', 'The header host is missing.');
  }
  const length = Number(headers['content-length'] ?? 0);
  // The framework reads no body of these, so no digest could be checked over it.
  const hasNone = method === 'GET' || method === 'HEAD';
  if (hasNone && (length > 0 || headers['transfer-encoding'] !== undefined)) {
    throw new Refusal('bad_request', `A ${method} has no body here.`, lastIf(length));
  }
  if (length > bodyBytesMax) throw tooLarge({ method, bodyBytesMax }, lastIf(length));
}

/** Of a connection on which too much is announced to be thrown away, the response is the last. */
function lastIf(length: number): { readonly headers?: { readonly connection: string } } {
  return length > discardedBodyBytesMax ? lastResponse : {};
}

export const lastResponse = { headers: { connection: 'close' } };

/** The contract knows no 413 of operations that take no body. */
export function tooLarge(
  { method, bodyBytesMax }: { readonly method: string | undefined; readonly bodyBytesMax: number },
  options: ConstructorParameters<typeof Refusal>[2],
) {
  const detail = `The body is larger than ${bodyBytesMax} bytes.`;
  const code = method === 'DELETE' ? 'bad_request' : 'content_too_large';
  return new Refusal(code, detail, options);
}

/**
 * Bodies beyond the usual size, of the few routes that take them: read only for clients with a token for it and
 * people with a role for it, one at a time of each, and few at once in a process, since each is held about five
 * times (bytes, text, objects, and what the statement is made of).
 */
export class LargeBodies {
  readonly #senders = new Set<string>();
  readonly #max: number;

  constructor(max = largeBodiesMax) {
    this.#max = max;
  }

  /**
   * Lets a request of a route send a large body, or one whose size it does not say; its place is free again
   * when it is answered. @throws Refusal, whose answer is the last of its connection.
   */
  async admit(
    senderOf: (request: FastifyRequest) => Promise<string>,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<void> {
    const length = request.headers['content-length'];
    if (length !== undefined && Number(length) <= requestBodyBytesMax) return;
    // Where it is refused, the body is not waited for.
    reply.headers(lastIf(Number(length ?? Number.POSITIVE_INFINITY)).headers ?? {});
    const sender = await senderOf(request);
    if (this.#senders.size >= this.#max || this.#senders.has(sender)) {
      const detail = 'Another large request is being read; try again when it is answered.';
      throw new Refusal('service_unavailable', detail, { headers: { 'retry-after': '1' } });
    }
    reply.removeHeader('connection');
    // A client that has gone meanwhile hears nothing, and would never give its place back.
    if (reply.raw.closed) return;
    this.#senders.add(sender);
    reply.raw.once('close', () => this.#senders.delete(sender));
  }
}
