// Waiting in tests: for a condition, with a bound, instead of sleeping.
import assert from 'node:assert/strict';
import type { Server } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

/** It asks at first often, then less: each time may be a statement, or a process. */
const poll = { firstMs: 5, growth: 1.2, longestMs: 50 };

/**
 * Asks again and again until the answer is neither null, undefined nor false, and returns it.
 * Fails after `timeoutMs` (60 s: a busy machine may be twenty times as slow), naming what was waited for.
 */
export async function eventually<T>(
  what: string,
  ask: () => T | Promise<T>,
  timeoutMs = 60_000,
): Promise<Exclude<T, null | undefined | false>> {
  const deadline = performance.now() + timeoutMs;
  for (let pauseMs = poll.firstMs; ; pauseMs = Math.min(pauseMs * poll.growth, poll.longestMs)) {
    const answer = await ask();
    if (answer !== null && answer !== undefined && answer !== false) {
      return answer as Exclude<T, null | undefined | false>;
    }
    assert.ok(performance.now() < deadline, `not within ${timeoutMs} ms: ${what}`);
    await wait(pauseMs);
  }
}

/** The value of a promise, unless it takes too long. Fails after so long, naming what was waited for. */
export async function within<T>(timeoutMs: number, what: string, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(new assert.AssertionError({ message: `not within ${timeoutMs} ms: ${what}` }));
  }, timeoutMs);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** The TCP port a listening server got. */
export function portOf(server: Server): number {
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object', 'the server listens on TCP');
  return address.port;
}
