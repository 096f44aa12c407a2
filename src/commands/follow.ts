// What commands share that look again and again until they are interrupted.

import { setTimeout as wait } from 'node:timers/promises';

/** Aborts at SIGINT or SIGTERM, or when its owner says so; a second signal ends the process. */
export function untilInterrupted(): AbortController {
  const stopped = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopped.abort());
  return stopped;
}

/** The same where a command is to go on until then; of another one Ctrl-C ends the process at once. */
export function interruptOf(goesOn: boolean): AbortSignal {
  return goesOn ? untilInterrupted().signal : new AbortController().signal;
}

/** Waits, less where the signal aborts: its reader looks at it. */
export async function restFor(ms: number, signal: AbortSignal): Promise<void> {
  await wait(ms, undefined, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}
