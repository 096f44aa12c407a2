// Errors of the server that only tests look for.
import { violates } from '../../src/db/errors.ts';

/** Whether a check constraint refused a row (SQLSTATE 23514), or the named one did. */
export function isCheckViolation(error: unknown, constraint?: string): boolean {
  return violates(error, '23514', constraint);
}

/** Whether a statement ran out of its time or was cancelled (SQLSTATE 57014). */
export function isStatementTimeout(error: unknown): boolean {
  return violates(error, '57014');
}
