// One connection to the database, from dialling to its end; it is never dialled again. It answers
// for statements on it always settling: a server that falls silent, or a line that is dead, is an
// error. Who may use it when is left to pool.ts.
import type { Socket } from 'node:net';
import { type DatabaseHost, deadSocket, dial, LineError } from './dial.ts';
import {
  asQuery,
  type Driver,
  type DriverQuery,
  leavesLineUsable,
  makeConnection,
  runnerOf,
} from './driver.ts';

export type LineOptions = {
  readonly builder: Driver;
  readonly host: DatabaseHost;
  /** How long statements may be under way without any of them ending. */
  readonly silenceMs: number;
  /** Called once, when the connection is closed, whoever closed it. */
  readonly onDead: (line: Line) => void;
};

// A server that does not take our good-bye in this time is left without it.
const closeS = 1;

export class Line {
  readonly openedAt = performance.now();
  readonly #connection: Driver;
  readonly #runner: (query: DriverQuery) => void;
  readonly #options: LineOptions;
  #socket: Socket | null = null;
  #dead = false;
  #underWay = 0;
  #silenceMs: number;
  #silence: NodeJS.Timeout | undefined;

  constructor(options: LineOptions) {
    this.#options = options;
    this.#silenceMs = options.silenceMs;
    this.#connection = makeConnection(options.builder, {
      socket: () => this.#dial(),
      onclose: () => this.#die(),
    });
    this.#runner = runnerOf(this.#connection);
  }

  get isDead(): boolean {
    return this.#dead;
  }

  /** Sends a statement; on a dead line it is refused. The statement tells its own outcome. */
  run(query: DriverQuery): void {
    if (this.#dead) {
      query.reject(new LineError('ECONNRESET', 'the connection to the database is closed'));
      return;
    }
    this.#underWay += 1;
    this.#watch();
    query.then(
      () => this.#settle(),
      (error: unknown) => {
        this.#settle();
        if (!leavesLineUsable(error)) {
          this.destroy();
        }
      },
    );
    this.#runner(query);
  }

  /** Sends one of our own statements (`begin`, `commit` …) and waits for its result. */
  async command(text: string): Promise<string> {
    const query = asQuery(this.#options.builder.unsafe(text));
    query.handler = (own) => this.run(own);
    const results: unknown = await query;
    // Several statements in one text have a list of results; the last one tells.
    const last: unknown =
      Array.isArray(results) && Array.isArray(results.at(-1)) ? results.at(-1) : results;
    return typeof last === 'object' && last !== null && 'command' in last
      ? String(last.command)
      : '';
  }

  /** Grants longer silence than usual, or with null the usual one again. */
  allowSilence(ms: number | null): void {
    this.#silenceMs = ms ?? this.#options.silenceMs;
  }

  /** Says good-bye to the server and closes; statements under way may end first. */
  async close(): Promise<void> {
    await this.#connection.end({ timeout: closeS });
    this.destroy();
  }

  /** Closes at once; statements under way fail, and the server rolls back what was open. */
  destroy(reason?: LineError): void {
    this.#socket?.destroy(reason);
    this.#die();
  }

  #dial(): Socket {
    if (this.#socket !== null || this.#dead) {
      return deadSocket();
    }
    this.#socket = dial(this.#options.host);
    return this.#socket;
  }

  #die(): void {
    if (!this.#dead) {
      this.#dead = true;
      clearTimeout(this.#silence);
      this.#options.onDead(this);
    }
  }

  #settle(): void {
    this.#underWay -= 1;
    this.#watch();
  }

  // A connection without a question may rest for hours. One that has asked and hears nothing for
  // longer than any statement may run has lost its server: pulled cable, stopped machine.
  #watch(): void {
    clearTimeout(this.#silence);
    if (this.#underWay > 0 && !this.#dead) {
      const ms = this.#silenceMs;
      this.#silence = setTimeout(() => {
        this.destroy(new LineError('ETIMEDOUT', `the database was silent for ${ms} ms`));
      }, ms);
    }
  }
}
