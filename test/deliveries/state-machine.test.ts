// The state machine of a delivery, whatever happens to it: the receiver and each account only move along
// their tables, and what must stay true of the offset and of requests does.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { later } from '../../src/clock.ts';
import {
  type AccountStatus,
  accountTransitions,
  type Block,
  isFailing,
  isResting,
  type Outcome,
  type ReceiverStatus,
  receiverTransitions,
  type Sending,
} from '../../src/deliveries/delivery.ts';
import { type AccountId, newId } from '../../src/ids.ts';
import type { Transitions } from '../../src/state-machine.ts';
import { type LoggedEvent, loggedEvent } from '../../src/webhooks/webhook.ts';
import { arrowsOf } from '../../tools/state-machines.ts';
import { fc } from '../support/properties.ts';
import { queueOf, settingsOf, startOfTime } from './queues.ts';

type Answer = Outcome['type'] | 'asks to wait';

interface Step {
  readonly answer: Answer;
  /** Which of the requests under way is answered. */
  readonly which: number;
  /** How much time passes, in s. */
  readonly waitS: number;
  /** Whether as many requests begin as may, or one. */
  readonly beginsAll: boolean;
}

const answers: readonly Answer[] = [
  'acknowledged',
  'acknowledged',
  'refused',
  'refused',
  'down',
  'asks to wait',
  'gone',
  'cut',
];

const steps = fc.array(
  fc.record<Step>({
    answer: fc.constantFrom(...answers),
    which: fc.nat({ max: 7 }),
    waitS: fc.constantFrom(0, 0, 1, 600),
    beginsAll: fc.boolean(),
  }),
  { minLength: 1, maxLength: 80 },
);
const accounts = fc.array(fc.nat({ max: 4 }), { minLength: 1, maxLength: 25 });
const packaging = fc.constantFrom({}, { maxPackageSize: 2_000 });

function logOf(which: readonly number[]): readonly LoggedEvent[] {
  const ids = Array.from({ length: 5 }, () => newId<'account'>());
  return which.map((account, i) =>
    loggedEvent({
      offset: i + 1,
      eventId: newId<'event'>(),
      accountId: ids[account] ?? newId<'account'>(),
      type: 'ACCOUNT_LIQUIDATION.NEW',
      object: '{}',
      createdAt: startOfTime.toISOString(),
    }),
  );
}

function outcomeOf(answer: Answer, at: Date): Outcome {
  const failure = { at, reason: answer, random: 0, retryAfterMs: undefined };
  switch (answer) {
    case 'acknowledged':
      return { type: 'acknowledged', at, reason: answer };
    case 'cut':
      return { type: 'cut' };
    case 'asks to wait':
      return { ...failure, type: 'down', retryAfterMs: 5_000 };
    default:
      return { ...failure, type: answer };
  }
}

/** Pairs of states that some causes lead from one to the other, with any number of steps between. */
function reachable(table: Transitions<string>): ReadonlySet<string> {
  const states = Object.keys(table);
  const pairs = new Set(states.map((state) => `${state} ${state}`));
  for (const { from, to } of arrowsOf(table)) pairs.add(`${from} ${to}`);
  for (const via of states) {
    for (const from of states) {
      for (const to of states) {
        if (pairs.has(`${from} ${via}`) && pairs.has(`${via} ${to}`)) pairs.add(`${from} ${to}`);
      }
    }
  }
  return pairs;
}

const receiverPairs = new Set(arrowsOf(receiverTransitions).map(({ from, to }) => `${from} ${to}`));
const accountPairs = reachable(accountTransitions);

/** One claim of a subscription, watched at each step. */
class Watched {
  readonly log: readonly LoggedEvent[];
  readonly queue: ReturnType<typeof queueOf>;
  readonly acknowledged = new Set<LoggedEvent>();
  readonly blocks = new Map<AccountId, Block>();
  underWay: Sending[] = [];
  now = later(startOfTime, 10_000);
  #receiver: ReceiverStatus;

