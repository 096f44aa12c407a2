// Holds in the order in which they are due. A subscription has thousands of them at worst, and the first
// few are asked for at every request.

import { firstWhere } from './first-where.ts';
import type { Hold } from './hold.ts';

export class DueOrder {
  readonly #holds: Hold[] = [];

  /** The one that is due first. */
  get first(): Hold | undefined {
    return this.#holds[0];
  }

  /** Adds one, behind those that are due at the same time. */
  add(hold: Hold): void {
    const at = firstWhere(this.#holds, (one) => one.nextAttemptAt > hold.nextAttemptAt);
    this.#holds.splice(at, 0, hold);
  }

  delete(hold: Hold): void {
    const from = firstWhere(this.#holds, (one) => one.nextAttemptAt >= hold.nextAttemptAt);
    const at = this.#holds.indexOf(hold, from);
    if (at >= 0) this.#holds.splice(at, 1);
  }

  /** The first of those that are due and suit, longest due first. */
  due(now: Date, suits: (hold: Hold) => boolean, max: number): readonly Hold[] {
    const due: Hold[] = [];
    for (const hold of this.#holds) {
      if (hold.nextAttemptAt > now || due.length >= max) break;
      if (suits(hold)) due.push(hold);
    }
    return due;
  }
}
