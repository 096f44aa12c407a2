// The statements of controls: set, and read with what they ask of instruments where orders are sent.

import type { SqlOrTx, Tx } from '../db/connect.ts';
import { type RowOf, thingOf } from '../db/row.ts';
import { everyTenant } from '../halts/halt.ts';
import type { TenantId } from '../ids.ts';
import { collarExecutionsMax } from '../limits.ts';
import { type Decimal, decimal, plain } from '../money.ts';
import type { ControlsId, LastPrice, Limits } from './control.ts';

/** Limits as a person has set them, of a tenant or of all. */
export interface Controls extends Limits {
  readonly tenantId: TenantId;
  readonly controlsId: ControlsId;
  readonly reason: string;
  readonly person: string;
  readonly setAt: Date;
}

type ControlsRow = RowOf<Omit<Controls, 'rejections'>> & {
  readonly rejections_max: number | null;
  readonly rejections_window_s: number | null;
};

function toControls(row: ControlsRow): Controls {
  const { rejections_max: max, rejections_window_s: windowS, ...controls } = row;
  return {
    ...thingOf<Omit<Controls, 'rejections'>>(controls, {
      orderQuantityMax: decimal,
      orderValueMax: decimal,
      dayValueMax: decimal,
      priceCollarPercent: decimal,
      fourEyesMax: decimal,
    }),
    rejections: max === null || windowS === null ? undefined : { max, windowS },
  };
}

/** The controls in force that hold for a tenant: its own, and those of all. */
export async function findControls(sql: SqlOrTx, tenantId: TenantId): Promise<readonly Controls[]> {
  const rows = await sql<ControlsRow[]>`
    select
      c.tenant_id, c.controls_id, c.order_quantity_max, c.order_value_max, c.day_value_max,
      c.price_age_max_s, c.price_collar_percent, c.rejections_max, c.rejections_window_s,
      c.four_eyes_max, c.reason, c.person, c.set_at
    from unwind.controls c
    where c.replaced_at is null
      and c.tenant_id in (${tenantId}, ${everyTenant})`;
  return rows.map(toControls);
}

/**
 * Sets controls instead of those in force, which the caller has looked at. Of two that replace the same, one does.
 *
 * @param replaces undefined: none were in force.
 * @returns false: others are in force, or none; nothing is set.
 */
export async function replaceControls(
  tx: Tx,
  controls: Controls,
  replaces?: ControlsId,
): Promise<boolean> {
  const { tenantId, setAt } = controls;
  const amount = (value: Decimal | undefined) => (value === undefined ? null : plain(value));
  if (replaces !== undefined) {
    const replaced = await tx`
      update unwind.controls c
      set replaced_at = ${setAt}
      where c.tenant_id = ${tenantId}
        and c.controls_id = ${replaces}
        and c.replaced_at is null`;
    if (replaced.count === 0) return false;
  }
  const set = await tx`
    insert into unwind.controls (
      tenant_id, controls_id, order_quantity_max, order_value_max, day_value_max, price_age_max_s,
      price_collar_percent, rejections_max, rejections_window_s, four_eyes_max, reason, person,
      set_at
    )
    values (
      ${tenantId}, ${controls.controlsId}, ${amount(controls.orderQuantityMax)},
      ${amount(controls.orderValueMax)}, ${amount(controls.dayValueMax)},
      ${controls.priceAgeMaxS ?? null}, ${amount(controls.priceCollarPercent)},
      ${controls.rejections?.max ?? null}, ${controls.rejections?.windowS ?? null},
      ${amount(controls.fourEyesMax)}, ${controls.reason}, ${controls.person}, ${setAt}
    )
    on conflict (tenant_id) where replaced_at is null do nothing`;
  return set.count > 0;
}

/** Lets one transaction at a time count for a tenant. The last lock that it takes. */
export async function lockCount(tx: Tx, tenantId: TenantId): Promise<void> {
  await tx`
    select
    from unwind.tenants t
    where t.tenant_id = ${tenantId}
    for no key update`;
}

/** What controls ask of instruments. */
export interface InstrumentFacts {
  readonly price: LastPrice | undefined;
  readonly executedPrice: Decimal | undefined;
}

/** Last prices by ISIN, and what each was sold for last among the latest executions of the tenant. */
export async function findInstrumentFacts(
  tx: Tx,
  which: { tenantId: TenantId; isins: readonly string[]; withExecutions: boolean },
): Promise<ReadonlyMap<string, InstrumentFacts>> {
  const { tenantId, isins, withExecutions } = which;
  const rows = await tx<
    { isin: string; price: string | null; at: Date | null; executed: string | null }[]
  >`
    with latest as materialized (
      select e.execution_id, e.isin, e.price * coalesce(e.rate, 1) as price
      from unwind.executions e
      where e.tenant_id = ${tenantId}
        and e.busted_at is null
        and ${withExecutions}
      order by e.execution_id desc
      limit ${collarExecutionsMax}
    )
    select
      n.isin, p.price, p.updated_at as at,
      (
        select t.price
        from latest t
        where t.isin = n.isin
        order by t.execution_id desc
        limit 1
      ) as executed
    from unnest(${isins}::text[]) as n (isin)
    left join unwind.prices p
      on p.tenant_id = ${tenantId}
      and p.isin = n.isin`;
  return new Map(
    rows.map(({ isin, price, at, executed }) => [
      isin,
      {
        price: price === null || at === null ? undefined : { price: decimal(price), at },
        executedPrice: executed === null ? undefined : decimal(executed),
      },
    ]),
  );
}

/** What a tenant has at venues, or has sold, of what was sent since midnight UTC, by the last prices then. */
export async function findDayValue(tx: Tx, tenantId: TenantId, now: Date): Promise<Decimal> {
  const [row] = await tx<{ value: string }[]>`
    select
      coalesce(
        sum(s.day_price * case when s.status = 'DONE' then s.executed_quantity else s.quantity end), 0
      ) as value
    from unwind.submissions s
    where s.tenant_id = ${tenantId}
      and s.day_price is not null
      and s.sent_at >= date_trunc('day', ${now}::timestamptz, 'UTC')`;
  return decimal(row?.value ?? '0');
}
