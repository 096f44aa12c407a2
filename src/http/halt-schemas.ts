// The shapes of requests about halts.

import { Type } from 'typebox';
import { strengths } from '../halts/halt.ts';
import { cursorPaging, printable } from './control-schemas.ts';
import { flag, only, some, text } from './members.ts';

export const reasonText = (description: string) =>
  text(description, { minLength: 1, maxLength: 500, pattern: printable });
export const personText = (description: string) =>
  text(description, { minLength: 1, maxLength: 100, pattern: printable });

const reason = reasonText('Why, for those who ask later.');
const person = personText('Who has decided it.');

export const setHaltBody = only({
  scope: some(
    ['tenant', 'account', 'instrument', 'venue'],
    'What is halted: all of this client, one account (`account_id`), one instrument (`isin`), or what ' +
      'goes to one venue (`venue`).',
  ),
  account_id: Type.Optional(Type.String({ format: 'uuid' })),
  isin: Type.Optional(Type.String({ pattern: '^[A-Z]{2}[A-Z0-9]{9}[0-9]$' })),
  venue: Type.Optional(text('Market identifier code, ISO 10383.', { pattern: '^[A-Z0-9]{4}$' })),
  strength: Type.Optional(
    some(
      strengths,
      'release: nothing new is released or sent; cancel: and what is open at a venue is cancelled there. ' +
        'What the venue has not sold by then waits, and is sent again when the halt is lifted.',
      { default: 'release' },
    ),
  ),
  reason,
  person,
  dry_run: Type.Optional(flag('Only say what the halt would stop.', { default: false })),
});

export const liftHaltBody = only({ reason, person });

export const listHaltsQuery = only({
  ...cursorPaging,
  in_force: Type.Optional(flag('Only halts that are in force, or only those that were lifted.')),
});
