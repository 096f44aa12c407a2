// Corruptions of the log of events: its positions, its order, and what it says to have dropped.

import { all, type Corruption, itsEvent, set } from './corrupt.ts';

const events = 'unwind.events';

/** Each event with the one before it of the same account. */
const pairs = `
  select e.*, b.event_id as before_id, b.position as before_position
  from unwind.events e
  join lateral (
    select b.event_id, b.position
    from unwind.events b
    where b.account_id = e.account_id
      and (b.sequence, b.number) < (e.sequence, e.number)
    order by b.sequence desc, b.number desc
    limit 1
  ) b on true
  where e.position is not null
  order by e.event_id`;

/** All events of a tenant go, and the log is told that they aged out at this instant. */
function forget(at: string): readonly string[] {
  return [
    'delete from unwind.events e using v where e.tenant_id = v.tenant_id',
    'update unwind.event_heads h set dropped_to = h.position from v where h.tenant_id = v.tenant_id',
    `update unwind.event_retention set dropped_before = unwind.first_id_at(${at})`,
  ];
}

export const corruptionsOfLog: readonly Corruption[] = [
  {
    what: 'the log has a gap',
    victims: all(events, 'position is not null'),
    change: set(events, 'position = t.position + 1000'),
    check: 'log_positions_are_gapless',
    subject: itsEvent,
  },
  {
    what: 'the log has a position twice',
    victims: pairs,
    change: set(events, 'position = v.before_position'),
    check: 'log_positions_are_gapless',
    subject: itsEvent,
  },
  {
    what: 'the head of a log is behind',
    victims: all('unwind.event_heads'),
    change: set('unwind.event_heads', 'position = t.position - 1'),
    check: 'log_positions_are_gapless',
    subject: 'v.tenant_id::text',
  },
  {
    what: 'two events of an account are turned around in the log',
    victims: pairs,
    change: `
      update unwind.events t
      set position = case t.event_id when v.event_id then v.before_position else v.position end
      from v
      where t.event_id in (v.event_id, v.before_id)`,
    check: 'log_keeps_the_order_of_accounts',
    subject: itsEvent,
  },
  {
    what: 'an event is published before the one that happened first',
    victims: pairs,
    change: `
      update unwind.events t
      set position = null
      from v
      where t.event_id = v.before_id`,
    check: 'log_keeps_the_order_of_accounts',
    subject: itsEvent,
  },
  ...['now()', "now() - interval '89 days'", "now() + interval '1 year'"].map((at) => ({
    what: `the events of a tenant are deleted, and the log is told that they aged out at ${at}`,
    victims: `
      select null::uuid as tenant_id, h.tenant_id as of, unwind.first_id_at(${at}) as mark
      from unwind.event_heads h
      order by h.tenant_id`,
    change: forget(at).map((step) => step.replaceAll('v.tenant_id', 'v.of')),
    check: 'log_is_kept_for_its_time',
    subject: 'v.mark::text',
  })),
  {
    what: 'the low mark of a log is raised',
    victims: all('unwind.event_heads'),
    change: set('unwind.event_heads', 'dropped_to = t.position'),
    check: 'log_is_kept_for_its_time',
    subject: 'v.tenant_id::text',
  },
  {
    what: 'the first event of a log is deleted, and the low mark stands behind the next one',
    victims: `
      select e.tenant_id, e.event_id
      from unwind.events e
      where e.position = 1
      order by e.tenant_id`,
    change: [
      'delete from unwind.events e using v where e.event_id = v.event_id',
      'update unwind.event_heads h set dropped_to = 2 from v where h.tenant_id = v.tenant_id',
    ],
    check: 'log_is_kept_for_its_time',
    subject: 'v.tenant_id::text',
  },
];
