// Nothing is sold that the keeper of the holdings has not granted: a keeper over HTTP that grants, grants less, refuses,
// is silent, answers too much or nonsense; processes that die between asking and recording; and what it is told.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { after, type TestContext, test } from 'node:test';
import { keeperServer, Ledger, type Limit } from '../../examples/keeper/keeper.ts';
import { runAudit } from '../../src/audit/run-audit.ts';
import { findPublicJwks } from '../../src/auth/signing-keys.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { receiverAgent } from '../../src/egress/post.ts';
import { holdOffHalts } from '../../src/halts/halts-store.ts';
import type { LiquidationId, TenantId } from '../../src/ids.ts';
import {
  enterReservations,
  type KeeperSetting,
} from '../../src/liquidations/enter-reservations.ts';
import { type Holding, reservedStep } from '../../src/liquidations/liquidation.ts';
import { stopAged } from '../../src/liquidations/stop-store.ts';
import { decimal, plain, sum } from '../../src/money.ts';
import { findDuty } from '../../src/reservations/duty-store.ts';
import { httpKeeper } from '../../src/reservations/keeper.ts';
import { waitMsAfter } from '../../src/reservations/reservation.ts';
import { makeBatch, outcomesOf, stateOf, steer } from '../batches/world.ts';
import { giveAccounts } from '../http/api.ts';
import type { BookPosition } from '../support/book.ts';
import { type TestClock, testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { changePositions } from '../support/deltas.ts';
import {
  askToCancel,
  askToLiquidate,
  engineSteps,
  runUntilIdle,
  usualEndLimits,
} from '../support/engine.ts';
import { makeApiClient, seal } from '../support/http.ts';
import { untilLocked } from '../support/locks.ts';
import { fc } from '../support/properties.ts';

const sap = 'DE0007164600';
const fund = 'IE00B4L5Y983';
/** Nobody is given up who is only slow. */
const patienceMs = 60_000;
const unhurried = { within: <T>(_: string, work: () => Promise<T>) => work() };
const agent = receiverAgent({ policy: { allowLoopback: true }, timeoutMs: patienceMs });
after(() => agent.close());

interface Wish {
  readonly limit?: Limit;
  readonly positions?: readonly BookPosition[];
  /** Answers in place of the ledger, as long as it does; `goOn` has the ledger answer later. */
  readonly instead?: (
    request: IncomingMessage,
    response: ServerResponse,
    goOn: () => void,
  ) => boolean;
  /** Asked at each request. */
  readonly timeoutMs?: () => number;
}

async function begin(t: TestContext, wish: Wish = {}) {
  const { limit = () => undefined, positions = [{ isin: sap, quantity: '10' }] } = wish;
  const { sql } = await createTestDatabase(t);
  const clock: TestClock = testClock();
  const client = await makeApiClient(sql, clock);
  const [account] = await giveAccounts(sql, client, [{ positions }]);
  const ledger = new Ledger(limit);
  const keysOf = async (clientId: string) => {
    const texts = await findPublicJwks(sql, clientId as TenantId, clock.now());
    return { keys: texts.map((text) => JSON.parse(text)) };
  };
  const honest = keeperServer(ledger, keysOf, () => clock.now());
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    const goOn = () => void honest.emit('request', request, response);
    if (wish.instead?.(request, response, goOn) !== true) goOn();
  });
  const url = await listen(t, server);
  const keeper = httpKeeper({
    ...{ url, sql, clock, seal, agent, signings: unhurried },
    get timeoutMs() {
      return wish.timeoutMs?.() ?? patienceMs;
    },
  });
  const warnings: string[] = [];
  const onWarning = (fields: object) => void warnings.push(String(Object(fields).reason));
  const newSteps = () => engineSteps(sql, clock, { delayMs: 0, keeper, onWarning });
  /** A process whose settings name no keeper. */
  const stepsWithout = () => engineSteps(sql, clock, { delayMs: 0 });
  const logged: string[] = [];
  const write = (_: object, message: string) => void logged.push(message);
  const enter = (setting: KeeperSetting) => {
    return enterReservations(sql, { setting, now: clock.now() }, { info: write, warn: write });
  };
  await enter('asks');
  const steps = newSteps();
  const liquidationId = await askToLiquidate(sql, clock, account);
  const finish = () => runUntilIdle(steps);
  const look = () => lookAt(sql, liquidationId);
  const waits = async () => {
    const rows = await sql<{ shown: string }[]>`
      select concat(w.reason, ': ', w.detail) as shown
      from unwind_v1.liquidation_waits w
      where w.liquidation_id = ${liquidationId}`;
    return rows[0]?.shown ?? 'nothing';
  };
  const audited = async () => {
    const report = await runAudit(sql);
    assert.deepEqual(
      report.results.flatMap(({ differences }) => differences),
      [],
    );
  };
  const processes = { newSteps, stepsWithout, enter, logged };
  const more = { client, ledger, requests, warnings, waits, audited, ...processes };
  return { sql, clock, account, steps, liquidationId, finish, look, ...more };
}

