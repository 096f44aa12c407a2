// Runs work inside one transaction, and runs it again when it lost against another transaction. It
// leaves every other error, and what to do when the database is gone, to the caller.
import { isConflict } from './errors.ts';
import type { Sql, TransactOptions, Tx } from './sql.ts';

export interface TransactionOptions {
  /** How often the work may be run in all; each time in a transaction of its own. */
  readonly attempts?: number;
  readonly isolation?: 'read committed' | 'repeatable read' | 'serializable';
  /** For work that may take longer than the pool allows: the most one statement may take. */
  readonly statementTimeoutMs?: number;
  /** The same for the wait for one lock. */
  readonly lockTimeoutMs?: number;
}

const defaultAttempts = 5;
// Deadlocks have already cost the server's deadlock_timeout (1 s); what is added here only has to
// pull the rivals apart.
const firstWaitMs = 10;
const maxWaitMs = 250;
const silenceMarginMs = 5_000; // the server breaks off first

/**
 * Runs `work` in a transaction and answers with its result once the transaction is committed.
 *
 * When PostgreSQL breaks the transaction off in favour of another (SQLSTATE 40001, 40P01), the
 * work runs again in a new one, up to `attempts` times (5) with growing, random waits: so it must
 * do nothing that cannot be done twice outside the database. Any other error rolls back and is
 * thrown. A statement that failed has broken its transaction, even if the work catches the error.
 * If the connection dies while COMMIT is under way, the error is a connection error and the outcome
 * is unknown.
 */
export function inTransaction<T>(
  sql: Sql,
  work: (tx: Tx) => Promise<T>,
  options: TransactionOptions = {},
): Promise<T> {
  const run = () => sql.transact(transactOptions(options), work);
  return againAfterConflict(sql, run, options.attempts);
}

/**
 * Runs work of one statement, which is a transaction of its own, again under the same conditions: where
 * PostgreSQL has broken it off in favour of another.
 */
export async function againAfterConflict<T>(
  sql: Sql,
  work: () => Promise<T>,
  attempts = defaultAttempts,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (attempt >= attempts || !isConflict(error)) throw error;
      await sql.rest(Math.min(firstWaitMs * 2 ** attempt, maxWaitMs));
    }
  }
}

function transactOptions(options: TransactionOptions): TransactOptions {
  const { statementTimeoutMs, lockTimeoutMs } = options;
  return {
    // Said explicitly, because the default of the server, role or database may be another.
    mode: `isolation level ${options.isolation ?? 'read committed'}`,
    settings: {
      ...(statementTimeoutMs === undefined ? {} : { statement_timeout: statementTimeoutMs }),
      ...(lockTimeoutMs === undefined ? {} : { lock_timeout: lockTimeoutMs }),
    },
    silenceMs: statementTimeoutMs === undefined ? null : statementTimeoutMs + silenceMarginMs,
  };
}
