// What the document says of the operations that only a sandbox has.

import { Type } from 'typebox';
import { applyDeltasBody } from '../position-schemas.ts';
import { inspectBody } from '../schemas.ts';
import { inspection, inspectionExample, inspectionRequest } from './inspection.ts';
import type { OperationPart } from './operation.ts';

const appliedDelta = Type.Object(
  {
    type: Type.Enum(['credit', 'lock', 'unlock'], { type: 'string' }),
    account_id: Type.String({ format: 'uuid' }),
    isin: Type.String({ minLength: 12, maxLength: 12 }),
    quantity: Type.String({ description: 'A decimal.' }),
    reference: Type.String(),
    outcome: Type.Enum(['applied', 'repeated'], {
      type: 'string',
      description: 'Repeated: its reference was known, so nothing changed.',
    }),
  },
  { title: 'Applied delta' },
);

const delta = {
  type: 'credit',
  account_id: 'debf2026-f2da-4ff0-bb84-92e45babb1e3',
  isin: 'DE0007164600',
  quantity: '2.5',
  reference: 'purchase-2026-01-05-17',
} as const;

export const sandboxOperations = {
  apply_position_deltas: {
    tag: 'Sandbox',
    summary: 'Change positions',
    description:
      'Applies changes of positions in the order given, all or none, also while a liquidation runs on ' +
      'the account: a `credit` adds a quantity, a `lock` keeps some of it from being sold, an `unlock` ' +
      'gives it free. Each has a `reference`; one that is known already changes nothing.',
    body: {
      schema: applyDeltasBody,
      examples: { credit: { summary: 'A purchase arrives', value: { deltas: [delta] } } },
    },
    success: {
      status: 200,
      description: 'What became of each change, in the order given.',
      body: {
        schema: Type.Object({ data: Type.Array(appliedDelta) }),
        examples: {
          applied: { summary: 'Applied', value: { data: [{ ...delta, outcome: 'applied' }] } },
        },
      },
      headers: ['IdempotencyReplayed'],
    },
    refusals: {
      not_found: 'This client has no such account or instrument; nothing was applied.',
      conflict:
        'More would be locked or given free than there is, or the first request under this key has ' +
        'not ended yet; nothing was applied.',
      unprocessable_content:
        'The idempotency key was used for another request, or a `reference` for another change.',
    },
  },
  inspect_signature: {
    tag: 'Sandbox',
    summary: 'Explain a signature',
    description:
      'Takes a request as text and tells in which dialect it is signed and why it is read so, the ' +
      'signature base as the service computes it, what has to be covered and is not, whether the ' +
      'digest is that of the body, and everything that is wrong, with how to mend it. Needs neither ' +
      'token nor signature and uses nothing up. The text may also be sent alone as `message/http`.',
    body: {
      schema: inspectBody,
      examples: { request: { summary: 'A GET', value: inspectionRequest } },
    },
    success: {
      status: 200,
      description: 'What was found.',
      body: {
        schema: inspection,
        examples: { refused: { summary: 'A component is missing', value: inspectionExample } },
      },
    },
    refusals: {
      bad_request: 'The text is no request, or a member is missing or malformed.',
    },
  },
} as const satisfies Readonly<Record<string, OperationPart>>;