async function listen(t: TestContext, server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  return `http://127.0.0.1:${address.port}`;
}

async function lookAt(
  sql: Awaited<ReturnType<typeof createTestDatabase>>['sql'],
  liquidationId: LiquidationId,
): Promise<string> {
  const [row] = await sql<{ shown: string }[]>`
    select concat_ws(' | ',
      concat(l.status, ' ', l.end_reason),
      (
        select string_agg(concat(o.status, ' ', trim_scale(o.filled_quantity), '/', trim_scale(o.quantity)), ', '
          order by o.isin, o.round)
        from unwind_v1.orders o
        where o.liquidation_id = l.liquidation_id
      ),
      (
        select string_agg(concat(r.status, ' ', r.round), ', ' order by r.number)
        from unwind_v1.reservations r
        where r.liquidation_id = l.liquidation_id
      ),
      l.end_note
    ) as shown
    from unwind_v1.liquidations l
    where l.liquidation_id = ${liquidationId}`;
  return row?.shown ?? 'nothing';
}

/** The last report of the only reservation, in a line. */
function reportIn(ledger: Ledger): string {
  const [entry] = [...ledger.entries.values()];
  const lines = (entry?.report?.positions ?? []).map(({ isin, sold, released }) => {
    return `${isin} sold ${sold} released ${released}`;
  });
  return `${entry?.report?.number ?? 'none'}: ${lines.join(', ')}`;
}

test('asked first, then sold, then reported: in this order', async (t) => {
  const { steps, look, finish, ledger, requests, waits, audited } = await begin(t);
  await steps.release();
  assert.equal(await look(), 'NEW  | ASKING ');
  assert.match(
    await waits(),
    /^reservation: reservation .*: no worker with UNWIND_RESERVATIONS_URL has asked yet$/,
  );
  assert.equal(await steps.release(), 0);
  await steps.reserve();
  assert.equal(await look(), 'NEW  | ANSWERED ');
  await steps.release();
  assert.equal(await look(), 'PROCESSING  | NEW 0/10 | ANSWERED 1');
  await finish();
  assert.equal(await look(), 'FILLED flat | FILLED 10/10 | CLOSED 1');
  assert.equal(reportIn(ledger), `1: ${sap} sold 10 released 0`);
  const [id] = [...ledger.entries.keys()];
  assert.deepEqual(requests, ['POST /reservations', `POST /reservations/${id}/reports`]);
  await audited();
});

