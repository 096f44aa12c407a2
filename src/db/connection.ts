// Connections lent from the driver's pool, one user at a time. It answers for a connection that
// broke, or whose state is unknown, never being lent again, and for an end in bounded time. What
// is said on them is left to sql.ts.
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { currentDeadline, OverdueError } from './deadline.ts';

/** The connection broke, or none could be had: whether the statement took effect is not known. */
export class ConnectionLostError extends Error {
  override readonly name = 'ConnectionLostError';
  readonly code = 'CONNECTION_LOST';
}

/** What the driver sends; with a name, it is prepared once for each connection. */
export interface Statement {
  readonly name?: string;
  readonly text: string;
  readonly values: readonly unknown[];
}

/** A pool of the driver, and how it is used. */
export interface Driver {
  readonly pool: pg.Pool;
  /** Whether statements are prepared by name, once for each connection. */
  readonly prepare: boolean;
  /** How long what runs may go on after `end`. */
  readonly closeMs: number;
  /** Waits a random time, up to so many ms. */
  readonly rest: (msMax: number) => Promise<void>;
}

/** A connection lent to one user of it. */
export interface Lent {
  readonly client: pg.PoolClient;
  readonly processId: number | null;
  readonly prepare: boolean;
  /** How long the server may leave a statement unanswered, if longer than usual. */
  readonly silenceMs: number | null;
}

const goodByeMs = 1_000;

/** Lends a connection. One that broke, or whose state is unknown, is closed afterwards. */
export async function onSomeConnection<T>(
  { pool, prepare }: Driver,
  silenceMs: number | null,
  work: (lent: Lent) => Promise<T>,
): Promise<T> {
  const client = await acquire(pool);
  let isUsable = true;
  // A connection that ends in the middle of a statement makes the server roll back.
  const breakOff = () => {
    isUsable = false;
    void client.end();
  };
  const deadline = currentDeadline();
  try {
    if (deadline?.hasPassed) throw new OverdueError('the work is overdue');
    deadline?.begins(breakOff);
    return await work({ client, processId: processIdOf(client), prepare, silenceMs });
  } catch (error) {
    if (breaksConnection(error)) isUsable = false;
    throw error;
  } finally {
    deadline?.ended(breakOff);
    client.release(!isUsable);
  }
}

/** What the server called the process of a connection; the driver's types leave it out. */
function processIdOf(client: pg.PoolClient): number | null {
  const id = 'processID' in client ? client.processID : null;
  return typeof id === 'number' ? id : null;
}

async function acquire(pool: pg.Pool): Promise<pg.PoolClient> {
  try {
    return await pool.connect();
  } catch (error) {
    throw named(error);
  }
}

/** Knows which connections of a pool are lent at the moment. */
export function watchLent(pool: pg.Pool): ReadonlySet<pg.PoolClient> {
  const lent = new Set<pg.PoolClient>();
  pool.on('acquire', (client) => lent.add(client));
  pool.on('release', (_error, client) => lent.delete(client));
  return lent;
}

/**
 * Closes what is idle, waits for what is lent, and breaks it off after `closeMs`. A server that
 * does not take our good-bye is left without it.
 */
export async function end(
  { pool, closeMs }: Driver,
  lent: ReadonlySet<pg.PoolClient>,
): Promise<void> {
  const settled = new AbortController();
  const breakOff = async () => {
    await wait(closeMs, null, { signal: settled.signal });
    const broken = Promise.all([...lent].map((client) => client.end()));
    await Promise.race([broken, wait(goodByeMs, null, { signal: settled.signal })]);
  };
  try {
    await Promise.race([pool.end(), breakOff()]);
  } finally {
    settled.abort();
  }
}

/**
 * Runs one statement. Rejects with `pg.DatabaseError` or `ConnectionLostError`, or as the driver does where a value
 * cannot be sent, which is a mistake of ours and no trouble of the connection.
 */
export async function run<Row extends object>(
  { client, silenceMs }: Lent,
  statement: Statement,
): Promise<{ readonly rows: Row[]; readonly count: number }> {
  try {
    const { rows, rowCount } = await client.query<Row>({
      ...statement,
      values: [...statement.values],
      ...patience(silenceMs),
    });
    return { rows, count: rowCount ?? 0 };
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) throw error;
    throw named(error);
  }
}

/** Sends one of our own statements. @returns what the server calls it, such as `COMMIT`. */
export async function command({ client, silenceMs }: Lent, text: string): Promise<string> {
  try {
    const results: pg.QueryResult | pg.QueryResult[] = await client.query({
      text,
      ...patience(silenceMs),
    });
    const last = Array.isArray(results) ? results.at(-1) : results;
    return last?.command ?? '';
  } catch (error) {
    throw named(error);
  }
}

function patience(silenceMs: number | null) {
  return silenceMs === null ? {} : { query_timeout: silenceMs };
}

/** Whatever is no answer of the server is trouble of the connection. */
function named(error: unknown): unknown {
  if (error instanceof pg.DatabaseError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new ConnectionLostError(`the database does not answer: ${reason}`, { cause: error });
}

/**
 * True for errors after which a connection is of no more use. The word for how severe an error is
 * comes in the server's language, so the codes with which PostgreSQL ends sessions count as well.
 */
export function breaksConnection(error: unknown): boolean {
  if (error instanceof pg.DatabaseError) {
    const { code = '', severity } = error;
    return severity === 'FATAL' || severity === 'PANIC' || sessionEnds.test(code);
  }
  return error instanceof ConnectionLostError;
}

// 08 connection, 25006 a server that is no primary any more, 25P03 and 25P04 time in a transaction,
// 57P01 to 57P05 shutdown, crash, dropped database, idle session.
const sessionEnds = /^(?:08...|25006|25P0[34]|57P0[1-5])$/;
