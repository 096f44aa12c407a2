// A small true history, made by the engine itself: every way a liquidation can end, and work
// stopped at every place where a running service may stand between two commits.
import assert from 'node:assert/strict';
import { later } from '../../src/clock.ts';
import type { Sql } from '../../src/db/connect.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import type { Block } from '../../src/deliveries/delivery.ts';
import { claimWebhooks } from '../../src/deliveries/delivery-store.ts';
import { type Progress, recordProgress } from '../../src/deliveries/progress-store.ts';
import { setOffsetBack } from '../../src/deliveries/replay-store.ts';
import type { Halt } from '../../src/halts/halt.ts';
import { insertHalt } from '../../src/halts/halts-store.ts';
import { type AccountId, type EventId, newId, type TenantId } from '../../src/ids.ts';
import { liftHalt } from '../../src/liquidations/lift-halt.ts';
import { decimal } from '../../src/money.ts';
import { beginDuty, endDuty } from '../../src/reservations/duty-store.ts';
import type { Keeper } from '../../src/reservations/keeper.ts';
import { simulatedVenue } from '../../src/venue/simulated/simulated-venue.ts';
import type { Venue } from '../../src/venue/venue.ts';
import { subscribe } from '../deliveries/subscriptions.ts';
import {
  type AccountOfUser,
  type BookAccount,
  type BookInstrument,
  enterRates,
  importPositions,
  listInstruments,
  makeBook,
  makeTenant,
} from '../support/book.ts';
import { type TestClock, testClock } from '../support/clock.ts';
import { changePositions } from '../support/deltas.ts';
import {
  askToCancel,
  askToLiquidate,
  type EngineSteps,
  engineSteps,
  runUntilIdle,
} from '../support/engine.ts';
import { makeBatches } from './history-of-batches.ts';

const plain = 'DE0007164600';
const other = 'DE0007236101';
const wholeUnits = 'US0378331005';
const unpriced = 'NL0000235190';
const halted = 'FR0000121014';
const filledInParts = 'IE00B5M1WJ87';
const cancelledOnTheWay = 'IE00BF2GFH28';
const refused = 'ZZREFUSED006';
const filledLate = 'ZZLATEFILL05';
const busted = 'ZZBUST000004';
const foreign = 'US5949181045';

const instruments: readonly BookInstrument[] = [
  { isin: plain, price: '120.345' },
  { isin: other, price: '33.335' },
  { isin: wholeUnits, price: '150.1', fractional: false },
  { isin: unpriced },
  { isin: halted, price: '700', tradingStatus: 'INACTIVE' },
  { isin: filledInParts, price: '50.005' },
  { isin: cancelledOnTheWay, price: '80' },
  { isin: refused, price: '1' },
  { isin: filledLate, price: '90' },
  { isin: busted, price: '90' },
  { isin: foreign, price: '400.11' },
];

const ended: readonly BookAccount[] = [
  ...['1', '2.5', '0.333', '17'].map((quantity) => ({
    positions: [
      { isin: plain, quantity },
      { isin: other, quantity: '3.3' },
    ],
  })),
  { positions: [{ isin: unpriced, quantity: '2' }] },
  { positions: [] },
  { positions: [{ isin: wholeUnits, quantity: '10.5' }] },
  { positions: [{ isin: filledInParts, quantity: '30.25' }] },
  {
    positions: [
      { isin: cancelledOnTheWay, quantity: '20' },
      { isin: plain, quantity: '1' },
    ],
  },
  {
    positions: [
      { isin: refused, quantity: '5' },
      { isin: other, quantity: '7' },
    ],
  },
];

const twoPositions: BookAccount = {
  positions: [
    { isin: plain, quantity: '4' },
    { isin: other, quantity: '6' },
  ],
};

export interface History {
  readonly clock: TestClock;
  /** The steps of an engine whose venue reports within a second of market time. */
  readonly steps: EngineSteps;
}

