// The statements by which requests make users and accounts, and read users. Those of accounts that are
// read stand in read-store.ts.

import { assert, first } from '../assert.ts';
import type { Sql, Tx } from '../db/connect.ts';
import { directionSql, type Page, type PageRange, readPage } from '../db/page.ts';
import { fragment } from '../db/sql.ts';
import type { TenantId, UserId } from '../ids.ts';
import type { NewAccount, UserStatus } from './user.ts';

const userObject = fragment`
        unwind.user_object(u.user_id, u.status, u.profile, u.created_at, u.updated_at) as object`;

export async function findUserObject(
  sql: Sql,
  which: { tenantId: TenantId; userId: UserId },
): Promise<string | undefined> {
  const rows = await sql<{ object: string }[]>`
    select ${userObject}
    from unwind.users u
    where u.tenant_id = ${which.tenantId}
      and u.user_id = ${which.userId}`;
  return rows[0]?.object;
}

/** One page of a tenant's users by their creation. */
export async function findUserPage(sql: Sql, q: PageRange & { tenantId: TenantId }): Promise<Page> {
  const direction = directionSql(q.direction);
  const page = await readPage(sql, q, {
    rows: fragment`
      from unwind.users u
      where u.tenant_id = ${q.tenantId}`,
    key: fragment`u.user_id`,
    order: fragment`u.created_at ${direction}, u.user_id ${direction}`,
    objectOf: (key) => fragment`
      select ${userObject}
      from unwind.users u
      where u.tenant_id = ${q.tenantId}
        and u.user_id = ${key}`,
  });
  assert(page !== undefined, 'a list without an owner always has a page');
  return page;
}

/** @returns the user as responses carry it. */
export async function insertUser(
  tx: Tx,
  user: { tenantId: TenantId; userId: UserId; profile: string; now: Date },
): Promise<string> {
  const rows = await tx<{ object: string }[]>`
    insert into unwind.users as u (tenant_id, user_id, profile, created_at)
    values (${user.tenantId}, ${user.userId}, ${user.profile}, ${user.now})
    returning ${userObject}`;
  return first(rows).object;
}

/** Locks a user against another change of it and against further accounts. */
export async function lockUser(
  tx: Tx,
  which: { tenantId: TenantId; userId: UserId },
): Promise<{ readonly status: UserStatus; readonly openAccounts: number } | undefined> {
  const { tenantId, userId } = which;
  const rows = await tx<{ status: UserStatus }[]>`
    select u.status
    from unwind.users u
    where u.tenant_id = ${tenantId}
      and u.user_id = ${userId}
    for no key update`;
  const [row] = rows;
  if (row === undefined) return undefined;
  // A statement of its own: it sees what was committed while this one waited for the lock.
  const counted = await tx<{ open_accounts: number }[]>`
    select count(*)::integer as open_accounts
    from unwind.accounts a
    where a.tenant_id = ${tenantId}
      and a.user_id = ${userId}
      and a.status <> 'CLOSED'`;
  return { status: row.status, openAccounts: first(counted).open_accounts };
}

/** @returns whether the user was one that can be offboarded. */
export async function offboardUser(
  tx: Tx,
  user: { tenantId: TenantId; userId: UserId; now: Date },
): Promise<boolean> {
  const rows = await tx`
    update unwind.users u
    set
      status = 'OFFBOARDED',
      updated_at = ${user.now}
    where u.tenant_id = ${user.tenantId}
      and u.user_id = ${user.userId}
      and u.status in ('ACTIVE', 'INACTIVE')`;
  return rows.count > 0;
}

/** Opens an account of a locked user, ACTIVE at once. @returns it as responses carry it. */
export async function insertAccount(
  tx: Tx,
  account: NewAccount & { tenantId: TenantId; now: Date },
): Promise<string> {
  const { tenantId, accountId, userId, type, name, now } = account;
  const rows = await tx<{ object: string }[]>`
    insert into unwind.accounts as a (
      tenant_id, account_id, user_id, status, currency, type, name, account_number, created_at,
      updated_at
    )
    select
      ${tenantId}, ${accountId}, ${userId}, 'ACTIVE', 'EUR', ${type}, ${name},
      coalesce(max(o.account_number), 0) + 1, ${now}, ${now}
    from unwind.accounts o
    where o.tenant_id = ${tenantId}
      and o.user_id = ${userId}
    returning unwind.account_object(
      a.account_id, a.user_id, a.status, a.type, a.name, a.account_number, a.created_at, a.updated_at
    ) as object`;
  return first(rows).object;
}
