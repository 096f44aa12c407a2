// The wall clock, handed in wherever time matters (signatures, tokens, leases, retries, records). In the
// service it follows the clock of the database (db/database-clock.ts). The market clock is the wall clock
// plus the offset that the database keeps for all processes: SQL asks `unwind.market_time(<wall time>)`.

export interface Clock {
  /** Now, in milliseconds of precision. */
  now(): Date;
}

/** The clock of this machine. */
export const systemClock: Clock = { now: () => new Date() };

/** Time that only goes on, for what lasts: setting the wall clock does not move it. */
export interface Stopwatch {
  elapsedMs(): number;
  /** Does something again and again until the function it returns is called. */
  every(ms: number, work: () => void): () => void;
}

export const systemStopwatch: Stopwatch = {
  elapsedMs: () => performance.now(),
  every: (ms, work) => {
    const timer = setInterval(work, ms);
    return () => clearInterval(timer);
  },
};

/** The instant so many milliseconds later (or earlier, when negative). */
export function later(instant: Date, ms: number): Date {
  return new Date(instant.getTime() + ms);
}
