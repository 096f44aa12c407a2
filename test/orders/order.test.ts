// What reports make of an order: tables for each kind of report, and properties over reports that
// arrive repeated, late and out of order.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type LiquidationId, newId } from '../../src/ids.ts';
import { decimal, plain, sum } from '../../src/money.ts';
import { clientOrderIdOf, type News, progressOf, type Submission } from '../../src/orders/order.ts';
import { type Course, usualBehaviour } from '../../src/venue/simulated/behaviour.ts';
import { scheduleOf } from '../../src/venue/simulated/schedule.ts';
import { type ReportEvent, tradeOf } from '../../src/venue/venue.ts';
import { fc } from '../support/properties.ts';

function makeSubmission(over: Partial<Submission> & { filled?: string } = {}): Submission {
  return {
    clientOrderId: 'A'.repeat(20),
    status: 'WORKING',
    quantity: decimal('10'),
    executedQuantity: decimal('0'),
    bustedQuantity: decimal('0'),
    final: undefined,
    isCancelledByHalt: false,
    order: {
      orderId: newId(),
      liquidationId: newId() as LiquidationId,
      accountId: newId(),
      currency: 'EUR',
      isin: 'DE0007164600',
      quantity: decimal('10'),
      filledQuantity: decimal(over.filled ?? '0'),
      correctedQuantity: decimal('0'),
      status: 'PROCESSING',
      submissions: 1,
    },
    ...over,
  };
}

const trade = (id: string, quantity: string, cumulative: string): ReportEvent => ({
  type: 'trade',
  trade: { venueExecutionId: id, lastQuantity: decimal(quantity), lastPrice: decimal('5') },
  cumulativeQuantity: decimal(cumulative),
});
const filled = (id: string, quantity: string, cumulative: string): ReportEvent => ({
  type: 'filled',
  trade: { venueExecutionId: id, lastQuantity: decimal(quantity), lastPrice: decimal('5') },
  cumulativeQuantity: decimal(cumulative),
});
const ended = (type: 'cancelled' | 'rejected' | 'suspended', cumulative: string): ReportEvent => ({
  type,
  reason: type,
  cumulativeQuantity: decimal(cumulative),
});

const fresh = (...events: readonly ReportEvent[]): readonly News[] =>
  events.map((event) => ({ event, trade: tradeOf(event), busted: undefined }));
const known = (event: ReportEvent): News => ({ event, trade: undefined, busted: undefined });
const bust = (id: string, quantity: string, cumulative: string): News => ({
  event: { type: 'bust', venueExecutionId: id, cumulativeQuantity: decimal(cumulative) },
  trade: undefined,
  busted: decimal(quantity),
});

function told(submission: Submission, news: readonly News[]): string {
  const progress = progressOf(submission, news);
  switch (progress.type) {
    case 'repeated':
      return 'repeated';
    case 'impossible':
      return `impossible: ${progress.reason}`;
    case 'working':
      return `working ${plain(progress.executedQuantity)}${progress.final ? ' final' : ''}`;
    case 'done': {
      const correction = progress.executedQuantity.minus(progress.final.quantity);
      const corrected = correction.eq('0') ? '' : ` corrected by ${plain(correction)}`;
      return `done ${plain(progress.final.quantity)} ${progress.result.type}${corrected}`;
    }
    case 'corrected':
      return `corrected to ${plain(progress.executedQuantity)}`;
  }
}

