// The shape of the request that lists acts.

import { Type } from 'typebox';
import { actKinds } from '../trail/act.ts';
import { cursorPaging } from './control-schemas.ts';
import { actCursorForm } from './cursor.ts';
import { moment, only, some, text, uuid } from './members.ts';

export const listActsQuery = only({
  limit: cursorPaging.limit,
  cursor: Type.Optional(
    text('`meta.next` of the page before: only what follows it.', {
      pattern: actCursorForm.source,
      examples: ['a1042-0199c9a27d3e7c119f0a3b1f8c2d4e5f'],
    }),
  ),
  kind: Type.Optional(some(actKinds, 'Only acts of this kind.')),
  actor: Type.Optional(
    text('Only acts of this key or person.', { pattern: '^[^\\x00-\\x1f\\x7f-\\x9f]{1,200}$' }),
  ),
  operation: Type.Optional(text('Only acts of this operation.', { pattern: '^[a-z_]{1,100}$' })),
  account_id: Type.Optional(uuid('Only acts that name this account.')),
  names: Type.Optional(
    uuid(
      'Only acts that name this id, of whatever it is, in their target or in what they changed.',
    ),
  ),
  since: Type.Optional(moment('Only acts since this time.')),
  before: Type.Optional(moment('Only acts before this time.')),
});
