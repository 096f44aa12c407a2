// What is sent next and when it is tried again: tables and properties of the pure part of the room.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { later } from '../../src/clock.ts';
import { newId } from '../../src/ids.ts';
import {
  attemptsWithin,
  eventBody,
  type LoggedEvent,
  loggedEvent,
  requestBody,
  retryGapMs,
} from '../../src/webhooks/webhook.ts';
import { queueOf, settingsOf } from '../deliveries/queues.ts';
import { character, fc } from '../support/properties.ts';

const webhookId = newId<'webhook'>();
const start = new Date('2026-01-05T09:00:00.000Z');

function eventAt(offset: number, object = '{}', at = start): LoggedEvent {
  const type = 'ACCOUNT_LIQUIDATION.NEW';
  const [eventId, accountId] = [newId<'event'>(), newId<'account'>()];
  return loggedEvent({ offset, eventId, accountId, type, object, createdAt: at.toISOString() });
}

describe('retryGapMs', () => {
  const gapsS = [1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 600, 600, 600];

  for (const [i, gapS] of gapsS.entries()) {
    test(`waits ${gapS} s after ${i + 1} failed attempts`, () => {
      assert.equal(retryGapMs(i + 1, 0), gapS * 1_000);
    });
  }

  const attempts = fc.integer({ min: 1, max: 1_000_000 });
  const lot = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

  test('never grows past 600 s and a tenth of jitter', () => {
    fc.assert(
      fc.property(attempts, lot, (count, random) => {
        const [gap, jittered] = [retryGapMs(count, 0), retryGapMs(count, random)];
        assert.ok(gap >= 1_000 && gap <= 600_000);
        assert.ok(jittered >= gap && jittered <= gap * 1.1);
      }),
    );
  });

  test('never shrinks with further attempts', () => {
    fc.assert(fc.property(attempts, (count) => retryGapMs(count + 1, 0) >= retryGapMs(count, 0)));
  });

  test('uses the whole jitter, so that subscriptions which failed together spread', () => {
    const gaps = [0, 0.25, 0.5, 0.75].map((random) => retryGapMs(14, random));
    assert.deepEqual(gaps, [600_000, 615_000, 630_000, 645_000]);
  });
});

test('attempts are counted by the time that retries have taken', () => {
  const table = [
    [0, 1],
    [1, 2],
    [1_000, 2],
    [1_001, 3],
    [11_000, 5],
    [3_600_000, 19],
  ] as const;
  for (const [ms, attempts] of table) assert.equal(attemptsWithin(ms), attempts, `${ms} ms`);
});

interface Packaging {
  readonly delayS?: number;
  readonly maxPackageSize?: number;
}

/** What is sent first of a log that is read so far: all of it, or as much as there is room for. */
function nextPackage(
  packaging: Packaging,
  events: readonly LoggedEvent[],
  now: Date,
  isAll: boolean,
) {
  const webhook = { ...settingsOf(packaging), webhookId };
  const queue = queueOf({ webhook, ...(isAll ? {} : { windowBytesMax: () => 1 }) });
  const readTo = events.at(-1)?.offset ?? 0;
  queue.setHead(isAll ? readTo : readTo + 1);
  queue.addLog(events, readTo);
  const next = queue.next(now);
  if (next.type !== 'send') return next;
  const { events: sent } = next.sending;
  const upTo = sent.at(-1)?.offset ?? 0;
  return { type: 'send', body: requestBody(webhook, sent), upTo } as const;
}

test('point 15: an event is delivered with exactly these bytes', () => {
  const event = eventAt(7, '{"id":"1","cash_amount":"852.20"}');
  assert.equal(
    eventBody(event, webhookId),
    `{"created_at":"2026-01-05T09:00:00.000Z","id":"${event.eventId}",` +
      '"object":{"id":"1","cash_amount":"852.20"},' +
      `"type":"ACCOUNT_LIQUIDATION.NEW","webhook_id":"${webhookId}"}`,
  );
});

