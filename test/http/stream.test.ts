// Streams of events: everything once and in order, from any place; one reading for all readers; and how a
// stream ends: token, slow reader, shutdown.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { type TestContext, test } from 'node:test';
import type { Stopwatch } from '../../src/clock.ts';
import { type EventId, newId } from '../../src/ids.ts';
import { stream as limits } from '../../src/limits.ts';
import { changeParts } from '../../src/metrics/changes-store.ts';
import { eventsOfLiquidation, publishAll, writeEvents } from '../deliveries/subscriptions.ts';
import { testClock } from '../support/clock.ts';
import { eventually } from '../support/condition.ts';
import { createTestDatabase } from '../support/database.ts';
import { makeApiClient, send, startHttp } from '../support/http.ts';
import { onlyLong } from '../support/length.ts';
import { sentDuring } from '../support/statements.ts';
import {
  type Api,
  apiOf,
  giveAccounts,
  keyOf,
  liquidate,
  park,
  revoke,
  sell,
  stopOrder,
  subscribe,
  toHalt,
} from './api.ts';
import { assertProblem } from './expect.ts';

interface Message {
  readonly id: string;
  readonly type: string;
  readonly data: string;
}

interface Stream {
  /** What came so far, but for what only tells the place. */
  readonly messages: readonly Message[];
  readonly response: IncomingMessage;
  /** Everything that came, as text. */
  text(): string;
  isOver(): boolean;
  close(): void;
}

function messageOf(block: string): Message {
  const of = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? '';
  return { id: of('id'), type: of('event') || 'message', data: of('data') };
}

async function begin(t: TestContext) {
  const { sql } = await createTestDatabase(t);
  const clock = testClock();
  let elapsedMs = 0;
  const stopwatch: Stopwatch = { elapsedMs: () => elapsedMs, every: () => () => {} };
  const service = await startHttp(t, { sql, clock, stopwatch });
  const client = await makeApiClient(sql, clock);
  const api = await apiOf(service, client);
  const { clientId: tenantId } = client;
  const log = async (count = 1, padding = '') => {
    const events = Array.from({ length: count }, () => eventsOfLiquidation(newId<'account'>()));
    await writeEvents(sql, { tenantId, events: events.flat(), at: clock.now(), padding });
    await publishAll(sql);
    const written = new Set(events.flat().map(({ eventId }) => eventId));
    const rows = await sql<{ event_id: EventId }[]>`
      select e.event_id
      from unwind.events e
      where e.tenant_id = ${tenantId}
      order by e.position`;
    return rows.flatMap((row) => (written.has(row.event_id) ? row.event_id : []));
  };
  /** Opens a stream; one that is not read takes only what the sockets hold. */
  const open = async (query = '', id?: string, who: Api = api, isRead = true): Promise<Stream> => {
    const headers = {
      accept: 'text/event-stream',
      ...(id === undefined ? {} : { 'last-event-id': id }),
    };
    const message = await who.signed('GET', `/stream${query}`, { headers });
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const sent = httpRequest({
      host: '127.0.0.1',
      port: service.port,
      agent: false,
      path: message.target,
      headers: message.headers.flat(),
    });
    sent.on('response', resolve);
    sent.on('error', reject);
    sent.end();
    const response = await promise;
    t.after(() => sent.destroy());
    assert.equal(response.statusCode, 200);
    assert.equal(response.headers['content-type'], 'text/event-stream');
    let received = '';
    let isOver = false;
    if (isRead) response.on('data', (chunk: Buffer) => (received += chunk.toString()));
    response.on('end', () => (isOver = true));
    return {
      get messages() {
        const blocks = received.split('\n\n').slice(0, -1).map(messageOf);
        return blocks.filter(({ data }) => data !== '');
      },
      response,
      text: () => received,
      isOver: () => isOver,
      close: () => sent.destroy(),
    };
  };
  const pass = (ms: number) => {
    elapsedMs += ms;
  };
  return { sql, clock, service, client, api, tenantId, log, open, pass };
}

