// Connects to PostgreSQL: the one place where the driver is set up. It answers for bounds on every
// wait, for how values come back, and for the two pools; what is asked of the database is left to
// the stores.
//
// Values come back as: numeric and int8 as strings, timestamptz as Date, date as 'YYYY-MM-DD',
// bytea as Buffer, json as parsed values; so do the elements of arrays of them.
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { optionsText } from './session.ts';
import { makeSql, type Sql } from './sql.ts';

export type { PoolUse, Sql, SqlOrTx, Tx } from './sql.ts';

export interface ConnectOptions {
  /** `postgres://user:password@host:port/database`, with libpq's options behind `?`. */
  readonly url: string;
  /** Most connections of this pool. */
  readonly max: number;
  /** Shown in `pg_stat_activity`. */
  readonly applicationName: string;
  /** False where named prepared statements do not work: PgBouncer before 1.21. */
  readonly prepare?: boolean;
  /**
   * False where the server refuses settings at connection start: PgBouncer. What session.ts pins and
   * the three timeouts below then have to be set for the role; the readiness looks (readiness.ts).
   */
  readonly sessionSettings?: boolean;
  /** How long a statement may wait for a connection, be it free or new. */
  readonly connectTimeoutMs?: number;
  readonly statementTimeoutMs?: number;
  readonly lockTimeoutMs?: number;
  readonly idleInTransactionTimeoutMs?: number;
  /**
   * True: statements are planned anew each time instead of keeping a plan that was made when their
   * tables were empty (decision 6).
   */
  readonly plansAnew?: boolean;
  /** How much longer than a statement's own timeout the server may be silent before it is lost. */
  readonly silenceMarginMs?: number;
  /** How long what runs may go on after the end of the pool was asked for. */
  readonly closeTimeoutMs?: number;
  /**
   * For a pool of one that stands for a session: the connection is kept until it breaks, and
   * `onClose` is called for every connection that ends.
   */
  readonly session?: { onClose(): void };
}

/** Pools kept apart, so that a flood of requests cannot take the engine's connections. */
export interface Pools {
  readonly requests: Sql;
  readonly loops: Sql;
  /** Lets what runs end for some seconds, then closes every connection. Idempotent. */
  close(): Promise<void>;
}

export type PoolsOptions = Omit<ConnectOptions, 'max' | 'applicationName' | 'session'> & {
  /** Begins the two application names: `<name> requests`, `<name> loops`. Default `unwind`. */
  readonly applicationName?: string;
  readonly maxRequests?: number;
  readonly maxLoops?: number;
};

// A request lives 10 s and a lease some seconds; nothing in the engine may wait longer than that.
const limits = {
  connectTimeoutMs: 5_000,
  statementTimeoutMs: 15_000,
  // A request that waits for another one's lock answers within the 2 s of the contract.
  lockTimeoutMs: 2_000,
  idleInTransactionTimeoutMs: 15_000,
  // A statement whose process was killed gives its locks back in this time, not at its own end.
  lostClientMs: 1_000,
  // Above the longest statement: only a server that is lost stays silent for so long.
  silenceMarginMs: 5_000,
  // A connection is given up after half an hour, so that those behind a load balancer spread again
  // and the server's memory for it is freed.
  lifetimeS: 30 * 60,
  closeTimeoutMs: 5_000,
  // A process that sleeps in the middle of a step holds its rows no longer than its leases.
  idleInLoopMs: 5_000,
  maxRequests: 16,
  maxLoops: 8,
};

/**
 * Makes a pool. Nothing is opened until the first statement; a server that cannot be reached is an
 * error of that statement (`isConnectionError`), at the latest after `connectTimeoutMs`.
 */
export function connect(options: ConnectOptions): Sql {
  const { session } = options;
  const pool = new pg.Pool({
    ...poolConfigOf(options),
    Client: ClosingClient,
    ...(session === undefined ? { maxLifetimeSeconds: limits.lifetimeS } : {}),
  });
  // A connection that breaks while it is idle leaves the pool; the next statement gets another,
  // and if there is none, that statement fails. One that breaks in use fails its own statement.
  const isToldElsewhere = () => {};
  pool.on('error', isToldElsewhere);
  pool.on('connect', (client) => client.on('error', isToldElsewhere));
  if (session !== undefined) pool.on('remove', () => session.onClose());
  return makeSql({
    pool,
    prepare: (options.prepare ?? true) && !options.plansAnew,
    closeMs: options.closeTimeoutMs ?? limits.closeTimeoutMs,
    rest: restAtRandom,
  });
}

