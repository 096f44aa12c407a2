// The statements of the list of a tenant's liquidations: which of them, the newest first, and each with how
// far it is and what it waits for. A list goes on by id, so that its last page costs what its first does.

import type { Sql, SqlOrTx } from '../db/connect.ts';
import { type Found, type KeyPage, readKeyPage } from '../db/page.ts';
import { type Fragment, fragment, raw } from '../db/sql.ts';
import { objectSql } from '../events/store.ts';
import type { AccountId, LiquidationId, TenantId } from '../ids.ts';
import { waitsOfPageMax } from '../limits.ts';
import type { LiquidationStatus } from './liquidation.ts';
import { isStuckSql, type WaitReason } from './waits-store.ts';

/** Which liquidations of a tenant; what is undefined does not matter. */
export interface OverviewQuery {
  readonly tenantId: TenantId;
  readonly status: LiquidationStatus | undefined;
  readonly accountId: AccountId | undefined;
  /** Only those that wait for this reason. */
  readonly reason: WaitReason | undefined;
  /** Only those that are stuck. */
  readonly isStuck: boolean;
  readonly createdBefore: Date | undefined;
  /** Only those with a smaller id. */
  readonly below: LiquidationId | undefined;
  readonly limit: number;
}

/** One page. Of reasons it looks at `waitsOfPageMax` open liquidations at most, and may then be short. */
export async function findOverview(
  sql: Sql,
  query: OverviewQuery,
): Promise<KeyPage<LiquidationId>> {
  const { tenantId } = query;
  const isOfReason = query.reason !== undefined || query.isStuck;
  const found = isOfReason ? await findWaiting(sql, query) : await findAny(sql, query);
  return readKeyPage(sql, found, (key) => itemSql(tenantId, key));
}

/** SQL: the text `object` of a liquidation with its progress and what it waits for. */
export function itemSql(tenantId: TenantId, liquidationId: Fragment): Fragment {
  return fragment`
    select
      concat(
        left(o.object, -1),
        ',"progress":{"orders":', n.orders, ',"orders_final":', n.orders_final,
        ',"quantity":"', n.quantity, '","executed_quantity":"', n.executed_quantity,
        '","proceeds":"', round(l.proceeds, 2), '"},"waiting":[', f.reasons, ']}'
      ) as object
    from unwind.liquidations l
    ${objectSql(fragment`l`)}
    cross join lateral (
      select
        count(*) as orders,
        count(r.ended_at) as orders_final,
        trim_scale(coalesce(sum(r.quantity), 0)) as quantity,
        trim_scale(coalesce(sum(r.filled_quantity), 0)) as executed_quantity
      from unwind.orders r
      where r.tenant_id = l.tenant_id
        and r.liquidation_id = l.liquidation_id
    ) n
    cross join lateral (${reasonsSql}) f
    where l.tenant_id = ${tenantId}
      and l.liquidation_id = ${liquidationId}`;
}

// The reason of the liquidation first, then the others that its positions have.
const reasonsSql = raw(`
  select
    string_agg(
      concat(
        '{"reason":"', g.reason, '"', ',"isin":"' || g.isin || '"',
        ',"since":"' || unwind.instant(g.since) || '"', ',"until":"' || unwind.instant(g.until) || '"',
        ',"detail":' || to_json(g.detail)::text, ',"positions":', g.positions, '}'
      ),
      ','
      order by g.is_first desc, g.precedence
    ) as reasons
  from (
    select
      f.liquidation_id is not null as is_first,
      coalesce(f.reason, p.reason) as reason,
      coalesce(f.precedence, p.precedence) as precedence,
      case when f.liquidation_id is null then p.isin else f.isin end as isin,
      case when f.liquidation_id is null then p.since else f.since end as since,
      case when f.liquidation_id is null then p.until else f.until end as until,
      case when f.liquidation_id is null then p.detail else f.detail end as detail,
      coalesce(p.positions, 0) as positions
    from (
      select
        w.reason, w.precedence, count(*) as positions, min(w.since) as since, max(w.until) as until,
        case when count(*) = 1 then min(w.isin) end as isin,
        case when count(*) = 1 then min(w.detail) end as detail
      from unwind_v1.position_waits w
      where w.tenant_id = l.tenant_id
        and w.liquidation_id = l.liquidation_id
      group by w.reason, w.precedence
    ) p
    full join (
      select w.liquidation_id, w.reason, w.precedence, w.isin, w.since, w.until, w.detail
      from unwind_v1.liquidation_waits w
      where w.tenant_id = l.tenant_id
        and w.liquidation_id = l.liquidation_id
    ) f on f.reason = p.reason
  ) g`);

