// Corruptions of the event log.

import {
  all,
  type Corruption,
  itsEvent,
  itsLiquidation,
  remove,
  set,
  stranger,
} from './corrupt.ts';

const events = 'unwind.events';
const ofLiquidation = "starts_with(type, 'ACCOUNT_LIQUIDATION.')";
const isFinal = "type in ('ACCOUNT_LIQUIDATION.FILLED', 'ACCOUNT_LIQUIDATION.CANCELLED')";

export const corruptionsOfEvents: readonly Corruption[] = [
  {
    what: 'an event is deleted',
    victims: all(events, ofLiquidation),
    change: remove(events),
    check: 'events_tell_each_status_once',
    subject: itsLiquidation,
  },
  {
    what: 'an event is told twice',
    victims: all(events, ofLiquidation),
    change: `
      insert into unwind.events (
        tenant_id, event_id, account_id, liquidation_id, sequence, number, type, object, created_at
      )
      select
        v.tenant_id, ${stranger}, v.account_id, v.liquidation_id, v.sequence, v.number + 1, v.type,
        v.object, v.created_at
      from v`,
    check: 'events_tell_each_status_once',
    subject: itsLiquidation,
  },
  {
    what: 'an event has another number',
    victims: all(events, ofLiquidation),
    change: set(events, 'number = t.number + 1'),
    check: 'events_tell_each_status_once',
    subject: itsLiquidation,
  },
  {
    what: 'a final event says the opposite',
    victims: all(events, "type = 'ACCOUNT_LIQUIDATION.FILLED'"),
    change: set(events, "type = 'ACCOUNT_LIQUIDATION.CANCELLED'"),
    check: 'events_tell_each_status_once',
    subject: itsLiquidation,
  },
  {
    what: 'an event is not counted',
    victims: all('unwind.liquidations'),
    change: set('unwind.liquidations', 'event_count = t.event_count - 1'),
    check: 'events_tell_each_status_once',
    subject: itsLiquidation,
  },
  {
    what: 'a status changed without an event',
    victims: all('unwind.liquidations', "status = 'NEW'"),
    change: set(
      'unwind.liquidations',
      "status = 'CANCELLED', end_reason = 'client', ended_at = now(), cash_amount = 0",
    ),
    check: 'events_tell_each_status_once',
    subject: itsLiquidation,
  },
  {
    what: 'a cancelled liquidation is deleted, its events are not',
    victims: all('unwind.liquidations', "end_reason = 'client'"),
    change: remove('unwind.liquidations'),
    check: 'events_tell_each_status_once',
    subject: itsLiquidation,
  },
  {
    what: 'an event is of another account',
    victims: all(events, ofLiquidation),
    change: set(events, `account_id = ${stranger}`),
    check: 'events_belong_to_liquidations',
    subject: itsEvent,
  },
  {
    what: 'an event has another sequence',
    victims: all(events, ofLiquidation),
    change: set(events, 'sequence = t.sequence + 1'),
    check: 'events_belong_to_liquidations',
    subject: itsEvent,
  },
  {
    what: 'a final event came before the end',
    victims: all(events, isFinal),
    change: set(events, "created_at = t.created_at - interval '1 millisecond'"),
    check: 'events_belong_to_liquidations',
    subject: itsEvent,
  },
  {
    what: 'a final event came after the end',
    victims: all(events, isFinal),
    change: set(events, "created_at = t.created_at + interval '1 millisecond'"),
    check: 'events_belong_to_liquidations',
    subject: itsEvent,
  },
  {
    what: 'an event of the log is older than the one before it',
    victims: all(events, "type = 'ACCOUNT_LIQUIDATION.PROCESSING' and position is not null"),
    change: set(events, "created_at = t.created_at - interval '1 day'"),
    check: 'log_times_never_go_back',
    subject: itsEvent,
  },
  {
    what: 'the object of an event names another account',
    victims: all(events, ofLiquidation),
    change: set(events, `object = replace(t.object, t.account_id::text, ${stranger}::text)`),
    check: 'events_show_the_liquidation',
    subject: itsEvent,
  },
  {
    what: 'the object of an event has another status than its type',
    victims: all(events, "type = 'ACCOUNT_LIQUIDATION.PROCESSING'"),
    change: set(events, `object = replace(t.object, '"status":"PROCESSING"', '"status":"FILLED"')`),
    check: 'events_show_the_liquidation',
    subject: itsEvent,
  },
  {
    what: 'an order is missing in the object of an event',
    victims: all(events, `object like '%},{%'`),
    change: set(events, `object = regexp_replace(t.object, '},{[^}]*}', '}')`),
    check: 'events_show_the_liquidation',
    subject: itsEvent,
  },
  {
    what: 'the object of an event is reordered, as jsonb would',
    victims: all(events, ofLiquidation),
    change: set(events, 'object = t.object::jsonb::text'),
    check: 'events_show_the_liquidation',
    subject: itsEvent,
  },
  {
    what: 'the object of an event is no JSON',
    victims: all(events, ofLiquidation),
    change: set(events, `object = '{"account_id":'`),
    check: 'events_show_the_liquidation',
    subject: itsEvent,
  },
  {
    what: 'a final liquidation changed after its last event',
    victims: `
      select e.*
      from unwind.events e
      join unwind.liquidations l on l.liquidation_id = e.liquidation_id
      where ${isFinal}
        and l.status <> 'SETTLED'
        and l.corrected_at is null
      order by e.event_id`,
    change: `
      update unwind.liquidations l
      set updated_at = l.updated_at + interval '1 day'
      from v
      where l.liquidation_id = v.liquidation_id`,
    check: 'events_show_the_liquidation',
    subject: itsEvent,
  },
  {
    what: 'the cash amount of an event has a third decimal',
    victims: all(events, ofLiquidation),
    change: set(events, `object = regexp_replace(t.object, '("cash_amount":"[0-9.]+)', '\\10')`),
    check: 'events_show_the_liquidation',
    subject: itsEvent,
  },
  {
    what: 'a final event tells another cash amount',
    victims: all(events, isFinal),
    change: set(
      events,
      `object = regexp_replace(t.object, '"cash_amount":"[0-9.]+"', '"cash_amount":"7.77"')`,
    ),
    check: 'final_events_tell_the_cash',
    subject: itsEvent,
  },
  {
    what: 'a correction after the end is forgotten',
    victims: `
      select e.*
      from unwind.events e
      join unwind.liquidations l on l.liquidation_id = e.liquidation_id
      where l.corrected_proceeds <> 0
        and e.type in ('ACCOUNT_LIQUIDATION.FILLED', 'ACCOUNT_LIQUIDATION.CANCELLED')
      order by e.event_id`,
    change: `
      update unwind.liquidations l
      set corrected_proceeds = 0
      from v
      where l.liquidation_id = v.liquidation_id`,
    check: 'final_events_tell_the_cash',
    subject: itsEvent,
  },
  ...['NEW', 'PROCESSING'].map((status) => ({
    what: `the cash amount in a ${status} event is another`,
    victims: all(events, `type = 'ACCOUNT_LIQUIDATION.${status}'`),
    change: set(
      events,
      `object = regexp_replace(t.object, '"cash_amount":"[^"]*"', '"cash_amount":"7.77"')`,
    ),
    check: 'events_are_as_recorded',
    subject: itsEvent,
  })),
  {
    what: 'the update time in a PROCESSING event is another',
    victims: all(events, "type = 'ACCOUNT_LIQUIDATION.PROCESSING'"),
    change: set(
      events,
      `object = regexp_replace(t.object, '"updated_at":"[^"]*"', '"updated_at":"2026-01-01T00:00:00.000Z"')`,
    ),
    check: 'events_are_as_recorded',
    subject: itsEvent,
  },
  {
    what: 'the digest of an event is gone',
    victims: all(events, ofLiquidation),
    change: set(events, 'object_sha256 = null'),
    check: 'events_are_as_recorded',
    subject: itsEvent,
  },
  {
    what: 'all events of a running liquidation are deleted, and the log is told that they aged out',
    victims: all('unwind.liquidations', "status = 'PROCESSING'"),
    change: [
      `delete from unwind.events e
        using v
        where e.liquidation_id = v.liquidation_id`,
      `update unwind.event_retention
        set dropped_before = 'ffffffff-0000-0000-0000-000000000000'`,
    ],
    check: 'events_tell_each_status_once',
    subject: itsLiquidation,
  },
];
