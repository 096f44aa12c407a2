// The operations on webhooks, between the wire and the room.

import { findPublicJwks } from '../auth/signing-keys.ts';
import type { Clock } from '../clock.ts';
import type { Sql } from '../db/connect.ts';
import { Refusal } from '../refusal.ts';
import type { AddressPolicy } from '../webhooks/address.ts';
import { changeWebhook, createWebhook, removeWebhook } from '../webhooks/manage-webhooks.ts';
import { findWebhook, listWebhooks } from '../webhooks/store.ts';
import type { Webhook, WebhookSettings } from '../webhooks/webhook.ts';
import { type Handler, idParam, jsonBody } from './pipeline.ts';
import {
  createWebhookBody,
  listWebhooksQuery,
  noQuery,
  queryReaderOf,
  readerOf,
  type UpdateWebhookBody,
  updateWebhookBody,
} from './schemas.ts';

export interface WebhookHandlers {
  readonly list: Handler;
  readonly create: Handler;
  readonly retrieve: Handler;
  readonly update: Handler;
  readonly remove: Handler;
  readonly verifyKeys: Handler;
}

const readCreateBody = readerOf(createWebhookBody);
const readUpdateBody = readerOf(updateWebhookBody);
const readListQuery = queryReaderOf(listWebhooksQuery);
const readNoQuery = queryReaderOf(noQuery);

const unset: Omit<WebhookSettings, 'title' | 'url'> = {
  enabled: false,
  types: ['ALL'],
  delayS: undefined,
  maxPackageSize: undefined,
  signatureVersion: '6',
  signatureAlgorithm: 'ecdsa-p521',
  standardHeaders: false,
};

export function webhookHandlers(options: {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly policy: AddressPolicy;
  /** Called when a subscription may have something to deliver. */
  readonly onChanged: () => void;
}): WebhookHandlers {
  const { sql, onChanged } = options;
  return {
    list: async (call) => {
      const { offset = 0, limit = 100 } = readListQuery(call.search);
      const { tenantId } = call.caller;
      const { webhooks, totalCount } = await listWebhooks(sql, { tenantId, offset, limit });
      const data = webhooks.map(toView);
      const meta = {
        count: data.length,
        limit,
        offset,
        order: 'ASC',
        sort: 'created_at',
        total_count: totalCount,
      };
      return { status: 200, body: JSON.stringify({ data, meta }) };
    },

    create: async (call) => {
      readNoQuery(call.search);
      const body = readCreateBody(jsonBody(call), 'body');
      const { title, url } = body;
      const settings = withChanges({ title, url, ...unset }, body);
      const webhook = await createWebhook(options, call.caller, settings);
      onChanged();
      return { status: 201, body: JSON.stringify(toView(webhook)) };
    },

    retrieve: async (call) => {
      const webhookId = idParam<'webhook'>(call, 'webhook_id', 'not_found');
      readNoQuery(call.search);
      const webhook = await findWebhook(sql, { tenantId: call.caller.tenantId, webhookId });
      if (webhook === undefined) throw new Refusal('not_found', 'There is no such webhook.');
      return { status: 200, body: JSON.stringify(toView(webhook)) };
    },

    update: async (call) => {
      const webhookId = idParam<'webhook'>(call, 'webhook_id', 'not_found');
      readNoQuery(call.search);
      const body = readUpdateBody(jsonBody(call), 'body');
      const settings = (webhook: Webhook) => withChanges(webhook, body);
      const webhook = await changeWebhook(options, call.caller, { webhookId, settings });
      onChanged();
      return { status: 200, body: JSON.stringify(toView(webhook)) };
    },

    remove: async (call) => {
      const webhookId = idParam<'webhook'>(call, 'webhook_id', 'not_found');
      readNoQuery(call.search);
      await removeWebhook(options, call.caller, webhookId);
      return { status: 204 };
    },

    verifyKeys: async (call) => {
      readNoQuery(call.search);
      const keys = await findPublicJwks(sql, call.caller.tenantId);
      return { status: 200, body: `{"keys":[${keys.join(',')}]}` };
    },
  };
}

/** The settings with those members of a body that are given. */
function withChanges(settings: WebhookSettings, body: UpdateWebhookBody): WebhookSettings {
  const { config = {} } = body;
  return {
    title: body.title ?? settings.title,
    url: body.url ?? settings.url,
    enabled: body.enabled ?? settings.enabled,
    types: body.type ?? settings.types,
    delayS: config.delay === undefined ? settings.delayS : Number.parseInt(config.delay, 10),
    maxPackageSize: config.max_package_size ?? settings.maxPackageSize,
    signatureVersion: config.signature_version ?? settings.signatureVersion,
    signatureAlgorithm: config.signature_algorithm ?? settings.signatureAlgorithm,
    standardHeaders: config.standard_webhooks ?? settings.standardHeaders,
  };
}

function toView(webhook: Webhook): object {
  return {
    id: webhook.webhookId,
    created_at: webhook.createdAt.toISOString(),
    updated_at: webhook.updatedAt.toISOString(),
    title: webhook.title,
    url: webhook.url,
    enabled: webhook.enabled,
    type: webhook.types,
    config: {
      ...(webhook.delayS === undefined ? {} : { delay: `${webhook.delayS}s` }),
      ...(webhook.maxPackageSize === undefined ? {} : { max_package_size: webhook.maxPackageSize }),
      signature_version: webhook.signatureVersion,
      signature_algorithm: webhook.signatureAlgorithm,
      ...(webhook.standardHeaders ? { standard_webhooks: true } : {}),
    },
  };
}
