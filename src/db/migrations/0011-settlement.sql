-- When proceeds settle, and the contract that a client has chosen: the reference (2023), or the later one (2026), which
-- knows SETTLED. Owners: auth (tenants), venue, executions, liquidations, events.

-- The profile that liquidations of this client are created under.
alter table unwind.tenants add column contract text not null default '2023';
alter table unwind.tenants add constraint tenants_contract check (contract in ('2023', '2026'));
alter table unwind.client_changes drop constraint client_changes_change;
alter table unwind.client_changes add constraint client_changes_change check (change in (
  'disabled', 'enabled', 'secret_rotated', 'key_added', 'key_revoked', 'scopes_set', 'tokens_revoked',
  'contract_set'
));

-- Trading days from an execution to its settlement (T+1, T+2). Null: as is usual there (unwind.settlement_date).
alter table unwind.venues add column settlement_days smallint;
alter table unwind.venues add constraint venues_settlement_days check (settlement_days between 0 and 10);

-- The day in the venue's time zone.
create function unwind.trade_date(the_venue text, at timestamptz) returns date
  language sql stable parallel safe
  return (
    at at time zone coalesce((select v.time_zone from unwind.venues v where v.venue = the_venue), 'UTC')
  )::date;

-- When a day begins in the venue's time zone.
create function unwind.day_begins(the_venue text, the_day date) returns timestamptz
  language sql stable parallel safe
  return the_day::timestamp
    at time zone coalesce((select v.time_zone from unwind.venues v where v.venue = the_venue), 'UTC');

-- The day on which a trade settles: so many trading days of the venue's calendar later; without a calendar every
-- day from Monday to Friday is one. Where the calendar does not say how many: two, and none at the simulated
-- venue, as in the published sandbox. A calendar without a trading day in a year is taken to have one then.
create function unwind.settlement_date(the_venue text, traded_on date) returns date
  language sql stable parallel safe
  return (
    select case
      when c.days = 0 then traded_on
      else coalesce((
        select t.day
        from (
          select (traded_on + g.ahead)::date as day
          from generate_series(1, 366) as g (ahead)
        ) t
        where case
          when not c.has_hours then extract(isodow from t.day) < 6
          else exists (
            select
            from unwind.venue_hours h
            left join unwind.venue_holidays x
              on x.venue = h.venue
              and x.day = t.day
            where h.venue = the_venue
              and h.weekday = extract(isodow from t.day)
              and (x.day is null or x.closes > h.opens)
          )
        end
        order by t.day
        offset c.days - 1
        limit 1
      ), traded_on + 366)
    end
    from (
      select
        coalesce(
          (select v.settlement_days from unwind.venues v where v.venue = the_venue),
          case when the_venue = 'XSIM' then 0 else 2 end
        ) as days,
        exists (select from unwind.venue_hours h where h.venue = the_venue) as has_hours
    ) c
  );

-- Decided when the execution is recorded, and kept. Null: recorded before there was one.
alter table unwind.executions add column settlement_date date;

-- When all that a liquidation has sold has settled, by the market clock; null: nothing is known of any.
create function unwind.settles_at(the_tenant uuid, the_liquidation uuid) returns timestamptz
  language sql stable parallel safe
  return (
    select max(unwind.day_begins(x.venue, x.day))
    from (
      select
        e.venue,
        max(coalesce(
          e.settlement_date, unwind.settlement_date(e.venue, unwind.trade_date(e.venue, e.executed_at))
        )) as day
      from unwind.orders o
      join unwind.executions e
        on e.tenant_id = o.tenant_id
        and e.order_id = o.order_id
      where o.tenant_id = the_tenant
        and o.liquidation_id = the_liquidation
        and e.busted_at is null
      group by e.venue
    ) x
  );

