// The shapes of what the operations of control answer.

import { type TObject, Type } from 'typebox';
import { strengths } from '../../halts/halt.ts';
import { endReasons } from '../../liquidations/liquidation.ts';
import { entryKinds } from '../../liquidations/timeline-store.ts';
import { waitReasons } from '../../liquidations/waits-store.ts';
import {
  count,
  decimal,
  flag,
  instant,
  list,
  part,
  shape,
  some,
  text,
  uuid,
  whole,
} from '../members.ts';
import { liquidation } from './objects.ts';

const reason = some(waitReasons, 'The table of reasons stands in docs/views.md of the service.');
const wait = {
  since: Type.Optional(instant('Since when it waits for this; absent: not known.')),
  until: Type.Optional(instant('Until when, by the market clock; absent: not known.')),
  detail: Type.Optional(text('For a person.')),
};

const progress = shape('Progress of a liquidation', {
  orders: count('Orders made so far.'),
  orders_final: count('Of these, FILLED or CANCELLED.'),
  quantity: decimal('Units of all orders.'),
  executed_quantity: decimal('Units sold by them.'),
  proceeds: decimal('What the executions earned so far, in EUR.'),
});

const waiting = shape('Reason to wait', {
  reason,
  isin: Type.Optional(text('The position that has it, where it is one.')),
  ...wait,
  positions: count('Positions that have this reason.'),
});

const haltScopes = ['everything', 'tenant', 'account', 'instrument', 'venue'] as const;

const haltMembers = {
  id: uuid('The halt.'),
  scope: some(haltScopes, 'What it covers; everything: of all clients, set by the operator.'),
  across_clients: flag('Whether it holds for all clients.'),
  account_id: Type.Optional(uuid('The account, where it covers one.')),
  isin: Type.Optional(text('The instrument, where it covers one.')),
  venue: Type.Optional(text('The venue, where it covers one.')),
  strength: some(
    strengths,
    'release: nothing new is released or sent; cancel: and what is open at a venue is cancelled.',
  ),
  reason: text('Why it was set.'),
  person: text('Who has decided it.'),
  set_at: instant('Since when it holds.'),
  lifted_at: Type.Optional(instant('Absent: it is in force.')),
  lifted_by: Type.Optional(text('Who has lifted it.')),
  lift_reason: Type.Optional(text('Why it was lifted.')),
};

export const halt = shape('Halt', haltMembers);

const effect = part('What the halt stops, of this client, as it is now.', {
  liquidations: count('Liquidations that are not released.'),
  positions: count(
    'Positions of running liquidations that could be sold and have no order yet: none of theirs is sent.',
  ),
  orders: count('Orders that are not sent.'),
  orders_at_venue: count(
    'Orders that are at a venue, or on their way: they go on there, or are being cancelled.',
  ),
});

export const haltWithEffect = shape('Halt and effect', { ...haltMembers, effect });

export const dryHalt = shape('What a halt would stop', { scope: haltMembers.scope, effect });

/** A liquidation in the list of all: the published object, and how far it is. */
export function overviewOf(object: TObject) {
  return shape('Liquidation with its progress', {
    ...object.properties,
    progress,
    waiting: list(
      'Why it waits: first the reason that counts, then the others that its positions have. Empty ' +
        'once it has ended.',
      waiting,
    ),
  });
}

export const overview = overviewOf(liquidation);

const status = liquidation.properties.status;

const orderStory = shape('Order in a story', {
  id: uuid('The order.'),
  isin: text('The instrument.'),
  name: text('Its name in the book.'),
  status,
  round: whole('Round of orders that it belongs to.', { minimum: 1 }),
  quantity: decimal('Units to sell.'),
  executed_quantity: decimal('Units sold.'),
  proceeds: decimal('What they earned, in EUR.'),
  attempts: count('How often it was sent to the venue.'),
  submit_at: Type.Optional(instant('When it is to be sent, by the market clock; absent: not.')),
  created_at: instant('When it was made.'),
  ended_at: Type.Optional(instant('Absent: it is open.')),
  cancellation_reason: Type.Optional(text('Of a CANCELLED one.')),
  submission: Type.Optional(
    part('The last attempt; absent: it was not sent yet.', {
      venue: text('Market identifier code, ISO 10383.'),
      client_order_id: text('FIX 11.'),
      venue_order_id: Type.Optional(text('FIX 37, once it is known.')),
      status: some(
        ['SENDING', 'WORKING', 'DONE'],
        'SENDING: the venue has not answered yet. WORKING: it has the order. DONE: it is final.',
      ),
      sent_at: instant('When it was to be sent.'),
      outcome: Type.Optional(text('filled, cancelled, rejected or suspended.')),
      reason: Type.Optional(text("The venue's.")),
    }),
  ),
  waiting: Type.Optional(part('Why it is not sold yet.', { reason, ...wait })),
});

const entry = shape('Entry of a timeline', {
  at: instant('When it was recorded, in UTC.'),
  kind: some(entryKinds, 'What happened. The other members are those that it has.'),
  event_id: Type.Optional(uuid('The event that was recorded.')),
  type: Type.Optional(text('Type of the event.')),
  order_id: Type.Optional(uuid('The order.')),
  isin: Type.Optional(Type.String()),
  client_order_id: Type.Optional(text('FIX 11.')),
  venue_order_id: Type.Optional(text('FIX 37.')),
  venue: Type.Optional(text('Market identifier code.')),
  execution_id: Type.Optional(uuid('The execution.')),
  quantity: Type.Optional(decimal('Units.')),
  price: Type.Optional(decimal('EUR a unit.')),
  proceeds: Type.Optional(decimal('EUR.')),
  webhook_id: Type.Optional(uuid('The subscription that was delivered to.')),
  outcome: Type.Optional(text('How it ended.')),
  detail: Type.Optional(text('For a person.')),
});

export function storyOf(object: TObject) {
  return shape('Story of a liquidation', {
    liquidation: object,
    release_at: instant('When it may be released, by the market clock.'),
    schedule: Type.Optional(
      part('Absent: its release was not scheduled.', {
        at: instant('When its client wants it released, by the market clock.'),
        opening_of: Type.Optional(text('The venue that opens then.')),
        reason: Type.Optional(text('The reason its client gave.')),
      }),
    ),
    released_at: Type.Optional(instant('Absent: it was not released.')),
    ended_at: Type.Optional(instant('Absent: it is open.')),
    end_reason: Type.Optional(some(endReasons, 'Why it has ended.')),
    end_note: Type.Optional(
      text('What stays in the account: it is less than a lot, or was not granted.'),
    ),
    rounds: count('How often orders were made.'),
    stop: Type.Optional(
      part('That it is to end before the account is flat.', {
        reason: some(['limit', 'abandoned'], 'Its age, or an operator.'),
        note: Type.Optional(text('The reason its operator gave.')),
        asked_at: instant('Since when it is to end.'),
      }),
    ),
    orders: list('Open ones first; 1,000 at most.', orderStory),
    orders_left_out: count('Orders that are not shown.'),
    positions: list(
      'What blocks the rest: each position that is not sold, and why.',
      Type.Object({
        isin: Type.String(),
        quantity: decimal('Units that are still in the account.'),
        reason,
        ...wait,
        priced: flag('False: the book has no price for it.'),
      }),
    ),
    timeline: list(
      'In the order in which it was recorded; the latest 2,000 entries. Deliveries are those that ' +
        'the log of attempts still has, of a package the one that begins or ends with the event.',
      entry,
    ),
    timeline_cut: flag('Whether earlier entries are left out.'),
  });
}
