// Delivers again what a subscription has had, or what was set aside: the offset goes back, the events
// keep their ids and bytes.

import type { Caller } from '../auth/authenticate.ts';
import { changeSigned } from '../auth/change-once.ts';
import { type Clock, later } from '../clock.ts';
import type { Sql, Tx } from '../db/connect.ts';
import { findPosition, findPositionAt } from '../events/read-store.ts';
import type { AccountId, EventId, WebhookId } from '../ids.ts';
import { eventsKeptMs } from '../limits.ts';
import { Refusal } from '../refusal.ts';
import type { WebhookKey } from '../webhooks/store.ts';
import { lockDelivery } from './delivery-store.ts';
import { noSuchWebhook } from './manage-webhooks.ts';
import { readOffset, resumeSetAside, setOffsetBack } from './replay-store.ts';

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
  /** What was asked for, or may have been, and is not in the log any more. */
  readonly gap: { readonly after: number; readonly upTo: number } | undefined;
}

/**
 * Replays. What is behind the offset is delivered anyway, so it never goes forward; done twice it
 * delivers twice.
 *
 * @throws Refusal `not_found` (subscription, event), `unauthorized`.
 */
export async function replayWebhook(
  { sql, clock }: { sql: Sql; clock: Clock },
  caller: Caller,
  command: { webhookId: WebhookId; replay: Replay },
): Promise<Replayed> {
  const key = { tenantId: caller.tenantId, webhookId: command.webhookId };
  return changeSigned(sql, caller, async (tx) => {
    if (!(await lockDelivery(tx, key))) return new Refusal('not_found', noSuchWebhook);
    const begun = await begin(tx, key, { replay: command.replay, now: clock.now() });
    if (begun instanceof Refusal) return begun;
    const { offset, head, droppedTo } = await readOffset(tx, key);
    const { resumed, after = offset } = begun;
    const gap = after < droppedTo ? { after, upTo: droppedTo } : undefined;
    return { behind: head - offset, resumed, gap };
  });
}

interface Begun {
  readonly resumed: number;
  /** What follows this offset was asked for; undefined: what follows that of the subscription. */
  readonly after: number | undefined;
}

async function begin(
  tx: Tx,
  key: WebhookKey,
  { replay, now }: { replay: Replay; now: Date },
): Promise<Begun | Refusal> {
  const { tenantId } = key;
  if (replay.type === 'set_aside') {
    return resumeSetAside(tx, key, { accountId: replay.accountId, now });
  }
  const first =
    replay.type === 'event'
      ? await findPosition(tx, { tenantId, eventId: replay.eventId })
      : await findPositionAt(tx, { tenantId, from: replay.at });
  if (first === undefined && replay.type === 'event') {
    return new Refusal('not_found', 'There is no such event in the log.');
  }
  if (first !== undefined) await setOffsetBack(tx, key, { offset: first - 1, now });
  // Where in the log stood what happened so long ago is not known any more.
  const isPastLog = replay.type === 'from' && replay.at < later(now, -eventsKeptMs);
  return { resumed: 0, after: isPastLog ? 0 : undefined };
}
