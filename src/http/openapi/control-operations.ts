// What the document says of the operations by which people see and steer all liquidations of a tenant.

import { Type } from 'typebox';
import {
  liftHaltBody,
  listAllLiquidationsQuery,
  listHaltsQuery,
  setHaltBody,
  statementQuery,
} from '../control-schemas.ts';
import { streamQuery } from '../delivery-schemas.ts';
import { shape, text } from '../members.ts';
import { approval, approvalExample } from './approval-operations.ts';
import {
  dryHalt,
  halt,
  haltWithEffect,
  overview,
  type overviewOf,
  storyOf,
} from './control-objects.ts';
import { releasedLiquidation } from './examples.ts';
import {
  cursorPageOf,
  exampleOf,
  type OperationPart,
  responseOf,
  type Success,
} from './operation.ts';

const at = '2021-07-21T14:10:00.000Z';
const [firstOrder] = releasedLiquidation.orders;

const overviewView = {
  ...releasedLiquidation,
  orders: [{ ...firstOrder, status: 'PROCESSING' }],
  progress: {
    orders: 1,
    orders_final: 0,
    quantity: '10',
    executed_quantity: '4',
    proceeds: '40.00',
  },
  waiting: [
    {
      reason: 'at_venue',
      isin: 'DE0007164600',
      since: at,
      detail: 'client order id 2mF0ZtR7cW at XSIM',
      positions: 1,
    },
  ],
} as const;

const storyView = {
  liquidation: overviewView,
  release_at: at,
  released_at: at,
  rounds: 1,
  orders: [
    {
      id: firstOrder.id,
      isin: 'DE0007164600',
      name: 'SAP SE',
      status: 'PROCESSING',
      round: 1,
      quantity: '10',
      executed_quantity: '4',
      proceeds: '40.00',
      attempts: 1,
      created_at: at,
      submission: {
        venue: 'XSIM',
        client_order_id: '2mF0ZtR7cW',
        venue_order_id: 'V-1042',
        status: 'WORKING',
        sent_at: at,
      },
      waiting: { reason: 'at_venue', since: at },
    },
  ],
  orders_left_out: 0,
  positions: [{ isin: 'DE0007164600', quantity: '6', reason: 'at_venue', since: at, priced: true }],
  timeline: [
    { at, kind: 'order_placed', order_id: firstOrder.id, isin: 'DE0007164600', quantity: '10' },
  ],
  timeline_cut: false,
} as const;

const haltView = {
  id: '0199c9a2-7d3e-7c11-9f0a-3b1f8c2d4e5f',
  scope: 'tenant',
  across_clients: false,
  strength: 'release',
  reason: 'Prices are wrong',
  person: 'A. Risk',
  set_at: at,
} as const;

const effect = { liquidations: 3, positions: 7, orders: 12, orders_at_venue: 4 } as const;

/** A page of liquidations with their progress. */
export function liquidationsPage(object: ReturnType<typeof overviewOf>): Success {
  return cursorPageOf(object, 'A page of liquidations.', 'One under way', [overviewView]);
}

const base64url = (description: string) => text(description, { pattern: '^[A-Za-z0-9_-]+$' });

const signed = shape('Signed statement', {
  payload: base64url(
    'base64url of a JSON document: every execution with price, time and venue, and the sums.',
  ),
  protected: base64url(
    'base64url of the header: `alg` EdDSA, `kid`, and the public key as `jwk`. Believe that key only if you ' +
      'know it from elsewhere, such as `GET /auth/verify_keys`.',
  ),
  signature: base64url('base64url of the Ed25519 signature.'),
});

