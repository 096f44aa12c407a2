// Corruptions of what came after an end: late fills, busts, and what a person was told of them.

import {
  all,
  type Corruption,
  itsExecution,
  itsLiquidation,
  itsOrder,
  itsSubmission,
  remove,
  set,
} from './corrupt.ts';

const parked = 'unwind.parked';

/** Corrections with the execution and the liquidation they are of. */
const corrections = `
  select k.*, e.execution_id, e.liquidation_id
  from unwind.parked k
  join unwind.executions e on e.execution_id::text = split_part(k.subject, '/', 2)
  where k.step = 'correction'
  order by k.subject`;

/** Movements of executions, with the submission; some of a kind of liquidation. */
function movements(where: string): string {
  return `
    select m.*, e.client_order_id, e.quantity as sold
    from unwind.movements m
    join unwind.executions e on e.execution_id = m.execution_id
    join unwind.liquidations l on l.liquidation_id = e.liquidation_id
    where m.reason = 'execution'
      and m.uncovered = 0
      and ${where}
    order by m.movement_id`;
}

/** Nothing of the submission came late; else units may be uncovered, and have to be named. */
const inTime = `not exists (
  select from unwind.executions x
  join unwind.parked k on k.subject = concat('fill/', x.execution_id)
  where x.client_order_id = e.client_order_id
)`;
const isLate =
  "exists (select from unwind.parked k where k.subject = concat('fill/', m.execution_id))";

/** The account keeps the units that were sold, and the cash. */
const keepUnits = [
  `update unwind.movements t
    set quantity = 0, uncovered = v.sold
    from v
    where t.movement_id = v.movement_id`,
  `update unwind.positions t
    set quantity = t.quantity + v.sold
    from v
    where t.tenant_id = v.tenant_id and t.account_id = v.account_id and t.isin = v.isin`,
];

export const corruptionsOfCorrections: readonly Corruption[] = [
  {
    what: 'an order does not know that it was corrected',
    victims: all('unwind.orders', 'corrected_quantity <> 0'),
    change: set('unwind.orders', 'corrected_quantity = 0'),
    check: 'corrections_are_counted',
    subject: itsOrder,
  },
  {
    what: 'an order is corrected by nothing',
    victims: all('unwind.orders', 'corrected_quantity = 0 and filled_quantity > 0'),
    change: set('unwind.orders', 'corrected_quantity = 0.5'),
    check: 'corrections_are_counted',
    subject: itsOrder,
  },
  ...['CANCELLED', 'FILLED', 'PROCESSING'].map((status) => ({
    what: `the account of a ${status} liquidation keeps units that were sold, and the cash`,
    victims: movements(`l.status = '${status}' and ${inTime}`),
    change: keepUnits,
    check: 'uncovered_units_are_of_late_fills',
    subject: itsSubmission,
  })),
  {
    what: 'a late fill that was covered keeps its units',
    victims: movements(isLate),
    change: keepUnits,
    check: 'corrections_are_reported',
    subject: itsExecution,
  },
  {
    what: 'a correction is deleted',
    victims: corrections,
    change: remove(parked),
    check: 'corrections_are_reported',
    subject: itsExecution,
  },
  {
    what: 'what a liquidation was corrected by is deleted',
    victims: corrections,
    change: remove(parked),
    check: 'corrections_are_reported',
    subject: itsLiquidation,
  },
  {
    what: 'a correction was never parked',
    victims: corrections,
    change: set(parked, 'parked_at = null'),
    check: 'corrections_are_reported',
    subject: itsExecution,
  },
  {
    what: 'the units that an account did not have are not named',
    victims: `${corrections.replace('order by', "and k.reason like '%of these units%' order by")}`,
    change: set(parked, "reason = split_part(t.reason, '. ', 1)"),
    check: 'corrections_are_reported',
    subject: itsExecution,
  },
  {
    what: 'more units are missing than are named',
    victims: `
      select m.*
      from unwind.movements m
      where m.uncovered > 0 and m.uncovered < -m.quantity + m.uncovered
      order by m.movement_id`,
    change: `
      update unwind.movements t
      set uncovered = t.uncovered + 0.001, quantity = t.quantity + 0.001
      from v
      where t.movement_id = v.movement_id`,
    check: 'corrections_are_reported',
    subject: itsExecution,
  },
  {
    what: 'a correction is closed by nobody',
    victims: corrections,
    change: set(parked, 'closed_at = t.parked_at'),
    check: 'closed_corrections_say_who_and_why',
    subject: "concat('correction/', v.subject)",
  },
  {
    what: 'a correction is closed without a reason',
    victims: corrections,
    change: set(parked, "closed_at = t.parked_at, closed_by = 'Ada', closed_reason = ''"),
    check: 'closed_corrections_say_who_and_why',
    subject: "concat('correction/', v.subject)",
  },
];
