// Routes outside the signed ones: the token, probes and pages. And what RFC 9110 asks of every path:
// HEAD wherever there is GET, OPTIONS with what is allowed, 405 for the rest.

import type { FastifyReply, FastifyRequest } from 'fastify';
import type { OperationId } from './openapi/operations.ts';
import type { HttpResponse } from './pipeline.ts';

/** A response whose body may be bytes that others share: then none of them costs its length. */
export type OpenResponse = Omit<HttpResponse, 'body'> & { readonly body?: string | Buffer };

/** Answers a request, or refuses it. Headers that belong to both are set on the reply. */
export type Work = (request: FastifyRequest, reply: FastifyReply) => Promise<OpenResponse>;

/** Bodies beyond the usual size: up to how many bytes, and who sends one, which is asked before it is read. */
export interface LargeBody {
  readonly bytesMax: number;
  /** @throws Refusal of who may not. */
  readonly senderOf: (request: FastifyRequest) => Promise<string>;
}

/** A route that does its own checks: nothing is authenticated when `work` begins. */
export interface OpenRoute {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  /** Its id in the API document, or that it is a page for people, which the document leaves out. */
  readonly operation: OperationId | 'page';
  readonly work: Work;
  /** Absent: bodies of the usual size. */
  readonly largeBody?: LargeBody;
}

/** A page for people. */
export function page(path: string, work: Work): OpenRoute {
  return { method: 'GET', path, operation: 'page', work };
}

/** The methods of each path, as the header `allow` lists them (RFC 9110 sections 9.3.2, 9.3.7). */
export function allowedMethods(
  routes: readonly { readonly method: string; readonly path: string }[],
): ReadonlyMap<string, readonly string[]> {
  const allowed = new Map<string, readonly string[]>();
  for (const [path, known] of Map.groupBy(routes, (route) => route.path)) {
    const methods = known.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
    allowed.set(path, [...methods, 'OPTIONS']);
  }
  return allowed;
}
