// What ends a command with one sentence, without a stack: what a person did wrong at the command line, and what
// was refused.

/** The message begins with a small letter: `unwind: ` comes before it. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** What was asked was understood and refused: exit code 1. The message begins with a small letter. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
}
