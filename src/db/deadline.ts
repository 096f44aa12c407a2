// The moment until which the work of a request counts. Statements of overdue work are not sent any
// more, and one that runs loses its connection, so that the server rolls it back; only a commit that
// was sent before may still take effect.
import { AsyncLocalStorage } from 'node:async_hooks';

/** Work went on after its deadline; its statement was not sent, or broken off. */
export class OverdueError extends Error {
  override readonly name = 'OverdueError';
}

/** A deadline, and what is broken off when it passes. Lighter than an AbortSignal and its events. */
export class Deadline {
  readonly #running = new Set<() => void>();
  #hasPassed = false;

  get hasPassed(): boolean {
    return this.#hasPassed;
  }

  /** Breaks off what runs. Idempotent. */
  pass(): void {
    this.#hasPassed = true;
    for (const breakOff of this.#running) breakOff();
    this.#running.clear();
  }

  /** Sets what to do when it passes, while something runs. */
  begins(breakOff: () => void): void {
    this.#running.add(breakOff);
  }

  ended(breakOff: () => void): void {
    this.#running.delete(breakOff);
  }
}

const deadlines = new AsyncLocalStorage<Deadline>();

/** Runs work whose statements end when the deadline passes. */
export function runUntil<T>(deadline: Deadline, work: () => Promise<T>): Promise<T> {
  return deadlines.run(deadline, work);
}

/** The deadline of the work that calls, if it has one. */
export function currentDeadline(): Deadline | undefined {
  return deadlines.getStore();
}
