// Headers of every response: responses of the API are neither stored nor sniffed, documents and pages may
// be kept; and what probes cost is worked out once for all who ask.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Stopwatch } from '../../src/clock.ts';
import { onceASecond } from '../../src/http/probes.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { makeApiClient, outgoing, send, startHttp } from '../support/http.ts';
import { apiOf, giveAccounts, toLiquidate } from './api.ts';
import { exchange } from './wire.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
const service = await startHttp({ after }, { sql, clock });
const client = await makeApiClient(sql, clock);
const api = await apiOf(service, client);
const [account] = await giveAccounts(sql, client);

test('responses of the API are neither stored nor sniffed, whatever their status', async (t) => {
  const { target, content } = toLiquidate(account);
  const open = (method: string, path: string) => send(service, outgoing(method, path));
  const replies = {
    200: await api.call('GET', '/webhooks'),
    202: await api.call('POST', target, content),
    204: await open('OPTIONS', '/webhooks'),
    400: await api.call('GET', '/webhooks?no=1'),
    401: await open('GET', '/webhooks'),
    404: await open('GET', '/nowhere'),
    405: await open('PUT', '/webhooks'),
    broken: await exchange(t, service, 'rubbish\r\n\r\n'),
    alive: await open('GET', '/healthz'),
    ready: await open('GET', '/readyz'),
    head: await api.call('HEAD', '/webhooks'),
  };
  for (const [what, { headers }] of Object.entries(replies)) {
    assert.equal(headers['cache-control'], 'no-store', what);
    assert.equal(headers['x-content-type-options'], 'nosniff', what);
  }
});

test('documents and pages may be kept, and are not sniffed either', async () => {
  for (const path of ['/', '/docs', '/openapi.json', '/errors', '/errors/conflict']) {
    const { headers } = await send(service, outgoing('GET', path));
    assert.match(String(headers['cache-control']), /^public, max-age=\d+$/, path);
    assert.equal(headers['x-content-type-options'], 'nosniff', path);
  }
});

test('what probes ask is worked out once a second, and once for all who ask meanwhile', async () => {
  let elapsedMs = 0;
  const stopwatch: Stopwatch = { elapsedMs: () => elapsedMs, every: () => () => {} };
  let runs = 0;
  let gate = Promise.withResolvers<void>();
  const ask = onceASecond(stopwatch, async () => {
    runs += 1;
    const run = runs;
    await gate.promise;
    if (run === 3) throw new Error('the third fails');
    return run;
  });
  const first = [ask(), ask(), ask()];
  elapsedMs = 5_000;
  const late = ask();
  gate.resolve();
  assert.deepEqual(await Promise.all([...first, late]), [1, 1, 1, 1], 'a slow one is not repeated');
  assert.equal(await ask(), 2);
  elapsedMs += 999;
  assert.equal(await ask(), 2);
  elapsedMs += 1;
  gate = Promise.withResolvers();
  const failing = [ask(), ask()];
  gate.resolve();
  const outcomes = await Promise.allSettled(failing);
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  elapsedMs += 1_000;
  assert.equal(await ask(), 4);
});
