// Checks of settlement: when each execution settles, and that a liquidation is SETTLED for those alone that have
// chosen it, not before all that it has sold.

import { fragment } from '../db/sql.ts';
import { type Check, clockSkew } from './check.ts';

/** SQL: how far the day of a venue may be from that of UTC. */
const zones = fragment`interval '14 hours'`;

export const checksOfSettlement: readonly Check[] = [
  // Which day it is depends on a calendar that may have changed since. That it is a day, and not one before the
  // trade, does not.
  {
    name: 'executions_settle_after_the_trade',
    says: 'An execution settles on the day of its trade or later, and under the later contract that day is known.',
    sql: fragment`
      select
        e.tenant_id,
        'execution' as subject,
        e.execution_id::text as subject_id,
        concat('not before ', (e.executed_at - ${zones})::date) as expected,
        e.settlement_date::text as found,
        'the settlement date' as message
      from unwind_v1.executions e
      join unwind_v1.liquidations l using (tenant_id, liquidation_id)
      where e.settlement_date < (e.executed_at - ${zones})::date
        or (e.settlement_date is null and l.contract = '2026')`,
  },
  // What was recorded after it was SETTLED is a correction.
  {
    name: 'settled_means_all_settled',
    says: 'A liquidation is SETTLED once the settlement dates of all its executions have come, and not before its end.',
    sql: fragment`
      select
        l.tenant_id,
        'liquidation' as subject,
        l.liquidation_id::text as subject_id,
        concat('settled on ', x.last, ' at the earliest') as expected,
        concat('SETTLED at ', l.settled_at, ', by the market clock after ', l.settle_at) as found,
        concat('the liquidation has ended at ', l.ended_at) as message
      from unwind_v1.liquidations l
      left join (
        select e.tenant_id, e.liquidation_id, max(e.settlement_date) as last
        from unwind_v1.executions e
        join unwind_v1.liquidations s using (tenant_id, liquidation_id)
        where s.status = 'SETTLED'
          and (e.recorded_at <= s.ended_at or e.recorded_at < s.settled_at - ${clockSkew})
          and (e.busted_at is null or e.busted_at > s.settled_at + ${clockSkew})
        group by e.tenant_id, e.liquidation_id
      ) x using (tenant_id, liquidation_id)
      where l.status = 'SETTLED'
        and (
          l.settled_at < l.ended_at
          or l.settle_at is null
          or x.last > (l.settle_at + ${zones})::date
        )`,
  },
  {
    name: 'settled_only_where_chosen',
    says: 'Only a liquidation that was created under the later contract is SETTLED, or says so in an event.',
    sql: fragment`
      select
        l.tenant_id,
        'liquidation' as subject,
        l.liquidation_id::text as subject_id,
        'never SETTLED' as expected,
        concat(l.status, case when e.event_id is not null then concat(', event ', e.event_id) end) as found,
        concat('the contract of the liquidation is ', l.contract) as message
      from unwind_v1.liquidations l
      left join unwind_v1.events e
        on e.tenant_id = l.tenant_id
        and e.liquidation_id = l.liquidation_id
        and e.type = 'ACCOUNT_LIQUIDATION.SETTLED'
      where l.contract <> '2026'
        and (l.status = 'SETTLED' or l.settled_at is not null or e.event_id is not null)`,
  },
];
