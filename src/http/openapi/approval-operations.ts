// What the document says of what waits for a person: approvals, and rows that are parked.

import { Type } from 'typebox';
import { approvalStatuses, approvalOperations as commands } from '../../approvals/approval.ts';
import { closeParkedBody, resumeParkedBody } from '../control-schemas.ts';
import { instant, shape, some, text, uuid, whole } from '../members.ts';
import { decideBody, listApprovalsQuery } from '../pre-trade-schemas.ts';
import { pageQuery } from '../reading-schemas.ts';
import { cursorPageOf, exampleOf, type OperationPart, pageOf, responseOf } from './operation.ts';

export const approval = shape(
  'Approval',
  {
    id: uuid('What waits for a second person.'),
    operation: some(commands, 'What was asked for.'),
    halt_id: Type.Optional(uuid('The halt to lift, of `lift_halt`.')),
    batch_id: Type.Optional(uuid('The batch to start, of `start_batch`.')),
    status: some(
      approvalStatuses,
      'Only what is pending can be decided; void: its halt was lifted otherwise, or its batch was cancelled.',
    ),
    value: Type.Optional(
      text('EUR that the halt held, or the batch could sell; absent: a price was not known.'),
    ),
    four_eyes_max: text('The limit that it is above, in EUR.'),
    reason: text('Why it was asked for.'),
    person: text('Who has asked.'),
    asked_at: instant('When.'),
    expires_at: instant('From then on it has to be asked for again.'),
    decided_at: Type.Optional(instant('When it was approved or declined.')),
    decided_by: Type.Optional(text('The second person.')),
    decide_reason: Type.Optional(text('Why.')),
  },
  { additionalProperties: true },
);

export const approvalExample = {
  id: '0199c9a2-9d3e-7c11-9f0a-3b1f8c2d4e71',
  operation: 'lift_halt',
  halt_id: '0199c9a2-7d3e-7c11-9f0a-3b1f8c2d4e5f',
  status: 'pending',
  value: '1250000.5',
  four_eyes_max: '1000000',
  reason: 'Prices are right again',
  person: 'A. Risk',
  asked_at: '2026-07-01T09:30:40.862Z',
  expires_at: '2026-07-02T09:30:40.862Z',
} as const;

const decision = { decided_at: '2026-07-01T09:41:02.114Z', decided_by: 'B. Desk' } as const;

const refusals = {
  forbidden:
    'Who has asked cannot decide: the same person, or the same key of the client. Or the token lacks the scope: ' +
    '`halts:admin` to lift a halt, `batches:admin` to start a batch.',
  not_found: 'This client has no such approval, or the id is no UUID.',
  conflict:
    'It is not pending: decided, expired, its halt was lifted otherwise, or its batch was cancelled.',
} as const;

const parked = shape('Parked', {
  id: text('Step and subject: `release/…` a liquidation, `submit/…` an order.'),
  reason: text('Why it could not be worked on.'),
  tries: whole('How often it was tried.', { minimum: 1 }),
  parked_at: instant('Since when it waits.'),
  remedy: some(['resume', 'close'], 'What a person does about it, once its cause is mended.'),
});

const example = {
  id: 'release/0199c9a2-7d3e-7c11-9f0a-3b1f8c2d4e5f',
  reason: 'null value in column "price"',
  tries: 5,
  parked_at: '2026-01-05T09:00:04.000Z',
  remedy: 'resume',
} as const;

const correction = 'correction/0199c9a2-7d3e-7c11-9f0a-3b1f8c2d4e5f';

export const approvalOperations = {
  list_approvals: {
    tag: 'Control',
    summary: 'List approvals',
    description:
      'What waits or has waited for a second person, the latest first: of halts with a scope of halts, of batches ' +
      'with one of batches.',
    query: listApprovalsQuery,
    success: cursorPageOf(approval, 'A page of approvals.', 'One that waits', [approvalExample]),
  },
  approve: {
    tag: 'Control',
    summary: 'Approve',
    description:
      'Does what was asked for in the same commit: the halt is lifted, or the batch waits for its start. It takes ' +
      'another person than who has asked, and another key of the client or the console. What is worth more than a ' +
      'tenth above its `value` by then, or has lost a price, is not approved: decline it, and ask again.',
    body: {
      schema: decideBody,
      examples: exampleOf('approve', 'Yes', { reason: 'Checked', person: 'B. Desk' }),
    },
    success: responseOf(
      'It is approved and done.',
      approval,
      exampleOf('approved', 'Approved', {
        ...approvalExample,
        status: 'approved',
        ...decision,
        decide_reason: 'Checked',
      }),
    ),
    refusals: {
      ...refusals,
      conflict: `${refusals.conflict} Or it is worth more than a tenth above what was asked for, which can only be declined.`,
    },
  },
  decline_approval: {
    tag: 'Control',
    summary: 'Decline an approval',
    description:
      'It is not done: the halt stays and its lift can be asked for again, the batch is cancelled. The same rules of ' +
      'who may.',
    body: {
      schema: decideBody,
      examples: exampleOf('decline', 'No', { reason: 'Prices are stale', person: 'B. Desk' }),
    },
    success: responseOf(
      'It is declined.',
      approval,
      exampleOf('declined', 'Declined', {
        ...approvalExample,
        ...{ status: 'declined', ...decision, decide_reason: 'Prices are stale' },
      }),
    ),
    refusals,
  },
  list_parked: {
    tag: 'Control',
    summary: 'List what waits for a person',
    description:
      'What a step could not work on again and again, and corrections of a venue after the end, the oldest ' +
      'first. Everything else goes on meanwhile.',
    query: pageQuery,
    success: pageOf(parked, 'A page of what is parked.', 'A liquidation', example, 'parked_at'),
  },
  resume_parked: {
    tag: 'Control',
    summary: 'Try again',
    description: 'Lets the service work on it again, with all its tries before it.',
    body: {
      schema: resumeParkedBody,
      examples: exampleOf('one', 'One', { id: example.id }),
    },
    success: responseOf(
      'It is worked on again.',
      Type.Object({
        resumed: Type.Array(text('What is resumed.')),
      }),
      exampleOf('one', 'One', { resumed: [example.id] }),
    ),
    refusals: {
      not_found: 'Nothing of this client is parked under this id.',
      conflict: 'It is a correction: close it.',
    },
  },
  close_parked: {
    tag: 'Control',
    summary: 'Close a correction',
    description: 'Notes that a person has seen to a fill or a bust that came after the end.',
    body: {
      schema: closeParkedBody,
      examples: exampleOf('one', 'One', {
        id: correction,
        reason: 'Booked by hand',
        person: 'A. Desk',
      }),
    },
    success: responseOf(
      'It is closed.',
      Type.Object({ closed: text('What is closed.') }),
      exampleOf('one', 'One', { closed: correction }),
    ),
    refusals: {
      not_found: 'No open correction of this client has this id.',
      conflict: 'It is no correction: resume it.',
    },
  },
} as const satisfies Readonly<Record<string, OperationPart>>;
