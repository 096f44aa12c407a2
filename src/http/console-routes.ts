// The console as a browser meets it: its one page, the files of that page, and signing in and out. What the
// page then asks for are the operations of the API, below `/console/api` (console-gate.ts).

import type { FastifyRequest } from 'fastify';
import type { Audits } from '../console/audits.ts';
import { scopesOf } from '../console/person.ts';
import { chooseTenant, findTenants } from '../console/session-store.ts';
import { endSession, signInByLink, signOut } from '../console/sessions.ts';
import { parseId } from '../ids.ts';
import { consoleTenantsMax } from '../limits.ts';
import { Refusal } from '../refusal.ts';
import {
  type ConsoleGate,
  checkOwnPage,
  consoleAttempt,
  cookieName,
  readCookie,
  sessionOf,
  setCookie,
} from './console-gate.ts';
import { type OpenIdSignIn, openIdRoutes, signOutAddress } from './console-openid.ts';
import { operatorRoutes } from './console-operator.ts';
import { asset, noSuchPage, shell } from './console-page.ts';
import { jsonBody } from './json-body.ts';
import { type OpenRoute, page, type Work } from './open-route.ts';
import { json } from './page.ts';
import { bodyOf } from './pipeline.ts';

export interface ConsoleOptions extends ConsoleGate {
  readonly isSandbox: boolean;
  readonly audits: Audits;
  /** Where people sign in at a provider. */
  readonly openId?: OpenIdSignIn | undefined;
}

/** Everything at `/console` but the operations. */
export function consoleRoutes(options: ConsoleOptions): readonly OpenRoute[] {
  const post = (path: string, work: Work): OpenRoute => {
    return { method: 'POST', path, operation: 'page', work };
  };
  const shown = [
    page('/console', () => shell(options)),
    page('/console/*', async (request) => {
      const { '*': rest = '' } = request.params as Readonly<Record<string, string>>;
      // A place in the page is one or two words; what looks like a file or an operation is none.
      if (!/^[a-z]*(\/[\w.-]*)?$/.test(rest) || rest.startsWith('api')) throw noSuchPage();
      return shell(options);
    }),
    page('/console/assets/:digest/:file', (request) => asset(request)),
  ];
  const { signIn: way, openId } = options;
  if (way === 'none') {
    return [...shown, page('/console/session', async () => json(200, { person: null }))];
  }
  return [
    ...shown,
    page('/console/session', (request) => showSession(request, options)),
    ...(way === 'link'
      ? [post('/console/sign-in', (request, reply) => signIn(options, request, reply))]
      : []),
    ...(openId === undefined ? [] : openIdRoutes({ ...options, openId })),
    ...operatorRoutes(options),
    post('/console/sign-out', (request, reply) => leave(options, request, reply)),
    post('/console/tenant', (request) => changeTenant(request, options)),
  ];
}

/** Who is signed in; that no one is, is a response and no error. */
async function showSession(request: FastifyRequest, options: ConsoleOptions) {
  checkOwnPage(request);
  const session = await sessionOf(request, options);
  if (session === undefined) return json(200, { person: null });
  const tenants = await findTenants(options.sql, {
    tenants: session.openId?.tenants,
    limit: consoleTenantsMax,
  });
  const { name, role, tenantId, expiresAt } = session;
  return json(200, {
    person: name,
    role,
    scopes: scopesOf(role),
    tenant: tenantId ?? null,
    tenants,
    expires_at: expiresAt.toISOString(),
  });
}

function textOf(request: FastifyRequest, name: string): string {
  const contentType = request.headers['content-type'];
  const body = jsonBody({ contentType, rawBody: bodyOf(request) });
  const value: unknown = Object(body)[name];
  if (typeof value !== 'string') throw new Refusal('bad_request', `/${name} is missing.`);
  return value;
}

/** A sign-in gets an id of its own that was known to no one; a session that was open ends. */
async function signIn(options: ConsoleOptions, ...[request, reply]: Parameters<Work>) {
  const { sql, clock, rates, isTls } = options;
  checkOwnPage(request);
  const link = textOf(request, 'link');
  const id = await rates.authenticate(consoleAttempt(request, link), async () => {
    const begun = await signInByLink(sql, clock, { secret: link, origin: request.ip });
    if (begun !== undefined) return begun;
    const detail = 'This link was used before, or its ten minutes are over.';
    throw new Refusal('unauthorized', detail);
  });
  // Who has just signed in is not kept out by others who guess behind the same address.
  rates.prove(consoleAttempt(request, id));
  await endSession(sql, readCookie(request, cookieName(request, isTls)));
  setCookie(request, reply, { id, isTls });
  return { status: 204 };
}

async function leave(options: ConsoleOptions, ...[request, reply]: Parameters<Work>) {
  const { sql, clock, isTls, openId } = options;
  checkOwnPage(request);
  const session = await sessionOf(request, options);
  if (session !== undefined) await signOut(sql, clock, session, request.ip);
  setCookie(request, reply, { id: undefined, isTls });
  const location = openId && (await signOutAddress(openId, session?.openId));
  return location === undefined ? { status: 204 } : json(200, { location: location.href });
}

async function changeTenant(request: FastifyRequest, options: ConsoleOptions) {
  checkOwnPage(request);
  const session = await sessionOf(request, options);
  if (session === undefined) throw new Refusal('unauthorized', 'Nobody is signed in.');
  const tenantId = parseId<'tenant'>(textOf(request, 'tenant'));
  const isChosen =
    tenantId !== undefined && (await chooseTenant(options.sql, session.hash, tenantId));
  if (!isChosen) throw new Refusal('not_found', 'There is no such client.');
  return { status: 204 };
}
