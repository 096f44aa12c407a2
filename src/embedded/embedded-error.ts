// Words for what can keep the built-in database from running.
import { fileFault } from '../file-fault.ts';

export type EmbeddedProblem =
  | 'unsupported_platform'
  | 'no_account'
  | 'home_unusable'
  | 'other_version'
  | 'data_lost'
  | 'init_failed'
  | 'start_failed';

/** Thrown when the built-in database cannot be used; the message says what to do. */
export class EmbeddedError extends Error {
  readonly code: EmbeddedProblem;

  constructor(code: EmbeddedProblem, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'EmbeddedError';
    this.code = code;
  }
}

/** The code of a system error (`ENOENT`), or undefined for any other value. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined;
}

/** Turns a failed file operation below `home` into words; other errors come back as they are. */
export function explainFileTrouble(home: string, error: unknown): unknown {
  const fault = fileFault(error);
  if (fault === undefined) return error;
  return new EmbeddedError(
    'home_unusable',
    `The built-in database cannot be kept in ${home}: ${fault.path}: ${fault.reason}. ` +
      'Choose another directory, or set DATABASE_URL to use a PostgreSQL of your own.',
    { cause: error },
  );
}
