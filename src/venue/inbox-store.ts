// The statements of the inbox: what venues report enters it in the commit that moves the cursor, what
// they answer in the commit that records the answer, and both leave it in the commit that applies them.

import type { Sql, Tx } from '../db/connect.ts';
import { rowsOf } from '../db/row.ts';
import { type Fragment, fragment } from '../db/sql.ts';
import type { TenantId } from '../ids.ts';
import { type Choice, isChosen, mayBeWorked } from '../work/parked-store.ts';
import type { ClaimTurn } from '../work/turn.ts';
import { columnsOf, type ReportColumns, type VenueReport } from './venue.ts';

/** How far the reports of a venue are received. */
export async function findCursor(sql: Sql, venue: string): Promise<number> {
  const rows = await sql<{ position: string }[]>`
    select c.position
    from unwind.venue_cursors c
    where c.venue = ${venue}`;
  return Number(rows[0]?.position ?? 0);
}

/** Moves the cursor of a venue, if it is still where it was. @returns whether it was. */
export async function moveCursor(
  tx: Tx,
  move: { venue: string; from: number; to: number },
): Promise<boolean> {
  const rows = await tx`
    insert into unwind.venue_cursors as c (venue, position)
    values (${move.venue}, ${move.to})
    on conflict (venue) do update
    set position = excluded.position
    where c.position = ${move.from}`;
  return rows.count === 1;
}

/** Takes reports in, to be applied; one that is known already changes nothing. */
export async function insertReports(
  tx: Tx,
  batch: { venue: string; reports: readonly VenueReport[]; now: Date },
): Promise<void> {
  const { venue, reports, now } = batch;
  const rows = reports.map(({ event, number, ...report }) => {
    return { ...report, ...columnsOf(event), reportId: `report/${number}` };
  });
  await tx`
    insert into unwind.venue_reports (
      tenant_id, venue, report_id, client_order_id, type, venue_execution_id, last_quantity,
      last_price, cumulative_quantity, reason, transaction_at, currency, received_at
    )
    select
      n.tenant_id, ${venue}, n.report_id, n.client_order_id, n.type, n.venue_execution_id,
      n.last_quantity, n.last_price, n.cumulative_quantity, n.reason, n.transaction_at,
      n.currency, ${now}
    from ${rowsOf(rows).as(`n (
      tenant_id uuid, report_id text, client_order_id text, type text, venue_execution_id text,
      last_quantity numeric, last_price numeric, cumulative_quantity numeric, reason text,
      transaction_at timestamptz, currency text
    )`)}
    on conflict (tenant_id, venue, report_id) do nothing`;
}

/**
 * SQL: takes answers in that end an order, as reports of ours beside the venue's own. `answered` selects
 * tenant_id, client_order_id, type and reason.
 */
export function reportsOfAnswersSql(
  answered: Fragment,
  { venue, now }: { readonly venue: string; readonly now: Date },
): Fragment {
  return fragment`
    insert into unwind.venue_reports (
      tenant_id, venue, report_id, client_order_id, type, cumulative_quantity, reason,
      transaction_at, received_at
    )
    select
      a.tenant_id, ${venue}, 'answer/' || a.client_order_id, a.client_order_id, a.type, 0, a.reason,
      (select unwind.market_time(${now})), ${now}
    from (${answered}) as a`;
}

/** A report of the inbox, named by `reportId` within its tenant and venue, as it lies there. */
export interface ClaimedReport {
  readonly tenantId: TenantId;
  readonly venue: string;
  readonly reportId: string;
  readonly clientOrderId: string;
  readonly columns: ReportColumns;
  readonly transactionAt: Date;
}

interface InboxRow extends ReportColumns {
  readonly tenant_id: TenantId;
  readonly venue: string;
  readonly report_id: string;
  readonly client_order_id: string;
  readonly transaction_at: Date;
}

/** Locks reports to apply, of the next tenant that has some; others' rows are passed over. */
export async function claimReports(tx: Tx, turn: ClaimTurn): Promise<readonly ClaimedReport[]> {
  const isDue = fragment`r.parked_reason is null and ${mayBeWorked('apply', {
    tenantId: fragment`r.tenant_id`,
    subject: fragment`concat(r.venue, '/', r.report_id)`,
    now: turn.now,
  })}`;
  const rows = await tx<InboxRow[]>`
    with turn as (
      select r.tenant_id
      from unwind.venue_reports r
      where ${isDue}
        and r.tenant_id > ${turn.after}
        and r.tenant_id < ${turn.before}
      order by r.tenant_id, r.received_at, r.report_id
      limit 1
      for update of r skip locked
    )
    select
      r.tenant_id, r.venue, r.report_id, r.client_order_id, r.type, r.venue_execution_id,
      r.last_quantity, r.last_price, r.cumulative_quantity, r.reason, r.currency, r.transaction_at
    from turn
    join unwind.venue_reports r on r.tenant_id = turn.tenant_id
    where ${isDue}
    order by r.tenant_id, r.received_at, r.report_id
    limit ${turn.limit}
    for update of r skip locked`;
  return rows.map((row) => ({
    tenantId: row.tenant_id,
    venue: row.venue,
    reportId: row.report_id,
    clientOrderId: row.client_order_id,
    columns: row,
    transactionAt: row.transaction_at,
  }));
}

/** Takes applied reports out of the inbox and marks those that a person has to look at. */
export async function clearReports(
  tx: Tx,
  batch: {
    tenantId: TenantId;
    reports: readonly ClaimedReport[];
    parked: ReadonlyMap<string, string>;
  },
): Promise<void> {
  const { tenantId, reports, parked } = batch;
  const cleared = reports.map(({ venue, reportId }) => {
    return { venue, reportId, parkedReason: parked.get(`${venue}/${reportId}`) };
  });
  const applied = cleared.filter(({ parkedReason }) => parkedReason === undefined);
  const kept = cleared.filter(({ parkedReason }) => parkedReason !== undefined);
  await tx`
    delete from unwind.venue_reports r
    using ${rowsOf(applied, { tenantId }).as('n (tenant_id uuid, venue text, report_id text)')}
    where r.tenant_id = n.tenant_id
      and r.venue = n.venue
      and r.report_id = n.report_id`;
  if (kept.length === 0) return;
  await tx`
    update unwind.venue_reports r
    set parked_reason = n.parked_reason
    from ${rowsOf(kept).as('n (venue text, report_id text, parked_reason text)')}
    where r.tenant_id = ${tenantId}
      and r.venue = n.venue
      and r.report_id = n.report_id`;
}

/** Lets reports that contradicted what is known be applied again. @returns their ids. */
export async function resumeReports(tx: Tx, choice: Choice): Promise<readonly string[]> {
  const id = fragment`concat('report/', r.venue, '/', r.report_id)`;
  const rows = await tx<{ id: string }[]>`
    update unwind.venue_reports r
    set parked_reason = null
    where r.parked_reason is not null
      and ${isChosen(choice, { tenantId: fragment`r.tenant_id`, id })}
    returning ${id} as id`;
  return rows.map((row) => row.id);
}
