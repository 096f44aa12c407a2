// The shape in which a sandbox explains why a liquidation waits.

import { type Static, Type } from 'typebox';
import { waitReasons } from '../liquidations/waits-store.ts';

const instant = { format: 'date-time' } as const;
const wait = {
  since: Type.Optional(Type.String({ ...instant, description: 'Absent: not known.' })),
  until: Type.Optional(
    Type.String({ ...instant, description: 'By the market clock; absent: not known.' }),
  ),
  detail: Type.Optional(Type.String({ description: 'For a person.' })),
};
const reason = Type.Enum([...waitReasons], {
  type: 'string',
  description: 'Of several reasons the one that stands first in this list.',
});

/** Why a liquidation waits. */
export const explanationShape = Type.Object(
  {
    id: Type.String({ format: 'uuid' }),
    account_id: Type.String({ format: 'uuid' }),
    status: Type.Enum(['NEW', 'PROCESSING', 'FILLED', 'CANCELLED'], { type: 'string' }),
    reason: Type.Optional(reason),
    isin: Type.Optional(
      Type.String({ description: 'The position that has the reason; absent: all of it.' }),
    ),
    ...wait,
    positions: Type.Array(
      Type.Object({
        isin: Type.String(),
        quantity: Type.String({ description: 'Units that are still in the account, a decimal.' }),
        reason,
        ...wait,
        priced: Type.Boolean({ description: 'False: the book has no price for it.' }),
      }),
    ),
  },
  { title: 'Explanation' },
);

export type Explanation = Static<typeof explanationShape>;
