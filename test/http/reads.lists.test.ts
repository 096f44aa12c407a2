// The lists of accounts, positions, orders, executions and instruments: pages, both directions, filters,
// every parameter that is refused, malformed ids, and the scopes each of which suffices.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { makeBook } from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { askToLiquidate, engineSteps, runUntilIdle } from '../support/engine.ts';
import { makeApiClient, type Reply, startHttp } from '../support/http.ts';
import { apiOf, targetOf } from './api.ts';
import { assertProblem, assertSuccess, tablesOf } from './expect.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
const service = await startHttp({ after }, { sql, clock });
const client = await makeApiClient(sql, clock, {
  scopes: [
    'accounts:admin',
    'accounts:read',
    'instruments:read',
    'orders:admin',
    'orders:read',
    'positions:read',
    'webhooks:read',
  ],
});
const tenantId = client.clientId;
const api = await apiOf(service, client);
const steps = engineSteps(sql, clock, { delayMs: 0 });

// Three imports, of which the second and the third are of the same instant.
const isins = ['IE00B5M1WJ87', 'DE0007164600', 'US0378331005', 'DE0007236101'];
const [filledInParts = '', ...others] = isins;
const early = new Date('2026-01-01T00:00:00.000Z');
const late = new Date('2026-01-02T00:00:00.000Z');
const instrumentOf = (isin: string) => ({ isin, price: '500' });
const [first] = await makeBook(sql, {
  tenantId,
  instruments: [instrumentOf(filledInParts)],
  accounts: [{ positions: [{ isin: filledInParts, quantity: '5' }] }],
  importedAt: late,
});
const [second, empty] = await makeBook(sql, {
  tenantId,
  instruments: others.map(instrumentOf),
  accounts: [{ positions: isins.map((isin) => ({ isin, quantity: '1' })) }, { positions: [] }],
  importedAt: early,
});
assert.ok(first && second && empty);
await sql`update unwind.instruments set trading_status = 'INACTIVE' where isin = ${isins[2] ?? ''}`;
for (const account of [first, second]) await askToLiquidate(sql, clock, account);
await runUntilIdle(steps);
await sql`
  update unwind.instruments
  set updated_at = ${clock.now()}
  where isin = ${isins[1] ?? ''}`;

async function idsIn(column: 'order_id' | 'execution_id', accountId: string) {
  const rows = await sql<{ order_id: string; execution_id: string }[]>`
    select e.order_id, e.execution_id
    from unwind.executions e
    where e.account_id = ${accountId}
    order by e.execution_id`;
  return [...new Set(rows.map((row) => row[column]))];
}

const orderIds = (await idsIn('order_id', second.accountId)).toSorted();
const [partedOrder = ''] = await idsIn('order_id', first.accountId);
const executionIds = await idsIn('execution_id', first.accountId);
assert.equal(orderIds.length, 3);
assert.equal(executionIds.length, 5);

const accountIds = [second, empty].map((one) => one.accountId).toSorted();
const lists = {
  accounts: {
    target: '/accounts',
    name: (item: Item) => item['id'],
    all: [...accountIds, first.accountId],
    sort: 'created_at',
    turns: true,
    sorts: true,
  },
  positions: {
    target: `/accounts/${second.accountId}/positions`,
    name: (item: Item) => (item['instrument'] as { isin: string }).isin,
    all: isins.toSorted(),
    sort: 'isin',
    turns: false,
    sorts: false,
  },
  orders: {
    target: `/accounts/${second.accountId}/orders`,
    name: (item: Item) => item['id'],
    all: orderIds,
    sort: 'id',
    turns: true,
    sorts: false,
  },
  executions: {
    target: `/orders/${partedOrder}/executions`,
    name: (item: Item) => item['id'],
    all: executionIds,
    sort: 'id',
    turns: false,
    sorts: false,
  },
  instruments: {
    target: '/instruments',
    name: (item: Item) => item['isin'],
    all: [...others.toSorted(), filledInParts],
    sort: 'created_at',
    turns: true,
    sorts: true,
  },
} as const;

