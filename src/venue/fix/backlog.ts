// Messages that came behind a gap: they count once the gap is closed. What does not fit is not kept, and
// is asked for again with the gap.

import type { FixMessage } from './codec.ts';

/** Numbers that are missing and were asked for. */
export interface Gap {
  /** The highest number that was seen behind it. */
  readonly upTo: number;
  /** As milliseconds since 1970. */
  readonly askedAt: number;
  readonly tries: number;
}

export interface Kept {
  readonly message: FixMessage;
  readonly number: number;
  /** Its size on the wire. */
  readonly bytes: number;
}

const messagesMax = 10_000;
const bytesMax = 16 * 1_024 * 1_024;

export class Backlog {
  readonly #kept = new Map<number, Kept>();
  #bytes = 0;
  #highest = 0;

  get size(): number {
    return this.#kept.size;
  }

  /** The highest number that is kept, or was. */
  get highest(): number {
    return this.#highest;
  }

  keep(kept: Kept): void {
    const isFull = this.#kept.size >= messagesMax || this.#bytes + kept.bytes > bytesMax;
    if (isFull || this.#kept.has(kept.number)) return;
    this.#kept.set(kept.number, kept);
    this.#bytes += kept.bytes;
    this.#highest = Math.max(this.#highest, kept.number);
  }

  at(number: number): Kept | undefined {
    return this.#kept.get(number);
  }

  forgetBelow(next: number): void {
    if (this.#kept.size === 0) return;
    for (const { number, bytes } of this.#kept.values()) {
      if (number >= next) continue;
      this.#kept.delete(number);
      this.#bytes -= bytes;
    }
  }
}
