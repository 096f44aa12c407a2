// What people see and steer, through the published client.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import { ApiError, Client, LogGapError } from '@unwind/client';
import { later } from '../../src/clock.ts';
import { newId } from '../../src/ids.ts';
import { eventsOfLiquidation, publishAll, writeEvents } from '../deliveries/subscriptions.ts';
import { apiOf, giveAccounts, liquidate, park, sell, stopOrder } from '../http/api.ts';
import { testClock } from '../support/clock.ts';
import { eventually } from '../support/condition.ts';
import { createTestDatabase } from '../support/database.ts';
import { makeApiClient, startHttp } from '../support/http.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
const service = await startHttp({ after }, { sql, clock });
const registered = await makeApiClient(sql, clock);
const { clientId, clientSecret, keyId, key, scopes } = registered;
const baseUrl = `http://127.0.0.1:${service.port}`;
const who = { clientId, clientSecret, keyId, privateKey: key.privateKey, scopes };
const client = new Client({ baseUrl, ...who, now: clock.now });
const api = await apiOf(service, registered);

test('all liquidations are gone through by cursor, and one has its story', async () => {
  const accounts = await giveAccounts(sql, registered, [{}, {}, {}]);
  const asked: string[] = [];
  for (const account of accounts) {
    asked.unshift((await liquidate(api, account)).split('/').at(-1) ?? '');
  }
  const listing = client.control.liquidations.list({ limit: 2, status: 'NEW' });
  const { data, meta } = await listing.page();
  assert.deepEqual([data.length, meta.has_more], [2, true]);
  const all = await listing.all();
  assert.deepEqual(
    all.map(({ id }) => id),
    asked,
  );
  assert.equal(all[0]?.progress.orders, 0);
  assert.equal(all[0]?.waiting[0]?.reason, 'due');
  const stuck = await client.control.liquidations.list({ stuck: true }).all();
  assert.equal(stuck.length, 3, 'nothing works here, and their hour is long past');
  const story = await client.control.liquidations.story(asked[0] ?? '');
  assert.equal(story.liquidation.id, asked[0]);
  assert.equal(story.timeline[0]?.type, 'ACCOUNT_LIQUIDATION.NEW');
  const missing = client.control.liquidations.story(accounts[0].accountId);
  await assert.rejects(missing, (error) => error instanceof ApiError && error.status === 404);
});

test('a preview says what would be sold, and why a liquidation would be refused', async () => {
  const [account] = await giveAccounts(sql, registered);
  const { preview } = client.control.liquidations;
  const seen = await preview(account.accountId);
  assert.deepEqual([seen.outcome, seen.refusal, seen.totals.value], ['sell', undefined, '2083.50']);
  assert.deepEqual([seen.positions[0]?.sells, seen.positions[0]?.venue], ['10', 'XSIM']);
  const id = (await liquidate(api, account)).split('/').at(-1);
  assert.equal((await preview(account.accountId)).refusal?.running_id, id);
  await api.call('DELETE', `/accounts/${account.accountId}/liquidations/${id}`);
  const missing = preview(newId<'account'>());
  await assert.rejects(missing, (error) => error instanceof ApiError && error.status === 404);
});

test('a liquidation is scheduled once for each key, and cancelled until then', async () => {
  const [{ accountId, userId }] = await giveAccounts(sql, registered);
  const { schedule, story } = client.control.liquidations;
  const at = later(clock.now(), 86_400_000).toISOString();
  const wish = { account_id: accountId, user_id: userId, release: { at }, reason: 'Moving out' };
  const idempotencyKey = randomUUID();
  const first = await schedule(wish, { idempotencyKey });
  assert.deepEqual(await schedule(wish, { idempotencyKey }), first);
  assert.deepEqual(first.release, { at, reason: 'Moving out' });
  assert.equal((await story(first.id)).schedule?.at, at);
  await client.liquidations.cancel(accountId, first.id);
});

