// Pages of the log that subscriptions share: read once, complete, and bounded in bytes.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { logReadMax } from '../../src/deliveries/limits.ts';
import { type LogAsked, LogPages, type LogRead, readLogs } from '../../src/deliveries/log-store.ts';
import { type AccountId, newId } from '../../src/ids.ts';
import { type LoggedEvent, loggedEvent } from '../../src/webhooks/webhook.ts';
import { fc } from '../support/properties.ts';
import { logLiquidations, logOf, newAccounts, newWorld } from './world.ts';

const tenantId = newId<'tenant'>();

function eventAt(offset: number): LoggedEvent {
  return loggedEvent({
    offset,
    eventId: newId<'event'>(),
    accountId: newId<'account'>() as AccountId,
    type: 'ACCOUNT_LIQUIDATION.NEW',
    object: '{}',
    createdAt: '2026-01-05T09:00:00.000Z',
  });
}

/** A log in memory that counts how often it is read. */
function logWith(offsets: readonly number[]) {
  const events = offsets.map(eventAt);
  const reads: LogAsked[] = [];
  const read = async (asked: LogAsked): Promise<LogRead> => {
    reads.push(asked);
    const head = events.at(-1)?.offset ?? 0;
    const page = events.filter(({ offset }) => offset > asked.after).slice(0, asked.limit);
    const isCut = page.length === asked.limit;
    return { events: page, readTo: isCut ? (page.at(-1)?.offset ?? head) : head, head };
  };
  return { events, reads, pages: new LogPages(read) };
}

function upTo(count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => i + 1);
}

async function readThrough(pages: LogPages, from: number): Promise<readonly LoggedEvent[]> {
  const found: LoggedEvent[] = [];
  for (let after = from; ; ) {
    const page = await pages.next(tenantId, after);
    found.push(...page.events);
    if (page.readTo >= page.head) return found;
    assert.ok(page.readTo > after, 'every page goes on');
    after = page.readTo;
  }
}

describe('pages of the log', () => {
  test('are read once for all who want them, at once or one after the other', async () => {
    const { reads, pages } = logWith(upTo(3 * logReadMax));
    const asked = [pages.next(tenantId, 0), pages.next(tenantId, 0), pages.next(tenantId, 0)];
    const [one, ...others] = await Promise.all(asked);
    assert.ok(others.every((page) => page === one));
    assert.equal(await pages.next(tenantId, 0), one);
    assert.equal(reads.length, 1);
  });

  test('come into step from wherever one begins', async () => {
    const { reads, pages } = logWith(upTo(3 * logReadMax));
    for (const from of [0, 17, logReadMax - 1]) await readThrough(pages, from);
    const firsts = reads.map(({ after }) => after);
    assert.deepEqual(firsts, [0, logReadMax, 2 * logReadMax, 17, logReadMax - 1]);
  });

  test('at the end of the log are read again: something may have been added', async () => {
    const { reads, pages } = logWith(upTo(5));
    await pages.next(tenantId, 0);
    await pages.next(tenantId, 0);
    assert.equal(reads.length, 2);
  });

  test('have every event once and in order, whatever is missing in the log', async () => {
    const gaps = fc.array(fc.integer({ min: 1, max: 5_000 }), { minLength: 1, maxLength: 40 });
    const runs = fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(gaps, runs, fc.nat({ max: 9_000 }), async (gap, run, from) => {
        let offset = 0;
        const offsets = run.flatMap((length, i) => {
          offset += gap[i % gap.length] ?? 1;
          return Array.from({ length }, () => (offset += 1));
        });
        const { events, pages } = logWith(offsets);
        const behind = events.filter((event) => event.offset > from);
        assert.deepEqual(await readThrough(pages, from), behind);
        assert.deepEqual(await readThrough(pages, from), behind, 'also from memory');
      }),
      { numRuns: 100 },
    );
  });
});

test('a page stops at its bytes, and says how far it has read', async (t) => {
  const world = await newWorld(t);
  await logLiquidations(world, newAccounts(20), 'x'.repeat(100_000));
  const log = await logOf(world);
  const found: LoggedEvent[] = [];
  let pages = 0;
  for (let after = 0; after < log.length; pages += 1) {
    const asked = { tenantId: world.tenantId, after, limit: logReadMax };
    const [page] = await readLogs(world.sql, [asked]);
    assert.ok(page !== undefined && page.events.length > 0 && page.readTo > after);
    assert.ok(page.events.reduce((sum, { bytes }) => sum + bytes, 0) < 2_300_000);
    found.push(...page.events);
    after = page.readTo;
  }
  assert.ok(pages > 2, `${pages} pages`);
  assert.deepEqual(
    found.map(({ offset }) => offset),
    log.map((_, i) => i + 1),
  );
});
