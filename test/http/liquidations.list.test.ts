// The list of an account's liquidations: pages, the window of time, and every query that is refused.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { makeApiClient, type Reply, startHttp } from '../support/http.ts';
import { apiOf, giveAccounts, liquidate } from './api.ts';
import { assertProblem, assertSuccess, tablesOf } from './expect.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock('2026-01-05T09:00:00.000Z');
const service = await startHttp({ after }, { sql, clock });
const client = await makeApiClient(sql, clock, { keyTypes: ['P-256'] });
const api = await apiOf(service, client);
const [account, neighbour, empty] = await giveAccounts(sql, client, [{}, {}, {}]);
assert.ok(neighbour && empty);
const target = `/accounts/${account.accountId}/liquidations`;

// Five liquidations a minute apart, at 09:00 … 09:04; the account's neighbour has one as well.
const ids: string[] = [];
for (let minute = 0; minute < 5; minute += 1) {
  const path = await liquidate(api, account);
  ids.push(path.slice(target.length + 1));
  if (minute < 4) assert.equal((await api.call('DELETE', path)).status, 204);
  clock.advance(60_000);
}
await liquidate(api, neighbour);

interface Meta {
  readonly count?: number;
  readonly limit?: number;
  readonly offset?: number;
  readonly total_count?: number;
}

/** Holds a page against the ids it has to show, in order, and its meta. */
function assertPage(reply: Reply, shown: readonly (string | undefined)[], meta: Meta = {}): void {
  assertSuccess(reply, 200);
  const { data } = reply.json;
  assert.ok(Array.isArray(data));
  assert.deepEqual(
    data.map((one: { id: string }) => one.id),
    shown,
  );
  const usual = { count: shown.length, limit: 100, offset: 0, order: 'ASC', sort: 'id' };
  const expected = JSON.stringify({ ...usual, total_count: shown.length, ...meta });
  assert.equal(JSON.stringify(reply.json['meta']), expected);
  assert.deepEqual(Object.keys(reply.json), ['data', 'meta']);
}

const list = (query: string) => api.call('GET', `${target}${query}`);

test('point 8: all liquidations of the account in the order of their ids', async () => {
  assert.deepEqual(ids, ids.toSorted());
  assertPage(await list(''), ids);
  assertPage(await list('?'), ids);
  assertPage(await list('?sort=id&order=ASC'), ids);
  const { data } = (await list('')).json;
  const [first] = data as readonly unknown[];
  const one = await api.call('GET', `${target}/${ids[0]}`);
  assert.equal(JSON.stringify(first), one.text);
});

test('point 8: an account without any has an empty list', async () => {
  assertPage(await api.call('GET', `/accounts/${empty.accountId}/liquidations`), []);
});

test('point 8: pages', async () => {
  const total_count = 5;
  assertPage(await list('?limit=2'), ids.slice(0, 2), { limit: 2, total_count });
  assertPage(await list('?limit=2&offset=2'), ids.slice(2, 4), {
    limit: 2,
    offset: 2,
    total_count,
  });
  assertPage(await list('?offset=4&limit=2'), ids.slice(4), { limit: 2, offset: 4, total_count });
  assertPage(await list('?offset=5'), [], { offset: 5, total_count });
  assertPage(await list('?offset=2147483647'), [], { offset: 2_147_483_647, total_count });
  assertPage(await list('?limit=0'), [], { limit: 0, total_count });
  assertPage(await list('?limit=1000'), ids, { limit: 1_000, total_count });
  // Percent-encoding is the client's choice; what is signed are the bytes as sent.
  assertPage(await list('?%6Cimit=%32'), ids.slice(0, 2), { limit: 2, total_count });
});

test('point 8: start_date is inclusive, end_date exclusive, to the millisecond', async () => {
  const windows: readonly (readonly [query: string, from: number, until: number])[] = [
    ['start_date=2026-01-05T09:02:00Z', 2, 5],
    ['start_date=2026-01-05T09:02:00.001Z', 3, 5],
    ['end_date=2026-01-05T09:02:00Z', 0, 2],
    ['end_date=2026-01-05T09:02:00.001Z', 0, 3],
    ['start_date=2026-01-05T09:01:00Z&end_date=2026-01-05T09:03:00Z', 1, 3],
    ['start_date=2026-01-05T09:01:00Z&end_date=2026-01-05T09:01:00Z', 0, 0],
    ['start_date=2026-01-05T09:03:00Z&end_date=2026-01-05T09:01:00Z', 0, 0],
    ['start_date=2026-01-05', 0, 5],
    ['end_date=2026-01-05', 0, 0],
    ['start_date=2026-01-06', 0, 0],
    ['end_date=2026-01-06', 0, 5],
    ['start_date=2026-01-05T10:02:00%2B01:00', 2, 5],
    ['start_date=2026-01-05T03:32:00-05:30', 2, 5],
    ['start_date=0001-01-01', 0, 5],
    ['end_date=9999-12-31T23:59:59.999Z', 0, 5],
    ['start_date=2026-01-05T09:02:00.000000001Z', 3, 5],
    ['end_date=2026-01-05T09:02:00.000000001Z', 0, 3],
    ['end_date=2026-01-05T09:02:00.000000000Z', 0, 2],
    ['start_date=2024-02-29', 0, 5],
    ['start_date=2026-01-05t09:02:00z', 2, 5],
    ['start_date=2026-01-05T09:02:00.0000000000000000001Z', 3, 5],
    ['start_date=2025-12-31T23:59:60Z', 0, 5],
    ['end_date=2026-01-31T23:59:60Z', 0, 5],
  ];
  for (const [query, from, until] of windows) {
    assertPage(await list(`?${query}`), ids.slice(from, until));
  }
  const page = await list('?start_date=2026-01-05T09:01:00Z&limit=1&offset=1');
  assertPage(page, [ids[2]], { limit: 1, offset: 1, total_count: 4 });
});

