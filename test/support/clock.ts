// A clock that stands still until a test moves it.
import { type Clock, later } from '../../src/clock.ts';

export interface TestClock extends Clock {
  set(instant: Date): void;
  advance(ms: number): void;
}

/** A Monday morning, well after what `makeBook` records. */
const usualStart = '2026-01-05T09:00:00.000Z';

export function testClock(start: string = usualStart): TestClock {
  let now = new Date(start);
  return {
    now: () => now,
    set: (instant) => {
      now = instant;
    },
    advance: (ms) => {
      now = later(now, ms);
    },
  };
}
