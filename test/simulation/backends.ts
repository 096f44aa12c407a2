// The real connections of a simulated run. One is lent to a simulated connection for a transaction, or
// for one statement, and given back behind it, as a pooler does: so few are open, and those know the
// plans of their statements.
import type { Writable } from 'node:stream';
import pg from 'pg';
import type { Sql } from '../../src/db/connect.ts';
import { bySocket } from '../../tools/database-url.ts';

/** One session of the server. */
export interface Backend {
  readonly client: pg.Client;
  readonly pid: number;
  /** Whether a statement was sent and its answer not taken yet: it may wait for a lock. */
  isAsked: boolean;
  /** What it was asked first in a transaction: of the rest it knows the plans too. */
  readonly known: Set<string>;
}

export interface Statement {
  readonly text: string;
  readonly values?: readonly unknown[];
}
export interface Answer {
  readonly command: string;
  readonly rows: readonly unknown[];
  readonly rowCount: number | null;
}

export class Backends {
  readonly #admin: Sql;
  /**
   * In the order of giving back, never that of answers. What was given back last is lent next of those that know
   * what is asked, else of all: to plan a statement costs more than to run it.
   */
  readonly #idle: Backend[] = [];
  readonly #settling = new Set<Promise<unknown>>();
  /** How many are lent. */
  lent = 0;

  /** @param admin ends sessions at the server. */
  constructor(admin: Sql) {
    this.#admin = admin;
  }

  /** @param text what begins the transaction. */
  async lend(config: pg.ClientConfig, text: string): Promise<Backend> {
    const place = this.#idle.findLastIndex(({ known }) => known.has(text));
    const [idle] = this.#idle.splice(place, 1);
    const backend = idle ?? (await this.#open(config));
    backend.known.add(text);
    this.lent += 1;
    return backend;
  }

  async #open(config: pg.ClientConfig): Promise<Backend> {
    const url = bySocket(config.connectionString ?? '', process.env['UNWIND_TEST_SOCKET'] ?? '');
    const way = { connectionString: url, pipeline: true };
    const client = new pg.Client({ ...config, ...way } as pg.ClientConfig);
    // A statement that is under way reports it.
    client.on('error', () => {});
    await client.connect();
    const { processID: pid } = client as pg.Client & { processID: number };
    return { client, pid, isAsked: false, known: new Set() };
  }

  /** Takes one back that is in no transaction. */
  giveBack(backend: Backend): void {
    this.lent -= 1;
    this.#idle.push(backend);
  }

  /** Takes one back whatever it was doing; behind this nothing of it goes on. */
  async takeBack(backend: Backend): Promise<void> {
    if (backend.isAsked) {
      await this.#terminate(backend.pid);
      this.lent -= 1;
      return;
    }
    await this.endIdly(backend, 'rollback');
  }

  /** Ends a transaction without a turn of its own. Resolves behind it. */
  endIdly(backend: Backend, text: 'commit' | 'rollback'): Promise<unknown> {
    const ending = send(backend, [{ text }]).finally(() => this.#settling.delete(ending));
    this.#settling.add(ending);
    // It is thrown where it is waited for.
    ending.catch(() => {});
    this.giveBack(backend);
    return ending;
  }

  /** Waits for the ends of transactions that take no turn. */
  async settled(): Promise<void> {
    if (this.#settling.size > 0) await Promise.all(this.#settling);
  }

  async #terminate(pid: number): Promise<void> {
    for (let isGone = false; !isGone; ) {
      const rows = await this.#admin<{ is_gone: boolean }[]>`
        select pg_terminate_backend(${pid}, 10000)
          or not exists (select from pg_stat_activity a where a.pid = ${pid}) as is_gone`;
      isGone = rows[0]?.is_gone === true;
    }
  }

  async end(): Promise<void> {
    await Promise.all(this.#idle.map(({ client }) => client.end()));
  }
}

/** Sends statements at once. @returns the answer to the last; an error of another is of the last too. */
export async function send(backend: Backend, statements: readonly Statement[]): Promise<Answer> {
  const query = backend.client.query.bind(backend.client) as unknown as (
    statement: Statement,
  ) => Promise<Answer>;
  // In one piece: each write wakes the server.
  const { stream } = (backend.client as unknown as { connection: { stream: Writable } }).connection;
  stream.cork();
  const asked = statements.map((statement) => query(statement));
  stream.uncork();
  const answers = await Promise.allSettled(asked);
  const last = answers.at(-1);
  if (last === undefined) throw new Error('nothing was sent');
  if (last.status === 'rejected') throw last.reason;
  return last.value;
}