export const controlOperations = {
  list_liquidations: {
    tag: 'Control',
    summary: 'List all liquidations',
    description:
      'The liquidations of all accounts, the newest first, each with its progress and with what it ' +
      'waits for. Go on with `meta.next`. With `waiting` or `stuck` a page looks at 2,000 open ' +
      'liquidations at most: it may then be short, or empty, while `meta.has_more` is true.',
    query: listAllLiquidationsQuery,
    success: liquidationsPage(overview),
  },
  retrieve_liquidation: {
    tag: 'Control',
    summary: 'Show what happened to a liquidation',
    description:
      'Each order with what was executed, its venue and the last attempt; what is not sold and why; and a ' +
      'timeline of events, attempts at the venue, executions and deliveries.',
    success: responseOf(
      'The story so far.',
      storyOf(overview),
      exampleOf('story', 'One order at the venue', storyView),
    ),
    refusals: { not_found: 'This client has no such liquidation, or the id is no UUID.' },
  },
  list_halts: {
    tag: 'Control',
    summary: 'List halts',
    description: 'The halts of this client and those across all clients, the newest first.',
    query: listHaltsQuery,
    success: cursorPageOf(halt, 'A page of halts.', 'One in force', [haltView]),
  },
  set_halt: {
    tag: 'Control',
    summary: 'Halt',
    description:
      'Stops the release of liquidations and the sending of orders that it covers, at every process, until ' +
      'a person lifts it. The response comes once no such order can reach a venue any more: what was being ' +
      'sent is waited for, some seconds at most. Where that is not certain in time, the response is 503: the halt ' +
      'is in force, and the same request with the same idempotency key waits again. Orders that are open at a ' +
      'venue go on there; with strength `cancel` the venue is asked to cancel them, again and again until they ' +
      'have ended. Nothing is lost: what is held goes on when the halt is lifted, and what was cancelled is sent ' +
      'again. With `dry_run` nothing is halted, and the response (200) says what would be.',
    body: {
      schema: setHaltBody,
      examples: {
        tenant: {
          summary: 'All of this client',
          value: { scope: 'tenant', reason: 'Prices are wrong', person: 'A. Risk' },
        },
        dry: {
          summary: 'What would a halt of an instrument stop?',
          value: {
            scope: 'instrument',
            isin: 'DE0007164600',
            reason: 'Split not booked yet',
            person: 'A. Risk',
            dry_run: true,
          },
        },
        cancel: {
          summary: 'All of this client, and cancel what is open at venues',
          value: { scope: 'tenant', strength: 'cancel', reason: 'Wrong file', person: 'A. Risk' },
        },
      },
    },
    success: responseOf('It is in force.', halt, exampleOf('halt', 'In force', haltView), 201),
    others: {
      200: {
        description: 'With `dry_run`: what it would stop.',
        body: {
          schema: dryHalt,
          examples: exampleOf('dry', 'Of an instrument', {
            scope: 'instrument',
            effect: { ...effect, liquidations: 0 },
          }),
        },
      },
    },
    refusals: {
      not_found:
        'This client has no such account or instrument, or the service does not trade at the venue.',
      conflict: 'The first request under this key is still running.',
      service_unavailable:
        'The halt is in force, but a process may still be sending what it claimed before: the same request with ' +
        'the same idempotency key waits again. Or the database cannot serve the request now.',
    },
  },
  retrieve_halt: {
    tag: 'Control',
    summary: 'Retrieve a halt',
    description: 'The halt, and what it stops of this client as it is now.',
    success: responseOf(
      'The halt.',
      haltWithEffect,
      exampleOf('halt', 'In force', { ...haltView, effect }),
    ),
    refusals: { not_found: 'This client has no such halt, or the id is no UUID.' },
  },
  lift_halt: {
    tag: 'Control',
    summary: 'Lift a halt',
    description:
      'What the halt held goes on. Needs a reason and a person of its own. Where it holds more than `four_eyes_max` of the ' +
      'controls, it is not lifted: the response is 202, and a second person approves it.',
    body: {
      schema: liftHaltBody,
      examples: exampleOf('lift', 'Lift', { reason: 'Prices are right again', person: 'A. Risk' }),
    },
    success: responseOf(
      'It is lifted.',
      halt,
      exampleOf('lifted', 'Lifted', {
        ...haltView,
        lifted_at: at,
        lifted_by: 'A. Risk',
        lift_reason: 'All is well',
      }),
    ),
    others: {
      202: {
        description: 'It is not lifted: a second person has to approve it.',
        body: {
          schema: approval,
          examples: exampleOf('pending', 'It waits', approvalExample),
        },
        headers: ['IdempotencyReplayed'],
      },
    },
    refusals: {
      not_found: 'This client has no such halt, or the id is no UUID.',
      conflict:
        'It was lifted before, its lift waits for a second person, or the operator has set it across clients.',
    },
  },
  stream_events: {
    tag: 'Control',
    summary: 'Stream events',
    description:
      'The log of events as server-sent events (`text/event-stream`): each as `GET /events` shows it in ' +
      '`data`, with its cursor as `id`. Connect again with `last-event-id` and the stream goes on behind ' +
      'it, without loss or repeats. Events of batches come with `batch_id` alone. A comment, with the place in the log as `id`, comes every 10 seconds ' +
      'where nothing else does. With `changes=true` an event `changed` names what has changed besides. An event `gap` says what the log has dropped behind your place; an event ' +
      '`end` says why the service ends the stream: `token_ended`, `slow_reader` or `shutting_down`.',
    query: streamQuery,
    success: {
      status: 200,
      description: 'The stream; it goes on until one side ends it.',
      body: {
        type: 'text/event-stream',
        schema: Type.String(),
        examples: exampleOf(
          'stream',
          'Its beginning, and one event',
          'retry: 1000\nid: e1041\n\nid: e1042\ndata: {"created_at":"2021-07-21T14:10:00.000Z",' +
            '"id":"56510309-d9de-4730-9b5b-4a0ed047f3a9","object":{},"type":"ACCOUNT_LIQUIDATION.NEW"}\n\n',
        ),
      },
    },
    refusals: { not_found: 'This client has no such liquidation or batch.' },
  },
  retrieve_liquidation_statement: {
    tag: 'Control',
    summary: 'Retrieve the statement of a liquidation',
    description:
      'What a liquidation that has ended sold, as a signed document: a JWS in its flattened JSON serialisation ' +
      '(RFC 7515). As long as nothing changes it has the same bytes. A part has 5,000 executions at most; the ' +
      'header `link` leads to the next part.',
    query: statementQuery,
    success: {
      status: 200,
      description: 'A part of the statement.',
      body: {
        schema: signed,
        examples: exampleOf('statement', 'Shortened', {
          payload: 'eyJ0eXBlIjoidW53aW5kLmV4ZWN1dGlvbl9zdGF0ZW1lbnQudjEifQ',
          protected: 'eyJhbGciOiJFZERTQSJ9',
          signature: 'c2lnbmF0dXJl',
        }),
      },
      headers: ['Link'],
    },
    refusals: {
      not_found: 'This client has no such liquidation, it has no such part, or the id is no UUID.',
      conflict: 'The liquidation has not ended.',
    },
  },
} as const satisfies Readonly<Record<string, OperationPart>>;
