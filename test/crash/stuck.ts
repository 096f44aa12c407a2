// Tells of what did not come to its end: where each liquidation stands, and how far its events came.
import type { World } from './world.ts';

const shownMax = 10;

/** @returns lines for a person; what cannot be asked is said instead. */
export async function describeStuck(world: World): Promise<readonly string[]> {
  const ids = world.underWay();
  try {
    return [
      `${ids.length} liquidations have not ended; running: ${world.fleet.running().join()}`,
      ...(await liquidations(world, ids.slice(0, shownMax))),
      ...(await subscriptions(world)),
      ...world.collectors.flatMap((one) => {
        return one.takeRefused().map((error) => `${one.temper}, and did not verify: ${error}`);
      }),
      ...world.fleet.lastWords(),
    ];
  } catch (error) {
    return [`the database cannot be asked: ${error}`];
  }
}

async function liquidations({ sql }: World, ids: readonly string[]): Promise<readonly string[]> {
  const rows = await sql<{ shown: string }[]>`
    select concat_ws(' ',
      l.liquidation_id, l.status, l.end_reason,
      (
        select string_agg(concat_ws('/', s.status, s.lease_epoch, s.lease_expires_at), ', ')
        from unwind.submissions s
        where s.tenant_id = l.tenant_id
          and s.liquidation_id = l.liquidation_id
          and s.status <> 'DONE'
      ),
      (
        select string_agg(
          concat(split_part(e.type, '.', 2), ' at ', coalesce(e.position::text, 'none')), ', '
          order by e.number
        )
        from unwind.events e
        where e.tenant_id = l.tenant_id
          and e.liquidation_id = l.liquidation_id
      )
    ) as shown
    from unwind.liquidations l
    where l.liquidation_id = any (${ids}::uuid[])`;
  return rows.map(({ shown }) => shown);
}

async function subscriptions({ sql }: World): Promise<readonly string[]> {
  const rows = await sql<{ shown: string }[]>`
    select concat_ws(' ',
      'subscription at', d.acknowledged_offset, 'of',
      (select max(h.position) from unwind.event_heads h where h.tenant_id = d.tenant_id),
      'epoch', d.lease_epoch, 'until', d.lease_expires_at, 'next', d.next_attempt_at,
      'blocked', (
        select json_agg(b.*)
        from unwind.blocked_accounts b
        where b.tenant_id = d.tenant_id
          and b.webhook_id = d.webhook_id
      ),
      'outcome', d.last_outcome, w.title, w.enabled, 'now', clock_timestamp()
    ) as shown
    from unwind.deliveries d
    join unwind.webhooks w
      on w.tenant_id = d.tenant_id
      and w.webhook_id = d.webhook_id`;
  return rows.map(({ shown }) => shown);
}
