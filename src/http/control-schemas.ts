// The shapes of requests that look at all liquidations of a tenant, about halts, the trail, and what waits for a person.

import { Type } from 'typebox';
import { strengths } from '../halts/halt.ts';
import { liquidationTransitions } from '../liquidations/liquidation.ts';
import { waitReasons } from '../liquidations/waits-store.ts';
import { actKinds } from '../trail/act.ts';
import { actCursorForm, idCursorForm } from './cursor.ts';
import { flag, moment, only, pageLimit, some, text, uuid, whole } from './members.ts';
import { createLiquidationBody } from './schemas.ts';

/** For people; what turns a line around is refused by the handler. */
export const printable = '^[^\\x00-\\x1f\\x7f-\\x9f]*$';

/** The part of a list that goes on by cursor. */
export const cursorPaging = {
  cursor: Type.Optional(
    text('`meta.next` of the page before: only what follows it.', {
      pattern: idCursorForm.source,
      examples: ['k0199c9a27d3e7c119f0a3b1f8c2d4e5f'],
    }),
  ),
  limit: Type.Optional(whole('The most items to answer.', pageLimit)),
};

export const listAllLiquidationsQuery = only({
  ...cursorPaging,
  status: Type.Optional(
    some(['NEW', 'PROCESSING', 'FILLED', 'CANCELLED'], 'Only liquidations of this status.'),
  ),
  account_id: Type.Optional(uuid('Only liquidations of this account.')),
  waiting: Type.Optional(
    some(
      waitReasons,
      'Only open liquidations that wait for this reason, be it the first or that of a position.',
    ),
  ),
  stuck: Type.Optional(
    flag(
      'With `true`, only liquidations that are `parked`, or that have been `stopping`, ' +
        '`sent_unanswered`, `retrying` or `due` for more than five minutes.',
    ),
  ),
  older_than_minutes: Type.Optional(
    whole('Only liquidations that were created at least so many minutes ago.', {
      minimum: 0,
      maximum: 5_256_000,
    }),
  ),
  created_before: Type.Optional(moment('Only liquidations created before this time.')),
});

/** The same with the status that the later contract knows: what is listed may be of either. */
export const laterListAllLiquidationsQuery = only({
  ...listAllLiquidationsQuery.properties,
  status: Type.Optional(
    some(
      Object.keys(liquidationTransitions) as (keyof typeof liquidationTransitions)[],
      'Only liquidations of this status.',
    ),
  ),
});

export const findQuery = only({
  text: Type.Optional(
    text('An id, a client order id (FIX 11) or an ISIN. Absent, it names nothing.', {
      pattern: '^[0-9A-Za-z-]{8,64}$',
      examples: ['DE0007164600'],
    }),
  ),
});

/** A liquidation that is released later. */
export const scheduleLiquidationBody = only({
  account_id: uuid('The account.'),
  user_id: createLiquidationBody.properties.user_id,
  release: only(
    {
      at: Type.Optional(
        moment('A time of the market clock, 90 days ahead at most.', '2026-07-01T09:00:00+02:00'),
      ),
      opening_of: Type.Optional(
        text('The next opening of this venue: market identifier code, ISO 10383.', {
          pattern: '^[A-Z0-9]{4}$',
        }),
      ),
    },
    { description: 'When it is to be released: one of them.' },
  ),
  reason: Type.Optional(
    text('Why, for those who ask later.', { minLength: 1, maxLength: 500, pattern: printable }),
  ),
});

/** Which part of a signed statement. */
export const statementQuery = only({
  part: Type.Optional(
    whole('Which part of a long statement; the header `link` leads to the next.', {
      minimum: 1,
      maximum: 1_000_000,
      default: 1,
    }),
  ),
});

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

const parkedId = text('Its id, as the list has it.', {
  minLength: 1,
  maxLength: 300,
  pattern: printable,
  examples: ['release/0199c9a2-7d3e-7c11-9f0a-3b1f8c2d4e5f'],
});

export const resumeParkedBody = only({ id: parkedId });

export const closeParkedBody = only({
  id: parkedId,
  reason: reasonText('What was done about it.'),
  person: personText('Who has seen to it.'),
});
