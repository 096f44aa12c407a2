-- An execution that the venue declared void is read as CANCELLED.

create or replace function unwind.execution_object(e unwind.executions) returns text
  language sql stable parallel safe
  return concat(
    '{"cash_amount":"', round(e.proceeds, 2),
    '","currency":"EUR","id":"', e.execution_id,
    '","order_id":"', e.order_id,
    '","price":"', trim_scale(e.price),
    '","share_quantity":"', trim_scale(e.quantity),
    '","side":"SELL","status":"', case when e.busted_at is null then 'FILLED' else 'CANCELLED' end,
    '","taxes":[],"transaction_time":"', unwind.instant(e.executed_at), '"}'
  );
