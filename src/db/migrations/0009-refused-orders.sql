-- Whether an instrument was refused in a liquidation is asked for every position each time its value
-- is computed. Hardly any order is CANCELLED, so this index is next to empty and answers at once,
-- where the orders of the liquidation had to be read for each of its positions.
create index orders_refused
  on unwind.orders (tenant_id, liquidation_id, isin)
  where status = 'CANCELLED';
