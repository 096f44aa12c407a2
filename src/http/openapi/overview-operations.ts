// What the document says of the operations by which people look: the overview, what an id names, and who has
// changed what.

import { Type } from 'typebox';
import { foundKinds } from '../../metrics/find-store.ts';
import { actKinds } from '../../trail/act.ts';
import { findQuery, listActsQuery } from '../control-schemas.ts';
import { amount, count, flag, instant, list, shape, some, text, uuid } from '../members.ts';
import { cursorPageOf, exampleOf, type OperationPart, responseOf } from './operation.ts';

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

const act = shape('Act', {
  id: uuid('The act.'),
  at: instant('When it was asked for.'),
  kind: some(
    actKinds,
    'client: a signed request; person: at the console; command: by the operator.',
  ),
  actor: text('The id of the key that signed, or the name of a person.'),
  role: Type.Optional(text('Of a person at the console.')),
  subject: Type.Optional(
    text(
      'Of a person who signed in through an identity provider: its issuer, a space, and its own id of the person.',
    ),
  ),
  origin: Type.Optional(text('The address that a signed request came from.')),
  operation: text('The operation of this document, or of the operator.'),
  target: text('What it was done to, as a path.'),
  reason: Type.Optional(text('Why, where the person was asked.')),
  detail: Type.Optional(text('What changed: the first 4,000 characters of the request.')),
  request_sha256: Type.Optional(
    text('SHA-256 of method, path, line feed and body of the request.'),
  ),
});

const actView = {
  id: '0199c9a2-7d3e-7c11-9f0a-3b1f8c2d4e5f',
  at: '2021-07-21T14:10:00.000Z',
  kind: 'client',
  actor: '0199c9a2-0000-7c11-9f0a-3b1f8c2d4e5f',
  origin: '203.0.113.7',
  operation: 'create_account_liquidation',
  target:
    '/accounts/143d980c-b742-4448-aa4a-78893d650617/liquidations/0199c9a2-7d3e-7c11-9f0a-3b1f8c2d4e60',
  request_sha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
} as const;

export const overviewOperations = {
  show_overview: {
    tag: 'Control',
    summary: 'Show how the selling goes',
    description:
      'What is open and why it waits, what was sold today, and whether venues and webhooks keep up. ' +
      'An extension: the published API does not have it.',
    success: responseOf(
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
    success: responseOf(
      'What it names.',
      found,
      exampleOf('instrument', 'An instrument', {
        data: [{ kind: 'instrument', id: 'DE0007164600' }],
      }),
    ),
  },
  list_acts: {
    tag: 'Control',
    summary: 'List who has changed what',
    description:
      'Every change of this client, the newest first: by a signed request, at the ' +
      'console, or by a command of the operator. An act is recorded in the commit of its change, so what was ' +
      'refused is not there. A page looks at 10,000 acts at most: where few of them match it may be short, or ' +
      'empty, and still lead on.',
    query: listActsQuery,
    success: cursorPageOf(act, 'A page of acts.', 'One liquidation was asked for', [actView]),
  },
} as const satisfies Readonly<Record<string, OperationPart>>;
