// The statements of the book that moving liquidations needs, and its pieces of statements that write
// other tables as well; imports have their own.

import type { Tx } from '../db/connect.ts';
import { type RowOf, rowsOf, thingOf } from '../db/row.ts';
import { type Fragment, fragment } from '../db/sql.ts';
import type { AccountId, TenantId } from '../ids.ts';
import { type Decimal, decimal } from '../money.ts';
import { type RecordedRows, recordedSql } from '../trail/records-store.ts';

export interface PositionChange {
  readonly accountId: AccountId;
  readonly isin: string;
  /** Units that come, or go when negative. */
  readonly quantity: Decimal;
  /** Change of what open orders hold. */
  readonly held: Decimal;
}

/**
 * SQL: changes what open orders hold, by a select of tenant_id, account_id, isin and held with a row for
 * each position.
 */
export function heldChangedSql(changes: Fragment): Fragment {
  return fragment`
    update unwind.positions p
    set held = p.held + c.held
    from (${changes}) as c
    where p.tenant_id = c.tenant_id
      and p.account_id = c.account_id
      and p.isin = c.isin`;
}

/**
 * SQL: records movements, a row each of a select of tenant_id, movement_id, account_id, isin, quantity,
 * locked, cash, reason, execution_id, reference, effective_at and uncovered. The caller changes the
 * positions they add up to, and records what this returns.
 */
export function movementsSql(movements: Fragment, now: Date): Fragment {
  return fragment`
    insert into unwind.movements as m (
      tenant_id, movement_id, account_id, isin, quantity, locked, cash, reason, execution_id,
      reference, effective_at, uncovered, recorded_at
    )
    select
      n.tenant_id, n.movement_id, n.account_id, n.isin, n.quantity, n.locked, n.cash, n.reason,
      n.execution_id, n.reference, n.effective_at, n.uncovered, ${now}
    from (${movements}) as n
    returning ${recordedSql(recordedMovements)}`;
}

/** What the trail holds of movements: nothing of one ever changes. */
export const recordedMovements: RecordedRows = {
  kind: 'movement/1',
  noun: 'movement',
  from: fragment`unwind.movements m`,
  tenantId: fragment`m.tenant_id`,
  id: fragment`m.movement_id`,
  recordedAt: fragment`m.recorded_at`,
  bytes: fragment`
    record_send(row(
      m.tenant_id, m.movement_id, m.account_id, m.isin, m.quantity, m.locked, m.cash, m.uncovered,
      m.reason, m.execution_id, m.reference, m.effective_at,
      m.recorded_at
    ))`,
};

/** Changes positions; several changes of one position add up. The caller records the movements. */
export async function movePositions(
  tx: Tx,
  batch: { tenantId: TenantId; changes: readonly PositionChange[] },
): Promise<void> {
  const { tenantId, changes } = batch;
  if (changes.length === 0) return;
  await tx`
    update unwind.positions p
    set
      quantity = p.quantity + n.quantity,
      held = p.held + n.held
    from (
      select
        c.tenant_id, c.account_id, c.isin, sum(c.quantity) as quantity, sum(c.held) as held
      from ${rowsOf(changes, { tenantId }).as(`c (
        tenant_id uuid, account_id uuid, isin text, quantity numeric, held numeric
      )`)}
      group by c.tenant_id, c.account_id, c.isin
    ) as n
    where p.tenant_id = n.tenant_id
      and p.account_id = n.account_id
      and p.isin = n.isin`;
}

export type PositionName = Pick<PositionChange, 'accountId' | 'isin'>;

/** Locks positions and reads what of each is neither locked nor held. */
export async function lockFreeQuantities(
  tx: Tx,
  which: { tenantId: TenantId; positions: readonly PositionName[] },
): Promise<readonly (PositionName & { free: Decimal })[]> {
  const { tenantId, positions } = which;
  const rows = await tx<RowOf<PositionName & { free: Decimal }>[]>`
    select p.account_id, p.isin, p.quantity - p.locked - p.held as free
    from unwind.positions p
    where (p.tenant_id, p.account_id, p.isin) in (
        select n.tenant_id, n.account_id, n.isin
        from ${rowsOf(positions, { tenantId }).as('n (tenant_id uuid, account_id uuid, isin text)')}
      )
    order by p.account_id, p.isin
    for no key update`;
  return rows.map((row) => thingOf<PositionName & { free: Decimal }>(row, { free: decimal }));
}

/** What one unit of a currency was worth, and since when. */
export interface Rate {
  readonly rate: Decimal;
  readonly asOf: Date;
}

/** A currency at an instant of the market. */
export interface RateName {
  readonly currency: string;
  readonly at: Date;
}

export function rateKey({ currency, at }: RateName): string {
  return `${currency}/${at.toISOString()}`;
}

/**
 * The rates that were in force, by `rateKey`; before the first one, that one: the clock of a venue may be
 * behind the rate that an order was released by. A currency without any is missing.
 */
export async function findRates(
  tx: Tx,
  { tenantId, names }: { tenantId: TenantId; names: readonly RateName[] },
): Promise<ReadonlyMap<string, Rate>> {
  const asked = [...new Map(names.map((name) => [rateKey(name), name])).values()];
  const rows = await tx<{ currency: string; at: Date; rate: string; as_of: Date }[]>`
    select n.currency, n.at, r.rate, r.as_of
    from ${rowsOf(asked).as('n (currency text, at timestamptz)')}
    cross join lateral (
      (
        select r.rate, r.as_of, 1 as place
        from unwind.rates r
        where r.tenant_id = ${tenantId}
          and r.currency = n.currency
          and r.as_of <= n.at
        order by r.as_of desc
        limit 1
      )
      union all
      (
        select r.rate, r.as_of, 2
        from unwind.rates r
        where r.tenant_id = ${tenantId}
          and r.currency = n.currency
        order by r.as_of
        limit 1
      )
      order by place
      limit 1
    ) r`;
  return new Map(
    rows.map(({ currency, at, rate, as_of: asOf }) => {
      return [rateKey({ currency, at }), { rate: decimal(rate), asOf }];
    }),
  );
}
