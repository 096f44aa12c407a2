// What the document says of the four operations on liquidations, and of those that are released later.

import { type TObject, Type } from 'typebox';
import { scheduleLiquidationBody } from '../control-schemas.ts';
import { instant, part, shape, text } from '../members.ts';
import { createLiquidationBody, listLiquidationsQuery } from '../schemas.ts';
import {
  createRequest,
  listedLiquidation,
  newLiquidation,
  releasedLiquidation,
} from './examples.ts';
import { liquidation } from './objects.ts';
import { exampleOf, type OperationPart, pageOf, responseOf } from './operation.ts';

const noSuchAccount = 'This client has no such account.';
const noSuchLiquidation =
  'This account of this client has no such liquidation, or an id is no UUID.';

export const liquidationOperations = {
  list_accounts_liquidations: {
    tag: 'Liquidations',
    summary: 'List liquidations',
    description:
      'All liquidations of an account, oldest first, in pages. `start_date` and `end_date` bound the ' +
      'time of creation.',
    query: listLiquidationsQuery,
    success: pageOf(
      liquidation,
      'A page of liquidations.',
      'One under way',
      listedLiquidation,
      'id',
    ),
    refusals: { not_found: noSuchAccount },
  },
  create_account_liquidation: {
    tag: 'Liquidations',
    summary: 'Liquidate an account',
    description:
      'Asks for every position of the account to be sold. The response comes at once and says NEW; the ' +
      'selling follows, and events report it. Until the release (2 seconds later in the sandbox, at ' +
      'once when live, unless set otherwise) it can be cancelled. An account has at most one ' +
      'liquidation under way.\n\nWith the same `idempotency-key` and the same request the first response ' +
      'comes again, byte for byte, so a request whose response was lost can safely be repeated. A refused ' +
      'request does not use up its key.',
    body: {
      schema: createLiquidationBody,
      examples: exampleOf('request', 'The owner of the account', createRequest),
    },
    success: responseOf(
      'The liquidation is recorded and will be carried out.',
      liquidation,
      exampleOf('created', 'Just created', newLiquidation),
      202,
    ),
    refusals: {
      not_found: 'This client has no such account, or the user does not own it.',
      conflict:
        'A liquidation of the account is under way (`location` names it), the account is not active, ' +
        'or the first request under this key has not ended yet.',
    },
  },
  retrieve_account_liquidation: {
    tag: 'Liquidations',
    summary: 'Retrieve a liquidation',
    description: 'The liquidation as it is now: the same object its last event carried.',
    success: responseOf(
      'The liquidation.',
      liquidation,
      exampleOf('released', 'Released', releasedLiquidation),
    ),
    refusals: { not_found: noSuchLiquidation },
  },
  cancel_account_liquidation: {
    tag: 'Liquidations',
    summary: 'Cancel a liquidation',
    description:
      'Ends a liquidation that is still NEW: nothing was or will be sold. Asking again is answered the ' +
      'same. Against the release there is exactly one winner.',
    success: { status: 204, description: 'It is cancelled.' },
    refusals: {
      not_found: noSuchLiquidation,
      conflict:
        'It is no longer NEW, or ended otherwise than by its client; `detail` names the state.',
    },
  },
} as const satisfies Readonly<Record<string, OperationPart>>;

const { account_id, user_id } = newLiquidation;

/** A liquidation as it is published, and its release. */
export function scheduledOf(object: TObject) {
  return shape('Scheduled liquidation', {
    ...object.properties,
    release: part('The release that was asked for.', {
      at: instant('When it is released, by the market clock; not before its delay is over.'),
      opening_of: Type.Optional(text('The venue that opens then.')),
      reason: Type.Optional(text('As it was given.')),
    }),
  });
}

const at = '2021-07-22T07:00:00.000Z';

export const scheduleOperations = {
  schedule_liquidation: {
    tag: 'Control',
    summary: 'Schedule a liquidation',
    description:
      'Creates a liquidation that is released at a time, or at the next opening of a venue. Until then it is NEW, ' +
      'and can be cancelled like every other; the account can have no second one. The opening is looked up in the ' +
      'calendar of the venue now, and is a time from then on. A release also needs a venue that is open, and no ' +
      'halt, as always. Repeated with the same idempotency key it answers the same.',
    body: {
      schema: scheduleLiquidationBody,
      examples: {
        time: { summary: 'At a time', value: { account_id, user_id, release: { at } } },
        opening: {
          summary: 'When a venue opens',
          value: {
            account_id,
            user_id,
            release: { opening_of: 'XETR' },
            reason: 'The account is closed',
          },
        },
      },
    },
    success: responseOf(
      'It is scheduled.',
      scheduledOf(liquidation),
      exampleOf('scheduled', 'For an opening', {
        ...newLiquidation,
        release: { at, opening_of: 'XETR' },
      }),
      202,
    ),
    refusals: {
      not_found:
        'There is no such account of this user, or the service does not trade at the venue.',
      conflict:
        'A liquidation of the account is running, the account is locked or closed, or no opening of the venue is ' +
        'known.',
    },
  },
} as const satisfies Readonly<Record<string, OperationPart>>;
