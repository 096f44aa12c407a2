// The queue of one subscription against a model: any log, any receiver, any interleaving of several
// requests, deaths at any moment. Whatever happens, the events of an account first arrive in order,
// and in the end nothing is missing but what was set aside.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { later } from '../../src/clock.ts';
import { overtaken } from '../../src/deliveries/accounts.ts';
import type { Block, Outcome, Sending, Standing } from '../../src/deliveries/delivery.ts';
import type { DeliveryQueue } from '../../src/deliveries/delivery-queue.ts';
import { blockedAccountsMax } from '../../src/deliveries/limits.ts';
import { type AccountId, newId } from '../../src/ids.ts';
import { type LoggedEvent, loggedEvent, type WebhookSettings } from '../../src/webhooks/webhook.ts';
import { times } from '../support/length.ts';
import { fc } from '../support/properties.ts';
import { queueOf, settingsOf, startOfTime } from './queues.ts';

type Answer = 'acknowledged' | 'refused' | 'down' | 'cut';

interface Script {
  /** The account of each event of the log. */
  readonly accounts: readonly number[];
  readonly packaging: Partial<WebhookSettings>;
  /** What the receiver answers, in turn, and which of the requests under way is answered. */
  readonly answers: readonly { readonly answer: Answer; readonly which: number }[];
  /** Before which answers the process dies, and whether it had recorded by then. */
  readonly deaths: readonly { readonly before: number; readonly isRecorded: boolean }[];
  readonly random: number;
}

const script: fc.Arbitrary<Script> = fc.record({
  accounts: fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 30 }),
  packaging: fc.constantFrom<Partial<WebhookSettings>>(
    {},
    { maxPackageSize: 1_000 },
    { maxPackageSize: 1_048_576, delayS: 3 },
  ),
  answers: fc.array(
    fc.record({
      answer: fc.constantFrom<Answer>('acknowledged', 'refused', 'refused', 'down', 'cut'),
      which: fc.nat({ max: 7 }),
    }),
    { maxLength: 60 },
  ),
  deaths: fc.array(fc.record({ before: fc.nat({ max: 60 }), isRecorded: fc.boolean() }), {
    maxLength: 4,
  }),
  random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
});

/** What the database holds of the subscription, and how it is read. */
class Ledger {
  standing: Standing = queueOf().standing;
  blocks = new Map<AccountId, Block>();
  readonly log: readonly LoggedEvent[];

  constructor(log: readonly LoggedEvent[]) {
    this.log = log;
  }

  get head(): number {
    return this.log.length;
  }

  record(queue: DeliveryQueue): void {
    this.standing = queue.standing;
    for (const [accountId, block] of queue.takeChanges()) {
      if (block === undefined) this.blocks.delete(accountId);
      else this.blocks.set(accountId, block);
    }
  }

  /** The blocks as they are read back: accounts of one request together, each as recorded. */
  distinctBlocks(): readonly Block[] {
    const byRequest = Map.groupBy(this.blocks, ([, block]) => block.requestId);
    return [...byRequest.values()].flatMap((rows) => {
      const [first] = rows;
      if (first === undefined) return [];
      const acknowledged = rows.map(([accountId, block]) => [
        accountId,
        block.acknowledged.get(accountId),
      ]);
      return [{ ...first[1], acknowledged: new Map(acknowledged as [AccountId, number][]) }];
    });
  }

  feed(queue: DeliveryQueue, now: Date): void {
    queue.setHead(this.head);
    for (let reads = 0; reads < 1_000; reads += 1) {
      const wanted = queue.wanted(now);
      if (wanted === undefined) return;
      if (wanted.type === 'log') {
        const page = this.log.filter(({ offset }) => offset > wanted.after).slice(0, 7);
        queue.addLog(page, page.at(-1)?.offset ?? this.head);
      } else {
        const { block, upTo } = wanted;
        const events = this.log.filter(({ accountId, offset }) => {
          const after = block.acknowledged.get(accountId);
          return after !== undefined && offset > after && offset <= upTo;
        });
        queue.addBlocked(block, events, upTo);
      }
    }
    assert.fail('the queue wants to read for ever');
  }
}

