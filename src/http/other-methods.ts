// What a path answers to methods that none of its routes has.

import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Refusal } from '../refusal.ts';
import { allowedMethods } from './open-route.ts';

type Responder = (
  request: FastifyRequest,
  reply: FastifyReply,
  headers: Readonly<Record<string, string>>,
) => FastifyReply;

/**
 * Known path, other method: OPTIONS says what is allowed, all others are 405 (RFC 9110 15.5.6).
 *
 * The router keeps a tree of all paths for each method. Methods that no route has go by one of them while it
 * looks: with all thirty of Node, their trees would be four fifths of what a start of the service makes.
 */
export class OtherMethods {
  readonly #routed: ReadonlySet<string>;
  readonly #allowed: ReadonlyMap<string, readonly string[]>;
  readonly #hidden = new WeakMap<IncomingMessage, string>();
  readonly #standIn = 'TRACE';

  constructor(routes: readonly { readonly method: string; readonly path: string }[]) {
    this.#allowed = allowedMethods(routes);
    this.#routed = new Set([...this.#allowed.values()].flat());
  }

  /** Before the router looks. @returns the target, as it is. */
  hide(request: IncomingMessage): string {
    const { method = '', url = '' } = request;
    if (!this.#routed.has(method)) {
      this.#hidden.set(request, method);
      request.method = this.#standIn;
    }
    return url;
  }

  /** After it has looked. */
  restore(request: IncomingMessage): void {
    const method = this.#hidden.get(request);
    if (method !== undefined) request.method = method;
  }

  /** @param options answers OPTIONS with these headers. */
  answer(app: FastifyInstance, options: Responder): void {
    const all = [...this.#routed, this.#standIn];
    for (const [path, methods] of this.#allowed) {
      const headers = { allow: methods.join(', ') };
      const refuse = async () => {
        const detail = `This resource knows ${headers.allow}.`;
        throw new Refusal('method_not_allowed', detail, { headers });
      };
      app.route({
        method: all.filter((method) => !methods.includes(method)),
        url: path,
        onRequest: refuse,
        handler: refuse,
      });
      app.options(path, async (request, reply) => options(request, reply, headers));
    }
  }
}
