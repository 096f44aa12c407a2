// Pages of very large objects: no response has more than the bytes of a page, but for one object that
// alone has more, and going through the pages yields every object exactly once.
// Long by nature: it makes thousands of orders.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import { raw } from '../../src/db/sql.ts';
import { newId } from '../../src/ids.ts';
import { executionsOfOrderMax, pageBytesMax } from '../../src/limits.ts';
import { publishAll } from '../deliveries/subscriptions.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { makeApiClient, type Reply, startHttp } from '../support/http.ts';
import { sentDuring, withValues } from '../support/statements.ts';
import { apiOf, giveAccounts, subscribe } from './api.ts';
import { assertSuccess } from './expect.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
const service = await startHttp({ after }, { sql, clock });
const client = await makeApiClient(sql, clock);
const { clientId: tenantId } = client;
const api = await apiOf(service, client);
const [account] = await giveAccounts(sql, client);
const { accountId, userId } = account;
const now = clock.now();

/** Bytes of `{"data":[],"meta":{…}}` around the objects, at most. */
const frameBytes = 300;

interface Listed extends Reply {
  readonly data: readonly { readonly id: string }[];
  readonly meta: Readonly<Record<string, number>>;
}

async function read(target: string): Promise<Listed> {
  const reply = await api.call('GET', target);
  assertSuccess(reply, 200);
  const { data, meta } = reply.json as unknown as Listed;
  const bytes = Buffer.byteLength(reply.text);
  assert.ok(bytes <= pageBytesMax + frameBytes || data.length === 1, `${target}: ${bytes} bytes`);
  return { ...reply, data, meta };
}

/** The pages of a list, each from where the page before says that the next one begins. */
async function pagesOf(target: string, next: (page: Listed) => string | undefined) {
  const pages = [await read(target)];
  for (let at = pages[0]; at !== undefined; ) {
    const following = next(at);
    if (following === undefined) return pages;
    assert.ok(pages.length < 100, 'the pages end');
    at = await read(following);
    pages.push(at);
  }
  return pages;
}

function linkOf({ headers }: Listed): string | undefined {
  const { link } = headers;
  if (link === undefined) return undefined;
  return /^<([^>]+)>; rel="next"$/.exec(String(link))?.[1] ?? assert.fail(String(link));
}

/** How clients of the contract go on, by the members of `meta`. */
function byMeta(target: string, step: 'limit' | 'count') {
  return ({ meta }: Listed) => {
    const offset = (meta['offset'] ?? 0) + (meta[step] ?? 0);
    return offset < (meta['total_count'] ?? 0) ? `${target}&offset=${offset}` : undefined;
  };
}

const idsOf = (pages: readonly Listed[]) => pages.flatMap(({ data }) => data.map(({ id }) => id));

async function assertWholeList(target: string, ids: readonly string[]): Promise<void> {
  const pages = await pagesOf(target, linkOf);
  assert.ok(pages.length > 1, 'more than one page is needed');
  assert.deepEqual(idsOf(pages), ids);
  for (const step of ['limit', 'count'] as const) {
    assert.deepEqual(idsOf(await pagesOf(target, byMeta(target, step))), ids, `by meta.${step}`);
  }
}

/** A liquidation that has ended, with so many orders. */
async function insertLiquidation(sequence: number, orders: number): Promise<string> {
  const liquidationId = newId<'liquidation'>();
  await sql`
    insert into unwind.liquidations (
      tenant_id, liquidation_id, account_id, user_id, sequence, status, cash_amount, event_count,
      release_at, released_at, ended_at, end_reason, created_at, updated_at
    )
    values (
      ${tenantId}, ${liquidationId}, ${accountId}, ${userId}, ${sequence}, 'FILLED', 0, 3,
      ${now}, ${now}, ${now}, 'flat', ${now}, ${now}
    )`;
  await sql`
    insert into unwind.orders (
      tenant_id, order_id, liquidation_id, account_id, isin, round, quantity, status,
      filled_quantity, submissions, created_at, updated_at, status_at, ended_at
    )
    select
      ${tenantId}, gen_random_uuid(), ${liquidationId}, ${accountId}, 'DE0007164600', n, 1,
      'FILLED', 1, 1, ${now}, ${now}, ${now}, ${now}
    from generate_series(1, ${orders}::integer) as n`;
  return liquidationId;
}

function executionsOf({ json }: Reply): readonly { readonly id: string }[] {
  return (json as unknown as { readonly executions: readonly { readonly id: string }[] })
    .executions;
}