function logOf(accounts: readonly number[]): readonly LoggedEvent[] {
  const ids = new Map<number, AccountId>();
  return accounts.map((account, i) => {
    const accountId = ids.get(account) ?? newId<'account'>();
    ids.set(account, accountId);
    const object = JSON.stringify({ padding: 'x'.repeat(account * 40) });
    const eventId = newId<'event'>();
    const type = 'ACCOUNT_LIQUIDATION.NEW';
    const createdAt = startOfTime.toISOString();
    return loggedEvent({ offset: i + 1, eventId, accountId, type, object, createdAt });
  });
}

function outcomeOf(answer: Answer, at: Date): Outcome {
  const failure = { at, reason: answer, retryAfterMs: undefined, random: 0 };
  if (answer === 'acknowledged') return { type: 'acknowledged', at, reason: answer };
  if (answer === 'cut') return { type: 'cut' };
  return { type: answer, ...failure };
}

/** Runs a script, then a receiver that takes everything. @returns offsets as they first arrived. */
function deliver({ accounts, packaging, answers, deaths, random }: Script): readonly LoggedEvent[] {
  const ledger = new Ledger(logOf(accounts));
  const webhook = settingsOf(packaging);
  const arrived = new Set<LoggedEvent>();
  const open = () => {
    const blocks = ledger.distinctBlocks();
    const { standing } = ledger;
    return queueOf({ webhook, standing, blocks, setAsideAttempts: 1_000, random: () => random });
  };
  let queue = open();
  let underWay: Sending[] = [];
  let now = later(startOfTime, 10_000);
  let answered = 0;
  const dying = [...deaths];
  for (let turn = 0; turn < 20_000; turn += 1) {
    const death = dying.findIndex(({ before }) => before === answered);
    for (const { isRecorded } of death < 0 ? [] : dying.splice(death, 1)) {
      if (isRecorded) ledger.record(queue);
      [queue, underWay] = [open(), []];
    }
    ledger.feed(queue, now);
    const next = queue.next(now);
    if (next.type === 'send') {
      const own = next.sending.events.map((event) => event.accountId);
      const busy = underWay.flatMap(({ events }) => events.map((event) => event.accountId));
      assert.ok(!own.some((id) => busy.includes(id)), 'one request of an account at a time');
      queue.begin(next.sending);
      underWay.push(next.sending);
      const offsets = next.sending.events.map((event) => event.offset);
      assert.deepEqual(
        offsets,
        offsets.toSorted((a, b) => a - b),
        'ascending',
      );
      // A request arrives when it is sent, whatever becomes of it.
      for (const event of next.sending.events) arrived.add(event);
      continue;
    }
    const { answer, which } = answers[answered] ?? { answer: 'acknowledged', which: 0 };
    const [sending] = underWay.splice(which % Math.max(underWay.length, 1), 1);
    answered += 1;
    if (sending !== undefined) {
      queue.settle(sending, outcomeOf(answer, now));
      continue;
    }
    queue.finish();
    ledger.record(queue);
    const { offset } = ledger.standing;
    if (offset === ledger.head && ledger.blocks.size === 0) return [...arrived];
    now = later(now, 600_000);
    queue = open();
  }
  return assert.fail('not delivered in the end');
}

test('the events of an account first arrive in order, and none is missing', () => {
  fc.assert(
    fc.property(script, (one) => {
      const arrived = deliver(one);
      assert.equal(arrived.length, one.accounts.length);
      for (const own of Map.groupBy(arrived, (event) => event.accountId).values()) {
        const offsets = own.map((event) => event.offset);
        assert.deepEqual(
          offsets,
          offsets.toSorted((a, b) => a - b),
        );
      }
    }),
    { numRuns: times({ short: 600, long: 2_000 }) },
  );
});

