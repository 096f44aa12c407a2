// What the document says of the operations on what waits for a person.

import { Type } from 'typebox';
import { closeParkedBody, resumeParkedBody } from '../control-schemas.ts';
import { instant, shape, some, text, whole } from '../members.ts';
import { pageQuery } from '../reading-schemas.ts';
import { answerOf, exampleOf, type OperationPart, pageOf } from './operation.ts';

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

export const parkedOperations = {
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
    success: answerOf(
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
    success: answerOf(
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
