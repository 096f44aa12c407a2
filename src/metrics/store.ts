// What the metrics count in the database: work that is open or fails, and for what it waits. Each
// statement reads a bounded number of rows, over partial indexes. What is parked is counted by its own room.

import type { Sql } from '../db/connect.ts';
import { type RowOf, thingOf } from '../db/row.ts';
import { countedRowsMax, explainedMax } from '../limits.ts';

/** All tenants together: metrics are for those who run the service. */
export interface Backlog {
  readonly ordersToSubmit: number;
  readonly reportsToApply: number;
  readonly eventsToPublish: number;
  /** Enabled subscriptions whose last attempt failed. */
  readonly failingWebhooks: number;
  /** How long the one that fails for the longest does so, in seconds; 0 where none does. */
  readonly longestWebhookFailureS: number;
  /** Enabled subscriptions that lost what was dropped unread: still before it, or noticed within a day. */
  readonly webhooksWithGap: number;
  /** Seconds since the oldest of each was due or came in; 0 where there is none. */
  readonly oldestOrderToSubmitS: number;
  readonly oldestReportToApplyS: number;
  readonly oldestEventToPublishS: number;
}

/** Counts what is open at an instant of the wall clock. */
export async function readBacklog(sql: Sql, now: Date): Promise<Backlog | undefined> {
  const rows = await sql<RowOf<Backlog>[]>`
    select
      o.count as orders_to_submit,
      greatest(extract(epoch from (select unwind.market_time(${now})) - o.oldest_at), 0)::integer
        as oldest_order_to_submit_s,
      r.count as reports_to_apply,
      greatest(extract(epoch from ${now} - r.oldest_at), 0)::integer
        as oldest_report_to_apply_s,
      e.count as events_to_publish,
      greatest(extract(epoch from ${now} - e.oldest_at), 0)::integer
        as oldest_event_to_publish_s,
      (
        select count(*)::integer
        from unwind.deliveries d
        join unwind.webhooks w
          on w.tenant_id = d.tenant_id
          and w.webhook_id = d.webhook_id
          and w.enabled
        join unwind.event_heads h on h.tenant_id = d.tenant_id
        where d.gap_noticed_at > ${now}::timestamptz - interval '1 day'
          or (d.acknowledged_offset < h.dropped_to and coalesce(d.gap_up_to, 0) < h.dropped_to)
      ) as webhooks_with_gap,
      f.webhooks as failing_webhooks,
      f.longest_s as longest_webhook_failure_s
    from (
      select
        count(*)::integer as count,
        min(d.submit_at) as oldest_at
      from (
        select o.submit_at
        from unwind.orders o
        where o.submit_at is not null
        limit ${countedRowsMax}
      ) d
    ) as o
    cross join (
      select
        count(*)::integer as count,
        min(d.received_at) as oldest_at
      from (
        select r.received_at
        from unwind.venue_reports r
        where r.parked_reason is null
        limit ${countedRowsMax}
      ) d
    ) as r
    cross join (
      select
        count(*)::integer as count,
        min(d.created_at) as oldest_at
      from (
        select e.created_at
        from unwind.events e
        where e.position is null
        limit ${countedRowsMax}
      ) d
    ) as e
    cross join (
      select
        count(*)::integer as webhooks,
        coalesce(extract(epoch from ${now} - min(d.failing_since)), 0)::integer as longest_s
      from unwind.deliveries d
      join unwind.webhooks w
        on w.tenant_id = d.tenant_id
        and w.webhook_id = d.webhook_id
        and w.enabled
      where d.failing_since is not null
    ) as f`;
  return rows[0] && thingOf<Backlog>(rows[0]);
}

/** Open liquidations, and why the oldest of them wait. */
export interface OpenLiquidations {
  /** By status: NEW and PROCESSING. */
  readonly counts: ReadonlyMap<string, number>;
  /** Seconds since the oldest was asked for; 0 where there is none. */
  readonly oldestS: number;
  /** How many wait, by reason, among the oldest of them. */
  readonly waiting: ReadonlyMap<string, number>;
}

/** Counts open liquidations at an instant of the wall clock. */
export async function readOpenLiquidations(sql: Sql, now: Date): Promise<OpenLiquidations> {
  const open = await sql<{ status: string; count: number; oldest_s: number }[]>`
    select
      l.status,
      count(*)::integer as count,
      extract(epoch from ${now} - min(l.created_at))::integer as oldest_s
    from (
      select l.status, l.created_at
      from unwind.liquidations l
      where l.status in ('NEW', 'PROCESSING')
      limit ${countedRowsMax}
    ) l
    group by l.status`;
  // The keys as arrays: so the view reads these liquidations only.
  const [oldest] = await sql<{ tenant_ids: string[] | null; ids: string[] | null }[]>`
    select
      array_agg(distinct o.tenant_id) as tenant_ids,
      array_agg(o.liquidation_id) as ids
    from (
      select l.tenant_id, l.liquidation_id
      from (
        select l.tenant_id, l.liquidation_id
        from unwind.liquidations l
        where l.status in ('NEW', 'PROCESSING')
        limit ${countedRowsMax}
      ) l
      order by l.liquidation_id
      limit ${explainedMax.metrics}
    ) o`;
  const waiting = await sql<{ reason: string; count: number }[]>`
    select
      w.reason,
      count(*)::integer as count
    from unwind_v1.liquidation_waits w
    where w.tenant_id = any (${oldest?.tenant_ids ?? []}::uuid[])
      and w.liquidation_id = any (${oldest?.ids ?? []}::uuid[])
    group by w.reason`;
  return {
    counts: new Map(open.map(({ status, count }) => [status, count])),
    oldestS: Math.max(0, ...open.map((row) => row.oldest_s)),
    waiting: new Map(waiting.map(({ reason, count }) => [reason, count])),
  };
}
