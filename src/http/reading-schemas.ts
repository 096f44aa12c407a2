// The shapes of the queries by which the book and orders are read.

import { Type } from 'typebox';
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
    trading_status: Type.Optional(
      Type.Enum(['ACTIVE', 'INACTIVE'], {
        type: 'string',
        description: 'Only instruments of this status.',
      }),
    ),
    sort: Type.Optional(
      Type.Enum(['created_at', 'updated_at'], {
        type: 'string',
        default: 'created_at',
        description: 'What the list is sorted by.',
      }),
    ),
    order,
    ...paging,
  },
  strict,
);
