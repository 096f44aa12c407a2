// What the document says of the operations on webhook subscriptions.

import { verifyKeysQuery } from '../delivery-schemas.ts';
import { createWebhookBody, listWebhooksQuery, updateWebhookBody } from '../webhook-schemas.ts';
import { publicKeys, webhookRequest, webhookView } from './examples.ts';
import { jwks, webhook } from './objects.ts';
import { answerOf, exampleOf, type OperationPart, pageOf } from './operation.ts';

const noSuchWebhook = 'This client has no such subscription, or the id is no UUID.';
const one = exampleOf('subscription', 'A subscription', webhookView);

export const webhookOperations = {
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
    success: answerOf('The subscription.', webhook, one, 201),
    refusals: { conflict: 'The client has as many subscriptions as it can have.' },
  },
  retrieve_webhook: {
    tag: 'Webhooks',
    summary: 'Retrieve a subscription',
    description: 'The subscription with all its settings.',
    success: answerOf('The subscription.', webhook, one),
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
    success: answerOf('The subscription with its settings from now on.', webhook, one),
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
    success: answerOf(
      'The keys, oldest first.',
      jwks,
      exampleOf('keys', 'An Ed25519 key', publicKeys),
    ),
  },
} as const satisfies Readonly<Record<string, OperationPart>>;
