// The statements about the chain as a whole: which it is, and where its order of commits stands.

import { first } from '../assert.ts';
import type { SqlOrTx } from '../db/connect.ts';
import { trailTenantsSql } from './seals-store.ts';

/** Of the chain in this database; undefined where its schema has none yet. */
export async function findChainId(sql: SqlOrTx): Promise<string | undefined> {
  const [known] = await sql<{ is_there: boolean }[]>`
    select to_regclass('unwind.trail_chain') is not null as is_there`;
  if (!known?.is_there) return undefined;
  const rows = await sql<{ chain_id: string }[]>`
    select c.chain_id
    from unwind.trail_chain c`;
  return rows[0]?.chain_id;
}

/** The chain of this database. */
export async function findChain(
  sql: SqlOrTx,
): Promise<{ readonly chainId: string; readonly beganAt: Date }> {
  const rows = await sql<{ chain_id: string; began_at: Date }[]>`
    select c.chain_id, c.began_at
    from unwind.trail_chain c`;
  const { chain_id: chainId, began_at: beganAt } = first(rows);
  return { chainId, beganAt };
}

/**
 * Sees to it that transactions from now on stand behind all that is in the trail. A dump that is restored at
 * another server meets transaction ids that begin anew; without this, nothing would be sealed until they have
 * caught up. @returns whether that was so.
 */
export async function moveOrderOn(sql: SqlOrTx): Promise<boolean> {
  const [found] = await sql<{ behind: string | null }[]>`
    select last.commit_order + 1 - c.order_offset - pg_snapshot_xmax(pg_current_snapshot())::text::bigint
      as behind
    from unwind.trail_chain c
    cross join (
      select greatest(
        max(
          (
            select a.commit_order
            from unwind.acts a
            where a.tenant_id = t.tenant_id
            order by a.commit_order desc
            limit 1
          )
        ),
        max(
          (
            select r.commit_order
            from unwind.trail_records r
            where r.tenant_id = t.tenant_id
            order by r.commit_order desc
            limit 1
          )
        ),
        max(
          (
            select pg_snapshot_xmax(s.snapshot)::text::bigint - 1
            from unwind.seals s
            where s.tenant_id = t.tenant_id
            order by s.number desc
            limit 1
          )
        )
      ) as commit_order
      from (${trailTenantsSql}) t
    ) last`;
  if (found === undefined || BigInt(found.behind ?? 0) <= 0n) return false;
  // Asked for and set in two statements, since a database that only reads takes no other.
  await sql`
    update unwind.trail_chain c
    set order_offset = c.order_offset + ${found.behind}`;
  return true;
}
