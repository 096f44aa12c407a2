-- An order that ended after its liquidation was stopped is read as ended by whoever stopped it.

create function unwind.cancelled_by(o unwind.orders, l unwind.liquidations) returns text
  language sql stable parallel safe
  return case
    when l.stop_asked_at is null or o.ended_at < l.stop_asked_at then 'CANCELLED_BY_TRADING_PARTNER'
    when l.stop_reason = 'abandoned' then 'CANCELLED_BY_UPVEST_OPERATIONS'
    else 'CANCELLED_BY_UPVEST_PLATFORM'
  end;

create or replace function unwind.order_object(o unwind.orders) returns text
  language sql stable parallel safe
  return (
    select concat(
      '{"account_id":"', o.account_id,
      case
        when o.status = 'CANCELLED'
          then '","cancellation_reason":"' || unwind.cancelled_by(o, l)
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
      '","user_id":"', l.user_id, '"}'
    )
    from unwind.liquidations l
    where l.tenant_id = o.tenant_id
      and l.liquidation_id = o.liquidation_id
  );
