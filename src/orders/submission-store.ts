// The statements of submissions on their way to the venue and back: sent under a lease, answered, looked
// up, cancelled for a halt. What reports make of them is in progress-store.ts.

import type { Sql, Tx } from '../db/connect.ts';
import { type RowOf, rowsOf, thingOf } from '../db/row.ts';
import { fragment } from '../db/sql.ts';
import { holdOffHalts, isCancelledByHaltSql, isHaltedSql, ofOrder } from '../halts/halts-store.ts';
import type { LiquidationId, OrderId, TenantId } from '../ids.ts';
import { type Decimal, decimal } from '../money.ts';
import { reportsOfAnswersSql } from '../venue/inbox-store.ts';
import type { NewOrder, OrderReference } from '../venue/venue.ts';
import { placeLength } from '../work/holder.ts';
import { mayBeWorked } from '../work/parked-store.ts';
import { liquidationsNamed, nextChangesOf } from './liquidations-named.ts';
import { orderTransitions, submissionTransitions } from './order.ts';

/** Who may write what a call to the venue answered: its holder, in its epoch, while it lasts. */
export interface Lease {
  readonly holder: string;
  readonly expiresAt: Date;
}

/** A client order id about to be sent for an order; `dayPrice` counts it for the value of the day. */
export interface Intent extends NewOrder {
  readonly orderId: OrderId;
  readonly liquidationId: LiquidationId;
  readonly dayPrice: Decimal | undefined;
}

/** Commits the intent to send: orders PROCESSING, submissions SENDING under a lease. */
export async function insertSubmissions(
  tx: Tx,
  batch: { intents: readonly Intent[]; venue: string; lease: Lease; now: Date },
): Promise<number> {
  const { intents, venue, lease, now } = batch;
  const named = rowsOf(intents).as('d (tenant_id uuid, liquidation_id uuid)');
  const updated = await tx`
    with changes as materialized (${nextChangesOf(named, now)})
    update unwind.orders o
    set
      status = ${orderTransitions.NEW.sent},
      submissions = o.submissions + 1,
      submit_at = null,
      updated_at = ${now},
      status_at = case when o.status = 'NEW' then changes.at else o.status_at end
    from ${rowsOf(intents).as('n (tenant_id uuid, order_id uuid, liquidation_id uuid)')}
    join changes on changes.liquidation_id = n.liquidation_id
    where o.tenant_id = n.tenant_id
      and o.order_id = n.order_id
      and o.status in ('NEW', 'PROCESSING')
      and o.submit_at is not null`;
  await tx`
    insert into unwind.submissions (
      tenant_id, client_order_id, order_id, liquidation_id, venue, quantity, status,
      lease_holder, lease_epoch, lease_expires_at, sent_at, updated_at, day_price
    )
    select
      n.tenant_id, n.client_order_id, n.order_id, n.liquidation_id, ${venue}, n.quantity, 'SENDING',
      ${lease.holder}, 1, ${lease.expiresAt}, ${now}, ${now}, n.day_price
    from ${rowsOf(intents).as(`n (
      tenant_id uuid, client_order_id text, order_id uuid, liquidation_id uuid, quantity numeric,
      day_price numeric
    )`)}`;
  return updated.count;
}

/** A submission whose call has an answer or is still without one. */
export interface Held extends OrderReference {
  readonly epoch: number;
}

export interface HeldSubmission extends Held, Omit<Intent, 'liquidationId' | 'dayPrice'> {
  readonly sentAt: Date;
  /** Looked up, but not sent again. */
  readonly isHalted: boolean;
}

