// Lends connections: at most so many at once, in the order they were asked for, and none that is
// dead or old. What runs on them is left to sql.ts.
import type { Line } from './line.ts';

export type PoolOptions = {
  readonly max: number;
  /** Opens a line; `onDead` has to be called when its connection is closed. */
  readonly open: (onDead: (line: Line) => void) => Line | Promise<Line>;
  /** A line older than this is closed instead of being lent again. */
  readonly lifetimeMs: number;
  /** How long one may wait for a line, and how many may wait. */
  readonly waitMs: number;
  readonly maxWaiting: number;
  /** How long the lines lent out may go on being used after `close`. */
  readonly closeMs: number;
};

/** No line to be had: none became free in time, too many wait already, or the pool is closed. */
export class PoolError extends Error {
  readonly code: 'POOL_EXHAUSTED' | 'POOL_CLOSED';

  constructor(code: 'POOL_EXHAUSTED' | 'POOL_CLOSED', message: string) {
    super(message);
    this.name = 'PoolError';
    this.code = code;
  }
}

type Waiter = {
  readonly give: (line: Line | Promise<Line>) => void;
  readonly refuse: (error: unknown) => void;
};

export class Pool {
  readonly #options: PoolOptions;
  readonly #lines = new Set<Line>();
  readonly #waiting = new Set<Waiter>();
  readonly #closing = Promise.withResolvers<void>();
  readonly #idle: Line[] = [];
  #opening = 0;
  #closed: Promise<void> | null = null;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** Lends a line; it has to come back by `release`. Rejects with `PoolError`. */
  async acquire(): Promise<Line> {
    if (this.#closed !== null) {
      throw closedError();
    }
    const idle = this.#idle.pop(); // the warmest one; the others may grow old and go
    if (idle !== undefined) {
      return idle;
    }
    return this.#hasRoom() ? await this.#open() : await this.#wait();
  }

  /** Takes a line back, alive or dead. */
  release(line: Line): void {
    if (line.isDead) {
      return; // `onDead` has taken it out already
    }
    if (this.#closed !== null || performance.now() - line.openedAt > this.#options.lifetimeMs) {
      this.#remove(line);
      void line.close();
      return;
    }
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#idle.push(line);
    } else {
      next.give(line);
    }
  }

  /** Closes idle lines now, lent ones when they come back, at the latest after `closeMs`. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  #hasRoom(): boolean {
    return this.#lines.size + this.#opening < this.#options.max;
  }

  async #open(): Promise<Line> {
    this.#opening += 1;
    try {
      const line = await this.#options.open((dead) => this.#remove(dead));
      if (!line.isDead) {
        this.#lines.add(line);
      }
      return line;
    } finally {
      this.#opening -= 1;
      this.#finishWhenEmpty();
    }
  }

  #wait(): Promise<Line> {
    const { maxWaiting, waitMs } = this.#options;
    if (this.#waiting.size >= maxWaiting) {
      throw new PoolError('POOL_EXHAUSTED', `${maxWaiting} wait for a connection already`);
    }
    const { promise, resolve, reject } = Promise.withResolvers<Line>();
    const leave = () => {
      clearTimeout(timer);
      this.#waiting.delete(waiter);
    };
    const waiter: Waiter = {
      give: (line) => {
        leave();
        resolve(line);
      },
      refuse: (error) => {
        leave();
        reject(error);
      },
    };
    const timer = setTimeout(() => {
      waiter.refuse(new PoolError('POOL_EXHAUSTED', `no connection became free in ${waitMs} ms`));
    }, waitMs);
    this.#waiting.add(waiter);
    return promise;
  }

  #remove(line: Line): void {
    this.#lines.delete(line);
    const index = this.#idle.indexOf(line);
    if (index !== -1) {
      this.#idle.splice(index, 1);
    }
    this.#finishWhenEmpty();
    const [next] = this.#waiting;
    if (next !== undefined && this.#hasRoom()) {
      next.give(this.#open());
    }
  }

  async #close(): Promise<void> {
    for (const waiter of this.#waiting) {
      waiter.refuse(closedError());
    }
    await Promise.all(this.#idle.splice(0).map((line) => line.close()));
    const timer = setTimeout(() => {
      for (const line of this.#lines) {
        line.destroy();
      }
    }, this.#options.closeMs);
    this.#finishWhenEmpty();
    await this.#closing.promise;
    clearTimeout(timer);
  }

  #finishWhenEmpty(): void {
    if (this.#closed !== null && this.#lines.size === 0 && this.#opening === 0) {
      this.#closing.resolve();
    }
  }
}

function closedError(): PoolError {
  return new PoolError('POOL_CLOSED', 'the pool of connections is closed');
}
