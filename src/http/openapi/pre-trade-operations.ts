// What the document says of the operations on pre-trade controls.

import { Type } from 'typebox';
import { controlNames } from '../../controls/control.ts';
import {
  limitMembers,
  listStoppedQuery,
  releaseOrderBody,
  setControlsBody,
} from '../pre-trade-schemas.ts';
import { keyPageMeta } from './control-objects.ts';
import type { OperationPart } from './operation.ts';

const uuid = (description: string) => Type.String({ format: 'uuid', description });
const instant = (description: string) => Type.String({ format: 'date-time', description });

const controls = Type.Object(
  {
    id: uuid('These controls; setting others makes new ones.'),
    ...limitMembers,
    reason: Type.String({ description: 'Why they were set.' }),
    person: Type.String({ description: 'Who has decided it.' }),
    set_at: instant('Since when they hold.'),
  },
  { title: 'Pre-trade controls', additionalProperties: true },
);

const inForce = Type.Object(
  {
    own: Type.Union([controls, Type.Null()], { description: 'Of this client; null: none.' }),
    across_clients: Type.Union([controls, Type.Null()], {
      description: 'Those that the operator has set for all clients; of both the stricter holds.',
    }),
  },
  { title: 'Controls in force' },
);

const stopped = Type.Object(
  {
    id: uuid('The order and the control that stops it.'),
    order_id: uuid('The order.'),
    account_id: uuid('The account it sells for.'),
    account_liquidation_id: uuid('The liquidation it belongs to.'),
    isin: Type.String({ description: 'The instrument.' }),
    venue: Type.String({ description: 'Where it was to go (MIC).' }),
    quantity: Type.String({ description: 'Units that are left to sell.' }),
    control: Type.Enum([...controlNames], { type: 'string', description: 'What stops it.' }),
    detail: Type.String({ description: 'Its figure and the limit, for a person.' }),
    stopped_at: instant('Since when.'),
    released_at: Type.Optional(instant('When a person has let it pass.')),
    released_by: Type.Optional(Type.String({ description: 'Who.' })),
    release_reason: Type.Optional(Type.String({ description: 'Why.' })),
  },
  { title: 'Stopped order' },
);

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
    success: {
      status: 200,
      description: 'The controls in force.',
      body: {
        schema: inForce,
        examples: {
          own: { summary: 'Of this client', value: { own: controlsExample, across_clients: null } },
        },
      },
    },
    refusals: {},
  },
  set_controls: {
    tag: 'Control',
    summary: 'Set the pre-trade controls',
    description:
      'Replaces those of this client as a whole: what is absent is not limited. An order that does not keep one is ' +
      'stopped before it is sent, says so (`control`), and is checked again every 30 seconds until it keeps it or a ' +
      'person releases it. The answer comes once no order can reach a venue that was checked by the controls ' +
      'before; where that is not certain in time, the answer is 503: the controls are in force, and the same request with the ' +
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
      },
    },
    success: {
      status: 200,
      description: 'They are in force.',
      body: {
        schema: controls,
        examples: { controls: { summary: 'In force', value: controlsExample } },
      },
      headers: ['IdempotencyReplayed'],
    },
    refusals: {
      conflict: 'The first request under this key is still running.',
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
    success: {
      status: 200,
      description: 'A page of stopped orders.',
      body: {
        schema: Type.Object({ data: Type.Array(stopped), meta: keyPageMeta }),
        examples: {
          page: {
            summary: 'One of too much value',
            value: {
              data: [stoppedExample],
              meta: { count: 1, limit: 100, next: null, has_more: false },
            },
          },
        },
      },
      headers: ['Link'],
    },
    refusals: {},
  },
  release_stopped_order: {
    tag: 'Control',
    summary: 'Release a stopped order',
    description:
      'Lets this order pass this control from now on, whatever its figure; other controls still hold. It is due at once.',
    body: {
      schema: releaseOrderBody,
      examples: {
        release: {
          summary: 'Release',
          value: { reason: 'Agreed with the desk', person: 'A. Risk' },
        },
      },
    },
    success: {
      status: 200,
      description: 'It passes.',
      body: {
        schema: stopped,
        examples: {
          released: {
            summary: 'Released',
            value: {
              ...stoppedExample,
              released_at: at,
              released_by: 'A. Risk',
              release_reason: 'Agreed with the desk',
            },
          },
        },
      },
      headers: ['IdempotencyReplayed'],
    },
    refusals: {
      not_found: 'This client has no such stopped order, or the id is no UUID.',
      conflict: 'It is not stopped by this control any more: released, sent or ended.',
    },
  },
} as const satisfies Readonly<Record<string, OperationPart>>;