/** Takes over submissions to a venue whose lease ran out, in a new epoch. */
export async function claimExpired(
  tx: Tx,
  claim: { venue: string; lease: Lease; now: Date; limit: number },
): Promise<readonly HeldSubmission[]> {
  const { venue, lease, now, limit } = claim;
  const mayBeAnswered = mayBeWorked('answer', {
    tenantId: fragment`s.tenant_id`,
    subject: fragment`s.client_order_id`,
    now,
  });
  await holdOffHalts(tx);
  const rows = await tx<RowOf<HeldSubmission>[]>`
    with expired as (
      select s.tenant_id, s.client_order_id, s.order_id
      from unwind.submissions s
      where s.status = 'SENDING'
        and s.venue = ${venue}
        and s.lease_expires_at <= ${now}
        and ${mayBeAnswered}
      order by s.lease_expires_at
      limit ${limit}
      for update skip locked
    )
    update unwind.submissions s
    set
      lease_holder = ${lease.holder},
      lease_epoch = s.lease_epoch + 1,
      lease_expires_at = ${lease.expiresAt}
    from expired e
    join unwind.orders o on o.tenant_id = e.tenant_id and o.order_id = e.order_id
    where s.tenant_id = e.tenant_id
      and s.client_order_id = e.client_order_id
    returning
      s.tenant_id, s.client_order_id, s.order_id, s.quantity, s.lease_epoch as epoch, s.sent_at,
      o.isin, o.symbol, o.currency,
      ${isHaltedSql(ofOrder)} as is_halted`;
  return rows.map((row) => thingOf<HeldSubmission>(row, { quantity: decimal }));
}

/**
 * Ends the leases of those who held the place of this holder before it: they are dead, and what they
 * sent may be looked up now. @returns how many.
 */
export async function endSubmissionLeases(
  sql: Sql,
  { holder, now }: { holder: string; now: Date },
): Promise<number> {
  const rows = await sql`
    with ended as (
      select s.tenant_id, s.client_order_id
      from unwind.submissions s
      where s.status = 'SENDING'
        and s.lease_expires_at > ${now}
        and left(s.lease_holder::text, ${placeLength}) = left(${holder}, ${placeLength})
        and s.lease_holder <> ${holder}
      order by s.order_id, s.client_order_id
      for no key update
    )
    update unwind.submissions s
    set lease_expires_at = ${now}
    from ended e
    where s.tenant_id = e.tenant_id
      and s.client_order_id = e.client_order_id`;
  return rows.count;
}

/**
 * Locks submissions in the order in which the step that applies reports locks them: statements that
 * follow in the transaction write some of them each.
 */
export async function lockAnswered(tx: Tx, answered: readonly Held[]): Promise<void> {
  await tx`
    select s.client_order_id
    from ${rowsOf(answered).as('n (tenant_id uuid, client_order_id text)')}
    join unwind.submissions s using (tenant_id, client_order_id)
    order by s.order_id, s.client_order_id
    for no key update of s`;
}

export interface Acceptance extends Held {
  readonly venueOrderId: string;
}

/**
 * Records that the venue works these orders. Rows of another holder or epoch are left alone; one that
 * reports have ended meanwhile only learns the venue's name for it.
 */
export async function recordAcceptances(
  tx: Tx,
  batch: { accepted: readonly Acceptance[]; holder: string; now: Date },
): Promise<void> {
  const { accepted, holder, now } = batch;
  if (accepted.length === 0) return;
  await tx`
    update unwind.submissions s
    set
      status = case
        when s.status = 'SENDING' then ${submissionTransitions.SENDING.answered}
        else s.status
      end,
      venue_order_id = n.venue_order_id,
      lease_holder = null,
      lease_expires_at = null,
      updated_at = ${now}
    from ${rowsOf(accepted).as(`n (
      tenant_id uuid, client_order_id text, epoch integer, venue_order_id text
    )`)}
    where s.tenant_id = n.tenant_id
      and s.client_order_id = n.client_order_id
      and (
        (s.status = 'SENDING' and s.lease_holder = ${holder} and s.lease_epoch = n.epoch)
        or (s.status <> 'SENDING' and s.venue_order_id is null)
      )`;
}

export interface NotWorking extends Held {
  readonly type: 'rejected' | 'suspended';
  readonly reason: string;
}

/**
 * Records that the venue does not work these orders, as reports of ours beside the venue's own, so
 * that one step applies both. Rows of another holder or epoch are left alone.
 */
