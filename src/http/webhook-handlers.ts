// The operations on webhook subscriptions, between the wire and the room. What became of their
// deliveries: delivery-handlers.ts.

import { readDeliveryState } from '../deliveries/history-store.ts';
import {
  changeWebhook,
  createWebhook,
  type ManageOptions,
  noSuchWebhook,
  removeWebhook,
} from '../deliveries/manage-webhooks.ts';
import { shownBlockedMax } from '../limits.ts';
import { Refusal } from '../refusal.ts';
import { findWebhook, listWebhooks } from '../webhooks/store.ts';
import { usualSettings, type Webhook, type WebhookSettings } from '../webhooks/webhook.ts';
import { jsonBody } from './json-body.ts';
import { json, pageResponse, rangeOf } from './page.ts';
import { type Call, type Handler, type HttpResponse, idParam } from './pipeline.ts';
import { queryReaderOf, readerOf, readNoQuery } from './schemas.ts';
import {
  createWebhookBody,
  listWebhooksQuery,
  type UpdateWebhookBody,
  updateWebhookBody,
} from './webhook-schemas.ts';
import { toStateView, toView } from './webhook-views.ts';

export interface WebhookOptions extends ManageOptions {
  /** Called when a subscription may have something to deliver. */
  readonly onChanged: () => void;
}

export function webhookHandlers(options: WebhookOptions) {
  return {
    list: (call) => list(options, call),
    create: (call) => create(options, call),
    retrieve: (call) => retrieve(options, call),
    update: (call) => update(options, call),
    remove: (call) => remove(options, call),
  } satisfies Readonly<Record<string, Handler>>;
}

export type WebhookHandlers = ReturnType<typeof webhookHandlers>;

const readCreateBody = readerOf(createWebhookBody);
const readUpdateBody = readerOf(updateWebhookBody);
const readListQuery = queryReaderOf(listWebhooksQuery);

async function list({ sql }: WebhookOptions, call: Call): Promise<HttpResponse> {
  const { sort = 'created_at', ...query } = readListQuery(call.search);
  const range = rangeOf(query);
  const { tenantId } = call.caller;
  const { webhooks, totalCount } = await listWebhooks(sql, { ...range, tenantId, sort });
  const objects = webhooks.map((webhook) => JSON.stringify(toView(webhook))).join(',');
  return pageResponse(call, { objects, count: webhooks.length, totalCount }, range, sort);
}

async function create(options: WebhookOptions, call: Call): Promise<HttpResponse> {
  readNoQuery(call.search);
  const body = readCreateBody(jsonBody(call), 'body');
  const { title, url } = body;
  const settings = withChanges({ title, url, ...usualSettings }, body);
  const webhook = await createWebhook(options, call.caller, settings);
  options.onChanged();
  return json(201, toView(webhook));
}

async function retrieve({ sql }: WebhookOptions, call: Call): Promise<HttpResponse> {
  const webhookId = idParam<'webhook'>(call, 'webhook_id', 'not_found');
  readNoQuery(call.search);
  const webhook = await findWebhook(sql, { tenantId: call.caller.tenantId, webhookId });
  if (webhook === undefined) throw new Refusal('not_found', noSuchWebhook);
  const state = await readDeliveryState(sql, webhook, shownBlockedMax);
  const delivery = state && { delivery: toStateView(state) };
  return json(200, { ...toView(webhook), ...delivery });
}

async function update(options: WebhookOptions, call: Call): Promise<HttpResponse> {
  const webhookId = idParam<'webhook'>(call, 'webhook_id', 'not_found');
  readNoQuery(call.search);
  const body = readUpdateBody(jsonBody(call), 'body');
  const settings = (webhook: Webhook) => withChanges(webhook, body);
  const change = { webhookId, url: body.url, settings };
  const webhook = await changeWebhook(options, call.caller, change);
  options.onChanged();
  return json(200, toView(webhook));
}

async function remove(options: WebhookOptions, call: Call): Promise<HttpResponse> {
  const webhookId = idParam<'webhook'>(call, 'webhook_id', 'not_found');
  readNoQuery(call.search);
  await removeWebhook(options, call.caller, webhookId);
  return { status: 204 };
}

/** The settings with those members of a body that are given. */
function withChanges(settings: WebhookSettings, body: UpdateWebhookBody): WebhookSettings {
  const { config = {} } = body;
  return {
    title: body.title ?? settings.title,
    url: body.url ?? settings.url,
    enabled: body.enabled ?? settings.enabled,
    types: body.type ?? settings.types,
    excludedTypes: body.exclude_type ?? settings.excludedTypes,
    delayS: config.delay === undefined ? settings.delayS : Number.parseInt(config.delay, 10),
    maxPackageSize: config.max_package_size ?? settings.maxPackageSize,
    signatureVersion: config.signature_version ?? settings.signatureVersion,
    signatureAlgorithm: config.signature_algorithm ?? settings.signatureAlgorithm,
    standardHeaders: config.standard_webhooks ?? settings.standardHeaders,
  };
}
