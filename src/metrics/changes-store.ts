// What shows whether something has changed that no event of the log reports: a short text for each part, which
// differs once something in it does. One statement for all tenants that are watched.

import type { Sql } from '../db/connect.ts';
import { nilId, type TenantId } from '../ids.ts';

/** The parts, as a stream names them to its readers. */
export const changeParts = [
  'sold',
  'batches',
  'halts',
  'controls',
  'parked',
  'webhooks',
  'venues',
  'audits',
] as const;

export type ChangePart = (typeof changeParts)[number];

export type ChangeState = Readonly<Record<ChangePart, string>>;

/** Where each part stands, for each of these tenants. */
export async function readChangeStates(
  sql: Sql,
  { tenantIds, now }: { readonly tenantIds: readonly TenantId[]; readonly now: Date },
): Promise<ReadonlyMap<TenantId, ChangeState>> {
  const rows = await sql<(ChangeState & { tenant_id: TenantId })[]>`
    with everywhere as materialized (
      select
        (
          select concat_ws(
            ' ',
            (select md5(string_agg(t::text, ',' order by t::text)) from unwind.trading t),
            (select md5(string_agg(v::text, ',' order by v::text)) from unwind.venue_halts v),
            (select md5(string_agg(c::text, ',' order by c::text)) from unwind.market_clock c),
            (
              select string_agg(
                concat(v.venue, unwind.venue_is_open(v.venue, unwind.market_time(${now}))),
                ',' order by v.venue
              )
              from unwind.venues v
            ),
            (
              select string_agg(
                concat_ws(' ', s.venue, s.status, s.lease_expires_at > ${now}), ',' order by s.venue
              )
              from unwind.fix_sessions s
            )
          )
        ) as venues,
        (
          select concat_ws(' ', count(*), max(a.ended_at), sum(a.checks_done))
          from unwind.console_audits a
        ) as audits
    )
    select
      t.tenant_id,
      e.venues,
      e.audits,
      coalesce(
        (
          select x.execution_id::text
          from unwind.executions x
          where x.tenant_id = t.tenant_id
          order by x.execution_id desc
          limit 1
        ),
        ''
      ) as sold,
      (
        select concat_ws(
          ' ',
          (
            select b.batch_id
            from unwind.batches b
            where b.tenant_id = t.tenant_id
            order by b.batch_id desc
            limit 1
          ),
          md5(string_agg(concat_ws(' ', b.batch_id, b.status, b.updated_at), ',' order by b.batch_id))
        )
        from unwind.batches b
        where b.tenant_id = t.tenant_id and b.ended_at is null
      ) as batches,
      (
        select concat_ws(
          ' ', count(*), count(h.lifted_at), max(h.set_at), max(h.lifted_at),
          (
            select concat_ws(' ', count(*), count(a.decided_at), max(a.asked_at), max(a.decided_at))
            from unwind.approvals a
            where a.tenant_id = t.tenant_id
          )
        )
        from unwind.halts h
        where h.tenant_id in (t.tenant_id, ${nilId})
      ) as halts,
      (
        select concat_ws(
          ' ',
          (
            select string_agg(c.controls_id::text, ' ' order by c.controls_id)
            from unwind.controls c
            where c.tenant_id in (t.tenant_id, ${nilId})
              and c.replaced_at is null
          ),
          md5(string_agg(concat_ws(' ', s.stop_id, s.stopped_at), ',' order by s.stop_id))
        )
        from (
          select z.stop_id, z.stopped_at
          from unwind.control_stops z
          where z.tenant_id = t.tenant_id
            and z.cleared_at is null
            and z.released_at is null
          order by z.stop_id desc
          limit 1000 -- of the pages that people look at; it is asked every second
        ) s
      ) as controls,
      (
        select concat_ws(' ', count(*), max(p.parked_at))
        from unwind_v1.parked p
        where p.tenant_id = t.tenant_id
      ) as parked,
      coalesce(
        (
          select md5(
            string_agg(
              concat_ws(
                ' ', w.webhook_id, w.enabled, d.acknowledged_offset, d.attempts, d.blocked_count,
                d.failing_since, d.last_attempt_at
              ),
              ',' order by w.webhook_id
            )
          )
          from unwind.webhooks w
          join unwind.deliveries d using (tenant_id, webhook_id)
          where w.tenant_id = t.tenant_id
        ),
        ''
      ) as webhooks
    from unnest(${tenantIds}::uuid[]) as t (tenant_id)
    cross join everywhere e`;
  return new Map(rows.map(({ tenant_id: tenantId, ...state }) => [tenantId, state]));
}
