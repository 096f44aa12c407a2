// A bounded number of places, shared fairly: whoever waits gets one in turn of the tenants, and within
// a tenant in the order of asking.

export class FairSlots {
  readonly #waiting = new Map<string, (() => void)[]>();
  #free: number;

  constructor(max: number) {
    this.#free = max;
  }

  /** Asks for a place. `granted` is called once it is there, maybe at once; `give` returns it. */
  ask(tenantId: string, granted: () => void): void {
    if (this.#free > 0) {
      this.#free -= 1;
      granted();
      return;
    }
    const own = this.#waiting.get(tenantId);
    if (own === undefined) this.#waiting.set(tenantId, [granted]);
    else own.push(granted);
  }

  /** Does something while it has a place. */
  async within<T>(tenantId: string, work: () => Promise<T>): Promise<T> {
    await new Promise<void>((resolve) => this.ask(tenantId, resolve));
    try {
      return await work();
    } finally {
      this.give();
    }
  }

  /** Gives a place back; the next tenant in turn has it. */
  give(): void {
    const [first] = this.#waiting;
    if (first === undefined) {
      this.#free += 1;
      return;
    }
    const [tenantId, [granted, ...others]] = first;
    this.#waiting.delete(tenantId);
    if (others.length > 0) this.#waiting.set(tenantId, others);
    granted?.();
  }
}