test('point 8: every other query is refused, and the answer names the parameter', async () => {
  const before = await tablesOf(sql);
  const refused: readonly (readonly [query: string, detail: RegExp])[] = [
    ['limit=-1', /limit/],
    ['limit=1001', /limit/],
    ['limit=', /limit/],
    ['limit=ten', /limit/],
    ['limit=1.5', /limit/],
    ['limit=1e2', /limit/],
    ['limit=0x10', /limit/],
    ['limit=%2B1', /limit/],
    ['limit=%201', /limit/],
    ['limit=99999999999999999999', /limit/],
    ['limit=%D9%A1', /limit/],
    ['limit=1&limit=1', /limit is given more than once/],
    ['limit=1&%6cimit=2', /limit is given more than once/],
    ['limit[]=1', /unknown members \(limit\[\]\)/],
    ['offset=-1', /offset/],
    ['offset=2147483648', /offset/],
    ['offset=', /offset/],
    ['sort=created_at', /sort/],
    ['sort=', /sort/],
    ['sort=ID', /sort/],
    ['order=DESC', /order/],
    ['order=asc', /order/],
    ['order=', /order/],
    ['page=1', /unknown members \(page\)/],
    ['Limit=1', /unknown members \(Limit\)/],
    ['%00=1', /unknown members/],
    ['limit=1;offset=1', /limit/],
    ['start_date=', /start_date/],
    ['start_date=yesterday', /start_date/],
    ['start_date=2026', /start_date/],
    ['start_date=2026-1-5', /start_date/],
    ['start_date=2026-02-29', /start_date/],
    ['start_date=2026-13-01', /start_date/],
    ['start_date=2026-00-10', /start_date/],
    ['start_date=2026-01-32T00:00:00Z', /start_date/],
    ['start_date=2026-01-05T24:00:00Z', /start_date/],
    ['start_date=2026-01-05T09:60:00Z', /start_date/],
    ['start_date=2026-01-05T09:02:00', /start_date/],
    ['start_date=2026-01-05T09:02Z', /start_date/],
    [
      'start_date=2026-01-05T09:02:00+01:00',
      /start_date holds a plus that was not encoded: send it as %2B/,
    ],
    ['end_date=2026-01-05T09:02:00.5+01:00', /end_date holds a plus .* %2B/],
    ['start_date=2026-01-05T09:02:60Z', /start_date/],
    ['?limit=1', /unknown members \(\?limit\)/],
    ['??', /unknown members/],
    ['?&limit=1', /unknown members/],
    ['&?limit=1', /unknown members/],
    ['=1', /unknown members/],
    ['=', /unknown members/],
    ['limit', /limit/],
    ['limit=1?offset=1', /limit/],
    ['limit=1%26offset=1', /limit/],
    ['+limit=1', /unknown members/],
    ['limit+=1', /unknown members/],
    ['lim%69t=1&limit=1', /more than once/],
    ['limit=1%', /limit/],
    ['%=1', /unknown members/],
    ['limit=%FF', /limit/],
    ['limit=1#', /fragment/],
    ['#limit=1', /fragment/],
    ['start_date=2026-01-05T09:02:00%2B24:00', /start_date/],
    ['start_date=0000-01-01', /start_date/],
    ['start_date=0001-01-01T00:00:00%2B01:00', /start_date/],
    ['start_date=-000001-01-01', /start_date/],
    ['end_date=9999-12-31T23:59:59-01:00', /end_date/],
    ['end_date=infinity', /end_date/],
    ['end_date=now', /end_date/],
    [`end_date=${'2'.repeat(41)}`, /end_date/],
    ["end_date=2026-01-05'--", /end_date/],
  ];
  for (const [query, detail] of refused) {
    assertProblem(await list(`?${query}`), 'bad_request', detail);
  }
  assert.deepEqual(await tablesOf(sql), before);
});

test('point 8: an account that is not there, or a malformed id', async () => {
  const path = (id: string) => `/accounts/${id}/liquidations`;
  const unknown = await api.call('GET', path(client.clientId));
  assertProblem(unknown, 'not_found', 'There is no such account.');
  const malformed = ['1', 'me', `${account.accountId}0`, account.accountId.slice(1), '%20', '%00'];
  for (const id of [...malformed, 'a'.repeat(5_000), account.accountId.replaceAll('-', '')]) {
    const reply = await api.call('GET', path(id));
    assertProblem(reply, 'bad_request', 'The path parameter account_id is no UUID.');
  }
});
