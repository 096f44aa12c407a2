// The list of all liquidations of a tenant, and the story of one: what is in them, how the list is filtered
// and goes on, and what is refused.
// Runs alone: it draws ids from the clock of the test.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { inTransaction } from '../../src/db/transaction.ts';
import { drawIdsFrom } from '../../src/ids.ts';
import { askToStop } from '../../src/liquidations/stop-store.ts';
import { setDown } from '../../src/venue/simulated/control-store.ts';
import { countTry } from '../../src/work/parked-store.ts';
import { type BookPosition, makeBook } from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { askToLiquidate, engineSteps, runUntilIdle } from '../support/engine.ts';
import { makeApiClient, startHttp } from '../support/http.ts';
import { apiOf } from './api.ts';
import { assertProblem, assertSuccess } from './expect.ts';

const { sql } = await createTestDatabase({ after });
// The views ask the clock of the database.
const clock = testClock(new Date().toISOString());
drawIdsFrom(clock);
const service = await startHttp({ after }, { sql, clock });
const [sap, allianz, resting, refused] = [
  'DE0007164600',
  'DE0008404005',
  'ZZRESTING006',
  'ZZREFUSED006',
] as const;

interface Item {
  readonly id: string;
  readonly status: string;
  readonly progress: object;
  readonly waiting: readonly { reason: string; isin?: string; positions: number }[];
}

async function world() {
  const client = await makeApiClient(sql, clock);
  const { clientId: tenantId } = client;
  const api = await apiOf(service, client);
  const instruments = [
    { isin: sap, price: '10' },
    { isin: allianz, price: '100', fractional: false },
    { isin: resting, price: '10' },
    { isin: refused, price: '10' },
  ];
  await makeBook(sql, { tenantId, instruments, accounts: [] });
  const steps = engineSteps(sql, clock, { delayMs: 0, onWarning: () => {} });
  const ask = async (positions: readonly BookPosition[], releaseDelayMs = 0) => {
    const [account] = await makeBook(sql, { tenantId, instruments: [], accounts: [{ positions }] });
    assert.ok(account);
    clock.advance(1_000);
    const id = await askToLiquidate(sql, clock, { ...account, releaseDelayMs });
    return { id, accountId: account.accountId };
  };
  const list = async (query: string) => {
    const reply = await api.call('GET', `/liquidations${query}`);
    assertSuccess(reply, 200);
    return reply.json as unknown as {
      data: readonly Item[];
      meta: { count: number; limit: number; next: string | null; has_more: boolean };
    };
  };
  const ids = async (query: string) => (await list(query)).data.map(({ id }) => id);
  return { api, tenantId, steps, ask, list, ids };
}

test('the list is of the whole tenant, newest first, with progress and reasons', async () => {
  const { api, steps, ask, list } = await world();
  const sold = await ask([{ isin: sap, quantity: '3' }]);
  const waiting = await ask([
    { isin: resting, quantity: '4' },
    { isin: sap, quantity: '2', locked: '2' },
    { isin: allianz, quantity: '0.5' },
  ]);
  await runUntilIdle(steps);
  const fresh = await ask([{ isin: sap, quantity: '1' }], 3_600_000);
  const { data, meta } = await list('');
  assert.deepEqual(meta, { count: 3, limit: 100, next: null, has_more: false });
  assert.deepEqual(
    data.map(({ id, status }) => [id, status]),
    [
      [fresh.id, 'NEW'],
      [waiting.id, 'PROCESSING'],
      [sold.id, 'FILLED'],
    ],
  );
  const path = `/accounts/${sold.accountId}/liquidations/${sold.id}`;
  const { text } = await api.call('GET', path);
  const ofSold = data.at(-1) ?? assert.fail();
  const { progress, waiting: reasons, ...published } = ofSold;
  assert.equal(JSON.stringify(published), text, 'the published object, byte for byte');
  assert.deepEqual(reasons, []);
  assert.deepEqual(progress, {
    orders: 1,
    orders_final: 1,
    quantity: '3',
    executed_quantity: '3',
    proceeds: '30.00',
  });
  const [, ofWaiting] = data;
  assert.deepEqual(
    ofWaiting?.waiting.map(({ reason, isin, positions }) => [reason, isin, positions]),
    [
      ['locked', sap, 1],
      ['fraction', allianz, 1],
      ['at_venue', resting, 1],
    ],
  );
  assert.deepEqual(
    data[0]?.waiting.map(({ reason }) => reason),
    ['release_delay'],
  );
});