test('what has ended has a signed statement', async () => {
  const [account] = await giveAccounts(sql, registered);
  const { liquidationId } = await sell(sql, clock, account);
  const { payload } = await client.control.liquidations.statement(liquidationId);
  const { totals } = JSON.parse(Buffer.from(payload, 'base64url').toString());
  assert.equal(totals.proceeds, '2083.50');
  const none = client.control.liquidations.statement(liquidationId, { part: 2 });
  await assert.rejects(none, (error) => error instanceof ApiError && error.status === 404);
});

test('what waits for a person is listed, resumed and closed, by the client whose it is', async () => {
  const { parked } = client.control;
  const stuck = await park(sql, api);
  const correction = await park(sql, api, 'correction');
  const foreign = await park(sql, { client: await makeApiClient(sql, clock), clock });
  assert.deepEqual(
    (await parked.list().all()).map(({ id, remedy }) => [id, remedy]),
    [
      [stuck, 'resume'],
      [correction, 'close'],
    ].toSorted(),
  );
  assert.equal((await parked.list({ limit: 0 }).page()).meta.total_count, 2);
  assert.equal((await client.control.overview()).parked, 2);
  const refused = async (work: Promise<unknown>, status: number) => {
    await assert.rejects(work, (error) => error instanceof ApiError && error.status === status);
  };
  await refused(parked.resume(foreign), 404);
  await refused(parked.resume(correction), 409);
  await refused(parked.resume('release/nothing'), 404);
  const closing = { reason: 'booked by hand', person: 'A. Desk' };
  await refused(parked.close({ id: stuck, ...closing }), 409);
  await refused(parked.close({ id: 'correction/nothing', ...closing }), 404);
  await refused(parked.close({ id: correction, reason: 'x', person: 'a\u202eb' }), 400);
  assert.deepEqual(await parked.resume(stuck), [stuck]);
  await parked.close({ id: correction, ...closing });
  assert.deepEqual(await parked.list().all(), []);
  const left = await sql`select from unwind_v1.parked p where p.parked_id = ${foreign}`;
  assert.equal(left.count, 1, 'what is parked of another stays');
});

test('what an id names is found', async () => {
  const [account] = await giveAccounts(sql, registered);
  const found = await client.control.find(account.accountId);
  assert.deepEqual(
    found.map(({ kind, id }) => [kind, id]),
    [['account', account.accountId]],
  );
  const json = { accounts: [{ account_id: randomUUID() }], reason: 'x', person: 'y' };
  const headers = { 'idempotency-key': randomUUID() };
  const { json: batch } = await api.call('POST', '/batches', { json, headers });
  assert.deepEqual(await client.control.find(String(batch['id'])), [
    { kind: 'batch', id: batch['id'] },
  ]);
  assert.deepEqual(await client.control.find('nothing-of-the-kind'), []);
});

test('a halt is set, looked at and lifted, and says before what it would stop', async () => {
  const { halts } = client.control;
  const by = { reason: 'prices are wrong', person: 'A. Risk' };
  const effect = await halts.wouldStop({ scope: 'tenant', ...by });
  assert.deepEqual(effect, { liquidations: 3, positions: 3, orders: 0, orders_at_venue: 0 });
  const halt = await halts.set({ scope: 'tenant', ...by });
  assert.deepEqual((await halts.retrieve(halt.id)).effect, effect);
  assert.deepEqual(await halts.list({ in_force: true }).all(), [halt]);
  const lifted = await halts.lift(halt.id, { reason: 'they are right', person: 'B. Desk' });
  assert.equal('lifted_by' in lifted && lifted.lifted_by, 'B. Desk');
  assert.deepEqual(await halts.list({ in_force: true }).all(), []);
});

