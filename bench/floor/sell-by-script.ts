// The same changes of rows as the engine makes, by plain set-based SQL on one connection: one round
// of full fills, nothing decided, nothing checked, no call outside.

import type { Sql, Tx } from '../../src/db/connect.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import type { TenantId } from '../../src/ids.ts';

/** Liquidations of one commit: some thousand orders, as a batch job would take them. */
const liquidationsEach = 500;

/** Sells everything that NEW liquidations of a tenant hold. */
export async function sellByScript(sql: Sql, tenantId: TenantId): Promise<void> {
  const settings = { statementTimeoutMs: 600_000 };
  for (;;) {
    const worked = await inTransaction(sql, (tx) => release(tx, tenantId), settings);
    if (worked === 0) break;
  }
  for (const step of [submit, acknowledge, apply, finish, publish]) {
    for (;;) {
      const worked = await inTransaction(sql, (tx) => step(tx, tenantId), settings);
      if (worked === 0) break;
    }
  }
}

async function release(tx: Tx, tenantId: TenantId): Promise<number> {
  const rows = await tx`
    with due as (
      select l.*
      from unwind.liquidations l
      where l.tenant_id = ${tenantId}
        and l.status = 'NEW'
      order by l.release_at
      limit ${liquidationsEach}
      for update
    ),
    placed as (
      insert into unwind.orders (
        tenant_id, order_id, liquidation_id, account_id, isin, round, quantity, status,
        submit_at, created_at, updated_at, status_at
      )
      select
        d.tenant_id, gen_random_uuid(), d.liquidation_id, d.account_id, p.isin, 1, p.quantity,
        'NEW', now(), now(), now(), now()
      from due d
      join unwind.positions p on p.tenant_id = d.tenant_id and p.account_id = d.account_id
      returning account_id, isin, quantity
    ),
    held as (
      update unwind.positions p
      set held = p.held + placed.quantity
      from placed
      where p.tenant_id = ${tenantId}
        and p.account_id = placed.account_id
        and p.isin = placed.isin
    )
    update unwind.liquidations l
    set
      status = 'PROCESSING',
      rounds = 1,
      open_orders = (
        select count(*)
        from unwind.positions p
        where p.tenant_id = l.tenant_id
          and p.account_id = l.account_id
      ),
      released_at = now(),
      event_count = l.event_count + 1,
      updated_at = now()
    from due d
    where l.tenant_id = d.tenant_id
      and l.liquidation_id = d.liquidation_id
    returning l.liquidation_id`;
  await recordEvents(tx, tenantId, rows);
  return rows.length;
}

async function recordEvents(
  tx: Tx,
  tenantId: TenantId,
  rows: readonly Readonly<Record<string, unknown>>[],
): Promise<void> {
  await tx`
    insert into unwind.events (
      tenant_id, event_id, account_id, liquidation_id, sequence, number, type, object, created_at
    )
    select
      l.tenant_id, gen_random_uuid(), l.account_id, l.liquidation_id, l.sequence, l.event_count,
      'ACCOUNT_LIQUIDATION.' || l.status, o.object, now()
    from unwind.liquidations l
    cross join lateral unwind.liquidation_objects(
      l.tenant_id, l.liquidation_id, l.account_id, l.user_id, l.status, l.cash_amount,
      l.created_at, l.updated_at
    ) as o
    where l.tenant_id = ${tenantId}
      and l.liquidation_id = any (${rows.map((row) => String(row['liquidation_id']))}::uuid[])`;
}

