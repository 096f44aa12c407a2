// The list of all liquidations of a tenant that has very many: each page is read in an index that has its
// order, and reads no more rows than it shows, the last page like the first.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { raw } from '../../src/db/sql.ts';
import { makeBook } from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { makeApiClient, startHttp } from '../support/http.ts';
import { isFull } from '../support/length.ts';
import { sentDuring, withValues } from '../support/statements.ts';
import { apiOf } from './api.ts';
import { assertSuccess } from './expect.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
const service = await startHttp({ after }, { sql, clock });
const api = await apiOf(service, await makeApiClient(sql, clock));
const { clientId: tenantId } = api.client;
const many = isFull ? 10_000_000 : 100_000;
const limit = 20;

const [account] = await makeBook(sql, { tenantId, instruments: [], accounts: [{ positions: [] }] });
assert.ok(account);
// One liquidation a second; one of a hundred was cancelled, and one of a thousand is open.
await sql`
  insert into unwind.accounts (tenant_id, account_id, user_id, status, currency, created_at, updated_at)
  select
    ${tenantId}, unwind.first_id_at(${clock.now()}::timestamptz + n * interval '1 day'),
    ${account.userId}, 'ACTIVE', 'EUR', ${clock.now()}, ${clock.now()}
  from generate_series(1, ${many}::integer / 100) as n`;
await sql`
  insert into unwind.liquidations (
    tenant_id, liquidation_id, account_id, user_id, sequence, status, cash_amount, event_count,
    release_at, released_at, advance_at, ended_at, end_reason, created_at, updated_at
  )
  select
    ${tenantId}, unwind.first_id_at(c.at),
    unwind.first_id_at(${clock.now()}::timestamptz + ((n.n - 1) / 100 + 1) * interval '1 day'),
    ${account.userId}, (n.n - 1) % 100 + 1, c.status, 0, 1, c.at, c.at,
    case when c.status = 'PROCESSING' then c.at end,
    case when c.status <> 'PROCESSING' then c.at end,
    case c.status when 'FILLED' then 'flat' when 'CANCELLED' then 'rejected' end,
    c.at, c.at
  from generate_series(1, ${many}::integer) as n
  cross join lateral (
    select
      ${clock.now()}::timestamptz + n.n * interval '1 second' as at,
      case
        when n.n % 1000 = 1 then 'PROCESSING'
        when n.n % 100 = 50 then 'CANCELLED'
        else 'FILLED'
      end as status
  ) c`;
await sql`vacuum analyze unwind.liquidations, unwind.accounts`;

interface Plan {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly Plan[];
}

/** What reads liquidations: in which index, and how many rows it looked at. */
function scansOf(plan: Plan): readonly { index: string; rows: number }[] {
  const inside = (plan.Plans ?? []).flatMap(scansOf);
  if (plan['Relation Name'] !== 'liquidations') return inside;
  const looked = plan['Actual Rows'] + (plan['Rows Removed by Filter'] ?? 0);
  const rows = looked * plan['Actual Loops'];
  return [{ index: plan['Index Name'] ?? plan['Node Type'], rows }, ...inside];
}

async function look(query: string) {
  const target = `/liquidations?limit=${limit}${query}`;
  await api.call('GET', target);
  const { result, statements } = await sentDuring(() => api.call('GET', target));
  assertSuccess(result, 200);
  const [choosing] = statements.filter(({ text }) => {
    return text.includes('unwind.liquidations') && !text.includes('recursive');
  });
  assert.ok(choosing, 'one statement chooses the keys');
  const rows = await sql<{ 'QUERY PLAN': readonly { Plan: Plan }[] }[]>`
    explain (analyze, format json) ${raw(withValues(choosing))}`;
  const plan = rows[0]?.['QUERY PLAN'][0]?.Plan ?? assert.fail();
  const { data, meta } = result.json as unknown as { data: object[]; meta: { next: string } };
  return { data, meta, scans: scansOf(plan) };
}

const old = '2026-01-05T12:00:00Z';

const pages: readonly (readonly [query: string, index: string])[] = [
  ['', 'liquidations_pkey'],
  [`&created_before=${old}`, 'liquidations_pkey'],
  ['&status=CANCELLED', 'liquidations_by_status'],
  ['&status=PROCESSING', 'liquidations_by_status'],
  ['&status=NEW', 'liquidations_'],
  ['&status=FILLED', 'liquidations_'],
  [`&account_id=${account.accountId}`, 'liquidations_of_account'],
];

for (const [query, index] of pages) {
  test(`a page is taken by ${index}: ${query}`, async () => {
    const { scans } = await look(query);
    for (const scan of scans) {
      assert.ok(scan.index.startsWith(index), scan.index);
      assert.ok(scan.rows <= limit + 3, `${scan.rows} rows`);
    }
    assert.equal(scans.length, 1);
  });
}

test('far behind the first page the next one costs the same', async () => {
  const { meta } = await look(`&created_before=${old}`);
  const { data, scans } = await look(`&cursor=${meta.next}`);
  assert.equal(data.length, limit);
  assert.deepEqual(scans, [{ index: 'liquidations_pkey', rows: limit + 1 }]);
});

test('reasons are computed for the open ones alone', async () => {
  const { data, meta, scans } = await look('&waiting=due');
  assert.equal(data.length, limit);
  assert.ok(meta.next);
  const read = scans.reduce((sum, { rows }) => sum + rows, 0);
  const open = Math.min(many / 1_000, 2_000);
  assert.ok(read <= 3 * open, `${read} rows for ${open} open liquidations`);
  assert.ok(scans.every(({ index }) => /^liquidations_(by_status|pkey)$/.test(index)));
});