/** The bounds and the types of every pool, as the driver takes them. */
export function poolConfigOf(options: ConnectOptions): pg.PoolConfig {
  const statementTimeoutMs = options.statementTimeoutMs ?? limits.statementTimeoutMs;
  const { url, given } = splitUrl(options.url);
  return {
    connectionString: url,
    application_name: options.applicationName,
    max: options.max,
    connectionTimeoutMillis: options.connectTimeoutMs ?? limits.connectTimeoutMs,
    idleTimeoutMillis: 0,
    keepAlive: true,
    query_timeout: statementTimeoutMs + (options.silenceMarginMs ?? limits.silenceMarginMs),
    types: { getTypeParser },
    ...(options.sessionSettings === false ? { options: given } : sessionSettings(options, given)),
  };
}

async function restAtRandom(msMax: number): Promise<void> {
  await wait(Math.random() * msMax);
}

/**
 * Closes what could not be connected. The driver leaves a connection open on which it has no password to
 * answer with: the process would not end, and the server's half-made session keeps it from dropping databases.
 */
class ClosingClient extends pg.Client {
  override connect(): Promise<pg.Client>;
  override connect(callback: Connected): void;
  override connect(callback?: Connected): Promise<pg.Client> | undefined {
    if (callback === undefined) return super.connect();
    super.connect((error: Error) => {
      if (error) void this.end();
      (callback as (error: Error) => void)(error);
    });
    return undefined;
  }
}

type Connected = ((error: Error) => void) | ((error: null, client: pg.Client) => void);

/** Makes the two pools of one process; opens nothing yet. */
export function openPools(options: PoolsOptions): Pools {
  const { applicationName = 'unwind', maxRequests, maxLoops, ...common } = options;
  const requests = connect({
    ...common,
    max: maxRequests ?? limits.maxRequests,
    applicationName: `${applicationName} requests`,
  });
  const loops = connect({
    ...common,
    idleInTransactionTimeoutMs: common.idleInTransactionTimeoutMs ?? limits.idleInLoopMs,
    plansAnew: true,
    max: maxLoops ?? limits.maxLoops,
    applicationName: `${applicationName} loops`,
  });
  return {
    requests,
    loops,
    close: async () => {
      await Promise.all([requests.end(), loops.end()]);
    },
  };
}

function sessionSettings(options: ConnectOptions, given: string) {
  const own = optionsText({ client_connection_check_interval: limits.lostClientMs });
  return {
    statement_timeout: options.statementTimeoutMs ?? limits.statementTimeoutMs,
    lock_timeout: options.lockTimeoutMs ?? limits.lockTimeoutMs,
    idle_in_transaction_session_timeout:
      options.idleInTransactionTimeoutMs ?? limits.idleInTransactionTimeoutMs,
    // Ours come last, and hold.
    options: `${given} ${own}`.trim(),
  };
}

/** Takes out of a URL what the driver would set instead of ours: its `options`, and its encoding. */
function splitUrl(text: string): { url: string; given: string } {
  const url = URL.parse(text);
  if (url === null) return { url: text, given: '' };
  const params = url.searchParams;
  const sslmode = params.get('sslmode') ?? '';
  const isLooseTls = looseTls.includes(sslmode) && params.get('uselibpqcompat') !== 'true';
  if (!isLooseTls && !params.has('options') && !params.has('client_encoding')) {
    return { url: text, given: '' };
  }
  if (isLooseTls) params.set('sslmode', 'verify-full');
  const given = params.get('options') ?? '';
  params.delete('options');
  params.delete('client_encoding');
  return { url: url.href, given };
}

/** The driver takes them for `verify-full`, as docs/configuration.md says, and warns that it may not for ever. */
const looseTls: readonly string[] = ['prefer', 'require', 'verify-ca'];

// What the driver would make a Number, and with it inexact, or a Date at midnight of some zone.
const numericArray = 1231;
const dateArray = 1182;
const textArray = 1009;

const getTypeParser: typeof pg.types.getTypeParser = (oid: number, format?: 'text' | 'binary') => {
  switch (oid) {
    case pg.types.builtins.DATE:
      return (text: string) => text;
    case numericArray:
    case dateArray:
      return pg.types.getTypeParser(textArray as number);
    default:
      return format === 'binary'
        ? pg.types.getTypeParser(oid, format)
        : pg.types.getTypeParser(oid, format);
  }
};
