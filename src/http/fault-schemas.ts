// The shapes of requests and answers about the faults of deliveries.

import { Type } from 'typebox';
import { flag, instant, only, shape, some, uuid, whole } from './members.ts';

const seconds = (maximum: number, description: string) =>
  whole(description, { minimum: 1, maximum });

const members = {
  late_s: Type.Optional(seconds(3_600, 'Each event comes so many seconds after it happened.')),
  burst_s: Type.Optional(
    seconds(3_600, 'Events are held back and come all at once, every so many seconds.'),
  ),
  twice: Type.Optional(flag('What you acknowledge is sent once more, signed anew.')),
  signature: Type.Optional(
    some(
      ['wrong', 'old_key'],
      'A signature that does not hold, or one by a key that `GET /auth/verify_keys` does not list any more.',
    ),
  ),
  stall_s: Type.Optional(
    seconds(
      60,
      'Half of the body comes, and the rest so many seconds later. A signature lives for 60 seconds.',
    ),
  ),
  answered_as: Type.Optional(
    whole(
      'Whatever you answer is taken for this status, as where a proxy in front of you fails: what you have seen comes again.',
      { minimum: 500, maximum: 599 },
    ),
  ),
  one_in: Type.Optional(
    whole(
      'Only one of so many requests is sent twice, signed wrongly, stalled or taken for failed; which ones is random.',
      { minimum: 1, maximum: 1_000, default: 1 },
    ),
  ),
};

export const setFaultsBody = only({
  ...members,
  silent_s: Type.Optional(seconds(86_400, 'For so many seconds nothing is sent at all.')),
  for_s: Type.Optional(
    whole('After so many seconds the faults end by themselves; not before `silent_s`.', {
      minimum: 1,
      maximum: 86_400,
      default: 3_600,
    }),
  ),
});

const orNull = Type.Union([Type.String({ format: 'date-time' }), Type.Null()]);

export const faultsShape = shape('Faults of deliveries', {
  webhook_id: uuid('The subscription.'),
  ...members,
  silent_until: Type.Optional(instant('Nothing is sent until then.')),
  ends_at: Type.Union(orNull.anyOf, {
    description: 'When the faults end; null: there are none.',
  }),
});
