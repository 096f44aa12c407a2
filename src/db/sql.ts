// What stores write SQL with: tagged templates on a pool, and on one transaction. It answers for
// a transaction's statements running on its own connection or not at all. Trying again is left to
// transaction.ts, connecting to connect.ts.
import type postgres from 'postgres';
import { LineError } from './dial.ts';
import { type Driver, type DriverQuery, redirect } from './driver.ts';
import type { Line } from './line.ts';
import type { Pool } from './pool.ts';

/**
 * Tagged templates of the driver: values become parameters, `sql(name)` an identifier, a statement
 * inside another one a fragment. Results are read whole: cursors and streams are refused.
 */
export interface SqlOrTx extends postgres.ISql {
  readonly notify: never;
  readonly file: never;
}

/** A pool: each statement runs on some connection, committed by itself. */
export interface Sql extends SqlOrTx {
  /** One transaction, run once; `inTransaction` is the way to use it. */
  transact<T>(options: TransactOptions, work: (tx: Tx) => Promise<T>): Promise<T>;
  /** Lets statements under way end for some seconds, then breaks them off. Idempotent. */
  end(): Promise<void>;
}

/** One transaction. It ends with the work it was made for; later statements are refused. */
export interface Tx extends SqlOrTx {
  /** Work that may fail without failing the transaction: then only the work itself is undone. */
  savepoint<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
}

export type TransactOptions = {
  /** What follows `begin`. */
  readonly mode: string;
  /** Settings of this transaction. */
  readonly settings: Readonly<Record<string, string | number>>;
  /** How long one of its statements may take, if longer than usual. */
  readonly silenceMs: number | null;
};

/** One scope of a transaction: all of it, or what is inside one savepoint. */
type Scope = { readonly line: Line; isOpen: boolean; failure: { readonly error: unknown } | null };

/** Makes the templates of a pool. */
export function makeSql(builder: Driver, pool: Pool): Sql {
  return Object.assign(
    templates(builder, (query) => {
      void runOnPool(pool, query);
    }),
    {
      transact: <T>(options: TransactOptions, work: (tx: Tx) => Promise<T>) =>
        transact(builder, pool, options, work),
      end: () => pool.close(),
    },
  );
}

async function runOnPool(pool: Pool, query: DriverQuery): Promise<void> {
  if (refuseStream(query)) {
    return;
  }
  let line: Line;
  try {
    line = await pool.acquire();
  } catch (error) {
    query.reject(error);
    return;
  }
  line.run(query);
  const release = () => pool.release(line);
  query.then(release, release);
}

async function transact<T>(
  builder: Driver,
  pool: Pool,
  options: TransactOptions,
  work: (tx: Tx) => Promise<T>,
): Promise<T> {
  const line = await pool.acquire();
  try {
    line.allowSilence(options.silenceMs);
    await line.command(beginText(options));
    const result = await within(builder, line, work);
    // PostgreSQL answers COMMIT with ROLLBACK where a statement nobody waited for has failed.
    const outcome = await line.command('commit');
    if (outcome !== 'COMMIT') {
      throw new Error(`the transaction was not committed: ${outcome}`);
    }
    return result;
  } catch (error) {
    await rollBack(line, 'rollback');
    throw error;
  } finally {
    line.allowSilence(null);
    pool.release(line);
  }
}

// Runs work in a scope of its own and fails if one of its statements has, whatever the work made
// of it: PostgreSQL has given the scope up by then.
async function within<T>(builder: Driver, line: Line, work: (tx: Tx) => Promise<T>): Promise<T> {
  const scope: Scope = { line, isOpen: true, failure: null };
  try {
    const result = await work(makeTx(builder, scope));
    if (scope.failure !== null) {
      throw scope.failure.error;
    }
    return result;
  } finally {
    scope.isOpen = false;
  }
}

function makeTx(builder: Driver, scope: Scope): Tx {
  return Object.assign(
    templates(builder, (query) => runInScope(scope, query)),
    { savepoint: <T>(work: (tx: Tx) => Promise<T>) => savepoint(builder, scope, work) },
  );
}

function runInScope(scope: Scope, query: DriverQuery): void {
  if (refuseStream(query)) {
    return;
  }
  if (!scope.isOpen) {
    query.reject(new Error('the transaction of this statement has ended'));
    return;
  }
  query.catch((error: unknown) => {
    scope.failure ??= { error };
  });
  scope.line.run(query);
}

// The name may be the same at every depth: PostgreSQL keeps a stack.
async function savepoint<T>(
  builder: Driver,
  scope: Scope,
  work: (tx: Tx) => Promise<T>,
): Promise<T> {
  if (!scope.isOpen) {
    throw new Error('the transaction of this savepoint has ended');
  }
  await scope.line.command('savepoint unwind');
  try {
    const result = await within(builder, scope.line, work);
    await scope.line.command('release savepoint unwind');
    return result;
  } catch (error) {
    if (!(await rollBack(scope.line, 'rollback to savepoint unwind'))) {
      scope.failure ??= { error };
    }
    throw error;
  }
}

// Where the server does not confirm, the connection is closed, which has the same effect.
async function rollBack(line: Line, command: string): Promise<boolean> {
  if (line.isDead) {
    return false;
  }
  try {
    await line.command(command);
    return true;
  } catch {
    line.destroy(new LineError('ECONNRESET', `no answer to ${command}`));
    return false;
  }
}

function beginText({ mode, settings }: TransactOptions): string {
  const set = Object.entries(settings).map(([name, value]) => `; set local ${name} = '${value}'`);
  return `begin ${mode}${set.join('')}`;
}

function templates(builder: Driver, handler: (query: DriverQuery) => void): SqlOrTx {
  const tagged = (first: never, ...rest: never[]) =>
    redirect((builder as (...all: unknown[]) => unknown)(first, ...rest), handler);
  return Object.assign(tagged, {
    unsafe: (...all: Parameters<Driver['unsafe']>) => redirect(builder.unsafe(...all), handler),
    json: builder.json,
    array: builder.array,
    types: builder.types,
    typed: builder.typed,
  }) as unknown as SqlOrTx;
}

// Their statements settle in ways of their own, which the pool would not see.
function refuseStream(query: DriverQuery): boolean {
  const isStream = query.cursorFn !== undefined || query.streaming !== undefined;
  if (isStream) {
    query.reject(new Error('cursors and streams are not supported'));
  }
  return isStream;
}
