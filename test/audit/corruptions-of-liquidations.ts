// Corruptions of liquidations.

import {
  all,
  type Corruption,
  itsAccount,
  itsLiquidation,
  remove,
  set,
  stranger,
} from './corrupt.ts';

const liquidations = 'unwind.liquidations';
const isFinal = 'ended_at is not null';
const isRunning = "status in ('NEW', 'PROCESSING')";

export const corruptionsOfLiquidations: readonly Corruption[] = [
  {
    what: 'a liquidation earned more than its executions',
    victims: all(liquidations),
    change: set(liquidations, 'proceeds = t.proceeds + 0.01'),
    check: 'liquidations_are_sums_of_executions',
    subject: itsLiquidation,
  },
  {
    what: 'a liquidation that sold is deleted',
    victims: all(liquidations, 'proceeds > 0'),
    change: remove(liquidations),
    check: 'liquidations_are_sums_of_executions',
    subject: itsLiquidation,
  },
  {
    what: 'the last cash amount is an estimate',
    victims: all(liquidations, isFinal),
    change: set(liquidations, 'cash_amount = t.cash_amount + 10'),
    check: 'cash_amounts_are_true',
    subject: itsLiquidation,
  },
  {
    what: 'a cash amount is less than was earned',
    victims: all(liquidations, isRunning),
    change: set(liquidations, 'cash_amount = t.proceeds - 0.01'),
    check: 'cash_amounts_are_true',
    subject: itsLiquidation,
  },
  {
    what: 'an open order is not counted',
    victims: all(liquidations, 'open_orders > 0'),
    change: set(liquidations, 'open_orders = t.open_orders - 1'),
    check: 'open_orders_are_counted',
    subject: itsLiquidation,
  },
  {
    what: 'an order is counted that is not there',
    victims: all(liquidations),
    change: set(liquidations, 'open_orders = t.open_orders + 1'),
    check: 'open_orders_are_counted',
    subject: itsLiquidation,
  },
  {
    what: 'a round is not counted',
    victims: all(liquidations, 'rounds > 0'),
    change: set(liquidations, 'rounds = t.rounds - 1'),
    check: 'open_orders_are_counted',
    subject: itsLiquidation,
  },
  {
    what: 'a liquidation ended before its orders',
    victims: all(liquidations, 'open_orders > 0'),
    change: set(
      liquidations,
      "status = 'FILLED', end_reason = 'flat', ended_at = now(), cash_amount = t.proceeds",
    ),
    check: 'open_orders_are_counted',
    subject: itsLiquidation,
  },
  {
    what: 'a NEW liquidation was released',
    victims: all(liquidations, "status = 'NEW'"),
    change: set(liquidations, 'released_at = now()'),
    check: 'liquidations_have_their_status',
    subject: itsLiquidation,
  },
  {
    what: 'a liquidation runs, but was never released',
    victims: all(liquidations, "status = 'PROCESSING'"),
    change: set(liquidations, 'released_at = null'),
    check: 'liquidations_have_their_status',
    subject: itsLiquidation,
  },
  {
    what: 'a liquidation was released before its time',
    victims: all(liquidations, 'released_at is not null and stop_reason is null'),
    change: set(liquidations, "release_at = t.released_at + interval '1 millisecond'"),
    check: 'liquidations_are_released_when_due',
    subject: itsLiquidation,
  },
  {
    what: 'a final liquidation has no end',
    victims: all(liquidations, isFinal),
    change: set(liquidations, 'ended_at = null'),
    check: 'liquidations_have_their_status',
    subject: itsLiquidation,
  },
  {
    what: 'something was sold of a liquidation that its client cancelled',
    victims: all(liquidations, "end_reason = 'rejected' and cash_amount > 0"),
    change: set(liquidations, "end_reason = 'client', released_at = null"),
    check: 'liquidations_have_their_status',
    subject: itsLiquidation,
  },
  {
    what: 'a liquidation was refused without a refused order',
    victims: all(liquidations, "end_reason = 'client'"),
    change: set(liquidations, "end_reason = 'rejected', released_at = t.ended_at"),
    check: 'liquidations_have_their_status',
    subject: itsLiquidation,
  },
  {
    what: 'a liquidation is FILLED though an order was refused',
    victims: all(liquidations, "end_reason = 'rejected'"),
    change: set(liquidations, "status = 'FILLED', end_reason = 'flat'"),
    check: 'filled_means_nothing_left',
    subject: itsLiquidation,
  },
  {
    what: 'a liquidation is FILLED though it waits for a halted instrument',
    victims: all(liquidations, "status = 'PROCESSING' and rounds = 0"),
    change: set(
      liquidations,
      "status = 'FILLED', end_reason = 'flat', ended_at = t.updated_at + interval '1 day'",
    ),
    check: 'filled_means_nothing_left',
    subject: itsLiquidation,
  },
  {
    what: 'a part of a fractional instrument was left',
    victims: `
      select l.*, o.isin
      from unwind.liquidations l
      join unwind.orders o using (tenant_id, liquidation_id)
      where l.status = 'FILLED'
        and l.sequence = 1
        and o.isin = 'DE0007236101'
        and exists (
          select
          from unwind.movements m
          where m.account_id = l.account_id
            and m.isin = o.isin
            and m.reason = 'import'
        )
      order by o.order_id`,
    change: `
      update unwind.movements m
      set quantity = m.quantity + 0.25
      from v
      where m.account_id = v.account_id
        and m.isin = v.isin
        and m.reason = 'import'`,
    check: 'filled_means_nothing_left',
    subject: itsLiquidation,
  },
  {
    what: 'an account is liquidated twice at once',
    victims: all(liquidations, isRunning),
    change: `
      insert into unwind.liquidations (
        tenant_id, liquidation_id, account_id, user_id, sequence, status, cash_amount, event_count,
        release_at, created_at, updated_at
      )
      select
        v.tenant_id, ${stranger}, v.account_id, v.user_id, v.sequence + 1, 'NEW', 0, 1,
        v.release_at, v.created_at, v.updated_at
      from v`,
    check: 'one_liquidation_runs_per_account',
    subject: itsAccount,
  },
  {
    what: 'a liquidation runs on though a later one was begun',
    victims: all(
      liquidations,
      `exists (
        select
        from unwind.liquidations n
        where n.account_id = liquidations.account_id
          and n.sequence > liquidations.sequence
      )`,
    ),
    change: set(liquidations, "status = 'PROCESSING', ended_at = null, end_reason = null"),
    check: 'one_liquidation_runs_per_account',
    subject: itsAccount,
  },
  {
    what: 'the sequence of an account has a gap',
    victims: all(liquidations),
    change: set(liquidations, 'sequence = t.sequence + 2'),
    check: 'liquidations_are_numbered',
    subject: itsLiquidation,
  },
  {
    what: 'a liquidation is of another user than its account',
    victims: all(liquidations),
    change: set(liquidations, `user_id = ${stranger}`),
    check: 'liquidations_belong_to_accounts',
    subject: itsLiquidation,
  },
  {
    what: 'a liquidation is of an account that is not there',
    victims: all(liquidations),
    change: set(liquidations, `account_id = ${stranger}`),
    check: 'liquidations_belong_to_accounts',
    subject: itsLiquidation,
  },
  {
    what: 'a liquidation is corrected without a correction',
    victims: all(liquidations, 'ended_at is not null and corrected_at is null'),
    change: set(liquidations, 'corrected_proceeds = 0.5'),
    check: 'liquidations_have_their_status',
    subject: itsLiquidation,
  },
  {
    what: 'a liquidation was abandoned by nobody',
    victims: all(liquidations, "end_reason = 'rejected'"),
    change: set(liquidations, "end_reason = 'abandoned'"),
    check: 'liquidations_have_their_status',
    subject: itsLiquidation,
  },
];
