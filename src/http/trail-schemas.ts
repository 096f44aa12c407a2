// The shape of the request that lists acts.

import { Type } from 'typebox';
import { actKinds } from '../trail/act.ts';
import { cursorPaging } from './control-schemas.ts';
import { actCursorForm } from './cursor.ts';
import { instantForm, strict } from './schemas.ts';

const instant = (description: string) => {
  return Type.Optional(
    Type.String({
      maxLength: 40,
      description: `${description} ${instantForm}`,
      examples: ['2022-10-14T00:00:00Z'],
    }),
  );
};

export const listActsQuery = Type.Object(
  {
    limit: cursorPaging.limit,
    cursor: Type.Optional(
      Type.String({
        pattern: actCursorForm.source,
        description: '`meta.next` of the page before: only what follows it.',
        examples: ['a1042-0199c9a27d3e7c119f0a3b1f8c2d4e5f'],
      }),
    ),
    kind: Type.Optional(
      Type.Enum([...actKinds], { type: 'string', description: 'Only acts of this kind.' }),
    ),
    actor: Type.Optional(
      Type.String({
        pattern: '^[^\\x00-\\x1f\\x7f-\\x9f]{1,200}$',
        description: 'Only acts of this key or person.',
      }),
    ),
    operation: Type.Optional(
      Type.String({ pattern: '^[a-z_]{1,100}$', description: 'Only acts of this operation.' }),
    ),
    account_id: Type.Optional(
      Type.String({ format: 'uuid', description: 'Only acts that name this account.' }),
    ),
    names: Type.Optional(
      Type.String({
        format: 'uuid',
        description:
          'Only acts that name this id, of whatever it is, in their target or in what they changed.',
      }),
    ),
    since: instant('Only acts since this time.'),
    before: instant('Only acts before this time.'),
  },
  strict,
);
