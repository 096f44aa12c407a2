// The statements that say why liquidations wait, for operators and for tests of a sandbox. The reasons are
// those of the published views (docs/views.md).

import type { SqlOrTx } from '../db/connect.ts';
import { type RowOf, thingOf } from '../db/row.ts';
import { type Fragment, fragment } from '../db/sql.ts';
import type { AccountId, LiquidationId, TenantId } from '../ids.ts';
import { lookedThroughMax, stuckAfterMs } from '../limits.ts';
import type { EndReason, LiquidationStatus } from './liquidation.ts';

/** Why something waits, in the order of precedence of the view. */
export const waitReasons = [
  'parked',
  'stopping',
  'rejected',
  'fraction',
  'odd_lot',
  'sent_unanswered',
  'inactive',
  'unlisted',
  'locked',
  'halted',
  'control',
  'no_rate',
  'venue_closed',
  'retrying',
  'release_delay',
  'due_later',
  'at_venue',
  'next_round',
  'due',
  'reservation',
] as const;

export type WaitReason = (typeof waitReasons)[number];

/** Those that end by an act, so that their end cannot be estimated: of a person, of the book, or of a venue that has halted. */
export const openEndedReasons: readonly WaitReason[] = [
  'parked',
  'inactive',
  'unlisted',
  'locked',
  'halted',
  'control',
  'no_rate',
];

export interface Wait {
  readonly reason: WaitReason;
  /** The position that has the reason; undefined: the liquidation as a whole. */
  readonly isin: string | undefined;
  readonly since: Date | undefined;
  readonly until: Date | undefined;
  /** For a person. */
  readonly detail: string | undefined;
}

export interface SeenLiquidation {
  readonly tenantId: TenantId;
  readonly liquidationId: LiquidationId;
  readonly accountId: AccountId;
  readonly status: LiquidationStatus;
  readonly endReason: EndReason | undefined;
  /** What its end left in the account although nothing was refused, in words. */
  readonly endNote: string | undefined;
  readonly proceeds: string;
  readonly cashAmount: string;
  readonly createdAt: Date;
  /** Undefined once it has ended. */
  readonly wait: Wait | undefined;
}

/** What is not sold of an open liquidation. */
export interface WaitingPosition extends Wait {
  readonly isin: string;
  /** Units that are still in the account. */
  readonly quantity: string;
  /** False: the book has no price for it. */
  readonly priced: boolean;
}

interface WaitColumns {
  readonly reason: WaitReason | null;
  readonly isin: string | null;
  readonly since: Date | null;
  readonly until: Date | null;
  readonly detail: string | null;
}

type SeenRow = RowOf<Omit<SeenLiquidation, 'wait'>> & WaitColumns;

/**
 * SQL: whether a row `w` of liquidation_waits says that a liquidation is stuck: a person has to look at it,
 * or what a working service does in a moment has not happened for longer than the minutes of `stuckAfterMs`.
 */
export const isStuckSql = fragment`(
  w.reason = 'parked'
  or (
    w.reason in ('stopping', 'sent_unanswered', 'retrying', 'due', 'reservation')
    and w.since < now() - ${stuckAfterMs} * interval '1 millisecond'
  )
)`;

/** Which liquidations to list; what is undefined does not matter. */
export interface SeenFilter {
  readonly tenantId: TenantId | undefined;
  readonly accountId: AccountId | undefined;
  readonly status: LiquidationStatus | undefined;
  /** Only those that wait for this reason, or of which some position does; it is the one that is shown. */
  readonly reason: WaitReason | undefined;
  /** Only those that are stuck. */
  readonly isStuck: boolean;
  readonly createdBefore: Date | undefined;
  readonly limit: number;
}

/** Liquidations, the newest first. */
export async function findLiquidations(
  sql: SqlOrTx,
  filter: SeenFilter,
): Promise<readonly SeenLiquidation[]> {
  const { tenantId, accountId, status, reason, isStuck, createdBefore, limit } = filter;
  const isWanted = fragment`
    (${accountId ?? null}::uuid is null or l.account_id = ${accountId ?? null})
    and (${status ?? null}::text is null or l.status = ${status ?? null})`;
  const isOld = fragment`
    (${createdBefore ?? null}::timestamptz is null or l.created_at < ${createdBefore ?? null})`;
  const ofTenant = fragment`${tenantId ?? null}::uuid is null or t.tenant_id = ${tenantId ?? null}`;
  const chosen =
    reason === undefined && !isStuck
      ? fragment`
        select l.tenant_id, l.liquidation_id
        from unwind.tenants t
        cross join lateral (
          select l.tenant_id, l.liquidation_id
          from unwind.liquidations l
          where l.tenant_id = t.tenant_id
            and ${isWanted}
            and ${isOld}
          order by l.liquidation_id desc
          limit ${limit}
        ) l
        where ${ofTenant}`
      : fragment`
        select l.tenant_id, l.liquidation_id
        from unwind_v1.liquidation_waits w
        join unwind.tenants t on t.tenant_id = w.tenant_id
        join unwind.liquidations l
          on l.tenant_id = w.tenant_id
          and l.liquidation_id = w.liquidation_id
        where (
            ${reason ?? null}::text is null
            or w.reason = ${reason ?? null}
            or (w.tenant_id, w.liquidation_id) in (
              select p.tenant_id, p.liquidation_id
              from unwind_v1.position_waits p
              where p.reason = ${reason ?? null}
            )
          )
          and (${!isStuck} or ${isStuckSql})
          and ${isWanted}
          and ${isOld}
          and (${ofTenant})`;
  const newest = fragment`${chosen} order by l.liquidation_id desc limit ${limit}`;
  return findSeen(sql, newest, reason);
}

