// The operations that read, through the published client; and that its types are those of the API
// document, so that neither tells of a member the other does not have.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import {
  type Account,
  ApiError,
  type AttemptQuery,
  Client,
  type DeliveryAttempt,
  type EventPageMeta,
  type EventQuery,
  type Execution,
  type Instrument,
  type Liquidation,
  type NewWebhook,
  type Order,
  type Position,
  type Replayed,
  type Webhook,
  type WebhookQuery,
  type WebhookTest,
} from '@unwind/client';
import type { Static } from 'typebox';
import type * as asked from '../../src/http/delivery-schemas.ts';
import type * as book from '../../src/http/openapi/book-objects.ts';
import type * as deliveries from '../../src/http/openapi/delivery-objects.ts';
import type * as objects from '../../src/http/openapi/objects.ts';
import type * as webhooks from '../../src/http/webhook-schemas.ts';
import { giveAccounts, toLiquidate } from '../http/api.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { engineSteps, runUntilIdle } from '../support/engine.ts';
import { makeApiClient, startHttp } from '../support/http.ts';

/** Whether what the document describes is what the client gives, and has the same members. */
type Same<Told, Given> = Told extends Given
  ? [keyof Told, keyof Given] extends [keyof Given, keyof Told]
    ? true
    : never
  : never;

// A type that differs does not compile.
const isTyped: readonly [
  Same<Static<typeof objects.liquidation>, Omit<Liquidation, 'user_id'> & { user_id?: string }>,
  Same<Static<typeof objects.webhook>, Webhook>,
  Same<Static<typeof objects.webhook>['config'], Webhook['config']>,
  Same<Static<typeof deliveries.deliveryState>, NonNullable<Webhook['delivery']>>,
  Same<Static<typeof deliveries.attempt>, DeliveryAttempt>,
  Same<Static<typeof deliveries.replayAnswer>, Replayed>,
  Same<Static<typeof deliveries.testAnswer>, WebhookTest>,
  Same<Static<typeof objects.eventPage>['meta'], EventPageMeta>,
  Same<Static<typeof asked.listEventsQuery>, EventQuery>,
  Same<Static<typeof asked.listDeliveriesQuery>, AttemptQuery>,
  Same<Static<typeof webhooks.listWebhooksQuery>, WebhookQuery>,
  Same<Static<typeof webhooks.createWebhookBody>, NewWebhook>,
  Same<Static<typeof book.account>, Account>,
  Same<Static<typeof book.position>, Position>,
  Same<Static<typeof book.instrument>, Instrument>,
  Same<Static<typeof book.order>, Order>,
  Same<Static<typeof book.execution>, Execution>,
] = [
  true,
  true,
  true,
  true,
  true,
  true,
  true,
  true,
  true,
  true,
  true,
  true,
  true,
  true,
  true,
  true,
  true,
];

const { sql } = await createTestDatabase({ after });
const clock = testClock();
const service = await startHttp({ after }, { sql, clock, releaseDelayMs: 0 });
const scopes = [
  ...(['account_liquidations:admin', 'accounts:read', 'positions:read'] as const),
  ...(['orders:read', 'instruments:read'] as const),
];
const registered = await makeApiClient(sql, clock, { scopes });
const { clientId, clientSecret, keyId, key } = registered;
const baseUrl = `http://127.0.0.1:${service.port}`;
const own = { baseUrl, clientId, clientSecret, keyId, scopes, now: clock.now };
const client = new Client({ ...own, privateKey: key.privateKey });

test('accounts, positions and instruments', async () => {
  assert.ok(isTyped.every((one) => one));
  const [account] = await giveAccounts(sql, registered, [
    { positions: [{ isin: 'DE0007164600', quantity: '10' }] },
  ]);
  const { accountId } = account;
  assert.equal((await client.accounts.retrieve(accountId)).status, 'ACTIVE');
  const ids = (await client.accounts.list({ order: 'DESC' }).all()).map(({ id }) => id);
  assert.ok(ids.includes(accountId));
  const [position] = await client.positions.list(accountId).all();
  assert.ok(position);
  assert.deepEqual([position.quantity, position.instrument.isin], ['10', 'DE0007164600']);
  const named = await client.positions.retrieve(accountId, 'isin:DE0007164600');
  assert.deepEqual(named, position);
  const instrument = await client.instruments.retrieve(`uuid:${position.instrument.uuid}`);
  assert.equal(instrument.isin, 'DE0007164600');
  const active = client.instruments.list({ trading_status: 'ACTIVE', limit: 2 });
  assert.ok((await active.all()).some(({ isin }) => isin === 'DE0007164600'));
});

test('orders and executions of what was sold', async () => {
  const [account] = await giveAccounts(sql, registered);
  const { target, content } = toLiquidate(account);
  const { accountId, userId } = account;
  assert.ok(target && content);
  const { id } = await client.liquidations.create(accountId, { user_id: userId });
  const steps = engineSteps(sql, clock, { delayMs: 0 });
  await runUntilIdle(steps);
  const final = await client.liquidations.untilFinal(accountId, id, { patienceMs: 0 });
  assert.equal(final.status, 'FILLED');
  const [order] = await client.orders.list(accountId).all();
  assert.ok(order);
  assert.deepEqual([order.client_reference, order.status], [id, 'FILLED']);
  assert.deepEqual(await client.orders.retrieve(order.id), order);
  const executions = await client.executions.list(order.id).all();
  assert.deepEqual(executions, order.executions);
  const [execution] = executions;
  assert.ok(execution);
  assert.deepEqual(await client.executions.retrieve(order.id, execution.id), execution);
  assert.equal(execution.cash_amount, final.cash_amount);
});

test('what is not there is told as an error', async () => {
  const missing = client.orders.retrieve('c0ffee00-0000-4000-8000-000000000000');
  await assert.rejects(missing, (error) => error instanceof ApiError && error.status === 404);
});

test('a prepared request is signed for one use', async () => {
  const { url, method, headers } = await client.prepare({
    method: 'GET',
    target: '/accounts?limit=1',
  });
  assert.equal((await fetch(url, { method, headers })).status, 200);
  assert.equal((await fetch(url, { method, headers })).status, 401);
});
