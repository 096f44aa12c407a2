-- Computations that reading and writing statements share, and the objects as the contract shows them.
--
-- No function takes the row type of a table: PostgreSQL would refuse later changes of that table. A table
-- function of one select becomes part of the plan of the statement that calls it (decision 6), so what is
-- computed for many rows has that form.

-- Rounds an amount of money half-even to the cent (decisions, point 1). Amounts are never negative.
create or replace function unwind.to_cents(amount numeric) returns numeric
  language sql immutable parallel safe
  return case
    when mod(amount * 100, 1) = 0.5 and mod(trunc(amount * 100), 2) = 0 then trunc(amount, 2)
    else round(amount, 2)
  end;

-- How much of a quantity can be sold at all: whole units unless the instrument is fractional.
create or replace function unwind.sellable(quantity numeric, fractional boolean) returns numeric
  language sql immutable parallel safe
  return case when fractional then quantity else trunc(quantity) end;

-- An instant as the contract writes it.
create or replace function unwind.instant(at timestamptz) returns text
  language sql stable parallel safe
  return to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');

-- Indicative value of what a liquidation still has to sell: last price times what is left of each position,
-- without instruments that the venue finally rejected in it. An instrument without a price counts as nothing.
create or replace function unwind.indicative_values(
  the_tenant uuid,
  the_account uuid,
  the_liquidation uuid
) returns table (value numeric)
  language sql stable parallel safe
begin atomic
  select coalesce(sum(unwind.to_cents(r.price * unwind.sellable(p.quantity, i.fractional))), 0)
  from unwind.positions p
  join unwind.instruments i on i.tenant_id = p.tenant_id and i.isin = p.isin
  join unwind.prices r on r.tenant_id = p.tenant_id and r.isin = p.isin
  where p.tenant_id = the_tenant
    and p.account_id = the_account
    and p.quantity > 0
    and not exists (
      select from unwind.orders o
      where o.tenant_id = the_tenant
        and o.liquidation_id = the_liquidation
        and o.isin = p.isin
        and o.status = 'CANCELLED'
    );
end;

-- When the next change of a liquidation's object happens: now, but always after the last one.
-- last_changed_at is the updated_at of its row.
create or replace function unwind.next_changes(
  the_tenant uuid,
  the_liquidation uuid,
  last_changed_at timestamptz,
  now timestamptz
) returns table (at timestamptz)
  language sql stable parallel safe
begin atomic
  select greatest(
    now,
    last_changed_at + interval '1 millisecond',
    max(o.status_at) + interval '1 millisecond'
  )
  from unwind.orders o
  where o.tenant_id = the_tenant
    and o.liquidation_id = the_liquidation;
end;

-- ---------------------------------------------------------------------------------------------
-- Objects, as JSON text. What the contract requires and nothing here is the source of has a fixed value:
-- docs/integrators/differences.md.

-- The liquidation as responses, lists and events carry it, from the columns of its row: the statement that
-- writes the row renders it too. updated_at moves exactly when the rest does: with the row, or with the
-- status of an order.
create or replace function unwind.liquidation_objects(
  the_tenant uuid,
  the_liquidation uuid,
  the_account uuid,
  the_user uuid,
  the_status text,
  the_cash_amount numeric,
  was_created_at timestamptz,
  was_updated_at timestamptz
) returns table (object text)
  language sql stable parallel safe
begin atomic
  select concat(
    '{"account_id":"', the_account,
    '","cash_amount":"', round(the_cash_amount, 2),
    '","created_at":"', unwind.instant(was_created_at),
    '","currency":"EUR","id":"', the_liquidation,
    '","orders":[', string_agg(
      concat('{"id":"', o.order_id, '","side":"SELL","status":"', o.status, '"}'),
      ',' order by o.order_id
    ),
    '],"status":"', the_status,
    '","updated_at":"', unwind.instant(greatest(was_updated_at, max(o.status_at))),
    '","user_id":"', the_user, '"}'
  )
  from unwind.orders o
  where o.tenant_id = the_tenant
    and o.liquidation_id = the_liquidation;
end;

create or replace function unwind.account_object(
  the_account uuid,
  the_user uuid,
  the_status text,
  was_created_at timestamptz,
  was_updated_at timestamptz
) returns text
  language sql stable parallel safe
  return concat(
    '{"account_group_id":"', the_user,
    '","account_number":1,"created_at":"', unwind.instant(was_created_at),
    '","id":"', the_account,
    '","name":"Account","status":"', the_status,
    '","type":"TRADING","updated_at":"', unwind.instant(was_updated_at),
    '","users":[{"id":"', the_user, '","type":"OWNER"}]}'
  );

