// The shapes of requests that look at all liquidations of a tenant.

import { Type } from 'typebox';
import { liquidationTransitions } from '../liquidations/liquidation.ts';
import { waitReasons } from '../liquidations/waits-store.ts';
import { idCursorForm } from './cursor.ts';
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