test('less than asked is sold as less, and the rest is reported with its reason', async (t) => {
  const { look, finish, ledger, audited } = await begin(t, {
    limit: (_, isin) => (isin === sap ? { units: '4.5', reason: 'pledged' } : undefined),
    positions: [
      { isin: sap, quantity: '10' },
      { isin: fund, quantity: '3' },
    ],
  });
  await finish();
  assert.equal(
    await look(),
    'CANCELLED rejected | FILLED 4.5/4.5, FILLED 3/3 | CLOSED 1 | ' +
      `not granted by the keeper of the holdings: 5.5 ${sap} (pledged)`,
  );
  assert.equal(reportIn(ledger), `1: ${sap} sold 4.5 released 0, ${fund} sold 3 released 0`);
  await audited();
});

test('what is refused as a whole is not sold: it ends without an order', async (t) => {
  const limit = () => ({ units: '0', reason: 'frozen by court' });
  const { look, finish, audited, ledger } = await begin(t, { limit });
  await finish();
  assert.match(await look(), /^CANCELLED rejected \| CLOSED {2}\| not granted .*frozen by court/);
  assert.equal(reportIn(ledger), `1: ${sap} sold 0 released 0`);
  await audited();
});

test('what arrives later is asked for by itself, and what was withheld is not asked again', async (t) => {
  const { sql, account, clock, look, finish, ledger, audited } = await begin(t, {
    positions: [{ isin: sap, quantity: '10', locked: '4' }],
    limit: () => ({ units: '8', reason: 'pledged' }),
  });
  await finish();
  assert.equal(await look(), 'PROCESSING  | FILLED 6/6 | CLOSED 1');
  await changePositions({ sql, clock, tenantId: account.tenantId }, [
    { type: 'unlock', accountId: account.accountId, isin: sap, quantity: '4' },
  ]);
  clock.advance(600_000);
  await finish();
  assert.match(
    await look(),
    /^CANCELLED rejected \| FILLED 6\/6, FILLED 2\/2 \| CLOSED 1, CLOSED 2 \|/,
  );
  assert.equal(ledger.entries.size, 2);
  await audited();
});

const tricks: Readonly<Record<string, (question: { reservation_id: string }) => string>> = {
  'no JSON': () => 'yes',
  'another form': () => '{"granted":true}',
  'another reservation': () =>
    `{"reservation_id":"x","positions":[{"isin":"${sap}","quantity":"1"}]}`,
  'a position less': ({ reservation_id: id }) => `{"reservation_id":"${id}","positions":[]}`,
  'a position twice': ({ reservation_id: id }) => {
    const one = `{"isin":"${sap}","quantity":"1"}`;
    return `{"reservation_id":"${id}","positions":[${one},${one}]}`;
  },
  'more than was asked': ({ reservation_id: id }) => {
    return `{"reservation_id":"${id}","positions":[{"isin":"${sap}","quantity":"10.000000000000001"}]}`;
  },
  'a negative quantity': ({ reservation_id: id }) => {
    return `{"reservation_id":"${id}","positions":[{"isin":"${sap}","quantity":"-1"}]}`;
  },
  'a number in place of a decimal': ({ reservation_id: id }) => {
    return `{"reservation_id":"${id}","positions":[{"isin":"${sap}","quantity":1}]}`;
  },
  'an answer without end': () => 'x'.repeat(6 * 1_048_576),
};

test('what is no answer is none: nothing is sold, and it is asked again', async (t) => {
  const left = Object.entries(tricks);
  const { look, finish, clock, waits, warnings, requests } = await begin(t, {
    instead: (request, response) => {
      const [, trick] = left[0] ?? [];
      if (trick === undefined) return false;
      void request.toArray().then((chunks) => {
        response.end(trick(JSON.parse(Buffer.concat(chunks).toString())));
      });
      return true;
    },
  });
  for (let asked = 1; left.length > 0; asked += 1) {
    const [name] = left[0] ?? [];
    await finish();
    assert.equal(await look(), 'NEW  | ASKING ', name);
    assert.match(await waits(), /^reservation: .*: the answer /, name);
    assert.deepEqual([requests.length, warnings.length], [asked, asked], name);
    left.shift();
    clock.advance(300_000); // the longest wait
  }
  await finish();
  assert.equal(await look(), 'FILLED flat | FILLED 10/10 | CLOSED 1');
});

