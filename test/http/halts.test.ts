// Halts over HTTP: set, dry run, looked at, lifted; what is refused, and what of others is seen.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import { inTransaction } from '../../src/db/transaction.ts';
import { everyTenant } from '../../src/halts/halt.ts';
import { holdOffHalts, insertHalt } from '../../src/halts/halts-store.ts';
import { newId } from '../../src/ids.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { makeApiClient, send, startHttp } from '../support/http.ts';
import { untilLocked } from '../support/locks.ts';
import { apiOf, giveAccounts, keyOf, liquidate } from './api.ts';
import { assertProblem, assertSuccess } from './expect.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
// A halt that claims hold up is answered after five seconds: on a slow machine the usual ten may be over first.
const timeouts = { deadlineMs: 60_000 };
const service = await startHttp({ after }, { sql, clock, releaseDelayMs: 0, timeouts });
const by = { reason: 'Prices are wrong', person: 'A. Risk' };

async function begin() {
  const client = await makeApiClient(sql, clock);
  const api = await apiOf(service, client);
  const [account] = await giveAccounts(sql, client);
  const set = (json: object, key: string = randomUUID()) => {
    return api.call('POST', '/halts', { json, headers: keyOf(key) });
  };
  const lift = (id: unknown, json: object = { reason: 'All is well', person: 'B. Desk' }) => {
    return api.call('POST', `/halts/${id}/lift`, { json, headers: keyOf(randomUUID()) });
  };
  return { client, api, account, set, lift };
}

test('a halt is set once for each key, looked at, listed and lifted', async () => {
  const { api, account, set, lift } = await begin();
  await liquidate(api, account);
  const key = randomUUID();
  const made = await set({ scope: 'tenant', ...by }, key);
  assertSuccess(made, 201);
  const { id, set_at: setAt, ...rest } = made.json;
  assert.deepEqual(rest, { scope: 'tenant', across_clients: false, strength: 'release', ...by });
  assert.equal(setAt, clock.now().toISOString());
  const again = await set({ scope: 'tenant', ...by }, key);
  assert.deepEqual([again.status, again.text], [201, made.text]);
  assert.equal(again.headers['idempotency-replayed'], 'true');
  const { json } = await api.call('GET', `/halts/${id}`);
  assert.deepEqual(json, {
    ...made.json,
    effect: { liquidations: 1, positions: 1, orders: 0, orders_at_venue: 0 },
  });
  const second = await set({ scope: 'account', account_id: account.accountId, ...by });
  const list = async (query = '') => {
    const { data } = (await api.call('GET', `/halts${query}`)).json as { data: { id: string }[] };
    return data.map((halt) => halt.id);
  };
  assert.deepEqual(await list(), [second.json['id'], id]);
  const first = await api.call('GET', '/halts?limit=1');
  const { next } = first.json['meta'] as { next: string };
  assert.deepEqual(await list(`?limit=1&cursor=${next}`), [id]);
  const lifted = await lift(id);
  assertSuccess(lifted, 200);
  assert.equal(lifted.json['lifted_by'], 'B. Desk');
  assertProblem(await lift(id), 'conflict', 'The halt was lifted before.');
  assert.deepEqual(await list('?in_force=true'), [second.json['id']]);
  assert.deepEqual(await list('?in_force=false'), [id]);
});

test('a lift that is repeated while it is under way gets the answer of the first', async () => {
  const { api, set } = await begin();
  const { id } = (await set({ scope: 'tenant', ...by })).json;
  const json = { reason: 'All is well', person: 'B. Desk' };
  const content = { json, headers: keyOf(randomUUID()) };
  const signed = await Promise.all(
    [1, 2, 3].map(() => api.signed('POST', `/halts/${id}/lift`, content)),
  );
  const replies = await inTransaction(sql, async (tx) => {
    await tx`select from unwind.halts h where h.halt_id = ${String(id)} for update`;
    const asked = signed.map((message) => send(service, message));
    await untilLocked('all of them wait for the halt', sql, signed.length);
    return { asked };
  });
  const answers = await Promise.all(replies.asked);
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200, 200],
  );
  assert.equal(new Set(answers.map(({ text }) => text)).size, 1, 'byte for byte');
});

test('a dry run says what would be stopped, and stops nothing', async () => {
  const { api, account, set } = await begin();
  await liquidate(api, account);
  const dry = await set({ scope: 'tenant', dry_run: true, ...by });
  assertSuccess(dry, 200);
  const effect = { liquidations: 1, positions: 1, orders: 0, orders_at_venue: 0 };
  assert.deepEqual(dry.json, { scope: 'tenant', effect });
  const { data } = (await api.call('GET', '/halts')).json as { data: object[] };
  assert.deepEqual(data, []);
});

