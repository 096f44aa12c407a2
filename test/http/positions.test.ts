// `POST /tests/positions` of the sandbox: deltas by request, idempotent by key and by reference, all or
// none; what is refused, with which answer; and that live mode has no such route.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { makeApiClient, startHttp } from '../support/http.ts';
import { apiOf, giveAccounts, keyOf } from './api.ts';
import { assertProblem, assertSuccess, recordsOf } from './expect.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
const service = await startHttp({ after }, { sql, clock });
const client = await makeApiClient(sql, clock);
const api = await apiOf(service, client);
const isin = 'DE0007164600';

async function bench() {
  const [{ accountId }] = await giveAccounts(sql, client);
  const delta = (type: string, quantity: string, reference: string = randomUUID()) => {
    return { type, account_id: accountId, isin, quantity, reference };
  };
  return { accountId, delta };
}

function apply(deltas: readonly object[], key: string = randomUUID()) {
  return api.call('POST', '/tests/positions', { json: { deltas }, headers: keyOf(key) });
}

async function heldBy(accountId: string): Promise<string> {
  const [row] = await sql<{ shown: string }[]>`
    select concat(trim_scale(p.quantity), ' locked ', trim_scale(p.locked)) as shown
    from unwind.positions p
    where p.account_id = ${accountId}`;
  return row?.shown ?? '';
}

test('credits, locks and unlocks in the order given', async () => {
  const { accountId, delta } = await bench();
  const deltas = [delta('credit', '2.50'), delta('lock', '12'), delta('unlock', '0.5')];
  const reply = await apply(deltas);
  assertSuccess(reply, 200);
  assert.deepEqual(reply.json, {
    data: deltas.map((one) => ({
      ...one,
      quantity: one.quantity.replace('2.50', '2.5'),
      outcome: 'applied',
    })),
  });
  assert.equal(await heldBy(accountId), '12.5 locked 11.5');
});

test('idempotent by key: the same request gets the first answer, another one is refused', async () => {
  const { accountId, delta } = await bench();
  const key = randomUUID();
  const deltas = [delta('credit', '1')];
  const first = await apply(deltas, key);
  const again = await apply(deltas, key.toUpperCase().replaceAll('-', ''));
  assert.equal(first.headers['idempotency-replayed'], undefined);
  assert.equal(again.headers['idempotency-replayed'], 'true');
  assert.equal(again.text, first.text);
  const other = await apply([delta('credit', '1')], key);
  assertProblem(other, 'unprocessable_content', /key was used for another request/);
  assert.equal(await heldBy(accountId), '11 locked 0');
});

test('idempotent by reference: under another key the same delta changes nothing', async () => {
  const { accountId, delta } = await bench();
  const one = delta('lock', '4');
  await apply([one]);
  const again = await apply([one, delta('credit', '1')]);
  assertSuccess(again, 200);
  const { data } = again.json as { data: readonly { outcome: string }[] };
  assert.deepEqual(
    data.map(({ outcome }) => outcome),
    ['repeated', 'applied'],
  );
  assert.equal(await heldBy(accountId), '11 locked 4');
});

test('many of one key at once are applied once', async () => {
  const { accountId, delta } = await bench();
  const deltas = [delta('credit', '1')];
  const key = randomUUID();
  const replies = await Promise.all(Array.from({ length: 8 }, () => apply(deltas, key)));
  for (const reply of replies) assertSuccess(reply, 200);
  assert.equal(new Set(replies.map((reply) => reply.text)).size, 1);
  assert.equal(await heldBy(accountId), '11 locked 0');
});

