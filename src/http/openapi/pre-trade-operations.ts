// What the document says of the operations on pre-trade controls.

import { Type } from 'typebox';
import { controlNames } from '../../controls/control.ts';
import { instant, shape, some, text, uuid } from '../members.ts';
import {
  limitMembers,
  listStoppedQuery,
  releaseOrderBody,
  setControlsBody,
} from '../pre-trade-schemas.ts';
import { cursorPageOf, exampleOf, type OperationPart, responseOf } from './operation.ts';

const controls = shape(
  'Pre-trade controls',
  {
    id: uuid('These controls; setting others makes new ones.'),
    ...limitMembers,
    reason: text('Why they were set.'),
    person: text('Who has decided it.'),
    set_at: instant('Since when they hold.'),
  },
  { additionalProperties: true },
);

const inForce = shape('Controls in force', {
  own: Type.Union([controls, Type.Null()], { description: 'Of this client; null: none.' }),
  across_clients: Type.Union([controls, Type.Null()], {
    description: 'Those that the operator has set for all clients; of both the stricter holds.',
  }),
});

const stopped = shape('Stopped order', {
  id: uuid('The order and the control that stops it.'),
  order_id: uuid('The order.'),
  account_id: uuid('The account it sells for.'),
  account_liquidation_id: uuid('The liquidation it belongs to.'),
  isin: text('The instrument.'),
  venue: text('Where it was to go (MIC).'),
  quantity: text('Units that are left to sell.'),
  control: some(controlNames, 'What stops it.'),
  detail: text('Its figure and the limit, for a person.'),
  stopped_at: instant('Since when.'),
  released_at: Type.Optional(instant('When a person has let it pass.')),
  released_by: Type.Optional(text('Who.')),
  release_reason: Type.Optional(text('Why.')),
});

const at = '2026-07-01T09:30:40.862Z';

const controlsExample = {
  id: '0199c9a2-7d3e-7c11-9f0a-3b1f8c2d4e5f',
  order_value_max: '250000',
  day_value_max: '5000000',
  price_age_max_s: 900,
  rejections: { max: 10, window_s: 60 },
  reason: 'Limits of 2026',
  person: 'A. Risk',
  set_at: at,
} as const;

const stoppedExample = {
  id: '0199c9a2-8d3e-7c11-9f0a-3b1f8c2d4e60',
  order_id: '0199c9a2-8a3e-7c11-9f0a-3b1f8c2d4e61',
  account_id: 'a3b6b2e4-5c1e-4d0e-9d6f-1b7f0a6c9e11',
  account_liquidation_id: '0199c9a2-8a00-7c11-9f0a-3b1f8c2d4e62',
  isin: 'DE0007164600',
  venue: 'XETR',
  quantity: '2500',
  control: 'order_value',
  detail: 'EUR 301250, at most EUR 250000',
  stopped_at: at,
} as const;

export const preTradeOperations = {
  retrieve_controls: {
    tag: 'Control',
    summary: 'Retrieve the pre-trade controls',
    description: 'The limits that orders of this client have to keep before they are sent.',
    success: responseOf(
      'The controls in force.',
      inForce,
      exampleOf('own', 'Of this client', { own: controlsExample, across_clients: null }),
    ),
  },
  set_controls: {
    tag: 'Control',
    summary: 'Set the pre-trade controls',
    description:
      'Replaces those of this client as a whole: what is absent is not limited. `replaces` names those that you have ' +
      'seen in force; where others are, nothing is set (409), so that of two persons none undoes unseen what the other ' +
      'has set. An order that does not keep one is ' +
      'stopped before it is sent, says so (`control`), and is checked again every 30 seconds until it keeps it or a ' +
      'person releases it. The response comes once no order can reach a venue that was checked by the controls ' +
      'before; where that is not certain in time, the response is 503: the controls are in force, and the same request with the ' +
      'same idempotency key waits again.',
    body: {
      schema: setControlsBody,
      examples: {
        limits: {
          summary: 'Values, age of prices, rejections',
          value: {
            order_value_max: '250000',
            day_value_max: '5000000',
            price_age_max_s: 900,
            rejections: { max: 10, window_s: 60 },
            reason: 'Limits of 2026',
            person: 'A. Risk',
          },
        },
        replaced: {
          summary: 'Instead of those in force',
          value: {
            replaces: controlsExample.id,
            order_value_max: '250000',
            reason: 'No limit of the day any more',
            person: 'A. Risk',
          },
        },
      },
    },
    success: responseOf(
      'They are in force.',
      controls,
      exampleOf('controls', 'In force', controlsExample),
    ),
    refusals: {
      conflict:
        'Controls are in force that `replaces` does not name. Or the first request under this key is still running.',
      service_unavailable:
        'The controls are in force, but a process may still be sending what it checked before: the same request with ' +
        'the same idempotency key waits again. Or the database cannot serve the request now.',
    },
  },
  list_stopped_orders: {
    tag: 'Control',
    summary: 'List stopped orders',
    description:
      'Orders that pre-trade controls stop now, one entry for each control, the latest first.',
    query: listStoppedQuery,
    success: cursorPageOf(stopped, 'A page of stopped orders.', 'One of too much value', [
      stoppedExample,
    ]),
  },
  release_stopped_order: {
    tag: 'Control',
    summary: 'Release a stopped order',
    description:
      'Lets this order pass this control from now on, whatever its figure; other controls still hold. It is due at once.',
    body: {
      schema: releaseOrderBody,
      examples: exampleOf('release', 'Release', {
        reason: 'Agreed with the desk',
        person: 'A. Risk',
      }),
    },
    success: responseOf(
      'It passes.',
      stopped,
      exampleOf('released', 'Released', {
        ...stoppedExample,
        released_at: at,
        released_by: 'A. Risk',
        release_reason: 'Agreed with the desk',
      }),
    ),
    refusals: {
      not_found: 'This client has no such stopped order, or the id is no UUID.',
      conflict: 'It is not stopped by this control any more: released, sent or ended.',
    },
  },
} as const satisfies Readonly<Record<string, OperationPart>>;