test('controls are set and shown, and a stopped order is listed and released', async () => {
  const { preTrade } = client.control;
  const by = { reason: 'limits of 2026', person: 'A. Risk' };
  const set = await preTrade.setControls({ order_value_max: '1000000', ...by });
  assert.deepEqual(await preTrade.controls(), { own: set, across_clients: null });
  const unseen = preTrade.setControls({ day_value_max: '1', ...by });
  await assert.rejects(unseen, (error) => error instanceof ApiError && error.status === 409);
  const id = await stopOrder(sql, clock, registered);
  const [stopped, ...others] = await preTrade.stopped().all();
  assert.deepEqual([stopped?.id, stopped?.control, others], [id, 'order_value', []]);
  const released = await preTrade.release(id, { reason: 'agreed', person: 'B. Desk' });
  assert.equal(released.released_by, 'B. Desk');
  const again = preTrade.release(id, { reason: 'agreed', person: 'B. Desk' });
  await assert.rejects(again, (error) => error instanceof ApiError && error.status === 409);
  assert.deepEqual(await preTrade.stopped().all(), []);
});

/** The platform's `fetch`; the first streams break off after so many bytes. */
function breaking(bytes: readonly number[]): { fetch: typeof fetch; opened: () => number } {
  let opened = 0;
  const cut = (body: ReadableStream<Uint8Array>, limit: number) => {
    let left = limit;
    const breaker = new TransformStream<Uint8Array, Uint8Array>({
      transform: (chunk, controller) => {
        controller.enqueue(chunk.subarray(0, left));
        left -= chunk.length;
        if (left < 0) controller.error(new TypeError('terminated'));
      },
    });
    return body.pipeThrough(breaker);
  };
  const fetchIt: typeof fetch = async (input, init) => {
    const answer = await fetch(input, init);
    if (!String(input).includes('/stream') || answer.body === null) return answer;
    const limit = bytes[opened];
    opened += 1;
    return limit === undefined ? answer : new Response(cut(answer.body, limit), answer);
  };
  return { fetch: fetchIt, opened: () => opened };
}

test('a stream goes on over connections that break, without loss or repeats', async (t) => {
  const { sql: own } = await createTestDatabase(t);
  const server = await startHttp(t, { sql: own, clock });
  const someone = await makeApiClient(own, clock);
  const { fetch: fetchIt, opened } = breaking([0, 20, 700, 1_500, 2_222]);
  const reader = new Client({
    baseUrl: `http://127.0.0.1:${server.port}`,
    clientId: someone.clientId,
    clientSecret: someone.clientSecret,
    keyId: someone.keyId,
    privateKey: someone.key.privateKey,
    scopes: someone.scopes,
    now: clock.now,
    fetch: fetchIt,
  });
  const events = Array.from({ length: 10 }, () => eventsOfLiquidation(newId<'account'>())).flat();
  await writeEvents(own, { tenantId: someone.clientId, events, at: clock.now() });
  await publishAll(own);
  const expected = (await reader.events.list().all()).map(({ id }) => id);
  const seen: string[] = [];
  const cursors: string[] = [];
  const stop = new AbortController();
  const stream = reader.stream({ after: 'e0' }, stop.signal);
  for await (const { cursor, event } of stream) {
    seen.push(event.id);
    cursors.push(cursor);
    if (seen.length === expected.length) break;
  }
  assert.deepEqual(seen, expected);
  assert.deepEqual(
    cursors,
    expected.map((_, i) => `e${i + 1}`),
  );
  assert.equal(opened(), 6);
  const ended = (async () => {
    for await (const _ of reader.stream({}, stop.signal)) assert.fail('nothing is logged');
  })();
  await eventually('the stream is open', () => server.streams.count === 1);
  stop.abort(new Error('enough'));
  await assert.rejects(ended, /enough/);
  await own`
    update unwind.event_heads h
    set dropped_to = 5
    where h.tenant_id = ${someone.clientId}`;
  const [first] = [reader.stream({ after: 'e2' }, new AbortController().signal)];
  await assert.rejects(
    async () => {
      for await (const _ of first) assert.fail('the gap comes first');
    },
    (error) => error instanceof LogGapError && error.gap.up_to === 'e5',
  );
});
