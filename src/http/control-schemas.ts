// The shapes of requests that look at all liquidations of a tenant.

import { Type } from 'typebox';
import { liquidationTransitions } from '../liquidations/liquidation.ts';
import { waitReasons } from '../liquidations/waits-store.ts';
import { idCursorForm } from './cursor.ts';
import { createLiquidationBody, instantForm, strict } from './schemas.ts';

/** For people; what turns a line around is refused by the handler. */
export const printable = '^[^\\x00-\\x1f\\x7f-\\x9f]*$';

/** The part of a list that goes on by cursor. */
export const cursorPaging = {
  cursor: Type.Optional(
    Type.String({
      pattern: idCursorForm.source,
      description: '`meta.next` of the page before: only what follows it.',
      examples: ['k0199c9a27d3e7c119f0a3b1f8c2d4e5f'],
    }),
  ),
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 1_000,
      default: 100,
      description: 'The most items to answer.',
    }),
  ),
};

export const listAllLiquidationsQuery = Type.Object(
  {
    ...cursorPaging,
    status: Type.Optional(
      Type.Enum(['NEW', 'PROCESSING', 'FILLED', 'CANCELLED'], {
        type: 'string',
        description: 'Only liquidations of this status.',
      }),
    ),
    account_id: Type.Optional(
      Type.String({ format: 'uuid', description: 'Only liquidations of this account.' }),
    ),
    waiting: Type.Optional(
      Type.Enum([...waitReasons], {
        type: 'string',
        description:
          'Only open liquidations that wait for this reason, be it the first or that of a position.',
      }),
    ),
    stuck: Type.Optional(
      Type.Boolean({
        description:
          'With `true`, only liquidations that are `parked`, or that have been `stopping`, ' +
          '`sent_unanswered`, `retrying` or `due` for more than five minutes.',
      }),
    ),
    older_than_minutes: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 5_256_000,
        description: 'Only liquidations that were created at least so many minutes ago.',
      }),
    ),
    created_before: Type.Optional(
      Type.String({
        maxLength: 40,
        description: `Only liquidations created before this time. ${instantForm}`,
        examples: ['2022-10-14T00:00:00Z'],
      }),
    ),
  },
  strict,
);

/** The same with the status that the later contract knows: what is listed may be of either. */
export const laterListAllLiquidationsQuery = Type.Object(
  {
    ...listAllLiquidationsQuery.properties,
    status: Type.Optional(
      Type.Enum(Object.keys(liquidationTransitions) as (keyof typeof liquidationTransitions)[], {
        type: 'string',
        description: 'Only liquidations of this status.',
      }),
    ),
  },
  strict,
);

export const findQuery = Type.Object(
  {
    text: Type.Optional(
      Type.String({
        pattern: '^[0-9A-Za-z-]{8,64}$',
        description: 'An id, a client order id (FIX 11) or an ISIN. Absent, it names nothing.',
        examples: ['DE0007164600'],
      }),
    ),
  },
  strict,
);

/** A liquidation that is released later. */
export const scheduleLiquidationBody = Type.Object(
  {
    account_id: Type.String({ format: 'uuid', description: 'The account.' }),
    user_id: createLiquidationBody.properties.user_id,
    release: Type.Object(
      {
        at: Type.Optional(
          Type.String({
            maxLength: 40,
            description: `A time of the market clock, 90 days ahead at most. ${instantForm}`,
            examples: ['2026-07-01T09:00:00+02:00'],
          }),
        ),
        opening_of: Type.Optional(
          Type.String({
            pattern: '^[A-Z0-9]{4}$',
            description: 'The next opening of this venue: market identifier code, ISO 10383.',
          }),
        ),
      },
      { ...strict, description: 'When it is to be released: one of them.' },
    ),
    reason: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 500,
        pattern: printable,
        description: 'Why, for those who ask later.',
      }),
    ),
  },
  strict,
);

/** Which part of a signed statement. */
export const statementQuery = Type.Object(
  {
    part: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1_000_000,
        default: 1,
        description: 'Which part of a long statement; the header `link` leads to the next.',
      }),
    ),
  },
  strict,
);
