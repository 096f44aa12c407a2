// What the sessions of a process share: slots, divided fairly among tenants, and statements that answer
// the questions of many of them at once.

/** How many more of so many free slots a tenant may take that has some: never all of them. */
export function shareOf(free: number, owned: number): number {
  return Math.max(Math.floor((2 * free - owned) / 3), free > 0 && owned === 0 ? 1 : 0);
}

/**
 * A bounded number of slots. No tenant has more of them than twice what is left, so that there is
 * always one for the next tenant. Tenants that wait get one in turn, and within a tenant the first that
 * asked.
 */
export class FairSlots {
  readonly #waiting = new Map<string, (() => void)[]>();
  readonly #owned = new Map<string, number>();
  #free: number;

  constructor(max: number) {
    this.#free = max;
  }

  /** Asks for a slot. `granted` is called once it is there, maybe at once; `give` returns it. */
  ask(tenantId: string, granted: () => void): void {
    const own = this.#waiting.get(tenantId);
    if (own !== undefined) own.push(granted);
    else if (this.take(tenantId)) granted();
    else this.#waiting.set(tenantId, [granted]);
  }

  /** Takes a slot if there is one now; `give` returns it. */
  take(tenantId: string): boolean {
    const isFree = !this.#waiting.has(tenantId) && this.#hasRoomFor(tenantId);
    if (isFree) this.#take(tenantId);
    return isFree;
  }

  /** Does something while it has a slot. */
  async within<T>(tenantId: string, work: () => Promise<T>): Promise<T> {
    await new Promise<void>((resolve) => this.ask(tenantId, resolve));
    try {
      return await work();
    } finally {
      this.give(tenantId);
    }
  }

  /**
   * Gives a slot of a tenant back. The next tenants in turn that may have one get it: mostly one, but
   * the tenant that gave it back may get one again as well.
   */
  give(tenantId: string): void {
    const owned = (this.#owned.get(tenantId) ?? 0) - 1;
    if (owned > 0) this.#owned.set(tenantId, owned);
    else this.#owned.delete(tenantId);
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
    return (this.#owned.get(tenantId) ?? 0) < 2 * this.#free;
  }

  #take(tenantId: string): void {
    this.#free -= 1;
    this.#owned.set(tenantId, (this.#owned.get(tenantId) ?? 0) + 1);
  }
}

interface Asked<Ask, Answer> {
  readonly ask: Ask;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Answers single questions by batches of at most so many, one batch at a time: what is asked while a
 * batch is under way goes with the next. A batch that fails fails for each question in it.
 *
 * @param answerAll gives one answer for each question, in their order.
 */
export function inBatches<Ask, Answer>(
  batchMax: number,
  answerAll: (asks: readonly Ask[]) => Promise<readonly Answer[]>,
): (ask: Ask) => Promise<Answer> {
  let waiting: Asked<Ask, Answer>[] = [];
  let isAnswering = false;
  const answerWaiting = async (): Promise<void> => {
    isAnswering = true;
    // What is asked in the same turn of the event loop goes with the first.
    await Promise.resolve();
    while (waiting.length > 0) {
      const batch = waiting.slice(0, batchMax);
      waiting = waiting.slice(batchMax);
      await answerBatch(batch, answerAll);
    }
    isAnswering = false;
  };
  return (ask) =>
    new Promise((resolve, reject) => {
      waiting.push({ ask, resolve, reject });
      if (!isAnswering) void answerWaiting();
    });
}

async function answerBatch<Ask, Answer>(
  batch: readonly Asked<Ask, Answer>[],
  answerAll: (asks: readonly Ask[]) => Promise<readonly Answer[]>,
): Promise<void> {
  try {
    const answers = await answerAll(batch.map(({ ask }) => ask));
    // One answer for each: an answer of undefined is an answer.
    for (const [i, { resolve }] of batch.entries()) resolve(answers[i] as Answer);
  } catch (error) {
    for (const { reject } of batch) reject(error);
  }
}
