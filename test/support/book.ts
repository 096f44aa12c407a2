// Fills the book of a test by plain SQL: a tenant, instruments with prices, accounts with users,
// positions, and the movements that they are the sums of.
import { randomBytes } from 'node:crypto';
import type { AccountStatus } from '../../src/book/account.ts';
import { recordedMovements } from '../../src/book/store.ts';
import type { SqlOrTx } from '../../src/db/connect.ts';
import { fragment } from '../../src/db/sql.ts';
import { type AccountId, newId, type TenantId, type UserId } from '../../src/ids.ts';
import { recordedSql, recordSql } from '../../src/trail/records-store.ts';

export interface BookInstrument {
  readonly isin: string;
  /** In EUR; without one there is no price. */
  readonly price?: string;
  /** Default true. */
  readonly fractional?: boolean;
  /** Default ACTIVE. */
  readonly tradingStatus?: 'ACTIVE' | 'INACTIVE';
}

export interface BookPosition {
  readonly isin: string;
  readonly quantity: string;
  /** Default 0. */
  readonly locked?: string;
}

export interface BookAccount {
  /** Default ACTIVE. */
  readonly status?: AccountStatus;
  readonly positions: readonly BookPosition[];
}

export interface Book {
  readonly tenantId: TenantId;
  readonly instruments: readonly BookInstrument[];
  readonly accounts: readonly BookAccount[];
  /** When the book was imported; default a Friday evening before the test clock starts. */
  readonly importedAt?: Date;
}

export interface AccountOfUser {
  readonly tenantId: TenantId;
  readonly accountId: AccountId;
  readonly userId: UserId;
}

const usualImport = new Date('2026-01-02T17:30:00.000Z');

/** Makes a tenant that nobody can authenticate as: its secret is thrown away. */
export async function makeTenant(sql: SqlOrTx, name = 'Test tenant'): Promise<TenantId> {
  const tenantId = newId<'tenant'>();
  await sql`
    insert into unwind.tenants (
      tenant_id, name, secret_hash, scopes, signature_policy, created_at
    )
    values (${tenantId}, ${name}, ${randomBytes(32)}, '{}', 'compatible', ${usualImport})`;
  return tenantId;
}

/** Imports a book. @returns its accounts, in the order given; each has a user of its own. */
export async function makeBook(sql: SqlOrTx, book: Book): Promise<readonly AccountOfUser[]> {
  const { tenantId, importedAt = usualImport } = book;
  const accounts = book.accounts.map(({ status = 'ACTIVE', positions }) => {
    return { accountId: newId<'account'>(), userId: newId<'user'>(), status, positions };
  });
  await insertInstruments(sql, { ...book, importedAt });
  await sql`
    insert into unwind.users (tenant_id, user_id, created_at)
    select ${tenantId}, n.user_id, ${importedAt}
    from unnest(${accounts.map((account) => account.userId)}::uuid[]) as n (user_id)`;
  await sql`
    insert into unwind.accounts (
      tenant_id, account_id, user_id, status, currency, created_at, updated_at
    )
    select ${tenantId}, n.account_id, n.user_id, n.status, 'EUR', ${importedAt}, ${importedAt}
    from unnest(
      ${accounts.map((account) => account.accountId)}::uuid[],
      ${accounts.map((account) => account.userId)}::uuid[],
      ${accounts.map((account) => account.status)}::text[]
    ) as n (account_id, user_id, status)`;
  const changes = accounts.flatMap(({ accountId, positions }) => {
    return positions.map((position) => ({ accountId, ...position }));
  });
  await importPositions(sql, { tenantId, changes, importedAt });
  return accounts.map(({ accountId, userId }) => ({ tenantId, accountId, userId }));
}

async function insertInstruments(
  sql: SqlOrTx,
  { tenantId, instruments, importedAt }: Required<Book>,
): Promise<void> {
  await sql`
    insert into unwind.instruments (
      tenant_id, isin, name, trading_status, fractional, created_at, updated_at
    )
    select ${tenantId}, n.isin, n.isin, n.status, n.fractional, ${importedAt}, ${importedAt}
    from unnest(
      ${instruments.map((one) => one.isin)}::text[],
      ${instruments.map((one) => one.tradingStatus ?? 'ACTIVE')}::text[],
      ${instruments.map((one) => String(one.fractional ?? true))}::text[]::boolean[]
    ) as n (isin, status, fractional)`;
  const priced = instruments.filter((one) => one.price !== undefined);
  await sql`
    insert into unwind.prices (tenant_id, isin, price, currency, updated_at)
    select ${tenantId}, n.isin, n.price, 'EUR', ${importedAt}
    from unnest(
      ${priced.map((one) => one.isin)}::text[],
      ${priced.map((one) => one.price ?? '')}::numeric[]
    ) as n (isin, price)`;
}

