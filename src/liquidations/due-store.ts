// The statements that find what is due: NEW liquidations to release, or to leave until the venue opens,
// PROCESSING ones to look at again, and those to end before they are flat. All of one batch
// belongs to one tenant. And how much a tenant has open.

import type { Sql, SqlOrTx, Tx } from '../db/connect.ts';
import { type RowOf, rowsOf, thingOf } from '../db/row.ts';
import { type Fragment, fragment } from '../db/sql.ts';
import { everyTenant, type HaltTarget } from '../halts/halt.ts';
import { holdOffHalts, isAccountHaltedSql, isAllHaltedSql } from '../halts/halts-store.ts';
import type { AccountId, LiquidationId, TenantId } from '../ids.ts';
import type { ParkedStep } from '../work/parked.ts';
import { mayBeWorked } from '../work/parked-store.ts';
import type { ClaimTurn } from '../work/turn.ts';
import type { LiquidationStatus, StopReason } from './liquidation.ts';

export interface DueLiquidation {
  readonly tenantId: TenantId;
  readonly liquidationId: LiquidationId;
  readonly accountId: AccountId;
  readonly status: LiquidationStatus;
  readonly rounds: number;
  /** Market time since its release was due, in ms. */
  readonly ageMs: number;
  /** Why it is to end as soon as it can; undefined: it is not. */
  readonly stopReason: StopReason | undefined;
}

export interface DueClaim extends ClaimTurn {
  /** Where orders go, by MIC. */
  readonly venues: readonly string[];
}

/**
 * Locks NEW liquidations whose release is due, none while a venue is closed: which of them need that one
 * is asked by `claimWhileClosed`. Rows another process holds are passed over.
 */
export async function claimToRelease(tx: Tx, claim: DueClaim): Promise<readonly DueLiquidation[]> {
  await holdOffHalts(tx);
  const isDue = fragment`
    l.status = 'NEW'
    and not l.awaits_reservation
    and l.release_at <= (select unwind.market_time(${claim.now}))
    and ${areOpen(claim)}
    and ${mayBeMoved('release', claim.now)}
    ${isNotHalted}`;
  return claimDue(tx, claim, { isDue, since: fragment`l.release_at` });
}

/** Locks NEW liquidations that are due while a venue is closed and were not looked at since. */
export async function claimWhileClosed(
  tx: Tx,
  claim: DueClaim,
): Promise<readonly DueLiquidation[]> {
  await holdOffHalts(tx);
  const isDue = fragment`
    l.status = 'NEW'
    and not l.waits_for_venue
    and not l.awaits_reservation
    and l.release_at <= (select unwind.market_time(${claim.now}))
    and not ${areOpen(claim)}
    and ${mayBeMoved('release', claim.now)}
    ${isNotHalted}`;
  return claimDue(tx, claim, { isDue, since: fragment`l.release_at` });
}

// A halt of an instrument or of a venue stops orders, and not the release of the rest.
const isNotHalted = fragment`
    and not ${isAllHaltedSql(null)}
    and not ${isAccountHaltedSql(fragment`l.tenant_id`, fragment`l.account_id`)}`;

// In a subquery of its own it is asked once, not for each row.
function areOpen({ venues, now }: DueClaim): Fragment {
  return fragment`(
      select bool_and(unwind.venue_is_open(n.venue, unwind.market_time(${now})))
      from unnest(${venues}::text[]) as n (venue)
    )`;
}

export type LiquidationKey = Pick<DueLiquidation, 'tenantId' | 'liquidationId'>;

/** The venues that a NEW liquidation needs, all of them closed. */
export interface VenueWait {
  readonly liquidationId: LiquidationId;
  readonly venues: readonly string[];
}

/** Leaves claimed NEW liquidations until one of the venues opens that they need. */
export async function waitForOpening(
  tx: Tx,
  { tenantId, waits }: { tenantId: TenantId; waits: readonly VenueWait[] },
): Promise<void> {
  const named = waits.map(({ liquidationId, venues }) => {
    return { liquidationId, venues: venues.join(',') };
  });
  await tx`
    update unwind.liquidations l
    set
      waits_for_venue = true,
      waits_for_venues = string_to_array(n.venues, ',')
    from ${rowsOf(named, { tenantId }).as('n (tenant_id uuid, liquidation_id uuid, venues text)')}
    where l.tenant_id = n.tenant_id
      and l.liquidation_id = n.liquidation_id
      and l.status = 'NEW'`;
}

/**
 * Lets liquidations be looked at again whatever venue they wait for, in the order of their keys.
 * @returns the last one; undefined: there are no more.
 */
export async function endAllVenueWaits(
  sql: Sql,
  { after, limit }: { after: LiquidationKey | undefined; limit: number },
): Promise<LiquidationKey | undefined> {
  const rows = await sql<{ tenant_id: TenantId; liquidation_id: LiquidationId }[]>`
    with waiting as materialized (
      select w.tenant_id, w.liquidation_id
      from unwind.liquidations w
      where w.status = 'NEW'
        and w.waits_for_venue
        and (
          ${after?.tenantId ?? null}::uuid is null
          or (w.tenant_id, w.liquidation_id)
            > (${after?.tenantId ?? null}::uuid, ${after?.liquidationId ?? null}::uuid)
        )
      order by w.tenant_id, w.liquidation_id
      limit ${limit}
      for no key update skip locked
    ),
    ended as (
      update unwind.liquidations l
      set
        waits_for_venue = false,
        waits_for_venues = null
      from waiting w
      where l.tenant_id = w.tenant_id
        and l.liquidation_id = w.liquidation_id
    )
    select w.tenant_id, w.liquidation_id
    from waiting w
    order by w.tenant_id desc, w.liquidation_id desc
    limit 1`;
  const [last] = rows;
  return last && { tenantId: last.tenant_id, liquidationId: last.liquidation_id };
}

