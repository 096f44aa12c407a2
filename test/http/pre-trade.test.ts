// Pre-trade controls over HTTP: set, read, stopped orders listed and released; what is refused, and what of others
// is seen.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import { noLimits } from '../../src/controls/control.ts';
import { replaceControls } from '../../src/controls/controls-store.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { everyTenant } from '../../src/halts/halt.ts';
import { holdOffHalts } from '../../src/halts/halts-store.ts';
import { newId } from '../../src/ids.ts';
import { testClock } from '../support/clock.ts';
import { eventually } from '../support/condition.ts';
import { createTestDatabase } from '../support/database.ts';
import { makeApiClient, startHttp } from '../support/http.ts';
import { apiOf, keyOf, stopOrder } from './api.ts';
import { assertProblem, assertSuccess } from './expect.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
const service = await startHttp({ after }, { sql, clock, releaseDelayMs: 0 });
const by = { reason: 'Limits of 2026', person: 'A. Risk' };

async function begin() {
  const client = await makeApiClient(sql, clock);
  const api = await apiOf(service, client);
  const set = (json: object, key: string = randomUUID()) => {
    return api.call('POST', '/controls', { json, headers: keyOf(key) });
  };
  const release = (id: unknown, json: object = { reason: 'Agreed', person: 'B. Desk' }) => {
    const content = { json, headers: keyOf(randomUUID()) };
    return api.call('POST', `/controls/stopped/${id}/release`, content);
  };
  return { client, api, set, release };
}

test('controls replace each other as a whole, once for each key, and are shown', async () => {
  const { api, set } = await begin();
  const none = await api.call('GET', '/controls');
  assert.deepEqual(none.json, { own: null, across_clients: null });
  const key = randomUUID();
  const limits = {
    order_value_max: '250000.5',
    price_age_max_s: 900,
    rejections: { max: 10, window_s: 60 },
  };
  const made = await set({ ...limits, ...by }, key);
  assertSuccess(made, 200);
  const { id, ...rest } = made.json;
  assert.deepEqual(rest, { ...limits, ...by, set_at: clock.now().toISOString() });
  const again = await set({ ...limits, ...by }, key);
  assert.deepEqual([again.text, again.headers['idempotency-replayed']], [made.text, 'true']);
  clock.advance(1_000);
  const next = await set({ day_value_max: '1000', replaces: id, ...by });
  const shown = await api.call('GET', '/controls');
  assert.deepEqual(shown.json, { own: next.json, across_clients: null });
  const kept = await sql`
    select from unwind.controls c where c.controls_id = ${String(id)} and c.replaced_at is not null`;
  assert.equal(kept.count, 1, 'what was in force is kept');
});

test('of two persons who change the same controls one is refused, with who has set the others', async () => {
  const { api, set } = await begin();
  const ofOne = { reason: 'Limits of 2026', person: 'A. Risk' };
  const ofOther = { reason: 'Limits of 2026', person: 'B. Desk' };
  const none = randomUUID();
  assertProblem(await set({ replaces: none, ...ofOne }), 'conflict', /^No controls of this client/);
  assertProblem(await set({ replaces: 'one', ...ofOne }), 'bad_request', /replaces/);
  const firsts = await Promise.all([
    set({ order_value_max: '5', ...ofOne }),
    set({ order_value_max: '5', ...ofOther }),
  ]);
  assert.deepEqual(firsts.map(({ status }) => status).toSorted(), [200, 409], 'where none were');
  const first = firsts.find(({ status }) => status === 200);
  const replaces = first?.json['id'];
  const both = await Promise.all([
    set({ order_value_max: '5', day_value_max: '50', replaces, ...ofOne }),
    set({ order_value_max: '7', replaces, ...ofOther }),
  ]);
  const [set200, refused] = both.toSorted((a, b) => a.status - b.status);
  assert.ok(set200 && refused);
  assertSuccess(set200, 200);
  const { id, person } = set200.json;
  assertProblem(refused, 'conflict', new RegExp(`: ${id}, set .* by ${person}\\. Look at them`));
  assertProblem(
    await set({ order_value_max: '9', ...ofOne }),
    'conflict',
    /send their id as replaces/,
  );
  assert.deepEqual((await api.call('GET', '/controls')).json['own'], set200.json);
});

test('what the operator has set across clients is shown to each', async () => {
  const { api } = await begin();
  const controlsId = newId<'controls'>();
  const controls = { ...noLimits, priceAgeMaxS: 60, tenantId: everyTenant, controlsId, ...by };
  await inTransaction(sql, (tx) => replaceControls(tx, { ...controls, setAt: clock.now() }));
  const { own, across_clients: ofAll } = (await api.call('GET', '/controls')).json;
  assert.equal(own, null);
  assert.equal((ofAll as { price_age_max_s: number }).price_age_max_s, 60);
  await sql`delete from unwind.controls c where c.tenant_id = ${everyTenant}`;
});

