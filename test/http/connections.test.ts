// Connections in total and by address: the longest idle one makes room, probes are answered whatever
// the others do, and responses that are not read have a bound.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { usualConnectionLimits } from '../../src/http/connections.ts';
import { newId } from '../../src/ids.ts';
import { publishAll } from '../deliveries/subscriptions.ts';
import { testClock } from '../support/clock.ts';
import { eventually } from '../support/condition.ts';
import { type AfterTest, createTestDatabase } from '../support/database.ts';
import { type HttpOptions, type HttpService, makeApiClient, startHttp } from '../support/http.ts';
import { apiOf } from './api.ts';
import { assertProblem, assertSuccess } from './expect.ts';
import { bytesOf, openWire, type Wire } from './wire.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
const client = await makeApiClient(sql, clock);

const limits = { total: 6, ofAddress: 4, unreadBytes: 1_048_576 };
const start = (t: AfterTest, options: Partial<HttpOptions> = {}) => {
  return startHttp(t, { sql, clock, connections: limits, ...options });
};

const get = (path: string) => `GET ${path} HTTP/1.1\r\nhost: api.example.test\r\n\r\n`;
/** A request whose body does not come to its end. */
const unfinished =
  'POST /webhooks HTTP/1.1\r\nhost: api.example.test\r\ncontent-length: 100\r\n\r\n{';

/** So many connections, each with a request under way. */
async function busy(t: AfterTest, service: HttpService, count: number): Promise<Wire[]> {
  const wires: Wire[] = [];
  for (let n = 0; n < count; n += 1) {
    const wire = await openWire(t, service);
    // The response says that the connection has been taken; then it is kept busy.
    wire.write(get('/healthz'));
    assert.equal((await wire.answer()).status, 200);
    wire.write(`${get('/healthz')}${unfinished}`);
    assert.equal((await wire.answer()).status, 200);
    wires.push(wire);
  }
  return wires;
}

/** So that the service does not wait for their requests when it closes. */
function endAll(wires: readonly Wire[]): void {
  for (const wire of wires) wire.socket.destroy();
}

test('the longest idle connection of an address makes room for its next', async (t) => {
  const service = await start(t);
  const wires: Wire[] = [];
  for (let n = 0; n < 4; n += 1) {
    const wire = await openWire(t, service);
    wire.write(get('/healthz'));
    assert.equal((await wire.answer()).status, 200);
    wires.push(wire);
  }
  const [first, second] = wires;
  assert.ok(first && second);
  first.write(get('/healthz'));
  assert.equal((await first.answer()).status, 200, 'now the second is idle for longest');
  const another = await openWire(t, service);
  another.write(get('/healthz'));
  assert.equal((await another.answer()).status, 200);
  assert.equal(await second.rest(), '');
  first.write(get('/healthz'));
  assert.equal((await first.answer()).status, 200);
});

test('hundreds of silent connections leave probes and requests as they are', async (t) => {
  const service = await start(t);
  const silent = await Promise.all(Array.from({ length: 300 }, () => openWire(t, service)));
  const wire = await openWire(t, service);
  wire.write(get('/readyz'));
  assert.equal((await wire.answer()).status, 200);
  const api = await apiOf(service, client);
  assertSuccess(await api.call('GET', '/webhooks'), 200);
  const ended = await Promise.all(silent.slice(0, 290).map((one) => one.rest()));
  assert.deepEqual([...new Set(ended)], ['']);
});

test('where all are busy only probes are answered, each on a connection that then ends', async (t) => {
  const service = await start(t);
  const wires = await busy(t, service, 4);
  for (let n = 0; n < 20; n += 1) {
    const probe = await openWire(t, service);
    probe.write(get(n % 2 === 0 ? '/readyz' : '/healthz'));
    const answer = await probe.answer();
    assert.equal(answer.status, 200);
    assert.equal(answer.headers['connection'], 'close');
    assert.equal(await probe.rest(), '');
  }
  const other = await openWire(t, service);
  other.write(get('/errors'));
  const refused = await other.answer();
  assertProblem(refused, 'service_unavailable', 'Too many connections are open.');
  assert.equal(refused.headers['retry-after'], '1');
  assert.equal(await other.rest(), '');
  endAll(wires);
});