test('a keeper that is silent, away or refuses to talk delays the sale, with growing gaps', async (t) => {
  const answers: readonly ((response: ServerResponse) => unknown)[] = [
    (response) => response.writeHead(503, { 'retry-after': '30' }).end(),
    (response) => response.writeHead(500).end(),
    (response) => response.writeHead(403).end('no'),
    (response) => response.writeHead(301, { location: 'https://example.test/' }).end(),
    (response) => response.destroy(),
    // Never answered: the timeout of the request ends it.
    () => {},
  ];
  let count = 0;
  const { look, finish, clock, warnings } = await begin(t, {
    timeoutMs: () => (count === answers.length - 1 ? 100 : patienceMs),
    instead: (_, response) => {
      answers[count]?.(response);
      count += 1;
      return count <= answers.length;
    },
  });
  while (count < answers.length) {
    await finish();
    assert.equal(await look(), 'NEW  | ASKING ');
    clock.advance(60_000);
  }
  assert.deepEqual(
    warnings.slice(0, 4),
    [503, 500, 403, 301].map((status) => `answered ${status}`),
  );
  await finish();
  assert.equal(await look(), 'FILLED flat | FILLED 10/10 | CLOSED 1');
});

test('a keeper that stays silent in a later round does not outlast the age of the liquidation', async (t) => {
  let isSilent = false;
  const { sql, account, clock, look, finish, audited } = await begin(t, {
    positions: [{ isin: sap, quantity: '10', locked: '4' }],
    instead: (_, response) => {
      if (isSilent) response.writeHead(503).end();
      return isSilent;
    },
  });
  await finish();
  isSilent = true;
  await changePositions({ sql, clock, tenantId: account.tenantId }, [
    { type: 'unlock', accountId: account.accountId, isin: sap, quantity: '4' },
  ]);
  clock.advance(600_000);
  await finish();
  assert.equal(await look(), 'PROCESSING  | FILLED 6/6 | CLOSED 1, ASKING ');
  clock.advance(usualEndLimits.ageMsMax);
  assert.equal(await stopAged(sql, { ...usualEndLimits, rows: 10, now: clock.now() }), 1);
  await finish();
  assert.equal(await look(), 'CANCELLED limit | FILLED 6/6 | CLOSED 1, CLOSED ');
  isSilent = false;
  clock.advance(600_000);
  await finish();
  await audited();
});

test('waits are bounded and spread, and Retry-After counts as far as the longest', () => {
  const half = () => 0.5;
  assert.deepEqual(
    [1, 2, 3].map((tries) => waitMsAfter(tries, undefined, half)),
    [750, 1_500, 3_000],
  );
  assert.equal(
    waitMsAfter(1_000, undefined, () => 0.999_999),
    300_000,
  );
  assert.equal(waitMsAfter(1, 30_000, half), 30_000);
  assert.equal(waitMsAfter(1, 86_400_000, half), 300_000);
});

test('a process that dies before it records the answer: another asks again, and gets the same', async (t) => {
  const { sql, steps, newSteps, look, clock, requests, ledger, audited } = await begin(t);
  await steps.release();
  // It is killed once the keeper has its question: the lease stays, and nothing is written.
  const until = new Date(clock.now().getTime() + 15_000);
  await sql`
    update unwind.reservations
    set lease_holder = gen_random_uuid(), lease_epoch = 1, lease_expires_at = ${until}`;
  const other = newSteps();
  assert.equal(await other.reserve(), 0, 'the lease holds');
  clock.advance(15_000);
  await other.reserve();
  assert.equal(await look(), 'NEW  | ANSWERED ');
  await runUntilIdle(other);
  assert.equal(await look(), 'FILLED flat | FILLED 10/10 | CLOSED 1');
  assert.equal(ledger.entries.size, 1);
  assert.equal(requests.filter((one) => one === 'POST /reservations').length, 1);
  await audited();
});