const idsOf = (stream: Stream) => stream.messages.map(({ data }) => JSON.parse(data).id);
const received = (stream: Stream, count: number) => {
  return eventually(`${count} messages`, () => stream.messages.length >= count && stream.messages);
};

test('what is logged goes out once, in order, as GET /events shows it', async (t) => {
  const { api, log, open } = await begin(t);
  await log();
  const fromNow = await open();
  const fromBegin = await open('?after=e0');
  const second = await log();
  await received(fromNow, 3);
  await received(fromBegin, 6);
  assert.deepEqual(
    fromNow.messages.map(({ id }) => id),
    ['e4', 'e5', 'e6'],
  );
  assert.deepEqual(idsOf(fromNow), second);
  const { text } = await api.call('GET', '/events');
  const data = fromBegin.messages.map((message) => message.data).join(',');
  assert.ok(text.startsWith(`{"data":[${data}],`), 'byte for byte');
});

test('a reader that comes again misses nothing and gets nothing twice, wherever it was cut off', async (t) => {
  const { log, open } = await begin(t);
  const expected: string[] = [];
  const seen: string[] = [];
  let last = 'e0';
  for (let round = 0; round < 6; round += 1) {
    expected.push(...(await log(40)));
    const stream = await open('', last);
    // Of 120 events it reads some and is gone.
    const some = await received(stream, 20 * round + 1);
    stream.close();
    seen.push(...some.map(({ data }) => JSON.parse(data).id));
    last = some.at(-1)?.id ?? last;
  }
  const rest = await open('', last);
  await received(rest, expected.length - seen.length);
  assert.deepEqual([...seen, ...idsOf(rest)], expected);
});

test('a stream of one liquidation has its events alone', async (t) => {
  const { api, client, sql, log, open } = await begin(t);
  const [account] = await giveAccounts(sql, client);
  const id = (await liquidate(api, account)).split('/').at(-1) ?? '';
  const stream = await open(`?after=e0&account_liquidation_id=${id}`);
  const whole = await open('?after=e0');
  await log(2);
  await received(whole, 7);
  await received(stream, 1);
  assert.equal(stream.messages.length, 1);
  assert.equal(JSON.parse(stream.messages[0]?.data ?? '').object.id, id);
});

test('nothing of another tenant goes out', async (t) => {
  const { api, clock, service, client, sql, log, open } = await begin(t);
  const other = await makeApiClient(sql, clock);
  const theirs = await apiOf(service, other);
  const [account] = await giveAccounts(sql, client);
  const id = (await liquidate(api, account)).split('/').at(-1) ?? '';
  const [ours, foreign] = [await open('?after=e0'), await open('?after=e0', undefined, theirs)];
  await log(3);
  await received(ours, 10);
  assert.deepEqual(foreign.messages, []);
  const foreignId = theirs.call('GET', `/stream?account_liquidation_id=${id}`);
  assertProblem(await foreignId, 'not_found', /^There is no such liquidation/);
  const unknown = theirs.call('GET', `/stream?account_liquidation_id=${randomUUID()}`);
  assertProblem(await unknown, 'not_found', /^There is no such liquidation/);
});

test('a place that the log does not have, or a token without the scope, is refused', async (t) => {
  const { api, service, client, log } = await begin(t);
  await log();
  assertProblem(await api.call('GET', '/stream?after=e4'), 'bad_request', /it ends at e3/);
  assertProblem(await api.call('GET', '/stream?after=4'), 'bad_request', /\/after/);
  assertProblem(await api.call('GET', '/stream?type=X'), 'bad_request', /unknown members/);
  const wrong = await api.call('GET', '/stream', { headers: { 'last-event-id': '7' } });
  assertProblem(wrong, 'bad_request', /last-event-id is no id/);
  const weak = await apiOf(service, client, ['webhooks:read']);
  assertProblem(await weak.call('GET', '/stream'), 'forbidden', /lacks the scope/);
  const head = await send(service, await api.signed('HEAD', '/stream'));
  assert.equal(head.status, 200);
  assert.equal(service.streams.count, 0, 'HEAD opens none');
});

