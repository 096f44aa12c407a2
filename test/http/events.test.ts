// The event log and what people do with deliveries, over HTTP: pages of the log, attempts, replays,
// tests of a subscription.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, describe, test } from 'node:test';
import { parseId } from '../../src/ids.ts';
import { startReceiver } from '../deliveries/receiver.ts';
import { eventsOfLiquidation, publishAll, writeEvents } from '../deliveries/subscriptions.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { makeApiClient, startHttp } from '../support/http.ts';
import { type Api, apiOf, subscribe } from './api.ts';
import { assertProblem, assertSuccess, recordsOf } from './expect.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
const service = await startHttp({ after }, { sql, clock, allowLoopback: true });

interface Event {
  readonly id: string;
  readonly type: string;
  readonly created_at: string;
  readonly object: { readonly account_id: string };
}

interface Page {
  readonly data: readonly Event[];
  readonly meta: {
    readonly count: number;
    readonly next: string;
    readonly has_more: boolean;
    readonly gap: { after: string; up_to: string } | null;
  };
}

async function newApi(): Promise<Api> {
  return apiOf(service, await makeApiClient(sql, clock));
}

/** Logs the three events of a liquidation of each account. */
async function log(api: Api, accounts: readonly string[]): Promise<void> {
  const tenantId = parseId<'tenant'>(api.client.clientId);
  assert.ok(tenantId !== undefined);
  for (const account of accounts) {
    const accountId = parseId<'account'>(account);
    assert.ok(accountId !== undefined);
    clock.advance(1_000);
    await writeEvents(sql, { tenantId, events: eventsOfLiquidation(accountId), at: clock.now() });
  }
  await publishAll(sql);
}

async function read(api: Api, query: string): Promise<Page> {
  const reply = await api.call('GET', `/events${query}`);
  assertSuccess(reply, 200);
  return reply.json as unknown as Page;
}

/** All pages, from a cursor on. */
async function readAll(api: Api, query = ''): Promise<readonly Event[]> {
  const events: Event[] = [];
  let cursor = 'e0';
  for (let page = 0; page < 100; page += 1) {
    const { data, meta } = await read(api, `?after=${cursor}&limit=4${query}`);
    events.push(...data);
    cursor = meta.next;
    if (!meta.has_more) return events;
  }
  return assert.fail('the pages do not end');
}