test('each filter leaves what it names', async () => {
  const { tenantId, steps, ask, ids } = await world();
  const sold = await ask([{ isin: sap, quantity: '1' }]);
  await runUntilIdle(steps);
  const locked = await ask([{ isin: sap, quantity: '1', locked: '1' }]);
  await runUntilIdle(steps);
  const delayed = await ask([{ isin: sap, quantity: '1' }], 3_600_000);
  assert.deepEqual(await ids('?status=FILLED'), [sold.id]);
  assert.deepEqual(await ids('?status=CANCELLED'), []);
  assert.deepEqual(await ids('?status=NEW'), [delayed.id]);
  assert.deepEqual(await ids(`?account_id=${locked.accountId}`), [locked.id]);
  assert.deepEqual(await ids(`?account_id=${locked.accountId}&status=NEW`), []);
  assert.deepEqual(await ids('?waiting=locked'), [locked.id]);
  assert.deepEqual(await ids('?waiting=release_delay&status=NEW'), [delayed.id]);
  assert.deepEqual(await ids('?waiting=locked&status=NEW'), []);
  assert.deepEqual(await ids('?waiting=locked&status=FILLED'), []);
  assert.deepEqual(await ids('?waiting=parked'), []);
  assert.deepEqual(await ids('?stuck=true'), []);
  assert.deepEqual(await ids('?stuck=false'), [delayed.id, locked.id, sold.id]);
  clock.advance(600_000);
  assert.deepEqual(await ids('?older_than_minutes=10'), [delayed.id, locked.id, sold.id]);
  const last = await ask([{ isin: sap, quantity: '1' }], 3_600_000);
  clock.advance(60_000);
  assert.deepEqual(await ids('?older_than_minutes=10'), [delayed.id, locked.id, sold.id]);
  assert.deepEqual(await ids('?older_than_minutes=1&status=NEW'), [last.id, delayed.id]);
  const [row] = await sql<{ created_at: Date }[]>`
    select l.created_at
    from unwind.liquidations l
    where l.liquidation_id = ${locked.id}`;
  const at = row?.created_at.toISOString() ?? '';
  assert.deepEqual(await ids(`?created_before=${at}`), [sold.id], 'exclusive');
  assert.deepEqual(await ids(`?created_before=${at}&older_than_minutes=9999`), []);
  const failed = {
    tenantId,
    subject: delayed.id,
    reason: 'it broke',
    now: clock.now(),
    triesMax: 1,
  };
  await inTransaction(sql, (tx) => countTry(tx, { ...failed, step: 'release' }));
  assert.deepEqual(await ids('?stuck=true'), [delayed.id]);
  assert.deepEqual(await ids('?stuck=true&waiting=parked'), [delayed.id]);
});

test('what a service does in a moment is stuck after five minutes', async () => {
  const { steps, ask, ids } = await world();
  await inTransaction(sql, (tx) => setDown(tx, true));
  const { id } = await ask([{ isin: sap, quantity: '1' }]);
  await steps.release();
  await steps.submit();
  assert.deepEqual(await ids('?waiting=sent_unanswered'), [id]);
  assert.deepEqual(await ids('?stuck=true'), []);
  await sql`
    update unwind.submissions s
    set sent_at = now() - interval '301 seconds'
    where s.liquidation_id = ${id}`;
  assert.deepEqual(await ids('?stuck=true'), [id]);
  await inTransaction(sql, (tx) => setDown(tx, false));
});

test('pages go on by cursor, without a gap or a repeat, whatever is added meanwhile', async () => {
  const { api, ask, list } = await world();
  const asked: string[] = [];
  for (let n = 0; n < 7; n += 1) asked.unshift((await ask([], 3_600_000)).id);
  for (const filter of ['', '&status=NEW', '&waiting=release_delay']) {
    const seen: string[] = [];
    let next: string | null = null;
    do {
      const cursor: string = next === null ? '' : `&cursor=${next}`;
      const { data, meta } = await list(`?limit=3${filter}${cursor}`);
      assert.equal(meta.count, data.length);
      assert.equal(meta.has_more, meta.next !== null);
      seen.push(...data.map(({ id }) => id));
      next = meta.next;
      if (filter === '&status=NEW' && seen.length === 3) await ask([], 7_200_000);
    } while (next !== null);
    assert.deepEqual(
      seen.filter((id) => asked.includes(id)),
      asked,
      filter,
    );
    assert.equal(new Set(seen).size, seen.length);
  }
  const { headers, json } = await api.call('GET', '/liquidations?limit=3&status=NEW');
  const { next } = json['meta'] as { next: string };
  assert.equal(headers['link'], `</liquidations?limit=3&status=NEW&cursor=${next}>; rel="next"`);
});

