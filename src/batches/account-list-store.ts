// Lists the accounts of a batch with what became of each.

import type { Sql } from '../db/connect.ts';
import { type RowOf, thingOf } from '../db/row.ts';
import type { AccountId, LiquidationId, UserId } from '../ids.ts';
import type { LiquidationStatus } from '../liquidations/liquidation.ts';
import type { AccountStatusInBatch, Batch, BatchRefusal } from './batch.ts';

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
): Promise<{ readonly accounts: readonly BatchAccount[]; readonly next: AccountId | undefined }> {
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
  const accounts = rows.slice(0, q.limit).map((row): BatchAccount => {
    const { liquidation_id: liquidationId, liquidation_status: status, ...others } = row;
    const { cash_amount: cashAmount, proceeds, ...account } = others;
    const hasOne = liquidationId !== null && status !== null;
    const money = { cashAmount: cashAmount ?? '0.00', proceeds: proceeds ?? '0.00' };
    return {
      ...thingOf<Omit<BatchAccount, 'liquidation'>>(account),
      liquidation: hasOne ? { liquidationId, status, ...money } : undefined,
    };
  });
  return { accounts, next: rows.length > q.limit ? accounts.at(-1)?.accountId : undefined };
}
