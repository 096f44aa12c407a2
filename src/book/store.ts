// The statements of the book that moving liquidations needs; imports have their own.

import type { Tx } from '../db/connect.ts';
import type { AccountId, TenantId } from '../ids.ts';
import { type Decimal, plain } from '../money.ts';

export interface PositionChange {
  readonly accountId: AccountId;
  readonly isin: string;
  /** Units sold: they leave the position and its hold. */
  readonly sold: Decimal;
  /** Units no order sells any more: they leave the hold only. */
  readonly freed: Decimal;
}

/** Takes what was sold out of positions; several changes of one position add up. */
export async function moveOutOfPositions(
  tx: Tx,
  batch: { tenantId: TenantId; changes: readonly PositionChange[] },
): Promise<void> {
  const { tenantId, changes } = batch;
  if (changes.length === 0) return;
  await tx`
    update unwind.positions p
    set
      quantity = p.quantity - n.sold,
      held = p.held - n.sold - n.freed
    from (
      select c.account_id, c.isin, sum(c.sold) as sold, sum(c.freed) as freed
      from unnest(
        ${changes.map((change) => change.accountId)}::uuid[],
        ${changes.map((change) => change.isin)}::text[],
        ${changes.map((change) => plain(change.sold))}::numeric[],
        ${changes.map((change) => plain(change.freed))}::numeric[]
      ) as c (account_id, isin, sold, freed)
      group by c.account_id, c.isin
    ) as n
    where p.tenant_id = ${tenantId}
      and p.account_id = n.account_id
      and p.isin = n.isin`;
}
