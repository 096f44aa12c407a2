// The statements of the console: links to sign in, and sessions.

import type { Sql, SqlOrTx } from '../db/connect.ts';
import { type RowOf, thingOf } from '../db/row.ts';
import type { TenantId } from '../ids.ts';
import type { ConsoleRole, Person } from './person.ts';

export async function insertLink(
  sql: Sql,
  link: Person & { readonly hash: Buffer; readonly now: Date; readonly expiresAt: Date },
): Promise<void> {
  await sql`
    insert into unwind.console_links (link_hash, person, role, created_at, expires_at)
    values (${link.hash}, ${link.name}, ${link.role}, ${link.now}, ${link.expiresAt})`;
}

/** Takes a link away, so that it is not used again. @returns whose it was, if its time is not over. */
export async function takeLink(
  sql: SqlOrTx,
  { hash, now }: { readonly hash: Buffer; readonly now: Date },
): Promise<Person | undefined> {
  const rows = await sql<{ person: string; role: ConsoleRole; is_live: boolean }[]>`
    delete from unwind.console_links l
    where l.link_hash = ${hash}
    returning l.person, l.role, l.expires_at > ${now} as is_live`;
  const [row] = rows;
  return row?.is_live ? { name: row.person, role: row.role } : undefined;
}

/** What an identity provider adds to a session. */
export interface OpenIdSession {
  /** Its issuer, a space, its own id of the person. */
  readonly subject: string;
  /** The clients that the person may look at; undefined: every one. */
  readonly tenants: readonly TenantId[] | undefined;
  /** Sealed; for signing out there too. */
  readonly idToken: Buffer | undefined;
}

export interface NewSession extends Person {
  readonly hash: Buffer;
  readonly now: Date;
  readonly expiresAt: Date;
  readonly openId: OpenIdSession | undefined;
}

/** Begins a session; it looks at the oldest tenant first. */
export async function insertSession(sql: SqlOrTx, session: NewSession): Promise<void> {
  const { hash, name, role, now, expiresAt, openId } = session;
  const tenants = openId?.tenants ?? null;
  await sql`
    insert into unwind.console_sessions (
      session_hash, person, role, tenant_id, created_at, seen_at, expires_at,
      subject, tenant_ids, id_token
    )
    values (
      ${hash}, ${name}, ${role},
      (
        select t.tenant_id
        from unwind.tenants t
        where ${tenants}::uuid[] is null
          or t.tenant_id = any (${tenants}::uuid[])
        order by t.created_at, t.tenant_id
        limit 1
      ),
      ${now}, ${now}, ${expiresAt},
      ${openId?.subject ?? null}, ${tenants}, ${openId?.idToken ?? null}
    )`;
}

export interface Session extends Person {
  readonly openId: OpenIdSession | undefined;
  readonly tenantId: TenantId | undefined;
  readonly seenAt: Date;
  readonly expiresAt: Date;
}

type SessionRow = RowOf<Omit<Session, 'openId'>> &
  Omit<RowOf<OpenIdSession>, 'subject'> & { readonly subject: string | null };

/** A session that is neither over nor idle for too long. */
export async function findSession(
  sql: Sql,
  which: { readonly hash: Buffer; readonly now: Date; readonly idleSince: Date },
): Promise<Session | undefined> {
  const rows = await sql<SessionRow[]>`
    select
      s.person as name, s.role, s.tenant_id, s.seen_at, s.expires_at, s.subject,
      s.tenant_ids as tenants, s.id_token
    from unwind.console_sessions s
    where s.session_hash = ${which.hash}
      and s.expires_at > ${which.now}
      and s.seen_at > ${which.idleSince}`;
  const [row] = rows;
  if (row === undefined) return undefined;
  const { subject, tenants, id_token, ...session } = row;
  return {
    ...thingOf<Omit<Session, 'openId'>>(session),
    openId: subject === null ? undefined : thingOf<OpenIdSession>({ subject, tenants, id_token }),
  };
}

/** Notes that its person is there. */
export async function touchSession(sql: Sql, hash: Buffer, now: Date): Promise<void> {
  await sql`
    update unwind.console_sessions s
    set seen_at = ${now}
    where s.session_hash = ${hash}
      and s.seen_at < ${now}`;
}

/** Looks at another tenant. @returns false: there is none of this id that this person may look at. */
export async function chooseTenant(sql: Sql, hash: Buffer, tenantId: TenantId): Promise<boolean> {
  const rows = await sql`
    update unwind.console_sessions s
    set tenant_id = t.tenant_id
    from unwind.tenants t
    where s.session_hash = ${hash}
      and t.tenant_id = ${tenantId}
      and (s.tenant_ids is null or t.tenant_id = any (s.tenant_ids))`;
  return rows.count > 0;
}

/** @returns false: there is none. */
export async function deleteSession(sql: SqlOrTx, hash: Buffer): Promise<boolean> {
  const rows = await sql`
    delete from unwind.console_sessions s
    where s.session_hash = ${hash}`;
  return rows.count > 0;
}

/** Removes sessions and links whose time is over, at most so many each. */
export async function removeExpiredSessions(sql: Sql, now: Date, limit: number): Promise<number> {
  const sessions = await sql`
    delete from unwind.console_sessions
    where session_hash in (
      select s.session_hash
      from unwind.console_sessions s
      where s.expires_at < ${now}
      limit ${limit}
    )`;
  const links = await sql`
    delete from unwind.console_links
    where link_hash in (
      select l.link_hash
      from unwind.console_links l
      where l.expires_at < ${now}
      limit ${limit}
    )`;
  return sessions.count + links.count;
}

export interface ShownTenant {
  readonly id: TenantId;
  readonly name: string;
}

/** The tenants that a person may choose from, the oldest first. */
export async function findTenants(
  sql: Sql,
  { tenants, limit }: { readonly tenants: readonly TenantId[] | undefined; readonly limit: number },
): Promise<readonly ShownTenant[]> {
  const chosen = tenants ?? null;
  return sql<ShownTenant[]>`
    select t.tenant_id as id, t.name
    from unwind.tenants t
    where ${chosen}::uuid[] is null
      or t.tenant_id = any (${chosen}::uuid[])
    order by t.created_at, t.tenant_id
    limit ${limit}`;
}