alter table unwind.liquidations
  -- Of its client when it was created: what a liquidation was shown as, it stays.
  add column contract text not null default '2023',
  -- When all that was sold has settled, by the market clock, as far as is known.
  add column settle_at timestamptz,
  add column settled_at timestamptz,
  drop constraint liquidations_status,
  drop constraint liquidations_filled,
  drop constraint liquidations_ended_exactly_when_final,
  drop constraint liquidations_reason_exactly_when_final,
  drop constraint liquidations_end_reason,
  drop constraint liquidations_exact_when_final,
  drop constraint liquidations_corrected_only_when_final,
  drop constraint liquidations_end_note,
  add constraint liquidations_contract check (contract in ('2023', '2026')),
  add constraint liquidations_status
    check (status in ('NEW', 'PROCESSING', 'FILLED', 'SETTLED', 'CANCELLED')),
  add constraint liquidations_filled
    check (status not in ('FILLED', 'SETTLED') or released_at is not null),
  add constraint liquidations_ended_exactly_when_final
    check ((status in ('FILLED', 'SETTLED', 'CANCELLED')) = (ended_at is not null)),
  add constraint liquidations_reason_exactly_when_final
    check ((status in ('FILLED', 'SETTLED', 'CANCELLED')) = (end_reason is not null)),
  add constraint liquidations_end_reason check (
    end_reason is null
    or (status in ('FILLED', 'SETTLED') and end_reason = 'flat')
    or (status = 'CANCELLED' and end_reason in ('client', 'refused', 'limit', 'abandoned'))
  ),
  add constraint liquidations_exact_when_final
    check (status not in ('FILLED', 'SETTLED', 'CANCELLED') or cash_amount = proceeds),
  add constraint liquidations_corrected_only_when_final
    check (corrected_at is null or status in ('FILLED', 'SETTLED', 'CANCELLED')),
  add constraint liquidations_end_note check (
    end_note is null
    or (length(end_note) <= 500 and status in ('FILLED', 'SETTLED', 'CANCELLED'))
  ),
  add constraint liquidations_settle_exactly_when_filled_by_the_later_contract
    check ((settle_at is not null) = (contract = '2026' and status in ('FILLED', 'SETTLED'))),
  add constraint liquidations_settled_exactly_then
    check ((settled_at is not null) = (status = 'SETTLED'));
create index liquidations_to_settle
  on unwind.liquidations (settle_at, tenant_id)
  where status = 'FILLED' and settle_at is not null;

drop trigger liquidations_transitions on unwind.liquidations;
create trigger liquidations_transitions
  after update of status on unwind.liquidations
  for each row
  when (
    old.status <> new.status
    and (old.status, new.status) not in (
      ('NEW', 'PROCESSING'),
      ('NEW', 'FILLED'),
      ('NEW', 'CANCELLED'),
      ('PROCESSING', 'FILLED'),
      ('PROCESSING', 'CANCELLED'),
      ('FILLED', 'SETTLED')
    )
  )
  execute function unwind.refuse_transition();

alter table unwind.events drop constraint events_type;
alter table unwind.events add constraint events_type check (type in (
  'ACCOUNT_LIQUIDATION.NEW',
  'ACCOUNT_LIQUIDATION.PROCESSING',
  'ACCOUNT_LIQUIDATION.FILLED',
  'ACCOUNT_LIQUIDATION.SETTLED',
  'ACCOUNT_LIQUIDATION.CANCELLED'
));

alter table unwind.parked drop constraint parked_step;
alter table unwind.parked add constraint parked_step check (step in (
  'release', 'submit', 'answer', 'receive', 'apply', 'advance', 'stop', 'settle', 'publish', 'correction'
));

-- Beside the one of eight parameters, which code of the schema before still calls.
create function unwind.liquidation_objects(
  the_tenant uuid,
  the_liquidation uuid,
  the_account uuid,
  the_user uuid,
  the_contract text,
  the_status text,
  the_cash_amount numeric,
  was_created_at timestamptz,
  was_updated_at timestamptz
) returns table (object text)
  language sql stable parallel safe
