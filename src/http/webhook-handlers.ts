// The operations on webhooks, between the wire and the room.

import { findPublicJwks } from '../auth/signing-keys.ts';
import { shownHoldsMax } from '../limits.ts';
import { Refusal } from '../refusal.ts';
import type { AddressPolicy } from '../webhooks/address.ts';
import { listAttempts, readDeliveryState } from '../webhooks/history-store.ts';
import {
  changeWebhook,
  createWebhook,
  noSuchWebhook,
  removeWebhook,
} from '../webhooks/manage-webhooks.ts';
import { type Replay, replayWebhook } from '../webhooks/replay.ts';
import { findWebhook, listWebhooks } from '../webhooks/store.ts';
import { type TestOptions, testWebhook } from '../webhooks/test-webhook.ts';
import type { Webhook, WebhookSettings } from '../webhooks/webhook.ts';
import { listDeliveriesQuery, replayBody } from './delivery-schemas.ts';
import { type Answer, type Call, type Handler, idParam, jsonBody } from './pipeline.ts';
import {
  createWebhookBody,
  listWebhooksQuery,
  noQuery,
  queryReaderOf,
  readerOf,
  readId,
  readInstant,
  type UpdateWebhookBody,
  updateWebhookBody,
} from './schemas.ts';
import { toAttemptView, toResponseView, toStateView, toView } from './webhook-views.ts';

export interface WebhookHandlers {
  readonly list: Handler;
  readonly create: Handler;
  readonly retrieve: Handler;
  readonly update: Handler;
  readonly remove: Handler;
  readonly verifyKeys: Handler;
  readonly deliveries: Handler;
  readonly replay: Handler;
  readonly test: Handler;
}

const readCreateBody = readerOf(createWebhookBody);
const readUpdateBody = readerOf(updateWebhookBody);
const readListQuery = queryReaderOf(listWebhooksQuery);
const readNoQuery = queryReaderOf(noQuery);
const readDeliveriesQuery = queryReaderOf(listDeliveriesQuery);

const unset: Omit<WebhookSettings, 'title' | 'url'> = {
  enabled: false,
  types: ['ALL'],
  delayS: undefined,
  maxPackageSize: undefined,
  signatureVersion: '6',
  signatureAlgorithm: 'ecdsa-p521',
  standardHeaders: false,
};

export interface WebhookOptions extends TestOptions {
  readonly policy: AddressPolicy;
  /** Called when a subscription may have something to deliver. */
  readonly onChanged: () => void;
}

export function webhookHandlers(options: WebhookOptions): WebhookHandlers {
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
      if (webhook === undefined) throw new Refusal('not_found', noSuchWebhook);
      const state = await readDeliveryState(sql, webhook, shownHoldsMax);
      const delivery = state && { delivery: toStateView(state) };
      return { status: 200, body: JSON.stringify({ ...toView(webhook), ...delivery }) };
    },

    update: async (call) => {
      const webhookId = idParam<'webhook'>(call, 'webhook_id', 'not_found');
      readNoQuery(call.search);
      const body = readUpdateBody(jsonBody(call), 'body');
      const settings = (webhook: Webhook) => withChanges(webhook, body);
      const wish = { webhookId, url: body.url, settings };
      const webhook = await changeWebhook(options, call.caller, wish);
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
      const keys = await findPublicJwks(sql, call.caller.tenantId, options.clock.now());
      return { status: 200, body: `{"keys":[${keys.join(',')}]}` };
    },

    deliveries: async (call) => {
      const webhookId = idParam<'webhook'>(call, 'webhook_id', 'not_found');
      const { limit = 100, result } = readDeliveriesQuery(call.search);
      const webhook = await findWebhook(sql, { tenantId: call.caller.tenantId, webhookId });
      if (webhook === undefined) throw new Refusal('not_found', noSuchWebhook);
      const attempts = await listAttempts(sql, webhook, { limit, result });
      return json(200, { data: attempts.map(toAttemptView), meta: { count: attempts.length } });
    },

    replay: async (call) => {
      const webhookId = idParam<'webhook'>(call, 'webhook_id', 'not_found');
      readNoQuery(call.search);
      const replay = readReplay(call);
      const replayed = await replayWebhook(options, call.caller, { webhookId, replay });
      onChanged();
      return json(200, { behind: replayed.behind, resumed: replayed.resumed });
    },

    test: async (call) => {
      const webhookId = idParam<'webhook'>(call, 'webhook_id', 'not_found');
      readNoQuery(call.search);
      const { webhook, attempt } = await testWebhook(options, call.caller, webhookId);
      return json(200, { url: webhook.url, response: toResponseView(attempt) });
    },
  };
}

function json(status: number, body: object): Answer {
  return { status, body: JSON.stringify(body) };
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

const readReplayBody = readerOf(replayBody);

/** From where to replay: the body names one of the three. */
function readReplay(call: Call): Replay {
  const {
    from,
    event_id: eventId,
    set_aside: setAside,
    account_id: accountId,
  } = readReplayBody(jsonBody(call), 'body');
  const given = [from, eventId, setAside].filter((one) => one !== undefined);
  if (given.length !== 1) {
    throw new Refusal('bad_request', 'The body names one of from, event_id and set_aside.');
  }
  if (accountId !== undefined && setAside === undefined) {
    throw new Refusal('bad_request', 'An account_id goes with set_aside only.');
  }
  if (eventId !== undefined)
    return { type: 'event', eventId: readId<'event'>(eventId, '/event_id') };
  const at = readInstant(from, '/from');
  if (at !== undefined) return { type: 'from', at };
  return {
    type: 'set_aside',
    accountId: accountId === undefined ? undefined : readId<'account'>(accountId, '/account_id'),
  };
}
