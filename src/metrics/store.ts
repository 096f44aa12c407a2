// What the metrics count in the database: work that is open or fails, in one statement over partial
// indexes. What is parked is counted by its own room.

import type { Sql } from '../db/connect.ts';

/** All tenants together: metrics are for whoever runs the service. */
export interface Backlog {
  readonly newLiquidations: number;
  readonly processingLiquidations: number;
  readonly ordersToSubmit: number;
  readonly reportsToApply: number;
  readonly eventsToPublish: number;
  /** Enabled subscriptions whose last attempt failed. */
  readonly failingWebhooks: number;
  /** How long the one that fails for the longest does so, in seconds; 0 where none does. */
  readonly longestWebhookFailureS: number;
  /** Enabled subscriptions that lost what was dropped unread: still before it, or told in a day. */
  readonly webhooksWithGap: number;
}

interface BacklogRow {
  readonly new_liquidations: number;
  readonly processing_liquidations: number;
  readonly orders_to_submit: number;
  readonly reports_to_apply: number;
  readonly events_to_publish: number;
  readonly failing_webhooks: number;
  readonly longest_failure_s: number;
  readonly webhooks_with_gap: number;
}

/** Counts what is open at an instant of the wall clock. */
export async function readBacklog(sql: Sql, now: Date): Promise<Backlog | undefined> {
  const rows = await sql<BacklogRow[]>`
    select
      (
        select count(*)::integer
        from unwind.liquidations l
        where l.status = 'NEW'
      ) as new_liquidations,
      (
        select count(*)::integer
        from unwind.liquidations l
        where l.status in ('NEW', 'PROCESSING')
          and l.status = 'PROCESSING'
      ) as processing_liquidations,
      (
        select count(*)::integer
        from unwind.orders o
        where o.submit_at is not null
      ) as orders_to_submit,
      (
        select count(*)::integer
        from unwind.venue_reports r
        where r.parked_reason is null
      ) as reports_to_apply,
      (
        select count(*)::integer
        from unwind.events e
        where e.position is null
      ) as events_to_publish,
      (
        select count(*)::integer
        from unwind.webhooks w
        join unwind.event_heads h on h.tenant_id = w.tenant_id
        where w.enabled
          and (
            w.gap_noticed_at > ${now}::timestamptz - interval '1 day'
            or (w.position < h.dropped_to and coalesce(w.gap_up_to, 0) < h.dropped_to)
          )
      ) as webhooks_with_gap,
      f.webhooks as failing_webhooks,
      f.longest_s as longest_failure_s
    from (
      select
        count(*)::integer as webhooks,
        coalesce(extract(epoch from ${now} - min(w.failing_since)), 0)::integer as longest_s
      from unwind.webhooks w
      where w.enabled
        and w.failing_since is not null
    ) as f`;
  const [row] = rows;
  return (
    row && {
      newLiquidations: row.new_liquidations,
      processingLiquidations: row.processing_liquidations,
      ordersToSubmit: row.orders_to_submit,
      reportsToApply: row.reports_to_apply,
      eventsToPublish: row.events_to_publish,
      failingWebhooks: row.failing_webhooks,
      longestWebhookFailureS: row.longest_failure_s,
      webhooksWithGap: row.webhooks_with_gap,
    }
  );
}