test('what the book refuses: each delta is named, and nothing is applied', async () => {
  const { delta } = await bench();
  const stranger = await makeApiClient(sql, clock);
  const [theirs] = await giveAccounts(sql, stranger);
  const known = delta('credit', '1');
  await apply([known]);
  const cases: readonly (readonly [readonly object[], type: string, detail: string])[] = [
    [
      [delta('credit', '1'), { ...delta('credit', '1'), account_id: theirs.accountId }],
      'not_found',
      '/deltas/1/account_id: this client has no such account',
    ],
    [
      [{ ...delta('credit', '1'), account_id: randomUUID() }],
      'not_found',
      '/deltas/0/account_id: this client has no such account',
    ],
    [
      [{ ...delta('credit', '1'), isin: 'US0378331005' }],
      'not_found',
      '/deltas/0/isin: this client has no such instrument',
    ],
    [
      [delta('lock', '20'), delta('unlock', '1')],
      'conflict',
      '/deltas/0/quantity: only 11 is neither locked nor being sold; ' +
        '/deltas/1/quantity: only 0 is locked',
    ],
    [
      [{ ...known, quantity: '2' }],
      'unprocessable_content',
      '/deltas/0/reference: it was used for another delta',
    ],
  ];
  for (const [deltas, type, detail] of cases) {
    const before = await recordsOf(sql);
    assertProblem(await apply(deltas), type, `${detail}. Nothing was applied.`);
    assert.deepEqual(await recordsOf(sql), before);
  }
});

test('every member that is not as it must be is named', async () => {
  const { delta } = await bench();
  const right = delta('credit', '1');
  const cases: readonly (readonly [object, RegExp])[] = [
    [{ deltas: [{ ...right, type: 'debit' }] }, /\/deltas\/0\/type/],
    [{ deltas: [{ ...right, account_id: 'mine' }] }, /\/deltas\/0\/account_id/],
    [{ deltas: [{ ...right, isin: 'DE0007164601' }] }, /\/deltas\/0\/isin: .*check digit/],
    [{ deltas: [{ ...right, isin: 'SAP' }] }, /\/deltas\/0\/isin/],
    [{ deltas: [{ ...right, quantity: '0' }] }, /\/deltas\/0\/quantity: "0" is not more than 0/],
    [{ deltas: [{ ...right, quantity: '0.000' }] }, /quantity: "0.000" is not more than 0/],
    [{ deltas: [{ ...right, quantity: '-1' }] }, /quantity: "-1" is negative/],
    [{ deltas: [{ ...right, quantity: '1e3' }] }, /quantity: "1e3" is not a number/],
    [{ deltas: [{ ...right, quantity: '0.0000000000000001' }] }, /more than 15 decimals/],
    [{ deltas: [{ ...right, quantity: '1000000000000000000' }] }, /more than 18 digits/],
    [{ deltas: [{ ...right, quantity: 1 }] }, /\/deltas\/0\/quantity/],
    [{ deltas: [{ ...right, reference: '' }] }, /\/deltas\/0\/reference/],
    [{ deltas: [{ ...right, reference: 'x'.repeat(101) }] }, /\/deltas\/0\/reference/],
    [{ deltas: [{ ...right, reference: 'a\u0000b' }] }, /reference: .* control character/],
    [{ deltas: [{ ...right, note: 'x' }] }, /\/deltas\/0 has unknown members \(note\)/],
    [{ deltas: [right, { ...right, reference: undefined }] }, /\/deltas\/1/],
    [{ deltas: [] }, /\/deltas/],
    [{ deltas: right }, /\/deltas/],
    [{ delta: [right] }, /unknown members \(delta\)/],
    [{}, /deltas/],
  ];
  for (const [json, detail] of cases) {
    const before = await recordsOf(sql);
    const content = { json, headers: keyOf(randomUUID()) };
    assertProblem(await api.call('POST', '/tests/positions', content), 'bad_request', detail);
    assert.deepEqual(await recordsOf(sql), before);
  }
});

test('a key is needed, and JSON', async () => {
  const { delta } = await bench();
  const json = { deltas: [delta('credit', '1')] };
  const keyless = await api.call('POST', '/tests/positions', { json });
  assertProblem(keyless, 'bad_request', /idempotency-key is missing/);
  const headers = { ...keyOf(randomUUID()), 'content-type': 'text/plain' };
  const text = await api.call('POST', '/tests/positions', { json, headers });
  assertProblem(text, 'unsupported_media_type', /application\/json/);
});

test('live mode has no such route', async (t) => {
  const live = await startHttp(t, { sql, clock, isSandbox: false });
  assert.ok(!live.routes.some(({ path }) => path.startsWith('/tests/')));
  const there = await apiOf(live, client);
  const { delta } = await bench();
  const content = { json: { deltas: [delta('credit', '1')] }, headers: keyOf(randomUUID()) };
  const reply = await there.call('POST', '/tests/positions', content);
  assertProblem(reply, 'not_found', 'There is no such resource.');
});
