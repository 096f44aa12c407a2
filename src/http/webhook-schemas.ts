// The shapes of requests about webhook subscriptions.

import { type Static, Type } from 'typebox';
import { packageSizes, webhookTypes } from '../webhooks/webhook.ts';
import { bothWays, paging, strict } from './schemas.ts';

export const listWebhooksQuery = Type.Object(
  {
    sort: Type.Optional(
      Type.Enum(['created_at', 'updated_at', 'title', 'url', 'enabled'], {
        type: 'string',
        default: 'created_at',
        description: 'What the list is sorted by; what is equal, by `id`.',
      }),
    ),
    order: bothWays,
    ...paging,
  },
  strict,
);

const webhookConfig = Type.Object(
  {
    delay: Type.Optional(
      Type.String({
        pattern: '^([1-9]|[12][0-9]|30)s$',
        description: 'Gather events for 1 to 30 seconds and send them together.',
        examples: ['5s'],
      }),
    ),
    max_package_size: Type.Optional(
      Type.Integer({
        minimum: packageSizes.min,
        maximum: packageSizes.max,
        description: 'Bytes of events sent together at most; a larger single event is still sent.',
      }),
    ),
    signature_version: Type.Optional(
      Type.Enum(['6', '15', '9421'], {
        type: 'string',
        default: '6',
        description: 'The dialect that deliveries are signed in.',
      }),
    ),
    signature_algorithm: Type.Optional(
      Type.Enum(['ecdsa-p521', 'ed25519'], {
        type: 'string',
        default: 'ecdsa-p521',
        description: 'What signs deliveries. RFC 9421 has no place for P-521.',
      }),
    ),
    standard_webhooks: Type.Optional(
      Type.Boolean({
        default: false,
        description:
          'Sign the headers webhook-id, webhook-timestamp and webhook-signature as well, with the ' +
          'Ed25519 key of the client (v1a of Standard Webhooks).',
      }),
    ),
  },
  { ...strict, description: 'How events are delivered and signed.' },
);

// No control characters, which PostgreSQL (NUL) or a terminal would stumble over. Patterns are of the
// syntax that all engines know, since clients are generated from them (test/http/openapi.test.ts).
const title = Type.String({
  minLength: 1,
  maxLength: 100,
  pattern: '^[^\\x00-\\x1f\\x7f-\\x9f]*$',
  description: 'A name to know it by.',
});
const url = Type.String({
  minLength: 1,
  maxLength: 1_000,
  description: 'Where events are posted: https, at a public address.',
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
const enabled = Type.Boolean({
  description: 'Whether events are delivered; until then they are kept.',
});

export const createWebhookBody = Type.Object(
  {
    title,
    url,
    type: Type.Optional(type),
    exclude_type: Type.Optional(excludeType),
    enabled: Type.Optional(enabled),
    config: Type.Optional(webhookConfig),
  },
  strict,
);

export const updateWebhookBody = Type.Object(
  {
    title: Type.Optional(title),
    url: Type.Optional(url),
    type: Type.Optional(type),
    exclude_type: Type.Optional(excludeType),
    enabled: Type.Optional(enabled),
    config: Type.Optional(webhookConfig),
  },
  strict,
);

export type UpdateWebhookBody = Static<typeof updateWebhookBody>;
