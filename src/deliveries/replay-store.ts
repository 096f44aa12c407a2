// The statements that turn a subscription back: the mark, and what was set aside. The caller has locked
// the subscription.

import type { SqlOrTx, Tx } from '../db/connect.ts';
import type { AccountId } from '../ids.ts';
import type { WebhookKey } from '../webhooks/store.ts';

/**
 * Moves the mark of a locked subscription back to a position, if it is not there yet. Who delivers
 * to it just now loses the lease, so that nothing it still records moves the mark on. Accounts out of
 * step that are behind the position stay so; the others begin there again like everybody.
 */
export async function moveMarkBack(
  tx: Tx,
  { tenantId, webhookId }: WebhookKey,
  to: { position: number; now: Date },
): Promise<void> {
  await tx`
    delete from unwind.webhook_holds h
    where h.tenant_id = ${tenantId}
      and h.webhook_id = ${webhookId}
      and h.after >= ${to.position}`;
  await startAgain(tx, { tenantId, webhookId }, to);
}

/**
 * Has what was set aside of a locked subscription tried again.
 * @returns how many accounts, and up to where the one furthest behind had everything.
 */
export async function resumeSetAside(
  tx: Tx,
  { tenantId, webhookId }: WebhookKey,
  which: { accountId: AccountId | undefined; now: Date },
): Promise<{ readonly resumed: number; readonly after: number | undefined }> {
  const rows = await tx<{ after: string }[]>`
    update unwind.webhook_holds h
    set
      status = 'retrying',
      attempts = 0,
      failing_since = null,
      next_attempt_at = ${which.now}
    where h.tenant_id = ${tenantId}
      and h.webhook_id = ${webhookId}
      and h.status = 'set_aside'
      and (${which.accountId ?? null}::uuid is null or h.account_id = ${which.accountId ?? null})
    returning h.after`;
  if (rows.length === 0) return { resumed: 0, after: undefined };
  await startAgain(tx, { tenantId, webhookId }, { now: which.now });
  return { resumed: rows.length, after: Math.min(...rows.map((row) => Number(row.after))) };
}

async function startAgain(
  tx: Tx,
  { tenantId, webhookId }: WebhookKey,
  { position, now }: { position?: number; now: Date },
): Promise<void> {
  await tx`
    update unwind.webhooks w
    set
      position = least(w.position, ${position ?? null}::bigint),
      attempts = 0,
      failing_since = null,
      next_attempt_at = ${now},
      full_at = null,
      hold_due_at = (
        select min(h.next_attempt_at)
        from unwind.webhook_holds h
        where h.tenant_id = w.tenant_id
          and h.webhook_id = w.webhook_id
          and h.status = 'retrying'
      ),
      lease_holder = null,
      lease_expires_at = null,
      lease_epoch = w.lease_epoch + 1
    where w.tenant_id = ${tenantId}
      and w.webhook_id = ${webhookId}`;
}

/** Where a subscription's mark and the ends of its log are. */
export async function readMark(
  sql: SqlOrTx,
  { tenantId, webhookId }: WebhookKey,
): Promise<{ readonly position: number; readonly head: number; readonly droppedTo: number }> {
  const rows = await sql<{ position: string; head: string; dropped_to: string }[]>`
    select
      w.position, coalesce(h.position, 0) as head, coalesce(h.dropped_to, 0) as dropped_to
    from unwind.webhooks w
    left join unwind.event_heads h on h.tenant_id = w.tenant_id
    where w.tenant_id = ${tenantId}
      and w.webhook_id = ${webhookId}`;
  const [row] = rows;
  return {
    position: Number(row?.position ?? 0),
    head: Number(row?.head ?? 0),
    droppedTo: Number(row?.dropped_to ?? 0),
  };
}
