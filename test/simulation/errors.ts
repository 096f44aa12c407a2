// Errors of a simulated run: which of them its troubles explain.
import { isConflict, isConnectionError, isLockTimeout } from '../../src/db/errors.ts';
import { isStatementTimeout } from '../support/errors.ts';
import { Silence } from './network.ts';

/** What the troubles of a run do to our own code, which has to live with it. */
export function isExplained(error: unknown): boolean {
  return (
    error instanceof Silence ||
    isConnectionError(error) ||
    isConflict(error) ||
    isLockTimeout(error) ||
    isStatementTimeout(error)
  );
}

export function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
