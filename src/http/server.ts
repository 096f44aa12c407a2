// The HTTP server: bytes under limits, the raw body kept for its digest, one answer for every request.
// Which checks a request passes is written in pipeline.ts, which operations there are in routes.ts.

import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import type { Authenticator } from '../auth/authenticate.ts';
import type { Contract } from '../auth/store.ts';
import { requestBodyBytesMax, stalledConnectionMs } from '../limits.ts';
import type { Answered } from '../metrics/metrics.ts';
import { Refusal } from '../refusal.ts';
import { checkFraming, LargeBodies, lastResponse, tooLarge } from './bodies.ts';
import { brokenRequests } from './broken-request.ts';
import { type ConnectionLimits, Connections, usualConnectionLimits } from './connections.ts';
import { type Timeouts, usualTimeouts, withinDeadline } from './deadline.ts';
import { documentRoutes } from './document-routes.ts';
import type { LargeBody, OpenResponse, OpenRoute, Work } from './open-route.ts';
import type { OriginOf } from './origin.ts';
import { OtherMethods } from './other-methods.ts';
import { admitLargeBody, handleSigned, type SignedRoute } from './pipeline.ts';
import { probePaths } from './probes.ts';
import { isFault, type ProblemSettings, toProblem } from './problem.ts';
import type { Rates } from './rates.ts';
import { type Recording, recordResponses } from './record-responses.ts';
import { type Certificate, fastifyOver } from './secure-server.ts';