test('the answer of a process whose lease went to another is not recorded', async (t) => {
  let interfere: () => Promise<unknown> = async () => {};
  const world = await begin(t, {
    instead: (request, response) => {
      if (request.url !== '/reservations') return false;
      void interfere().then(async () => {
        const { reservation_id: id } = JSON.parse(
          Buffer.concat(await request.toArray()).toString(),
        );
        response.end(`{"reservation_id":"${id}","positions":[{"isin":"${sap}","quantity":"10"}]}`);
      });
      return true;
    },
  });
  const { sql, steps, look, account, clock, liquidationId, finish } = world;
  await steps.release();
  interfere = () => sql`update unwind.reservations set lease_epoch = lease_epoch + 1`;
  await steps.reserve();
  assert.equal(await look(), 'NEW  | ASKING ');
  clock.advance(16_000);
  // Cancelled while the keeper is asked: the grant comes too late, and is given back.
  interfere = () => askToCancel(sql, clock, { ...account, liquidationId });
  await steps.reserve();
  assert.equal(await look(), 'CANCELLED client | CLOSED ');
  clock.advance(16_000);
  await finish();
  assert.equal(await look(), 'CANCELLED client | CLOSED ');
  assert.ok(world.requests.some((one) => one.endsWith('/reports')));
  await world.audited();
});

test('cancelled before the keeper was asked: nothing is reported', async (t) => {
  const { sql, clock, account, liquidationId, steps, finish, requests, look } = await begin(t);
  await steps.release();
  await askToCancel(sql, clock, { ...account, liquidationId });
  clock.advance(60_000);
  await finish();
  assert.equal(await look(), 'CANCELLED client | CLOSED ');
  assert.deepEqual(requests, []);
});

test('cancelled while the question is being written down: it is let go, and so the keeper is not left with it', async (t) => {
  const { sql, clock, account, liquidationId, steps, finish, look, audited } = await begin(t);
  const done = await inTransaction(sql, async (tx) => {
    // What the release writes last of a question: by then it holds the liquidation.
    await tx`lock table unwind.reservation_positions in share mode`;
    const releasing = steps.release();
    await untilLocked('the release waits', sql);
    const cancelling = askToCancel(sql, clock, { ...account, liquidationId });
    await untilLocked('the cancellation waits for it', sql, 2);
    return { releasing, cancelling };
  });
  await Promise.all([done.releasing, done.cancelling]);
  await finish();
  assert.equal(await look(), 'CANCELLED client | CLOSED ');
  await audited();
});

/** A batch of three accounts, two of them started and the keeper not asked yet. */
async function beginBatch(t: TestContext, wish: Wish) {
  const world = await begin(t, { ...wish, positions: [] });
  const { sql, clock, client, finish, steps } = world;
  await finish();
  const accounts = await giveAccounts(
    sql,
    client,
    Array.from({ length: 3 }, () => ({ positions: [{ isin: sap, quantity: '10' }] })),
  );
  const tenantId = client.clientId;
  const batchId = await makeBatch(sql, clock, { tenantId, accounts, inProgressMax: 2 });
  const which = { tenantId, batchId };
  while ((await steps.start()) > 0);
  const cancel = async (by = steps) => {
    await steer(sql, clock, which, 'cancel');
    while ((await by.start()) > 0);
  };
  /** Liquidations and reservations by status, orders, and units that are not as before. */
  const lookAtAll = async () => {
    const [row] = await sql<{ shown: string }[]>`
      select concat_ws(' | ',
        (
          select string_agg(concat_ws(' ', l.status, l.end_reason), ', ')
          from unwind_v1.liquidations l
          where l.account_id = any(${accounts.map(({ accountId }) => accountId)}::uuid[])
        ),
        (
          select string_agg(r.status, ', ')
          from unwind_v1.reservations r
        ),
        (select concat(count(*), ' orders') from unwind.orders),
        (
          select concat(count(*), ' moved')
          from unwind.positions p
          where p.quantity <> 10
            or p.held <> 0
        )
      ) as shown`;
    return row?.shown;
  };
  return { ...world, accounts, which, cancel, lookAtAll };
}