create or replace function unwind.instrument_object(
  the_instrument uuid,
  the_isin text,
  the_name text,
  is_fractional boolean,
  the_trading_status text,
  was_created_at timestamptz,
  was_updated_at timestamptz
) returns text
  language sql stable parallel safe
  return concat(
    '{"created_at":"', unwind.instant(was_created_at),
    '","fractional_trading":', is_fractional::text,
    ',"id":"', the_instrument,
    '","isin":"', the_isin,
    '","name":', to_json(left(the_name, 100)),
    ',"trading_status":"', the_trading_status,
    '","updated_at":"', unwind.instant(was_updated_at), '"}'
  );

-- locked_for_trading is what open orders reserve. Units locked for other reasons are missing from
-- available_for_trading only.
create or replace function unwind.position_object(
  the_account uuid,
  the_isin text,
  quantity numeric,
  locked numeric,
  reserved numeric
) returns text
  language sql stable parallel safe
  return concat(
    '{"account_id":"', the_account,
    '","available_for_trading":"', trim_scale(quantity - locked - reserved),
    '","instrument":{"isin":"', the_isin,
    '","uuid":"', unwind.instrument_id(the_isin),
    '"},"locked_for_trading":"', trim_scale(reserved),
    '","pending_settlement":"0","quantity":"', trim_scale(quantity), '"}'
  );

-- An execution that the venue declared void is shown as CANCELLED.
create or replace function unwind.execution_object(
  the_execution uuid,
  the_order uuid,
  quantity numeric,
  price numeric,
  proceeds numeric,
  was_executed_at timestamptz,
  was_busted_at timestamptz
) returns text
  language sql stable parallel safe
  return concat(
    '{"cash_amount":"', round(proceeds, 2),
    '","currency":"EUR","id":"', the_execution,
    '","order_id":"', the_order,
    '","price":"', trim_scale(price),
    '","share_quantity":"', trim_scale(quantity),
    '","side":"SELL","status":"', case when was_busted_at is null then 'FILLED' else 'CANCELLED' end,
    '","taxes":[],"transaction_time":"', unwind.instant(was_executed_at), '"}'
  );

-- Who ended a cancelled order: after a stop was asked for, its author; else the venue.
create or replace function unwind.cancelled_by(
  order_ended_at timestamptz,
  stop_asked_at timestamptz,
  stop_reason text
) returns text
  language sql stable parallel safe
  return case
    when stop_asked_at is null or order_ended_at < stop_asked_at then 'CANCELLED_BY_TRADING_PARTNER'
    when stop_reason = 'abandoned' then 'CANCELLED_BY_UPVEST_OPERATIONS'
    else 'CANCELLED_BY_UPVEST_PLATFORM'
  end;

create or replace function unwind.order_object(the_tenant uuid, the_order uuid) returns text
  language sql stable parallel safe
  return (
    select concat(
      '{"account_id":"', o.account_id,
      case
        when o.status = 'CANCELLED'
          then '","cancellation_reason":"'
            || unwind.cancelled_by(o.ended_at, l.stop_asked_at, l.stop_reason)
      end,
      '","cash_amount":"0","client_reference":"', o.liquidation_id,
      '","created_at":"', unwind.instant(o.created_at),
      '","currency":"EUR","execution_flow":"STRAIGHT_THROUGH","executions":[', (
        select string_agg(
          unwind.execution_object(
            e.execution_id, e.order_id, e.quantity, e.price, e.proceeds, e.executed_at, e.busted_at
          ),
          ',' order by e.execution_id
        )
        from unwind.executions e
        where e.tenant_id = o.tenant_id
          and e.order_id = o.order_id
      ),
      '],"fee":"0","id":"', o.order_id,
      '","initiation_flow":"ACCOUNT_LIQUIDATION","instrument_id":"', o.isin,
      '","instrument_id_type":"ISIN","limit_price":"","order_type":"MARKET","quantity":"',
      trim_scale(o.quantity),
      '","side":"SELL","status":"', o.status,
      '","stop_price":"","updated_at":"', unwind.instant(greatest(o.updated_at, o.status_at)),
      '","user_id":"', l.user_id, '"}'
    )
    from unwind.orders o
    join unwind.liquidations l
      on l.tenant_id = o.tenant_id
      and l.liquidation_id = o.liquidation_id
    where o.tenant_id = the_tenant
      and o.order_id = the_order
  );