async function orderIds(): Promise<readonly string[]> {
  const rows = await sql<{ order_id: string }[]>`
    select o.order_id
    from unwind.orders o
    where o.account_id = ${accountId}
    order by o.order_id`;
  return rows.map((row) => row.order_id);
}

test('liquidations of thousands of orders', async () => {
  const ids: string[] = [];
  for (let n = 1; n <= 14; n += 1) ids.push(await insertLiquidation(n, n === 4 ? 1 : 5_000));
  await assertWholeList(`/accounts/${accountId}/liquidations?limit=1000`, ids);
  const { data, meta } = await read(`/accounts/${accountId}/liquidations?limit=2`);
  assert.equal(data.length, 2);
  assert.equal(meta['limit'], 2);
});

test('one liquidation that alone is larger than a page comes by itself', async () => {
  const [first] = await giveAccounts(sql, client);
  await sql`
    update unwind.liquidations
    set account_id = ${first.accountId}
    where account_id = ${accountId}
      and sequence in (1, 2)`;
  await sql`
    update unwind.orders o
    set liquidation_id = (
      select l.liquidation_id
      from unwind.liquidations l
      where l.account_id = ${first.accountId}
        and l.sequence = 1
    ), round = o.round + 10000 * l.sequence
    from unwind.liquidations l
    where l.liquidation_id = o.liquidation_id
      and l.sequence > 2`;
  const target = `/accounts/${first.accountId}/liquidations?limit=1000`;
  const pages = await pagesOf(target, linkOf);
  assert.deepEqual(
    pages.map(({ data }) => data.length),
    [1, 1],
  );
  assert.ok(Buffer.byteLength(pages[0]?.text ?? '') > pageBytesMax);
});

test('orders of hundreds of executions, and the executions of one of them', async () => {
  const all = await orderIds();
  const some = all.slice(0, 100);
  await sql`delete from unwind.orders where order_id <> all (${some}::uuid[])`;
  await sql`
    insert into unwind.executions (
      tenant_id, execution_id, venue, venue_execution_id, client_order_id, order_id,
      liquidation_id, account_id, isin, quantity, price, proceeds, executed_at, recorded_at
    )
    select
      ${tenantId}, gen_random_uuid(), 'XSIM', o.order_id || '/' || n, 'X', o.order_id,
      o.liquidation_id, o.account_id, o.isin, 1, 1, 1, ${now}, ${now}
    from unwind.orders o
    cross join lateral generate_series(1, 200) as n`;
  await assertWholeList(`/accounts/${accountId}/orders?limit=1000`, some);
});

test('an order shows its first 5,000 executions, and its link leads to the others', async () => {
  const [orderId] = await orderIds();
  await sql`
    insert into unwind.executions (
      tenant_id, execution_id, venue, venue_execution_id, client_order_id, order_id,
      liquidation_id, account_id, isin, quantity, price, proceeds, executed_at, recorded_at
    )
    select
      ${tenantId}, gen_random_uuid(), 'XSIM', o.order_id || '/' || n, 'X', o.order_id,
      o.liquidation_id, o.account_id, o.isin, 1, 1, 1, ${now}, ${now}
    from unwind.orders o
    cross join lateral generate_series(201, ${executionsOfOrderMax}::integer) as n
    where o.order_id = ${orderId ?? ''}`;
  const whole = await api.call('GET', `/orders/${orderId}`);
  assert.equal(executionsOf(whole).length, executionsOfOrderMax);
  assert.equal(whole.headers['link'], undefined);

  await sql`
    insert into unwind.executions (
      tenant_id, execution_id, venue, venue_execution_id, client_order_id, order_id,
      liquidation_id, account_id, isin, quantity, price, proceeds, executed_at, recorded_at
    )
    select
      tenant_id, gen_random_uuid(), venue, venue_execution_id || '+', client_order_id, order_id,
      liquidation_id, account_id, isin, quantity, price, proceeds, executed_at, recorded_at
    from unwind.executions e
    where e.order_id = ${orderId ?? ''}
    limit 3`;
  const cut = await api.call('GET', `/orders/${orderId}`);
  assertSuccess(cut, 200);
  const rest = await api.call('GET', /^<([^>]+)>/.exec(String(cut.headers['link']))?.[1] ?? '');
  assertSuccess(rest, 200);
  const shown = [...executionsOf(cut), ...(rest.json as unknown as Listed).data];
  const rows = await sql<{ execution_id: string }[]>`
    select e.execution_id
    from unwind.executions e
    where e.order_id = ${orderId ?? ''}
    order by e.execution_id`;
  assert.equal(executionsOf(cut).length, executionsOfOrderMax);
  assert.deepEqual(
    shown.map(({ id }) => id),
    rows.map((row) => row.execution_id),
  );
});