export interface ServerLog {
  info(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface ServerOptions {
  readonly routes: readonly SignedRoute[];
  /** The token, probes and pages. */
  readonly open: readonly OpenRoute[];
  readonly authenticator: Authenticator;
  readonly rates: Rates;
  readonly originOf: OriginOf;
  readonly problems: ProblemSettings;
  /** Addresses and networks of proxies whose `x-forwarded-for` is believed. */
  readonly trustedProxies: readonly string[];
  readonly log: ServerLog;
  /** A sentence that the first page shows in red. */
  readonly warning?: string | undefined;
  /** That its document describes; default the reference. */
  readonly contract?: Contract | undefined;
  readonly certificate?: Certificate | undefined;
  /** Keeps requests with what became of them. */
  readonly recording?: Recording | undefined;
  /** Called with every request that was answered. */
  readonly onResponse?: (answered: Answered) => void;
  /** What differs from the usual. */
  readonly timeouts?: Partial<Timeouts>;
  readonly connections?: ConnectionLimits;
}

/** Header bytes are bounded at 16 KiB by Node; within that a path parameter may have any length. */
const paramLengthMax = 16 * 1024;
/** Builds the server; the caller decides where it listens. */
export function buildServer(options: ServerOptions): FastifyInstance {
  const { headersMs, requestMs, checkMs } = { ...usualTimeouts, ...options.timeouts };
  const broken = brokenRequests(options.log, options.problems);
  // The document is made of what this server has, so it describes nothing else.
  const open = [...options.open, ...documentRoutes(options)];
  const others = new OtherMethods([...open, ...options.routes]);
  const app = fastifyOver(options.certificate, {
    logger: false,
    bodyLimit: requestBodyBytesMax,
    routerOptions: { maxParamLength: paramLengthMax },
    requestTimeout: requestMs,
    connectionTimeout: stalledConnectionMs,
    // A request without a host is refused by ourselves, so that the response has its form.
    http: { connectionsCheckingInterval: checkMs, requireHostHeader: false },
    genReqId: () => randomUUID(),
    trustProxy: options.trustedProxies.length > 0 && [...options.trustedProxies],
    // A HEAD passes the checks of its GET, is signed as HEAD, and gets the headers alone.
    exposeHeadRoutes: true,
    forceCloseConnections: 'idle',
    // What comes while the service stops is answered like anything else, and ends its connection.
    return503OnClosing: false,
    clientErrorHandler: broken.answer,
    rewriteUrl: (request) => others.hide(request),
    frameworkErrors: (error, request, reply) => {
      others.restore(request.raw);
      return sendProblem(options, { error, request, reply });
    },
  });
  app.addHook('onRequest', (request, _reply, done) => {
    others.restore(request.raw);
    done();
  });
  app.server.headersTimeout = headersMs;
  const { connections: limits = usualConnectionLimits() } = options;
  const connections = new Connections(limits, options.trustedProxies);
  connections.watch(app.server);
  broken.watch(app.server);
  // Other expectations than 100-continue are ignored (RFC 9110 section 10.1.1).
  app.server.on('checkExpectation', (request, response) => {
    app.server.emit('request', request, response);
  });
  endConnectionsOnClose(app, () => connections.closeIdle(), checkMs);
  if (options.onResponse !== undefined) reportResponses(app, options.onResponse);
  takeBodies(app, connections);
  app.setErrorHandler((error, request, reply) => sendProblem(options, { error, request, reply }));
  app.setNotFoundHandler(async ({ raw, id }, reply) => {
    // `OPTIONS *` asks the server, not a resource (RFC 9110 section 9.3.7).
    if (raw.method === 'OPTIONS' && raw.url === '*') return send(reply, id, { status: 204 });
    throw new Refusal('not_found', 'There is no such resource.');
  });
  if (options.recording !== undefined) recordResponses(app, options.recording, open);
  const largeBodies = new LargeBodies();
  for (const { method, path, work, largeBody } of open) {
    addRoute(app, options, {
      method,
      path,
      work,
      ...(largeBody && takeLarge(largeBody, largeBodies)),
    });
  }
  addSignedRoutes(app, options, largeBodies);
  others.answer(app, ({ id }, reply, headers) => send(reply, id, { status: 204, headers }));
  return app;
}

/** What is looked at before a handler, and counted after it. */
function takeBodies(app: FastifyInstance, connections: Connections): void {
  // The digest is over the bytes as received, so nothing parses them before the signature is checked.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.addHook('onRequest', ({ raw, routeOptions }, reply, done) => {
    const isProbe = probePaths.includes(routeOptions.url ?? '');
    reply.headers(connections.check(raw.socket, isProbe));
    if (raw.method === 'GET' && !isProbe) connections.checkUnread();
    checkFraming(raw, routeOptions.bodyLimit ?? requestBodyBytesMax);
    done();
  });
  app.addHook('onSend', (_request, reply, payload, done) => {
    // A buffer is shared by all responses that send it; a text is this one's own.
    if (typeof payload === 'string') connections.countUnread(reply.raw, payload.length);
    done();
  });
}

/**
 * A connection whose request is under way when the server closes ends with its response; otherwise it
 * would be kept alive, and the server open, until its client has been silent for long enough.
 */
function endConnectionsOnClose(
  app: FastifyInstance,
  closeSilent: () => void,
  graceMs: number,
): void {
  let isClosing = false;
  app.addHook('preClose', (done) => {
    isClosing = true;
    // Node does not count those as idle that have not sent a whole request yet: one may be coming.
    setTimeout(closeSilent, graceMs).unref();
    done();
  });
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (isClosing) reply.header('connection', 'close');
    done();
  });
  // For a response whose headers had gone before.
  app.addHook('onResponse', (_request, _reply, done) => {
    if (isClosing) setImmediate(() => app.server.closeIdleConnections());
    done();
  });
}

function reportResponses(app: FastifyInstance, onResponse: (answered: Answered) => void): void {
  app.addHook('onResponse', (request, reply, done) => {
    // How long a stream was read says nothing of the service.
    if (reply.getHeader('content-type') === 'text/event-stream') return done();
    const { method, routeOptions } = request;
    const { statusCode: status, elapsedTime: durationMs } = reply;
    onResponse({ method, route: routeOptions.url ?? 'none', status, durationMs });
    done();
  });
}

