// The statements that requests read the book by: accounts, positions, instruments. One statement each,
// its objects rendered by the database; pages as db/page.ts reads them. What is another's and what is
// not there are asked for in the same words.

import { assert } from '../assert.ts';
import type { Sql, SqlOrTx } from '../db/connect.ts';
import { directionSql, type Page, type PageRange, readPage } from '../db/page.ts';
import { type Fragment, fragment, raw } from '../db/sql.ts';
import type { AccountId, TenantId, UserId } from '../ids.ts';
import type { InstrumentKey } from './instrument-key.ts';

const accountObject = fragment`
        unwind.account_object(
          a.account_id, a.user_id, a.status, a.type, a.name, a.account_number, a.created_at, a.updated_at
        ) as object`;

export async function findAccountObject(
  sql: Sql,
  which: { tenantId: TenantId; accountId: AccountId },
): Promise<string | undefined> {
  const rows = await sql<{ object: string }[]>`
    select ${accountObject}
    from unwind.accounts a
    where a.tenant_id = ${which.tenantId}
      and a.account_id = ${which.accountId}`;
  return rows[0]?.object;
}

/** One page of a tenant's accounts by their creation. */
export async function findAccountPage(
  sql: Sql,
  q: PageRange & { tenantId: TenantId },
): Promise<Page> {
  const direction = directionSql(q.direction);
  const page = await readPage(sql, q, {
    rows: fragment`
      from unwind.accounts a
      where a.tenant_id = ${q.tenantId}`,
    key: fragment`a.account_id`,
    order: fragment`a.created_at ${direction}, a.account_id ${direction}`,
    objectOf: (key) => fragment`
      select ${accountObject}
      from unwind.accounts a
      where a.tenant_id = ${q.tenantId}
        and a.account_id = ${key}`,
  });
  return present(page);
}

/** A position of an account, also one of which all was sold. */
export async function findPositionObject(
  sql: Sql,
  which: { tenantId: TenantId; accountId: AccountId; instrument: InstrumentKey },
): Promise<string | undefined> {
  const rows = await sql<{ object: string }[]>`
    select unwind.position_object(p.account_id, p.isin, p.quantity, p.locked, p.held) as object
    from unwind.positions p
    where p.tenant_id = ${which.tenantId}
      and p.account_id = ${which.accountId}
      and p.isin = ${isinOf(which.tenantId, which.instrument)}`;
  return rows[0]?.object;
}

/** SQL: the ISIN that a key names; null where the tenant has no such instrument. */
function isinOf(tenantId: TenantId, instrument: InstrumentKey): Fragment {
  if (instrument.type === 'isin') return fragment`${instrument.isin}`;
  return fragment`(
        select i.isin
        from unwind.instruments i
        where i.tenant_id = ${tenantId}
          and i.instrument_id = ${instrument.instrumentId}
      )`;
}

/** One page of an account's positions by ISIN; undefined where the tenant has no such account. */
export function findPositionPage(
  sql: Sql,
  q: PageRange & { tenantId: TenantId; accountId: AccountId },
): Promise<Page | undefined> {
  return readPage(sql, q, {
    rows: fragment`
      from unwind.positions p
      where p.tenant_id = ${q.tenantId}
        and p.account_id = ${q.accountId}`,
    key: fragment`p.isin`,
    objectOf: (key) => fragment`
      select unwind.position_object(p.account_id, p.isin, p.quantity, p.locked, p.held) as object
      from unwind.positions p
      where p.tenant_id = ${q.tenantId}
        and p.account_id = ${q.accountId}
        and p.isin = ${key}`,
    owner: hasAccount(q),
  });
}

/** SQL: whether a tenant has an account, for pages that belong to one. */
export function hasAccount(q: { tenantId: TenantId; accountId: AccountId }): Fragment {
  return fragment`exists (
      select
      from unwind.accounts a
      where a.tenant_id = ${q.tenantId}
        and a.account_id = ${q.accountId}
    )`;
}

const instrumentObject = fragment`
  unwind.instrument_object(
    i.instrument_id, i.isin, i.name, i.fractional, i.trading_status, i.created_at, i.updated_at
  ) as object`;

export async function findInstrumentObject(
  sql: Sql,
  which: { tenantId: TenantId; instrument: InstrumentKey },
): Promise<string | undefined> {
  const { tenantId, instrument } = which;
  const isIt =
    instrument.type === 'isin'
      ? fragment`i.isin = ${instrument.isin}`
      : fragment`i.instrument_id = ${instrument.instrumentId}`;
  const rows = await sql<{ object: string }[]>`
    select ${instrumentObject}
    from unwind.instruments i
    where i.tenant_id = ${tenantId}
      and ${isIt}`;
  return rows[0]?.object;
}

export interface InstrumentQuery extends PageRange {
  readonly tenantId: TenantId;
  readonly tradingStatus: 'ACTIVE' | 'INACTIVE' | undefined;
  readonly sort: 'created_at' | 'updated_at';
}

/** One page of a tenant's instruments by their creation or their last change. */
export async function findInstrumentPage(sql: Sql, q: InstrumentQuery): Promise<Page> {
  const direction = directionSql(q.direction);
  const sort = raw(q.sort === 'created_at' ? 'created_at' : 'updated_at');
  const status = q.tradingStatus ?? null;
  const page = await readPage(sql, q, {
    rows: fragment`
      from unwind.instruments i
      where i.tenant_id = ${q.tenantId}
        and (${status}::text is null or i.trading_status = ${status})`,
    key: fragment`i.isin`,
    order: fragment`i.${sort} ${direction}, i.isin ${direction}`,
    objectOf: (key) => fragment`
      select ${instrumentObject}
      from unwind.instruments i
      where i.tenant_id = ${q.tenantId}
        and i.isin = ${key}`,
  });
  return present(page);
}

function present(page: Page | undefined): Page {
  assert(page !== undefined, 'a list without an owner always has a page');
  return page;
}

/** Whether the tenant has such an account. */
export async function hasAccountOf(
  sql: SqlOrTx,
  which: { readonly tenantId: TenantId; readonly accountId: AccountId },
): Promise<boolean> {
  const rows = await sql`
    select
    from unwind.accounts a
    where a.tenant_id = ${which.tenantId}
      and a.account_id = ${which.accountId}`;
  return rows.length > 0;
}

/** Whether the book of the tenant has such an instrument; of any tenant where none is named. */
export async function hasInstrument(
  sql: SqlOrTx,
  which: { readonly tenantId: TenantId | undefined; readonly isin: string },
): Promise<boolean> {
  const { tenantId = null, isin } = which;
  const rows = await sql`
    select
    from unwind.instruments i
    where (${tenantId}::uuid is null or i.tenant_id = ${tenantId})
      and i.isin = ${isin}
    limit 1`;
  return rows.length > 0;
}

/** The user who owns an account; undefined where the tenant has no such account. */
export async function findOwner(
  sql: Sql,
  { tenantId, accountId }: { readonly tenantId: TenantId; readonly accountId: AccountId },
): Promise<UserId | undefined> {
  const rows = await sql<{ user_id: UserId }[]>`
    select a.user_id
    from unwind.accounts a
    where a.tenant_id = ${tenantId}
      and a.account_id = ${accountId}`;
  return rows[0]?.user_id;
}
