// Delivers again what a subscription has had, or what was set aside: the mark goes back, the events
// keep their ids and bytes.

import type { Caller } from '../auth/authenticate.ts';
import type { Clock } from '../clock.ts';
import type { Sql, Tx } from '../db/connect.ts';
import { findPosition, findPositionAt } from '../events/read-store.ts';
import type { AccountId, EventId, WebhookId } from '../ids.ts';
import { Refusal } from '../refusal.ts';
import { changeSigned, noSuchWebhook } from './manage-webhooks.ts';
import { moveMarkBack, readMark, resumeSetAside } from './replay-store.ts';
import { lockWebhook, type WebhookKey } from './store.ts';

/** From where to replay. */
export type Replay =
  | { readonly type: 'from'; readonly at: Date }
  | { readonly type: 'event'; readonly eventId: EventId }
  | { readonly type: 'set_aside'; readonly accountId: AccountId | undefined };

export interface Replayed {
  /** Events of the log that are delivered now, of whatever kind. */
  readonly behind: number;
  /** Accounts that were set aside and are tried again. */
  readonly resumed: number;
}

/**
 * Replays. What is behind the mark anyway is delivered anyway, so it never goes forward; done twice
 * it delivers twice.
 *
 * @throws Refusal `not_found` (subscription, event), `unauthorized`.
 */
export async function replayWebhook(
  { sql, clock }: { sql: Sql; clock: Clock },
  caller: Caller,
  wish: { webhookId: WebhookId; replay: Replay },
): Promise<Replayed> {
  const key = { tenantId: caller.tenantId, webhookId: wish.webhookId };
  return changeSigned(sql, caller, async (tx) => {
    if ((await lockWebhook(tx, key)) === undefined) return new Refusal('not_found', noSuchWebhook);
    const resumed = await begin(tx, key, { replay: wish.replay, now: clock.now() });
    if (resumed instanceof Refusal) return resumed;
    const { position, head } = await readMark(tx, key);
    return { behind: head - position, resumed };
  });
}

async function begin(
  tx: Tx,
  key: WebhookKey,
  { replay, now }: { replay: Replay; now: Date },
): Promise<number | Refusal> {
  const { tenantId } = key;
  if (replay.type === 'set_aside') {
    return resumeSetAside(tx, key, { accountId: replay.accountId, now });
  }
  const first =
    replay.type === 'event'
      ? await findPosition(tx, { tenantId, eventId: replay.eventId })
      : await findPositionAt(tx, { tenantId, from: replay.at, now });
  if (first === undefined) {
    if (replay.type === 'from') return 0;
    return new Refusal('not_found', 'There is no such event in the log.');
  }
  await moveMarkBack(tx, key, { position: first - 1, now });
  return 0;
}
