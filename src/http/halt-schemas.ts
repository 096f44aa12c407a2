// The shapes of requests about halts.

import { Type } from 'typebox';
import { strengths } from '../halts/halt.ts';
import { cursorPaging, printable } from './control-schemas.ts';
import { strict } from './schemas.ts';

export const reasonText = (description: string) =>
  Type.String({ minLength: 1, maxLength: 500, pattern: printable, description });
export const personText = (description: string) =>
  Type.String({ minLength: 1, maxLength: 100, pattern: printable, description });

const reason = reasonText('Why, for those who ask later.');
const person = personText('Who has decided it.');

export const setHaltBody = Type.Object(
  {
    scope: Type.Enum(['tenant', 'account', 'instrument', 'venue'], {
      type: 'string',
      description:
        'What is halted: all of this client, one account (`account_id`), one instrument (`isin`), or what ' +
        'goes to one venue (`venue`).',
    }),
    account_id: Type.Optional(Type.String({ format: 'uuid' })),
    isin: Type.Optional(Type.String({ pattern: '^[A-Z]{2}[A-Z0-9]{9}[0-9]$' })),
    venue: Type.Optional(
      Type.String({ pattern: '^[A-Z0-9]{4}$', description: 'Market identifier code, ISO 10383.' }),
    ),
    strength: Type.Optional(
      Type.Enum([...strengths], {
        type: 'string',
        default: 'release',
        description:
          'release: nothing new is released or sent; cancel: and what is open at a venue is cancelled there. ' +
          'What the venue has not sold by then waits, and is sent again when the halt is lifted.',
      }),
    ),
    reason,
    person,
    dry_run: Type.Optional(
      Type.Boolean({ default: false, description: 'Only say what the halt would stop.' }),
    ),
  },
  strict,
);

export const liftHaltBody = Type.Object({ reason, person }, strict);

export const listHaltsQuery = Type.Object(
  {
    ...cursorPaging,
    in_force: Type.Optional(
      Type.Boolean({
        description: 'Only halts that are in force, or only those that were lifted.',
      }),
    ),
  },
  strict,
);
