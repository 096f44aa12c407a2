// Every field of what can be read, against what the book and the engine have written: accounts,
// positions, instruments, orders and executions, before, while and after an account is sold.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, test } from 'node:test';
import { parseId } from '../../src/ids.ts';
import { makeBook } from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { changePositions } from '../support/deltas.ts';
import { askToLiquidate, engineSteps, runUntilIdle } from '../support/engine.ts';
import { makeApiClient, startHttp } from '../support/http.ts';
import { apiOf } from './api.ts';
import { assertProblem, assertSuccess } from './expect.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock('2026-01-05T09:00:00.000Z');
const service = await startHttp({ after }, { sql, clock });
const client = await makeApiClient(sql, clock);
const tenantId = client.clientId;
const api = await apiOf(service, client);
const steps = engineSteps(sql, clock, { delayMs: 0 });
const imported = '2026-01-02T17:30:00.000Z';

const sap = 'DE0007164600';
const inParts = 'IE00B5M1WJ87';
const cancelled = 'IE00BF2GFH28';
const [account, locked] = await makeBook(sql, {
  tenantId,
  instruments: [
    { isin: sap, price: '208.350' },
    { isin: inParts, price: '50.005', fractional: false },
    { isin: cancelled, price: '80', tradingStatus: 'ACTIVE' },
  ],
  accounts: [
    {
      positions: [
        { isin: sap, quantity: '12.50', locked: '2' },
        { isin: inParts, quantity: '30' },
        { isin: cancelled, quantity: '20' },
      ],
    },
    { status: 'LOCKED', positions: [] },
  ],
});
assert.ok(account && locked);
const { accountId, userId } = account;

async function read(target: string): Promise<Readonly<Record<string, unknown>>> {
  const reply = await api.call('GET', target);
  assertSuccess(reply, 200);
  assert.equal(reply.text, JSON.stringify(reply.json), 'compact JSON');
  return reply.json;
}

/** The items of a list. */
async function list(target: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const { data } = await read(target);
  assert.ok(Array.isArray(data));
  return data;
}

test('an account', async () => {
  assert.deepEqual(await read(`/accounts/${accountId}`), {
    account_group_id: userId,
    account_number: 1,
    created_at: imported,
    id: accountId,
    name: 'Account',
    status: 'ACTIVE',
    type: 'TRADING',
    updated_at: imported,
    users: [{ id: userId, type: 'OWNER' }],
  });
  const other = await read(`/accounts/${locked.accountId.toUpperCase()}`);
  assert.equal(other['status'], 'LOCKED');
  assert.deepEqual(await list('/accounts'), [await read(`/accounts/${accountId}`), other]);
});

/** RFC 9562 appendix B.2: version 8 and the variant, in the SHA-256 of a namespace and the ISIN. */
function idOf(isin: string): string {
  const namespace = Buffer.from('7891729857ae409285eecfa8447349dd', 'hex');
  const digest = createHash('sha256').update(namespace).update(isin).digest().subarray(0, 16);
  digest.writeUInt8((digest.readUInt8(6) & 0x0f) | 0x80, 6);
  digest.writeUInt8((digest.readUInt8(8) & 0x3f) | 0x80, 8);
  const form = /^(.{8})(.{4})(.{4})(.{4})(.{12})$/;
  return digest.toString('hex').replace(form, '$1-$2-$3-$4-$5');
}

test('an instrument, by its ISIN and by its id, which is the same everywhere', async () => {
  const instrument = await read(`/instruments/isin:${sap}`);
  const { id } = instrument;
  assert.deepEqual(instrument, {
    created_at: imported,
    fractional_trading: true,
    id,
    isin: sap,
    name: sap,
    trading_status: 'ACTIVE',
    updated_at: imported,
  });
  assert.equal(id, idOf(sap));
  for (const name of [`uuid:${id}`, `urn:uuid:${id}`, `urn:isin:${sap}`, `isin%3A${sap}`]) {
    assert.deepEqual(await read(`/instruments/${name}`), instrument);
  }
  assert.equal((await read(`/instruments/isin:${inParts}`))['fractional_trading'], false);
});

test('a name is shown as it is, and cut after 100 characters', async () => {
  const name = `Müller "&" Söhne\\ ${'x'.repeat(90)}`;
  await sql`
    update unwind.instruments
    set name = ${name}, updated_at = ${clock.now()}
    where isin = ${inParts}`;
  const instrument = await read(`/instruments/isin:${inParts}`);
  assert.equal(instrument['name'], name.slice(0, 100));
  assert.equal(instrument['updated_at'], clock.now().toISOString());
});

const positionOf = (isin: string) => read(`/accounts/${accountId}/positions/isin:${isin}`);

test('a position: held, locked, being sold, sold', async () => {
  const { id: uuid } = await read(`/instruments/isin:${sap}`);
  const position = {
    account_id: accountId,
    available_for_trading: '10.5',
    instrument: { isin: sap, uuid },
    locked_for_trading: '0',
    pending_settlement: '0',
    quantity: '12.5',
  };
  assert.deepEqual(await positionOf(sap), position);
  assert.deepEqual(await read(`/accounts/${accountId}/positions/uuid:${uuid}`), position);
  const all = await list(`/accounts/${accountId}/positions`);
  assert.deepEqual(
    all.map((one) => (one['instrument'] as { isin: string }).isin),
    [sap, inParts, cancelled].sort(),
  );
  assert.deepEqual(all[0], position);
  assert.deepEqual(await list(`/accounts/${locked.accountId}/positions`), []);
});

