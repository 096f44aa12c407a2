// What the document says of the operations by which people look: the overview, and what an id names.

import { Type } from 'typebox';
import { foundKinds } from '../../metrics/find-store.ts';
import { findQuery } from '../control-schemas.ts';
import { amount, count, flag, instant, list, shape, some, text } from '../members.ts';
import { answerOf, exampleOf, type OperationPart } from './operation.ts';

const overview = shape('Overview', {
  at: instant('When it was counted; it is shared for a second.'),
  market_time: instant('The market clock then.'),
  open: Type.Object({
    new: count('Liquidations that are NEW.'),
    processing: count('Liquidations that are PROCESSING.'),
    oldest_at: Type.Optional(instant('When the oldest of them was asked for; absent: none.')),
  }),
  waiting: list(
    'Why they wait, the most frequent reason first.',
    Type.Object({
      reason: text('The table of reasons stands in docs/views.md.'),
      count: count('How many of the 500 oldest wait for it.'),
    }),
  ),
  today: Type.Object({
    from: instant('Midnight in UTC.'),
    asked: count('Liquidations asked for.'),
    filled: count('Of these, FILLED.'),
    cancelled: count('Of these, CANCELLED.'),
    executions: count('Executions of today, of whatever liquidation.'),
    proceeds: amount('What they earned, in EUR.'),
  }),
  minutes: list(
    'The minutes of the last hour in which something was sold.',
    Type.Object({
      at: instant('Where the minute begins.'),
      orders: count('Orders with executions.'),
      proceeds: amount('What they earned, in EUR.'),
    }),
  ),
  parked: count('What waits for a person.'),
  webhooks: Type.Object({
    enabled: count('Subscriptions.'),
    failing: count('Of these, whose last attempt failed.'),
    most_behind: count('Events that the one furthest behind has not got.'),
  }),
  venues: Type.Array(
    Type.Object({
      mic: text('Market identifier code, ISO 10383.'),
      open: flag('Whether it trades now.'),
      fix_session: Type.Optional(text('How its FIX session stands.')),
      halted: list('Instruments that it has halted.', Type.String()),
      opens_at: Type.Optional(instant('When it opens, by the market clock.')),
      closes_at: Type.Optional(instant('When it closes, by the market clock.')),
    }),
  ),
});

const overviewExample = {
  at: '2026-01-05T09:00:04.000Z',
  market_time: '2026-01-05T09:00:04.000Z',
  open: { new: 2, processing: 40, oldest_at: '2026-01-05T08:58:11.000Z' },
  waiting: [{ reason: 'at_venue', count: 42 }],
  today: {
    from: '2026-01-05T00:00:00.000Z',
    asked: 500,
    filled: 458,
    cancelled: 0,
    executions: 2110,
    proceeds: '4810233.17',
  },
  minutes: [{ at: '2026-01-05T08:59:00.000Z', orders: 1210, proceeds: '2710233.02' }],
  parked: 0,
  webhooks: { enabled: 1, failing: 0, most_behind: 3 },
  venues: [{ mic: 'XSIM', open: true, halted: [] }],
};

const found = shape('What a text names', {
  data: list(
    'Empty where it names nothing.',
    Type.Object({
      kind: some(foundKinds, 'What it is.'),
      id: text('Its id; of an instrument the ISIN.'),
      liquidation_id: Type.Optional(Type.String({ format: 'uuid' })),
      account_id: Type.Optional(Type.String({ format: 'uuid' })),
    }),
  ),
});

export const overviewOperations = {
  show_overview: {
    tag: 'Control',
    summary: 'Show how the selling goes',
    description:
      'What is open and why it waits, what was sold today, and whether venues and webhooks keep up. ' +
      'An extension: the published API does not have it.',
    success: answerOf(
      'The state now.',
      overview,
      exampleOf('busy', 'A busy morning', overviewExample),
    ),
  },
  find_by_id: {
    tag: 'Control',
    summary: 'Find what an id names',
    description:
      'Takes the id of a liquidation, account, order, execution or webhook, a client order id (FIX 11) ' +
      'or an ISIN. An extension: the published API does not have it.',
    query: findQuery,
    success: answerOf(
      'What it names.',
      found,
      exampleOf('instrument', 'An instrument', {
        data: [{ kind: 'instrument', id: 'DE0007164600' }],
      }),
    ),
  },
} as const satisfies Readonly<Record<string, OperationPart>>;
