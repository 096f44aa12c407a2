// The statements of the way to the keeper and back: questions and reports are claimed under a lease, and what came of
// them is written by its holder alone.

import { assert } from '../assert.ts';
import type { Tx } from '../db/connect.ts';
import { type RowOf, rowsOf, thingOf } from '../db/row.ts';
import { type Fragment, fragment } from '../db/sql.ts';
import type { TenantId } from '../ids.ts';
import { decimal } from '../money.ts';
import { mayBeWorked } from '../work/parked-store.ts';
import type { ClaimTurn } from '../work/turn.ts';
import {
  type AskedPosition,
  type GrantedPosition,
  type ReservationId,
  type ReservationName,
  reservationTransitions,
  type SalesReport,
} from './reservation.ts';

export interface NewLease {
  readonly holder: string;
  readonly expiresAt: Date;
}

/** A reservation under a lease of this process. */
export interface Leased extends ReservationName {
  readonly epoch: number;
  /** This one included. */
  readonly tries: number;
  /** Of a closed one: the report that is to be sent. */
  readonly report: number;
}

/** Takes reservations of one tenant that are due to be asked for, or to be reported, under a lease. */
export async function claimReservations(
  tx: Tx,
  claim: ClaimTurn & { readonly step: 'reserve' | 'report'; readonly lease: NewLease },
): Promise<readonly Leased[]> {
  const { step, lease, now, after, before, limit } = claim;
  const state = step === 'reserve' ? fragment`r.status = 'ASKING'` : fragment`r.status = 'CLOSED'`;
  const subject = fragment`r.reservation_id::text`;
  const isDue = fragment`
    ${state}
    and r.next_at <= ${now}
    and (r.lease_expires_at is null or r.lease_expires_at <= ${now})
    and ${mayBeWorked(step, { tenantId: fragment`r.tenant_id`, subject, now })}`;
  const rows = await tx<RowOf<Leased>[]>`
    with turn as (
      select r.tenant_id
      from unwind.reservations r
      where ${isDue}
        and r.tenant_id > ${after}
        and r.tenant_id < ${before}
      order by r.tenant_id, r.next_at
      limit 1
      for no key update of r skip locked
    ),
    due as (
      select r.tenant_id, r.reservation_id
      from turn
      join unwind.reservations r on r.tenant_id = turn.tenant_id
      where ${isDue}
      order by r.next_at
      limit ${limit}
      for no key update of r skip locked
    )
    update unwind.reservations r
    set
      lease_holder = ${lease.holder},
      lease_epoch = r.lease_epoch + 1,
      lease_expires_at = ${lease.expiresAt},
      tries = r.tries + 1
    from due
    where r.tenant_id = due.tenant_id
      and r.reservation_id = due.reservation_id
    returning
      r.tenant_id, r.reservation_id, r.liquidation_id, r.account_id, r.lease_epoch as epoch, r.tries,
      r.report`;
  return rows.map((row) => thingOf<Leased>(row));
}

/** The positions of each reservation, from rows of all. */
function positionsById<Row extends { readonly reservation_id: ReservationId }, Position>(
  rows: readonly Row[],
  toPosition: (row: Row) => Position,
): ReadonlyMap<ReservationId, readonly Position[]> {
  const byId = Map.groupBy(rows, (row) => row.reservation_id);
  return new Map([...byId].map(([id, own]) => [id, own.map(toPosition)]));
}

interface Batch {
  readonly tenantId: TenantId;
  readonly reservationIds: readonly ReservationId[];
}

/** What is asked for, by reservation. */
export async function findAsked(
  tx: Tx,
  { tenantId, reservationIds }: Batch,
): Promise<ReadonlyMap<ReservationId, readonly AskedPosition[]>> {
  const rows = await tx<{ reservation_id: ReservationId; isin: string; quantity: string }[]>`
    select p.reservation_id, p.isin, p.quantity
    from unwind.reservation_positions p
    where p.tenant_id = ${tenantId}
      and p.reservation_id = any (${reservationIds}::uuid[])
    order by p.reservation_id, p.isin`;
  return positionsById(rows, ({ isin, quantity }) => ({ isin, quantity: decimal(quantity) }));
}