test('controls that are none are refused, each with what is wrong', async () => {
  const { set } = await begin();
  const many = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`m${i}`, 1]));
  const wrong: readonly [object, RegExp][] = [
    [{ order_value_max: '0' }, /order_value_max/],
    [{ order_value_max: '-1' }, /order_value_max/],
    [{ order_value_max: 5 }, /order_value_max/],
    [{ order_quantity_max: '1e5' }, /order_quantity_max/],
    [{ day_value_max: '1.0000000000001' }, /day_value_max/],
    [{ price_collar_percent: 'five' }, /price_collar_percent/],
    [{ price_age_max_s: 0 }, /price_age_max_s/],
    [{ price_age_max_s: 1.5 }, /price_age_max_s/],
    [{ rejections: { max: 0, window_s: 60 } }, /rejections/],
    [{ rejections: { max: 5 } }, /rejections/],
    [{ unheard_of: '1' }, /unheard_of/],
    [many(7), /: \(root\) has unknown members \(m0, m1, m2, m3, m4, m5, m6\)\.$/],
    [many(9), /: \(root\) has unknown members \(m0, m1, m2, m3, m4, m5, m6, m7, …\)\.$/],
    [
      { rejections: { max: 1, window_s: 1, ...many(9) } },
      /: \/rejections has unknown members \(m0, m1, .*, …\)\.$/,
    ],
    [{ 'a/b~': 1, ...many(8) }, /a\/b~/],
    [{ reason: '' }, /reason/],
    [{ person: 'A\u202eB' }, /person/],
  ];
  for (const [part, what] of wrong) {
    assertProblem(await set({ ...by, ...part }), 'bad_request', what);
  }
  assertProblem(await set({ order_value_max: '5' }), 'bad_request', /reason|person/);
});

test('controls that a claim may not have read are in force, and not acknowledged before it ends', async () => {
  const { api, set } = await begin();
  const gate = Promise.withResolvers<void>();
  const claimed = Promise.withResolvers<void>();
  const claiming = inTransaction(sql, async (tx) => {
    await holdOffHalts(tx);
    claimed.resolve();
    await gate.promise;
  });
  await claimed.promise;
  let isAnswered = false;
  const setting = set({ order_value_max: '5', ...by }).finally(() => {
    isAnswered = true;
  });
  const isShown = async () => (await api.call('GET', '/controls')).json['own'] !== null;
  await eventually('they are in force', isShown);
  assert.equal(isAnswered, false);
  gate.resolve();
  await claiming;
  assertSuccess(await setting, 200);
});

test('a stopped order is listed, and released once, by a person with a reason', async () => {
  const { client, api, release } = await begin();
  const first = await stopOrder(sql, clock, client);
  const second = await stopOrder(sql, clock, client);
  const list = async (query = '') => (await api.call('GET', `/controls/stopped${query}`)).json;
  const { data } = (await list()) as { data: readonly Record<string, unknown>[] };
  assert.deepEqual(
    data.map(({ id }) => id),
    [second, first],
  );
  const { id: _, order_id, account_id, account_liquidation_id, ...shown } = data[1] ?? {};
  assert.ok(order_id && account_id && account_liquidation_id);
  assert.deepEqual(shown, {
    isin: 'FR0000120271',
    venue: 'XSIM',
    quantity: '2',
    control: 'order_value',
    detail: 'EUR 20, at most EUR 1',
    stopped_at: clock.now().toISOString(),
  });
  const page = (await list('?limit=1')) as { meta: { next: string } };
  const rest = (await list(`?limit=1&cursor=${page.meta.next}`)) as { data: { id: string }[] };
  assert.deepEqual(
    rest.data.map(({ id }) => id),
    [first],
  );
  assertProblem(await release(first, { reason: 'Agreed' }), 'bad_request', /person/);
  assertProblem(await release(first, { reason: 'Agreed', person: '' }), 'bad_request', /person/);
  const released = await release(first);
  assertSuccess(released, 200);
  assert.equal(released.json['released_by'], 'B. Desk');
  assertProblem(await release(first), 'conflict', /not stopped by this control/);
  assertProblem(await release(randomUUID()), 'not_found', /no such stopped order/);
  assertProblem(await release('this'), 'not_found', /./);
  const other = await begin();
  assertProblem(await other.release(second), 'not_found', /no such stopped order/);
  assert.deepEqual(
    ((await other.api.call('GET', '/controls/stopped')).json as { data: [] }).data,
    [],
  );
});
