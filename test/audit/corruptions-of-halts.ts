// Corruptions of what halts have held and taken back, and of what controls have stopped.

import { all, type Corruption, itsSubmission, set } from './corrupt.ts';

const ofHalted =
  "tenant_id in (select h.tenant_id from unwind.halts h where h.strength = 'cancel')";

export const corruptionsOfHalts: readonly Corruption[] = [
  {
    what: 'an order is sent while it is halted',
    victims: all('unwind.submissions', ofHalted),
    change: `
      update unwind.submissions t
      set sent_at = h.set_at + interval '30 minutes'
      from v
      join unwind.halts h on h.tenant_id = v.tenant_id and h.strength = 'cancel'
      where t.tenant_id = v.tenant_id
        and t.client_order_id = v.client_order_id`,
    check: 'halts_hold_orders',
    subject: itsSubmission,
  },
  {
    what: 'an order that the venue cancelled is sent again',
    victims: all('unwind.submissions', 'halt_cancel_at is not null'),
    change: set('unwind.submissions', 'halt_cancel_at = null'),
    check: 'ends_at_the_venue_are_ends',
    subject: itsSubmission,
  },
  {
    what: 'an order is sent while a control stops it',
    victims: all('unwind.submissions', 'halt_cancel_at is not null'),
    change: `
      insert into unwind.control_stops (tenant_id, stop_id, order_id, control, detail, stopped_at)
      select v.tenant_id, gen_random_uuid(), v.order_id, 'order_value', 'too much', v.sent_at - interval '1 hour'
      from v`,
    check: 'controls_hold_orders',
    subject: itsSubmission,
  },
  {
    what: 'a halt that held too much for one person is lifted by one',
    victims: all('unwind.halts', 'lifted_at is not null'),
    change: [
      set('unwind.halts', 'lift_value = 100'),
      `insert into unwind.controls (tenant_id, controls_id, four_eyes_max, reason, person, set_at)
       select v.tenant_id, gen_random_uuid(), 99.5, 'Four eyes', 'Tester', v.lifted_at - interval '1 hour'
       from v`,
    ],
    check: 'lifts_had_two_persons',
    subject: 'v.halt_id::text',
  },
];
