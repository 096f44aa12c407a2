// The only place that knows how the driver `postgres` is made inside. We use its protocol, its
// types and its tagged templates, one connection at a time; pooling and transactions are ours
// (pool.ts, sql.ts), because in version 3.4.9 its own go wrong when a server dies: a transaction
// whose connection broke goes on, on whatever transaction has the next connection in that place;
// the automatic rollback writes to a closed socket, outside of any promise; a place whose
// connection broke in the middle of a write never connects again (porsager/postgres issues 1204,
// 1208, 1216). A connection here lives once and is never dialled again, which rules these out.
import postgres from 'postgres';

/** A statement of the driver before it runs: where it goes to run may still be changed. */
export type DriverQuery = postgres.PendingQuery<postgres.Row[]> & {
  handler: (query: DriverQuery) => void;
  reject(error: unknown): void;
  readonly cursorFn?: unknown;
  readonly streaming?: unknown;
};

/** Settings of the driver, those it does not document included. */
export type DriverOptions = postgres.Options<Record<string, postgres.PostgresType>> & {
  readonly socket?: () => unknown;
};

/** The driver's builder of statements. */
export type Driver = postgres.Sql;

/**
 * Makes a builder whose statements run nowhere until `redirect` says where. It holds what all
 * connections of a pool share: settings and what is known of array types.
 */
export function makeBuilder(options: DriverOptions): Driver {
  const builder = postgres({ ...options, types: { plainDate } });
  if (!isQuery(builder``)) {
    throw new Error('This version of the driver postgres builds its statements in another way.');
  }
  return builder as unknown as Driver;
}

/** Makes a driver with one connection, with the settings and types of the builder. */
export function makeConnection(
  builder: Driver,
  own: { readonly socket: () => unknown; readonly onclose: () => void },
): Driver {
  // Options that hold `shared` are taken by the driver as they are.
  return postgres({ ...builder.options, ...own, max: 1 } as unknown as postgres.Options<{
    [name: string]: postgres.PostgresType;
  }>) as unknown as Driver;
}

/** What runs a statement on the driver's connection. */
export function runnerOf(connection: Driver): (query: DriverQuery) => void {
  return asQuery(connection``).handler;
}

/** Sends a statement another way when it is run. Values that are no statements stay as they are. */
export function redirect<T>(value: T, handler: (query: DriverQuery) => void): T {
  if (isQuery(value)) {
    value.handler = handler;
  }
  return value;
}

/** The statement as the driver sees it. */
export function asQuery(value: unknown): DriverQuery {
  if (!isQuery(value)) {
    throw new TypeError('not a statement of the driver');
  }
  return value;
}

/**
 * True when a connection can be used after a statement failed with this error: the server refused
 * the statement, and did not end the session (severity FATAL or PANIC). After anything else,
 * trouble of the line or of the driver, nobody knows what state it is in.
 */
export function leavesLineUsable(error: unknown): boolean {
  return error instanceof postgres.PostgresError && error.severity === 'ERROR';
}

function isQuery(value: unknown): value is DriverQuery {
  return value instanceof Promise && 'handler' in value && typeof value.handler === 'function';
}

// The driver would make a Date of a calendar day, at midnight of some zone; a day stays text.
const plainDate = {
  to: 1082,
  from: [1082],
  serialize: (value: unknown): string =>
    value instanceof Date ? value.toISOString().slice(0, 10) : String(value),
  parse: (text: string): string => text,
};