export async function recordNotWorking(
  tx: Tx,
  batch: { ended: readonly NotWorking[]; holder: string; venue: string; now: Date },
): Promise<void> {
  const { ended, holder, venue, now } = batch;
  if (ended.length === 0) return;
  const answers = fragment`select a.tenant_id, a.client_order_id, a.type, a.reason from answered a`;
  await tx`
    with answered as (
      update unwind.submissions s
      set
        status = ${submissionTransitions.SENDING.answered},
        lease_holder = null,
        lease_expires_at = null,
        updated_at = ${now}
      from ${rowsOf(ended).as(`n (
        tenant_id uuid, client_order_id text, epoch integer, type text, reason text
      )`)}
      where s.tenant_id = n.tenant_id
        and s.client_order_id = n.client_order_id
        and s.status = 'SENDING'
        and s.lease_holder = ${holder}
        and s.lease_epoch = n.epoch
      returning s.tenant_id, s.client_order_id, n.type, n.reason
    )
    ${reportsOfAnswersSql(answers, { venue, now })}`;
}

/** Lets the leases of submissions whose answer is unknown run out at an instant of our choice. */
export async function shortenLeases(
  tx: Tx,
  batch: { unknown: readonly (Held & { until: Date })[]; holder: string },
): Promise<void> {
  const { unknown, holder } = batch;
  if (unknown.length === 0) return;
  await tx`
    update unwind.submissions s
    set lease_expires_at = n.until
    from ${rowsOf(unknown).as(`n (
      tenant_id uuid, client_order_id text, epoch integer, until timestamptz
    )`)}
    where s.tenant_id = n.tenant_id
      and s.client_order_id = n.client_order_id
      and s.status = 'SENDING'
      and s.lease_holder = ${holder}
      and s.lease_epoch = n.epoch`;
}

/** The venues that have submissions without an end, with how many. */
export async function countInFlight(sql: Sql): Promise<ReadonlyMap<string, number>> {
  const rows = await sql<{ venue: string; count: number }[]>`
    select s.venue, count(*)::integer as count
    from unwind.submissions s where s.status <> 'DONE' group by s.venue`;
  return new Map(rows.map(({ venue, count }) => [venue, count]));
}

/** What of these liquidations is at venues, or on its way there, by MIC. */
export async function findAtVenues(
  tx: Tx,
  { tenantId, liquidationIds }: { tenantId: TenantId; liquidationIds: readonly LiquidationId[] },
): Promise<ReadonlyMap<string, readonly OrderReference[]>> {
  const rows = await tx<{ venue: string; client_order_id: string }[]>`
    select s.venue, s.client_order_id
    from ${liquidationsNamed(tenantId, liquidationIds)}
    join unwind.orders o using (tenant_id, liquidation_id)
    join unwind.submissions s using (tenant_id, order_id)
    where o.status = 'PROCESSING'
      and s.status <> 'DONE'
    order by s.client_order_id`;
  const references = (own: readonly { client_order_id: string }[]) => {
    return own.map((row) => ({ tenantId, clientOrderId: row.client_order_id }));
  };
  const byVenue = Map.groupBy(rows, (row) => row.venue);
  return new Map([...byVenue].map(([venue, own]) => [venue, references(own)]));
}

/**
 * Marks what is at a venue, or on its way there, and is halted so that it is cancelled, unless it was marked a
 * moment ago. @returns what the venue is to be asked to cancel.
 */
export async function claimToCancel(
  tx: Tx,
  claim: {
    readonly venue: string;
    readonly now: Date;
    readonly againAfterMs: number;
    readonly limit: number;
  },
): Promise<readonly OrderReference[]> {
  const { venue, now, againAfterMs, limit } = claim;
  await holdOffHalts(tx);
  const rows = await tx<{ tenant_id: TenantId; client_order_id: string }[]>`
    with halted as (
      select s.tenant_id, s.client_order_id
      from unwind.submissions s
      join unwind.orders o using (tenant_id, order_id)
      where s.venue = ${venue}
        and s.status <> 'DONE'
        and (
          s.halt_cancel_at is null
          or s.halt_cancel_at <= ${now}::timestamptz - ${againAfterMs}::integer * interval '1 millisecond'
        )
        and ${isCancelledByHaltSql(ofOrder)}
      order by s.order_id, s.client_order_id
      limit ${limit}
      for no key update of s skip locked
    )
    update unwind.submissions s
    set halt_cancel_at = ${now}
    from halted h
    where s.tenant_id = h.tenant_id
      and s.client_order_id = h.client_order_id
      and s.status <> 'DONE'
    returning s.tenant_id, s.client_order_id`;
  return rows.map((row) => ({ tenantId: row.tenant_id, clientOrderId: row.client_order_id }));
}