describe('GET /events', () => {
  test('has the log in its order, in pages that go on behind the last event', async () => {
    const api = await newApi();
    assert.deepEqual((await read(api, '')).meta, {
      count: 0,
      limit: 100,
      next: 'e0',
      has_more: false,
      gap: null,
    });
    const accounts = Array.from({ length: 5 }, () => randomUUID());
    await log(api, accounts);
    const events = await readAll(api);
    assert.equal(events.length, 15);
    const expected = accounts.flatMap((account) => [account, account, account]);
    assert.deepEqual(
      events.map(({ object }) => object.account_id),
      expected,
    );
    const { meta } = await read(api, '');
    await log(api, [randomUUID()]);
    const more = await read(api, `?after=${meta.next}`);
    assert.equal(more.data.length, 3, 'and it goes on from there');
    const again = await readAll(api);
    assert.deepEqual(again.slice(0, 15), events, 'the same events, for ever');
  });

  test('pages fit together while the log grows: nothing twice, nothing passed over', async () => {
    const api = await newApi();
    await log(api, [randomUUID()]);
    const pages: Event[] = [];
    let cursor = 'e0';
    for (let page = 0; page < 12; page += 1) {
      const { data, meta } = await read(api, `?after=${cursor}&limit=2`);
      pages.push(...data);
      cursor = meta.next;
      if (page < 5) await log(api, [randomUUID()]);
    }
    assert.equal(pages.length, 18);
    assert.deepEqual(pages, await readAll(api));
  });

  test('refuses a cursor that the log never gave, which would pass over what comes', async () => {
    const api = await newApi();
    const early = await api.call('GET', '/events?after=e1');
    assertProblem(early, 'bad_request', 'The log has no e1: it ends at e0.');
    await log(api, [randomUUID()]);
    assert.equal((await read(api, '?after=e3')).data.length, 0, 'its end is a cursor');
    const beyond = await api.call('GET', '/events?after=e4');
    assertProblem(beyond, 'bad_request', 'The log has no e4: it ends at e3.');
  });

  test('filters by kind, by type and by account', async () => {
    const api = await newApi();
    const [one = '', other = ''] = [randomUUID(), randomUUID()];
    await log(api, [one, other]);
    assert.equal((await readAll(api, '&type=ACCOUNT_LIQUIDATION')).length, 6);
    const filled = await readAll(api, '&type=ACCOUNT_LIQUIDATION.FILLED');
    assert.deepEqual(
      filled.map(({ object }) => object.account_id),
      [one, other],
    );
    assert.equal((await readAll(api, '&type=ORDER')).length, 0);
    const own = await readAll(api, `&account_id=${other}`);
    assert.deepEqual(
      own.map(({ type }) => type.split('.')[1]),
      ['NEW', 'PROCESSING', 'FILLED'],
    );
    assert.equal((await readAll(api, `&account_id=${randomUUID()}`)).length, 0);
  });

  test('shows a reader what was dropped behind its cursor', async () => {
    const api = await newApi();
    await log(api, [randomUUID(), randomUUID()]);
    await sql`
      update unwind.event_heads h
      set dropped_to = 3
      where h.tenant_id = ${api.client.clientId}`;
    assert.equal((await read(api, '')).meta.gap, null, 'who begins has missed nothing');
    const { gap } = (await read(api, '?after=e1')).meta;
    assert.deepEqual(gap, { after: 'e1', up_to: 'e3' });
    assert.equal((await read(api, '?after=e3')).meta.gap, null);
  });

  test('is asked for wrongly', async () => {
    const api = await newApi();
    for (const query of ['after=7', 'after=e', 'after=e-1', 'limit=0', 'limit=1001', 'offset=1']) {
      const reply = await api.call('GET', `/events?${query}`);
      assertProblem(reply, 'bad_request', /^The query is not as it must be/);
    }
    const noVersion = '00000000-0000-0000-0000-000000000001';
    const reply = await api.call('GET', `/events?account_id=${noVersion}`);
    assertProblem(reply, 'bad_request', /^account_id is no UUID/);
  });
});

describe('POST /webhooks/{id}/test', () => {
  test('delivers a marked event, signed, and answers what the receiver said', async (t) => {
    const api = await newApi();
    const receiver = await startReceiver(t, clock);
    receiver.react = () => ({ status: 418, headers: { 'x-kettle': 'short' } });
    const path = await subscribe(api, { url: receiver.url });
    const reply = await api.call('POST', `${path}/test`);
    assertSuccess(reply, 200);
    const { url, response } = reply.json as {
      url: string;
      response: { status: number; headers: Record<string, string>; body: string };
    };
    assert.equal(url, receiver.url);
    assert.deepEqual([response.status, response.body], [418, '']);
    assert.equal(response.headers['x-kettle'], 'short');
    const [delivery] = receiver.received;
    assert.ok(delivery !== undefined);
    const event = JSON.parse(Buffer.from(delivery.body).toString());
    assert.equal(event.type, 'WEBHOOK.TEST');
    assert.equal(`/webhooks/${event.webhook_id}`, path);
    assert.equal((await read(api, '')).data.length, 0, 'it is in no log');
    const attempts = await api.call('GET', `${path}/deliveries`);
    const [attempt] = attempts.json['data'] as Record<string, unknown>[];
    assert.deepEqual(
      [attempt?.['kind'], attempt?.['status'], attempt?.['first_event_id']],
      ['test', 418, event.id],
    );
  });

  test('reports a receiver that is not there', async () => {
    const api = await newApi();
    const path = await subscribe(api, { url: 'http://127.0.0.1:1/' });
    const reply = await api.call('POST', `${path}/test`);
    assertSuccess(reply, 200);
    assert.deepEqual(reply.json['response'], { error: 'ECONNREFUSED' });
  });
});

