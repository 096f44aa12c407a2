// The statements of how far batches are: what their liquidations came to, whether some wait without an end, and
// what became of each account.

import { first } from '../assert.ts';
import type { Sql, SqlOrTx } from '../db/connect.ts';
import { pageOf, type ThingPage } from '../db/page.ts';
import { type RowOf, thingOf } from '../db/row.ts';
import { fragment } from '../db/sql.ts';
import type { AccountId, LiquidationId, UserId } from '../ids.ts';
import type { LiquidationStatus } from '../liquidations/liquidation.ts';
import { openEndedReasons } from '../liquidations/waits-store.ts';
import {
  type AccountStatusInBatch,
  type Batch,
  type BatchFigures,
  type BatchRefusal,
  batchWithProgress,
} from './batch.ts';
import { openEndedLookedAtMax } from './limits.ts';

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

/** An account of a batch, and what became of it. */
export interface BatchAccount {
  readonly accountId: AccountId;
  readonly userId: UserId | undefined;
  readonly number: number;
  readonly status: AccountStatusInBatch;
  readonly liquidation:
    | {
        readonly liquidationId: LiquidationId;
        readonly status: LiquidationStatus;
        readonly cashAmount: string;
        readonly proceeds: string;
      }
    | undefined;
  readonly refusal: BatchRefusal | undefined;
  readonly runningId: LiquidationId | undefined;
  readonly decidedAt: Date | undefined;
}

export interface AccountQuery extends Pick<Batch, 'tenantId' | 'batchId'> {
  readonly status: AccountStatusInBatch | undefined;
  readonly liquidationStatus: LiquidationStatus | undefined;
  readonly after: AccountId | undefined;
  readonly limit: number;
}

/** Accounts of a batch by their ids, and the key behind which the list may go on. */
export async function findBatchAccounts(
  sql: Sql,
  q: AccountQuery,
): Promise<ThingPage<BatchAccount, AccountId>> {
  const rows = await sql<
    (RowOf<Omit<BatchAccount, 'liquidation'>> & {
      liquidation_id: LiquidationId | null;
      liquidation_status: LiquidationStatus | null;
      cash_amount: string | null;
      proceeds: string | null;
    })[]
  >`
    select
      a.account_id, a.user_id, a.number, a.status, l.liquidation_id, l.status as liquidation_status,
      round(l.cash_amount, 2)::text as cash_amount, round(l.proceeds, 2)::text as proceeds,
      a.refusal, a.running_id, a.decided_at
    from unwind.batch_accounts a
    left join unwind.liquidations l using (tenant_id, liquidation_id)
    where a.tenant_id = ${q.tenantId}
      and a.batch_id = ${q.batchId}
      and (${q.status ?? null}::text is null or a.status = ${q.status ?? null})
      and (
        ${q.liquidationStatus ?? null}::text is null
        or l.status = ${q.liquidationStatus ?? null}
      )
      and (${q.after ?? null}::uuid is null or a.account_id > ${q.after ?? null})
    order by a.account_id
    limit ${q.limit}::bigint + 1`;
  const toThing = (row: (typeof rows)[number]): BatchAccount => {
    const { liquidation_id: liquidationId, liquidation_status: status, ...others } = row;
    const { cash_amount: cashAmount, proceeds, ...account } = others;
    const hasOne = liquidationId !== null && status !== null;
    const money = { cashAmount: cashAmount ?? '0.00', proceeds: proceeds ?? '0.00' };
    return {
      ...thingOf<Omit<BatchAccount, 'liquidation'>>(account),
      liquidation: hasOne ? { liquidationId, status, ...money } : undefined,
    };
  };
  return pageOf(rows, q.limit, { toThing, keyOf: ({ accountId }) => accountId });
}