test('each report, alone and with others', () => {
  const all = filled('1', '10', '10');
  const done = makeSubmission({
    status: 'DONE',
    executedQuantity: decimal('10'),
    final: { quantity: decimal('10'), outcome: 'filled', reason: undefined },
    filled: '10',
  });
  const short = makeSubmission({
    status: 'DONE',
    executedQuantity: decimal('4'),
    final: { quantity: decimal('4'), outcome: 'cancelled', reason: 'x' },
    filled: '4',
  });
  const sold = { executedQuantity: decimal('4'), filled: '4' };
  const cases: readonly [string, Submission, readonly News[], string][] = [
    ['a part', makeSubmission(), fresh(trade('1', '4', '4')), 'working 4'],
    ['all at once', makeSubmission(), fresh(all), 'done 10 filled'],
    [
      'in parts',
      makeSubmission(),
      fresh(trade('1', '4', '4'), filled('2', '6', '10')),
      'done 10 filled',
    ],
    ['the last part first', makeSubmission(), fresh(filled('2', '6', '10')), 'working 6 final'],
    [
      'cancelled with nothing sold',
      makeSubmission(),
      fresh(ended('cancelled', '0')),
      'done 0 cancelled',
    ],
    ['rejected', makeSubmission(), fresh(ended('rejected', '0')), 'done 0 cancelled'],
    ['suspended', makeSubmission(), fresh(ended('suspended', '0')), 'done 0 tried_again'],
    [
      'cancelled for a halt',
      makeSubmission({ isCancelledByHalt: true }),
      fresh(trade('1', '3', '3'), ended('cancelled', '3')),
      'done 3 tried_again',
    ],
    [
      'sold before the halt could cancel it',
      makeSubmission({ isCancelledByHalt: true }),
      fresh(filled('1', '10', '10')),
      'done 10 filled',
    ],
    [
      'refused while a halt had it cancelled',
      makeSubmission({ isCancelledByHalt: true }),
      fresh(ended('rejected', '0')),
      'done 0 cancelled',
    ],
    [
      'cancelled before its parts arrive',
      makeSubmission(),
      fresh(ended('cancelled', '4')),
      'working 0 final',
    ],
    [
      'cancelled after a part',
      makeSubmission(),
      fresh(trade('1', '4', '4'), ended('cancelled', '4')),
      'done 4 cancelled',
    ],
    [
      'a trade known already',
      makeSubmission({ executedQuantity: decimal('4'), filled: '4' }),
      [known(trade('1', '4', '4'))],
      'working 4',
    ],
    ['a repeat after the end', done, [known(all)], 'repeated'],
    [
      'a trade after the end',
      done,
      fresh(trade('9', '1', '11')),
      'impossible: executions exceed the quantity of the order',
    ],
    ['another end', done, fresh(ended('cancelled', '4')), 'impossible: two final reports disagree'],
    [
      'more than ordered',
      makeSubmission(),
      fresh(filled('1', '11', '11')),
      'impossible: more was reported than was ordered',
    ],
    [
      'more than final',
      makeSubmission(),
      fresh(trade('1', '5', '5'), ended('cancelled', '4')),
      'done 4 cancelled corrected by 1',
    ],
    ['a fill after a short end', short, fresh(trade('9', '2', '6')), 'corrected to 6'],
    ['a last fill after a short end', short, fresh(filled('9', '6', '10')), 'corrected to 10'],
    [
      'too much after a short end',
      short,
      fresh(trade('9', '7', '11')),
      'impossible: executions exceed the quantity of the order',
    ],
    [
      'an execution of nothing',
      makeSubmission(),
      fresh(trade('9', '0', '0')),
      'impossible: an execution sells nothing',
    ],
    [
      'an execution of nothing after the end',
      short,
      fresh(trade('9', '0', '4')),
      'impossible: an execution sells nothing',
    ],
    [
      'a fill after the end and one that takes as much back',
      short,
      fresh(trade('8', '2', '6'), trade('9', '-2', '4')),
      'impossible: an execution sells nothing',
    ],
    ['a bust after the end', done, [bust('1', '10', '0')], 'corrected to 0'],
    ['a bust before the end', makeSubmission(sold), [bust('1', '4', '0')], 'working 0'],
    [
      'a bust that comes before the end it follows',
      makeSubmission({ executedQuantity: decimal('0'), bustedQuantity: decimal('4') }),
      fresh(ended('cancelled', '4')),
      'done 4 cancelled corrected by -4',
    ],
    [
      'a bust, then a better price',
      makeSubmission({ executedQuantity: decimal('0'), bustedQuantity: decimal('10') }),
      fresh(filled('2', '10', '10')),
      'done 10 filled',
    ],
    [
      'two ends that disagree',
      makeSubmission(),
      fresh(ended('cancelled', '0'), ended('suspended', '0')),
      'impossible: two final reports disagree',
    ],
  ];
  for (const [name, submission, news, expected] of cases) {
    assert.equal(told(submission, news), expected, name);
  }
});