  constructor(log: readonly LoggedEvent[], settings: object) {
    this.log = log;
    this.queue = queueOf({ webhook: settingsOf(settings), setAsideAttempts: 6 });
    this.#receiver = this.queue.receiver.status;
  }

  readAll(): void {
    this.queue.setHead(this.log.length);
    for (let wanted = this.queue.wanted(this.now); wanted; wanted = this.queue.wanted(this.now)) {
      if (wanted.type === 'log') {
        const { after } = wanted;
        this.queue.addLog(this.log.slice(after, after + 7), Math.min(after + 7, this.log.length));
      } else {
        const { block, upTo } = wanted;
        const events = this.log.filter(({ accountId, offset }) => {
          return offset > (block.acknowledged.get(accountId) ?? upTo) && offset <= upTo;
        });
        this.queue.addBlocked(block, events, upTo);
      }
    }
  }

  begin(most: number): void {
    for (let begun = 0; begun < most; begun += 1) {
      this.readAll();
      const next = this.queue.next(this.now);
      if (next.type !== 'send') return;
      assert.ok(!isResting(this.queue.receiver), 'nothing begins while the receiver rests');
      const isFirst = !isFailing(this.queue.receiver) || this.underWay.length === 0;
      assert.ok(isFirst, 'a failing receiver has one request at a time');
      this.queue.begin(next.sending);
      this.underWay.push(next.sending);
      const busy = this.underWay.flatMap(({ events }) => [
        ...new Set(events.map(({ accountId }) => accountId)),
      ]);
      assert.equal(new Set(busy).size, busy.length, 'at most one request of an account');
      for (const { accountId, offset } of next.sending.events) {
        const before = this.log.filter((one) => one.accountId === accountId && one.offset < offset);
        const isInOrder = before.every(
          (one) => this.acknowledged.has(one) || next.sending.events.includes(one),
        );
        assert.ok(isInOrder, 'what came before in the account is acknowledged');
      }
      this.check();
    }
  }

  settle({ which, answer }: Step): void {
    const [sending] = this.underWay.splice(which % Math.max(this.underWay.length, 1), 1);
    if (sending === undefined) return;
    if (answer === 'acknowledged') for (const one of sending.events) this.acknowledged.add(one);
    this.queue.settle(sending, outcomeOf(answer, this.now));
    this.check();
  }

  check(): void {
    const { receiver, standing } = this.queue;
    const isArrow = receiver.status === this.#receiver;
    assert.ok(isArrow || receiverPairs.has(`${this.#receiver} ${receiver.status}`));
    this.#receiver = receiver.status;
    for (const [accountId, block] of this.queue.takeChanges()) {
      const from: AccountStatus = this.blocks.get(accountId)?.status ?? 'in_step';
      const to: AccountStatus = block?.status ?? 'in_step';
      assert.ok(accountPairs.has(`${from} ${to}`), `${from} to ${to}`);
      assert.notEqual(to, 'doubted', 'a doubt is never recorded');
      if (block === undefined) this.blocks.delete(accountId);
      else this.blocks.set(accountId, block);
    }
    assert.equal(this.queue.blockedCount, this.blocks.size, 'blocked accounts are counted');
    for (const event of this.log) {
      if (this.acknowledged.has(event)) continue;
      const passed = this.blocks.get(event.accountId)?.acknowledged.get(event.accountId);
      const isKept = event.offset > (passed ?? standing.offset);
      assert.ok(isKept, 'nothing passes an event that is not acknowledged');
    }
  }
}

test('whatever receivers answer, the machine keeps to its tables and loses nothing', () => {
  fc.assert(
    fc.property(accounts, packaging, steps, (which, settings, script) => {
      const watched = new Watched(logOf(which), settings);
      for (const step of script) {
        watched.begin(step.beginsAll ? 20 : 1);
        watched.settle(step);
        watched.now = later(watched.now, step.waitS * 1_000);
      }
      watched.queue.finish();
      watched.check();
    }),
    { numRuns: 1_500 },
  );
});
