// Signing in at the console through an identity provider: out to it, and back with what it proves. What has to
// come back stays sealed in a cookie of the browser that went, so the service keeps nothing of those who
// never return, and any process of it can end a sign-in.

import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Seal } from '../auth/seal.ts';
import { type KnownPerson, lacksClaims, type OpenIdRules, personOf } from '../console/openid.ts';
import { findTenants, type OpenIdSession } from '../console/session-store.ts';
import { beginSession, endSession } from '../console/sessions.ts';
import { type OpenIdAttempt, OpenIdProvider } from '../egress/openid-provider.ts';
import { Refusal } from '../refusal.ts';
import {
  type ConsoleGate,
  checkOwnPage,
  consoleAttempt,
  cookieName,
  readCookie,
  setCookie,
} from './console-gate.ts';
import { shell } from './console-page.ts';
import { type OpenResponse, type OpenRoute, page } from './open-route.ts';
import { problemKinds } from './problem.ts';
import type { ServerLog } from './server.ts';

export interface OpenIdSignIn {
  readonly provider: OpenIdProvider;
  readonly rules: OpenIdRules;
  /** The same in every process of the database. */
  readonly seal: Seal;
  /** Where browsers reach the service: `https://unwind.example.com`. */
  readonly url: string;
}

interface Options extends ConsoleGate {
  readonly isSandbox: boolean;
  readonly openId: OpenIdSignIn;
}

/** How long a person may take to sign in at the identity provider, in ms. */
const openIdSignInMs = 10 * 60_000;

/** Bytes of an ID token that a session keeps for signing out; without it the provider asks the person. */
const openIdTokenBytesMax = 16_384;

/** Where the provider sends people back to; it has to know this address. */
export const openIdReturnPath = '/console/openid/callback';

/** Signing in through a provider, where the settings name one; nothing is asked of it yet. */
export function openIdSignIn(
  settings: OpenIdRules & {
    readonly url: string | undefined;
    readonly issuer: string | undefined;
    readonly clientId: string | undefined;
    readonly clientSecret: string | undefined;
    readonly scopes: string;
  },
  { log, seal }: { readonly log: ServerLog; readonly seal: Seal },
): OpenIdSignIn | undefined {
  const { url, issuer, clientId, clientSecret, scopes, ...rules } = settings;
  if (url === undefined || issuer === undefined || clientId === undefined) return undefined;
  const redirectUri = url + openIdReturnPath;
  const asked = { issuer, clientId, clientSecret, scopes, redirectUri };
  return { provider: new OpenIdProvider({ ...asked, log }), rules, seal, url };
}

export function openIdRoutes(options: Options): readonly OpenRoute[] {
  return [
    page('/console/openid', (request, reply) => {
      return shownToPerson(options, () => begin(options, request, reply));
    }),
    page(openIdReturnPath, (request, reply) => {
      return shownToPerson(options, () => finish(options, request, reply));
    }),
  ];
}

/** Where a person who signs out here signs out of the provider as well. */
export async function signOutAddress(
  { provider, seal, url }: OpenIdSignIn,
  session: OpenIdSession | undefined,
): Promise<URL | undefined> {
  if (session?.idToken === undefined) return undefined;
  const idToken = seal.open(tokenSealed, session.idToken).toString();
  return provider.signOutUrl(idToken, `${url}/console`);
}

const tokenSealed = 'console id token';
const attemptSealed = 'console sign-in';

/** A person sees a page, also where the response is no. */
async function shownToPerson(
  { signIn, isSandbox }: Options,
  work: () => Promise<OpenResponse>,
): Promise<OpenResponse> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const { status } = problemKinds[error.code];
    return shell({ signIn, isSandbox, refused: { status, words: error.message } });
  }
}

/** What a browser keeps while its person is at the provider. */
interface Kept extends OpenIdAttempt {
  /** Unix time in ms after which it counts no more. */
  readonly until: number;
  /** The place in the console that was asked for. */
  readonly place: string;
}

/** Sends a browser to the provider. A new sign-in ends the old session first. */
async function begin(options: Options, request: FastifyRequest, reply: FastifyReply) {
  const { openId, clock, sql, isTls } = options;
  checkOwnPage(request);
  const query = request.query as Readonly<Record<string, string>>;
  const { url, attempt } = await openId.provider.begin(query['anew'] === '1');
  await endSession(sql, readCookie(request, cookieName(request, isTls)));
  const until = clock.now().getTime() + openIdSignInMs;
  keep(options, { request, reply }, { ...attempt, until, place: placeOf(query['to']) });
  return { status: 303, headers: { location: url.href } };
}

