// One subscription while it is delivered to: what it reads, sends and records goes on side by side.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { later } from '../../src/clock.ts';
import type { ClaimedWebhook } from '../../src/deliveries/delivery-store.ts';
import { deliveryWindowBytesMax } from '../../src/deliveries/limits.ts';
import type { Progress } from '../../src/deliveries/progress-store.ts';
import { Session, type SessionPorts } from '../../src/deliveries/session.ts';
import { FairSlots } from '../../src/deliveries/sharing.ts';
import type { Attempt } from '../../src/egress/post.ts';
import { newId } from '../../src/ids.ts';
import { type LoggedEvent, loggedEvent } from '../../src/webhooks/webhook.ts';
import { eventually } from '../support/condition.ts';
import { queueOf, settingsOf, startOfTime } from './queues.ts';

function eventAt(offset: number): LoggedEvent {
  const [eventId, accountId] = [newId<'event'>(), newId<'account'>()];
  const createdAt = startOfTime.toISOString();
  const type = 'ACCOUNT_LIQUIDATION.NEW';
  return loggedEvent({ offset, eventId, accountId, type, object: '{}', createdAt });
}

const taken: Attempt = {
  type: 'answered',
  status: 204,
  headers: {},
  answer: '',
  retryAfterMs: undefined,
  durationMs: 1,
};

test('what was done last is recorded once more, and never beside another recording', async () => {
  const webhook = settingsOf({});
  const events = [eventAt(1), eventAt(2)];
  const claimed: ClaimedWebhook = {
    webhook,
    epoch: 1,
    standing: queueOf().standing,
    head: 2,
    droppedTo: 0,
    gap: undefined,
    acknowledgedCount: 0,
    failedCount: 0,
  };
  let now = startOfTime;
  const recorded: Progress[] = [];
  const waiting: (() => void)[] = [];
  let atOnceMax = 0;
  let sent = 0;
  const ports: SessionPorts = {
    clock: { now: () => now },
    random: () => 0,
    newId,
    setAsideAttempts: 18,
    windowBytesMax: () => deliveryWindowBytesMax,
    readLog: async () => ({ events, readTo: 2, head: 2 }),
    readBlocked: async () => [],
    record: async (progress) => {
      recorded.push(progress);
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.push(resolve);
      atOnceMax = Math.max(atOnceMax, waiting.length);
      await promise;
      waiting.splice(waiting.indexOf(resolve), 1);
      return webhook.updatedAt;
    },
    send: async () => {
      sent += 1;
      return taken;
    },
    signings: new FairSlots(1),
    slots: new FairSlots(2),
    failingSlots: new FairSlots(1),
    stopping: new AbortController().signal,
    cut: new AbortController().signal,
    log: { info: () => {}, warn: () => {} },
  };
  const session = new Session(claimed, [], ports);
  const ended = session.run();
  await eventually('both are sent while the first is recorded', () => sent === 2);
  now = later(now, 1_000);
  waiting[0]?.();
  // The log is looked at just now, at whatever moment that is.
  for (let tick = 0; tick < 50; tick += 1) {
    session.poke({ head: 2, droppedTo: 0 });
    await Promise.resolve();
  }
  await eventually('it is recorded again', () => {
    for (const go of waiting) go();
    return recorded.at(-1)?.release === true;
  });
  await ended;
  assert.equal(atOnceMax, 1);
  assert.equal(recorded.at(-1)?.standing.offset, 2);
});