/** The liquidations of an id: one of each tenant that has it, or of the tenant named. */
export function findLiquidationsOfId(
  sql: SqlOrTx,
  which: { readonly liquidationId: LiquidationId; readonly tenantId: TenantId | undefined },
): Promise<readonly SeenLiquidation[]> {
  const { liquidationId, tenantId } = which;
  const chosen =
    tenantId === undefined
      ? fragment`
        select t.tenant_id, l.liquidation_id
        from unwind.tenants t
        join unwind.liquidations l
          on l.tenant_id = t.tenant_id
          and l.liquidation_id = ${liquidationId}`
      : fragment`select ${tenantId}::uuid as tenant_id, ${liquidationId}::uuid as liquidation_id`;
  return findSeen(sql, chosen);
}

/** The oldest open liquidations of all tenants, the oldest first. */
export async function findOldestOpen(
  sql: SqlOrTx,
  limit: number,
): Promise<readonly SeenLiquidation[]> {
  const chosen = fragment`
    select o.tenant_id, o.liquidation_id
    from (
      select l.tenant_id, l.liquidation_id
      from unwind.liquidations l
      where l.status in ('NEW', 'PROCESSING')
      limit ${lookedThroughMax}
    ) o
    order by o.liquidation_id
    limit ${limit}`;
  return (await findSeen(sql, chosen)).toReversed();
}

async function findSeen(
  sql: SqlOrTx,
  chosen: Fragment,
  reason?: WaitReason,
): Promise<readonly SeenLiquidation[]> {
  const ofPosition =
    reason === undefined
      ? fragment``
      : fragment`
      union all
      (
        select 2 as place, p.reason, p.isin, p.since, p.until, p.detail
        from unwind_v1.position_waits p
        where p.tenant_id = c.tenant_id
          and p.liquidation_id = c.liquidation_id
          and p.reason = ${reason}
        order by p.isin
        limit 1
      )`;
  const rows = await sql<SeenRow[]>`
    with chosen as materialized (${chosen})
    select
      l.tenant_id, l.liquidation_id, l.account_id, l.status, l.end_reason, l.end_note,
      trim_scale(l.proceeds) as proceeds,
      trim_scale(l.cash_amount) as cash_amount,
      l.created_at, w.reason, w.isin, w.since, w.until, w.detail
    from chosen c
    join unwind.liquidations l using (tenant_id, liquidation_id)
    left join lateral (
      select 1 as place, w.reason, w.isin, w.since, w.until, w.detail
      from unwind_v1.liquidation_waits w
      where w.tenant_id = c.tenant_id
        and w.liquidation_id = c.liquidation_id
        and (${reason ?? null}::text is null or w.reason = ${reason ?? null})${ofPosition}
      order by place
      limit 1
    ) w on true
    order by l.liquidation_id desc, l.tenant_id`;
  return rows.map(({ reason, isin, since, until, detail, ...row }) => ({
    ...thingOf<Omit<SeenLiquidation, 'wait'>>(row),
    wait: reason === null ? undefined : thingOf<Wait>({ reason, isin, since, until, detail }),
  }));
}

/** What an open liquidation has not sold, by ISIN; nothing of one that has ended. */
export async function findWaitingPositions(
  sql: SqlOrTx,
  which: { readonly tenantId: TenantId; readonly liquidationId: LiquidationId },
): Promise<readonly WaitingPosition[]> {
  const rows = await sql<RowOf<WaitingPosition>[]>`
    select
      w.isin,
      trim_scale(w.quantity) as quantity,
      w.reason, w.since, w.until, w.detail, w.priced
    from unwind_v1.position_waits w
    where w.tenant_id = ${which.tenantId}
      and w.liquidation_id = ${which.liquidationId}
    order by w.isin`;
  return rows.map((row) => thingOf<WaitingPosition>(row));
}