test(
  '1,000 readers share one reading of the log, and one more finds no room',
  onlyLong,
  async (t) => {
    const { api, log, open, pass, service } = await begin(t);
    const readers: Stream[] = [];
    while (readers.length < limits.readersOfTenantMax) {
      readers.push(...(await Promise.all(Array.from({ length: 50 }, () => open()))));
      // They live on, however slow this machine is: silent connections are ended.
      pass(limits.heartbeatMs);
    }
    assert.equal(service.streams.count, 1_000);
    const { statements, result: logged } = await sentDuring(async () => {
      const events = await log(2);
      for (const reader of readers) await received(reader, 6);
      return events;
    });
    for (const reader of readers) assert.deepEqual(idsOf(reader), logged);
    const readings = statements.filter(({ text }) => text.includes('json_to_recordset'));
    assert.ok(readings.length <= 3, `${readings.length} readings for 6 events and 1,000 readers`);
    const refused = await api.call('GET', '/stream');
    assertProblem(refused, 'service_unavailable', /Too many streams are open/);
    readers[0]?.close();
    await eventually('room', () => service.streams.count < limits.readersOfTenantMax);
    await open();
  },
);

test('where nothing happens the stream says that it lives, and how far it is', async (t) => {
  const { client, sql, api, open, log, pass } = await begin(t);
  const [account] = await giveAccounts(sql, client);
  const id = (await liquidate(api, account)).split('/').at(-1) ?? '';
  const stream = await open(`?account_liquidation_id=${id}`);
  const whole = await open();
  await log(2);
  await received(whole, 6);
  pass(limits.heartbeatMs);
  const beat = await eventually('a heartbeat', () =>
    /: heartbeat\nid: (e\d+)\n\n/.exec(stream.text()),
  );
  assert.equal(beat[1], whole.messages.at(-1)?.id, 'what is not for it is passed over');
});

