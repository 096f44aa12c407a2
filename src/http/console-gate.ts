// How a person's request passes to the operations that clients have: a session in place of token and
// signature, proof that our own page sent it, the role's scopes, and a record of each change.

import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Caller } from '../auth/authenticate.ts';
import type { Clock } from '../clock.ts';
import { type ConsoleRole, scopesOf } from '../console/person.ts';
import { endAct, insertAct } from '../console/session-store.ts';
import { type OpenSession, openSession } from '../console/sessions.ts';
import type { Sql } from '../db/connect.ts';
import { Refusal } from '../refusal.ts';
import type { OpenRoute } from './open-route.ts';
import { type Answer, callOf, headerOf, mayCall, type SignedRoute } from './pipeline.ts';
import { toProblem } from './problem.ts';

const consoleApi = '/console/api';

export interface ConsoleGate {
  readonly sql: Sql;
  readonly clock: Clock;
  /** Whether browsers reach the service over TLS alone. */
  readonly isTls: boolean;
}

/** The same operations for people who are signed in. */
export function consoleOperations(
  routes: readonly SignedRoute[],
  gate: ConsoleGate,
): readonly OpenRoute[] {
  return routes.map((route) => ({
    method: route.method,
    path: `${consoleApi}${route.path}`,
    operation: 'page',
    work: (request) => handle(route, request, gate),
  }));
}

/** Runs a person's request of a signed route through all checks and its handler. */
async function handle(
  route: SignedRoute,
  request: FastifyRequest,
  gate: ConsoleGate,
): Promise<Answer> {
  checkOwnPage(request);
  const session = await sessionOf(request, gate);
  if (session === undefined) throw new Refusal('unauthorized', 'Nobody is signed in.');
  const { tenantId, role } = session;
  if (tenantId === undefined) throw new Refusal('conflict', 'There is no client to look at yet.');
  const caller: Caller = {
    tenantId,
    scopes: scopesOf(role),
    // Nothing is signed, so no signature is used up.
    signature: { basesSha256: [], expiresAt: gate.clock.now() },
  };
  if (!mayCall(route, caller)) throw lacking(role, route);
  const holds = async () => (await sessionOf(request, gate, 'waits')) !== undefined;
  const call = callOf(route, request, { caller, holds }, consoleApi);
  if (isReading(request)) return route.handler(call);
  const reason = reasonOf(request);
  return recorded(gate, session, { tenantId, route, target: call.path, reason }, () => {
    return route.handler(call);
  });
}

function lacking(role: ConsoleRole, { scopes }: SignedRoute): Refusal {
  return new Refusal(
    'forbidden',
    `The role ${role} may not do this; it takes ${scopes.join(' or ')}.`,
  );
}

/** Records who asks for a change before it is tried, and its status after it. */
async function recorded(
  { sql, clock }: ConsoleGate,
  person: OpenSession,
  act: {
    tenantId: Caller['tenantId'];
    route: SignedRoute;
    target: string;
    reason: string | undefined;
  },
  work: () => Promise<Answer>,
): Promise<Answer> {
  const { tenantId, route, target, reason } = act;
  const { name, role } = person;
  const operation = route.operation;
  const now = clock.now();
  const actId = await insertAct(sql, { name, role, tenantId, operation, target, reason, now });
  try {
    const answer = await work();
    await endAct(sql, { tenantId, actId, status: answer.status });
    return answer;
  } catch (error) {
    const { status } = toProblem(error, actId, { showSignatureBase: false, errorsUrl: undefined });
    await endAct(sql, { tenantId, actId, status });
    throw error;
  }
}

/** Why a person does it, where the page asks; a header has ASCII alone, so it is percent-encoded. */
function reasonOf(request: FastifyRequest): string | undefined {
  try {
    const reason = decodeURIComponent(headerOf(request, 'x-unwind-reason') ?? '').trim();
    return reason === '' ? undefined : reason;
  } catch (error) {
    const detail = 'The header x-unwind-reason is not percent-encoded.';
    throw new Refusal('bad_request', detail, { cause: error });
  }
}

function isReading({ method }: FastifyRequest): boolean {
  return method === 'GET' || method === 'HEAD';
}

/**
 * Whether our own page sent a request: cookies alone would also come with a form of another site. What
 * changes something needs a header that no form can set, and an origin that is the service itself.
 * @throws Refusal `forbidden`.
 */
export function checkOwnPage(request: FastifyRequest): void {
  const site = headerOf(request, 'sec-fetch-site');
  if (site !== undefined && site !== 'same-origin') throw foreign();
  if (isReading(request)) return;
  const origin = headerOf(request, 'origin') ?? '';
  const isOwn = URL.canParse(origin) && new URL(origin).host === request.host;
  if (!isOwn || headerOf(request, 'x-unwind-console') !== '1') throw foreign();
}

function foreign(): Refusal {
  return new Refusal('forbidden', 'Only the page of the console itself may send this.');
}

/**
 * The session whose cookie came along, if it is still alive. A page that follows by itself `waits`: that
 * nobody has touched it for long shows all the same.
 */
export function sessionOf(
  request: FastifyRequest,
  { sql, clock, isTls }: ConsoleGate,
  presence: 'waits' | 'acts' = headerOf(request, 'x-unwind-background') === '1' ? 'waits' : 'acts',
): Promise<OpenSession | undefined> {
  const id = readCookie(request, cookieName(request, isTls));
  return openSession(sql, clock, { id, presence });
}

/**
 * Browsers share cookies between the ports of a machine, so the name has the port: two sandboxes do not
 * sign each other out. Over TLS its prefix makes the browser refuse it from anywhere else.
 */
export function cookieName({ host }: FastifyRequest, isTls: boolean): string {
  const port = /:(\d{1,5})$/.exec(host)?.[1] ?? '';
  return `${isTls ? '__Host-' : ''}unwind_console${port}`;
}

export function readCookie(request: FastifyRequest, name: string): string | undefined {
  const pairs = (headerOf(request, 'cookie') ?? '').split(';').map((pair) => pair.trim());
  return pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1);
}

/** Sets the cookie of a session, or takes it away. */
export function setCookie(
  request: FastifyRequest,
  reply: FastifyReply,
  { id, isTls }: { readonly id: string | undefined; readonly isTls: boolean },
): void {
  const value = `${cookieName(request, isTls)}=${id ?? ''}`;
  const secure = isTls ? '; Secure' : '';
  const end = id === undefined ? '; Max-Age=0' : '';
  reply.header('set-cookie', `${value}; Path=/; HttpOnly; SameSite=Strict${secure}${end}`);
}
