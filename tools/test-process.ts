// What runs in each process of the tests: files one after the other, each as a suite with its own hooks.

import { type AsyncHook, createHook } from 'node:async_hooks';
import { resolve } from 'node:path';
import { after, suite } from 'node:test';
import { pathToFileURL } from 'node:url';
import { isShort } from '../test/support/length.ts';

/** How long a process may take to end after its last test; beyond that something keeps it alive. */
const endMsMax = 120_000;

/** A test file, and where its code is. */
type TestFile = readonly [name: string, path: string];

/**
 * Runs test files. They are loaded at once, and run in this order.
 *
 * Node's runner notes at each promise which test has made it, to know the file of a test while files are loaded, and
 * later to name the test of an error that nothing awaits. The latter takes a twentieth of the time of a whole run, which
 * does without: such an error fails its process there, and has a name where the file is run by its path.
 */
export function runFiles(tests: readonly TestFile[]): void {
  const files = tests.map(([name]) => name);
  let isDone = false;
  let left = tests.length;
  const hooks = hooksEnabledBy(() => {
    for (const [name, path] of tests) {
      suite(name, async () => {
        await import(pathToFileURL(resolve(path)).href);
        left -= 1;
        if (left === 0 && isShort) for (const hook of hooks) hook.disable();
      });
    }
  });
  after(async () => {
    isDone = true;
    endSoon(files);
  });
  process.on('exit', () => {
    if (isDone) return;
    console.error(`The process of ${files.join(', ')} was ended before its tests were.`);
    process.exitCode = 1;
  });
}

/** What watches all that is asynchronous, since `work`. */
function hooksEnabledBy(work: () => void): readonly AsyncHook[] {
  const hooks: AsyncHook[] = [];
  const prototype: AsyncHook = Object.getPrototypeOf(createHook({}));
  const { enable } = prototype;
  prototype.enable = function () {
    hooks.push(this);
    return enable.call(this);
  };
  try {
    work();
  } finally {
    prototype.enable = enable;
  }
  return hooks;
}

/** Ends a process that does not end by itself, as one whose hook has failed before it closed a server. */
function endSoon(files: readonly string[]): void {
  const timer = setTimeout(() => {
    const resources = process.getActiveResourcesInfo().join(', ');
    console.error(
      `Something keeps the process of ${files.join(', ')} alive ${endMsMax / 1_000} s ` +
        `after its tests: ${resources}`,
    );
    process.exit(1);
  }, endMsMax);
  timer.unref();
}
