// The HTTP server: bytes under limits, the raw body kept for its digest, one answer for every request.
// Which checks a request passes is written in pipeline.ts, which operations there are in routes.ts.

import { randomUUID } from 'node:crypto';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Authenticator } from '../auth/authenticate.ts';
import { requestBodyBytesMax } from '../limits.ts';
import { Refusal } from '../refusal.ts';
import { type Answer, handleSigned, type SignedRoute } from './pipeline.ts';
import { isFault, toProblem } from './problem.ts';

/** What a probe learns: whether, and if not, why. */
export interface Readiness {
  readonly ready: boolean;
  readonly checks: Readonly<Record<string, string>>;
}

export interface ServerLog {
  info(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface ServerOptions {
  readonly routes: readonly SignedRoute[];
  readonly token: (request: FastifyRequest) => Promise<Answer>;
  readonly authenticator: Authenticator;
  readonly readiness: () => Promise<Readiness>;
  readonly log: ServerLog;
  readonly showSignatureBase: boolean;
}

/** How long a client may take to send its headers, and its whole request, in ms. */
const headersTimeoutMs = 10_000;
const requestTimeoutMs = 20_000;
const keepAliveTimeoutMs = 65_000;

type Work = (request: FastifyRequest) => Promise<Answer>;

/** Builds the server; the caller decides where it listens. */
export function buildServer(options: ServerOptions): FastifyInstance {
  const app = fastify({
    logger: false,
    bodyLimit: requestBodyBytesMax,
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: keepAliveTimeoutMs,
    genReqId: () => randomUUID(),
    exposeHeadRoutes: false,
    forceCloseConnections: 'idle',
    return503OnClosing: true,
  });
  app.server.headersTimeout = headersTimeoutMs;
  // The digest is over the bytes as received, so nobody parses them before the signature is checked.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.setErrorHandler((error, request, reply) => sendProblem(options, { error, request, reply }));
  app.setNotFoundHandler(() => {
    throw new Refusal('not_found', 'There is no such resource.');
  });
  addSignedRoutes(app, options);
  addRoute(app, options, { method: 'POST', path: '/auth/token', work: options.token });
  refuseOtherMethods(app, [...options.routes, { method: 'POST', path: '/auth/token' }]);
  addProbes(app, options);
  return app;
}

function addSignedRoutes(app: FastifyInstance, options: ServerOptions): void {
  for (const route of options.routes) {
    const work: Work = (request) => handleSigned(route, request, options.authenticator);
    addRoute(app, options, { method: route.method, path: route.path, work });
  }
}

function addRoute(
  app: FastifyInstance,
  options: ServerOptions,
  route: { method: SignedRoute['method']; path: string; work: Work },
): void {
  app.route({
    method: route.method,
    url: route.path,
    handler: async (request, reply) => {
      const answer = await route.work(request);
      logAnswer(options.log, { request, reply }, answer.status);
      return send(reply, request.id, { ...answer, type: 'application/json' });
    },
  });
}

/** Known path, other method: 405 with what is allowed (RFC 9110 15.5.6). */
function refuseOtherMethods(
  app: FastifyInstance,
  routes: readonly { method: SignedRoute['method']; path: string }[],
): void {
  for (const [path, known] of Map.groupBy(routes, (route) => route.path)) {
    const methods = known.map((route) => route.method);
    const allow = methods.join(', ');
    app.route({
      method: app.supportedMethods.filter((method) => !methods.some((one) => one === method)),
      url: path,
      handler: () => {
        const detail = `This resource knows ${allow}.`;
        throw new Refusal('method_not_allowed', detail, { headers: { allow } });
      },
    });
  }
}

function addProbes(app: FastifyInstance, { readiness }: ServerOptions): void {
  app.get('/healthz', (request, reply) => {
    return send(reply, request.id, {
      status: 200,
      body: '{"status":"alive"}',
      type: 'application/json',
    });
  });
  app.get('/readyz', async (request, reply) => {
    const { ready, checks } = await readiness();
    return send(reply, request.id, {
      status: ready ? 200 : 503,
      body: JSON.stringify({ status: ready ? 'ready' : 'not_ready', checks }),
      type: 'application/json',
    });
  });
}

function sendProblem(
  { log, showSignatureBase }: ServerOptions,
  failed: { error: unknown; request: FastifyRequest; reply: FastifyReply },
): FastifyReply {
  const { request, reply } = failed;
  const error = translate(failed.error);
  const problem = toProblem(error, { requestId: request.id, showSignatureBase });
  if (isFault(error)) {
    log.error({ request_id: request.id, status: problem.status, err: error }, 'request.failed');
  } else {
    logAnswer(log, failed, problem.status);
  }
  return send(reply, request.id, { ...problem, type: 'application/problem+json' });
}

/** What the framework refuses by itself, in our words. */
function translate(error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE': {
      const detail = `The body is larger than ${requestBodyBytesMax} bytes.`;
      return new Refusal('content_too_large', detail, { cause: error });
    }
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new Refusal('bad_request', 'content-length is not the length of the body.', {
        cause: error,
      });
    case 'FST_ERR_BAD_URL':
      return new Refusal('bad_request', 'The request target cannot be read.', { cause: error });
    default:
      return error;
  }
}

function logAnswer(
  log: ServerLog,
  { request, reply }: { request: FastifyRequest; reply: FastifyReply },
  status: number,
): void {
  const fields = {
    request_id: request.id,
    method: request.method,
    route: request.routeOptions.url,
    status,
    duration_ms: Math.round(reply.elapsedTime),
  };
  log.info(fields, 'request.finished');
}

function send(
  reply: FastifyReply,
  requestId: string,
  answer: Answer & { readonly type: string },
): FastifyReply {
  reply.code(answer.status).header('upvest-request-id', requestId);
  for (const [name, value] of Object.entries(answer.headers ?? {})) reply.header(name, value);
  if (answer.body === undefined) return reply.send();
  return reply.header('content-type', answer.type).send(answer.body);
}