/** Lets liquidations be looked at again that wait for one of these venues. @returns how many. */
export async function endVenueWaits(
  sql: Sql,
  { venues, limit }: { venues: readonly string[]; limit: number },
): Promise<number> {
  const rows = await sql`
    update unwind.liquidations l
    set
      waits_for_venue = false,
      waits_for_venues = null
    where (l.tenant_id, l.liquidation_id) in (
      select w.tenant_id, w.liquidation_id
      from unwind.liquidations w
      where w.status = 'NEW'
        and w.waits_for_venue
        and (w.waits_for_venues is null or w.waits_for_venues && ${venues}::text[])
      limit ${limit}
      for no key update skip locked
    )`;
  return rows.count;
}

/** Locks PROCESSING liquidations without open orders that are to be looked at. */
export async function claimToAdvance(tx: Tx, claim: DueClaim): Promise<readonly DueLiquidation[]> {
  await holdOffHalts(tx);
  const isDue = fragment`
    l.advance_at <= (select unwind.market_time(${claim.now}))
    and not l.awaits_reservation
    and ${mayBeMoved('advance', claim.now)}`;
  return claimDue(tx, claim, { isDue, since: fragment`l.advance_at` });
}

/** Locks liquidations that are to be ended before they are flat. */
export function claimToStop(tx: Tx, turn: ClaimTurn): Promise<readonly DueLiquidation[]> {
  const isDue = fragment`l.stop_at <= ${turn.now} and ${mayBeMoved('stop', turn.now)}`;
  return claimDue(tx, turn, { isDue, since: fragment`l.stop_at` });
}

/** Locks FILLED liquidations whose settlement is due. */
export function claimToSettle(tx: Tx, turn: ClaimTurn): Promise<readonly DueLiquidation[]> {
  const isDue = fragment`
    l.status = 'FILLED'
    and l.settle_at <= (select unwind.market_time(${turn.now}))
    and ${mayBeMoved('settle', turn.now)}`;
  return claimDue(tx, turn, { isDue, since: fragment`l.settle_at` });
}

function mayBeMoved(step: ParkedStep, now: Date): Fragment {
  const subject = fragment`l.liquidation_id::text`;
  return mayBeWorked(step, { tenantId: fragment`l.tenant_id`, subject, now });
}

// Ordered as the partial indexes are, which then serve both parts. The turn is of the first tenant with a row that
// no other process works on: else one whose rows are all taken would hide those behind it.
async function claimDue(
  tx: Tx,
  { after, before, now, limit }: ClaimTurn,
  { isDue, since }: { isDue: Fragment; since: Fragment },
): Promise<readonly DueLiquidation[]> {
  const rows = await tx<(RowOf<Omit<DueLiquidation, 'ageMs'>> & { age_ms: string })[]>`
    with turn as (
      select l.tenant_id
      from unwind.liquidations l
      where ${isDue}
        and l.tenant_id > ${after}
        and l.tenant_id < ${before}
      order by l.tenant_id, ${since}
      limit 1
      for update of l skip locked
    )
    select
      l.tenant_id, l.liquidation_id, l.account_id, l.status, l.rounds, l.stop_reason,
      trunc(extract(epoch from (select unwind.market_time(${now})) - l.release_at) * 1000) as age_ms
    from turn
    join unwind.liquidations l on l.tenant_id = turn.tenant_id
    where ${isDue}
    order by l.tenant_id, ${since}
    limit ${limit}
    for update of l skip locked`;
  return rows.map(({ age_ms, ...row }) => {
    return { ...thingOf<Omit<DueLiquidation, 'ageMs'>>(row), ageMs: Number(age_ms) };
  });
}

/** Has idle liquidations that a halt covered look again: as many as one commit may change. */
export async function wakeHalted(
  tx: Tx,
  { tenantId, accountId }: HaltTarget,
  { now, limit }: { readonly now: Date; readonly limit: number },
): Promise<void> {
  await tx`
    update unwind.liquidations l
    set advance_at = (select unwind.market_time(${now}))
    where (l.tenant_id, l.liquidation_id) in (
      select w.tenant_id, w.liquidation_id
      from unwind.liquidations w
      where w.advance_at > (select unwind.market_time(${now}))
        and (${tenantId}::uuid = ${everyTenant} or w.tenant_id = ${tenantId})
        and (${accountId ?? null}::uuid is null or w.account_id = ${accountId ?? null})
      order by w.tenant_id, w.liquidation_id
      limit ${limit}
      for no key update skip locked
    )`;
}

/** How many liquidations of a tenant are NEW or PROCESSING, counted up to a limit. */
export async function countOpenLiquidations(
  sql: SqlOrTx,
  which: { tenantId: TenantId; max: number },
): Promise<number> {
  const rows = await sql<{ count: number }[]>`
    select count(*)::integer as count
    from (
      select
      from unwind.liquidations l
      where l.tenant_id = ${which.tenantId}
        and l.status in ('NEW', 'PROCESSING')
      limit ${which.max}
    ) open`;
  return rows[0]?.count ?? 0;
}
