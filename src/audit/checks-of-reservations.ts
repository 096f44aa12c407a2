// Checks of reservations: nothing is sold beyond what the keeper of the holdings has granted, and all it has granted is
// reported once it is over.

import { fragment } from '../db/sql.ts';
import type { Check } from './check.ts';

export const checksOfReservations: readonly Check[] = [
  {
    name: 'orders_keep_within_reservations',
    says: 'In a round for which the keeper of the holdings was asked, no order is for more than it has granted.',
    sql: fragment`
      select
        o.tenant_id,
        'order' as subject,
        o.order_id::text as subject_id,
        concat('at most ', coalesce(trim_scale(p.granted), 0)) as expected,
        trim_scale(o.quantity)::text as found,
        concat(o.isin, ' under reservation ', r.reservation_id) as message
      from unwind_v1.reservations r
      join unwind_v1.orders o using (tenant_id, liquidation_id, round)
      left join unwind_v1.reservation_positions p using (tenant_id, reservation_id, isin)
      where o.quantity > coalesce(p.granted, 0)`,
  },
  {
    name: 'reservations_are_closed_at_the_end',
    says: 'A liquidation has at most one reservation that is not closed, none once it has ended, and uses each in one round.',
    sql: fragment`
      select
        l.tenant_id,
        'liquidation' as subject,
        l.liquidation_id::text as subject_id,
        case when l.ended_at is null then 'one open, each of its own round' else 'all closed' end as expected,
        concat(r.open, ' open, ', r.used, ' used in ', r.rounds, ' rounds') as found,
        concat('the liquidation is ', l.status) as message
      from unwind_v1.liquidations l
      join (
        select
          r.tenant_id, r.liquidation_id,
          count(*) filter (where r.status <> 'CLOSED') as open,
          count(r.round) as used,
          count(distinct r.round) as rounds
        from unwind_v1.reservations r
        group by r.tenant_id, r.liquidation_id
      ) r using (tenant_id, liquidation_id)
      where r.open > (l.ended_at is null)::integer
        or r.used <> r.rounds`,
  },
  {
    name: 'reservations_are_as_answered',
    says: 'What was answered has a granted quantity for each position, not more than asked; what was not has none.',
    sql: fragment`
      select
        r.tenant_id,
        'reservation' as subject,
        r.reservation_id::text as subject_id,
        case when r.answered_at is null then 'nothing granted' else 'each granted, at most as asked' end
          as expected,
        concat(p.isin, ': ', coalesce(trim_scale(p.granted)::text, 'nothing'), ' of ', trim_scale(p.quantity))
          as found,
        concat('the reservation is ', r.status) as message
      from unwind_v1.reservations r
      join unwind_v1.reservation_positions p using (tenant_id, reservation_id)
      where (p.granted is null) <> (r.answered_at is null)
        or p.granted > p.quantity
        or p.granted < 0`,
  },
];