/** Makes the history. `atEachStop` is called wherever a running service might be looked at. */
export async function makeHistory(
  sql: Sql,
  atEachStop: (where: string) => Promise<void> = async () => {},
): Promise<History> {
  const clock = testClock();
  const scene: Scene = { sql, clock, stop: atEachStop };
  await stop(scene, 'with an empty database');
  await liquidateAtOnce(scene);
  await liquidateAgain(scene);
  await correctTheEnd(scene);
  await sellAbroad(scene);
  await settle(scene);
  await haltForAnHour(scene);
  await reserve(scene);
  await deliver(scene);
  await makeBatches(scene, (where) => stop(scene, where));
  const steps = await leaveWorkBehind(scene);
  return { clock, steps };
}

interface Scene {
  readonly sql: Sql;
  readonly clock: TestClock;
  readonly stop: (where: string) => Promise<void>;
}

async function stop({ clock, stop: look }: Scene, where: string): Promise<void> {
  await look(where);
  clock.advance(1_000);
}

/** Two tenants whose accounts are liquidated to the end, each in its way. */
async function liquidateAtOnce(scene: Scene): Promise<void> {
  const { sql, clock } = scene;
  for (const name of ['First', 'Second']) {
    const tenantId = await makeTenant(sql, name);
    const idle = { positions: [{ isin: plain, quantity: '9', locked: '9' }] };
    const accounts = await makeBook(sql, { tenantId, instruments, accounts: [...ended, idle] });
    for (const account of accounts.slice(0, ended.length)) {
      await askToLiquidate(sql, clock, account);
    }
    await stop(scene, `with liquidations of tenant ${name} asked for`);
  }
  const steps = engineSteps(sql, clock, { delayMs: 0 });
  for (const [name, step] of Object.entries(steps)) {
    await step();
    await stop(scene, `after the first step ${name}`);
  }
  await runUntilIdle(steps);
  await stop(scene, 'with all of the first round ended');
}

/** One account twice, with a purchase between; a lock that ends; a client that changes its mind. */
async function liquidateAgain(scene: Scene): Promise<void> {
  const { sql, clock } = scene;
  const { again, unlocked, stuck, cancelled } = await openAccounts(scene, 'Third', {
    again: twoPositions,
    unlocked: { positions: [{ isin: plain, quantity: '8', locked: '3' }] },
    stuck: { positions: [{ isin: halted, quantity: '1' }] },
    cancelled: twoPositions,
  });
  const steps = engineSteps(sql, clock, { delayMs: 0 });
  for (const account of [again, unlocked, stuck]) await askToLiquidate(sql, clock, account);
  const liquidationId = await askToLiquidate(sql, clock, { ...cancelled, releaseDelayMs: 60_000 });
  await stop(scene, 'with a liquidation to be cancelled');
  await askToCancel(sql, clock, { ...cancelled, liquidationId });
  await runUntilIdle(steps);
  await stop(scene, 'with two liquidations waiting');
  const changes = [
    { accountId: again.accountId, isin: plain, quantity: '1.5' },
    { accountId: again.accountId, isin: unpriced, quantity: '3' },
  ];
  const { tenantId } = again;
  await importPositions(sql, { tenantId, changes, importedAt: clock.now() });
  const { accountId } = unlocked;
  await changePositions({ sql, clock, tenantId }, [
    { type: 'unlock', accountId, isin: plain, quantity: '3' },
    { type: 'credit', accountId, isin: other, quantity: '0.75' },
    { type: 'lock', accountId, isin: other, quantity: '0.25' },
    { type: 'unlock', accountId, isin: other, quantity: '0.25' },
  ]);
  await askToLiquidate(sql, clock, again);
  clock.advance(10_000);
  await runUntilIdle(steps);
  await stop(scene, 'with the second liquidation of an account ended');
}