function addSignedRoutes(
  app: FastifyInstance,
  options: ServerOptions,
  largeBodies: LargeBodies,
): void {
  for (const route of options.routes) {
    const { method, path, bodyBytesMax } = route;
    const work: Work = (request, reply) => handleSigned(route, { request, reply }, options);
    const senderOf = (request: FastifyRequest) => admitLargeBody(route, request, options);
    const large = bodyBytesMax && takeLarge({ bytesMax: bodyBytesMax, senderOf }, largeBodies);
    addRoute(app, options, { method, path, work, ...(large || {}) });
  }
}

/** What a route has besides that takes bodies beyond the usual size. */
function takeLarge({ bytesMax, senderOf }: LargeBody, largeBodies: LargeBodies) {
  return {
    bodyLimit: bytesMax,
    onRequest: (request: FastifyRequest, reply: FastifyReply) => {
      return largeBodies.admit(senderOf, request, reply);
    },
  };
}

function addRoute(
  app: FastifyInstance,
  options: ServerOptions,
  {
    work,
    path,
    ...route
  }: Pick<RouteOptions, 'bodyLimit' | 'onRequest'> & {
    method: SignedRoute['method'];
    path: string;
    work: Work;
  },
): void {
  const { deadlineMs } = { ...usualTimeouts, ...options.timeouts };
  app.route({
    ...route,
    url: path,
    handler: async (request, reply) => {
      const response = await withinDeadline(deadlineMs, () => work(request, reply));
      logResponse(options.log, { request, reply }, response.status);
      return send(reply, request.id, response);
    },
  });
}

function sendProblem(
  { log, problems }: ServerOptions,
  failed: { error: unknown; request: FastifyRequest; reply: FastifyReply },
): FastifyReply {
  const { request, reply } = failed;
  const error = translate(failed);
  const problem = toProblem(error, request.id, problems);
  if (isFault(error)) {
    log.error({ request_id: request.id, status: problem.status, err: error }, 'request.failed');
  } else {
    logResponse(log, failed, problem.status);
  }
  return send(reply, request.id, { ...problem, type: 'application/problem+json' });
}

function ofRequest({ method, routeOptions }: FastifyRequest) {
  return { method, bodyBytesMax: routeOptions.bodyLimit ?? requestBodyBytesMax };
}

/** What the framework refuses by itself, in our words. */
function translate({ error, request }: { error: unknown; request: FastifyRequest }): unknown {
  if (error !== undefined && request.raw.errored === error) {
    return new Refusal('bad_request', 'The body did not arrive.', { cause: error });
  }
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return tooLarge(ofRequest(request), { ...lastResponse, cause: error });
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new Refusal('bad_request', 'content-length is not the length of the body.', {
        cause: error,
      });
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new Refusal('unsupported_media_type', 'The header content-type cannot be read.', {
        cause: error,
      });
    case 'FST_ERR_BAD_URL':
      return new Refusal('bad_request', 'The request target cannot be read.', { cause: error });
    default:
      return error;
  }
}

function logResponse(
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

/** Responses are not to be stored or sniffed, unless they say otherwise as documents do. */
const usualHeaders = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' } as const;

function send(reply: FastifyReply, requestId: string, response: OpenResponse): FastifyReply {
  reply.code(response.status).headers({ ...usualHeaders, 'upvest-request-id': requestId });
  if (response.headers !== undefined) reply.headers(response.headers);
  const { type = 'application/json' } = response;
  if (response.stream !== undefined) {
    reply.header('content-type', type);
    return reply.send(reply.request.method === 'HEAD' ? undefined : response.stream());
  }
  if (response.body === undefined) return reply.send();
  return reply.header('content-type', type).serializer(asItIs).send(response.body);
}

/** A text by itself would be given a charset by the framework, and JSON has none (RFC 8259, 11). */
function asItIs(text: string): string {
  return text;
}