test('orders and executions, and the positions meanwhile', async () => {
  const liquidationId = await askToLiquidate(sql, clock, account);
  await steps.release();
  const created = clock.now().toISOString();
  const orders = () => list(`/accounts/${accountId}/orders`);
  const orderOf = async (isin: string) => {
    const one = (await orders()).find((order) => order['instrument_id'] === isin);
    return one ?? assert.fail(isin);
  };
  const fresh = await orderOf(sap);
  const unsold = {
    account_id: accountId,
    cash_amount: '0',
    client_reference: liquidationId,
    created_at: created,
    currency: 'EUR',
    execution_flow: 'STRAIGHT_THROUGH',
    executions: [],
    fee: '0',
    id: fresh['id'],
    initiation_flow: 'ACCOUNT_LIQUIDATION',
    instrument_id: sap,
    instrument_id_type: 'ISIN',
    limit_price: '',
    order_type: 'MARKET',
    quantity: '10.5',
    side: 'SELL',
    status: 'NEW',
    stop_price: '',
    updated_at: fresh['updated_at'],
    user_id: userId,
  };
  assert.deepEqual(fresh, unsold);
  assert.deepEqual(await read(`/orders/${fresh['id']}`), unsold);
  const held = await positionOf(sap);
  assert.equal(held['locked_for_trading'], '10.5');
  assert.equal(held['available_for_trading'], '0');
  assert.equal(held['quantity'], '12.5');

  await steps.submit();
  assert.equal((await orderOf(sap))['status'], 'PROCESSING');
  clock.advance(1_000);
  await runUntilIdle(steps);

  const sold = await orderOf(sap);
  const [execution] = sold['executions'] as readonly Record<string, unknown>[];
  assert.ok(execution);
  assert.deepEqual(execution, {
    cash_amount: '2187.68',
    currency: 'EUR',
    id: execution['id'],
    order_id: fresh['id'],
    price: '208.35',
    share_quantity: '10.5',
    side: 'SELL',
    status: 'FILLED',
    taxes: [],
    transaction_time: created,
  });
  const updated = String(sold['updated_at']);
  assert.ok(updated > String(fresh['updated_at']), 'updated_at moves with the order');
  const filled = { status: 'FILLED', executions: [execution], updated_at: updated };
  assert.deepEqual(sold, { ...unsold, ...filled });
  assert.deepEqual(await read(`/orders/${sold['id']}/executions/${execution['id']}`), execution);
  assert.deepEqual(await list(`/orders/${sold['id']}/executions`), [execution]);
  const rest = await positionOf(sap);
  assert.deepEqual(
    [rest['quantity'], rest['locked_for_trading'], rest['available_for_trading']],
    ['2', '0', '0'],
  );

  const parts = (await orderOf(inParts))['executions'] as readonly Record<string, unknown>[];
  assert.ok(parts.length > 1, 'an order filled in parts shows each of them');
  assert.deepEqual(
    parts.map((one) => one['id']),
    parts.map((one) => one['id']).toSorted(),
  );
  const refused = await orderOf(cancelled);
  assert.equal(refused['status'], 'CANCELLED');
  assert.equal(refused['cancellation_reason'], 'CANCELLED_BY_TRADING_PARTNER');
});

test('cash is the sum of what the executions say, and of what the liquidation says', async () => {
  const orders = await list(`/accounts/${accountId}/orders`);
  const [liquidation] = await list(`/accounts/${accountId}/liquidations`);
  assert.ok(liquidation);
  const ids = (liquidation['orders'] as readonly { id: string }[]).map(({ id }) => id);
  assert.deepEqual(
    ids,
    orders.map((order) => order['id']),
  );
  const cents = orders
    .flatMap((order) => order['executions'] as readonly { cash_amount: string }[])
    .map((one) => BigInt(one.cash_amount.replace('.', '')))
    .reduce((total, one) => total + one, 0n);
  const [row] = await sql<{ proceeds: string }[]>`
    select l.proceeds * 100 as proceeds
    from unwind.liquidations l
    where l.account_id = ${accountId}`;
  assert.equal(Number(row?.proceeds), Number(cents));
});

test('a position sold out stays, with 0', async () => {
  const id = parseId<'account'>(accountId) ?? assert.fail();
  const where = { sql, clock, tenantId };
  await changePositions(where, [{ type: 'unlock', accountId: id, isin: sap, quantity: '2' }]);
  clock.advance(10_000);
  await runUntilIdle(steps);
  const position = await positionOf(sap);
  assert.equal(position['quantity'], '0');
  assert.equal(position['available_for_trading'], '0');
  const ofSap = (await list(`/accounts/${accountId}/orders`)).filter((order) => {
    return order['instrument_id'] === sap;
  });
  assert.deepEqual(
    ofSap.map((order) => order['quantity']),
    ['10.5', '2'],
  );
});

test('what is there, but not where it is asked for', async () => {
  const [first, second] = await list(`/accounts/${accountId}/orders`);
  assert.ok(first && second);
  const executions = second['executions'] as readonly { id: string }[];
  const elsewhere = `/orders/${first['id']}/executions/${executions[0]?.id}`;
  assertProblem(await api.call('GET', elsewhere), 'not_found', /no such execution of this order/);
  const never = `/accounts/${locked.accountId}/positions/isin:${sap}`;
  assertProblem(await api.call('GET', never), 'not_found', /no such position of this account/);
});
