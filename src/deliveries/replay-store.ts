// The statements of replays: they set the offset of a subscription back, and have accounts that were set
// aside tried again. The caller has locked the delivery.

import type { SqlOrTx, Tx } from '../db/connect.ts';
import type { AccountId } from '../ids.ts';
import type { WebhookKey } from '../webhooks/store.ts';
import { accountTransitions } from './delivery.ts';

/**
 * Sets the offset of a locked delivery back, if it is not there yet. The process that delivers just now
 * loses the lease, so that nothing it still records sets the offset on. Accounts that are blocked
 * behind the offset stay so; all others begin there again.
 */
export async function setOffsetBack(
  tx: Tx,
  { tenantId, webhookId }: WebhookKey,
  to: { offset: number; now: Date },
): Promise<void> {
  await tx`
    delete from unwind.blocked_accounts b
    where b.tenant_id = ${tenantId}
      and b.webhook_id = ${webhookId}
      and b.acknowledged_offset >= ${to.offset}`;
  await startAgain(tx, { tenantId, webhookId }, to);
}

/**
 * Has accounts of a locked delivery that were set aside tried again.
 * @returns how many accounts, and up to where the one furthest behind had everything.
 */
export async function resumeSetAside(
  tx: Tx,
  { tenantId, webhookId }: WebhookKey,
  which: { accountId: AccountId | undefined; now: Date },
): Promise<{ readonly resumed: number; readonly after: number | undefined }> {
  const rows = await tx<{ acknowledged_offset: string }[]>`
    update unwind.blocked_accounts b
    set
      status = ${accountTransitions.set_aside.resumed},
      attempts = 0,
      failing_since = null,
      next_attempt_at = ${which.now}
    where b.tenant_id = ${tenantId}
      and b.webhook_id = ${webhookId}
      and b.status = 'set_aside'
      and (${which.accountId ?? null}::uuid is null or b.account_id = ${which.accountId ?? null})
    returning b.acknowledged_offset`;
  if (rows.length === 0) return { resumed: 0, after: undefined };
  await startAgain(tx, { tenantId, webhookId }, { now: which.now });
  return {
    resumed: rows.length,
    after: Math.min(...rows.map((row) => Number(row.acknowledged_offset))),
  };
}

async function startAgain(
  tx: Tx,
  { tenantId, webhookId }: WebhookKey,
  { offset, now }: { offset?: number; now: Date },
): Promise<void> {
  await tx`
    update unwind.deliveries d
    set
      acknowledged_offset = least(d.acknowledged_offset, ${offset ?? null}::bigint),
      replayed_to = coalesce(least(d.acknowledged_offset, ${offset ?? null}::bigint), d.replayed_to),
      replayed_epoch = d.lease_epoch + 1,
      recorded_epoch = d.lease_epoch + 1,
      blocked_count = b.accounts,
      blocked_due_at = b.due_at,
      attempts = 0,
      failing_since = null,
      next_attempt_at = ${now},
      full_offset = null,
      lease_holder = null,
      lease_expires_at = null,
      lease_epoch = d.lease_epoch + 1
    from (
      select
        count(*) as accounts,
        min(b.next_attempt_at) filter (where b.status <> 'set_aside') as due_at
      from unwind.blocked_accounts b
      where b.tenant_id = ${tenantId}
        and b.webhook_id = ${webhookId}
    ) b
    where d.tenant_id = ${tenantId}
      and d.webhook_id = ${webhookId}`;
}

/** The offset of a subscription, and the ends of its log. */
export async function readOffset(
  sql: SqlOrTx,
  { tenantId, webhookId }: WebhookKey,
): Promise<{ readonly offset: number; readonly head: number; readonly droppedTo: number }> {
  const rows = await sql<{ acknowledged_offset: string; head: string; dropped_to: string }[]>`
    select
      d.acknowledged_offset, coalesce(h.position, 0) as head,
      coalesce(h.dropped_to, 0) as dropped_to
    from unwind.deliveries d
    left join unwind.event_heads h on h.tenant_id = d.tenant_id
    where d.tenant_id = ${tenantId}
      and d.webhook_id = ${webhookId}`;
  const [row] = rows;
  return {
    offset: Number(row?.acknowledged_offset ?? 0),
    head: Number(row?.head ?? 0),
    droppedTo: Number(row?.dropped_to ?? 0),
  };
}
