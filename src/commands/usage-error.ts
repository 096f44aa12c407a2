// What a person did wrong at the command line: said in one sentence, without a stack.

/** The message begins with a small letter: `unwind: ` comes before it. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
