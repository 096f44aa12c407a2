// Says what kind of trouble an error of the database is, by SQLSTATE and constraint name, never
// by message text (which is translated and changes). It leaves to the callers what to
// do about it.
import pg from 'pg';
import { ConnectionLostError } from './connection.ts';

// A wrapped error is recognised by its cause; deeper chains than this are a mistake.
const maxCauses = 8;

// SQLSTATEs of a server that takes no connections or no writes (PostgreSQL appendix A), beside class 08.
const goneCodes: ReadonlySet<string> = new Set([
  '25006', // read_only_sql_transaction: this server is no primary (any more)
  '25P03', // idle_in_transaction_session_timeout: the session is gone
  '25P04', // transaction_timeout: the session is gone
  '3D000', // invalid_catalog_name: the database is not there (yet)
  '53300', // too_many_connections
  '57P01', // admin_shutdown
  '57P02', // crash_shutdown
  '57P03', // cannot_connect_now: starting, stopping or recovering
  '57P04', // database_dropped
  '57P05', // idle_session_timeout
]);

// Codes that pass without a change of the statement, beside a server that is gone. Of classes 08, 25, 53,
// 57, 58 and XX, those that are missing here and above do not pass: 25000 to 25005, 25007, 25008, 25P01 and
// 25P02 (our mistake in a transaction), 58P01 and 58P02 (a file of the server is missing or in the way),
// XX000 to XX002 (a mistake of the server, damaged data).
const passingCodes: ReadonlySet<string> = new Set([
  '26000', // invalid_sql_statement_name: a pooler gave the statement to a session that never prepared it
  '40001', // serialization_failure
  '40003', // statement_completion_unknown
  '40P01', // deadlock_detected
  '42P05', // duplicate_prepared_statement: the same pooler, the other way round
  '53000', // insufficient_resources
  '53100', // disk_full
  '53200', // out_of_memory
  '53400', // configuration_limit_exceeded
  '55P03', // lock_not_available
  '57000', // operator_intervention
  '57014', // query_canceled
  '58000', // system_error
  '58030', // io_error
]);

const dataClasses: ReadonlySet<string> = new Set(['21', '22', '23', 'P0', 'XX']);

/**
 * True when a unique, primary key or exclusion-free constraint refused a row (SQLSTATE 23505);
 * with `constraint`, only when it was that one.
 */
export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  return violates(error, '23505', constraint);
}

/** True when there is no partition for a row (SQLSTATE 23514 of no constraint). */
export function isMissingPartition(error: unknown): boolean {
  const server = serverErrorOf(error);
  return server?.code === '23514' && server.constraint === undefined;
}

/** True when a lock was not given in time or at once (SQLSTATE 55P03). */
export function isLockTimeout(error: unknown): boolean {
  return serverErrorOf(error)?.code === '55P03';
}

/**
 * True when the transaction lost against another and may be run again as it is: serialization
 * failure (40001) or deadlock (40P01).
 */
export function isConflict(error: unknown): boolean {
  const code = serverErrorOf(error)?.code;
  return code === '40001' || code === '40P01';
}

/**
 * True when the server refused what rows or values are, and would again: cardinality (SQLSTATE class
 * 21), data (22), integrity (23), an error raised by our own SQL (P0), damaged data (XX).
 */
export function isDataError(error: unknown): boolean {
  const code = serverErrorOf(error)?.code;
  return code !== undefined && dataClasses.has(code.slice(0, 2));
}

/** True when the server answered with an error, whichever. */
export function isServerError(error: unknown): boolean {
  return serverErrorOf(error) !== undefined;
}

/** True when a database of this name is there already (SQLSTATE 42P04, or 23505 in a race). */
export function isDuplicateDatabase(error: unknown): boolean {
  return (
    serverErrorOf(error)?.code === '42P04' || isUniqueViolation(error, 'pg_database_datname_index')
  );
}

/** True when the server did not accept user and password (SQLSTATE class 28). */
export function isWrongPassword(error: unknown): boolean {
  return serverErrorOf(error)?.code?.startsWith('28') ?? false;
}

/**
 * True when the same call may succeed later as it is: the database is gone, out of room or too slow, or the
 * call lost against another one. A request is answered with 503 and `retry-after`, and a loop tries again.
 */
export function isPassing(error: unknown): boolean {
  const code = serverErrorOf(error)?.code;
  return isConnectionError(error) || (code !== undefined && passingCodes.has(code));
}

/**
 * True when the database is gone, not there yet, or takes no connections or no writes: the same
 * call may succeed later, and if a COMMIT was under way its outcome is unknown.
 */
export function isConnectionError(error: unknown): boolean {
  const server = serverErrorOf(error);
  if (server !== undefined) return codeOf(server).startsWith('08') || goneCodes.has(codeOf(server));
  return causesOf(error).some((cause) => cause instanceof ConnectionLostError);
}

/** Whether the server refused something with this SQLSTATE, and by the named constraint where one is named. */
export function violates(error: unknown, code: string, constraint?: string): boolean {
  const server = serverErrorOf(error);
  if (server?.code !== code) return false;
  return constraint === undefined || server.constraint === constraint;
}

function serverErrorOf(error: unknown): pg.DatabaseError | undefined {
  return causesOf(error).find((cause) => cause instanceof pg.DatabaseError);
}

function codeOf(error: pg.DatabaseError): string {
  return error.code ?? '';
}

function causesOf(error: unknown): readonly Error[] {
  const causes: Error[] = [];
  let next = error;
  while (next instanceof Error && causes.length < maxCauses) {
    causes.push(next);
    next = next.cause;
  }
  return causes;
}
