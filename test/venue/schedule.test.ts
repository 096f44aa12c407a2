// What the simulated venue will do with an order: a pure function, the same for the same order, whose
// reports always tell one consistent story.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Decimal, decimal, sum } from '../../src/money.ts';
import {
  type Behaviour,
  behaviourOf,
  type Course,
  courses,
  sandboxInstrument,
  usualBehaviour,
} from '../../src/venue/simulated/behaviour.ts';
import {
  type AcceptedOrder,
  isFinal,
  type ScheduledReport,
  scheduleOf,
  type Terms,
} from '../../src/venue/simulated/schedule.ts';
import { priceOf } from '../../src/venue/simulated/submit-orders.ts';
import { tradeOf } from '../../src/venue/venue.ts';
import { fc } from '../support/properties.ts';

const hourMs = 3_600_000;
const usualTerms: Terms = { seed: '', delayMs: 800, closesMs: undefined, fixingMs: hourMs };

function order(course: Course, over: Partial<AcceptedOrder> = {}): AcceptedOrder {
  return {
    clientOrderId: 'C'.repeat(20),
    quantity: decimal('6'),
    price: decimal('100'),
    behaviour: { ...usualBehaviour, course },
    ...over,
  };
}

/** Type and cumulative quantity of each report, in the order of sending. */
function shown(reports: readonly ScheduledReport[]): string {
  const bySending = reports.toSorted((a, b) => a.sentMs - b.sentMs);
  return bySending.map(({ event }) => `${event.type} ${event.cumulativeQuantity}`).join(', ');
}

const told: readonly { course: Course; reports: string }[] = [
  { course: 'filled', reports: 'filled 6' },
  { course: 'in_parts', reports: 'trade 1, trade 2, trade 3, trade 4, filled 6' },
  { course: 'cancelled_before_last', reports: 'trade 1, trade 2, trade 3, trade 4, cancelled 4' },
  { course: 'cancelled', reports: 'cancelled 0' },
  { course: 'rejected', reports: '' },
  { course: 'resting', reports: '' },
  {
    course: 'filled_late',
    reports: 'trade 1, trade 2, trade 3, trade 4, cancelled 4, trade 6',
  },
  { course: 'busted', reports: 'trade 1, trade 2, trade 3, trade 4, filled 6, bust 5' },
  { course: 'once_a_day', reports: 'filled 6' },
];

for (const { course, reports } of told) {
  test(`${course}: ${reports || 'nothing'}`, () => {
    assert.equal(shown(scheduleOf(order(course), usualTerms)), reports);
  });
}

test('interrupted: half of the orders, at random, are suspended half-way', () => {
  const all = Array.from({ length: 200 }, (_, i) => {
    return shown(scheduleOf(order('interrupted', { clientOrderId: `ORDER${i}` }), usualTerms));
  });
  const [whole, half] = [
    'trade 1, trade 2, trade 3, trade 4, filled 6',
    'trade 1, trade 2, suspended 2',
  ];
  assert.deepEqual(new Set(all), new Set([whole, half]));
  const suspended = all.filter((one) => one === half).length;
  assert.ok(suspended > 60 && suspended < 140, `${suspended} of 200`);
});

test('the number of executions grows with the amount', () => {
  const table = ['100.99', '101', '200.99', '201', '301', '400.99', '401', '9999'].map((amount) => {
    const one = order('in_parts', { quantity: decimal('1.00'), price: decimal(amount) });
    return scheduleOf(
      { ...one, quantity: decimal('10'), price: decimal(amount).div('10') },
      usualTerms,
    ).length;
  });
  assert.deepEqual(table, [1, 2, 2, 3, 4, 4, 5, 5]);
});

test('an order is suspended when the market closes over it, unless it waits for the fixing', () => {
  const closing = { ...usualTerms, closesMs: 0 };
  for (const course of Object.keys(courses) as Course[]) {
    if (course === 'rejected' || course === 'once_a_day') continue;
    const reports = scheduleOf(order(course), closing);
    assert.equal(shown(reports), 'suspended 0', course);
  }
  assert.equal(shown(scheduleOf(order('once_a_day'), closing)), 'filled 6');
  assert.equal(scheduleOf(order('once_a_day'), closing)[0]?.sentMs, hourMs);
});

const quantities = fc
  .tuple(fc.bigInt({ min: 1n, max: 10n ** 12n }), fc.nat({ max: 9 }))
  .map(([units, scale]) => decimal(String(units)).div(`1${'0'.repeat(scale)}`));
const prices = fc
  .integer({ min: 1, max: 100_000 })
  .map((cents) => decimal(String(cents)).div('100'));
const behaviours: fc.Arbitrary<Behaviour> = fc.record({
  course: fc.constantFrom(...(Object.keys(courses) as Course[])),
  losesAnswers: fc.boolean(),
  repeatsReports: fc.boolean(),
  shufflesReports: fc.boolean(),
  delaysReportsMs: fc.nat({ max: 60_000 }),
});
const orders: fc.Arbitrary<AcceptedOrder> = fc.record({
  clientOrderId: fc.string({ minLength: 1, maxLength: 20 }),
  quantity: quantities,
  price: prices,
  behaviour: behaviours,
});
const terms: fc.Arbitrary<Terms> = fc.record({
  seed: fc.string({ maxLength: 10 }),
  delayMs: fc.nat({ max: 2_000 }),
  closesMs: fc.option(fc.nat({ max: 2_000 }), { nil: undefined }),
  fixingMs: fc.nat({ max: 86_400_000 }),
});