/** Fills and busts after the end; one of the late fills finds the units locked by then. */
async function correctTheEnd(scene: Scene): Promise<void> {
  const { sql, clock } = scene;
  const { late, gone, void_ } = await openAccounts(scene, 'Corrected', {
    late: { positions: [{ isin: filledLate, quantity: '20' }] },
    gone: { positions: [{ isin: filledLate, quantity: '20' }] },
    void_: { positions: [{ isin: busted, quantity: '20' }] },
  });
  const steps = engineSteps(sql, clock, { delayMs: 0 });
  for (const account of [late, gone, void_]) await askToLiquidate(sql, clock, account);
  await runUntilIdle(steps);
  await stop(scene, 'with all ended, and more to come');
  const changes = [{ accountId: gone.accountId, isin: filledLate, quantity: '0', locked: '1' }];
  await importPositions(sql, { tenantId: gone.tenantId, changes, importedAt: clock.now() });
  clock.advance(20_000);
  await runUntilIdle(steps);
  await stop(scene, 'with a late fill, one of them uncovered, and a bust');
}

/** What is quoted in another currency, sold by a rate and by the next one; what has none waits. */
async function sellAbroad(scene: Scene): Promise<void> {
  const { sql, clock } = scene;
  const { first, second } = await openAccounts(scene, 'Foreign', {
    first: { positions: [{ isin: foreign, quantity: '3.7' }] },
    second: { positions: [{ isin: foreign, quantity: '11' }] },
  });
  const steps = engineSteps(sql, clock, { delayMs: 0 });
  await listInstruments(sql, first, [{ isin: foreign, mic: 'XSIM', currency: 'USD' }]);
  await enterRates(sql, first, [
    { currency: 'USD', rate: '0.921', asOf: later(clock.now(), -1_000) },
  ]);
  await askToLiquidate(sql, clock, first);
  await runUntilIdle(steps);
  await stop(scene, 'with an execution in another currency');
  clock.advance(2 * 3_600_000);
  const rates = [{ currency: 'USD', rate: '0.917', asOf: clock.now() }];
  await enterRates(sql, { ...first, importedAt: clock.now() }, rates);
  await askToLiquidate(sql, clock, second);
  await runUntilIdle(steps);
  await stop(scene, 'with one by the next rate');
}

/** Under the later contract: settled on the day of the trade, after a correction, and not yet. */
async function settle(scene: Scene): Promise<void> {
  const { sql, clock } = scene;
  const { first, void_, empty, second } = await openAccounts(scene, 'Later', {
    first: twoPositions,
    void_: { positions: [{ isin: busted, quantity: '20' }] },
    empty: { positions: [] },
    second: twoPositions,
  });
  const steps = engineSteps(sql, clock, { delayMs: 0 });
  const contract = '2026';
  await askToLiquidate(sql, clock, { ...first, contract });
  await askToLiquidate(sql, clock, { ...empty, contract });
  await runUntilIdle(steps);
  await stop(scene, 'with two SETTLED');
  await sql`
    insert into unwind.venues (venue, settlement_days)
    values ('XSIM', 2)
    on conflict (venue) do update
    set settlement_days = excluded.settlement_days`;
  await askToLiquidate(sql, clock, { ...void_, contract });
  await runUntilIdle(steps);
  clock.advance(20_000);
  await runUntilIdle(steps);
  await stop(scene, 'with a void before the settlement');
  clock.advance(3 * 86_400_000);
  await runUntilIdle(steps);
  await stop(scene, 'with the rest SETTLED');
  await askToLiquidate(sql, clock, { ...second, contract });
  await runUntilIdle(steps);
  await stop(scene, 'with one FILLED that settles later');
}

/** What is at the venue is taken back, waits an hour, and is sold then. */
async function haltForAnHour(scene: Scene): Promise<void> {
  const { sql, clock } = scene;
  const { halting } = await openAccounts(scene, 'Halted', {
    halting: { positions: [{ isin: plain, quantity: '12.5' }] },
  });
  // The venue executes at a random instant within the delay: not in the seconds before the halt.
  const steps = engineSteps(sql, clock, { delayMs: 1_000_000_000 });
  const prompt = engineSteps(sql, clock, { delayMs: 0 });
  await askToLiquidate(sql, clock, halting);
  await runUntilIdle(steps);
  await stop(scene, 'with an order that is about to be halted');
  const halt: Halt = {
    tenantId: halting.tenantId,
    haltId: newId<'halt'>(),
    accountId: undefined,
    isin: plain,
    venue: undefined,
    strength: 'cancel',
    reason: 'a test',
    person: 'Tester',
    setAt: clock.now(),
    lift: undefined,
  };
  await inTransaction(sql, (tx) => insertHalt(tx, halt));
  await steps.cancel();
  await stop(scene, 'with an order that the venue is to cancel');
  await runUntilIdle(steps);
  await stop(scene, 'with an order that was taken back');
  clock.advance(3_600_000);
  await runUntilIdle(steps);
  await inTransaction(sql, (tx) => {
    return liftHalt(tx, halt, { at: clock.now(), by: 'Tester', reason: 'it is over' });
  });
  await runUntilIdle(prompt);
  clock.advance(10_000);
  await runUntilIdle(prompt);
  await stop(scene, 'with what was halted sold');
}

