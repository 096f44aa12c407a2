// What the document says of subscriptions, of their deliveries, and of the log behind them.

import {
  listDeliveriesQuery,
  listEventsQuery,
  replayBody,
  verifyKeysQuery,
} from '../delivery-schemas.ts';
import { createWebhookBody, listWebhooksQuery, updateWebhookBody } from '../webhook-schemas.ts';
import { eventPage } from './batch-objects.ts';
import { attemptPage, replayResponse, testResponse } from './delivery-objects.ts';
import {
  attemptView,
  newEvent,
  publicKeys,
  testView,
  webhookRequest,
  webhookView,
} from './examples.ts';
import { jwks, webhook } from './objects.ts';
import { exampleOf, type OperationPart, pageOf, responseOf } from './operation.ts';

const noSuchWebhook = 'This client has no such subscription, or the id is no UUID.';
const { webhook_id: _, ...loggedEvent } = newEvent;

const one = exampleOf('subscription', 'A subscription', webhookView);

export const deliveryOperations = {
  list_webhook_deliveries: {
    tag: 'Webhooks',
    summary: 'List delivery attempts',
    description:
      'The last attempts of a subscription, newest first: up to 200 that were acknowledged and 300 that ' +
      'failed are kept, and the last tests.',
    query: listDeliveriesQuery,
    success: responseOf(
      'The attempts.',
      attemptPage,
      exampleOf('page', 'One attempt', { data: [attemptView], meta: { count: 1 } }),
    ),
    refusals: { not_found: noSuchWebhook },
  },
  replay_webhook: {
    tag: 'Webhooks',
    summary: 'Deliver events again',
    description:
      'Moves a subscription back in the log, to a time or to an event, or delivers parked ' +
      'events again. Events keep their ids and their bytes. It never moves forward.',
    body: {
      schema: replayBody,
      examples: {
        time: { summary: 'From a time', value: { from: '2026-01-05T09:00:00Z' } },
        aside: { summary: 'What was parked', value: { set_aside: true } },
      },
    },
    success: responseOf(
      'Deliveries begin.',
      replayResponse,
      exampleOf('replay', 'From a time', { behind: 1042, resumed: 0, gap: null }),
    ),
    refusals: { not_found: `${noSuchWebhook} Or the log has no such event.` },
  },
  test_webhook: {
    tag: 'Webhooks',
    summary: 'Test a subscription',
    description:
      'Posts an event of type `WEBHOOK.TEST` to the receiver, signed as any other and without the faults that a ' +
      'sandbox was asked for, and answers what the ' +
      'receiver said. The event is in no log; the subscription may be disabled.',
    success: responseOf(
      'What the receiver said.',
      testResponse,
      exampleOf('answer', 'It took the event', testView),
    ),
    refusals: { not_found: noSuchWebhook },
  },
  list_events: {
    tag: 'Webhooks',
    summary: 'List events',
    description:
      'The log of events in the order in which subscriptions get them: the source of truth when ' +
      'deliveries were missed. Begin without a cursor, go on with `meta.next`. The log keeps 90 days; ' +
      'for an older cursor `meta.gap` says what is missing.',
    query: listEventsQuery,
    success: {
      status: 200,
      description: 'A page of the log.',
      body: {
        schema: eventPage,
        examples: exampleOf('page', 'One event', {
          data: [loggedEvent],
          meta: { count: 1, limit: 100, next: 'e1042', has_more: false, gap: null },
        }),
      },
      headers: ['Link'],
    },
  },
  list_webhooks: {
    tag: 'Webhooks',
    summary: 'List subscriptions',
    description:
      'All subscriptions of the client in pages, oldest first unless the query says otherwise.',
    query: listWebhooksQuery,
    success: pageOf(
      webhook,
      'A page of subscriptions.',
      'One subscription',
      webhookView,
      'created_at',
    ),
  },
  create_webhook: {
    tag: 'Webhooks',
    summary: 'Create a subscription',
    description:
      'A receiver of the events that happen from now on. It starts disabled unless `enabled` says ' +
      'otherwise. The receiver has to be reachable by https at a public address; `http` and this ' +
      'machine are possible only in a sandbox that itself listens on this machine alone.',
    body: {
      schema: createWebhookBody,
      examples: exampleOf('request', 'Signed with Ed25519', webhookRequest),
    },
    success: responseOf('The subscription.', webhook, one, 201),
    refusals: { conflict: 'The client has as many subscriptions as it can have.' },
  },
  retrieve_webhook: {
    tag: 'Webhooks',
    summary: 'Retrieve a subscription',
    description: 'The subscription with all its settings.',
    success: responseOf('The subscription.', webhook, one),
    refusals: { not_found: noSuchWebhook },
  },
  update_webhook: {
    tag: 'Webhooks',
    summary: 'Change a subscription',
    description: 'Changes the settings that the body names; the others stay.',
    body: {
      schema: updateWebhookBody,
      examples: exampleOf('enable', 'Begin to deliver', { enabled: true }),
    },
    success: responseOf('The subscription with its settings from now on.', webhook, one),
    refusals: { not_found: noSuchWebhook },
  },
  delete_webhook: {
    tag: 'Webhooks',
    summary: 'Delete a subscription',
    description: 'Nothing more is delivered to it; a delivery under way may still arrive.',
    success: { status: 204, description: 'It is deleted.' },
    refusals: { not_found: noSuchWebhook },
  },
  get_jwks: {
    tag: 'Webhooks',
    summary: 'List the keys of deliveries',
    description:
      'The public keys that verify deliveries to this client, as a JSON Web Key Set. Keys change: look ' +
      'here for a `keyid` you do not know.',
    query: verifyKeysQuery,
    success: responseOf(
      'The keys, oldest first.',
      jwks,
      exampleOf('keys', 'An Ed25519 key', publicKeys),
    ),
  },
} as const satisfies Readonly<Record<string, OperationPart>>;