describe('POST /webhooks/{id}/replay', () => {
  const replay = async (api: Api, path: string, json: object) => {
    const reply = await api.call('POST', `${path}/replay`, { json });
    assertSuccess(reply, 200);
    return reply.json;
  };

  /** A subscription that has had everything. */
  async function newCaughtUp(api: Api): Promise<string> {
    const path = await subscribe(api, { enabled: true });
    await log(api, [randomUUID(), randomUUID(), randomUUID()]);
    await sql`
      update unwind.deliveries d
      set acknowledged_offset = 9
      where d.tenant_id = ${api.client.clientId}`;
    return path;
  }

  test('goes back to an event, to a time, and never forward', async () => {
    const api = await newApi();
    const begunAt = clock.now();
    const path = await newCaughtUp(api);
    const events = await readAll(api);
    const fifth = events[4];
    assert.ok(fifth !== undefined);
    assert.deepEqual(await replay(api, path, { from: clock.now().toISOString() }), {
      behind: 3,
      resumed: 0,
      gap: null,
    });
    assert.deepEqual(await replay(api, path, { event_id: fifth.id }), {
      behind: 5,
      resumed: 0,
      gap: null,
    });
    const later = { event_id: events[7]?.id };
    assert.deepEqual(await replay(api, path, later), { behind: 5, resumed: 0, gap: null });
    const future = { from: new Date(clock.now().getTime() + 60_000).toISOString() };
    assert.deepEqual(await replay(api, path, future), { behind: 5, resumed: 0, gap: null });
    const all = { from: begunAt.toISOString() };
    assert.deepEqual(await replay(api, path, all), { behind: 9, resumed: 0, gap: null });
    const shown = (await api.call('GET', path)).json['delivery'] as Record<string, unknown>;
    assert.deepEqual([shown['cursor'], shown['behind']], ['e0', 9]);
  });

  test('has what was set aside tried again, of all accounts or of one', async () => {
    const api = await newApi();
    const path = await newCaughtUp(api);
    const webhookId = path.slice('/webhooks/'.length);
    const accounts = [randomUUID(), randomUUID(), randomUUID()];
    for (const accountId of accounts) {
      await sql`
        insert into unwind.blocked_accounts (
          tenant_id, webhook_id, account_id, acknowledged_offset, request_id, up_to, status, attempts,
          failing_since, next_attempt_at
        )
        values (
          ${api.client.clientId}, ${webhookId}, ${accountId}, 1, ${randomUUID()}, 2, 'set_aside', 19,
          ${clock.now()}, ${clock.now()}
        )`;
    }
    const shown = (await api.call('GET', path)).json['delivery'] as Record<string, unknown>;
    assert.equal(shown['set_aside'], 3);
    const one = { set_aside: true, account_id: accounts[1] };
    assert.deepEqual(await replay(api, path, one), { behind: 0, resumed: 1, gap: null });
    assert.deepEqual(await replay(api, path, one), { behind: 0, resumed: 0, gap: null });
    assert.deepEqual(await replay(api, path, { set_aside: true }), {
      behind: 0,
      resumed: 2,
      gap: null,
    });
  });

  test('says so where the log does not have all of it any more', async () => {
    const api = await newApi();
    const path = await newCaughtUp(api);
    const events = await readAll(api);
    const monthsAgo = new Date(clock.now().getTime() - 91 * 86_400_000).toISOString();
    const whole = await replay(api, path, { from: monthsAgo });
    assert.deepEqual(whole, { behind: 9, resumed: 0, gap: null }, 'nothing was dropped');
    // As when a part went with the first three, and with the sixth.
    await sql`
      update unwind.event_heads h
      set dropped_to = 6
      where h.tenant_id = ${api.client.clientId}`;
    const gap = (after: string) => ({ after, up_to: 'e6' });
    const [, , , fourth, , , seventh] = events;
    const wishes: readonly (readonly [json: object, gap: object | null])[] = [
      [{ event_id: seventh?.id }, null],
      [{ from: seventh?.created_at }, null],
      [{ event_id: fourth?.id }, gap('e3')],
      [{ from: fourth?.created_at }, gap('e3')],
      [{ from: monthsAgo }, gap('e0')],
    ];
    for (const [json, expected] of wishes) {
      await sql`
        update unwind.deliveries d
        set acknowledged_offset = 9
        where d.tenant_id = ${api.client.clientId}`;
      assert.deepEqual((await replay(api, path, json))['gap'], expected, JSON.stringify(json));
    }
    const webhookId = path.slice('/webhooks/'.length);
    await sql`
      insert into unwind.blocked_accounts (
        tenant_id, webhook_id, account_id, acknowledged_offset, request_id, up_to, status, attempts,
        failing_since, next_attempt_at
      )
      values (
        ${api.client.clientId}, ${webhookId}, ${randomUUID()}, 2, ${randomUUID()}, 3, 'set_aside', 19,
        ${clock.now()}, ${clock.now()}
      )`;
    const aside = await replay(api, path, { set_aside: true });
    assert.deepEqual([aside['resumed'], aside['gap']], [1, gap('e2')]);
  });

  test('is asked for wrongly, and nothing changes', async () => {
    const stranger = await newApi();
    await log(stranger, [randomUUID()]);
    const [foreign] = await readAll(stranger);
    const api = await newApi();
    const path = await newCaughtUp(api);
    const before = await recordsOf(sql);
    const eventId = randomUUID();
    const wrong: readonly (readonly [json: object, detail: RegExp])[] = [
      [{}, /one of from, event_id and set_aside/],
      [{ from: '2026-01-05', set_aside: true }, /one of from, event_id and set_aside/],
      [{ from: '2026-02-30' }, /no RFC 3339/],
      [{ event_id: eventId, account_id: eventId }, /set_aside only/],
      [{ set_aside: false }, /set_aside/],
      [{ to: '2026-01-05' }, /unknown members \(to\)/],
    ];
    for (const [json, detail] of wrong) {
      assertProblem(await api.call('POST', `${path}/replay`, { json }), 'bad_request', detail);
    }
    for (const id of [eventId, foreign?.id]) {
      const unknown = await api.call('POST', `${path}/replay`, { json: { event_id: id } });
      assertProblem(unknown, 'not_found', 'There is no such event in the log.');
    }
    assert.deepEqual(await recordsOf(sql), before);
  });
});

test('attempts are listed by what came of them, and refused in wrong words', async (t) => {
  const api = await newApi();
  const receiver = await startReceiver(t, clock);
  const path = await subscribe(api, { url: receiver.url });
  for (const status of [200, 500, 204]) {
    clock.advance(1_000);
    receiver.react = () => ({ status });
    await api.call('POST', `${path}/test`);
  }
  const listed = async (query: string) => {
    const reply = await api.call('GET', `${path}/deliveries${query}`);
    assertSuccess(reply, 200);
    return (reply.json['data'] as { status: number }[]).map(({ status }) => status);
  };
  assert.deepEqual(await listed(''), [204, 500, 200], 'newest first');
  assert.deepEqual(await listed('?limit=1'), [204]);
  assert.deepEqual(await listed('?result=failed'), [500]);
  assert.deepEqual(await listed('?result=acknowledged'), [204, 200]);
  for (const query of ['limit=0', 'limit=501', 'result=all', 'offset=0']) {
    const reply = await api.call('GET', `${path}/deliveries?${query}`);
    assertProblem(reply, 'bad_request', /^The query is not as it must be/);
  }
});
