// The log of events, and what people do with deliveries, through the published client.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, suite, test } from 'node:test';
import {
  ApiError,
  Client,
  isLiquidationEvent,
  LogGapError,
  type LoggedEvent,
} from '@unwind/client';
import { type FetchKeys, webhookReceiver } from '@unwind/client/webhooks';
import { parseId } from '../../src/ids.ts';
import { startReceiver } from '../deliveries/receiver.ts';
import { eventsOfLiquidation, publishAll, writeEvents } from '../deliveries/subscriptions.ts';
import { hook } from '../http/api.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { makeApiClient, startHttp } from '../support/http.ts';
import { startFront } from './front.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
const service = await startHttp({ after }, { sql, clock, allowLoopback: true });

type Context = Parameters<typeof startFront>[0];

async function newWorld(t: Context) {
  const front = await startFront(t, service.port);
  const { clientId, clientSecret, keyId, key, scopes } = await makeApiClient(sql, clock);
  const who = { clientId, clientSecret, keyId, privateKey: key.privateKey, scopes };
  return { front, client: new Client({ baseUrl: front.url, ...who, now: clock.now }), clientId };
}

/** Logs the three events of a liquidation of each account. */
async function log(clientId: string, accounts: readonly string[]): Promise<void> {
  const tenantId = parseId<'tenant'>(clientId);
  assert.ok(tenantId !== undefined);
  for (const account of accounts) {
    const accountId = parseId<'account'>(account);
    assert.ok(accountId !== undefined);
    clock.advance(1_000);
    await writeEvents(sql, { tenantId, events: eventsOfLiquidation(accountId), at: clock.now() });
  }
  await publishAll(sql);
}

const statusOf = ({ type }: LoggedEvent) => type.split('.')[1];

suite('the log of events', () => {
  test('is read by cursors to its end, and goes on from where it ended', async (t) => {
    const { client, clientId, front } = await newWorld(t);
    assert.deepEqual(await client.events.list().all(), []);
    const accounts = [randomUUID(), randomUUID(), randomUUID()];
    await log(clientId, accounts);
    const seen: string[] = [];
    for await (const event of client.events.list({ limit: 4 })) {
      assert.ok(isLiquidationEvent(event));
      seen.push(event.object.account_id);
    }
    assert.deepEqual(
      seen,
      accounts.flatMap((id) => [id, id, id]),
    );
    const cursors = front.passed.flatMap(({ target }) => /after=(e\d+)/.exec(target)?.[1] ?? []);
    assert.deepEqual(cursors, ['e4', 'e8']);
    const [last] = await Array.fromAsync(client.events.list({ after: 'e8' }).pages());
    assert.deepEqual([last?.data.length, last?.meta.next, last?.meta.gap], [1, 'e9', null]);
    await log(clientId, [randomUUID()]);
    const later = await client.events.list({ after: 'e9' }).all();
    assert.deepEqual(later.map(statusOf), ['NEW', 'PROCESSING', 'FILLED']);
  });

  test('is filtered by type and by account', async (t) => {
    const { client, clientId } = await newWorld(t);
    const [one = '', other = ''] = [randomUUID(), randomUUID()];
    await log(clientId, [one, other]);
    const filled = await client.events.list({ type: 'ACCOUNT_LIQUIDATION.FILLED' }).all();
    assert.deepEqual(filled.map(statusOf), ['FILLED', 'FILLED']);
    const own = await client.events.list({ account_id: other, limit: 2 }).all();
    assert.deepEqual(own.map(statusOf), ['NEW', 'PROCESSING', 'FILLED']);
    assert.ok(own.every(({ object }) => object['account_id'] === other));
  });

  test('never passes over what was dropped unread: the loop ends with an error', async (t) => {
    const { client, clientId } = await newWorld(t);
    await log(clientId, [randomUUID(), randomUUID()]);
    await sql`
      update unwind.event_heads h
      set dropped_to = 3
      where h.tenant_id = ${clientId}`;
    const missed = await client.events
      .list({ after: 'e1' })
      .all()
      .catch((error: unknown) => error);
    assert.ok(missed instanceof LogGapError, String(missed));
    assert.deepEqual(missed.gap, { after: 'e1', up_to: 'e3' });
    assert.equal(missed.message, 'The log has dropped what is between e1 and e3.');
    assert.equal((await client.events.list({ after: missed.gap.up_to }).all()).length, 3);
    const [page] = await Array.fromAsync(client.events.list({ after: 'e1' }).pages());
    assert.deepEqual(page?.meta.gap, missed.gap, 'whoever reads pages looks for himself');
  });
});

