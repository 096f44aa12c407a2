// What the document says of the preview: what a liquidation would do now.

import { Type } from 'typebox';
import { controlNames } from '../../controls/control.ts';
import { unsoldReasons } from '../../liquidations/preview-liquidation.ts';
import { count, flag, instant, list, part, shape, some, text, uuid } from '../members.ts';
import { exampleOf, type OperationPart, responseOf } from './operation.ts';

const decimal = (description: string) =>
  text(description, { pattern: '^[0-9]{1,63}(\\.[0-9]{1,27})?$' });

const unsold = shape('Units that would not be sold', {
  reason: some(
    unsoldReasons,
    'fraction and odd_lot stay in the account and hold nothing up; held: open orders are selling it. ' +
      'The others are those of docs/views.md of the service.',
  ),
  quantity: decimal('Units.'),
  detail: Type.Optional(text('For a person.')),
});

const stop = shape('Control that would stop an order', {
  control: some(controlNames, 'The control.'),
  detail: text('The figure and the limit, for a person.'),
});

const position = shape('Position in a preview', {
  isin: text('The instrument.'),
  name: text('Its name in the book.'),
  quantity: decimal('Units held: `sells` and all of `unsold` add up to it.'),
  sells: decimal('Units that the order would have; 0: there would be none.'),
  unsold: list('Each unit that is not sold, by one reason.', unsold),
  stopped_by: list(
    'The pre-trade controls that would stop the order if it was sent now; it is placed, and waits.',
    stop,
  ),
  venue: Type.Optional(text('Where it is sold: MIC, ISO 10383.')),
  symbol: Type.Optional(text('What the venue calls it.')),
  currency: Type.Optional(text('In which the venue quotes it.')),
  lot_size: Type.Optional(decimal('Orders are multiples of it.')),
  venue_open: Type.Optional(flag('Whether the venue is open when the release is due.')),
  opens_at: Type.Optional(
    instant('When it opens, by the market clock; absent: it is open, or that is not known.'),
  ),
  price: Type.Optional(decimal('The last price of the book, in EUR; absent: there is none.')),
  priced_at: Type.Optional(instant('When that price was entered.')),
  price_age_s: Type.Optional(count('Its age, in seconds.')),
  value: Type.Optional(decimal('`sells` at that price, in EUR; absent: there is no price.')),
});

const total = shape('Total of a currency', {
  currency: text('In which the venues quote these positions.'),
  positions: count('Positions that are sold in it.'),
  value: decimal('Their value, in EUR.'),
  unpriced: count('Positions among them without a price: the value leaves them out.'),
});

const preview = shape('Preview of a liquidation', {
  account_id: uuid('The account.'),
  as_of: instant('The moment that is described, by the market clock.'),
  refusal: Type.Optional(
    part('Why a liquidation could not be created now; absent: it could.', {
      reason: text('conflict or too_many_requests.'),
      detail: text('What the refusal would say.'),
      running_id: Type.Optional(uuid('The liquidation that is running.')),
    }),
  ),
  release: part('Until it is released it can be cancelled.', {
    due_at: instant('When its delay would be over, by the market clock.'),
    expected_at: Type.Optional(
      instant('When it would be released as things are now; absent: not foreseeable.'),
    ),
    waiting: Type.Optional(
      part('What holds the release longer than its delay.', {
        reason: Type.Enum(['halted', 'venue_closed'], { type: 'string' }),
        detail: text('For a person.'),
      }),
    ),
  }),
  outcome: some(
    ['sell', 'wait', 'end'],
    'What the release does. sell: places an order for each position that sells. wait: PROCESSING without ' +
      'orders. end: nothing can be sold, so it is FILLED at once.',
  ),
  note: Type.Optional(text('What stays because it is less than a lot.')),
  positions: list(
    'By ISIN. None where the account holds more than one liquidation may sell.',
    position,
  ),
  totals: Type.Object({
    positions: count('Positions held.'),
    selling: count('Positions that are sold.'),
    value: decimal('Value of what is sold, in EUR.'),
    unpriced: count('Positions that are sold and have no price: the value leaves them out.'),
    stopped: count('Positions that are sold and whose order controls would stop.'),
    cash_amount: decimal(
      'What the new liquidation shows as `cash_amount`: all that can be sold sooner or later, also what is ' +
        'locked or halted now.',
    ),
    currency: some(['EUR'], 'Of both.'),
    by_currency: Type.Array(total),
  }),
});

const at = '2021-07-21T14:10:00.000Z';

const previewExample = {
  account_id: '0f4b5b1e-5a9c-4c6e-9d0e-2f6b0c3a7a11',
  as_of: at,
  release: { due_at: at, expected_at: at },
  outcome: 'sell',
  positions: [
    {
      isin: 'DE0007164600',
      name: 'SAP SE',
      quantity: '12.5',
      sells: '10',
      unsold: [
        {
          reason: 'fraction',
          quantity: '0.5',
          detail: 'only whole units of the instrument are sold',
        },
        { reason: 'locked', quantity: '2', detail: '2 of 12.5 units are locked' },
      ],
      stopped_by: [{ control: 'order_value', detail: 'EUR 2083.5, at most EUR 2000' }],
      venue: 'XSIM',
      currency: 'EUR',
      venue_open: true,
      price: '208.35',
      priced_at: at,
      price_age_s: 0,
      value: '2083.50',
    },
  ],
  totals: {
    positions: 1,
    selling: 1,
    value: '2083.50',
    unpriced: 0,
    stopped: 1,
    cash_amount: '2500.20',
    currency: 'EUR',
    by_currency: [{ currency: 'EUR', positions: 1, value: '2083.50', unpriced: 0 }],
  },
} as const;

export const previewOperations = {
  preview_account_liquidation: {
    tag: 'Control',
    summary: 'Preview a liquidation',
    description:
      'What a liquidation of this account would do now: whether it would be refused, when it would be released, ' +
      'and of each position what is sold, where, why the rest is not, and which pre-trade controls would stop its ' +
      'order. It is computed by the decisions that release liquidations and send orders, of one moment; nothing is ' +
      'stored and nothing is reserved.',
    success: responseOf(
      'The preview.',
      preview,
      exampleOf('preview', 'Sold in part', previewExample),
    ),
    refusals: { not_found: 'This client has no such account, or the id is no UUID.' },
  },
} as const satisfies Readonly<Record<string, OperationPart>>;