/** Delivers with a receiver that decides by the events of a request. @returns the queue's ledger. */
function deliverTo(
  takes: (events: readonly LoggedEvent[]) => boolean,
  given: { accounts: readonly number[]; packaging?: Partial<WebhookSettings>; hours: number },
) {
  const ledger = new Ledger(logOf(given.accounts));
  const webhook = settingsOf(given.packaging ?? {});
  const taken = new Set<number>();
  let requests = 0;
  let now = later(startOfTime, 10_000);
  const end = later(now, given.hours * 3_600_000);
  while (now < end) {
    const blocks = ledger.distinctBlocks();
    // Something else is taken now and then, as of a receiver with traffic.
    const standing = { ...ledger.standing, lastSuccessAt: taken.size > 0 ? now : undefined };
    let random = 0;
    const queue = queueOf({
      webhook,
      standing,
      blocks,
      random: () => {
        random = (random + 0.37) % 1;
        return random;
      },
    });
    for (;;) {
      ledger.feed(queue, now);
      const next = queue.next(now);
      if (next.type !== 'send') break;
      queue.begin(next.sending);
      requests += 1;
      const isAcknowledged = takes(next.sending.events);
      if (isAcknowledged) for (const { offset } of next.sending.events) taken.add(offset);
      queue.settle(next.sending, outcomeOf(isAcknowledged ? 'acknowledged' : 'refused', now));
    }
    queue.finish();
    ledger.record(queue);
    const isResting = ledger.standing.attempts > 0 && ledger.standing.nextAttemptAt > now;
    const due = isResting ? ledger.standing.nextAttemptAt : queue.blockedDueAt;
    if (due === undefined) break;
    now = due > now ? due : later(now, 1);
  }
  return { ledger, taken, requests };
}

for (const packaging of [{}, { maxPackageSize: 1_048_576 }]) {
  const what = JSON.stringify(packaging);

  test(`one event that is never taken costs its own account only, with ${what}`, () => {
    const accounts = [0, 1, 2, 3, 4, 2, 2, 5, 6, 7, 8, 9];
    const isPoison = (event: LoggedEvent) => event.offset === 6;
    const { ledger, taken } = deliverTo((events) => !events.some(isPoison), {
      accounts,
      packaging,
      hours: 24,
    });
    assert.deepEqual(
      [...taken].toSorted((a, b) => a - b),
      [1, 2, 3, 4, 5, 8, 9, 10, 11, 12],
      'all but the event and what follows it in its account',
    );
    const [block, ...others] = ledger.distinctBlocks();
    assert.deepEqual(others, []);
    const [after = 0] = block?.acknowledged.values() ?? [];
    assert.equal(block?.status, 'set_aside');
    assert.ok(after >= 3 && after < 6, 'behind what was taken of the account');
    assert.equal(ledger.standing.offset, 12);
  });

  test(`a receiver that takes nothing is not held to account, with ${what}`, () => {
    const accounts = Array.from({ length: 30 }, (_, i) => i % 10);
    const { ledger, requests } = deliverTo(() => false, { accounts, packaging, hours: 2 });
    assert.deepEqual(ledger.distinctBlocks(), [], 'it costs its own row and no other');
    assert.equal(ledger.standing.offset, 0);
    // 1, 2, 3, 5 … 600 s: some twenty retries in two hours, of two requests at most.
    assert.ok(requests >= 20 && requests <= 60, `${requests} requests`);
  });
}

/** A queue that has read as much as it wants of a log of one event of each account given. */
function queueWith(
  accounts: readonly number[],
  packaging: Partial<WebhookSettings> = {},
  blocks: readonly Block[] = [],
) {
  const log = logOf(accounts);
  const queue = queueOf({ webhook: settingsOf(packaging), blocks });
  const readOn = (now: Date) => {
    queue.setHead(log.length);
    for (let wanted = queue.wanted(now); wanted?.type === 'log'; wanted = queue.wanted(now)) {
      const { after } = wanted;
      const page = log.slice(after, after + 2_000);
      queue.addLog(page, page.at(-1)?.offset ?? log.length);
    }
  };
  return { queue, readOn, log };
}

