// The statements of how far batches are: what their liquidations came to, and whether some wait without an end.

import { first } from '../assert.ts';
import type { SqlOrTx } from '../db/connect.ts';
import { type RowOf, thingOf } from '../db/row.ts';
import { fragment } from '../db/sql.ts';
import type { LiquidationId } from '../ids.ts';
import { openEndedReasons } from '../liquidations/waits-store.ts';
import { type Batch, type BatchFigures, batchWithProgress } from './batch.ts';

type Which = Pick<Batch, 'tenantId' | 'batchId'>;

/** A batch with its progress as clients see it, as JSON. */
export async function findBatchObject(sql: SqlOrTx, batch: Batch, now: Date): Promise<string> {
  const look = {
    now,
    hasOpenEndedWait: batch.status === 'RUNNING' && (await hasOpenEndedWait(sql, batch)),
  };
  return JSON.stringify(batchWithProgress(batch, await findFigures(sql, batch), look));
}

/** What the liquidations of a batch came to, as they are now. */
export async function findFigures(sql: SqlOrTx, which: Which): Promise<BatchFigures> {
  const rows = await sql<RowOf<BatchFigures>[]>`
    select
      count(*) filter (where l.status = 'NEW')::integer as fresh,
      count(*) filter (where l.status = 'PROCESSING')::integer as processing,
      count(*) filter (where l.status in ('FILLED', 'SETTLED'))::integer as filled,
      count(*) filter (where l.status = 'CANCELLED')::integer as cancelled,
      round(coalesce(sum(l.cash_amount), 0), 2)::text as cash_amount,
      round(coalesce(sum(l.proceeds), 0), 2)::text as proceeds
    from unwind.liquidations l
    where l.tenant_id = ${which.tenantId}
      and l.batch_id = ${which.batchId}`;
  return thingOf<BatchFigures>(first(rows));
}

/** Open liquidations of a batch that are looked at for one that waits without an end: what waits becomes the oldest. */
const openEndedLookedAtMax = 100;

/** Whether some of a batch waits for what has no foreseeable end. */
async function hasOpenEndedWait(sql: SqlOrTx, { tenantId, batchId }: Which): Promise<boolean> {
  // The keys as an array: so the views read these liquidations only.
  const [oldest] = await sql<{ ids: LiquidationId[] | null }[]>`
    select array_agg(o.liquidation_id) as ids
    from (
      select l.liquidation_id
      from unwind.liquidations l
      where l.tenant_id = ${tenantId}
        and l.batch_id = ${batchId}
        and l.status in ('NEW', 'PROCESSING')
      order by l.liquidation_id
      limit ${openEndedLookedAtMax}
    ) o`;
  const isOpenEnded = fragment`
    w.tenant_id = ${tenantId}
    and w.liquidation_id = any (${oldest?.ids ?? []}::uuid[])
    and w.reason = any (${openEndedReasons}::text[])`;
  const [row] = await sql<{ waits: boolean }[]>`
    select
      exists (select from unwind_v1.liquidation_waits w where ${isOpenEnded})
      or exists (select from unwind_v1.position_waits w where ${isOpenEnded}) as waits`;
  return row?.waits ?? false;
}