/** Holdings that somebody else keeps, who grants less of the first position, and nothing of the third. */
async function reserve(scene: Scene): Promise<void> {
  const { sql, clock } = scene;
  const { first, second } = await openAccounts(scene, 'Reserved', {
    first: twoPositions,
    second: { positions: [{ isin: plain, quantity: '4' }] },
  });
  const keeper: Keeper = {
    ask: async ({ positions }) => ({
      type: 'granted',
      positions: positions.map(({ isin, quantity }, i) => {
        const units = positions.length === 1 ? '0' : '2.5';
        return { isin, granted: i === 0 ? decimal(units) : quantity, reason: 'pledged' };
      }),
    }),
    report: async () => ({ type: 'reported' }),
  };
  const steps = engineSteps(sql, clock, { delayMs: 0, keeper });
  await beginDuty(sql, clock.now());
  await askToLiquidate(sql, clock, first);
  await askToLiquidate(sql, clock, second);
  await steps.release();
  await stop(scene, 'with two reservations to be asked for');
  await steps.reserve();
  await stop(scene, 'with both answered');
  await steps.release();
  await stop(scene, 'with one of them in use');
  await runUntilIdle(steps);
  await stop(scene, 'with what was granted sold');
  // What follows is not of that keeper.
  await endDuty(sql, clock.now());
}

/** The log of the first tenant replayed to a receiver that refuses its first event. */
async function deliver(scene: Scene): Promise<void> {
  const { sql, clock } = scene;
  const log = await sql<{ tenant_id: TenantId; account_id: AccountId; event_id: EventId }[]>`
    select e.tenant_id, e.account_id, e.event_id
    from unwind.events e
    join unwind.tenants t on t.tenant_id = e.tenant_id
    where t.name = 'First'
    order by e.position`;
  const [refusedEvent, next, last] = [log[0], log[1], log.at(-1)];
  assert.ok(refusedEvent !== undefined && next !== undefined && last !== undefined);
  const { tenant_id: tenantId } = refusedEvent;
  const url = 'https://hooks.example.test/';
  const webhook = await subscribe(sql, clock, { tenantId, url });
  await stop(scene, 'with a subscription');
  await inTransaction(sql, (tx) => setOffsetBack(tx, webhook, { offset: 0, now: clock.now() }));
  await stop(scene, 'with a replay asked for');
  const holder = newId<'process'>();
  const now = clock.now();
  const leaseExpiresAt = later(now, 1_000);
  const [claimed] = await claimWebhooks(sql, { holder, leaseExpiresAt, now, limit: 1 });
  assert.ok(claimed !== undefined);
  const failing = { attempts: 1, failingSince: now, lastOutcome: 'answered 500' };
  const block: Block = {
    status: 'blocked',
    requestId: newId(),
    acknowledged: new Map([[refusedEvent.account_id, 0]]),
    upTo: 1,
    nextAttemptAt: later(now, 1_000),
    lastAttemptAt: now,
    ...failing,
  };
  const attempt = {
    kind: 'delivery',
    at: now,
    durationMs: 1,
    response: '',
    attempt: 1,
    faults: [],
  } as const;
  const progress: Progress = {
    webhook: claimed.webhook,
    epoch: claimed.epoch,
    standing: { ...claimed.standing, offset: log.length, lastSuccessAt: now },
    blockedCount: 1,
    blockedDueAt: block.nextAttemptAt,
    fullOffset: undefined,
    acknowledgedCount: 1,
    failedCount: 1,
    gap: undefined,
    disable: true,
    release: true,
    blocks: new Map([[refusedEvent.account_id, block]]),
    attempts: [
      {
        ...attempt,
        place: 200,
        attemptId: newId(),
        outcome: 'answered 500',
        status: 500,
        events: 1,
        firstEventId: refusedEvent.event_id,
        lastEventId: refusedEvent.event_id,
      },
      {
        ...attempt,
        place: 0,
        attemptId: newId(),
        outcome: 'answered 204',
        status: 204,
        events: log.length - 1,
        firstEventId: next.event_id,
        lastEventId: last.event_id,
      },
    ],
  };
  assert.deepEqual(await recordProgress(sql, holder, [progress]), [claimed.webhook.updatedAt]);
  await stop(scene, 'with an account that is blocked');
}

