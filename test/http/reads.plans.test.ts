// What reading costs: one statement a request besides those that ask who is calling, and pages that are
// taken by an index in their order, however much there is.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { raw } from '../../src/db/sql.ts';
import { newId } from '../../src/ids.ts';
import { makeBook } from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { askToLiquidate } from '../support/engine.ts';
import { makeApiClient, startHttp } from '../support/http.ts';
import { sentDuring, withValues } from '../support/statements.ts';
import { apiOf } from './api.ts';
import { assertSuccess } from './expect.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
const service = await startHttp({ after }, { sql, clock });
const client = await makeApiClient(sql, clock);
const api = await apiOf(service, client);
const isin = 'DE0007164600';
const [account] = await makeBook(sql, {
  tenantId: client.clientId,
  instruments: [{ isin, price: '1' }],
  accounts: [{ positions: [{ isin, quantity: '1' }] }],
});
assert.ok(account);
const liquidationId = await askToLiquidate(sql, clock, { ...account, releaseDelayMs: 60_000 });
const manyOrders = 20_000;
await fill();

/** Much of everything: of one account as much as of all the others together. */
async function fill(): Promise<void> {
  const { tenantId, accountId, userId } = account ?? assert.fail();
  const orderId = newId<'order'>();
  const now = clock.now();
  await sql`
    insert into unwind.accounts (
      tenant_id, account_id, user_id, status, currency, created_at, updated_at
    )
    select ${tenantId}, gen_random_uuid(), ${userId}, 'ACTIVE', 'EUR', ${now}, ${now}
    from generate_series(1, 2000)`;
  await sql`
    insert into unwind.instruments (
      tenant_id, isin, name, trading_status, fractional, created_at, updated_at
    )
    select ${tenantId}, 'XX' || lpad(n::text, 10, '0'), 'Name', 'ACTIVE', true, ${now}, ${now}
    from generate_series(1, 2000) as n`;
  await sql`
    insert into unwind.positions (tenant_id, account_id, isin, quantity, locked)
    select ${tenantId}, ${accountId}, i.isin, 1, 0
    from unwind.instruments i
    where i.tenant_id = ${tenantId}
      and i.isin <> ${isin}`;
  await sql`
    insert into unwind.positions (tenant_id, account_id, isin, quantity, locked)
    select ${tenantId}, a.account_id, ${isin}, 1, 0
    from unwind.accounts a
    where a.tenant_id = ${tenantId}
      and a.account_id <> ${accountId}`;
  await sql`
    insert into unwind.orders (
      tenant_id, order_id, liquidation_id, account_id, isin, round, quantity, status,
      filled_quantity, submissions, created_at, updated_at, status_at, ended_at
    )
    select
      ${tenantId}, gen_random_uuid(), ${liquidationId},
      a.account_id, ${isin}, 1, 1, 'FILLED', 1, 1, ${now}, ${now}, ${now}, ${now}
    from (
      select row_number() over (order by a.account_id = ${accountId} desc), a.account_id
      from unwind.accounts a
    ) as a (place, account_id)
    cross join lateral generate_series(
      1,
      case when a.place = 1 then ${manyOrders}::integer else ${manyOrders}::integer / 2000 end
    ) as n`;
  await sql`
    update unwind.orders o
    set order_id = ${orderId}
    where o.order_id = (
      select min(m.order_id::text)::uuid
      from unwind.orders m
      where m.account_id = ${accountId}
    )`;
  await sql`
    insert into unwind.executions (
      tenant_id, execution_id, venue, venue_execution_id, client_order_id, order_id,
      liquidation_id, account_id, isin, quantity, price, proceeds, executed_at, recorded_at
    )
    select
      ${tenantId}, gen_random_uuid(), 'XSIM', o.order_id || '/' || n, 'X', o.order_id, o.liquidation_id,
      o.account_id, o.isin, 1, 1, 1, ${now}, ${now}
    from unwind.orders o
    cross join lateral generate_series(1, case when o.order_id = ${orderId} then 50 else 1 end) as n`;
  await sql`
    vacuum analyze unwind.accounts, unwind.instruments, unwind.positions, unwind.orders,
      unwind.executions`;
}

/** The one statement that reads for a request, and its plan. */
async function planOf(target: string): Promise<string> {
  await api.call('GET', target);
  const message = () => api.call('GET', target);
  const { result, statements } = await sentDuring(message);
  assertSuccess(result, 200);
  // Who asks is looked up again from time to time; what is asked for is one statement.
  const reading = statements.filter(({ text }) => !/unwind\.(access_tokens|tenants)/.test(text));
  assert.equal(reading.length, 1, 'one statement');
  const [one] = reading;
  assert.ok(one);
  const rows = await sql<{ 'QUERY PLAN': string }[]>`explain ${raw(withValues(one))}`;
  return rows.map((row) => row['QUERY PLAN']).join('\n');
}

const [anOrder] = await sql<{ order_id: string }[]>`
  select e.order_id
  from unwind.executions e
  group by e.order_id
  having count(*) > 1`;
const ofAccount = `/accounts/${account.accountId}`;

const pages: readonly (readonly [target: string, index: string])[] = [
  ['/accounts?limit=10', 'accounts_by_creation'],
  ['/accounts?limit=10&order=DESC', 'accounts_by_creation'],
  [`${ofAccount}/positions?limit=10&offset=20`, 'positions_pkey'],
  [`${ofAccount}/orders?limit=10`, 'orders_of_account'],
  [`${ofAccount}/orders?limit=10&order=DESC`, 'orders_of_account'],
  [`${ofAccount}/orders?limit=10&offset=1000`, 'orders_of_account'],
  ['/instruments?limit=10', 'instruments_by_creation'],
  ['/instruments?limit=10&sort=updated_at&order=DESC', 'instruments_by_change'],
];

for (const [target, index] of pages) {
  test(`a page is taken by ${index}: ${target.replace(account.accountId, '…')}`, async () => {
    const plan = await planOf(target);
    const [, used] =
      /-> {2}Limit[^\n]*\n\s+-> {2}Index (?:Only )?Scan (?:Backward )?using (\w+)/.exec(plan) ?? [];
    assert.equal(used, index, plan);
    assert.doesNotMatch(plan, /Seq Scan on (orders|executions)/, plan);
  });
}

test('one thing is found by its key, and so are the executions of an order', async () => {
  const orderId = anOrder?.order_id ?? assert.fail();
  const targets = [
    ofAccount,
    `${ofAccount}/positions/isin:${isin}`,
    `/orders/${orderId}`,
    `/orders/${orderId}/executions?limit=10`,
    `/instruments/isin:${isin}`,
  ];
  for (const target of targets) {
    const plan = await planOf(target);
    assert.doesNotMatch(
      plan,
      /Seq Scan on (accounts|orders|positions|executions|instruments)/,
      plan,
    );
  }
});

test('what was skipped by an offset is not rendered', async () => {
  const [first] = (await api.call('GET', `${ofAccount}/orders?limit=1`)).json['data'] as object[];
  const deep = `${ofAccount}/orders?limit=1&offset=${manyOrders - 1}`;
  const { data, meta } = (await api.call('GET', deep)).json as { data: object[]; meta: object };
  assert.notDeepEqual(data[0], first);
  assert.deepEqual(meta, {
    count: 1,
    limit: 1,
    offset: manyOrders - 1,
    order: 'ASC',
    sort: 'id',
    total_count: manyOrders,
  });
  // What is skipped is read in the index alone.
  assert.match(await planOf(deep), /Limit[^\n]*\n\s+->\s+Index Only Scan using orders_of_account/);
});