test('a batch that is cancelled while the keeper is silent sells nothing, and is reported once the keeper is back', async (t) => {
  let isSilent = true;
  const instead = (_: IncomingMessage, response: ServerResponse) => {
    if (isSilent) response.writeHead(503).end();
    return isSilent;
  };
  const { which, cancel, lookAtAll, ...world } = await beginBatch(t, { instead });
  const { sql, clock, finish, ledger, audited } = world;
  await finish();
  assert.equal(await lookAtAll(), 'NEW, NEW | ASKING, ASKING | 0 orders | 0 moved');
  await cancel();
  const isOver = 'CANCELLED client, CANCELLED client | CLOSED, CLOSED | 0 orders | 0 moved';
  assert.equal(await lookAtAll(), isOver);
  assert.deepEqual(await outcomesOf(sql, which), ['STARTED', 'STARTED', 'CANCELLED']);
  isSilent = false;
  clock.advance(600_000);
  await finish();
  assert.equal((await stateOf(sql, which)).status, 'CANCELLED');
  assert.equal(await lookAtAll(), isOver);
  // It may have heard the questions, so it is told that they are over.
  assert.deepEqual(
    [...ledger.entries.values()].map(({ granted, report }) => [granted.size, report?.number]),
    [
      [0, 1],
      [0, 1],
    ],
  );
  await audited();
});

test('a batch that is cancelled while the keeper is being asked sells nothing, and what is granted is free again', async (t) => {
  let cancelling: Promise<void> | undefined;
  let cancelOnce = async () => {};
  const { which, cancel, lookAtAll, accounts, ...world } = await beginBatch(t, {
    limit: () => ({ units: '10', reason: 'pledged' }),
    instead: (request, response, goOn) => {
      if (request.url !== '/reservations') return false;
      cancelling ??= cancelOnce();
      cancelling.then(goOn, () => response.destroy());
      return true;
    },
  });
  const { sql, clock, steps, newSteps, finish, ledger, audited } = world;
  cancelOnce = () => cancel(newSteps());
  await steps.release();
  await steps.reserve();
  await cancelling;
  const isOver = 'CANCELLED client, CANCELLED client | CLOSED, CLOSED | 0 orders | 0 moved';
  assert.equal(await lookAtAll(), isOver);
  const granted = [...ledger.entries.values()].map((one) => plain(sum(one.granted.values())));
  assert.deepEqual(granted, ['10', '10'], 'the keeper holds them back');
  clock.advance(600_000);
  await finish();
  assert.equal((await stateOf(sql, which)).status, 'CANCELLED');
  assert.equal(await lookAtAll(), isOver);
  // The grants came too late to be taken, so that the reports have none; all that is not sold is free.
  const told = [...ledger.entries.values()].map((one) => one.report?.positions);
  const nothing = [{ isin: sap, granted: '0', sold: '0', released: '0' }];
  assert.deepEqual(told, [nothing, nothing]);
  const [account] = accounts;
  const again = await askToLiquidate(sql, clock, account);
  await finish();
  assert.equal(await lookAt(sql, again), 'FILLED flat | FILLED 10/10 | CLOSED 1');
  await audited();
});

