// The statements that read liquidations as the contract shows them: one, and a page of an account's.

import { hasAccount } from '../book/read-store.ts';
import type { Sql } from '../db/connect.ts';
import { type Page, type PageRange, readPage } from '../db/page.ts';
import { fragment } from '../db/sql.ts';
import { objectSql } from '../events/store.ts';
import type { AccountId, LiquidationId, TenantId } from '../ids.ts';

/** The liquidation as the contract shows it, or undefined where this account has no such one. */
export async function findLiquidationObject(
  sql: Sql,
  which: { tenantId: TenantId; accountId: AccountId; liquidationId: LiquidationId },
): Promise<string | undefined> {
  const rows = await sql<{ object: string }[]>`
    select o.object
    from unwind.liquidations l
    ${objectSql(fragment`l`)}
    where l.tenant_id = ${which.tenantId}
      and l.account_id = ${which.accountId}
      and l.liquidation_id = ${which.liquidationId}`;
  return rows[0]?.object;
}

export interface PageQuery extends PageRange {
  readonly tenantId: TenantId;
  readonly accountId: AccountId;
  /** Inclusive. */
  readonly from: Date | undefined;
  /** Exclusive. */
  readonly until: Date | undefined;
}

/** One page of an account's liquidations by id; undefined where the tenant has no such account. */
export function findLiquidationPage(sql: Sql, q: PageQuery): Promise<Page | undefined> {
  return readPage(sql, q, {
    rows: fragment`
      from unwind.liquidations l
      where l.tenant_id = ${q.tenantId}
        and l.account_id = ${q.accountId}
        and (${q.from ?? null}::timestamptz is null or l.created_at >= ${q.from ?? null})
        and (${q.until ?? null}::timestamptz is null or l.created_at < ${q.until ?? null})`,
    key: fragment`l.liquidation_id`,
    objectOf: (key) => fragment`
      select o.object
      from unwind.liquidations l
      ${objectSql(fragment`l`)}
      where l.tenant_id = ${q.tenantId}
        and l.liquidation_id = ${key}`,
    owner: hasAccount(q),
  });
}
