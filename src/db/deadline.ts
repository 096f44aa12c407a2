// The moment until which the work of a request counts. Statements of overdue work are not sent any
// more, and one that runs loses its connection, so that the server rolls it back; only a commit that
// was sent before may still take effect.
import { AsyncLocalStorage } from 'node:async_hooks';

const deadlines = new AsyncLocalStorage<AbortSignal>();

/** Work went on after its deadline; its statement was not sent, or broken off. */
export class OverdueError extends Error {
  override readonly name = 'OverdueError';
}

/** Runs work whose statements end when the signal aborts. */
export function runUntil<T>(deadline: AbortSignal, work: () => Promise<T>): Promise<T> {
  return deadlines.run(deadline, work);
}

/** The deadline of the work that calls, if it has one. */
export function currentDeadline(): AbortSignal | undefined {
  return deadlines.getStore();
}