test('what a halt needs is asked for, and what it names has to be there', async () => {
  const { account, set, lift } = await begin();
  const wrong: readonly [object, string, RegExp][] = [
    [by, 'bad_request', /scope/],
    [{ scope: 'everything', ...by }, 'bad_request', /\/scope/],
    [{ scope: 'tenant', person: 'A' }, 'bad_request', /reason/],
    [{ scope: 'tenant', reason: 'x' }, 'bad_request', /person/],
    [{ scope: 'tenant', reason: '', person: 'A' }, 'bad_request', /\/reason/],
    [{ scope: 'tenant', reason: 'x\u001b[2J', person: 'A' }, 'bad_request', /\/reason/],
    [
      { scope: 'tenant', reason: 'x\u202ey', person: 'A' },
      'bad_request',
      /\/reason has characters/,
    ],
    [{ scope: 'tenant', strength: 'all', ...by }, 'bad_request', /\/strength/],
    [
      { scope: 'tenant', ...by, person: 'control rejections' },
      'bad_request',
      /the service itself acts/,
    ],
    [
      { scope: 'tenant', ...by, person: ' Control  four_eyes' },
      'bad_request',
      /the service itself acts/,
    ],
    [{ scope: 'tenant', ...by, person: 'control\u200d rejections' }, 'bad_request', /itself acts/],
    [{ scope: 'account', ...by }, 'bad_request', /scope account needs account_id/],
    [{ scope: 'instrument', ...by }, 'bad_request', /needs isin/],
    [{ scope: 'venue', ...by }, 'bad_request', /needs venue/],
    [{ scope: 'tenant', venue: 'XETR', ...by }, 'bad_request', /takes no venue/],
    [{ scope: 'account', account_id: account.userId, ...by }, 'not_found', /no such account/],
    [{ scope: 'instrument', isin: 'US0378331005', ...by }, 'not_found', /no such instrument/],
    [{ scope: 'venue', venue: 'XETR', ...by }, 'not_found', /no such venue: .* trades at XSIM\.$/],
  ];
  for (const [json, code, detail] of wrong) assertProblem(await set(json), code, detail);
  assertProblem(await lift(randomUUID()), 'not_found', 'There is no such halt.');
  const { json } = await set({ scope: 'venue', venue: 'XSIM', ...by });
  assertProblem(await lift(json['id'], { reason: 'no person' }), 'bad_request', /person/);
});

test('a halt of the operator across clients is seen by each, and lifted by none of them', async () => {
  const { api, account, lift } = await begin();
  const other = await begin();
  await liquidate(other.api, other.account);
  await liquidate(api, account);
  const haltId = newId<'halt'>();
  const none = { accountId: undefined, isin: undefined, venue: undefined, lift: undefined };
  const halt = { tenantId: everyTenant, haltId, strength: 'release', ...by, ...none } as const;
  await inTransaction(sql, (tx) => insertHalt(tx, { ...halt, setAt: clock.now() }));
  const { json } = await api.call('GET', `/halts/${haltId}`);
  assert.deepEqual([json['scope'], json['across_clients']], ['everything', true]);
  const own = { liquidations: 1, positions: 1, orders: 0, orders_at_venue: 0 };
  assert.deepEqual(json['effect'], own, 'of this client alone');
  assertProblem(await lift(haltId), 'conflict', /operator/);
});

test('a halt that claims hold up is in force, and asked for again under its key it is acknowledged', async () => {
  const { api, set } = await begin();
  const gate = Promise.withResolvers<void>();
  const claimed = Promise.withResolvers<void>();
  const claiming = inTransaction(sql, async (tx) => {
    await holdOffHalts(tx);
    claimed.resolve();
    await gate.promise;
  });
  await claimed.promise;
  const key = randomUUID();
  const first = await set({ scope: 'tenant', ...by }, key);
  assertProblem(first, 'service_unavailable', /in force, but .* same idempotency key/);
  assert.equal(first.headers['retry-after'], '1');
  const { data } = (await api.call('GET', '/halts?in_force=true')).json as {
    data: { id: string; across_clients: boolean }[];
  };
  const [own, ...more] = data.filter((halt) => !halt.across_clients);
  assert.deepEqual(more, []);
  gate.resolve();
  await claiming;
  const again = await set({ scope: 'tenant', ...by }, key);
  assertSuccess(again, 201);
  assert.equal(again.json['id'], own?.id);
});
