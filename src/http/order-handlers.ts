// The operations that read orders and their executions. No decisions here.

import type { Sql } from '../db/connect.ts';
import { executionsOfOrderMax } from '../limits.ts';
import {
  findExecutionObject,
  findExecutionPage,
  findOrderObject,
  findOrderPage,
} from '../orders/read-store.ts';
import { Refusal } from '../refusal.ts';
import { nextLink, pageResponse, rangeOf } from './page.ts';
import { type Handler, idParam } from './pipeline.ts';
import { listOrdersQuery, pageQuery } from './reading-schemas.ts';
import { queryReaderOf, readNoQuery } from './schemas.ts';

const readOrdersQuery = queryReaderOf(listOrdersQuery);
const readPageQuery = queryReaderOf(pageQuery);

const noSuchOrder = 'There is no such order.';

export function orderHandlers({ sql }: { readonly sql: Sql }) {
  return {
    list: async (call) => {
      const accountId = idParam<'account'>(call, 'account_id', 'bad_request');
      const range = rangeOf(readOrdersQuery(call.search));
      const page = await findOrderPage(sql, {
        tenantId: call.caller.tenantId,
        accountId,
        ...range,
      });
      if (page === undefined) throw new Refusal('not_found', 'There is no such account.');
      return pageResponse(call, page, range, 'id');
    },

    retrieve: async (call) => {
      const orderId = idParam<'order'>(call, 'order_id', 'not_found');
      readNoQuery(call.search);
      const order = await findOrderObject(sql, { tenantId: call.caller.tenantId, orderId });
      if (order === undefined) throw new Refusal('not_found', noSuchOrder);
      const more = { path: `${call.path}/executions`, search: '' };
      const headers = order.isCut ? nextLink(more, { offset: String(executionsOfOrderMax) }) : {};
      return { status: 200, body: order.object, headers };
    },

    listExecutions: async (call) => {
      const orderId = idParam<'order'>(call, 'order_id', 'bad_request');
      const range = rangeOf(readPageQuery(call.search));
      const { tenantId } = call.caller;
      const page = await findExecutionPage(sql, { tenantId, orderId, ...range });
      if (page === undefined) throw new Refusal('not_found', noSuchOrder);
      return pageResponse(call, page, range, 'id');
    },

    retrieveExecution: async (call) => {
      const orderId = idParam<'order'>(call, 'order_id', 'not_found');
      const executionId = idParam<'execution'>(call, 'execution_id', 'not_found');
      readNoQuery(call.search);
      const { tenantId } = call.caller;
      const body = await findExecutionObject(sql, { tenantId, orderId, executionId });
      const missing = 'There is no such execution of this order.';
      if (body === undefined) throw new Refusal('not_found', missing);
      return { status: 200, body };
    },
  } satisfies Readonly<Record<string, Handler>>;
}

export type OrderHandlers = ReturnType<typeof orderHandlers>;
