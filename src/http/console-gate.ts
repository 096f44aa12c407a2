// How a person's request passes to the operations that clients have: a session in place of token and
// signature, proof that our own page sent it, and the role's scopes. What it changes stands in the trail under
// the name of the person.

import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Caller } from '../auth/authenticate.ts';
import { findTenant } from '../auth/store.ts';
import type { Clock } from '../clock.ts';
import { type ConsoleRole, scopesOf } from '../console/person.ts';
import { type OpenSession, openSession } from '../console/sessions.ts';
import type { Sql } from '../db/connect.ts';
import { parseId, type TenantId } from '../ids.ts';
import { Refusal } from '../refusal.ts';
import type { OpenRoute } from './open-route.ts';
import {
  actOf,
  callOf,
  type HttpResponse,
  headerOf,
  mayCall,
  type SignedRoute,
} from './pipeline.ts';
import type { Attempt, Rates } from './rates.ts';

const consoleApi = '/console/api';
/** The tenant that the page shows. */
const tenantHeader = 'x-unwind-tenant';

export interface ConsoleGate {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly rates: Rates;
  /** Whether browsers reach the service over TLS alone. */
  readonly isTls: boolean;
  /** How people sign in: `none` where nothing is configured, and then no one can ask for anything. */
  readonly signIn: 'link' | 'openid' | 'none';
}

/** The same operations for people who are signed in. */
export function consoleOperations(
  routes: readonly SignedRoute[],
  gate: ConsoleGate,
): readonly OpenRoute[] {
  if (gate.signIn === 'none') return [];
  return routes.map((route) => ({
    method: route.method,
    path: `${consoleApi}${route.path}`,
    operation: 'page',
    work: (request) => handle(route, request, gate),
    ...(route.bodyBytesMax !== undefined && {
      largeBody: {
        bytesMax: route.bodyBytesMax,
        senderOf: async (request) => `console ${(await admit(route, request, gate)).name}`,
      },
    }),
  }));
}

/** Who asks for an operation: a person who is signed in, by our own page, with a role for it. @throws Refusal */
async function admit(
  route: SignedRoute,
  request: FastifyRequest,
  gate: ConsoleGate,
): Promise<OpenSession & { readonly tenantId: TenantId }> {
  checkOwnPage(request);
  const isStream = route.type === 'text/event-stream';
  // A browser connects a stream anew by itself: that does not show a person there.
  const session = await sessionOf(request, gate, isStream ? 'waits' : presenceOf(request));
  if (session === undefined) throw new Refusal('unauthorized', 'Nobody is signed in.');
  const { tenantId, role } = session;
  if (tenantId === undefined) throw new Refusal('conflict', 'There is no client to look at yet.');
  if (!mayCall(route, { scopes: scopesOf(role) })) throw lacking(role, route);
  return { ...session, tenantId };
}

/** Runs a person's request of a signed route through all checks and its handler. */
async function handle(
  route: SignedRoute,
  request: FastifyRequest,
  gate: ConsoleGate,
): Promise<HttpResponse> {
  const session = await admit(route, request, gate);
  const { tenantId, role, name } = session;
  const at = gate.clock.now();
  const caller: Caller = {
    tenantId,
    scopes: scopesOf(role),
    contract: (await findTenant(gate.sql, tenantId))?.contract ?? '2023',
    person: name,
    // Nothing is signed, so no signature is used up.
    signature: { basesSha256: [], expiresAt: at },
    act: actOf(route, request, {
      ...{ kind: 'person', name, role, at, subject: session.openId?.subject },
      origin: request.ip,
      reason: isReading(request) ? undefined : reasonOf(request),
    }),
  };
  const { sql, clock } = gate;
  const id = cookieOf(request, gate);
  const holds = async () => {
    return (await openSession(sql, clock, { id, presence: 'waits' }))?.tenantId === tenantId;
  };
  const sent = callOf(route, request, { caller, holds }, consoleApi);
  const isStream = route.type === 'text/event-stream';
  const [inQuery, search] = isStream ? takeTenant(sent.search) : [undefined, sent.search];
  const call = { ...sent, search };
  checkTenant(request, tenantId, inQuery);
  return route.handler(call);
}