/** Work stopped in the middle: lost answers, orders at the venue, reports not applied. */
async function leaveWorkBehind(scene: Scene): Promise<EngineSteps> {
  const { sql, clock } = scene;
  const accounts = await openAccounts(scene, 'Fourth', {
    lost: twoPositions,
    working: { positions: [{ isin: filledInParts, quantity: '40' }] },
    waiting: twoPositions,
    atVenue: twoPositions,
    sending: twoPositions,
    unsent: twoPositions,
    fresh: twoPositions,
  });
  const steps = engineSteps(sql, clock, { delayMs: 1_000 });
  const release = async (account: AccountOfUser) => {
    await askToLiquidate(sql, clock, account);
    await steps.release();
  };
  await release(accounts.lost);
  await submitTo(scene, forgetfulVenue(simulatedVenue(sql, clock, 0)));
  await stop(scene, 'with submissions whose answer was lost');
  await release(accounts.working);
  await steps.submit();
  await stop(scene, 'with orders at the venue');
  await steps.receive();
  await steps.apply();
  await steps.publish();
  await stop(scene, 'with an order partly filled');
  await release(accounts.waiting);
  await steps.submit();
  clock.advance(1_000);
  await steps.receive();
  await stop(scene, 'with reports not applied');
  await release(accounts.atVenue);
  await steps.submit();
  await stop(scene, 'with orders of which nothing is reported');
  await release(accounts.sending);
  await submitTo(scene, silentVenue);
  await stop(scene, 'with submissions that never arrived');
  await release(accounts.unsent);
  await askToLiquidate(sql, clock, { ...accounts.fresh, releaseDelayMs: 3_600_000 });
  await stop(scene, 'with orders not sent and events not published');
  return steps;
}

async function openAccounts<Name extends string>(
  { sql }: Scene,
  tenant: string,
  accounts: Readonly<Record<Name, BookAccount>>,
): Promise<Readonly<Record<Name, AccountOfUser>>> {
  const tenantId = await makeTenant(sql, tenant);
  const list: readonly BookAccount[] = Object.values(accounts);
  const made = await makeBook(sql, { tenantId, instruments, accounts: list });
  const named = Object.keys(accounts).map((name, i) => [name, made[i]]);
  return Object.fromEntries(named) as Record<Name, AccountOfUser>;
}

async function submitTo({ sql, clock }: Scene, venue: Venue): Promise<void> {
  await engineSteps(sql, clock, { delayMs: 0, venue, onWarning: () => {} }).submit();
}

/** Takes orders and dies before it answers. */
function forgetfulVenue(venue: Venue): Venue {
  return {
    ...venue,
    submit: async (orders) => {
      await venue.submit(orders);
      throw new Error('the line broke');
    },
  };
}

/** A venue that is not there. */
const silentVenue: Venue = {
  mic: 'XSIM',
  currency: 'EUR',
  flightMsMax: 2_000,
  submit: () => Promise.reject(new Error('the line is dead')),
  lookUp: () => Promise.reject(new Error('the line is dead')),
  cancel: () => Promise.reject(new Error('the line is dead')),
  reports: () => Promise.reject(new Error('the line is dead')),
};