const openStatuses = ['NEW', 'PROCESSING'] as const;

/** One more than a page has says whether the list goes on. */
async function findAny(sql: SqlOrTx, query: OverviewQuery): Promise<Found<LiquidationId>> {
  const { status, limit } = query;
  const keys = await keysOf(sql, candidatesSql(query, status && [status], limit + 1));
  if (keys.length <= limit) return { keys, lookedTo: undefined };
  return { keys: keys.slice(0, limit), lookedTo: keys[limit - 1] };
}

/** Only what is open waits; reasons are computed for so many of it as one page may cost. */
async function findWaiting(sql: SqlOrTx, query: OverviewQuery): Promise<Found<LiquidationId>> {
  const { tenantId, status, reason, isStuck, limit } = query;
  const statuses = openStatuses.filter((one) => status === undefined || one === status);
  if (statuses.length === 0) return { keys: [], lookedTo: undefined };
  const rows = await sql<{ liquidation_id: LiquidationId; is_wanted: boolean }[]>`
    with candidates as materialized (${candidatesSql(query, statuses, waitsOfPageMax)})
    select c.liquidation_id, w.is_wanted
    from candidates c
    cross join lateral (
      select
        coalesce(
          bool_or(
            (
              ${reason ?? null}::text is null
              or w.reason = ${reason ?? null}
              or exists (
                select
                from unwind_v1.position_waits p
                where p.tenant_id = ${tenantId}
                  and p.liquidation_id = c.liquidation_id
                  and p.reason = ${reason ?? null}
              )
            )
            and (${!isStuck} or ${isStuckSql})
          ),
          false
        ) as is_wanted
      from unwind_v1.liquidation_waits w
      where w.tenant_id = ${tenantId}
        and w.liquidation_id = c.liquidation_id
    ) w
    order by c.liquidation_id desc`;
  const wanted = rows.filter((row) => row.is_wanted).map((row) => row.liquidation_id);
  const keys = wanted.slice(0, limit);
  if (wanted.length > limit) return { keys, lookedTo: keys.at(-1) };
  const isEnd = rows.length < waitsOfPageMax;
  return { keys, lookedTo: isEnd ? undefined : rows.at(-1)?.liquidation_id };
}

/** SQL: ids of liquidations, the newest first, read in the index that fits. */
function candidatesSql(
  query: OverviewQuery,
  statuses: readonly LiquidationStatus[] | undefined,
  limit: number,
): Fragment {
  const { tenantId, accountId, createdBefore, below } = query;
  const isBelow = below === undefined ? fragment`` : fragment`and l.liquidation_id < ${below}`;
  // An id is drawn within the moments of the creation, so a bound of ids saves what is much newer.
  const isOld =
    createdBefore === undefined
      ? fragment``
      : fragment`
        and l.created_at < ${createdBefore}
        and l.liquidation_id < unwind.first_id_at(${createdBefore}::timestamptz + interval '1 second')`;
  const some = (isOne: Fragment) => fragment`
    select l.liquidation_id
    from unwind.liquidations l
    where l.tenant_id = ${tenantId}
      ${isOne}
      ${isBelow}
      ${isOld}
    order by l.liquidation_id desc
    limit ${limit}`;
  if (accountId !== undefined) {
    const isOf = fragment`and l.account_id = ${accountId}`;
    if (statuses === undefined) return some(isOf);
    return some(fragment`${isOf} and l.status = any (${statuses}::text[])`);
  }
  const [first, second] = (statuses ?? []).map((status) =>
    some(fragment`and l.status = ${status}`),
  );
  if (first === undefined) return some(fragment``);
  if (second === undefined) return first;
  return fragment`
    select o.liquidation_id
    from ((${first}) union all (${second})) o
    order by o.liquidation_id desc
    limit ${limit}`;
}

/** Whether the tenant has such a liquidation. */
export async function hasLiquidation(
  sql: SqlOrTx,
  which: { readonly tenantId: TenantId; readonly liquidationId: LiquidationId },
): Promise<boolean> {
  const rows = await sql`
    select
    from unwind.liquidations l
    where l.tenant_id = ${which.tenantId}
      and l.liquidation_id = ${which.liquidationId}`;
  return rows.length > 0;
}

async function keysOf(sql: SqlOrTx, candidates: Fragment): Promise<readonly LiquidationId[]> {
  const rows = await sql<{ liquidation_id: LiquidationId }[]>`${candidates}`;
  return rows.map((row) => row.liquidation_id);
}
