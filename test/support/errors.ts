// Errors of the server that only tests look for.
import { serverErrorOf } from '../../src/db/errors.ts';

/** Whether a check constraint refused a row (SQLSTATE 23514), or the named one did. */
export function isCheckViolation(error: unknown, constraint?: string): boolean {
  const server = serverErrorOf(error);
  if (server?.code !== '23514') return false;
  return constraint === undefined || server.constraint === constraint;
}

/** Whether a statement ran out of its time or was cancelled (SQLSTATE 57014). */
export function isStatementTimeout(error: unknown): boolean {
  return serverErrorOf(error)?.code === '57014';
}
