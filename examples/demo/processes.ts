// The processes of the demo: the service, and the commands beside it, each the one a person would
// run. It answers for all of them being gone when the demo is, however it ends.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { DemoFailure } from './terminal.ts';

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const startMsMax = 60_000;
/** Longer than the service itself gives its stop. */
const stopMsMax = 30_000;

export type Environment = Readonly<Record<string, string | undefined>>;

/** An environment for a service on this home alone: none of the caller's own settings. */
export function environmentOf(home: string): Environment {
  const foreign = /^(UNWIND_.*|DATABASE_URL|HOST|PORT)$/;
  const kept = Object.entries(process.env).filter(([name]) => !foreign.test(name));
  return { ...Object.fromEntries(kept), UNWIND_HOME: home, PORT: '0', UNWIND_LOG_LEVEL: 'warn' };
}

/** Starts processes, and ends those that still run. */
export class Processes {
  readonly #env: Environment;
  /** In the order they were started: the service, whose database the others use, comes first. */
  readonly #running = new Set<ChildProcess>();
  #isEnding = false;

  constructor(env: Environment) {
    this.#env = env;
  }

  /** Starts the service and waits until it says where it listens. @returns its URL. */
  async startService(...options: readonly string[]): Promise<string> {
    const child = this.#spawn('start', ...options);
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const timer = setTimeout(() => {
      reject(new DemoFailure(`the service did not start within ${startMsMax} ms`));
    }, startMsMax);
    let text = '';
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      const url = /listens at (https?:\S+)/.exec(text)?.[1];
      if (url !== undefined) resolve(url);
    });
    child.once('close', (code) => {
      reject(new DemoFailure(`the service ended with ${code} instead of starting`));
    });
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Runs a command to its end. @returns its exit code and what it printed. */
  async run(...args: readonly string[]): Promise<{ readonly code: number; readonly text: string }> {
    const child = this.#spawn(...args);
    let text = '';
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    const [code] = await once(child, 'close');
    return { code: typeof code === 'number' ? code : 1, text };
  }

  /** Kills the service, which gets no chance to end anything. */
  async kill(): Promise<void> {
    const [service] = this.#running;
    if (service === undefined) throw new DemoFailure('there is no service to kill');
    const closed = once(service, 'close');
    service.kill('SIGKILL');
    await closed;
  }

  /** Ends what still runs, the commands before the service. Nothing can be started afterwards. */
  async end(): Promise<void> {
    this.#isEnding = true;
    for (const child of [...this.#running].reverse()) {
      const closed = once(child, 'close');
      const timer = setTimeout(() => child.kill('SIGKILL'), stopMsMax);
      child.kill('SIGTERM');
      await closed;
      clearTimeout(timer);
    }
  }

  #spawn(...args: readonly string[]): ChildProcess {
    if (this.#isEnding) throw new DemoFailure('the demo is ending');
    const child = spawn(process.execPath, [main, ...args], {
      env: this.#env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#running.add(child);
    child.once('close', () => this.#running.delete(child));
    return child;
  }
}