export interface PositionImport {
  readonly tenantId: TenantId;
  /** Changes of quantity and locked; negative ones take away. One for each position at most. */
  readonly changes: readonly (BookPosition & { readonly accountId: AccountId })[];
  readonly importedAt: Date;
}

/** Changes positions, each with its movement, as an import does. */
export async function importPositions(sql: SqlOrTx, batch: PositionImport): Promise<void> {
  const { tenantId, changes, importedAt } = batch;
  await sql`
    with changes as (
      select *
      from unnest(
        ${changes.map(() => newId())}::uuid[],
        ${changes.map((change) => change.accountId)}::uuid[],
        ${changes.map((change) => change.isin)}::text[],
        ${changes.map((change) => change.quantity)}::numeric[],
        ${changes.map((change) => change.locked ?? '0')}::numeric[]
      ) as n (movement_id, account_id, isin, quantity, locked)
    ),
    moved as (
      insert into unwind.movements as m (
        tenant_id, movement_id, account_id, isin, quantity, locked, cash, reason,
        effective_at, recorded_at
      )
      select
        ${tenantId}, c.movement_id, c.account_id, c.isin, c.quantity, c.locked, 0, 'import',
        ${importedAt}, ${importedAt}
      from changes c
      returning ${recordedSql(recordedMovements)}
    ),
    recorded as (${recordSql(recordedMovements, fragment`select * from moved`)}),
    changed as (
      update unwind.positions p
      set
        quantity = p.quantity + c.quantity,
        locked = p.locked + c.locked
      from changes c
      where p.tenant_id = ${tenantId}
        and p.account_id = c.account_id
        and p.isin = c.isin
      returning p.account_id, p.isin
    )
    insert into unwind.positions (tenant_id, account_id, isin, quantity, locked)
    select ${tenantId}, c.account_id, c.isin, c.quantity, c.locked
    from changes c
    where not exists (
      select
      from changed d
      where d.account_id = c.account_id
        and d.isin = c.isin
    )`;
}

export interface Listing {
  readonly isin: string;
  readonly mic: string;
  readonly symbol?: string;
  readonly currency?: string;
  readonly lotSize?: string;
}

/** Says where instruments trade, as an import does. */
export async function listInstruments(
  sql: SqlOrTx,
  { tenantId }: { tenantId: TenantId },
  listings: readonly Listing[],
): Promise<void> {
  await sql`
    insert into unwind.listings (tenant_id, isin, mic, symbol, currency, lot_size, updated_at)
    select ${tenantId}, n.isin, n.mic, n.symbol, n.currency, n.lot_size, now()
    from unnest(
      ${listings.map(({ isin }) => isin)}::text[],
      ${listings.map(({ mic }) => mic)}::text[],
      ${listings.map(({ symbol = '' }) => symbol)}::text[],
      ${listings.map(({ currency = 'EUR' }) => currency)}::text[],
      ${listings.map(({ lotSize = '1' }) => lotSize)}::numeric[]
    ) as n (isin, mic, symbol, currency, lot_size)
    on conflict (tenant_id, isin, mic) do update
    set
      symbol = excluded.symbol,
      currency = excluded.currency,
      lot_size = excluded.lot_size`;
}

/** Says what a unit of currencies is worth in EUR, as an import does. */
export async function enterRates(
  sql: SqlOrTx,
  { tenantId, importedAt = usualImport }: { tenantId: TenantId; importedAt?: Date },
  rates: readonly { readonly currency: string; readonly rate: string; readonly asOf: Date }[],
): Promise<void> {
  await sql`
    insert into unwind.rates (tenant_id, currency, as_of, rate, updated_at)
    select ${tenantId}, n.currency, n.as_of, n.rate, ${importedAt}
    from unnest(
      ${rates.map(({ currency }) => currency)}::text[],
      ${rates.map(({ rate }) => rate)}::numeric[],
      ${rates.map(({ asOf }) => asOf)}::timestamptz[]
    ) as n (currency, rate, as_of)`;
}
