// Signing in at the console and out again. A session is a random id in a cookie, of which the database keeps
// the hash; it ends when nobody was there for a while, and after a day's work at the latest.

import { newSecret, sha256 } from '../auth/secret.ts';
import { type Clock, later } from '../clock.ts';
import type { Sql } from '../db/connect.ts';
import { inTransaction } from '../db/transaction.ts';
import { consoleIdleMs, consoleLinkMs, consoleSeenMs, consoleSessionMs } from '../limits.ts';
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

/** @returns the id of the new session; undefined: the link is not known, was used, or is too old. */
export async function signInByLink(
  sql: Sql,
  clock: Clock,
  secret: string,
): Promise<string | undefined> {
  if (!secretForm.test(secret)) return undefined;
  return inTransaction(sql, async (tx) => {
    const now = clock.now();
    const person = await takeLink(tx, { hash: sha256(secret), now });
    if (person === undefined) return undefined;
    const id = newSecret();
    const expiresAt = later(now, consoleSessionMs);
    await insertSession(tx, { ...person, hash: sha256(id), now, expiresAt, openId: undefined });
    return id;
  });
}

/** Begins a session of somebody whom an identity provider has named. @returns its id. */
export async function beginSession(
  sql: Sql,
  clock: Clock,
  { name, role, openId }: Person & { readonly openId: OpenIdSession },
): Promise<string> {
  const id = newSecret();
  const now = clock.now();
  const expiresAt = later(now, consoleSessionMs);
  await insertSession(sql, { name, role, openId, hash: sha256(id), now, expiresAt });
  return id;
}

export interface OpenSession extends Session {
  readonly hash: Buffer;
}

/** The session of a cookie; where somebody acts, it is then alive for another while. */
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