test('a reader that does not read holds little, and is disconnected with the reason', async (t) => {
  const { log, open, pass, service } = await begin(t);
  const stream = await open('', undefined, undefined, false);
  const padding = 'x'.repeat(100_000);
  // 30 MB, of which the sockets of this machine hold a few.
  await log(100, padding);
  await eventually('the service has noticed', () => {
    pass(limits.stalledMs);
    return service.streams.count === 0;
  });
  let bytes = 0;
  let text = '';
  for await (const chunk of stream.response) {
    bytes += (chunk as Buffer).length;
    text = (text + chunk).slice(-300);
  }
  assert.match(text, /event: end\ndata: \{"reason":"slow_reader","detail":"[^"]+"\}\n\n$/);
  assert.ok(bytes < 15_000_000, `${bytes} bytes were given to a reader that read none`);
});

test('a stream ends when its token is revoked, or expires', async (t) => {
  const { api, client, clock, service, open, pass } = await begin(t);
  const stream = await open();
  await revoke(service, client, { token: api.token });
  pass(3_000);
  await eventually('its end', () => stream.isOver());
  assert.match(stream.text(), /event: end\ndata: \{"reason":"token_ended"/);
  const second = await open('', undefined, await apiOf(service, client));
  clock.advance(31 * 60_000);
  await eventually('its end', () => second.isOver());
  assert.match(second.text(), /event: end\ndata: \{"reason":"token_ended"/);
});

test('when the service stops, every stream ends with the reason', async (t) => {
  const { open, service } = await begin(t);
  const streams = await Promise.all([open(), open()]);
  await service.close();
  for (const stream of streams) {
    await eventually('its end', () => stream.isOver());
    assert.match(
      stream.text(),
      /event: end\ndata: \{"reason":"shutting_down","detail":"[^"]+"\}\n\n$/,
    );
  }
});

test('what the log has dropped behind the place of a reader is said', async (t) => {
  const { sql, log, open, tenantId } = await begin(t);
  await log(2);
  await sql`
    update unwind.event_heads h
    set dropped_to = 4
    where h.tenant_id = ${tenantId}`;
  const stream = await open('', 'e2');
  await received(stream, 5);
  assert.deepEqual(stream.messages[0], {
    id: '',
    type: 'gap',
    data: '{"after":"e2","up_to":"e4"}',
  });
  const noGap = await open('', 'e4');
  await received(noGap, 2);
  assert.equal(noGap.messages[0]?.type, 'message');
});

test(
  'what no event tells is told to those who ask, of their own client, once for each change',
  onlyLong,
  async (t) => {
    const { sql, clock, service, api, open, log } = await begin(t);
    const other = await apiOf(service, await makeApiClient(sql, clock));
    const [own, foreign, silent] = [
      await open('?changes=true'),
      await open('?changes=true', undefined, other),
      await open(),
    ];
    const changes = (stream: Stream) => {
      const told = stream.messages.filter(({ type }) => type === 'changed');
      assert.ok(told.every(({ id }) => id === ''));
      return told.map(({ data }) => (JSON.parse(data) as { parts: string[] }).parts);
    };
    const last = (stream: Stream, parts: readonly string[]) => {
      return eventually(`${parts} of ${JSON.stringify(changes(stream))}`, () => {
        return JSON.stringify(changes(stream).at(-1)) === JSON.stringify(parts) && true;
      });
    };
    await last(own, [...changeParts]);
    await last(foreign, [...changeParts]);
    await park(sql, api);
    await last(own, ['parked']);
    await subscribe(other);
    await last(foreign, ['webhooks']);
    const [account] = await giveAccounts(sql, api.client);
    const halt = await api.call('POST', '/halts', toHalt(account));
    await last(own, ['halts']);
    await api.call('POST', `/halts/${halt.json['id']}/lift`, {
      json: { reason: 'over', person: 'Tester' },
      headers: { 'idempotency-key': randomUUID() },
    });
    await eventually('two changes of halts', () => changes(own).length === 4 && true);
    await sell(sql, clock, account);
    await last(own, ['sold']);
    const { status } = await api.call('POST', '/batches', {
      json: { accounts: [{ account_id: randomUUID() }], reason: 'A test', person: 'Tester' },
      headers: { 'idempotency-key': randomUUID() },
    });
    assert.equal(status, 201);
    await last(own, ['batches']);
    const limits = { order_value_max: '1', reason: 'A test', person: 'Tester' };
    const set = await api.call('POST', '/controls', { json: limits, headers: keyOf(randomUUID()) });
    assert.equal(set.status, 200, set.text);
    await last(own, ['controls']);
    // The first time is that of all parts.
    const toldOfControls = (times: number) => {
      return eventually(`controls, ${times} times: ${JSON.stringify(changes(own))}`, () => {
        return changes(own).filter((parts) => parts.includes('controls')).length === times && true;
      });
    };
    const stopId = await stopOrder(sql, clock, api.client);
    await toldOfControls(3);
    const released = await api.call('POST', `/controls/stopped/${stopId}/release`, {
      json: { reason: 'Agreed', person: 'Tester' },
      headers: keyOf(randomUUID()),
    });
    assert.equal(released.status, 200, released.text);
    await toldOfControls(4);
    await sql`
    insert into unwind.venue_halts (venue, isin, halted_at)
    values ('XSIM', 'DE0007164600', ${clock.now()})`;
    await last(own, ['venues']);
    await last(foreign, ['venues']);
    await log();
    await received(silent, 3);
    assert.deepEqual(changes(silent), []);
    assert.deepEqual(changes(foreign).flat(), [...changeParts, 'webhooks', 'venues']);
  },
);
