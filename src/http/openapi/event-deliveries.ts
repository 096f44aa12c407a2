// The webhooks section: what the service sends to receivers, one entry for each event of the contract.

import type { Contract } from '../../auth/store.ts';
import { type BatchEvent, batchEvents } from '../../batches/batch.ts';
import { batchEvent } from './batch-objects.ts';
import { eventOf } from './examples.ts';
import { type Json, type Names, toJsonSchema } from './json-schema.ts';
import { event, eventPackage } from './objects.ts';
import { exampleOf } from './operation.ts';

const deliveries = {
  NEW: 'A liquidation was created. It has no orders yet and can still be cancelled.',
  PROCESSING: 'A liquidation was released: it has its orders, and they are under way.',
  FILLED: 'A liquidation ended: nothing sellable is left, and `cash_amount` is what was earned.',
  SETTLED: 'The settlement dates of all that a FILLED liquidation has sold have come.',
  CANCELLED:
    'A liquidation ended before everything was sold: its client cancelled it, or the venue rejected ' +
    'an order. What was sold stays sold.',
} as const;

type Status = keyof typeof deliveries;

/** Sent to subscriptions that name BATCH, and to no other. */
const batchDeliveries: Readonly<Record<BatchEvent, string>> = {
  CREATED: 'A batch was made.',
  APPROVED: 'A second person has approved a batch.',
  STARTED: 'A batch begins to start its accounts.',
  PROGRESS: 'A batch is further than it was: every 5 seconds at most.',
  PAUSED: 'A batch was paused.',
  RESUMED: 'A batch was resumed.',
  CANCELLING: 'A batch is being cancelled.',
  CANCELLED: 'A batch was cancelled, and nothing of it is open.',
  COMPLETED: 'Everything that a batch has started has ended.',
};

const headers: readonly Json[] = [
  {
    name: 'upvest-client-id',
    description: 'The client whose event it is.',
    schema: { type: 'string', format: 'uuid' },
  },
  {
    name: 'signature',
    description: 'The signature of the service; verify it before you believe the body.',
    schema: { type: 'string' },
  },
  {
    name: 'signature-input',
    description:
      'What it covers: `@method`, `@path`, `@query` if there is one, `content-type`, ' +
      '`content-length`, the digest, `upvest-client-id`. `keyid` names a key of `/auth/verify_keys`.',
    schema: { type: 'string' },
  },
].map((header) => ({ ...header, in: 'header', required: true }));

/** The section, by event type. */
export function eventDeliveries(names: Names, contract: Contract): Json {
  const statuses = (Object.keys(deliveries) as Status[]).filter((status) => {
    return contract === '2026' || status !== 'SETTLED';
  });
  const entries = statuses.map((status): [string, Json] => {
    return [`ACCOUNT_LIQUIDATION.${status}`, { post: delivery(status, names) }];
  });
  const ofBatches = batchEvents.map((type): [string, Json] => {
    return [`BATCH.${type}`, { post: batchDelivery(type, names) }];
  });
  return Object.fromEntries([...entries, ...ofBatches]);
}

function batchDelivery(type: BatchEvent, names: Names): Json {
  return {
    tags: ['Control'],
    operationId: `batch_${type.toLowerCase()}`,
    summary: `Batch ${type}`,
    description: `${batchDeliveries[type]}\n\nOnly subscriptions whose \`type\` has \`BATCH\` get it; \`ALL\` has it not.`,
    security: [],
    parameters: headers,
    requestBody: {
      required: true,
      content: { 'application/json': { schema: toJsonSchema(batchEvent, names) } },
    },
    responses: received,
  };
}

const received = { '2XX': { description: 'Received. Any other response, or none, means: again.' } };

function delivery(status: Status, names: Names): Json {
  return {
    tags: ['Webhooks'],
    operationId: `account_liquidation_${status.toLowerCase()}`,
    summary: `Liquidation ${status}`,
    description:
      `${deliveries[status]}\n\nEvents of one account arrive in the order they happened. A delivery ` +
      'that is not answered with a 2xx is repeated with growing gaps; a repeat has the same `id`. ' +
      'Subscriptions with `delay` or `max_package_size` get several events in one `payload`.',
    // Receivers know no tokens: what proves a delivery is its signature.
    security: [],
    parameters: headers,
    requestBody: {
      required: true,
      content: {
        'application/json': {
          schema: { oneOf: [toJsonSchema(event, names), toJsonSchema(eventPackage, names)] },
          examples: exampleOf('event', `Liquidation ${status}`, eventOf(status)) as Json,
        },
      },
    },
    responses: received,
  };
}
