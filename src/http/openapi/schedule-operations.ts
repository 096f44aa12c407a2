// What the document says of liquidations that are released later.

import { type TObject, Type } from 'typebox';
import { scheduleLiquidationBody } from '../control-schemas.ts';
import { instant, part, shape, text } from '../members.ts';
import { newLiquidation } from './examples.ts';
import { liquidation } from './objects.ts';
import { answerOf, exampleOf, type OperationPart } from './operation.ts';

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
    success: answerOf(
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