function lacking(role: ConsoleRole, { scopes }: SignedRoute): Refusal {
  return new Refusal(
    'forbidden',
    `The role ${role} may not do this; it takes ${scopes.join(' or ')}.`,
  );
}

/**
 * Whether the page shows the tenant that the session looks at: another tab may have chosen another one since.
 * What changes something has to say it.
 * @throws Refusal `conflict`, with the tenant of the session; `bad_request`.
 */
function checkTenant(
  request: FastifyRequest,
  tenantId: TenantId,
  inQuery?: string | undefined,
): void {
  const stated = headerOf(request, tenantHeader) ?? inQuery;
  if (stated === undefined && isReading(request)) return;
  if (stated === undefined) {
    const detail = `The header ${tenantHeader} is missing: say for which client this is meant.`;
    throw new Refusal('bad_request', detail);
  }
  if (parseId(stated) === tenantId) return;
  const detail =
    'Another client was chosen meanwhile, in another tab. Nothing was done; reload the page to go on.';
  throw new Refusal('conflict', detail, { headers: { [tenantHeader]: tenantId } });
}

/** A browser's stream sends no headers of ours, so the tenant stands in its query, which has nothing else of ours. */
function takeTenant(search: string): [tenant: string | undefined, rest: string] {
  const [, tenant, rest = ''] = /^tenant=([^&]*)&?(.*)$/s.exec(search) ?? [];
  return tenant === undefined ? [undefined, search] : [tenant, rest];
}

/** Why a person does it, where the page asks; a header has ASCII alone, so it is percent-encoded. */
function reasonOf(request: FastifyRequest): string | undefined {
  let reason: string;
  try {
    reason = decodeURIComponent(headerOf(request, 'x-unwind-reason') ?? '').trim();
  } catch (error) {
    const detail = 'The header x-unwind-reason is not percent-encoded.';
    throw new Refusal('bad_request', detail, { cause: error });
  }
  if (/\p{Cc}/u.test(reason)) {
    throw new Refusal('bad_request', 'The header x-unwind-reason has a control character.');
  }
  return reason === '' ? undefined : reason;
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
 * The session whose cookie came along, if it is still alive; a cookie of none counts as a failed
 * authentication. A page that follows by itself `waits`: a page that no one has touched for long shows all the
 * same.
 * @throws Refusal `too_many_requests`.
 */
export async function sessionOf(
  request: FastifyRequest,
  gate: ConsoleGate,
  presence: 'waits' | 'acts' = presenceOf(request),
): Promise<OpenSession | undefined> {
  const id = cookieOf(request, gate);
  if (id === undefined) return undefined;
  const ended = new Refusal('unauthorized', 'Nobody is signed in.');
  try {
    return await gate.rates.authenticate(consoleAttempt(request, id), async () => {
      const session = await openSession(gate.sql, gate.clock, { id, presence });
      if (session === undefined) throw ended;
      return session;
    });
  } catch (error) {
    if (error === ended) return undefined;
    throw error;
  }
}

/** A person who is about to show a cookie or a link; people have no client id. */
export function consoleAttempt({ ip }: FastifyRequest, credential: string): Attempt {
  return { address: ip, clientId: 'console', credential };
}

function presenceOf(request: FastifyRequest): 'waits' | 'acts' {
  return headerOf(request, 'x-unwind-background') === '1' ? 'waits' : 'acts';
}

function cookieOf(
  request: FastifyRequest,
  { isTls }: Pick<ConsoleGate, 'isTls'>,
): string | undefined {
  return readCookie(request, cookieName(request, isTls));
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
  // The prefix `__Host-` demands the root.
  const path = isTls ? '/' : '/console';
  const secure = isTls ? '; Secure' : '';
  const end = id === undefined ? '; Max-Age=0' : '';
  reply.header('set-cookie', `${value}; Path=${path}; HttpOnly; SameSite=Strict${secure}${end}`);
}
