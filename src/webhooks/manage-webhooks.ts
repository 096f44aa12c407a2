// Manages subscriptions: create, change, delete. Every change records the use of its signature in
// the same commit.

import type { Caller } from '../auth/authenticate.ts';
import { recordSignatureUse } from '../auth/store.ts';
import type { Clock } from '../clock.ts';
import type { Sql, Tx } from '../db/connect.ts';
import { inTransaction } from '../db/transaction.ts';
import { newId, type WebhookId } from '../ids.ts';
import { Refusal } from '../refusal.ts';
import { type AddressPolicy, checkReceiverUrl } from './address.ts';
import {
  countWebhooks,
  deleteWebhook,
  insertWebhook,
  lockWebhook,
  updateWebhook,
} from './store.ts';
import type { Webhook, WebhookSettings } from './webhook.ts';

/** Subscriptions of one tenant: each costs a claim and a connection. */
export const webhooksOfTenantMax = 200;

const noSuchWebhook = 'There is no such webhook.';

interface Context {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly policy: AddressPolicy;
}

/**
 * Creates a subscription that gets the events from now on. Not idempotent.
 * @throws Refusal `bad_request` (url, algorithm), `conflict` (too many), `unauthorized`.
 */
export async function createWebhook(
  { sql, clock, policy }: Context,
  caller: Caller,
  settings: WebhookSettings,
): Promise<Webhook> {
  const now = clock.now();
  const webhook = {
    ...checked(settings, policy),
    tenantId: caller.tenantId,
    webhookId: newId<'webhook'>(),
    createdAt: now,
    updatedAt: now,
  };
  await inTransaction(sql, async (tx) => {
    await useSignature(tx, caller);
    const count = await countWebhooks(tx, caller.tenantId);
    if (count >= webhooksOfTenantMax) {
      throw new Refusal('conflict', `There can be at most ${webhooksOfTenantMax} webhooks.`);
    }
    await insertWebhook(tx, webhook);
  });
  return webhook;
}

/**
 * Changes some settings of a subscription. Idempotent.
 * @throws Refusal `not_found`, `bad_request`, `unauthorized`.
 */
export async function changeWebhook(
  { sql, clock, policy }: Context,
  caller: Caller,
  change: { webhookId: WebhookId; settings: (webhook: Webhook) => WebhookSettings },
): Promise<Webhook> {
  const { tenantId } = caller;
  return inTransaction(sql, async (tx) => {
    await useSignature(tx, caller);
    const webhook = await lockWebhook(tx, { tenantId, webhookId: change.webhookId });
    if (webhook === undefined) throw new Refusal('not_found', noSuchWebhook);
    const settings = checked(change.settings(webhook), policy);
    const changed = { ...webhook, ...settings, updatedAt: clock.now() };
    await updateWebhook(tx, changed);
    return changed;
  });
}

/** Deletes a subscription. @throws Refusal `not_found`, `unauthorized`. */
export async function removeWebhook(
  { sql }: Context,
  caller: Caller,
  webhookId: WebhookId,
): Promise<void> {
  const { tenantId } = caller;
  await inTransaction(sql, async (tx) => {
    await useSignature(tx, caller);
    const removed = await deleteWebhook(tx, { tenantId, webhookId });
    if (!removed) throw new Refusal('not_found', noSuchWebhook);
  });
}

async function useSignature(tx: Tx, { tenantId, signature }: Caller): Promise<void> {
  const isFirstUse = await recordSignatureUse(tx, { tenantId, ...signature });
  if (!isFirstUse) throw new Refusal('unauthorized', 'This signature was used before.');
}

function checked(settings: WebhookSettings, policy: AddressPolicy): WebhookSettings {
  const receiver = checkReceiverUrl(settings.url, policy);
  if ('fault' in receiver) throw new Refusal('bad_request', `The url ${receiver.fault}.`);
  if (settings.signatureVersion === '9421' && settings.signatureAlgorithm === 'ecdsa-p521') {
    const detail = 'RFC 9421 registers no algorithm for P-521; choose ed25519 with version 9421.';
    throw new Refusal('bad_request', detail);
  }
  return { ...settings, url: receiver.url.href };
}
