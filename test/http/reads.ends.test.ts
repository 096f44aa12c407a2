// What reading says of ends: who cancelled an order, and an execution that the venue declared void.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { runAbandon } from '../../src/commands/abandon-command.ts';
import { makeBook } from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { askToLiquidate, engineSteps, runUntilIdle } from '../support/engine.ts';
import { makeApiClient, startHttp } from '../support/http.ts';
import { apiOf } from './api.ts';
import { assertSuccess } from './expect.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
const service = await startHttp({ after }, { sql, clock });
const client = await makeApiClient(sql, clock);
const tenantId = client.clientId;
const api = await apiOf(service, client);
const steps = engineSteps(sql, clock, { delayMs: 0 });

/** Rests at the venue until it is cancelled. */
const resting = 'ZZRESTING006';
const refused = 'ZZREFUSED006';
const sap = 'DE0007164600';

async function liquidate(instruments: readonly string[]) {
  const known = await sql`select from unwind.instruments`;
  const [account] = await makeBook(sql, {
    tenantId,
    instruments:
      known.length > 0 ? [] : [resting, refused, sap].map((isin) => ({ isin, price: '1' })),
    accounts: [{ positions: instruments.map((isin) => ({ isin, quantity: '5' })) }],
  });
  assert.ok(account);
  const liquidationId = await askToLiquidate(sql, clock, account);
  await runUntilIdle(steps);
  return { ...account, liquidationId };
}

interface ReadOrder {
  readonly id: string;
  readonly instrument_id: string;
  readonly status: string;
  readonly cancellation_reason?: string;
  readonly executions: readonly { readonly id: string; readonly status: string }[];
}

async function ordersOf({ accountId }: { accountId: string }): Promise<readonly ReadOrder[]> {
  const reply = await api.call('GET', `/accounts/${accountId}/orders`);
  assertSuccess(reply, 200);
  return (reply.json as unknown as { data: readonly ReadOrder[] }).data;
}

async function reasonsOf(account: { accountId: string }) {
  const orders = await ordersOf(account);
  return Object.fromEntries(orders.map((one) => [one.instrument_id, one.cancellation_reason]));
}

test('who cancelled an order: the venue, the operator, or the age of the liquidation', async () => {
  const abandoned = await liquidate([resting, refused, sap]);
  clock.advance(1_000);
  const stdout = { write: () => {} };
  const { liquidationId } = abandoned;
  const reason = 'the venue does not answer';
  await runAbandon({ sql, clock, stdout, liquidationId, tenantId: undefined, reason });
  await runUntilIdle(steps);
  assert.deepEqual(await reasonsOf(abandoned), {
    [resting]: 'CANCELLED_BY_UPVEST_OPERATIONS',
    [refused]: 'CANCELLED_BY_TRADING_PARTNER',
    [sap]: undefined,
  });
  // The same end for its age, which is 30 days of market time.
  const aged = await liquidate([resting]);
  await sql`
    update unwind.liquidations
    set stop_reason = 'limit', stop_asked_at = ${clock.now()}, stop_at = ${clock.now()}
    where liquidation_id = ${aged.liquidationId}`;
  await runUntilIdle(steps);
  assert.deepEqual(await reasonsOf(aged), { [resting]: 'CANCELLED_BY_UPVEST_PLATFORM' });
});

test('an execution that the venue declared void is CANCELLED; the order stays FILLED', async () => {
  const account = await liquidate([sap]);
  const [before] = await ordersOf(account);
  assert.deepEqual([before?.status, before?.executions[0]?.status], ['FILLED', 'FILLED']);
  clock.advance(1_000);
  await sql`
    insert into unwind.venue_reports (
      tenant_id, venue, report_id, client_order_id, type, venue_execution_id,
      cumulative_quantity, transaction_at, received_at
    )
    select
      e.tenant_id, e.venue, 'bust', e.client_order_id, 'bust', e.venue_execution_id, 0,
      ${clock.now()}, ${clock.now()}
    from unwind.executions e
    where e.account_id = ${account.accountId}`;
  await runUntilIdle(steps);
  const [order] = await ordersOf(account);
  const [execution] = order?.executions ?? [];
  assert.deepEqual([order?.status, execution?.status], ['FILLED', 'CANCELLED']);
  const target = `/orders/${order?.id}/executions/${execution?.id}`;
  const one = await api.call('GET', target);
  assert.equal(JSON.stringify(one.json), JSON.stringify(execution));
});
