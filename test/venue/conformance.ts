// What every venue has to keep, whatever it is made of: one suite for all of them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId, type TenantId } from '../../src/ids.ts';
import { decimal, sum } from '../../src/money.ts';
import { clientOrderIdOf } from '../../src/orders/order.ts';
import {
  type NewOrder,
  type ReportEvent,
  tradeOf,
  type Venue,
  type VenueReport,
} from '../../src/venue/venue.ts';

/** A venue under test, its clock and instruments for each of the ways an order can end. */
export interface VenueUnderTest {
  readonly venue: Venue;
  readonly tenantId: TenantId;
  /** The same venue as another process sees it. */
  readonly elsewhere: Venue;
  readonly isins: {
    readonly filled: string;
    readonly inParts: string;
    readonly cancelled: string;
    readonly refused: string;
    /** Taken and not executed until it is cancelled. */
    readonly resting: string;
  };
  /** Instruments about which a venue can be made to lie; a venue that never does leaves some out. */
  readonly lying: {
    /** The order is taken, but the answer is lost. */
    readonly answersLost?: string;
    /** Reports come twice. */
    readonly twice?: string;
    /** Reports come in any order. */
    readonly shuffled?: string;
    /** A fill is reported after the end. */
    readonly filledLate?: string;
    /** An execution is declared void after the end. */
    readonly busted?: string;
  };
  /** Lets so much market time pass that everything due is reported, or a share of that time. */
  letPass(share?: number): void | Promise<void>;
}