test('GET /events: events of thousands of orders', async () => {
  const orders = Array.from({ length: 4_000 }, () => {
    return { id: randomUUID(), side: 'SELL', status: 'FILLED' };
  });
  const ids: string[] = [];
  for (let n = 1; n <= 30; n += 1) {
    const eventId = newId<'event'>();
    ids.push(eventId);
    // The seventh is larger than a page, the others are a tenth of one.
    const many = n === 7 ? Array.from({ length: 16 }, () => orders).flat() : orders;
    const object = JSON.stringify({
      account_id: accountId,
      cash_amount: '0.00',
      created_at: now.toISOString(),
      currency: 'EUR',
      id: newId(),
      orders: many,
      status: 'FILLED',
      updated_at: now.toISOString(),
      user_id: userId,
    });
    await sql`
      insert into unwind.events (
        tenant_id, event_id, account_id, liquidation_id, sequence, number, type, object, created_at
      )
      values (
        ${tenantId}, ${eventId}, ${accountId}, ${newId()}, ${100 + n}, 1,
        'ACCOUNT_LIQUIDATION.FILLED', ${object}, ${now}
      )`;
  }
  await publishAll(sql);
  const filters = ['', '&type=ACCOUNT_LIQUIDATION', `&account_id=${accountId}`];
  for (const filter of filters) {
    const target = `/events?limit=1000${filter}`;
    const pages = await pagesOf(target, linkOf);
    assert.deepEqual(idsOf(pages), ids, filter);
    assert.ok(pages.some(({ data }) => data.length === 1));
    const byCursor = await pagesOf(target, ({ meta }) => {
      return meta['has_more'] ? `${target}&after=${meta['next']}` : undefined;
    });
    assert.deepEqual(idsOf(byCursor), ids, filter);
  }
  const { data, meta } = await read('/events?limit=3');
  assert.equal(data.length, 3);
  assert.equal(meta['limit'], 3);
});

test('the database sends no more than a page', async () => {
  const { statements } = await sentDuring(() => read('/events?limit=1000'));
  const reading = statements.find(({ text }) => /unwind\.events/.test(text)) ?? assert.fail();
  const [sent] = await sql<{ bytes: number; rows: number }[]>`
    select sum(octet_length(q.object))::integer as bytes, count(*)::integer as rows
    from (${raw(withValues(reading))}) q`;
  assert.ok(sent && sent.rows > 1 && sent.bytes <= pageBytesMax, JSON.stringify(sent));
});

test('the largest page of what has a largest size is below the bound', async () => {
  await sql`
    insert into unwind.instruments (
      tenant_id, isin, name, trading_status, fractional, created_at, updated_at
    )
    select
      ${tenantId}, 'XX' || lpad(n::text, 10, '0'), repeat('𐍈', 200), 'INACTIVE', true, ${now}, ${now}
    from generate_series(1, 1000) as n`;
  await sql`
    insert into unwind.positions (tenant_id, account_id, isin, quantity, locked)
    select ${tenantId}, ${accountId}, i.isin, 999999999999.123456789012345, 0.123456789012345
    from unwind.instruments i
    where i.tenant_id = ${tenantId}
      and i.isin like 'XX%'`;
  await sql`
    insert into unwind.accounts (
      tenant_id, account_id, user_id, status, currency, created_at, updated_at
    )
    select ${tenantId}, gen_random_uuid(), ${userId}, 'ACTIVE', 'EUR', ${now}, ${now}
    from generate_series(1, 1000)`;
  const webhook = await subscribe(api, { title: '"'.repeat(100) });
  await sql`
    insert into unwind.delivery_attempts (
      tenant_id, webhook_id, place, attempt_id, kind, attempted_at, duration_ms, outcome, status,
      response, attempt, events
    )
    select
      ${tenantId}, ${webhook.split('/')[2] ?? ''}, n, gen_random_uuid(), 'delivery', ${now}, 1,
      'answered 500', 500, repeat('𐍈', 1000), 1, 1
    from generate_series(1, 520) as n`;
  const targets = {
    '/accounts?limit=1000': 1_000,
    '/instruments?limit=1000': 1_000,
    [`/accounts/${accountId}/positions?limit=1000`]: 1_000,
    [`${webhook}/deliveries?limit=500`]: 500,
  };
  for (const [target, count] of Object.entries(targets)) {
    assert.equal((await read(target)).data.length, count, target);
  }
});
