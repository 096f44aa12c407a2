// What the document says of reading orders and executions.

import { listOrdersQuery, pageQuery } from '../reading-schemas.ts';
import { execution, order } from './book-objects.ts';
import { exampleOf, type OperationPart, pageOf, responseOf } from './operation.ts';

const orderId = '79f2c816-13ed-4588-85e6-f3398b0b5825';
const at = '2021-07-21T14:10:00.000Z';

const executionView = {
  cash_amount: '852.20',
  currency: 'EUR',
  id: 'b9dc0676-8a7d-412d-802a-3b325eefd15e',
  order_id: orderId,
  price: '85.22',
  share_quantity: '10',
  side: 'SELL',
  status: 'FILLED',
  taxes: [],
  transaction_time: at,
} as const;

const orderView = {
  account_id: 'f2f7d2c7-d79b-4de2-ae9b-d01646259f9e',
  cash_amount: '0',
  client_reference: 'f386fdc4-dcd8-4dce-8acb-dae332f51483',
  created_at: at,
  currency: 'EUR',
  execution_flow: 'STRAIGHT_THROUGH',
  executions: [executionView],
  fee: '0',
  id: orderId,
  initiation_flow: 'ACCOUNT_LIQUIDATION',
  instrument_id: 'DE0005933931',
  instrument_id_type: 'ISIN',
  limit_price: '',
  order_type: 'MARKET',
  quantity: '10',
  side: 'SELL',
  status: 'FILLED',
  stop_price: '',
  updated_at: at,
  user_id: '4b9732bd-7496-4e91-8a5f-6360479d7fed',
} as const;

const noSuchOrder = 'This client has no such order, or the id is no UUID.';

export const orderOperations = {
  list_account_orders: {
    tag: 'Orders',
    summary: 'List orders of an account',
    description: 'The orders of all liquidations of an account, oldest first, in pages.',
    query: listOrdersQuery,
    success: pageOf(order, 'A page of orders.', 'One that is filled', orderView, 'id'),
    refusals: { not_found: 'This client has no such account.' },
  },
  retrieve_order: {
    tag: 'Orders',
    summary: 'Retrieve an order',
    description:
      'One order with its first 5,000 executions, by the id that the liquidation lists. Where there are ' +
      'more, the header `link` leads to them.',
    success: {
      status: 200,
      description: 'The order.',
      headers: ['Link'],
      body: { schema: order, examples: exampleOf('filled', 'Filled', orderView) },
    },
    refusals: { not_found: noSuchOrder },
  },
  list_order_executions: {
    tag: 'Orders',
    summary: 'List executions of an order',
    description: 'The executions of one order, in pages; the order itself carries the first 5,000.',
    query: pageQuery,
    success: pageOf(execution, 'A page of executions.', 'One execution', executionView, 'id'),
    refusals: { not_found: 'This client has no such order.' },
  },
  retrieve_order_execution: {
    tag: 'Orders',
    summary: 'Retrieve an execution',
    description: 'One execution of an order.',
    success: responseOf(
      'The execution.',
      execution,
      exampleOf('filled', 'Ten units', executionView),
    ),
    refusals: {
      not_found: 'This order of this client has no such execution, or an id is no UUID.',
    },
  },
} as const satisfies Readonly<Record<string, OperationPart>>;
