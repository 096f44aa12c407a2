// Signing in at the console and out again. A session is a random id in a cookie, of which the database keeps
// the hash; it ends after a while without its person, and after a day's work at the latest.

import { newSecret, sha256 } from '../auth/secret.ts';
import { type Clock, later } from '../clock.ts';
import type { Sql, Tx } from '../db/connect.ts';
import { inTransaction } from '../db/transaction.ts';
import { consoleIdleMs, consoleLinkMs, consoleSeenMs, consoleSessionMs } from '../limits.ts';
import { type Act, allTenants } from '../trail/act.ts';
import { recordAct } from '../trail/acts-store.ts';
import type { Person } from './person.ts';
import {
  deleteSession,
  findSession,
  insertLink,
  insertSession,
  type OpenIdSession,
  type Session,
  takeLink,
  touchSession,
} from './session-store.ts';

/** What a link carries and a cookie: 256 bits in base64url. */
const secretForm = /^[A-Za-z0-9_-]{43}$/;

/** Makes a link with which this person signs in once. @returns the secret in it. */
export async function makeLink(sql: Sql, clock: Clock, person: Person): Promise<string> {
  const secret = newSecret();
  const now = clock.now();
  await insertLink(sql, {
    ...person,
    hash: sha256(secret),
    now,
    expiresAt: later(now, consoleLinkMs),
  });
  return secret;
}

/** The address of a link: behind the `#`, the secret reaches no log, no proxy and no referrer. */
export function linkAddress(serviceUrl: string, secret: string): string {
  return `${serviceUrl}/console#sign-in=${secret}`;
}

/**
 * @param origin the address of the browser, for the trail.
 * @returns the id of the new session; undefined: the link is not known, was used, or is too old.
 */
export async function signInByLink(
  sql: Sql,
  clock: Clock,
  { secret, origin }: { readonly secret: string; readonly origin: string },
): Promise<string | undefined> {
  if (!secretForm.test(secret)) return undefined;
  return inTransaction(sql, async (tx) => {
    const now = clock.now();
    const person = await takeLink(tx, { hash: sha256(secret), now });
    return person && insertNewSession(tx, { ...person, openId: undefined, origin, now });
  });
}

/** Begins a session of a person whom an identity provider has named. @returns its id. */
export async function beginSession(
  sql: Sql,
  clock: Clock,
  who: Person & { readonly openId: OpenIdSession; readonly origin: string },
): Promise<string> {
  return inTransaction(sql, (tx) => insertNewSession(tx, { ...who, now: clock.now() }));
}

interface Beginning extends Person {
  readonly openId: OpenIdSession | undefined;
  readonly origin: string;
  readonly now: Date;
}

async function insertNewSession(tx: Tx, { origin, now, ...who }: Beginning): Promise<string> {
  const id = newSecret();
  const expiresAt = later(now, consoleSessionMs);
  await insertSession(tx, { ...who, hash: sha256(id), now, expiresAt });
  await recordAct(tx, allTenants, actOf('sign_in', who, { origin, now }));
  return id;
}

/** Of no one client: who signs in may look at several. */
function actOf(
  operation: 'sign_in' | 'sign_out',
  { name, role, openId }: Person & Pick<Session, 'openId'>,
  { origin, now: at }: { readonly origin: string; readonly now: Date },
): Act {
  const by = { kind: 'person', name, role, subject: openId?.subject, origin } as const;
  const what = { operation, target: '/console', reason: undefined, detail: undefined };
  return { ...by, ...what, at, requestSha256: undefined };
}

/** Ends the session of a person who signs out. */
export async function signOut(
  sql: Sql,
  clock: Clock,
  session: OpenSession,
  origin: string,
): Promise<void> {
  await inTransaction(sql, async (tx) => {
    const isEnded = await deleteSession(tx, session.hash);
    const act = actOf('sign_out', session, { origin, now: clock.now() });
    if (isEnded) await recordAct(tx, allTenants, act);
  });
}

export interface OpenSession extends Session {
  readonly hash: Buffer;
}

/** The session of a cookie; where its person acts, it is then alive for another while. */
export async function openSession(
  sql: Sql,
  clock: Clock,
  { id, presence }: { readonly id: string | undefined; readonly presence: 'waits' | 'acts' },
): Promise<OpenSession | undefined> {
  if (id === undefined || !secretForm.test(id)) return undefined;
  const hash = sha256(id);
  const now = clock.now();
  const session = await findSession(sql, { hash, now, idleSince: later(now, -consoleIdleMs) });
  if (session === undefined) return undefined;
  const isDue = now.getTime() - session.seenAt.getTime() > consoleSeenMs;
  if (presence === 'acts' && isDue) await touchSession(sql, hash, now);
  return { ...session, hash };
}

export async function endSession(sql: Sql, id: string | undefined): Promise<void> {
  if (id !== undefined && secretForm.test(id)) await deleteSession(sql, sha256(id));
}
