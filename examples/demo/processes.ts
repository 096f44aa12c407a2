// The processes of the demo: the service, and the commands beside it, each the one a person would run.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { DemoFailure } from './terminal.ts';

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const startMsMax = 60_000;

type Environment = Readonly<Record<string, string | undefined>>;

/** Starts the service and waits until it says where it listens. */
export async function startService(env: Environment): Promise<{
  readonly url: string;
  stop(): Promise<void>;
}> {
  const child = spawn(process.execPath, [main, 'start'], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = await listening(child);
  return { url, stop: () => stop(child) };
}

async function listening(child: ChildProcess): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const timer = setTimeout(() => {
    child.kill('SIGKILL');
    reject(new DemoFailure(`the service did not start within ${startMsMax} ms`));
  }, startMsMax);
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    const url = /listens at (http:\S+)/.exec(text)?.[1];
    if (url !== undefined) resolve(url);
  });
  child.once('exit', (code) => {
    reject(new DemoFailure(`the service ended with ${code} instead of starting`));
  });
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}

/** Runs a command to its end. @returns its exit code and what it printed. */
export async function runCommand(
  env: Environment,
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly text: string }> {
  const child = spawn(process.execPath, [main, ...args], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  const [code] = await once(child, 'close');
  return { code: typeof code === 'number' ? code : 1, text };
}
