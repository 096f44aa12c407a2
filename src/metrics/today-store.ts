// What the overview of a tenant counts: what is open and how old, what was sold today, and what fails. Each
// statement reads an index and a bounded number of rows, but for the money of today, which is exact.

import type { Sql } from '../db/connect.ts';
import type { TenantId } from '../ids.ts';
import { countedOpenMax, explainedMax } from '../limits.ts';

export interface Today {
  readonly open: { readonly NEW: number; readonly PROCESSING: number };
  readonly oldestAt: Date | undefined;
  /** Why the oldest of the open ones wait, the most frequent reason first. */
  readonly waiting: readonly { readonly reason: string; readonly count: number }[];
  readonly waitingCounted: number;
  readonly sold: { readonly proceeds: string; readonly executions: number };
  /** Liquidations asked for today, and how many of them have ended. */
  readonly asked: { readonly all: number; readonly FILLED: number; readonly CANCELLED: number };
  readonly minutes: readonly Minute[];
  readonly parked: number;
  readonly webhooks: {
    readonly enabled: number;
    readonly failing: number;
    readonly mostBehind: number;
  };
}

/** A minute in which something was sold. */
export interface Minute {
  readonly at: Date;
  readonly orders: number;
  readonly proceeds: string;
}

/** The first id that an instant could have (RFC 9562 section 5.7): ids are in the order of time. */
function firstIdAt(at: Date): string {
  const ms = at.getTime().toString(16).padStart(12, '0');
  return `${ms.slice(0, 8)}-${ms.slice(8)}-7000-8000-000000000000`;
}

/** @param from when today began; @param minutesFrom since when minutes are kept apart. */
export async function readToday(
  sql: Sql,
  which: { tenantId: TenantId; from: Date; minutesFrom: Date },
): Promise<Today> {
  const { tenantId, from, minutesFrom } = which;
  const [open, waits, sold, minutes, others] = await Promise.all([
    readOpen(sql, tenantId),
    readWaits(sql, tenantId),
    readSold(sql, { tenantId, from }),
    readMinutes(sql, { tenantId, from: minutesFrom }),
    readOthers(sql, { tenantId, from }),
  ]);
  return {
    ...open,
    waiting: waits,
    waitingCounted: explainedMax.today,
    sold,
    minutes,
    ...others,
  };
}

async function readOpen(sql: Sql, tenantId: TenantId) {
  const rows = await sql<{ new: number; processing: number; oldest_at: Date | null }[]>`
    select
      count(*) filter (where l.status = 'NEW')::integer as new,
      count(*) filter (where l.status = 'PROCESSING')::integer as processing,
      min(l.created_at) as oldest_at
    from (
      select l.status, l.created_at
      from unwind.liquidations l
      where l.tenant_id = ${tenantId}
        and l.status in ('NEW', 'PROCESSING')
      limit ${countedOpenMax}
    ) l`;
  const [row] = rows;
  const counts = { NEW: row?.new ?? 0, PROCESSING: row?.processing ?? 0 };
  return { open: counts, oldestAt: row?.oldest_at ?? undefined };
}

async function readWaits(sql: Sql, tenantId: TenantId) {
  // The keys as an array: so the view reads these liquidations only.
  const [oldest] = await sql<{ ids: string[] | null }[]>`
    select array_agg(o.liquidation_id) as ids
    from (
      select l.liquidation_id
      from unwind.liquidations l
      where l.tenant_id = ${tenantId}
        and l.status in ('NEW', 'PROCESSING')
      order by l.liquidation_id
      limit ${explainedMax.today}
    ) o`;
  return sql<{ reason: string; count: number }[]>`
    select
      w.reason,
      count(*)::integer as count
    from unwind_v1.liquidation_waits w
    where w.tenant_id = ${tenantId}
      and w.liquidation_id = any (${oldest?.ids ?? []}::uuid[])
    group by w.reason
    order by count desc, w.reason`;
}

async function readSold(sql: Sql, { tenantId, from }: { tenantId: TenantId; from: Date }) {
  const rows = await sql<{ proceeds: string; executions: number }[]>`
    select
      coalesce(sum(e.proceeds), 0)::numeric(40, 2) as proceeds,
      count(*)::integer as executions
    from unwind.executions e
    where e.tenant_id = ${tenantId}
      and e.execution_id >= ${firstIdAt(from)}::uuid
      and e.busted_at is null`;
  const [row] = rows;
  return { proceeds: row?.proceeds ?? '0.00', executions: row?.executions ?? 0 };
}

async function readMinutes(sql: Sql, { tenantId, from }: { tenantId: TenantId; from: Date }) {
  return sql<Minute[]>`
    select
      date_trunc('minute', e.recorded_at) as at,
      count(distinct e.order_id)::integer as orders,
      sum(e.proceeds)::numeric(40, 2) as proceeds
    from unwind.executions e
    where e.tenant_id = ${tenantId}
      and e.execution_id >= ${firstIdAt(from)}::uuid
      and e.busted_at is null
    group by date_trunc('minute', e.recorded_at)
    order by at`;
}

async function readOthers(sql: Sql, { tenantId, from }: { tenantId: TenantId; from: Date }) {
  const rows = await sql<
    {
      asked: number;
      filled: number;
      cancelled: number;
      parked: number;
      enabled: number;
      failing: number;
      most_behind: string;
    }[]
  >`
    select
      l.asked, l.filled, l.cancelled,
      (
        select count(*)::integer
        from unwind_v1.parked p
        where p.tenant_id = ${tenantId}
      ) as parked,
      w.enabled, w.failing, w.most_behind
    from (
      select
        count(*)::integer as asked,
        count(*) filter (where l.status in ('FILLED', 'SETTLED'))::integer as filled,
        count(*) filter (where l.status = 'CANCELLED')::integer as cancelled
      from unwind.liquidations l
      where l.tenant_id = ${tenantId}
        and l.liquidation_id >= ${firstIdAt(from)}::uuid
    ) l
    cross join (
      select
        count(*)::integer as enabled,
        count(*) filter (where d.failing_since is not null)::integer as failing,
        coalesce(max(h.position - d.acknowledged_offset), 0) as most_behind
      from unwind.webhooks w
      join unwind.deliveries d using (tenant_id, webhook_id)
      join unwind.event_heads h on h.tenant_id = w.tenant_id
      where w.tenant_id = ${tenantId}
        and w.enabled
    ) w`;
  const [row] = rows;
  return {
    asked: {
      all: row?.asked ?? 0,
      FILLED: row?.filled ?? 0,
      CANCELLED: row?.cancelled ?? 0,
    },
    parked: row?.parked ?? 0,
    webhooks: {
      enabled: row?.enabled ?? 0,
      failing: row?.failing ?? 0,
      mostBehind: Number(row?.most_behind ?? 0),
    },
  };
}
