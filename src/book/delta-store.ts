// The statements of applying deltas to positions, called under the locks of accounts and of the
// liquidations that run on them.

import { assert } from '../assert.ts';
import type { Tx } from '../db/connect.ts';
import { type RowOf, rowsOf, thingOf } from '../db/row.ts';
import { fragment } from '../db/sql.ts';
import type { AccountId, TenantId } from '../ids.ts';
import { type Decimal, decimal } from '../money.ts';
import { recordSql } from '../trail/records-store.ts';
import { type Delta, type HoldingChange, positionKey } from './delta.ts';
import { movementsSql, recordedMovements } from './store.ts';

/** Locks accounts, so that no request starts a liquidation on them. @returns those that are there. */
export async function lockAccounts(
  tx: Tx,
  tenantId: TenantId,
  accountIds: readonly AccountId[],
): Promise<ReadonlySet<string>> {
  const rows = await tx<{ account_id: string }[]>`
    select a.account_id
    from unwind.accounts a
    where a.tenant_id = ${tenantId}
      and a.account_id = any (${accountIds}::uuid[])
    order by a.account_id
    for no key update`;
  return new Set(rows.map((row) => row.account_id));
}

type Held = Readonly<Record<'quantity' | 'locked' | 'held', Decimal>>;

/** Locks and reads the positions that deltas are about, by `positionKey`. */
export async function lockPositions(tx: Tx, tenantId: TenantId, deltas: readonly Delta[]) {
  const rows = await tx<(RowOf<Held> & { account_id: AccountId; isin: string })[]>`
    select p.account_id, p.isin, p.quantity, p.locked, p.held
    from unwind.positions p
    where p.tenant_id = ${tenantId}
      and (p.account_id, p.isin) in (
        select n.account_id, n.isin
        from ${rowsOf(deltas).as('n (account_id uuid, isin text)')}
      )
    order by p.account_id, p.isin
    for no key update`;
  const decimals = { quantity: decimal, locked: decimal, held: decimal };
  return new Map(
    rows.map(({ account_id: accountId, isin, ...row }) => {
      return [positionKey({ accountId, isin }), thingOf<Held>(row, decimals)];
    }),
  );
}

export async function findInstruments(
  tx: Tx,
  tenantId: TenantId,
  isins: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await tx<{ isin: string }[]>`
    select i.isin
    from unwind.instruments i
    where i.tenant_id = ${tenantId}
      and i.isin = any (${isins}::text[])`;
  return new Set(rows.map((row) => row.isin));
}

/** Deltas of these references that were applied before. */
export async function findDeltas(
  tx: Tx,
  tenantId: TenantId,
  references: readonly string[],
): Promise<ReadonlyMap<string, Delta>> {
  const rows = await tx<RowOf<Delta>[]>`
    select
      m.reason as type, m.account_id, m.isin, m.quantity + abs(m.locked) as quantity, m.reference
    from unwind.movements m
    where m.tenant_id = ${tenantId}
      and m.reference = any (${references}::text[])`;
  return new Map(rows.map((row) => [row.reference, thingOf<Delta>(row, { quantity: decimal })]));
}

/** A delta about to be recorded. */
export interface NewDelta extends Delta {
  readonly movementId: string;
}

export interface DeltaWriting {
  readonly tenantId: TenantId;
  readonly deltas: readonly NewDelta[];
  readonly changes: readonly HoldingChange[];
  readonly now: Date;
}

/**
 * Writes deltas as movements and positions as their sums. The version of the accounts moves, so
 * that a liquidation which is just being asked for looks again.
 */
export async function writeDeltas(tx: Tx, writing: DeltaWriting): Promise<void> {
  const { tenantId, changes, now } = writing;
  const accountIds = [...new Set(changes.map((change) => change.accountId))];
  const known = changes.filter((change) => !change.isNew);
  const fresh = changes.filter((change) => change.isNew);
  await insertMovements(tx, writing);
  const changed = await tx`
    update unwind.positions p
    set
      quantity = trim_scale(p.quantity + n.quantity),
      locked = trim_scale(p.locked + n.locked)
    from ${rowsOf(known).as('n (account_id uuid, isin text, quantity numeric, locked numeric)')}
    where p.tenant_id = ${tenantId}
      and p.account_id = n.account_id
      and p.isin = n.isin`;
  assert(changed.count === known.length, 'a locked position stays where it is');
  await tx`
    insert into unwind.positions (tenant_id, account_id, isin, quantity, locked)
    select ${tenantId}, n.account_id, n.isin, n.quantity, n.locked
    from ${rowsOf(fresh).as('n (account_id uuid, isin text, quantity numeric, locked numeric)')}`;
  const touched = await tx`
    update unwind.accounts a
    set
      version = a.version + 1,
      updated_at = ${now}
    where a.tenant_id = ${tenantId}
      and a.account_id = any (${accountIds}::uuid[])`;
  assert(touched.count === accountIds.length, 'a locked account stays where it is');
}

async function insertMovements(tx: Tx, { tenantId, deltas, now }: DeltaWriting): Promise<void> {
  const movements = fragment`
    select
      ${tenantId}::uuid as tenant_id, n.movement_id, n.account_id, n.isin,
      case when n.type = 'credit' then n.quantity else 0 end as quantity,
      case n.type when 'lock' then n.quantity when 'unlock' then -n.quantity else 0 end as locked,
      0 as cash,
      n.type as reason,
      null::uuid as execution_id,
      n.reference,
      (select unwind.market_time(${now})) as effective_at,
      0 as uncovered
    from ${rowsOf(deltas).as(`n (
      movement_id uuid, account_id uuid, isin text, type text, quantity numeric, reference text
    )`)}`;
  await tx`
    with moved as (${movementsSql(movements, now)})
    ${recordSql(recordedMovements, fragment`select * from moved`)}`;
}
