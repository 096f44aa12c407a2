// The shapes of requests about what waits for a person.

import { Type } from 'typebox';
import { strict } from './schemas.ts';

const printable = '^[^\\x00-\\x1f\\x7f-\\x9f]*$';

const id = Type.String({
  minLength: 1,
  maxLength: 300,
  pattern: printable,
  description: 'Its id, as the list has it.',
  examples: ['release/0199c9a2-7d3e-7c11-9f0a-3b1f8c2d4e5f'],
});

export const resumeParkedBody = Type.Object({ id }, strict);

export const closeParkedBody = Type.Object(
  {
    id,
    reason: Type.String({
      minLength: 1,
      maxLength: 500,
      pattern: printable,
      description: 'What was done about it.',
    }),
    person: Type.String({
      minLength: 1,
      maxLength: 100,
      pattern: printable,
      description: 'Who has seen to it.',
    }),
  },
  strict,
);
