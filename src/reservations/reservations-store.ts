// The statements of reservations: made with the step that needs them, asked for and reported under a lease, used in
// one round of orders, and closed. All of one batch belongs to one tenant.

import { assert } from '../assert.ts';
import type { Tx } from '../db/connect.ts';
import { rowsOf } from '../db/row.ts';
import { type Fragment, fragment } from '../db/sql.ts';
import type { LiquidationId, TenantId } from '../ids.ts';
import { type Decimal, decimal } from '../money.ts';
import { type Question, type ReservationId, reservationTransitions } from './reservation.ts';

/** Makes reservations that are to be asked for, each the next one of its liquidation. */
export async function insertReservations(
  tx: Tx,
  batch: { tenantId: TenantId; questions: readonly Question[]; now: Date },
): Promise<void> {
  const { tenantId, questions, now } = batch;
  if (questions.length === 0) return;
  await tx`
    insert into unwind.reservations (
      tenant_id, reservation_id, liquidation_id, account_id, number, status, next_at, created_at
    )
    select
      ${tenantId}, n.reservation_id, n.liquidation_id, n.account_id,
      (
        select count(*) + 1
        from unwind.reservations r
        where r.tenant_id = ${tenantId}
          and r.liquidation_id = n.liquidation_id
      ),
      'ASKING', ${now}, ${now}
    from ${rowsOf(questions).as('n (reservation_id uuid, liquidation_id uuid, account_id uuid)')}`;
  const lines = questions.flatMap(({ reservationId, positions }) => {
    return positions.map((position) => ({ reservationId, ...position }));
  });
  await tx`
    insert into unwind.reservation_positions (tenant_id, reservation_id, isin, quantity)
    select ${tenantId}, n.reservation_id, n.isin, n.quantity
    from ${rowsOf(lines).as('n (reservation_id uuid, isin text, quantity numeric)')}`;
}

/** What the keeper has said of a liquidation so far. */
export interface Reserved {
  /** Those that are not closed: all but the unused one have had their round, or are still asked for. */
  readonly open: readonly ReservationId[];
  /** Answered and not used yet. */
  readonly unused:
    | { readonly reservationId: ReservationId; readonly granted: ReadonlyMap<string, Decimal> }
    | undefined;
  /** Units it has not granted, by ISIN, with the last reason. */
  readonly withheld: ReadonlyMap<string, { quantity: Decimal; reason: string | undefined }>;
}

export async function findReserved(
  tx: Tx,
  which: { tenantId: TenantId; liquidationIds: readonly LiquidationId[] },
): Promise<ReadonlyMap<LiquidationId, Reserved>> {
  const rows = await tx<
    {
      liquidation_id: LiquidationId;
      reservation_id: ReservationId;
      status: 'ASKING' | 'ANSWERED' | 'CLOSED';
      is_used: boolean;
      isin: string;
      quantity: string;
      granted: string | null;
      reason: string | null;
    }[]
  >`
    select
      r.liquidation_id, r.reservation_id, r.status, r.round is not null as is_used,
      p.isin, p.quantity, p.granted, p.reason
    from unwind.reservations r
    join unwind.reservation_positions p using (tenant_id, reservation_id)
    where r.tenant_id = ${which.tenantId}
      and r.liquidation_id = any (${which.liquidationIds}::uuid[])
    order by r.number, p.isin`;
  return new Map(
    [...Map.groupBy(rows, (row) => row.liquidation_id)].map(([liquidationId, own]) => {
      const open = new Set(own.filter(({ status }) => status !== 'CLOSED').map(idOf));
      const answered = own.filter(({ status, is_used }) => status === 'ANSWERED' && !is_used);
      const [first] = answered;
      const granted = new Map(answered.map((row) => [row.isin, decimal(row.granted ?? '0')]));
      const withheld = new Map<string, { quantity: Decimal; reason: string | undefined }>();
      for (const row of own) {
        if (row.granted === null) continue;
        const less = decimal(row.quantity).minus(decimal(row.granted));
        if (!less.gt('0')) continue;
        const before = withheld.get(row.isin)?.quantity;
        const quantity = before === undefined ? less : before.plus(less);
        withheld.set(row.isin, { quantity, reason: row.reason ?? undefined });
      }
      const unused = first && { reservationId: first.reservation_id, granted };
      return [liquidationId, { open: [...open], unused, withheld }];
    }),
  );
}

function idOf(row: { readonly reservation_id: ReservationId }): ReservationId {
  return row.reservation_id;
}

/** Writes down the round in which reservations are used: once each. */
export async function useReservations(
  tx: Tx,
  batch: { tenantId: TenantId; used: readonly { reservationId: ReservationId; round: number }[] },
): Promise<void> {
  const { tenantId, used } = batch;
  if (used.length === 0) return;
  const rows = await tx`
    update unwind.reservations r
    set round = n.round
    from ${rowsOf(used).as('n (reservation_id uuid, round integer)')}
    where r.tenant_id = ${tenantId}
      and r.reservation_id = n.reservation_id
      and r.status = 'ANSWERED'
      and r.round is null`;
  assert(rows.count === used.length, 'what is granted is sold once');
}

/** Closes reservations; what was asked at least once is reported. */
export async function closeReservations(
  tx: Tx,
  batch: { tenantId: TenantId; reservationIds: readonly ReservationId[]; now: Date },
): Promise<void> {
  const { tenantId, reservationIds, now } = batch;
  if (reservationIds.length === 0) return;
  await tx`
    update unwind.reservations r
    set ${closed(now)}
    where r.tenant_id = ${tenantId}
      and r.reservation_id = any (${reservationIds}::uuid[])
      and r.status <> ${reservationTransitions.ASKING.let_go}`;
}

/** SQL: closes those of liquidations, selected as `liquidation_id`. */
export function reservationsClosedSql(
  { tenantId, now }: { readonly tenantId: TenantId; readonly now: Date },
  ended: Fragment,
): Fragment {
  return fragment`
    update unwind.reservations r
    set ${closed(now)}
    from (${ended}) as d
    where r.tenant_id = ${tenantId}
      and r.liquidation_id = d.liquidation_id
      and r.status <> ${reservationTransitions.ASKING.let_go}`;
}

// A lease that holds goes on: the report comes after the question that is under way.
function closed(now: Date): Fragment {
  return fragment`
      status = ${reservationTransitions.ASKING.let_go},
      closed_at = ${now},
      next_at = case when r.lease_epoch > 0 then ${now}::timestamptz end,
      report = (r.lease_epoch > 0)::integer,
      tries = 0,
      last_outcome = null`;
}

/** Has closed reservations of liquidations reported once more: what was sold by them has been corrected. */
export async function reportAgain(
  tx: Tx,
  which: { tenantId: TenantId; liquidationIds: readonly LiquidationId[]; now: Date },
): Promise<void> {
  await tx`
    update unwind.reservations r
    set
      report = r.report + 1,
      next_at = ${which.now}::timestamptz
    where r.tenant_id = ${which.tenantId}
      and r.liquidation_id = any (${which.liquidationIds}::uuid[])
      and r.status = 'CLOSED'
      and r.report > 0`;
}
