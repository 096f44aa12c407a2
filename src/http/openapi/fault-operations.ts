// What the document says of the faults that a client of a sandbox asks of its deliveries.

import { faultsShape, setFaultsBody } from '../fault-schemas.ts';
import { answerOf, type OperationPart } from './operation.ts';

const faults = {
  webhook_id: 'b838bde5-b6df-4f1f-bfc4-71d3fb01d430',
  twice: true,
  signature: 'wrong',
  one_in: 3,
  ends_at: '2026-01-05T10:00:00.000Z',
} as const;

const none = { webhook_id: faults.webhook_id, ends_at: null } as const;

const success = answerOf('The faults now.', faultsShape, {
  some: { summary: 'One of three requests is doubled and signed wrongly', value: faults },
  none: { summary: 'None', value: none },
});

const refusals = { not_found: 'This client has no such subscription.' };

export const faultOperations = {
  show_webhook_faults: {
    tag: 'Sandbox',
    summary: 'Show the faults of deliveries',
    description: 'What was asked of the deliveries of this subscription and has not ended.',
    success,
    refusals,
  },
  set_webhook_faults: {
    tag: 'Sandbox',
    summary: 'Make deliveries go wrong',
    description:
      'From now on the deliveries of this subscription come late, in bursts, twice, with a signature that ' +
      'does not hold or a key that is not known, with a pause in the middle, or not at all for a while. ' +
      'The faults take the place of those there were, and end by themselves. The delivery log names ' +
      'those of each attempt in `faults`. What you refuse comes again, as always; events keep their ids, ' +
      'and those of one account their order.',
    body: {
      schema: setFaultsBody,
      examples: {
        doubled: {
          summary: 'One of three requests is doubled and signed wrongly, for an hour',
          value: { twice: true, signature: 'wrong', one_in: 3 },
        },
        silent: { summary: 'Nothing for ten minutes', value: { silent_s: 600 } },
      },
    },
    success,
    refusals: { ...refusals, bad_request: 'The body asks for no fault, or a member is malformed.' },
  },
  end_webhook_faults: {
    tag: 'Sandbox',
    summary: 'End the faults of deliveries',
    description: 'What was held back is delivered now. Without faults this changes nothing.',
    success: { status: 204, description: 'There are none any more.' },
    refusals,
  },
} as const satisfies Readonly<Record<string, OperationPart>>;