type Item = Readonly<Record<string, unknown>>;
type List = (typeof lists)[keyof typeof lists];

function assertPage(reply: Reply, { name, sort }: List, shown: readonly string[], meta = {}): void {
  assertSuccess(reply, 200);
  assert.deepEqual(Object.keys(reply.json), ['data', 'meta']);
  assert.deepEqual((reply.json['data'] as readonly Item[]).map(name), shown);
  const usual = { count: shown.length, limit: 100, offset: 0, order: 'ASC', sort };
  const expected = { ...usual, total_count: shown.length, ...meta };
  assert.equal(JSON.stringify(reply.json['meta']), JSON.stringify(expected));
}

for (const [what, list] of Object.entries(lists)) {
  const { target, all, turns, sorts, sort } = list;
  const ask = (query: string) => api.call('GET', `${target}${query}`);
  const totalCount = all.length;

  test(`${what}: pages`, async () => {
    assertPage(await ask(''), list, all);
    const limited = { limit: 2, total_count: totalCount };
    assertPage(await ask('?limit=2'), list, all.slice(0, 2), limited);
    assertPage(await ask('?limit=2&offset=2'), list, all.slice(2, 4), { ...limited, offset: 2 });
    assertPage(await ask('?offset=99'), list, [], { offset: 99, total_count: totalCount });
    assertPage(await ask('?offset=2147483647'), list, [], {
      offset: 2_147_483_647,
      total_count: totalCount,
    });
    assertPage(await ask('?limit=0'), list, [], { limit: 0, total_count: totalCount });
    assertPage(await ask('?limit=1000'), list, all, { limit: 1_000 });
  });

  test(`${what}: ${turns ? 'both directions' : 'one direction'}`, async () => {
    const descending = await ask('?order=DESC');
    if (!turns) return assertProblem(descending, 'bad_request', /unknown members \(order\)/);
    assertPage(await ask('?order=ASC'), list, all);
    assertPage(descending, list, all.toReversed(), { order: 'DESC' });
    const middle = all.toReversed().slice(1, 2);
    const meta = { limit: 1, offset: 1, order: 'DESC', total_count: totalCount };
    assertPage(await ask('?order=DESC&limit=1&offset=1'), list, middle, meta);
    if (sorts) assertPage(await ask(`?sort=${sort}`), list, all);
  });

  test(`${what}: every other query is refused, and the answer names the parameter`, async () => {
    const before = await tablesOf(sql);
    const refused: readonly (readonly [query: string, detail: RegExp])[] = [
      ...['limit=-1', 'limit=1001', 'limit=', 'limit=ten', 'limit=1.5', 'limit=1e2'].map(
        (query) => [query, /limit/] as const,
      ),
      ['limit=1&limit=1', /limit is given more than once/],
      ...['offset=-1', 'offset=2147483648', 'offset=', 'offset=x'].map(
        (query) => [query, /offset/] as const,
      ),
      ...['order=asc', 'order=', 'order=ASC&order=ASC'].map((query) => [query, /order/] as const),
      ...['sort=', 'sort=name', 'sort=ID'].map((query) => [query, /sort/] as const),
      ...(what === 'instruments'
        ? (['trading_status=active', 'trading_status=', 'trading_status=HALTED'] as const).map(
            (query) => [query, /trading_status/] as const,
          )
        : [['trading_status=ACTIVE', /unknown members \(trading_status\)/] as const]),
      ['start_date=2026-01-01', /unknown members \(start_date\)/],
      ['Limit=1', /unknown members \(Limit\)/],
      ['__proto__=1', /unknown members \(__proto__\)/],
    ];
    for (const [query, detail] of refused) {
      assertProblem(await ask(`?${query}`), 'bad_request', detail);
    }
    assert.deepEqual(await tablesOf(sql), before);
  });
}

