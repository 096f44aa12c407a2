// The shapes of requests about what waits for a person.

import { only, text } from './members.ts';

const printable = '^[^\\x00-\\x1f\\x7f-\\x9f]*$';

const id = text('Its id, as the list has it.', {
  minLength: 1,
  maxLength: 300,
  pattern: printable,
  examples: ['release/0199c9a2-7d3e-7c11-9f0a-3b1f8c2d4e5f'],
});

export const resumeParkedBody = only({ id });

export const closeParkedBody = only({
  id,
  reason: text('What was done about it.', { minLength: 1, maxLength: 500, pattern: printable }),
  person: text('Who has seen to it.', { minLength: 1, maxLength: 100, pattern: printable }),
});