test('a filter, a cursor or an id that is none is refused', async () => {
  const { api } = await world();
  const wrong: readonly [string, RegExp][] = [
    ['?status=DONE', /\/status/],
    ['?waiting=godot', /\/waiting/],
    ['?stuck=yes', /\/stuck must be boolean/],
    ['?older_than_minutes=-1', /\/older_than_minutes/],
    ['?older_than_minutes=1.5', /\/older_than_minutes must be integer/],
    ['?created_before=yesterday', /created_before is no RFC 3339 date or time/],
    ['?account_id=7', /\/account_id/],
    ['?cursor=e5', /\/cursor/],
    ['?limit=0', /\/limit/],
    ['?limit=1001', /\/limit/],
    ['?offset=1', /unknown members \(offset\)/],
    ['?limit=1&limit=2', /given more than once/],
  ];
  for (const [query, detail] of wrong) {
    assertProblem(await api.call('GET', `/liquidations${query}`), 'bad_request', detail);
  }
  assertProblem(await api.call('GET', '/liquidations/7'), 'not_found', /is no UUID/);
});

test('the story of one: orders, what blocks the rest, and what happened when', async () => {
  const { api, tenantId, steps, ask } = await world();
  const { id } = await ask([
    { isin: sap, quantity: '3' },
    { isin: refused, quantity: '1' },
    { isin: resting, quantity: '2' },
    { isin: allianz, quantity: '1', locked: '1' },
  ]);
  await runUntilIdle(steps);
  const note = 'the desk asked for it';
  const now = clock.now();
  await askToStop(sql, { liquidationId: id, tenantId, note, now });
  const reply = await api.call('GET', `/liquidations/${id}`);
  assertSuccess(reply, 200);
  const story = reply.json as unknown as {
    liquidation: Item;
    orders: readonly (Readonly<Record<string, unknown>> & { isin: string; status: string })[];
    positions: readonly { isin: string; reason: string }[];
    timeline: readonly (Readonly<Record<string, unknown>> & { at: string; kind: string })[];
    [name: string]: unknown;
  };
  assert.equal(story.liquidation.id, id);
  assert.equal(story.liquidation.waiting[0]?.reason, 'stopping');
  assert.deepEqual(story['stop'], { reason: 'abandoned', note, asked_at: now.toISOString() });
  assert.equal(story['ended_at'], undefined);
  assert.equal(story['rounds'], 1);
  assert.equal(story['orders_left_out'], 0);
  const orderOf = (wanted: string) => {
    return story.orders.find(({ isin }) => isin === wanted) ?? assert.fail(`an order of ${wanted}`);
  };
  assert.equal(story.orders[0]?.isin, resting, 'the open ones come first');
  assert.deepEqual(
    [sap, refused, resting].map((isin) => {
      const order = orderOf(isin);
      return [order.status, order['quantity'], order['executed_quantity'], order['proceeds']];
    }),
    [
      ['FILLED', '3', '3', '30.00'],
      ['CANCELLED', '1', '0', '0.00'],
      ['PROCESSING', '2', '0', '0.00'],
    ],
  );
  const submission = orderOf(sap)['submission'] as Record<string, unknown>;
  const [sent] = await sql<{ client_order_id: string; venue_order_id: string }[]>`
    select j.client_order_id, j.venue_order_id
    from simulated_venue.journal j
    where j.firm = ${tenantId}
      and j.isin = ${sap}`;
  assert.deepEqual(
    [submission['client_order_id'], submission['venue_order_id'], submission['outcome']],
    [sent?.client_order_id, sent?.venue_order_id, 'filled'],
  );
  assert.match(String(orderOf(refused)['cancellation_reason']), /./);
  assert.equal((orderOf(resting)['waiting'] as { reason: string }).reason, 'stopping');
  assert.deepEqual(
    story.positions.map(({ isin, reason }) => [isin, reason]),
    [
      [allianz, 'stopping'],
      [refused, 'stopping'],
      [resting, 'stopping'],
    ],
  );
  assert.equal(story['timeline_cut'], false);
  const kinds = story.timeline.map(({ kind }) => kind);
  const count = (kind: string) => kinds.filter((one) => one === kind).length;
  assert.deepEqual(
    ['event', 'order_placed', 'order_sent', 'execution', 'order_ended', 'stop_asked'].map(count),
    [2, 3, 3, count('execution'), 2, 1],
  );
  assert.ok(count('execution') >= 1);
  const times = story.timeline.map(({ at }) => at);
  assert.deepEqual(times, times.toSorted());
  const ofOrder = story.timeline.filter((entry) => entry['order_id'] === orderOf(sap)['id']);
  assert.equal(ofOrder[0]?.kind, 'order_placed');
  assert.equal(ofOrder.at(-1)?.kind, 'order_ended');
});

test('the overview shows what was before it was asked for, also to who shares it with others', async () => {
  const { api, ask } = await world();
  const read = async () => {
    const reply = await api.call('GET', '/overview');
    assertSuccess(reply, 200);
    return (reply.json as unknown as { open: { new: number } }).open.new;
  };
  for (const count of [0, 1, 2]) {
    const shared = await Promise.all([read(), read(), read()]);
    assert.deepEqual(shared, [count, count, count]);
    await ask([{ isin: sap, quantity: '1' }], 3_600_000);
  }
});