test('instruments by their last change, and only those of a status', async () => {
  const list = lists.instruments;
  const [, changed = '', inactive = ''] = isins;
  const ask = (query: string) => api.call('GET', `/instruments?${query}`);
  const byChange = [
    ...others.filter((isin) => isin !== changed).toSorted(),
    filledInParts,
    changed,
  ];
  assertPage(await ask('sort=updated_at'), list, byChange, { sort: 'updated_at' });
  const back = { order: 'DESC', sort: 'updated_at' };
  assertPage(await ask('sort=updated_at&order=DESC'), list, byChange.toReversed(), back);
  assertPage(await ask('trading_status=INACTIVE'), list, [inactive]);
  const active = list.all.filter((isin) => isin !== inactive);
  assertPage(await ask('trading_status=ACTIVE'), list, active);
  const page = { limit: 1, offset: 1, total_count: 3 };
  assertPage(await ask('trading_status=ACTIVE&limit=1&offset=1'), list, active.slice(1, 2), page);
});

test('what has nothing has an empty list', async () => {
  for (const name of ['orders', 'positions'] as const) {
    const reply = await api.call('GET', `/accounts/${empty.accountId}/${name}`);
    assertPage(reply, lists[name], []);
  }
});

test('a malformed id is 400 on lists and 404 where one thing is retrieved', async () => {
  const malformed = ['x', '0', `${first.accountId}0`, '%00', 'isin:DE0007164600'];
  for (const id of malformed) {
    for (const target of [`/accounts/${id}/positions`, `/accounts/${id}/orders`]) {
      assertProblem(await api.call('GET', target), 'bad_request', /account_id is no UUID/);
    }
    const executions = await api.call('GET', `/orders/${id}/executions`);
    assertProblem(executions, 'bad_request', /order_id is no UUID/);
    const ofOne: readonly (readonly [target: string, detail: RegExp])[] = [
      [`/accounts/${id}`, /account_id is no UUID/],
      [`/accounts/${id}/positions/isin:DE0007164600`, /account_id is no UUID/],
      [`/orders/${id}`, /order_id is no UUID/],
      [`/orders/${id}/executions/${executionIds[0]}`, /order_id is no UUID/],
      [`/orders/${partedOrder}/executions/${id}`, /execution_id is no UUID/],
    ];
    for (const [target, detail] of ofOne) {
      assertProblem(await api.call('GET', target), 'not_found', detail);
    }
  }
});

test('an instrument is named as isin: or uuid:, otherwise it is not found', async () => {
  const malformed = [
    'DE0007164600',
    first.accountId,
    'isin:',
    'isin:DE0007164601',
    'isin:de0007164600',
    'ISIN:DE0007164600',
    'uuid:x',
    'uuid:',
    'wkn:716460',
    'urn:DE0007164600',
    'urn:urn:isin:DE0007164600',
    ' isin:DE0007164600',
    'isin:DE0007164600%00',
  ];
  for (const name of malformed) {
    for (const target of ['/instruments', `/accounts/${second.accountId}/positions`]) {
      const reply = await api.call('GET', `${target}/${name.replace(' ', '%20')}`);
      assertProblem(reply, 'not_found', /instrument_id is neither isin: and an ISIN nor uuid:/);
    }
  }
});

test('each scope of an operation suffices by itself', async () => {
  const ids = {
    account_id: second.accountId,
    instrument_id: 'isin:DE0007164600',
    order_id: partedOrder,
    execution_id: executionIds[0] ?? '',
  };
  const reading = service.routes.filter(({ method, path }) => {
    return method === 'GET' && /^\/(accounts|orders|instruments)/.test(path);
  });
  for (const { path, scopes } of reading.filter((route) => !route.path.includes('liquidation'))) {
    for (const scope of scopes) {
      const reader = await apiOf(service, client, [scope]);
      assertSuccess(await reader.call('GET', targetOf(path, ids)), 200);
    }
  }
});
