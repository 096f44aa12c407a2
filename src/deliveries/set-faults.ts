// Sets and ends the faults of a subscription. A session under way ends its turn at the next record, and the
// next one follows the new faults.

import type { Caller } from '../auth/authenticate.ts';
import { changeSigned } from '../auth/change-once.ts';
import { type Clock, later } from '../clock.ts';
import type { Sql, Tx } from '../db/connect.ts';
import type { WebhookId } from '../ids.ts';
import { Refusal } from '../refusal.ts';
import { lockWebhook, type WebhookKey } from '../webhooks/store.ts';
import { followSettings, lockDelivery } from './delivery-store.ts';
import type { AskedFaults, Faults } from './fault.ts';
import { deleteFaults, putFaults } from './fault-store.ts';
import { noSuchWebhook } from './manage-webhooks.ts';

interface Options {
  readonly sql: Sql;
  readonly clock: Clock;
}

/** Sets faults in place of those there were. @throws Refusal `not_found`, `unauthorized`. */
export async function setFaults(
  options: Options,
  caller: Caller,
  command: {
    readonly webhookId: WebhookId;
    readonly asked: AskedFaults;
    /** How long they last, and for how long nothing is sent, in s. */
    readonly forS: number;
    readonly silentS: number | undefined;
  },
): Promise<Faults> {
  const { webhookId, asked, forS, silentS } = command;
  return changed(options, caller, webhookId, async (tx, key, now) => {
    const faults = {
      ...asked,
      since: now,
      endsAt: later(now, Math.max(forS, silentS ?? 0) * 1_000),
      silentUntil: silentS === undefined ? undefined : later(now, silentS * 1_000),
    };
    await putFaults(tx, key, faults);
    return faults;
  });
}

/** Ends all faults; what was held back is delivered now. Idempotent. @throws as `setFaults`. */
export async function endFaults(
  options: Options,
  caller: Caller,
  webhookId: WebhookId,
): Promise<void> {
  await changed(options, caller, webhookId, (tx, key) => deleteFaults(tx, key));
}

function changed<T>(
  { sql, clock }: Options,
  caller: Caller,
  webhookId: WebhookId,
  change: (tx: Tx, key: WebhookKey, now: Date) => Promise<T>,
): Promise<T> {
  const key = { tenantId: caller.tenantId, webhookId };
  return changeSigned(sql, caller, async (tx) => {
    const webhook = (await lockDelivery(tx, key)) ? await lockWebhook(tx, key) : undefined;
    if (webhook === undefined) return new Refusal('not_found', noSuchWebhook);
    const now = clock.now();
    const result = await change(tx, key, now);
    await followSettings(tx, webhook, { ...webhook, updatedAt: now });
    return result;
  });
}