test('a void after the end is reported again, under the next number', async (t) => {
  const isin = 'ZZBUST000004';
  const { sql, client, account, clock, finish, ledger, audited } = await begin(t, {
    positions: [],
  });
  await sql`
    insert into unwind.instruments (tenant_id, isin, name, trading_status, fractional, created_at, updated_at)
    values (${account.tenantId}, ${isin}, 'Void', 'ACTIVE', true, now(), now())`;
  await sql`
    insert into unwind.prices (tenant_id, isin, price, currency, updated_at)
    values (${account.tenantId}, ${isin}, 90, 'EUR', now())`;
  await finish();
  const [second] = await giveAccounts(sql, client, [{ positions: [{ isin, quantity: '20' }] }]);
  await askToLiquidate(sql, clock, second);
  await finish();
  assert.equal(reportIn(ledger), `1: ${isin} sold 20 released 0`);
  clock.advance(20_000);
  await finish();
  assert.match(reportIn(ledger), new RegExp(`^2: ${isin} sold [0-9.]+ released [0-9.]+$`));
  assert.notEqual(reportIn(ledger), `2: ${isin} sold 20 released 0`);
  await audited();
});

test('a report that does not arrive comes again, and the keeper that had it keeps the last', async (t) => {
  let failures = 2;
  const { finish, clock, ledger, requests, sql } = await begin(t, {
    instead: (request, response) => {
      if (!request.url?.endsWith('/reports') || failures === 0) return false;
      failures -= 1;
      response.writeHead(502).end();
      return true;
    },
  });
  for (let i = 0; i < 3; i += 1) {
    await finish();
    clock.advance(60_000);
  }
  assert.equal(requests.filter((one) => one.endsWith('/reports')).length, 3);
  assert.equal(reportIn(ledger), `1: ${sap} sold 10 released 0`);
  const [row] = await sql<{ open: number }[]>`
    select count(*)::integer as open from unwind_v1.reservations where next_at is not null`;
  assert.equal(row?.open, 0);
});

test('a worker without the setting sells nothing unasked: it leaves the question to one that has it', async (t) => {
  const { stepsWithout, enter, logged, finish, look, requests, waits, audited } = await begin(t);
  await enter('unset');
  assert.deepEqual(logged, ['reservations.begun', 'reservations.not_asked_here']);
  const without = stepsWithout();
  await runUntilIdle(without);
  assert.equal(await look(), 'NEW  | ASKING ');
  assert.match(await waits(), /^reservation: .* UNWIND_RESERVATIONS_URL has asked yet$/);
  assert.deepEqual(requests, []);
  await finish();
  assert.equal(await look(), 'FILLED flat | FILLED 10/10 | CLOSED 1');
  await audited();
});

test('a worker without the setting sells what another was granted, and no more', async (t) => {
  const limit = () => ({ units: '4', reason: 'pledged' });
  const { stepsWithout, steps, look, audited } = await begin(t, { limit });
  await steps.release();
  await steps.reserve();
  await runUntilIdle(stepsWithout());
  assert.match(await look(), /^CANCELLED rejected \| FILLED 4\/4 \| CLOSED 1 \| not granted/);
  await audited();
});

test('a release that has begun before the first keeper is waited for, and the next one asks', async (t) => {
  const { sql } = await createTestDatabase(t);
  const now = testClock().now();
  const log = { info: () => {}, warn: () => assert.fail('the claim ends in time') };
  const begun = Promise.withResolvers<void>();
  const mayEnd = Promise.withResolvers<void>();
  const release = inTransaction(sql, async (tx) => {
    await holdOffHalts(tx);
    assert.equal(await findDuty(tx), 'none');
    begun.resolve();
    await mayEnd.promise;
  });
  await begun.promise;
  let hasEntered = false;
  const entered = enterReservations(sql, { setting: 'asks', now }, log).then(() => {
    hasEntered = true;
  });
  while ((await findDuty(sql)) === 'none') await sql`select`;
  assert.equal(hasEntered, false);
  mayEnd.resolve();
  await Promise.all([release, entered]);
  assert.equal(await findDuty(sql), 'in_force');
});

