// Corruptions of orders.

import {
  all,
  type Corruption,
  itsExecution,
  itsLiquidation,
  itsOrder,
  remove,
  set,
  stranger,
} from './corrupt.ts';

export const corruptionsOfOrders: readonly Corruption[] = [
  {
    what: 'an order forgets what it filled',
    victims: all('unwind.orders', 'filled_quantity > 0'),
    change: set('unwind.orders', 'filled_quantity = t.filled_quantity / 2'),
    check: 'orders_are_sums_of_executions',
    subject: itsOrder,
  },
  {
    what: 'an order earned more than its executions',
    victims: all('unwind.orders'),
    change: set('unwind.orders', 'proceeds = t.proceeds + 0.01'),
    check: 'orders_are_sums_of_executions',
    subject: itsOrder,
  },
  {
    what: 'an execution is deleted',
    victims: all('unwind.executions'),
    change: remove('unwind.executions'),
    check: 'orders_are_sums_of_executions',
    subject: itsOrder,
  },
  {
    what: 'an order is deleted',
    victims: all('unwind.orders', 'filled_quantity > 0'),
    change: remove('unwind.orders'),
    check: 'orders_are_sums_of_executions',
    subject: itsOrder,
  },
  {
    what: 'an order is FILLED with less than all of it',
    victims: all('unwind.orders', "status <> 'FILLED' and filled_quantity < quantity"),
    change: set('unwind.orders', "status = 'FILLED'"),
    check: 'orders_have_their_status',
    subject: itsOrder,
  },
  {
    what: 'an order is CANCELLED with all of it filled',
    victims: all('unwind.orders', "status = 'FILLED'"),
    change: set('unwind.orders', "status = 'CANCELLED', cancellation_reason = 'rejected'"),
    check: 'orders_have_their_status',
    subject: itsOrder,
  },
  {
    what: 'a final order is opened again',
    victims: all('unwind.orders', 'ended_at is not null'),
    change: set('unwind.orders', "status = 'PROCESSING', cancellation_reason = null"),
    check: 'orders_have_their_status',
    subject: itsOrder,
  },
  {
    what: 'an order sells more than the account held',
    victims: all('unwind.orders'),
    change: set('unwind.orders', 'quantity = t.quantity + 100'),
    check: 'orders_sell_what_is_held',
    subject: itsOrder,
  },
  {
    what: 'an order was made before there was anything to sell',
    victims: all('unwind.orders'),
    change: set('unwind.orders', "created_at = '2020-01-01Z'"),
    check: 'orders_sell_what_is_held',
    subject: itsOrder,
  },
  {
    what: 'an order belongs to no liquidation',
    victims: all('unwind.orders'),
    change: set('unwind.orders', `liquidation_id = ${stranger}`),
    check: 'orders_belong_to_liquidations',
    subject: itsOrder,
  },
  {
    what: 'an order is of a round that never was',
    victims: all('unwind.orders'),
    change: set('unwind.orders', 'round = t.round + 1'),
    check: 'orders_belong_to_liquidations',
    subject: itsOrder,
  },
  {
    what: 'a second order is open for the same instrument',
    victims: all('unwind.orders', "status in ('NEW', 'PROCESSING')"),
    change: `
      insert into unwind.orders (
        tenant_id, order_id, liquidation_id, account_id, isin, round, quantity, status, submit_at,
        created_at, updated_at, status_at
      )
      select
        v.tenant_id, ${stranger}, v.liquidation_id, v.account_id, v.isin, v.round, v.quantity,
        'NEW', now(), v.created_at, v.updated_at, v.status_at
      from v`,
    check: 'orders_follow_each_other',
    subject: itsLiquidation,
  },
  {
    what: 'an instrument is tried again after its order was CANCELLED',
    victims: all('unwind.orders', "status = 'CANCELLED'"),
    change: `
      insert into unwind.orders (
        tenant_id, order_id, liquidation_id, account_id, isin, round, quantity, status, submit_at,
        created_at, updated_at, status_at
      )
      select
        v.tenant_id, ${stranger}, v.liquidation_id, v.account_id, v.isin, v.round + 1, v.quantity,
        'NEW', now(), v.created_at, v.updated_at, v.status_at
      from v`,
    check: 'orders_follow_each_other',
    subject: itsLiquidation,
  },
  {
    what: 'an execution is of another instrument than its order',
    victims: all('unwind.executions'),
    change: set('unwind.executions', "isin = 'XX0000000000'"),
    check: 'executions_belong_to_orders',
    subject: itsExecution,
  },
];
