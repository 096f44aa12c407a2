// Corruptions of the book: positions, movements, executions.

import {
  all,
  type Corruption,
  itsExecution,
  itsMovement,
  itsPosition,
  remove,
  set,
  stranger,
} from './corrupt.ts';

/** Movements of executions. */
const sales = all('unwind.movements', 'execution_id is not null');

export const corruptionsOfBook: readonly Corruption[] = [
  {
    what: 'a position grows',
    victims: all('unwind.positions'),
    change: set('unwind.positions', 'quantity = t.quantity + 0.01'),
    check: 'positions_are_sums_of_movements',
    subject: itsPosition,
  },
  {
    what: 'a lock is lost',
    victims: all('unwind.positions', 'locked > 0'),
    change: set('unwind.positions', 'locked = 0'),
    check: 'positions_are_sums_of_movements',
    subject: itsPosition,
  },
  {
    what: 'a position is deleted',
    victims: all('unwind.positions'),
    change: remove('unwind.positions'),
    check: 'positions_are_sums_of_movements',
    subject: itsPosition,
  },
  {
    what: 'a position appears from nowhere',
    victims: all('unwind.accounts'),
    change: `
      insert into unwind.positions (tenant_id, account_id, isin, quantity, locked)
      select v.tenant_id, v.account_id, 'XX0000000000', 1, 0 from v`,
    check: 'positions_are_sums_of_movements',
    subject: "concat(v.account_id, '/XX0000000000')",
  },
  {
    what: 'an import is deleted',
    victims: all('unwind.movements', "reason = 'import' and quantity > 0"),
    change: remove('unwind.movements'),
    check: 'positions_are_sums_of_movements',
    subject: itsPosition,
  },
  {
    what: 'a hold outlives its order',
    victims: all('unwind.positions', 'held = 0'),
    change: set('unwind.positions', 'held = 0.5'),
    check: 'positions_hold_open_orders',
    subject: itsPosition,
  },
  {
    what: 'a hold is lost',
    victims: all('unwind.positions', 'held > 0'),
    change: set('unwind.positions', 'held = 0'),
    check: 'positions_hold_open_orders',
    subject: itsPosition,
  },
  {
    what: 'a position is short',
    victims: all('unwind.positions'),
    change: set('unwind.positions', 'quantity = -1'),
    check: 'positions_are_covered',
    subject: itsPosition,
  },
  {
    what: 'more is locked than there is',
    victims: all('unwind.positions'),
    change: set('unwind.positions', 'locked = t.quantity + 1'),
    check: 'positions_are_covered',
    subject: itsPosition,
  },
  {
    what: 'something was sold hours before it was bought',
    // Not what a bust gave back.
    victims: all('unwind.movements', "reason = 'execution' and quantity < 0"),
    change: set('unwind.movements', "recorded_at = '2020-01-01Z'"),
    check: 'movements_never_go_short',
    subject: itsMovement,
  },
  {
    what: 'an import brings cash',
    victims: all('unwind.movements', "reason = 'import'"),
    change: set('unwind.movements', 'cash = 5'),
    check: 'imports_move_no_cash',
    subject: itsMovement,
  },
  {
    what: 'a movement has a reason that nobody knows',
    victims: all('unwind.movements'),
    change: set('unwind.movements', "reason = 'gift'"),
    check: 'imports_move_no_cash',
    subject: itsMovement,
  },
  ...[
    { what: 'a credit locks', of: 'credit', change: 'locked = 1' },
    { what: 'a credit takes away', of: 'credit', change: 'quantity = -t.quantity' },
    { what: 'a lock brings units', of: 'lock', change: 'quantity = 1' },
    { what: 'a lock unlocks', of: 'lock', change: 'locked = -t.locked' },
    { what: 'an unlock locks', of: 'unlock', change: 'locked = -t.locked' },
    { what: 'an unlock brings cash', of: 'unlock', change: 'cash = 1' },
    { what: 'a delta has lost its reference', of: 'credit', change: 'reference = null' },
    { what: 'an import has a reference', of: 'import', change: "reference = 'mine'" },
  ].map(({ what, of, change }) => ({
    what,
    victims: all('unwind.movements', `reason = '${of}'`),
    change: set('unwind.movements', change),
    check: 'deltas_move_what_they_say',
    subject: itsMovement,
  })),
  {
    what: 'a delta was applied twice',
    victims: all('unwind.movements', 'reference is not null'),
    change: `
      insert into unwind.movements (
        tenant_id, movement_id, account_id, isin, quantity, locked, cash, reason, effective_at,
        recorded_at, reference
      )
      select
        v.tenant_id, 'ffffffff-ffff-7fff-bfff-ffffffffffff', v.account_id, v.isin, v.quantity,
        v.locked, v.cash, v.reason, v.effective_at, v.recorded_at, v.reference
      from v`,
    check: 'deltas_move_what_they_say',
    subject: itsMovement,
  },
  {
    what: 'the movement of an execution is deleted',
    victims: sales,
    change: remove('unwind.movements'),
    check: 'executions_have_one_movement',
    subject: itsExecution,
  },
  {
    what: 'an execution moves twice',
    victims: sales,
    change: `
      insert into unwind.movements (
        tenant_id, movement_id, account_id, isin, quantity, locked, cash, reason, execution_id,
        effective_at, recorded_at
      )
      select
        v.tenant_id, ${stranger}, v.account_id, v.isin, v.quantity, v.locked, v.cash, v.reason,
        v.execution_id, v.effective_at, v.recorded_at
      from v`,
    check: 'executions_have_one_movement',
    subject: itsExecution,
  },
  {
    what: 'a movement carries a cent less than its execution earned',
    victims: sales,
    change: set('unwind.movements', 'cash = t.cash - 0.01'),
    check: 'executions_have_one_movement',
    subject: itsExecution,
  },
  {
    what: 'a movement is of another account than its execution',
    victims: sales,
    change: set('unwind.movements', `account_id = ${stranger}`),
    check: 'executions_have_one_movement',
    subject: itsExecution,
  },
  {
    what: 'a sale without an execution',
    victims: sales,
    change: set('unwind.movements', `execution_id = ${stranger}`),
    check: 'executions_have_one_movement',
    subject: itsExecution,
  },
  {
    what: 'proceeds are rounded up where half-even rounds down',
    victims: all('unwind.executions', 'mod(100 * quantity * price, 2) = 0.5'),
    change: set('unwind.executions', 'proceeds = round(t.quantity * t.price, 2)'),
    check: 'proceeds_are_quantity_times_price',
    subject: itsExecution,
  },
  {
    what: 'proceeds are a cent short',
    victims: all('unwind.executions'),
    change: set('unwind.executions', 'proceeds = t.proceeds - 0.01'),
    check: 'proceeds_are_quantity_times_price',
    subject: itsExecution,
  },
  {
    what: 'proceeds in another currency were not converted',
    victims: all('unwind.executions', "currency <> 'EUR'"),
    change: set('unwind.executions', 'proceeds = round(t.quantity * t.price, 2)'),
    check: 'proceeds_are_quantity_times_price',
    subject: itsExecution,
  },
  {
    what: 'an execution names a rate that there never was',
    victims: all('unwind.executions', "currency <> 'EUR'"),
    change: set('unwind.executions', "rate_as_of = t.rate_as_of - interval '1 s'"),
    check: 'rates_were_in_force',
    subject: itsExecution,
  },
  {
    what: 'a rate that was in force was passed over',
    victims: all('unwind.executions', "currency <> 'EUR' and executed_at > rate_as_of"),
    change: `insert into unwind.rates (tenant_id, currency, as_of, rate, updated_at)
      select v.tenant_id, v.currency, v.executed_at, v.rate + 0.01, v.recorded_at - interval '3 hours'
      from v`,
    check: 'rates_were_in_force',
    subject: itsExecution,
  },
  {
    what: 'an execution is in another currency than its order',
    victims: all('unwind.orders', 'filled_quantity > 0'),
    change: set('unwind.orders', "currency = 'CHF'"),
    check: 'rates_were_in_force',
    subject: `(
      select e.execution_id::text
      from unwind.executions e
      where e.tenant_id = v.tenant_id
        and e.order_id = v.order_id
      order by e.execution_id
      limit 1
    )`,
  },
  {
    what: 'a void execution counts again',
    victims: all('unwind.executions', 'busted_at is not null'),
    change: set('unwind.executions', 'busted_at = null'),
    check: 'busts_are_void',
    subject: itsExecution,
  },
  {
    what: 'an execution is void by itself',
    victims: all('unwind.executions', 'busted_at is null'),
    change: set('unwind.executions', 'busted_at = t.recorded_at'),
    check: 'busts_are_void',
    subject: itsExecution,
  },
  {
    what: 'a bust returned nothing',
    victims: all('unwind.movements', "reason = 'bust'"),
    change: remove('unwind.movements'),
    check: 'executions_have_one_movement',
    subject: itsExecution,
  },
  {
    what: 'a late fill owes nothing any more',
    victims: all('unwind.movements', 'uncovered > 0'),
    change: set('unwind.movements', 'uncovered = 0'),
    check: 'executions_have_one_movement',
    subject: itsExecution,
  },
];
