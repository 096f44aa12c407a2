// How many accounts a second a batch of 100,000 starts at full speed, from its POST to the last liquidation, beside
// accounts that are posted one by one on 16 connections; and how long a POST of a small tenant takes meanwhile.
// Nothing is released while it runs, so what is measured is the starting.

import type { Sql } from '../../src/db/connect.ts';
import type { TenantId } from '../../src/ids.ts';
import { type BenchAccount, fillBook } from '../book.ts';
import { type Figure, figure, quantile } from '../figures.ts';
import { type Answered, sendAll, sign, signAll, type ToSign } from '../load.ts';
import { type BenchClient, makeClient, type Place } from '../place.ts';
import { startService } from '../processes.ts';
import { until } from '../wait.ts';

const positionsEach = 10;
const patienceMs = 900_000;
/** Times the rate of posting. */
const goalRatio = 2;
const goalMs = 250;

export async function batch(place: Place, isTiny: boolean): Promise<readonly Figure[]> {
  const [many, posted, alone] = isTiny ? [200, 40, 10] : [100_000, 20_000, 1_000];
  const database = await place.makeDatabase();
  const { sql, url } = database;
  const large = await makeClient(sql, place.home);
  const small = await makeClient(sql, place.home);
  const crowd = await fillBook(sql, {
    tenantId: large.tenantId,
    positionsEach,
    accounts: many + posted,
  });
  const few = await fillBook(sql, { tenantId: small.tenantId, positionsEach, accounts: alone * 2 });
  const service = await startService(
    { url, home: place.home },
    { UNWIND_RELEASE_DELAY_MS: '86400000' },
  );
  const requests = await signAll(large, crowd.slice(many).map(toLiquidate));
  const oneByOne = await sendAll({ url: service.url, requests, connections: 16, status: 202 });
  const calm = await postAlone(service.url, small, few.slice(0, alone));
  const whole = await sign(large, toBatch(crowd.slice(0, many)));
  const load = { url: service.url, requests: [whole], connections: 1, status: 201 };
  const begunAt = performance.now();
  await sendAll(load);
  const answeredMs = performance.now() - begunAt;
  const [meanwhile] = await Promise.all([
    postAlone(service.url, small, few.slice(alone)),
    until('the batch is started', patienceMs, () => isStarted(sql, large.tenantId)),
  ]);
  const seconds = await secondsOf(sql, large.tenantId);
  await service.stop();
  await database.close();
  return [
    figure({
      scenario: 'batch',
      value: many / seconds,
      unit: 'accounts/s of a batch, at least',
      against: 'accounts/s posted one by one on 16 connections',
      against_value: oneByOne.perSecond,
      goal: goalRatio,
    }),
    figure({
      scenario: 'batch',
      value: quantile(meanwhile.latenciesMs, 0.99),
      unit: 'ms (p99 of POSTs of a small tenant meanwhile, at most)',
      against: 'the same with nobody else there',
      against_value: quantile(calm.latenciesMs, 0.99),
      goal: goalMs,
    }),
    figure({
      scenario: 'batch',
      value: answeredMs,
      unit: 'ms until the POST of the batch is answered, at most',
      against: 'MiB of its body',
      against_value: Buffer.byteLength(whole.body ?? '') / 1_048_576,
      goal: 5_000,
    }),
  ];
}

/** One after the other, on one connection. */
async function postAlone(
  url: string,
  client: BenchClient,
  accounts: readonly BenchAccount[],
): Promise<Answered> {
  const requests = await signAll(client, accounts.map(toLiquidate));
  return sendAll({ url, requests, connections: 1, status: 202 });
}

function toLiquidate({ accountId, userId }: BenchAccount): ToSign {
  return {
    method: 'POST',
    target: `/accounts/${accountId}/liquidations`,
    json: { user_id: userId },
  };
}

function toBatch(accounts: readonly BenchAccount[]): ToSign {
  const named = accounts.map(({ accountId: account_id, userId: user_id }) => ({
    account_id,
    user_id,
  }));
  const json = { accounts: named, reason: 'A measurement', person: 'Bench' };
  return { method: 'POST', target: '/batches', json };
}

async function isStarted(sql: Sql, tenantId: TenantId): Promise<boolean> {
  const rows = await sql<{ is_done: boolean }[]>`
    select b.started = b.accounts as is_done
    from unwind.batches b
    where b.tenant_id = ${tenantId}`;
  return rows[0]?.is_done === true;
}

/** From when the batch was made to its last account. */
async function secondsOf(sql: Sql, tenantId: TenantId): Promise<number> {
  const rows = await sql<{ seconds: number }[]>`
    select extract(epoch from max(a.decided_at) - b.created_at)::float8 as seconds
    from unwind.batches b
    join unwind.batch_accounts a on a.tenant_id = b.tenant_id and a.batch_id = b.batch_id
    where b.tenant_id = ${tenantId}
    group by b.created_at`;
  return rows[0]?.seconds ?? Number.NaN;
}