begin atomic
  select concat(
    '{"account_id":"', the_account,
    case when the_contract = '2026' then '","business_id":null,"cash_amount":"' else '","cash_amount":"' end,
    round(the_cash_amount, 2),
    '","created_at":"', unwind.instant(was_created_at),
    '","currency":"EUR",',
    case when the_contract = '2026' then '"fee_collection_id":null,' end,
    '"id":"', the_liquidation,
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

create or replace function unwind_v1.liquidation_object(the_tenant uuid, the_liquidation uuid)
  returns text
  language sql stable parallel safe security definer
  set search_path = ''
  return (
    select o.object
    from unwind.liquidations l
    cross join lateral unwind.liquidation_objects(
      l.tenant_id, l.liquidation_id, l.account_id, l.user_id, l.contract, l.status, l.cash_amount, l.created_at,
      l.updated_at
    ) as o
    where l.tenant_id = the_tenant
      and l.liquidation_id = the_liquidation
  );

-- An execution with the day on which it settles; null: the contract of its liquidation does not show it.
create function unwind.execution_object(
  the_execution uuid,
  the_order uuid,
  quantity numeric,
  price numeric,
  proceeds numeric,
  was_executed_at timestamptz,
  was_busted_at timestamptz,
  settles_on date
) returns text
  language sql stable parallel safe
  return concat(
    '{"cash_amount":"', round(proceeds, 2),
    '","currency":"EUR","id":"', the_execution,
    '","order_id":"', the_order,
    '","price":"', trim_scale(price),
    case when settles_on is not null then concat('","settlement_date":"', settles_on) end,
    '","share_quantity":"', trim_scale(quantity),
    '","side":"SELL","status":"', case when was_busted_at is null then 'FILLED' else 'CANCELLED' end,
    '","taxes":[],"transaction_time":"', unwind.instant(was_executed_at), '"}'
  );

-- What the API shows of an execution is in EUR: its price times the rate. An order shows its first 5,000
-- executions (executionsOfOrderMax in limits.ts), so that one order has a bound in bytes as well.
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
            e.execution_id, e.order_id, e.quantity, e.price * coalesce(e.rate, 1), e.proceeds, e.executed_at,
            e.busted_at, case when l.contract = '2026' then e.settlement_date end
          ),
          ',' order by e.execution_id
        )
        from (
          select e.*
          from unwind.executions e
          where e.tenant_id = o.tenant_id
            and e.order_id = o.order_id
          order by e.execution_id
          limit 5000
        ) e
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

create or replace view unwind_v1.tenants as
select
  t.tenant_id,
  t.name,
  t.created_at,
  t.contract
from unwind.tenants t;

create or replace view unwind_v1.liquidations as
select
  l.tenant_id,
  l.liquidation_id,
  l.account_id,
  l.user_id,
  l.sequence,
  l.status,
  l.proceeds,
  l.cash_amount,
  l.rounds,
  l.open_orders,
  l.event_count,
  l.created_at,
  l.updated_at,
  l.released_at,
  l.ended_at,
  l.end_reason,
  unwind_v1.liquidation_object(l.tenant_id, l.liquidation_id) as object,
  l.corrected_at,
  l.corrected_proceeds,
  l.stop_reason,
  l.stop_note,
  l.stop_asked_at,
  l.end_note,
  l.release_at,
  l.scheduled_at,
  l.opening_of,
  l.schedule_reason,
  l.contract,
  l.settle_at,
  l.settled_at
from unwind.liquidations l;

create or replace view unwind_v1.executions as
select
  e.tenant_id,
  e.execution_id,
  e.venue,
  e.venue_execution_id,
  e.client_order_id,
  e.order_id,
  e.liquidation_id,
  e.account_id,
  e.isin,
  e.quantity,
  e.price,
  e.proceeds,
  e.currency,
  e.executed_at,
  e.recorded_at,
  e.busted_at,
  e.rate,
  e.rate_as_of,
  e.settlement_date
from unwind.executions e;
