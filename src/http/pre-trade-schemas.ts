// The shapes of requests about pre-trade controls.

import { type Static, Type } from 'typebox';
import { cursorPaging, personText, reasonText } from './control-schemas.ts';
import { flag, only, text, whole } from './members.ts';

const amount = (description: string) => {
  return Type.Optional(text(description, { pattern: '^[0-9]{1,18}(\\.[0-9]{1,12})?$' }));
};

const secondsMax = 31 * 86_400;

export const limitMembers = {
  order_quantity_max: amount('Units of one order at most.'),
  order_value_max: amount('EUR of one order at most: its quantity times the last price.'),
  day_value_max: amount(
    'EUR at most of all orders since midnight UTC that are at venues or were sold, by the last prices when they were sent.',
  ),
  price_age_max_s: Type.Optional(
    whole('Seconds since the last price at most.', { minimum: 1, maximum: secondsMax }),
  ),
  price_collar_percent: amount(
    'How far the price that an instrument was sold for last may be from its last price, in % of that.',
  ),
  rejections: Type.Optional(
    only(
      {
        max: Type.Integer({ minimum: 1, maximum: 1_000 }),
        window_s: Type.Integer({ minimum: 1, maximum: secondsMax }),
      },
      {
        description:
          'So many rejections of a venue within so many seconds halt the venue for this client, or the one instrument ' +
          'that all were about, until a person lifts the halt.',
      },
    ),
  ),
  four_eyes_max: amount(
    'EUR that a halt may hold, by the last prices, for one person to lift it, and that a batch may sell for one ' +
      'person to start it; above it a second one has to approve.',
  ),
};

export const setControlsBody = only({
  ...limitMembers,
  replaces: Type.Optional(
    Type.String({
      format: 'uuid',
      description:
        'The `id` of the controls of this client that are in force, as you have seen them; without it there must be none.',
    }),
  ),
  reason: reasonText('Why these, for those who ask later.'),
  person: personText('Who has decided them.'),
});

export type SetControls = Static<typeof setControlsBody>;

export const releaseOrderBody = only({
  reason: reasonText('Why it may pass.'),
  person: personText('Who lets it pass.'),
});

export const decideBody = only({
  reason: reasonText('Why.'),
  person: personText('Who decides: not who has asked.'),
});

export const listApprovalsQuery = only({
  ...cursorPaging,
  pending: Type.Optional(flag('Only those that can be decided now.', { default: false })),
});

export const listStoppedQuery = only(cursorPaging);
