// The shapes of requests about webhook subscriptions.

import { type Static, Type } from 'typebox';
import { packageSizes, webhookTypes } from '../webhooks/webhook.ts';
import { flag, only, some, text, whole } from './members.ts';
import { bothWays, paging } from './schemas.ts';

export const listWebhooksQuery = only({
  sort: Type.Optional(
    some(
      ['created_at', 'updated_at', 'title', 'url', 'enabled'],
      'What the list is sorted by; what is equal, by `id`.',
      { default: 'created_at' },
    ),
  ),
  order: bothWays,
  ...paging,
});

const webhookConfig = only(
  {
    delay: Type.Optional(
      text('Gather events for 1 to 30 seconds and send them together.', {
        pattern: '^([1-9]|[12][0-9]|30)s$',
        examples: ['5s'],
      }),
    ),
    max_package_size: Type.Optional(
      whole('Bytes of events sent together at most; a larger single event is still sent.', {
        minimum: packageSizes.min,
        maximum: packageSizes.max,
      }),
    ),
    signature_version: Type.Optional(
      some(['6', '15', '9421'], 'The dialect that deliveries are signed in.', { default: '6' }),
    ),
    signature_algorithm: Type.Optional(
      some(['ecdsa-p521', 'ed25519'], 'What signs deliveries. RFC 9421 has no place for P-521.', {
        default: 'ecdsa-p521',
      }),
    ),
    standard_webhooks: Type.Optional(
      flag(
        'Sign the headers webhook-id, webhook-timestamp and webhook-signature as well, with the ' +
          'Ed25519 key of the client (v1a of Standard Webhooks).',
        { default: false },
      ),
    ),
  },
  { description: 'How events are delivered and signed.' },
);

// No control characters, which PostgreSQL (NUL) or a terminal would stumble over. Patterns are of the
// syntax that all engines know, since clients are generated from them (test/http/openapi.test.ts).
const title = text('A name to know it by.', {
  minLength: 1,
  maxLength: 100,
  pattern: '^[^\\x00-\\x1f\\x7f-\\x9f]*$',
});
const url = text('Where events are posted: https, at a public address.', {
  minLength: 1,
  maxLength: 1_000,
  examples: ['https://hooks.example.com/unwind'],
});
const type = Type.Array(Type.Enum([...webhookTypes], { type: 'string' }), {
  minItems: 1,
  maxItems: webhookTypes.length,
  uniqueItems: true,
  default: ['ALL'],
  description:
    'The kinds of events to get. This service has ACCOUNT_LIQUIDATION; and BATCH, which ALL does not include.',
});
const excludeType = Type.Array(
  Type.Enum(
    webhookTypes.filter((kind) => kind !== 'ALL'),
    { type: 'string' },
  ),
  {
    maxItems: webhookTypes.length,
    uniqueItems: true,
    default: [],
    description: 'The kinds of events not to get, where `type` is ALL.',
  },
);
const enabled = flag('Whether events are delivered; until then they are kept.');

export const createWebhookBody = only({
  title,
  url,
  type: Type.Optional(type),
  exclude_type: Type.Optional(excludeType),
  enabled: Type.Optional(enabled),
  config: Type.Optional(webhookConfig),
});

export const updateWebhookBody = only({
  ...createWebhookBody.properties,
  title: Type.Optional(title),
  url: Type.Optional(url),
});

export type UpdateWebhookBody = Static<typeof updateWebhookBody>;
