// The statement that counts what a venue has rejected.

import { first } from '../assert.ts';
import type { Tx } from '../db/connect.ts';
import { type RowOf, thingOf } from '../db/row.ts';
import type { TenantId } from '../ids.ts';
import { rejectionsReadMax } from '../limits.ts';

export interface Rejections {
  /** Up to `rejectionsReadMax`. */
  readonly count: number;
  /** The instrument, where all were about one. */
  readonly onlyIsin: string | undefined;
  readonly lastReason: string;
  /** The brake holds for the venue, or for that instrument, already. */
  readonly isHalted: boolean;
}

/** Rejections of a venue since an instant, or since the brake was let go last, whichever is later. */
export async function countRejections(
  tx: Tx,
  of: { tenantId: TenantId; venue: string; since: Date; person: string },
): Promise<Rejections> {
  const { tenantId, venue, since, person } = of;
  const rows = await tx<RowOf<Rejections>[]>`
    with brakes as materialized (
      select h.isin, h.lifted_at
      from unwind.halts h
      where h.tenant_id = ${tenantId}
        and h.venue = ${venue}
        and h.person = ${person}
    ),
    rejected as materialized (
      select o.isin, s.reason, s.updated_at
      from (
        select s.tenant_id, s.order_id, s.reason, s.updated_at
        from unwind.submissions s
        where s.tenant_id = ${tenantId}
          and s.venue = ${venue}
          and s.outcome = 'rejected'
          and s.updated_at > ${since}
          and s.updated_at > coalesce((select max(b.lifted_at) from brakes b), '-infinity')
        order by s.updated_at desc
        limit ${rejectionsReadMax}
      ) s
      join unwind.orders o using (tenant_id, order_id)
    ),
    counted as (
      select
        count(*)::integer as count,
        case when count(distinct r.isin) = 1 then min(r.isin) end as only_isin,
        coalesce((array_agg(r.reason order by r.updated_at desc))[1], '') as last_reason
      from rejected r
    )
    select
      c.count, c.only_isin, c.last_reason,
      exists (
        select
        from brakes b
        where b.lifted_at is null
          and (b.isin is null or b.isin = c.only_isin)
      ) as is_halted
    from counted c`;
  return thingOf<Rejections>(first(rows));
}
