// The shape of a request that changes positions. What each member must be beyond its type is said by
// the book, which reads the same fields from files.

import { Type } from 'typebox';
import { deltasOfRequestMax } from '../limits.ts';

const strict = { additionalProperties: false };

const delta = Type.Object(
  {
    type: Type.Enum(['credit', 'lock', 'unlock'], { type: 'string', description: 'What it does.' }),
    account_id: Type.String({ format: 'uuid', description: 'The account.' }),
    isin: Type.String({ minLength: 12, maxLength: 12, description: 'The instrument.' }),
    quantity: Type.String({ minLength: 1, maxLength: 40, description: 'A decimal above zero.' }),
    reference: Type.String({
      minLength: 1,
      maxLength: 100,
      description: 'Your name of this change: it is applied once.',
    }),
  },
  strict,
);

export const applyDeltasBody = Type.Object(
  { deltas: Type.Array(delta, { minItems: 1, maxItems: deltasOfRequestMax }) },
  strict,
);