test('a second submission completes what the first one left', () => {
  const second = makeSubmission({ quantity: decimal('6'), filled: '4' });
  assert.equal(told(second, fresh(filled('2', '6', '6'))), 'done 6 filled');
  assert.equal(
    told(second, fresh(trade('2', '1', '1'), ended('cancelled', '1'))),
    'done 1 cancelled',
  );
});

test('any order and grouping of reports, repeats among them, ends in the same state', () => {
  const quantity = fc
    .integer({ min: 1, max: 5_000_000 })
    .map((n) => decimal(String(n)).div('1000'));
  const courses = fc.constantFrom<Course>('filled', 'in_parts', 'cancelled_before_last');
  const terms = { seed: '', delayMs: 100, closesMs: undefined, fixingMs: 0 };
  fc.assert(
    fc.property(quantity, courses, fc.infiniteStream(fc.nat()), (ordered, course, random) => {
      const price = decimal('50');
      const clientOrderId = 'B'.repeat(20);
      const behaviour = { ...usualBehaviour, course };
      const order = { clientOrderId, quantity: ordered, price, behaviour };
      const reports = scheduleOf(order, terms).map((report) => report.event);
      const events = shuffled([...reports, ...reports], random);
      let submission = makeSubmission({ quantity: ordered });
      submission = { ...submission, order: { ...submission.order, quantity: ordered } };
      const seen = new Set<string>();
      let result = '';
      for (const group of groups(events, random)) {
        const news = group.map((event) => {
          const found = tradeOf(event);
          const isNew = found !== undefined && !seen.has(found.venueExecutionId);
          if (isNew) seen.add(found.venueExecutionId);
          return { event, trade: isNew ? found : undefined, busted: undefined };
        });
        const progress = progressOf(submission, news);
        assert.notEqual(progress.type, 'impossible');
        if (progress.type === 'working') {
          const { executedQuantity, final } = progress;
          const order = { ...submission.order, filledQuantity: executedQuantity };
          submission = { ...submission, executedQuantity, final, order };
        }
        if (progress.type === 'done') {
          const { final } = progress;
          submission = { ...submission, status: 'DONE', final, executedQuantity: final.quantity };
          result = progress.result.type;
        }
      }
      const sold = sum(reports.flatMap((one) => ('trade' in one ? one.trade.lastQuantity : [])));
      assert.equal(submission.status, 'DONE');
      assert.ok(submission.executedQuantity.eq(sold));
      assert.equal(result, sold.eq(ordered) ? 'filled' : 'cancelled');
    }),
  );
});

function shuffled<T>(items: readonly T[], random: Iterator<number>): T[] {
  const rest = [...items];
  const result: T[] = [];
  while (rest.length > 0) result.push(...rest.splice(random.next().value % rest.length, 1));
  return result;
}

function groups<T>(items: readonly T[], random: Iterator<number>): T[][] {
  const result: T[][] = [];
  for (let i = 0; i < items.length; ) {
    const size = 1 + (random.next().value % 3);
    result.push(items.slice(i, i + size));
    i += size;
  }
  return result;
}

test('a client order id is short, and the same for the same attempt only', () => {
  const orderId = newId<'order'>();
  const ids = [1, 2, 3].map((attempt) => clientOrderIdOf(orderId, attempt));
  assert.deepEqual(
    ids,
    [1, 2, 3].map((attempt) => clientOrderIdOf(orderId, attempt)),
  );
  assert.equal(new Set(ids).size, 3);
  assert.notEqual(clientOrderIdOf(newId(), 1), ids[0]);
  for (const id of ids) assert.match(id, /^[A-Z2-7]{20}$/);
});