/** Lets in whom the provider has named. The id of the session is new, whatever the browser had before. */
async function finish(options: Options, request: FastifyRequest, reply: FastifyReply) {
  const { openId, sql, clock, rates, isTls } = options;
  const kept = keptOf(options, request);
  keep(options, { request, reply }, undefined);
  const { state } = request.query as Readonly<Record<string, unknown>>;
  if (kept === undefined || state !== kept.state) {
    const detail =
      `This sign-in was not begun in this browser at ${openId.url}, more than ten minutes ago, or ` +
      'begun anew in another tab. Sign in again.';
    throw new Refusal('unauthorized', detail);
  }
  const search = request.url.slice(request.url.indexOf('?') + 1);
  // The provider may take its time.
  const tried = { ...consoleAttempt(request, kept.state), apart: 'openid' };
  const id = await rates.authenticate(tried, async () => {
    const { provider, rules } = openId;
    const lacks = (claims: Readonly<Record<string, unknown>>) => lacksClaims(claims, rules);
    const { claims, idToken } = await provider.finish(search, kept, lacks);
    const person = personOf(claims, rules);
    if ('refused' in person) throw new Refusal('forbidden', person.refused);
    await refuseWithoutClient(options, person);
    const session = sessionOf(openId, person, idToken);
    return beginSession(sql, clock, { ...person, openId: session, origin: request.ip });
  });
  rates.prove(consoleAttempt(request, id));
  await endSession(sql, readCookie(request, cookieName(request, isTls)));
  setCookie(request, reply, { id, isTls });
  return { status: 303, headers: { location: `/console${kept.place}` } };
}

function sessionOf({ seal }: OpenIdSignIn, person: KnownPerson, idToken: string): OpenIdSession {
  const { subject, tenants } = person;
  const bytes = Buffer.from(idToken);
  const isKept = bytes.length <= openIdTokenBytesMax;
  return { subject, tenants, idToken: isKept ? seal.seal(tokenSealed, bytes) : undefined };
}

async function refuseWithoutClient(
  { sql }: Options,
  { name, tenants }: KnownPerson,
): Promise<void> {
  if (tenants === undefined) return;
  const known = await findTenants(sql, { tenants, limit: 1 });
  if (known.length > 0) return;
  throw new Refusal('forbidden', `${name} may look at clients that this service does not have.`);
}

/** A place of the console and nothing else, so that no sign-in leads elsewhere. */
function placeOf(asked: string | undefined): string {
  return asked !== undefined && /^\/[a-z]+(\/[\w.-]+)?$/.test(asked) ? asked : '';
}

/**
 * The cookie of a sign-in under way. It has to come along when another site, the provider, leads back here:
 * `Lax`, where that of a session is `Strict`.
 */
function keep(
  { isTls, openId }: Options,
  { request, reply }: { readonly request: FastifyRequest; readonly reply: FastifyReply },
  kept: Kept | undefined,
): void {
  const value =
    kept === undefined
      ? ''
      : openId.seal.seal(attemptSealed, Buffer.from(JSON.stringify(kept))).toString('base64url');
  const path = isTls ? '/' : '/console/openid';
  const seconds = kept === undefined ? 0 : openIdSignInMs / 1_000;
  const secure = isTls ? '; Secure' : '';
  reply.header(
    'set-cookie',
    `${signInCookie(request, isTls)}=${value}; Path=${path}; Max-Age=${seconds}; HttpOnly; SameSite=Lax${secure}`,
  );
}

function keptOf({ isTls, openId, clock }: Options, request: FastifyRequest): Kept | undefined {
  const value = readCookie(request, signInCookie(request, isTls)) ?? '';
  if (!/^[\w-]{40,2000}$/.test(value)) return undefined;
  let opened: string;
  try {
    opened = openId.seal.open(attemptSealed, Buffer.from(value, 'base64url')).toString();
  } catch {
    // Changed, or sealed by another service.
    return undefined;
  }
  const kept: Kept = JSON.parse(opened);
  return kept.until > clock.now().getTime() ? kept : undefined;
}

function signInCookie(request: FastifyRequest, isTls: boolean): string {
  return cookieName(request, isTls).replace('unwind_console', 'unwind_sign_in');
}