export function conformanceSuite(
  name: string,
  open: (t: { after(hook: () => Promise<void>): void }) => Promise<VenueUnderTest>,
): void {
  const makeOrder = (of: VenueUnderTest, over: Partial<NewOrder> = {}): NewOrder => ({
    tenantId: of.tenantId,
    clientOrderId: clientOrderIdOf(newId(), 1),
    isin: of.isins.filled,
    quantity: decimal('12.5'),
    ...over,
  });

  test(`${name}: answers each order of a batch in its place`, async (t) => {
    const of = await open(t);
    const orders = [
      makeOrder(of),
      makeOrder(of, { isin: of.isins.refused }),
      makeOrder(of, { isin: of.isins.inParts }),
    ];
    const outcomes = await of.venue.submit(orders);
    assert.deepEqual(
      outcomes.map((outcome) => outcome.type),
      ['accepted', 'rejected', 'accepted'],
    );
    const ids = outcomes.map((outcome) => 'venueOrderId' in outcome && outcome.venueOrderId);
    assert.notEqual(ids[0], ids[2]);
  });

  test(`${name}: refuses a client order id it has seen, and executes it once`, async (t) => {
    const of = await open(t);
    const order = makeOrder(of);
    const refused = makeOrder(of, { isin: of.isins.refused });
    await of.venue.submit([order, refused]);
    const again = await of.venue.submit([order, makeOrder(of), refused]);
    assert.deepEqual(
      again.map((outcome) => outcome.type),
      ['unknown', 'accepted', 'unknown'],
    );
    const many = await Promise.all(
      Array.from({ length: 10 }, (_, i) => (i % 2 ? of.venue : of.elsewhere).submit([order])),
    );
    assert.ok(many.flat().every((outcome) => outcome.type === 'unknown'));
    await of.letPass();
    const reports = await allReports(of.venue);
    const own = reports.filter((report) => report.clientOrderId === order.clientOrderId);
    assert.ok(soldBy(own).eq(order.quantity));
  });

  test(`${name}: of ten at once with one client order id, one is accepted`, async (t) => {
    const of = await open(t);
    const order = makeOrder(of);
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, (_, i) => (i % 2 ? of.venue : of.elsewhere).submit([order])),
    );
    const types = outcomes.flat().map((outcome) => outcome.type);
    assert.equal(types.filter((type) => type === 'accepted').length, 1);
    assert.equal(types.filter((type) => type === 'unknown').length, 9);
  });

  test(`${name}: looks up what it has decided`, async (t) => {
    const of = await open(t);
    const accepted = makeOrder(of);
    const refused = makeOrder(of, { isin: of.isins.refused });
    const [answer] = await of.venue.submit([accepted, refused]);
    const never = makeOrder(of);
    const foreign = { ...accepted, tenantId: newId<'tenant'>() };
    const found = await of.elsewhere.lookUp([accepted, refused, never, foreign]);
    const types = found.map((outcome) => outcome.type);
    assert.deepEqual(types, ['accepted', 'rejected', 'not_found', 'not_found']);
    assert.deepEqual(found[0], answer);
  });

  test(`${name}: reports each way an order can end, adding up to the final report`, async (t) => {
    const of = await open(t);
    const orders = [of.isins.filled, of.isins.inParts, of.isins.cancelled].map((isin) => {
      return makeOrder(of, { isin });
    });
    await of.venue.submit(orders);
    await of.letPass();
    const reports = await allReports(of.venue);
    const ends = orders.map((order) => {
      const own = reports.filter((report) => report.clientOrderId === order.clientOrderId);
      const final = own.filter((report) => report.event.type !== 'trade');
      assert.equal(final.length, 1);
      const [last] = final;
      assert.ok(last && soldBy(own).eq(last.event.cumulativeQuantity));
      assert.ok(own.every((report) => report.tenantId === of.tenantId));
      return last.event.type;
    });
    assert.deepEqual(ends, ['filled', 'filled', 'cancelled']);
    const parts = reports.filter((report) => report.clientOrderId === orders[1]?.clientOrderId);
    assert.ok(parts.length > 1);
  });

  test(`${name}: gives the same gapless reports to every caller, from any offset`, async (t) => {
    const of = await open(t);
    const orders = Array.from({ length: 20 }, () => makeOrder(of, { isin: of.isins.inParts }));
    await of.venue.submit(orders);
    await of.letPass();
    const here = await allReports(of.venue);
    const there = await allReports(of.elsewhere);
    assert.deepEqual(there, here);
    assert.deepEqual(
      here.map((report) => report.number),
      here.map((_, i) => i + 1),
    );
    const middle = await of.elsewhere.reports({ after: 7, limit: 5 });
    assert.deepEqual(
      middle.map((report) => report.number),
      [8, 9, 10, 11, 12],
    );
    await of.venue.submit([makeOrder(of)]);
    await of.letPass();
    assert.deepEqual((await allReports(of.venue)).slice(0, here.length), here);
  });

  test(`${name}: cancels what is not final, once, by whatever caller and however often`, async (t) => {
    const of = await open(t);
    const order = makeOrder(of, { isin: of.isins.resting });
    await of.venue.submit([order]);
    const both = [of.venue, of.elsewhere];
    const answers = await Promise.all(both.map((venue) => venue.cancel([order, order])));
    assert.ok(answers.flat().some((outcome) => outcome.type === 'accepted'));
    await of.letPass();
    await of.venue.cancel([order]);
    await of.letPass();
    const reports = await allReports(of.venue);
    assert.deepEqual(
      reports.map(({ event }) => [event.type, event.cumulativeQuantity.toString()]),
      [['cancelled', '0']],
    );
  });

  test(`${name}: says that it is too late to cancel, or that there is no such order`, async (t) => {
    const of = await open(t);
    const filled = makeOrder(of);
    const refused = makeOrder(of, { isin: of.isins.refused });
    const never = makeOrder(of);
    const resting = makeOrder(of, { isin: of.isins.resting });
    const foreign = { ...resting, tenantId: newId<'tenant'>() };
    await of.venue.submit([filled, refused, resting]);
    await of.letPass();
    const answers = await of.elsewhere.cancel([filled, refused, never, foreign, resting]);
    assert.deepEqual(
      answers.map((outcome) => outcome.type),
      ['too_late', 'too_late', 'not_found', 'not_found', 'accepted'],
    );
    assert.deepEqual(await of.venue.lookUp([never]), [{ type: 'not_found' }]);
    await of.letPass();
    const reports = await allReports(of.venue);
    const ends = reports.map(({ event }) => event.type);
    assert.deepEqual(ends.toSorted(), ['cancelled', 'filled']);
  });

  test(`${name}: what is executed before a cancel counts, and nothing after it`, async (t) => {
    const of = await open(t);
    const orders = Array.from({ length: 12 }, () => makeOrder(of, { isin: of.isins.inParts }));
    await of.venue.submit(orders);
    await of.letPass(0.5);
    const answers = await of.venue.cancel(orders);
    await of.letPass();
    const reports = await allReports(of.venue);
    for (const [i, order] of orders.entries()) {
      const own = reports.filter((report) => report.clientOrderId === order.clientOrderId);
      const finals = own.filter((report) => report.event.type !== 'trade');
      assert.equal(finals.length, 1);
      const end = answers[i]?.type === 'accepted' ? 'cancelled' : 'filled';
      assert.equal(finals[0]?.event.type, end);
      assert.ok(finals[0]?.event.cumulativeQuantity.eq(soldBy(own)));
    }
  });

  /** An order of the instrument, with everything that is ever reported of it. */
  const storyOf = async (of: VenueUnderTest, isin: string) => {
    const order = makeOrder(of, { isin });
    const [outcome] = await of.venue.submit([order]);
    for (let i = 0; i < 20; i += 1) await of.letPass();
    const events = (await allReports(of.venue)).map((report) => report.event);
    return { order, outcome, events };
  };

  const aboutLies = (kind: keyof VenueUnderTest['lying'], says: string) => {
    return (check: (of: VenueUnderTest, isin: string) => Promise<void>) => {
      test(`${name}: ${says}`, async (t) => {
        const of = await open(t);
        const isin = of.lying[kind];
        if (isin === undefined) t.skip('this venue never does that');
        else await check(of, isin);
      });
    };
  };

  aboutLies(
    'answersLost',
    'an order whose answer is lost is found, and refused as a repeat',
  )(async (of, isin) => {
    const { order, outcome, events } = await storyOf(of, isin);
    assert.equal(outcome?.type, 'unknown');
    const [found] = await of.elsewhere.lookUp([order]);
    assert.equal(found?.type, 'accepted');
    const [again] = await of.venue.submit([order]);
    assert.equal(again?.type, 'unknown');
    assert.ok(soldIn(events).eq(order.quantity));
  });

  aboutLies(
    'twice',
    'a report that comes twice says the same under the same execution id',
  )(async (of, isin) => {
    const { order, events } = await storyOf(of, isin);
    const told = events.map((event) => JSON.stringify(event));
    assert.equal(told.length, 2 * new Set(told).size);
    assert.ok(soldIn(events).eq(order.quantity.times('2')));
  });

  aboutLies(
    'shuffled',
    'reports in any order add up to the final one',
  )(async (of, isin) => {
    const { order, events } = await storyOf(of, isin);
    const quantities = events.map((event) => event.cumulativeQuantity);
    assert.ok(quantities.some((quantity, i) => quantity.lt(quantities[i - 1] ?? quantity)));
    assert.ok(soldIn(events).eq(order.quantity));
  });

  aboutLies(
    'filledLate',
    'a fill after the end is a trade that the final report does not count',
  )(async (of, isin) => {
    const { events } = await storyOf(of, isin);
    const end = events.findIndex((event) => event.type === 'cancelled');
    const late = events.at(-1);
    assert.ok(end >= 0 && end === events.length - 2 && late?.type === 'trade');
    assert.ok(soldIn(events.slice(0, end)).eq(events[end]?.cumulativeQuantity ?? '0'));
    assert.ok(soldIn(events).eq(late.cumulativeQuantity));
  });

  aboutLies(
    'busted',
    'a bust names an execution reported before, and what is left without it',
  )(async (of, isin) => {
    const { events } = await storyOf(of, isin);
    const bust = events.at(-1);
    assert.ok(bust?.type === 'bust');
    const void_ = events
      .flatMap((event) => tradeOf(event) ?? [])
      .filter((trade) => {
        return trade.venueExecutionId === bust.venueExecutionId;
      });
    assert.equal(void_.length, 1);
    const left = soldIn(events).minus(void_[0]?.lastQuantity ?? '0');
    assert.ok(left.eq(bust.cumulativeQuantity));
  });
}

function soldIn(events: readonly ReportEvent[]) {
  return sum(events.flatMap((event) => tradeOf(event)?.lastQuantity ?? []));
}

function soldBy(reports: readonly VenueReport[]) {
  return soldIn(reports.map((report) => report.event));
}

/** Everything the venue reports until it has nothing new, in small pages. */
async function allReports(venue: Venue): Promise<readonly VenueReport[]> {
  const reports: VenueReport[] = [];
  for (;;) {
    const page = await venue.reports({ after: reports.at(-1)?.number ?? 0, limit: 7 });
    if (page.length === 0) return reports;
    reports.push(...page);
  }
}
