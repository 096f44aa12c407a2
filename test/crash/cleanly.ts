// Lets a script use what is made for tests: whatever was started is ended in the end.
import type { AfterTest } from '../support/database.ts';

/** Runs work, then its hooks, in their order; hooks may register further ones, which run last. */
export async function cleanly<T>(work: (t: AfterTest) => Promise<T>): Promise<T> {
  const hooks: (() => Promise<void>)[] = [];
  const t: AfterTest = { after: (hook) => hooks.push(hook) };
  try {
    return await work(t);
  } finally {
    for (const hook of hooks) await hook();
  }
}