function beginNext(queue: DeliveryQueue, now: Date): Sending {
  const next = queue.next(now);
  assert.ok(next.type === 'send');
  queue.begin(next.sending);
  return next.sending;
}

test('an account that keeps a full window waiting steps aside after a while', () => {
  const { queue, readOn, log } = queueWith([...new Array(20_000).fill(0), 1]);
  readOn(startOfTime);
  const slow = beginNext(queue, startOfTime);
  readOn(later(startOfTime, 1));
  assert.equal(
    queue.next(later(startOfTime, 1)).type,
    'nothing',
    'all that is read is of one account',
  );
  const now = later(startOfTime, 2_001);
  readOn(now);
  assert.deepEqual([...queue.takeChanges().keys()], [log[0]?.accountId]);
  queue.settle(slow, outcomeOf('acknowledged', now));
  assert.deepEqual(beginNext(queue, now).events, log.slice(-1), 'the other account has its turn');
});

test('nothing steps aside where as many accounts are held as may be', () => {
  const accounts = [...new Array(20_000).fill(0), 1];
  const blocks = Array.from({ length: blockedAccountsMax }, (): Block => {
    const acknowledged = new Map([[newId<'account'>(), 0]]);
    return { ...overtaken(newId(), [], startOfTime), acknowledged, status: 'set_aside' };
  });
  const { queue, readOn } = queueWith(accounts, {}, blocks);
  readOn(startOfTime);
  const slow = beginNext(queue, startOfTime);
  for (const ms of [1, 2_001, 14_000]) readOn(later(startOfTime, ms));
  assert.deepEqual([...queue.takeChanges()], []);
  queue.settle(slow, outcomeOf('acknowledged', later(startOfTime, 14_001)));
  assert.equal(beginNext(queue, later(startOfTime, 14_001)).events[0]?.offset, 2);
});

test('a large package is waited for: holding all of its accounts would cost a row for each', () => {
  const accounts = Array.from({ length: 12_000 }, (_, i) => i % 100);
  const { queue, readOn } = queueWith(accounts, { maxPackageSize: 1_048_576 });
  readOn(startOfTime);
  const slow = beginNext(queue, startOfTime);
  const { offset: last = 0 } = slow.events.at(-1) ?? {};
  assert.ok(last > 100, 'it carries events of all accounts');
  for (const ms of [1, 2_001, 14_000]) readOn(later(startOfTime, ms));
  assert.deepEqual([...queue.takeChanges()], []);
  queue.settle(slow, outcomeOf('acknowledged', later(startOfTime, 14_001)));
  assert.equal(beginNext(queue, later(startOfTime, 14_001)).events[0]?.offset, last + 1);
});

test('what is collected waits for its delay, also while more of the log is read', () => {
  const packaging = { maxPackageSize: 1_048_576, delayS: 5 };
  const log = logOf([0, 1, 2]);
  const queue = queueOf({ webhook: settingsOf(packaging) });
  const now = later(startOfTime, 100);
  queue.setHead(2);
  queue.addLog(log.slice(0, 2), 2);
  assert.equal(queue.next(now).type, 'collect');
  queue.setHead(3);
  assert.deepEqual(queue.wanted(now), { type: 'log', after: 2 });
  assert.equal(queue.next(now).type, 'nothing', 'what is behind it may belong to it');
  queue.addLog(log.slice(2), 3);
  assert.equal(queue.next(now).type, 'collect');
  queue.setHead(4);
  const next = queue.next(later(startOfTime, 5_000));
  assert.ok(next.type === 'send', 'its time has come, whatever is being read');
  assert.deepEqual(next.sending.events, log);
});