describe('the next request', () => {
  const plain: Packaging = {};
  const [one, two, three] = [eventAt(3), eventAt(5), eventAt(6)];
  const packageOf = (...events: readonly LoggedEvent[]): string => {
    return `{"payload":[${events.map((event) => eventBody(event, webhookId)).join(',')}]}`;
  };
  const send = (body: string, upTo: number) => ({ type: 'send', body, upTo });

  test('finds nothing to send where nothing is', () => {
    assert.deepEqual(nextPackage(plain, [], start, true), { type: 'nothing' });
    assert.deepEqual(nextPackage({ ...plain, delayS: 30 }, [], start, true), { type: 'nothing' });
  });

  test('sends one event alone, without a wrapper, where nothing is set', () => {
    const next = nextPackage(plain, [one, two], start, true);
    assert.deepEqual(next, send(eventBody(one, webhookId), 3));
  });

  test('collects until the oldest event is as old as the delay', () => {
    const delayed = { ...plain, delayS: 10 };
    const due = later(start, 10_000);
    const events = [one, two, eventAt(6, '{}', later(start, 9_000))];
    const early = nextPackage(delayed, events, later(due, -1), true);
    assert.deepEqual([early.type, early.type === 'collect' && early.until], ['collect', due]);
    assert.deepEqual(nextPackage(delayed, events, due, true), send(packageOf(...events), 6));
  });

  test('sends at once where more events follow than there is room for', () => {
    const next = nextPackage({ ...plain, delayS: 10 }, [one, two], start, false);
    assert.deepEqual(next, send(packageOf(one, two), 5));
  });

  test('sends at once what fills a package, to the byte', () => {
    const exact = Buffer.byteLength(packageOf(one, two));
    const sized = (maxPackageSize: number) => {
      return nextPackage({ ...plain, delayS: 10, maxPackageSize }, [one, two, three], start, true);
    };
    assert.deepEqual(sized(exact), send(packageOf(one, two), 5));
    assert.deepEqual(sized(exact - 1), send(packageOf(one), 3));
    assert.equal(sized(Buffer.byteLength(packageOf(one, two, three))).type, 'collect');
  });

  test('sends a single event that is larger than a package', () => {
    const next = nextPackage({ ...plain, maxPackageSize: 100 }, [one, two], start, true);
    assert.ok(Buffer.byteLength(packageOf(one)) > 100);
    assert.deepEqual(next, send(packageOf(one), 3));
  });

  test('counts bytes, not characters', () => {
    const umlauts = [eventAt(1, '{"name":"ÄÖÜ€"}'), eventAt(2, '{"name":"ÄÖÜ€"}')];
    const body = packageOf(...umlauts);
    assert.ok(Buffer.byteLength(body) > body.length);
    const next = nextPackage({ ...plain, maxPackageSize: body.length }, umlauts, start, true);
    assert.deepEqual(next.type === 'send' && next.upTo, 1);
  });

  const texts = fc.string({ unit: character, maxLength: 400 });
  const logs = fc
    .array(fc.record({ gap: fc.integer({ min: 1, max: 9 }), text: texts }), { maxLength: 30 })
    .map((items) => {
      let offset = 0;
      return items.map(({ gap, text }) => {
        offset += gap;
        return eventAt(offset, JSON.stringify({ text }));
      });
    });

  test('cuts any log into packages: all events once, in order, within size, none too small', () => {
    const sizes = fc.integer({ min: 100, max: 3_000 });
    fc.assert(
      fc.property(logs, sizes, (events, maxPackageSize) => {
        const sized = { ...plain, maxPackageSize };
        const sent: string[] = [];
        let left: readonly LoggedEvent[] = events;
        while (left.length > 0) {
          const next = nextPackage(sized, left, start, true);
          assert.ok(next.type === 'send');
          const { body, upTo } = next;
          const count = left.findIndex((event) => event.offset > upTo);
          const taken = count < 0 ? left.length : count;
          assert.equal(body, packageOf(...left.slice(0, taken)));
          assert.ok(taken === 1 || Buffer.byteLength(body) <= maxPackageSize);
          const larger = packageOf(...left.slice(0, taken + 1));
          assert.ok(taken === left.length || Buffer.byteLength(larger) > maxPackageSize);
          sent.push(...left.slice(0, taken).map((event) => event.eventId));
          left = left.slice(taken);
        }
        assert.deepEqual(
          sent,
          events.map((event) => event.eventId),
        );
      }),
    );
  });
});