suite('deliveries of a subscription', () => {
  test('a test event arrives, verifies, and comes back with its answer', async (t) => {
    const { client } = await newWorld(t);
    const receiver = await startReceiver(t, clock);
    receiver.react = () => ({ status: 418 });
    const { id } = await client.webhooks.create({ ...hook, url: receiver.url });
    const { url, response } = await client.webhooks.test(id);
    assert.deepEqual([url, response.status], [receiver.url, 418]);
    const keys: FetchKeys = (signal) => client.webhooks.verifyKeys({ signal });
    const [delivery] = receiver.received;
    assert.ok(delivery !== undefined);
    const [event] = await webhookReceiver({ keys, now: clock.now }).read(delivery);
    assert.ok(event?.type === 'WEBHOOK.TEST');
    assert.deepEqual([event.webhook_id, event.object], [id, { test: true }]);
    const attempts = await client.webhooks.deliveries(id);
    assert.deepEqual(
      attempts.map(({ kind, status, first_event_id }) => [kind, status, first_event_id]),
      [['test', 418, event.id]],
    );
    assert.deepEqual(
      await client.webhooks.deliveries(id, { result: 'acknowledged', limit: 1 }),
      [],
    );
  });

  test('a receiver that is not there is reported too', async (t) => {
    const { client } = await newWorld(t);
    const { id } = await client.webhooks.create({ ...hook, url: 'http://127.0.0.1:1/' });
    assert.deepEqual((await client.webhooks.test(id)).response, { error: 'ECONNREFUSED' });
  });

  test('are repeated from a time, from an event, and where they were set aside', async (t) => {
    const { client, clientId } = await newWorld(t);
    const { id } = await client.webhooks.create(hook);
    const begunAt = clock.now().toISOString();
    await log(clientId, [randomUUID(), randomUUID()]);
    await sql`
      update unwind.deliveries d
      set acknowledged_offset = 6
      where d.tenant_id = ${clientId}`;
    const [, , , , fifth] = await client.events.list().all();
    assert.ok(fifth !== undefined);
    const byEvent = await client.webhooks.replay(id, { event_id: fifth.id });
    assert.deepEqual(byEvent, { behind: 2, resumed: 0, gap: null });
    assert.deepEqual(await client.webhooks.replay(id, { from: begunAt }), {
      behind: 6,
      resumed: 0,
      gap: null,
    });
    const aside = { set_aside: true, account_id: randomUUID() } as const;
    assert.deepEqual(await client.webhooks.replay(id, aside), { behind: 6, resumed: 0, gap: null });
    assert.equal((await client.webhooks.retrieve(id)).delivery?.cursor, 'e0');
    await assert.rejects(
      client.webhooks.replay(id, { event_id: randomUUID() }),
      (error) => error instanceof ApiError && error.code === 'not_found',
    );
  });

  test('are not asked for twice where the answer was lost', async (t) => {
    const { client, front } = await newWorld(t);
    const { id } = await client.webhooks.create({ ...hook, url: 'http://127.0.0.1:1/' });
    for (const path of [`/webhooks/${id}/test`, `/webhooks/${id}/replay`]) {
      front.react = (_, { target }) => (target === path ? 'lose the answer' : 'pass');
      const call = path.endsWith('test')
        ? client.webhooks.test(id)
        : client.webhooks.replay(id, { set_aside: true });
      await assert.rejects(call, { name: 'NoResponseError', mayBeDone: true });
      assert.equal(front.count('POST', path), 1);
    }
  });
});
