-- What is computed for many liquidations in one statement, in a form that becomes part of that
-- statement's plan (a table function of one select is inlined). As functions of one value they ran a
-- statement of their own for every row, planned on its own and with a plan that could grow stale.

create function unwind.indicative_values(
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

create function unwind.next_changes(l unwind.liquidations, now timestamptz)
  returns table (at timestamptz)
  language sql stable parallel safe
  begin atomic
    select greatest(
      now,
      l.updated_at + interval '1 millisecond',
      max(o.status_at) + interval '1 millisecond'
    )
    from unwind.orders o
    where o.tenant_id = l.tenant_id
      and o.liquidation_id = l.liquidation_id;
  end;

create function unwind.liquidation_objects(l unwind.liquidations) returns table (object text)
  language sql stable parallel safe
  begin atomic
    select concat(
      '{"account_id":"', l.account_id,
      '","cash_amount":"', round(l.cash_amount, 2),
      '","created_at":"', unwind.instant(l.created_at),
      '","currency":"EUR","id":"', l.liquidation_id,
      '","orders":[', string_agg(
        concat('{"id":"', o.order_id, '","side":"SELL","status":"', o.status, '"}'),
        ',' order by o.order_id
      ),
      '],"status":"', l.status,
      '","updated_at":"', unwind.instant(greatest(l.updated_at, max(o.status_at))),
      '","user_id":"', l.user_id, '"}'
    )
    from unwind.orders o
    where o.tenant_id = l.tenant_id
      and o.liquidation_id = l.liquidation_id;
  end;

-- The same for a single row, from the same formula.

create or replace function unwind.indicative_value(
  the_tenant uuid,
  the_account uuid,
  the_liquidation uuid
) returns numeric
  language sql stable parallel safe
  return (select v.value from unwind.indicative_values(the_tenant, the_account, the_liquidation) v);

create or replace function unwind.next_change_at(l unwind.liquidations, now timestamptz)
  returns timestamptz
  language sql stable parallel safe
  return (select c.at from unwind.next_changes(l, now) c);

create or replace function unwind.liquidation_object(l unwind.liquidations) returns text
  language sql stable parallel safe
  return (select o.object from unwind.liquidation_objects(l) o);
