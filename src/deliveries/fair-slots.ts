// A bounded number of places, shared fairly: nobody has more of them than twice what is left, so that
// there is always one for who comes next. Who waits gets one in turn of the tenants, and within a
// tenant in the order of asking.

/** How many more of so many free places one may take who has some: never all of them. */
export function shareOf(free: number, held: number): number {
  return Math.max(Math.floor((2 * free - held) / 3), free > 0 && held === 0 ? 1 : 0);
}

export class FairSlots {
  readonly #waiting = new Map<string, (() => void)[]>();
  readonly #held = new Map<string, number>();
  #free: number;

  constructor(max: number) {
    this.#free = max;
  }

  /** Asks for a place. `granted` is called once it is there, maybe at once; `give` returns it. */
  ask(tenantId: string, granted: () => void): void {
    const own = this.#waiting.get(tenantId);
    if (own !== undefined) own.push(granted);
    else if (this.take(tenantId)) granted();
    else this.#waiting.set(tenantId, [granted]);
  }

  /** Takes a place if there is one now; `give` returns it. */
  take(tenantId: string): boolean {
    const isFree = !this.#waiting.has(tenantId) && this.#hasRoomFor(tenantId);
    if (isFree) this.#take(tenantId);
    return isFree;
  }

  /** Does something while it has a place. */
  async within<T>(tenantId: string, work: () => Promise<T>): Promise<T> {
    await new Promise<void>((resolve) => this.ask(tenantId, resolve));
    try {
      return await work();
    } finally {
      this.give(tenantId);
    }
  }

  /**
   * Gives a place of a tenant back. The next tenants in turn that may have one have it: mostly one, but
   * who has given one back may have one of its own again as well.
   */
  give(tenantId: string): void {
    const held = (this.#held.get(tenantId) ?? 0) - 1;
    if (held > 0) this.#held.set(tenantId, held);
    else this.#held.delete(tenantId);
    this.#free += 1;
    for (const [next, [granted, ...others]] of this.#waiting) {
      if (!this.#hasRoomFor(next)) continue;
      this.#waiting.delete(next);
      if (others.length > 0) this.#waiting.set(next, others);
      this.#take(next);
      granted?.();
    }
  }

  #hasRoomFor(tenantId: string): boolean {
    return (this.#held.get(tenantId) ?? 0) < 2 * this.#free;
  }

  #take(tenantId: string): void {
    this.#free -= 1;
    this.#held.set(tenantId, (this.#held.get(tenantId) ?? 0) + 1);
  }
}