type SoldPosition = SalesReport['positions'][number];

/** What has become of reservations as it stands now: executions that are not void, of the orders of their round. */
export async function findSold(
  tx: Tx,
  { tenantId, reservationIds }: Batch,
): Promise<ReadonlyMap<ReservationId, SalesReport['positions']>> {
  const rows = await tx<(RowOf<SoldPosition> & { reservation_id: ReservationId })[]>`
    select
      p.reservation_id, p.isin, g.granted, s.sold, greatest(g.granted - s.sold, 0) as released
    from unwind.reservations r
    join unwind.reservation_positions p using (tenant_id, reservation_id)
    cross join lateral (select coalesce(p.granted, 0) as granted) g
    cross join lateral (
      select coalesce(sum(e.quantity), 0) as sold
      from unwind.orders o
      join unwind.executions e using (tenant_id, order_id)
      where o.tenant_id = r.tenant_id
        and o.liquidation_id = r.liquidation_id
        and o.round = r.round
        and o.isin = p.isin
        and e.busted_at is null
    ) s
    where r.tenant_id = ${tenantId}
      and r.reservation_id = any (${reservationIds}::uuid[])
    order by p.reservation_id, p.isin`;
  const decimals = { granted: decimal, sold: decimal, released: decimal };
  return positionsById(rows, ({ reservation_id, ...row }) => thingOf<SoldPosition>(row, decimals));
}

/** SQL: whether a reservation `r` is under this lease still. */
function isHeldBy(lease: Leased & { readonly holder: string }): Fragment {
  const { tenantId, reservationId, epoch, holder } = lease;
  return fragment`
    r.tenant_id = ${tenantId}
    and r.reservation_id = ${reservationId}
    and r.lease_holder = ${holder}
    and r.lease_epoch = ${epoch}`;
}

/** Records what a keeper granted. @returns false where it is not asked for any more, or by another. */
export async function recordGrants(
  tx: Tx,
  answered: Leased & { holder: string; granted: readonly GrantedPosition[]; now: Date },
): Promise<boolean> {
  const { tenantId, reservationId, granted, now } = answered;
  const rows = await tx`
    update unwind.reservations r
    set
      status = ${reservationTransitions.ASKING.answered},
      answered_at = ${now},
      next_at = null,
      lease_holder = null,
      lease_expires_at = null,
      tries = 0,
      last_outcome = null
    where ${isHeldBy(answered)}
      and r.status = 'ASKING'`;
  if (rows.count === 0) return false;
  const lines = await tx`
    update unwind.reservation_positions p
    set
      granted = n.granted,
      reason = n.reason
    from ${rowsOf(granted).as('n (isin text, granted numeric, reason text)')}
    where p.tenant_id = ${tenantId}
      and p.reservation_id = ${reservationId}
      and p.isin = n.isin`;
  assert(lines.count === granted.length, 'what is granted was asked for');
  return true;
}

/** Records that a report has arrived; a correction since then is reported as well. */
export async function recordReported(
  tx: Tx,
  reported: Leased & { holder: string; now: Date },
): Promise<void> {
  const { report, now } = reported;
  await tx`
    update unwind.reservations r
    set
      reported_at = ${now},
      next_at = case when r.report = ${report} then null else r.next_at end,
      lease_holder = null,
      lease_expires_at = null,
      tries = 0,
      last_outcome = null
    where ${isHeldBy(reported)}`;
}

/** Records that there was no answer, and when it is tried again. */
export async function recordUnanswered(
  tx: Tx,
  failed: Leased & { holder: string; reason: string; nextAt: Date },
): Promise<void> {
  const { reason, nextAt } = failed;
  await tx`
    update unwind.reservations r
    set
      next_at = ${nextAt},
      lease_holder = null,
      lease_expires_at = null,
      last_outcome = ${reason}
    where ${isHeldBy(failed)}`;
}