test('only "off" ends it, for all: what waits is sold unasked, and what is open is closed and reported', async (t) => {
  const { enter, logged, steps, stepsWithout, newSteps, look, requests, audited } = await begin(t);
  await steps.release();
  await steps.reserve();
  await enter('off');
  await enter('off');
  assert.deepEqual(logged, ['reservations.begun', 'reservations.ended']);
  await runUntilIdle(stepsWithout());
  assert.equal(await look(), 'FILLED flat | FILLED 10/10 | CLOSED ');
  await audited();
  await enter('asks');
  assert.equal(logged.at(-1), 'reservations.begun');
  await runUntilIdle(newSteps());
  assert.match(requests.at(-1) ?? '', /reports$/);
});

test('"off" while a round is at the venue: its reservation is closed with the round', async (t) => {
  const { enter, steps, stepsWithout, look, audited } = await begin(t);
  await steps.release();
  await steps.reserve();
  await steps.release();
  await enter('off');
  assert.equal(await look(), 'PROCESSING  | NEW 0/10 | ANSWERED 1');
  await runUntilIdle(stepsWithout());
  assert.equal(await look(), 'FILLED flat | FILLED 10/10 | CLOSED 1');
  await audited();
});

test('the keeper refuses who is not the service', async (t) => {
  const { finish, look } = await begin(t, {
    instead: (request) => {
      request.rawHeaders.forEach((value, i, all) => {
        if (value === 'signature') all[i + 1] = 'sig1=:AAAA:';
      });
      return false;
    },
  });
  await finish();
  assert.equal(await look(), 'NEW  | ASKING ');
});

const units = fc.integer({ min: 0, max: 400 }).map((n) => String(n / 4));
const held = fc.record({
  isin: fc.constantFrom('A', 'B', 'C', 'D'),
  quantity: units,
  locked: units,
  withheld: fc.option(units, { nil: undefined }),
  fractional: fc.boolean(),
  tradable: fc.boolean(),
  lot: fc.constantFrom(undefined, '0.1', '1', '5'),
  granted: fc.option(units, { nil: undefined }),
});

test('whatever is held, locked, withheld and granted: no more is sold than granted, nor than is free', () => {
  const all = fc.uniqueArray(held, { selector: ({ isin }) => isin, maxLength: 4 });
  fc.assert(
    fc.property(all, fc.boolean(), (positions, exhausted) => {
      const holdings = positions.map(
        ({ isin, quantity, locked, withheld, fractional, tradable, lot }): Holding => ({
          isin,
          quantity: decimal(quantity),
          locked: decimal(locked),
          held: decimal('0'),
          fractional,
          tradable,
          rejected: false,
          route: { venue: 'XSIM', symbol: undefined, currency: 'EUR' },
          lotSize: lot === undefined ? undefined : decimal(lot),
          withheld:
            withheld === undefined ? undefined : { quantity: decimal(withheld), reason: undefined },
        }),
      );
      const granted = new Map(
        positions.flatMap(({ isin, granted: g }) => (g === undefined ? [] : [[isin, decimal(g)]])),
      );
      const { type, step } = reservedStep(holdings, { exhausted, stopReason: undefined, granted });
      if (step.type !== 'sell') return assert.equal(type, 'moves');
      for (const { isin, quantity } of step.sales) {
        const of = positions.find((one) => one.isin === isin);
        assert.ok(of !== undefined && quantity.gt('0'));
        const taken = sum([decimal(of.locked), decimal(of.withheld ?? '0'), quantity]);
        assert.ok(!taken.gt(decimal(of.quantity)), `${plain(quantity)} of ${JSON.stringify(of)}`);
        if (type === 'uses')
          assert.ok(!quantity.gt(of.granted === undefined ? decimal('0') : decimal(of.granted)));
      }
    }),
    { numRuns: 500 },
  );
});
