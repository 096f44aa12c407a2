// The real connections of a simulated run. One is lent to a simulated connection at a time and comes
// back rolled back, as if it had been closed: opening a new one costs more than fifty statements.
import pg from 'pg';
import type { Sql } from '../../src/db/connect.ts';

/** One session of the server. */
export interface Backend {
  readonly client: pg.Client;
  readonly pid: number;
  /** Statements that are sent and not answered: it may wait for a lock. */
  underWay: number;
}

export type Statement = { readonly text: string; readonly values?: readonly unknown[] };
export type Answer = {
  readonly command: string;
  readonly rows: readonly unknown[];
  readonly rowCount: number | null;
};

export class Backends {
  readonly #admin: Sql;
  readonly #idle: Backend[] = [];
  readonly #settling = new Set<Promise<unknown>>();
  /** Of those, the transactions that end by themselves. */
  readonly #ending = new Set<Promise<unknown>>();

  /** @param admin ends sessions at the server. */
  constructor(admin: Sql) {
    this.#admin = admin;
  }

  async lend(config: pg.ClientConfig): Promise<Backend> {
    const idle = this.#idle.pop();
    if (idle !== undefined) return idle;
    const client = new pg.Client({ ...config, pipeline: true } as pg.ClientConfig);
    // Whoever uses it is told by its statement.
    client.on('error', () => {});
    await client.connect();
    const { processID: pid } = client as pg.Client & { processID: number };
    return { client, pid, underWay: 0 };
  }

  /** Takes a connection back whatever it was doing; behind this nothing of it goes on. */
  async takeBack(backend: Backend): Promise<void> {
    await Promise.all(this.#ending);
    if (backend.underWay > 0) {
      await this.#admin`select pg_terminate_backend(${backend.pid}, 10000)`;
      return;
    }
    await send(backend, [{ text: 'rollback' }]);
    this.#idle.push(backend);
  }

  /** Ends a transaction that has done nothing, without a turn of its own. */
  endIdly(backend: Backend): void {
    const ending = send(backend, [{ text: 'commit' }]).finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
    this.settle(ending);
  }

  /** Has the next statement wait for something that goes on without a turn. */
  settle(work: Promise<unknown>): void {
    const settling = work.finally(() => this.#settling.delete(settling));
    this.#settling.add(settling);
    // Whoever waits for it next is told.
    settling.catch(() => {});
  }

  /** Waits for what ends without a turn. */
  async settled(): Promise<void> {
    await Promise.all(this.#settling);
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
  backend.underWay += 1;
  try {
    const answers = await Promise.allSettled(statements.map((statement) => query(statement)));
    const last = answers.at(-1);
    if (last === undefined) throw new Error('nothing was sent');
    if (last.status === 'rejected') throw last.reason;
    return last.value;
  } finally {
    backend.underWay -= 1;
  }
}
