// Corruptions of settlement.

import { all, type Corruption, itsExecution, itsLiquidation, set } from './corrupt.ts';

const liquidations = 'unwind.liquidations';
const executions = 'unwind.executions';
const isSettled = "status = 'SETTLED'";

export const corruptionsOfSettlement: readonly Corruption[] = [
  {
    what: 'an execution settles before its trade',
    victims: all(executions),
    change: set(executions, "settlement_date = (t.executed_at - interval '2 days')::date"),
    check: 'executions_settle_after_the_trade',
    subject: itsExecution,
  },
  {
    what: 'nobody knows when an execution settles that the later contract shows',
    victims: all(
      executions,
      "liquidation_id in (select l.liquidation_id from unwind.liquidations l where l.contract = '2026')",
    ),
    change: set(executions, 'settlement_date = null'),
    check: 'executions_settle_after_the_trade',
    subject: itsExecution,
  },
  {
    what: 'a liquidation is SETTLED before what it has sold',
    victims: all(liquidations, `${isSettled} and proceeds > 0`),
    change: set(liquidations, "settle_at = t.settle_at - interval '3 days'"),
    check: 'settled_means_all_settled',
    subject: itsLiquidation,
  },
  {
    what: 'a liquidation is SETTLED before its end',
    victims: all(liquidations, isSettled),
    change: set(liquidations, "settled_at = t.ended_at - interval '1 s'"),
    check: 'settled_means_all_settled',
    subject: itsLiquidation,
  },
  {
    what: 'a liquidation of the reference says SETTLED',
    victims: all(liquidations, "status = 'FILLED' and contract = '2023'"),
    change: set(liquidations, "status = 'SETTLED', settle_at = now(), settled_at = now()"),
    check: 'settled_only_where_chosen',
    subject: itsLiquidation,
  },
  {
    what: 'a liquidation is SETTLED without an event',
    victims: all(liquidations, "status = 'FILLED' and contract = '2026'"),
    change: set(liquidations, "status = 'SETTLED', settled_at = now()"),
    check: 'events_tell_each_status_once',
    subject: itsLiquidation,
  },
];
