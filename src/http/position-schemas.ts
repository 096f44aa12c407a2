// The shape of a request that changes positions. What each member must be beyond its type is said by
// the book, which reads the same fields from files.

import { Type } from 'typebox';
import { deltasOfRequestMax } from '../limits.ts';
import { only, some, text, uuid } from './members.ts';

const delta = only({
  type: some(['credit', 'lock', 'unlock'], 'What it does.'),
  account_id: uuid('The account.'),
  isin: text('The instrument.', { minLength: 12, maxLength: 12 }),
  quantity: text('A decimal above zero.', { minLength: 1, maxLength: 40 }),
  reference: text('Your name of this change: it is applied once.', {
    minLength: 1,
    maxLength: 100,
  }),
});

export const applyDeltasBody = only({
  deltas: Type.Array(delta, { minItems: 1, maxItems: deltasOfRequestMax }),
});
