// The shapes of the queries by which the book and orders are read.

import { Type } from 'typebox';
import { only, some } from './members.ts';
import { bothWays as order, paging } from './schemas.ts';

export const listAccountsQuery = only({
  sort: Type.Optional(
    Type.Literal('created_at', {
      default: 'created_at',
      description: 'What the list is sorted by.',
    }),
  ),
  order,
  ...paging,
});

export const listUsersQuery = listAccountsQuery;

/** Of lists that have one order. */
export const pageQuery = only(paging);

export const listOrdersQuery = only({ order, ...paging });

export const listInstrumentsQuery = only({
  trading_status: Type.Optional(some(['ACTIVE', 'INACTIVE'], 'Only instruments of this status.')),
  sort: Type.Optional(
    some(['created_at', 'updated_at'], 'What the list is sorted by.', { default: 'created_at' }),
  ),
  order,
  ...paging,
});
