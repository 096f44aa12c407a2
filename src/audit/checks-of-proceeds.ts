// Checks of what executions earned: the amount, and the rate that converted the price of another currency.

import { fragment } from '../db/sql.ts';
import { type Check, importTime } from './check.ts';

export const checksOfProceeds: readonly Check[] = [
  // Half-even to the cent: up when more than half a cent is left over, or exactly half of one and the
  // cents would be odd.
  {
    name: 'proceeds_are_quantity_times_price',
    says: 'Proceeds are quantity times price, times the rate of another currency, rounded half-even to the cent.',
    sql: fragment`
      select
        e.tenant_id,
        'execution' as subject,
        e.execution_id::text as subject_id,
        trim_scale(e.expected)::text as expected,
        trim_scale(e.proceeds)::text as found,
        concat(
          trim_scale(e.quantity), ' times ', trim_scale(e.price), ' ', e.currency,
          ' times ' || trim_scale(e.rate)
        ) as message
      from (
        select
          e.tenant_id, e.execution_id, e.quantity, e.price, e.currency, e.rate, e.proceeds,
          0.01 * (
            floor(c.cents) + case
              when c.cents - floor(c.cents) > 0.5 then 1
              when c.cents - floor(c.cents) < 0.5 then 0
              else mod(floor(c.cents), 2)
            end
          ) as expected
        from unwind_v1.executions e
        cross join lateral (select 100 * e.quantity * e.price * coalesce(e.rate, 1) as cents) c
      ) e
      where e.proceeds <> e.expected`,
  },
  // The rate of an execution is the last one until then; before the first one, that one. One that was imported
  // while the execution was recorded may or may not have been seen.
  {
    name: 'rates_were_in_force',
    says: 'An execution in another currency is converted by the rate that was in force then, and by it alone.',
    sql: fragment`
      select
        e.tenant_id,
        'execution' as subject,
        e.execution_id::text as subject_id,
        case
          when o.currency is distinct from e.currency then concat('an execution in ', o.currency)
          when later.as_of is not null then concat('the rate of ', later.as_of)
          else concat('a rate of ', e.currency)
        end as expected,
        concat(e.currency, ' by ' || trim_scale(e.rate), ' of ' || e.rate_as_of) as found,
        case
          when o.currency is distinct from e.currency then 'its order is in another currency'
          when later.as_of is not null then 'a later rate was in force'
          else 'the currency had no such rate then'
        end as message
      from unwind_v1.executions e
      left join unwind_v1.orders o using (tenant_id, order_id)
      left join unwind_v1.rates r
        on r.tenant_id = e.tenant_id
        and r.currency = e.currency
        and r.as_of = e.rate_as_of
        and r.rate = e.rate
      left join lateral (
        select max(k.as_of) as as_of
        from unwind_v1.rates k
        where k.tenant_id = e.tenant_id
          and k.currency = e.currency
          and k.as_of > e.rate_as_of
          and k.as_of <= e.executed_at
          and k.updated_at + ${importTime} <= e.recorded_at
      ) later on true
      where (o.tenant_id is not null and o.currency <> e.currency)
        or (e.currency <> 'EUR' and r.tenant_id is null)
        or (e.currency = 'EUR' and (e.rate is not null or e.rate_as_of is not null))
        or later.as_of is not null
        or (
          e.rate_as_of > e.executed_at
          and exists (
            select
            from unwind_v1.rates k
            where k.tenant_id = e.tenant_id
              and k.currency = e.currency
              and k.as_of < e.rate_as_of
          )
        )`,
  },
];
