// The course of a connection: several requests on it, requests that come slowly or not to their end,
// and a service that closes meanwhile.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { testClock } from '../support/clock.ts';
import { eventually } from '../support/condition.ts';
import { createTestDatabase } from '../support/database.ts';
import { makeApiClient, type Outgoing, startHttp } from '../support/http.ts';
import { apiOf, giveAccounts, toLiquidate } from './api.ts';
import { assertProblem, assertSuccess, tablesOf } from './expect.ts';
import { bytesOf, openWire } from './wire.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
const service = await startHttp({ after }, { sql, clock });
const timeouts = { headersMs: 200, requestMs: 400, checkMs: 20 };
const hurried = await startHttp({ after }, { sql, clock, timeouts });
const client = await makeApiClient(sql, clock);
const api = await apiOf(service, client);

const notHttp = 'The request is not well-formed HTTP/1.1.';
const host = 'host: api.example.test\r\n';

async function newOrder(): Promise<Outgoing> {
  const [account] = await giveAccounts(sql, client);
  const { target, content } = toLiquidate(account);
  return api.signed('POST', target, content);
}

test('pipelined requests are answered in their order', async (t) => {
  const order = await newOrder();
  const [list, keys] = [
    await api.signed('GET', '/webhooks'),
    await api.signed('GET', '/auth/verify_keys'),
  ];
  const wire = await openWire(t, service);
  wire.write(Buffer.concat([list, order, keys, list].map(bytesOf)));
  const first = await wire.answer();
  assertSuccess(await wire.answer(), 202);
  assert.ok('keys' in (await wire.answer()).json);
  // Both are verified at the same time: whichever is through first is the one that counts.
  const both = [first, await wire.answer()];
  const refused = both.find((answer) => answer.status !== 200);
  assert.ok(both.some((answer) => 'data' in answer.json));
  assert.ok(refused !== undefined);
  assertProblem(refused, 'unauthorized', /used before/);
});

test('an order with rubbish behind it is never answered that it was refused', async (t) => {
  for (let times = 0; times < 10; times += 1) {
    const order = await newOrder();
    const wire = await openWire(t, service);
    const finished = service.finished.length;
    wire.write(Buffer.concat([bytesOf(order), Buffer.from('rubbish\r\n\r\n')]));
    // Cut off, its sender does not know and has to ask: the order may well be carried out.
    const text = await wire.rest();
    assert.ok(text === '' || text.startsWith('HTTP/1.1 202 '), text);
    await eventually('the order is finished', () => service.finished.length > finished);
  }
});

test('rubbish behind an answer is answered and ends the connection', async (t) => {
  const wire = await openWire(t, service);
  wire.write(bytesOf(await api.signed('GET', '/webhooks')));
  assertSuccess(await wire.answer(), 200);
  wire.write('rubbish\r\n\r\n');
  assertProblem(await wire.answer(), 'bad_request', notHttp);
  assert.equal(await wire.rest(), '');
});

test('who is slow is cut off', async (t) => {
  const order = await newOrder();
  const bytes = bytesOf(order);
  const before = await tablesOf(sql);
  const late = 'The request did not arrive in time.';
  for (const sent of [10, bytes.length - order.body.length - 1, bytes.length - 1]) {
    const wire = await openWire(t, hurried);
    wire.write(bytes.subarray(0, sent));
    assertProblem(await wire.answer(), 'bad_request', late);
    assert.equal(await wire.rest(), '');
  }
  assert.deepEqual(await tablesOf(sql), before);
});

test('who says nothing is cut off without a word, which could be taken for the answer to what comes', async (t) => {
  const finished = hurried.finished.length;
  const wire = await openWire(t, hurried);
  assert.equal(await wire.rest(), '');
  assert.equal(hurried.finished.length, finished);
});

test('who goes away in the middle of a request leaves nothing behind', async (t) => {
  const bytes = bytesOf(await newOrder());
  const before = await tablesOf(sql);
  const finished = service.finished.length;
  for (const sent of [bytes.length - 1, 40]) {
    const wire = await openWire(t, service);
    wire.write(bytes.subarray(0, sent));
    wire.socket.resetAndDestroy();
  }
  const wire = await openWire(t, service);
  wire.write(bytes.subarray(0, -1));
  wire.socket.end();
  await wire.rest();
  assert.ok(service.finished.length <= finished + 3);
  assert.deepEqual(await tablesOf(sql), before);
});

test('what is under way when the service closes is answered', async (t) => {
  // Who has not sent a whole request is left so long for it.
  const closing = await startHttp(t, { sql, clock, timeouts: { checkMs: 60_000 } });
  const bytes = bytesOf(await newOrder());
  const wire = await openWire(t, closing);
  const idle = await openWire(t, closing);
  idle.write(`GET /nowhere HTTP/1.1\r\n${host}\r\n`);
  assertProblem(await idle.answer(), 'not_found', 'There is no such resource.');
  wire.write(bytes.subarray(0, -1));
  const over = closing.close();
  assert.equal(await idle.rest(), '');
  wire.write(bytes.subarray(-1));
  const reply = await wire.answer();
  assertSuccess(reply, 202);
  await over;
  assert.equal(await wire.rest(), '');
});
