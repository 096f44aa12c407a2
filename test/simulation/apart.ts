// Runs seeds in a process beside this one, and on a database server of its own.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { finished } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import type { Done, Order } from './worker.ts';

const worker = fileURLToPath(new URL('worker.ts', import.meta.url));

export class SimulationApart {
  readonly #child: ChildProcess;
  readonly #exit: Promise<unknown[]>;
  readonly #printed: Promise<void> | undefined;

  /** @param onText gets what it prints; default the output of this process does. */
  constructor(onText?: (text: string) => void) {
    const stdout = onText === undefined ? 'inherit' : 'pipe';
    this.#child = fork(worker, {
      serialization: 'advanced',
      stdio: ['ignore', stdout, 'inherit', 'ipc'],
    });
    this.#exit = once(this.#child, 'exit');
    const { stdout: printed } = this.#child;
    if (printed === null || onText === undefined) return;
    printed.setEncoding('utf8').on('data', onText);
    this.#printed = finished(printed);
  }

  /** One seed at a time. */
  async run(order: Order): Promise<Done> {
    const done = once(this.#child, 'message') as Promise<[Done]>;
    const ended = this.#exit.then(([code]) => {
      throw new Error(`the process that ran seed ${order.seed} has ended with ${code}`);
    });
    ended.catch(() => {});
    this.#child.send(order);
    const [result] = await Promise.race([done, ended]);
    return result;
  }

  /** Behind this its server is gone, and all that it has printed is here. */
  async end(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect();
    await Promise.all([this.#exit, this.#printed]);
  }
}
