// Delivers a marked test event to a subscription's receiver, now and once, and answers what it said. The
// event stands in no log and is never repeated.

import { assert } from '../assert.ts';
import type { Caller } from '../auth/authenticate.ts';
import { changeSigned } from '../auth/change-once.ts';
import type { Seal } from '../auth/seal.ts';
import { findDeliveryKey } from '../auth/signing-keys.ts';
import type { Clock } from '../clock.ts';
import type { Sql } from '../db/connect.ts';
import { type Attempt, type Post, post } from '../egress/post.ts';
import { newId, type WebhookId } from '../ids.ts';
import { Refusal } from '../refusal.ts';
import { lockWebhook } from '../webhooks/store.ts';
import { loggedEvent, requestBody, type Webhook } from '../webhooks/webhook.ts';
import { kept } from './attempt-log.ts';
import { insertTestAttempt } from './history-store.ts';
import { noSuchWebhook } from './manage-webhooks.ts';

/** What marks the event: no event of the log has this type. */
export const testEventType = 'WEBHOOK.TEST';

export interface TestOptions extends Pick<Post, 'signings' | 'timeoutMs' | 'inner'> {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly seal: Seal;
  /** The way out to receivers. */
  readonly agent: Parameters<typeof post>[0];
}

/**
 * Tests a subscription, enabled or not. Not idempotent.
 * @throws Refusal `not_found`, `unauthorized`.
 */
export async function testWebhook(
  options: TestOptions,
  caller: Caller,
  webhookId: WebhookId,
): Promise<{ readonly webhook: Webhook; readonly attempt: Attempt }> {
  const { sql, clock, seal, agent, signings, inner, timeoutMs } = options;
  const { tenantId } = caller;
  const webhook = await changeSigned(sql, caller, async (tx) => {
    const found = await lockWebhook(tx, { tenantId, webhookId });
    return found ?? new Refusal('not_found', noSuchWebhook);
  });
  const key = await findDeliveryKey(sql, seal, {
    tenantId,
    algorithm: webhook.signatureAlgorithm,
    now: clock.now(),
  });
  assert(key !== undefined, 'every tenant has its signing keys');
  const at = clock.now();
  const event = loggedEvent({
    offset: 0,
    eventId: newId<'event'>(),
    accountId: newId<'account'>(),
    type: testEventType,
    object: '{"test":true}',
    createdAt: at.toISOString(),
  });
  const body = requestBody(webhook, [event]);
  const stop = new AbortController().signal;
  const messageId = event.eventId;
  const sent = { webhook, body, messageId, key, clock, timeoutMs, stop, signings, inner };
  const attempt = await post(agent, sent);
  const { eventId } = event;
  await insertTestAttempt(sql, webhook, {
    attemptId: newId(),
    at,
    ...kept(attempt),
    attempt: 1,
    events: 1,
    firstEventId: eventId,
    lastEventId: eventId,
  });
  return { webhook, attempt };
}
