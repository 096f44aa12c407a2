// Manages subscriptions: create, change, delete, each together with its delivery. Every change records the
// use of its signature in the same commit.

import type { Caller } from '../auth/authenticate.ts';
import { changeSigned } from '../auth/change-once.ts';
import { type Clock, later } from '../clock.ts';
import type { Sql, Tx } from '../db/connect.ts';
import { type AddressPolicy, checkReceiverUrl, resolvesToForbidden } from '../egress/address.ts';
import { newId, type WebhookId } from '../ids.ts';
import { Refusal } from '../refusal.ts';
import {
  deleteFailing,
  deleteWebhook,
  insertWebhook,
  lockSubscriptions,
  lockWebhook,
  updateWebhook,
} from '../webhooks/store.ts';
import { isPackaged, type Webhook, type WebhookSettings } from '../webhooks/webhook.ts';
import { followSettings, insertDelivery, lockDelivery } from './delivery-store.ts';
import { failingSandboxMsMax } from './limits.ts';

/** Subscriptions of one tenant: each costs a claim and a connection. */
export const webhooksOfTenantMax = 200;

const removedAtOnceMax = 100;

export const noSuchWebhook = 'There is no such webhook.';

export interface ManageOptions {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly policy: AddressPolicy;
}

/**
 * Creates a subscription that gets the events from now on. Not idempotent.
 * @throws Refusal `bad_request` (url, algorithm), `conflict` (too many), `unauthorized`.
 */
export async function createWebhook(
  { sql, clock, policy }: ManageOptions,
  caller: Caller,
  settings: WebhookSettings,
): Promise<Webhook> {
  const { tenantId } = caller;
  const isForbidden = await leadsInside(settings.url, policy);
  const create = async (tx: Tx) => {
    const valid = isForbidden ? forbidden() : checked(settings, policy);
    if (valid instanceof Refusal) return valid;
    const { count, packageSizeDefault } = await lockSubscriptions(tx, tenantId);
    if (count >= webhooksOfTenantMax) {
      return new Refusal('conflict', `There can be at most ${webhooksOfTenantMax} webhooks.`);
    }
    const now = clock.now();
    const webhookId = newId<'webhook'>();
    const maxPackageSize = isPackaged(valid) ? valid.maxPackageSize : packageSizeDefault;
    const own = { tenantId, webhookId, maxPackageSize };
    const webhook = { ...valid, ...own, createdAt: now, updatedAt: now };
    await insertWebhook(tx, webhook);
    await insertDelivery(tx, webhook);
    return webhook;
  };
  return changeSigned<Webhook>(sql, caller, create, ({ webhookId }) => webhookId);
}

/**
 * Changes some settings of a subscription. Idempotent.
 * @throws Refusal `not_found`, `bad_request`, `unauthorized`.
 */
export async function changeWebhook(
  { sql, clock, policy }: ManageOptions,
  caller: Caller,
  command: {
    webhookId: WebhookId;
    /** The new receiver, if it is changed. */
    url: string | undefined;
    settings: (webhook: Webhook) => WebhookSettings;
  },
): Promise<Webhook> {
  const { tenantId } = caller;
  const isForbidden = command.url !== undefined && (await leadsInside(command.url, policy));
  return changeSigned(sql, caller, async (tx) => {
    const key = { tenantId, webhookId: command.webhookId };
    const webhook = (await lockDelivery(tx, key)) ? await lockWebhook(tx, key) : undefined;
    if (webhook === undefined) return new Refusal('not_found', noSuchWebhook);
    const valid = isForbidden ? forbidden() : checked(command.settings(webhook), policy);
    if (valid instanceof Refusal) return valid;
    const changed = { ...webhook, ...valid, updatedAt: clock.now() };
    await updateWebhook(tx, changed);
    await followSettings(tx, webhook, changed);
    return changed;
  });
}

/** Deletes a subscription. @throws Refusal `not_found`, `unauthorized`. */
export async function removeWebhook(
  { sql }: ManageOptions,
  caller: Caller,
  webhookId: WebhookId,
): Promise<void> {
  const { tenantId } = caller;
  await changeSigned(sql, caller, async (tx) => {
    const key = { tenantId, webhookId };
    const removed = (await lockDelivery(tx, key)) && (await deleteWebhook(tx, key));
    return removed ? undefined : new Refusal('not_found', noSuchWebhook);
  });
}

/**
 * Removes subscriptions that have failed for a month; for sandboxes, whose receivers are often
 * forgotten. In live mode none is removed.
 */
export async function removeFailingWebhooks(
  sql: Sql,
  now: Date,
  log: { warn(fields: object, message: string): void },
): Promise<number> {
  const removed = await deleteFailing(sql, later(now, -failingSandboxMsMax), removedAtOnceMax);
  for (const { tenantId, webhookId, ...reported } of removed) {
    log.warn({ tenant: tenantId, webhook: webhookId, ...reported }, 'webhook.removed');
  }
  return removed.length;
}

/**
 * Whether a URL that is right by its form names a host inside: looked up outside any transaction, and so
 * before it is known whether another process has seen the signature. This one has not, and who repeats a
 * captured request to several gets one look-up of each, of a name that the client itself has signed.
 */
async function leadsInside(text: string, policy: AddressPolicy): Promise<boolean> {
  const receiver = checkReceiverUrl(text, policy);
  return 'url' in receiver && resolvesToForbidden(receiver.url.hostname, policy);
}

function forbidden(): Refusal {
  return new Refusal('bad_request', 'The url leads to an address that is not delivered to.');
}

function checked(settings: WebhookSettings, policy: AddressPolicy): WebhookSettings | Refusal {
  const receiver = checkReceiverUrl(settings.url, policy);
  if ('fault' in receiver) return new Refusal('bad_request', `The url ${receiver.fault}.`);
  if (settings.signatureVersion === '9421' && settings.signatureAlgorithm === 'ecdsa-p521') {
    const detail = 'RFC 9421 registers no algorithm for P-521; choose ed25519 with version 9421.';
    return new Refusal('bad_request', detail);
  }
  if (settings.excludedTypes.length > 0 && !settings.types.includes('ALL')) {
    return new Refusal('bad_request', 'An exclude_type goes with the type ALL only.');
  }
  return { ...settings, url: receiver.url.href };
}
