// The statements of the faults that clients of a sandbox ask for.

import type { SqlOrTx, Tx } from '../db/connect.ts';
import { type RowOf, rowsOf, thingOf } from '../db/row.ts';
import type { WebhookId } from '../ids.ts';
import type { WebhookKey } from '../webhooks/store.ts';
import type { Faults } from './fault.ts';

/** Sets the faults of a subscription, in place of those it had. */
export async function putFaults(
  tx: Tx,
  { tenantId, webhookId }: WebhookKey,
  faults: Faults,
): Promise<void> {
  await tx`
    insert into unwind.webhook_faults (
      tenant_id, webhook_id, since, ends_at, late_s, burst_s, silent_until, twice, signature, stall_s,
      one_in, answered_as
    )
    values (
      ${tenantId}, ${webhookId}, ${faults.since}, ${faults.endsAt}, ${faults.lateS ?? null},
      ${faults.burstS ?? null}, ${faults.silentUntil ?? null}, ${faults.twice},
      ${faults.signature ?? null}, ${faults.stallS ?? null}, ${faults.oneIn},
      ${faults.answeredAs ?? null}
    )
    on conflict (tenant_id, webhook_id) do update
    set
      since = excluded.since,
      ends_at = excluded.ends_at,
      late_s = excluded.late_s,
      burst_s = excluded.burst_s,
      silent_until = excluded.silent_until,
      twice = excluded.twice,
      signature = excluded.signature,
      stall_s = excluded.stall_s,
      one_in = excluded.one_in,
      answered_as = excluded.answered_as`;
}

export async function deleteFaults(tx: Tx, { tenantId, webhookId }: WebhookKey): Promise<void> {
  await tx`
    delete from unwind.webhook_faults f
    where f.tenant_id = ${tenantId}
      and f.webhook_id = ${webhookId}`;
}

/** The faults of subscriptions, of those that have some. They may have ended. */
export async function readFaults(
  sql: SqlOrTx,
  keys: readonly WebhookKey[],
): Promise<ReadonlyMap<WebhookId, Faults>> {
  const rows = await sql<(RowOf<Faults> & { webhook_id: WebhookId })[]>`
    select
      f.webhook_id, f.since, f.ends_at, f.late_s, f.burst_s, f.silent_until, f.twice, f.signature,
      f.stall_s, f.one_in, f.answered_as
    from ${rowsOf(keys).asRecords('g (tenant_id uuid, webhook_id uuid)')}
    join unwind.webhook_faults f using (tenant_id, webhook_id)`;
  return new Map(rows.map(({ webhook_id: id, ...row }) => [id, thingOf<Faults>(row)]));
}
