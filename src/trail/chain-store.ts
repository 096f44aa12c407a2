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

/** How far behind the last seal something may have been committed, in transactions; beyond it was put there. */
const jumpMax = 2n ** 40n;

/**
 * Sees to it that transactions from now on stand behind all that is in the trail. A dump that is restored at
 * another server meets transaction ids that begin anew; without this, nothing would be sealed until they have
 * caught up. Only a seal from ahead shows such a server: an entry from ahead of all seals was put there, and
 * stays where verifying finds it. @returns whether it was moved.
 */
export async function moveOrderOn(sql: SqlOrTx): Promise<boolean> {
  const [found] = await sql<{ order_offset: string; now: string; sealed: string | null }[]>`
    select
      c.order_offset,
      c.order_offset + pg_snapshot_xmax(pg_current_snapshot())::text::bigint as now,
      (
        select max(last.xmax)
        from (${trailTenantsSql}) t
        cross join lateral (
          select pg_snapshot_xmax(s.snapshot)::text::bigint as xmax
          from unwind.seals s
          where s.tenant_id = t.tenant_id
          order by s.number desc
          limit 1
        ) last
      ) as sealed
    from unwind.trail_chain c`;
  if (found === undefined) return false;
  const { order_offset: seen, now, sealed } = found;
  if (sealed !== null && BigInt(sealed) <= BigInt(now)) return false;
  const entered = await findLastOrder(sql, BigInt(sealed ?? 0) + jumpMax);
  const last = BigInt(sealed ?? 0) > entered ? BigInt(sealed ?? 0) : entered + 1n;
  if (last <= BigInt(now)) return false;
  // Asked for and set in two statements, since a database that only reads takes no other.
  const { count } = await sql`
    update unwind.trail_chain c
    set order_offset = c.order_offset + ${last - BigInt(now)}
    where c.order_offset = ${seen}`;
  // Zero: another process was first.
  return count > 0;
}

/** The last place in the order of commits that an act or a record has, up to one. */
async function findLastOrder(sql: SqlOrTx, max: bigint): Promise<bigint> {
  const rows = await sql<{ commit_order: string | null }[]>`
    select max(last.commit_order) as commit_order
    from (${trailTenantsSql}) t
    cross join lateral (
      (
        select a.commit_order
        from unwind.acts a
        where a.tenant_id = t.tenant_id
          and a.commit_order <= ${max}
        order by a.commit_order desc
        limit 1
      )
      union all
      (
        select r.commit_order
        from unwind.trail_records r
        where r.tenant_id = t.tenant_id
          and r.commit_order <= ${max}
        order by r.commit_order desc
        limit 1
      )
    ) last`;
  return BigInt(first(rows).commit_order ?? 0);
}
