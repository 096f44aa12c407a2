// Fills the book of a scenario: accounts of one shape, by one statement a table, each position with
// the movement it is the sum of.

import { recordedMovements } from '../src/book/store.ts';
import type { Sql } from '../src/db/connect.ts';
import { fragment } from '../src/db/sql.ts';
import { type AccountId, newId, type TenantId, type UserId } from '../src/ids.ts';
import { recordedSql, recordSql } from '../src/trail/records-store.ts';

export interface BenchAccount {
  readonly accountId: AccountId;
  readonly userId: UserId;
}

export interface Shape {
  readonly tenantId: TenantId;
  readonly accounts: number;
  readonly positionsEach: number;
}

/** Instruments that the simulated venue fills in one execution at the imported price. */
function isinOf(number: number): string {
  const digits = String(number).padStart(9, '0');
  return `XS${digits}${checkDigit(`XS${digits}`)}`;
}

/** ISO 6166: Luhn over letters as numbers. */
function checkDigit(body: string): number {
  const digits = [...body].map((char) => Number.parseInt(char, 36)).join('');
  let total = 0;
  for (const [i, digit] of [...digits].reverse().entries()) {
    const value = Number(digit) * (i % 2 === 0 ? 2 : 1);
    total += value > 9 ? value - 9 : value;
  }
  return (10 - (total % 10)) % 10;
}

/** @returns the accounts, in the order of their ids. */
export async function fillBook(sql: Sql, shape: Shape): Promise<readonly BenchAccount[]> {
  const { tenantId, positionsEach } = shape;
  const at = new Date();
  const isins = Array.from({ length: positionsEach }, (_, i) => isinOf(i + 1));
  await sql`
    insert into unwind.instruments (
      tenant_id, isin, name, trading_status, fractional, created_at, updated_at
    )
    select ${tenantId}, n.isin, n.isin, 'ACTIVE', true, ${at}, ${at}
    from unnest(${isins}::text[]) as n (isin)
    on conflict (tenant_id, isin) do nothing`;
  await sql`
    insert into unwind.prices (tenant_id, isin, price, currency, updated_at)
    select ${tenantId}, n.isin, 20 + n.place, 'EUR', ${at}
    from unnest(${isins}::text[]) with ordinality as n (isin, place)
    on conflict (tenant_id, isin) do nothing`;
  const accounts = Array.from({ length: shape.accounts }, () => {
    return { accountId: newId<'account'>(), userId: newId<'user'>() };
  });
  const slice = 2_000;
  for (let from = 0; from < accounts.length; from += slice) {
    await addAccounts(sql, { tenantId, isins, at, accounts: accounts.slice(from, from + slice) });
  }
  for (const table of ['users', 'accounts', 'instruments', 'prices', 'positions', 'movements']) {
    await sql.script(`analyze unwind.${table}`);
  }
  return accounts;
}

interface Slice {
  readonly tenantId: TenantId;
  readonly isins: readonly string[];
  readonly at: Date;
  readonly accounts: readonly BenchAccount[];
}

async function addAccounts(sql: Sql, { tenantId, isins, at, accounts }: Slice): Promise<void> {
  const accountIds = accounts.map((account) => account.accountId);
  const userIds = accounts.map((account) => account.userId);
  await sql`
    insert into unwind.users (tenant_id, user_id, created_at)
    select ${tenantId}, n.user_id, ${at}
    from unnest(${userIds}::uuid[]) as n (user_id)`;
  await sql`
    insert into unwind.accounts (
      tenant_id, account_id, user_id, status, currency, created_at, updated_at
    )
    select ${tenantId}, n.account_id, n.user_id, 'ACTIVE', 'EUR', ${at}, ${at}
    from unnest(${accountIds}::uuid[], ${userIds}::uuid[]) as n (account_id, user_id)`;
  await sql`
    insert into unwind.positions (tenant_id, account_id, isin, quantity, locked)
    select ${tenantId}, a.account_id, i.isin, 10, 0
    from unnest(${accountIds}::uuid[]) as a (account_id)
    cross join unnest(${isins}::text[]) as i (isin)`;
  await sql`
    with moved as (
      insert into unwind.movements as m (
      tenant_id, movement_id, account_id, isin, quantity, locked, cash, reason, effective_at,
      recorded_at
    )
    select
      ${tenantId}, gen_random_uuid(), a.account_id, i.isin, 10, 0, 0, 'import', ${at}, ${at}
    from unnest(${accountIds}::uuid[]) as a (account_id)
    cross join unnest(${isins}::text[]) as i (isin)
      returning ${recordedSql(recordedMovements)}
    )
    ${recordSql(recordedMovements, fragment`select * from moved`)}`;
}
