-- What the reading operations need beside the rows there are: a name by which the contract knows an
-- instrument, indexes in the order of the pages, and the objects as JSON text.

-- The UUID of an instrument: of version 8, made from its ISIN by SHA-256 in a namespace of ours (RFC
-- 9562 appendix B.2), so that it is the same in every installation and needs no table.
create function unwind.instrument_id(isin text) returns uuid
  language sql immutable parallel safe
  return (
    select encode(
      set_byte(
        set_byte(d.digest, 6, get_byte(d.digest, 6) & 15 | 128),
        8, get_byte(d.digest, 8) & 63 | 128
      ),
      'hex'
    )::uuid
    from (
      select substring(
        sha256('\x7891729857ae409285eecfa8447349dd'::bytea || convert_to(isin, 'UTF8')) from 1 for 16
      ) as digest
    ) as d
  );

alter table unwind.instruments
  add column instrument_id uuid generated always as (unwind.instrument_id(isin)) stored;
create unique index instruments_by_id on unwind.instruments (tenant_id, instrument_id);

create index accounts_by_creation on unwind.accounts (tenant_id, created_at, account_id);
create index instruments_by_creation on unwind.instruments (tenant_id, created_at, isin);
create index instruments_by_change on unwind.instruments (tenant_id, updated_at, isin);
create index orders_of_account on unwind.orders (tenant_id, account_id, order_id);

-- What has no source here and is required has a fixed value: docs/integrators/differences.md.

create function unwind.account_object(a unwind.accounts) returns text
  language sql stable parallel safe
  return concat(
    '{"account_group_id":"', a.user_id,
    '","account_number":1,"created_at":"', unwind.instant(a.created_at),
    '","id":"', a.account_id,
    '","name":"Account","status":"', a.status,
    '","type":"TRADING","updated_at":"', unwind.instant(a.updated_at),
    '","users":[{"id":"', a.user_id, '","type":"OWNER"}]}'
  );

create function unwind.instrument_object(i unwind.instruments) returns text
  language sql stable parallel safe
  return concat(
    '{"created_at":"', unwind.instant(i.created_at),
    '","fractional_trading":', i.fractional::text,
    ',"id":"', i.instrument_id,
    '","isin":"', i.isin,
    '","name":', to_json(left(i.name, 100)),
    ',"trading_status":"', i.trading_status,
    '","updated_at":"', unwind.instant(i.updated_at), '"}'
  );

-- locked_for_trading is what open orders sell; units locked otherwise are missing from
-- available_for_trading only.
create function unwind.position_object(p unwind.positions) returns text
  language sql stable parallel safe
  return concat(
    '{"account_id":"', p.account_id,
    '","available_for_trading":"', trim_scale(p.quantity - p.locked - p.held),
    '","instrument":{"isin":"', p.isin,
    '","uuid":"', unwind.instrument_id(p.isin),
    '"},"locked_for_trading":"', trim_scale(p.held),
    '","pending_settlement":"0","quantity":"', trim_scale(p.quantity), '"}'
  );

create function unwind.execution_object(e unwind.executions) returns text
  language sql stable parallel safe
  return concat(
    '{"cash_amount":"', round(e.proceeds, 2),
    '","currency":"EUR","id":"', e.execution_id,
    '","order_id":"', e.order_id,
    '","price":"', trim_scale(e.price),
    '","share_quantity":"', trim_scale(e.quantity),
    '","side":"SELL","status":"FILLED","taxes":[],"transaction_time":"',
    unwind.instant(e.executed_at), '"}'
  );

create function unwind.order_object(o unwind.orders) returns text
  language sql stable parallel safe
  return concat(
    '{"account_id":"', o.account_id,
    case
      when o.status = 'CANCELLED'
        then '","cancellation_reason":"CANCELLED_BY_TRADING_PARTNER'
    end,
    '","cash_amount":"0","client_reference":"', o.liquidation_id,
    '","created_at":"', unwind.instant(o.created_at),
    '","currency":"EUR","execution_flow":"STRAIGHT_THROUGH","executions":[', (
      select string_agg(unwind.execution_object(e), ',' order by e.execution_id)
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
    '","user_id":"', (
      select l.user_id
      from unwind.liquidations l
      where l.tenant_id = o.tenant_id
        and l.liquidation_id = o.liquidation_id
    ), '"}'
  );

create or replace view unwind_v1.instruments as
select
  i.tenant_id,
  i.isin,
  i.name,
  i.trading_status,
  i.fractional,
  i.updated_at,
  i.instrument_id
from unwind.instruments i;
