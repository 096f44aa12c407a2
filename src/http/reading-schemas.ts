// The shapes of the queries by which the book and orders are read.

import { Type } from 'typebox';
import { some } from './members.ts';
import { bothWays as order, paging, strict } from './schemas.ts';

export const listAccountsQuery = Type.Object(
  {
    sort: Type.Optional(
      Type.Literal('created_at', {
        default: 'created_at',
        description: 'What the list is sorted by.',
      }),
    ),
    order,
    ...paging,
  },
  strict,
);

export const listUsersQuery = listAccountsQuery;

/** Of lists that have one order. */
export const pageQuery = Type.Object(paging, strict);

export const listOrdersQuery = Type.Object({ order, ...paging }, strict);

export const listInstrumentsQuery = Type.Object(
  {
    trading_status: Type.Optional(some(['ACTIVE', 'INACTIVE'], 'Only instruments of this status.')),
    sort: Type.Optional(
      some(['created_at', 'updated_at'], 'What the list is sorted by.', { default: 'created_at' }),
    ),
    order,
    ...paging,
  },
  strict,
);
