// The shapes of the queries by which the book and orders are read.

import { Type } from 'typebox';

const strict = { additionalProperties: false };

/** The part of a list that is asked for. */
const paging = {
  offset: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 2_147_483_647,
      default: 0,
      description: 'How many items to skip.',
    }),
  ),
  limit: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 1_000,
      default: 100,
      description:
        'The most items to answer; with 0 there are none, and `total_count` is still true.',
    }),
  ),
};

const order = Type.Optional(
  Type.Enum(['ASC', 'DESC'], {
    type: 'string',
    default: 'ASC',
    description: 'The sort order: ascending or descending.',
  }),
);

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
