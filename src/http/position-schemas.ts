// The shape of a request that changes positions. What each member must be beyond its type is said by
// the book, which reads the same fields from files.

import { Type } from 'typebox';
import { deltasOfRequestMax } from '../limits.ts';

const strict = { additionalProperties: false };

const delta = Type.Object(
  {
    type: Type.Enum(['credit', 'lock', 'unlock']),
    account_id: Type.String({ format: 'uuid' }),
    isin: Type.String({ minLength: 12, maxLength: 12 }),
    quantity: Type.String({ minLength: 1, maxLength: 40 }),
    reference: Type.String({ minLength: 1, maxLength: 100 }),
  },
  strict,
);

export const applyDeltasBody = Type.Object(
  { deltas: Type.Array(delta, { minItems: 1, maxItems: deltasOfRequestMax }) },
  strict,
);