test('silent connections in the places of probes make room for probes', async (t) => {
  const service = await start(t);
  const wires = await busy(t, service, 4);
  const silent = await Promise.all(Array.from({ length: 40 }, () => openWire(t, service)));
  const probe = await openWire(t, service);
  probe.write(get('/readyz'));
  assert.equal((await probe.answer()).status, 200);
  assert.equal(await silent[0]?.rest(), '');
  endAll(wires);
});

test('a proxy that is trusted has the connections of many; the total stays', async (t) => {
  const service = await start(t, { trustedProxies: ['127.0.0.0/8'] });
  const wires = await busy(t, service, 6);
  const wire = await openWire(t, service);
  wire.write(get('/errors'));
  assertProblem(await wire.answer(), 'service_unavailable', 'Too many connections are open.');
  endAll(wires);
});

test('idle connections are kept for a shorter time where many are open', async (t) => {
  const service = await start(t);
  const timeoutOf = async (wire: Wire) => {
    wire.write(get('/healthz'));
    return (await wire.answer()).headers['keep-alive'];
  };
  const first = await openWire(t, service);
  assert.equal(await timeoutOf(first), 'timeout=65');
  const proxied = await start(t, { trustedProxies: ['127.0.0.1'] });
  const wires = await busy(t, proxied, 4);
  assert.equal(await timeoutOf(await openWire(t, proxied)), 'timeout=5');
  endAll(wires);
  await eventually('it is as before', async () => {
    return (await timeoutOf(await openWire(t, proxied))) === 'timeout=65';
  });
});

test('responses that are not read are bounded: others wait until they are', async (t) => {
  const service = await start(t);
  const api = await apiOf(service, client);
  const now = clock.now();
  const orders = Array.from({ length: 5_000 }, () => {
    return { id: newId(), side: 'SELL', status: 'FILLED' };
  });
  for (let n = 1; n <= 9; n += 1) {
    const object = JSON.stringify({
      account_id: newId(),
      cash_amount: '0.00',
      created_at: now.toISOString(),
      currency: 'EUR',
      id: newId(),
      orders,
      status: 'FILLED',
      updated_at: now.toISOString(),
      user_id: newId(),
    });
    await sql`
      insert into unwind.events (
        tenant_id, event_id, account_id, liquidation_id, sequence, number, type, object, created_at
      )
      values (
        ${client.clientId}, ${newId()}, ${newId()}, ${newId()}, ${n}, 1,
        'ACCOUNT_LIQUIDATION.FILLED', ${object}, ${now}
      )`;
  }
  await publishAll(sql);
  const wire = await openWire(t, service);
  wire.socket.pause();
  const requests: Buffer[] = [];
  for (let n = 0; n < 12; n += 1) requests.push(bytesOf(await api.signed('GET', '/events')));
  // At once: most of the responses wait behind the first one when the connection ends.
  wire.write(Buffer.concat(requests));
  const ask = () => api.call('GET', '/webhooks');
  await eventually('others are refused', async () => (await ask()).status === 503);
  assertProblem(await ask(), 'service_unavailable', 'Too many responses are not read.');
  wire.socket.destroy();
  await eventually('others are answered again', async () => (await ask()).status === 200);
});

test('a service that closes does not wait for connections that say nothing', async (t) => {
  const service = await start(t, { timeouts: { checkMs: 20 } });
  const wires = [await openWire(t, service), await openWire(t, service)];
  wires[1]?.write('GET /healthz HTTP/1.1\r\n');
  await service.close();
  for (const wire of wires) assert.equal(await wire.rest(), '');
});

test('half of the descriptors of a process are for connections, half of these for one address', () => {
  const { total, ofAddress } = usualConnectionLimits();
  assert.ok(total > 0 && total <= 4_096);
  assert.equal(ofAddress, Math.ceil(total / 2));
});