/** Orders to the venue: its journal, and the report it owes on each. */
async function submit(tx: Tx, tenantId: TenantId): Promise<number> {
  const rows = await tx`
    with due as (
      select o.tenant_id, o.order_id, o.liquidation_id, o.isin, o.quantity
      from unwind.orders o
      where o.tenant_id = ${tenantId}
        and o.submit_at is not null
      order by o.tenant_id, o.submit_at
      limit ${liquidationsEach * 20}
      for update
    ),
    sent as (
      update unwind.orders o
      set status = 'PROCESSING', submissions = 1, submit_at = null, updated_at = now(), status_at = now()
      from due d
      where o.tenant_id = d.tenant_id
        and o.order_id = d.order_id
    ),
    intended as (
      insert into unwind.submissions (
        tenant_id, client_order_id, order_id, liquidation_id, venue, quantity, status, lease_holder,
        lease_epoch, lease_expires_at, sent_at, updated_at
      )
      select
        d.tenant_id, left(replace(d.order_id::text, '-', ''), 20), d.order_id, d.liquidation_id,
        'XSIM', d.quantity, 'SENDING', d.tenant_id, 1, now(), now(), now()
      from due d
      returning client_order_id
    ),
    journalled as (
      insert into simulated_venue.journal (
        firm, client_order_id, isin, side, quantity, outcome, venue_order_id, price, received_at
      )
      select
        d.tenant_id, left(replace(d.order_id::text, '-', ''), 20), d.isin, 'SELL', d.quantity,
        'accepted', d.order_id::text, r.price, now()
      from due d
      join unwind.prices r on r.tenant_id = d.tenant_id and r.isin = d.isin
      returning client_order_id, venue_order_id, quantity, price
    )
    insert into simulated_venue.reports (
      firm, report, client_order_id, venue_order_id, due_at, transaction_at, type,
      venue_execution_id, last_quantity, last_price, cumulative_quantity
    )
    select
      ${tenantId}, gen_random_uuid(), j.client_order_id, j.venue_order_id, now(), now(), 'filled',
      j.client_order_id || '-1', j.quantity, j.price, j.quantity
    from journalled j
    returning report`;
  return rows.length;
}

/** The answers to the submits, and the reports on their way into the inbox. */
async function acknowledge(tx: Tx, tenantId: TenantId): Promise<number> {
  const rows = await tx`
    update unwind.submissions s
    set status = 'WORKING', venue_order_id = s.order_id::text, lease_holder = null, lease_expires_at = null,
      updated_at = now()
    from (
      select u.client_order_id
      from unwind.submissions u
      where u.tenant_id = ${tenantId}
        and u.status = 'SENDING'
      limit ${liquidationsEach * 20}
    ) as n
    where s.tenant_id = ${tenantId}
      and s.client_order_id = n.client_order_id
    returning s.client_order_id`;
  await tx`
    with due as (
      select r.firm, r.report, row_number() over (order by r.due_at, r.report) as place
      from simulated_venue.reports r
      where r.number is null
      order by r.due_at, r.report
      limit ${liquidationsEach * 20}
    ),
    session as (
      update simulated_venue.session s
      set last_number = s.last_number + (select count(*) from due)
      returning s.last_number - (select count(*) from due) as base
    ),
    numbered as (
      update simulated_venue.reports r
      set number = session.base + due.place
      from due, session
      where r.firm = due.firm
        and r.report = due.report
      returning r.*
    )
    insert into unwind.venue_reports (
      tenant_id, venue, report_id, client_order_id, type, venue_execution_id, last_quantity,
      last_price, cumulative_quantity, transaction_at, received_at
    )
    select
      n.firm, 'XSIM', 'report/' || n.number, n.client_order_id, n.type, n.venue_execution_id,
      n.last_quantity, n.last_price, n.cumulative_quantity, n.transaction_at, now()
    from numbered n`;
  return rows.length;
}