test('every schedule is one story, whatever the order and the market', () => {
  fc.assert(
    fc.property(orders, terms, (one, under) => {
      const reports = scheduleOf(one, under);
      assert.deepEqual(scheduleOf(one, under), reports);
      assertOneStory(
        one,
        reports.filter((report) => report.copy === 0),
      );
      const copies = reports.filter((report) => report.copy === 1).map(({ event }) => event);
      const firsts = reports.filter((report) => report.copy === 0).map(({ event }) => event);
      const unordered = one.behaviour.repeatsReports ? new Set(firsts) : new Set();
      assert.deepEqual(new Set(copies), unordered);
      const { delaysReportsMs } = one.behaviour;
      for (const { happensMs, sentMs } of reports) assert.ok(sentMs >= happensMs + delaysReportsMs);
    }),
  );
});

/** What happened adds up in the order in which it happened. */
function assertOneStory(one: AcceptedOrder, reports: readonly ScheduledReport[]): void {
  const story = reports.toSorted(asTheyHappened);
  const finals = story.filter(({ event }) => isFinal(event));
  const { course } = one.behaviour;
  assert.ok(finals.length === 1 || course === 'rejected' || course === 'resting');
  const lasts = story.flatMap(({ event }) => tradeOf(event) ?? []);
  assert.ok(
    lasts.every(({ lastQuantity, lastPrice }) => lastQuantity.gt('0') && lastPrice === one.price),
  );
  assert.equal(new Set(lasts.map((trade) => trade.venueExecutionId)).size, lasts.length);
  let sold: Decimal = decimal('0');
  for (const { event } of story) {
    const busted = event.type === 'bust' ? event.venueExecutionId : undefined;
    sold = sum([sold, ...[tradeOf(event)?.lastQuantity ?? decimal('0')]]);
    const void_ = lasts.find((trade) => trade.venueExecutionId === busted);
    if (void_ !== undefined) sold = sold.minus(void_.lastQuantity);
    assert.ok(event.cumulativeQuantity.eq(sold), shown(reports));
    assert.ok(sold.lte(one.quantity));
    assert.ok(event.type !== 'filled' || sold.eq(one.quantity));
  }
}

/** At one instant first executions as they add up, then the end. */
function asTheyHappened(a: ScheduledReport, b: ScheduledReport): number {
  const rank = ({ event }: ScheduledReport) => (tradeOf(event) === undefined ? 1 : 0);
  const byQuantity = a.event.cumulativeQuantity.cmp(b.event.cumulativeQuantity);
  return a.happensMs - b.happensMs || rank(a) - rank(b) || byQuantity;
}

test('chance follows from the seed: another seed, another story', () => {
  const stories = ['', 'a', 'b', 'c', 'd', 'e'].map((seed) => {
    return JSON.stringify(scheduleOf(order('filled'), { ...usualTerms, seed, delayMs: 60_000 }));
  });
  assert.equal(new Set(stories).size, stories.length);
});

test('prices: the sandbox’s own, else the imported one, else 100', () => {
  const at = new Date('2026-01-05T09:00:00.000Z');
  const given = { clientOrderId: 'PRICE', seed: '', at };
  const price = (isin: string, imported?: string) => {
    const own = imported === undefined ? undefined : decimal(imported);
    return priceOf({ ...given, isin, imported: own }).toString();
  };
  assert.equal(price('DE0005933931', '1'), '81.77');
  assert.equal(price('IE00BKBF6H24'), '7.51');
  assert.equal(price('IE00B3XXRP09'), '113.03');
  assert.equal(price('DE0007164600', '1.5'), '1.5');
  assert.equal(price('DE0007164600'), '100');
  const wandering = ['A', 'B', 'C'].map((clientOrderId) => {
    return priceOf({ ...given, clientOrderId, isin: 'IE00B95PGT31', imported: undefined });
  });
  for (const one of wandering) assert.ok(one.gte('80') && one.lt('120'));
  assert.equal(new Set(wandering.map(String)).size, 3);
  assert.equal(price('IE00B95PGT31'), price('IE00B95PGT31', '7'));
});

test('a swinging price rises and falls within the hour', () => {
  const priceAt = (minutes: number) => {
    const at = new Date(Date.parse('2026-01-05T09:00:00.000Z') + minutes * 60_000);
    const given = { isin: 'ZZSWINGING08', clientOrderId: 'X', seed: '', imported: undefined, at };
    return priceOf(given).toString();
  };
  const shownPrices = [0, 15, 30, 45, 60].map(priceAt);
  assert.deepEqual(shownPrices, ['200', '250', '300', '250', '200']);
});

test('what a test asks for replaces only what it names, and only for the orders the lot falls on', () => {
  const asked = {
    course: undefined,
    losesAnswers: true,
    repeatsReports: undefined,
    shufflesReports: undefined,
    delaysReportsMs: 5,
    oneIn: 3,
  };
  const isin = 'IE00B5M1WJ87';
  const plain = sandboxInstrument(isin).behaviour;
  assert.deepEqual(behaviourOf(isin, undefined, 3), plain);
  assert.deepEqual(behaviourOf(isin, asked, 4), plain);
  assert.deepEqual(behaviourOf(isin, asked, 3), {
    ...plain,
    losesAnswers: true,
    delaysReportsMs: 5,
  });
});