/** Executions, orders, the book and the liquidations' amounts. */
async function apply(tx: Tx, tenantId: TenantId): Promise<number> {
  const rows = await tx`
    with taken as (
      delete from unwind.venue_reports r
      using (
        select v.venue, v.report_id
        from unwind.venue_reports v
        where v.tenant_id = ${tenantId}
        order by v.tenant_id, v.received_at, v.report_id
        limit ${liquidationsEach * 20}
      ) as n
      where r.tenant_id = ${tenantId}
        and r.venue = n.venue
        and r.report_id = n.report_id
      returning r.*
    ),
    told as materialized (
      select
        t.venue_execution_id, t.client_order_id, t.last_quantity, t.last_price,
        unwind.to_cents(t.last_quantity * t.last_price) as proceeds,
        o.order_id, o.liquidation_id, o.account_id, o.isin
      from taken t
      join unwind.submissions s
        on s.tenant_id = ${tenantId}
        and s.client_order_id = t.client_order_id
      join unwind.orders o on o.tenant_id = s.tenant_id and o.order_id = s.order_id
    ),
    recorded as (
      insert into unwind.executions (
        tenant_id, execution_id, venue, venue_execution_id, client_order_id, order_id,
        liquidation_id, account_id, isin, quantity, price, proceeds, executed_at, recorded_at
      )
      select
        ${tenantId}, gen_random_uuid(), 'XSIM', t.venue_execution_id, t.client_order_id, t.order_id,
        t.liquidation_id, t.account_id, t.isin, t.last_quantity, t.last_price, t.proceeds, now(),
        now()
      from told t
      returning execution_id, account_id, isin, quantity, proceeds
    ),
    moved as (
      insert into unwind.movements (
        tenant_id, movement_id, account_id, isin, quantity, locked, cash, reason, execution_id,
        effective_at, recorded_at
      )
      select
        ${tenantId}, gen_random_uuid(), r.account_id, r.isin, -r.quantity, 0, r.proceeds,
        'execution', r.execution_id, now(), now()
      from recorded r
    ),
    done as (
      update unwind.submissions s
      set status = 'DONE', executed_quantity = s.quantity, final_quantity = s.quantity,
        outcome = 'filled', updated_at = now()
      from told t
      where s.tenant_id = ${tenantId}
        and s.client_order_id = t.client_order_id
    ),
    filled as (
      update unwind.orders o
      set status = 'FILLED', filled_quantity = o.quantity, proceeds = t.proceeds,
        updated_at = now(), status_at = now(), ended_at = now()
      from told t
      where o.tenant_id = ${tenantId}
        and o.order_id = t.order_id
    ),
    sold as (
      update unwind.positions p
      set quantity = p.quantity - t.last_quantity, held = p.held - t.last_quantity
      from told t
      where p.tenant_id = ${tenantId}
        and p.account_id = t.account_id
        and p.isin = t.isin
    )
    update unwind.liquidations l
    set
      proceeds = l.proceeds + n.proceeds,
      open_orders = l.open_orders - n.ended,
      advance_at = case when l.open_orders = n.ended then now() end,
      updated_at = now()
    from (
      select t.liquidation_id, sum(t.proceeds) as proceeds, count(*) as ended
      from told t
      group by t.liquidation_id
    ) as n
    where l.tenant_id = ${tenantId}
      and l.liquidation_id = n.liquidation_id
    returning l.liquidation_id`;
  return rows.length;
}

async function finish(tx: Tx, tenantId: TenantId): Promise<number> {
  const rows = await tx`
    update unwind.liquidations l
    set status = 'FILLED', cash_amount = l.proceeds, advance_at = null, ended_at = now(),
      end_reason = 'flat', event_count = l.event_count + 1, updated_at = now()
    from (
      select d.liquidation_id
      from unwind.liquidations d
      where d.tenant_id = ${tenantId}
        and d.advance_at is not null
      limit ${liquidationsEach}
    ) as n
    where l.tenant_id = ${tenantId}
      and l.liquidation_id = n.liquidation_id
    returning l.liquidation_id`;
  await recordEvents(tx, tenantId, rows);
  return rows.length;
}

async function publish(tx: Tx, tenantId: TenantId): Promise<number> {
  await tx`
    insert into unwind.event_heads (tenant_id, position)
    values (${tenantId}, 0)
    on conflict (tenant_id) do nothing`;
  const rows = await tx`
    with fresh as (
      select e.event_id, row_number() over (order by e.created_at, e.liquidation_id, e.number) as place
      from (
        select e.event_id, e.created_at, e.liquidation_id, e.number
        from unwind.events e
        where e.tenant_id = ${tenantId}
          and e.position is null
        order by e.created_at, e.liquidation_id, e.number
        limit ${liquidationsEach * 10}
      ) as e
    ),
    head as (
      update unwind.event_heads h
      set position = h.position + (select count(*) from fresh)
      where h.tenant_id = ${tenantId}
      returning h.position - (select count(*) from fresh) as base
    )
    update unwind.events e
    set position = head.base + fresh.place
    from fresh, head
    where e.tenant_id = ${tenantId}
      and e.event_id = fresh.event_id
    returning e.event_id`;
  return rows.length;
}
