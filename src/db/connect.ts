// Connects to PostgreSQL: the one place where the driver is set up. It answers for bounds on every
// wait, for how values come back, and for the two pools; what is asked of the database is left to
// the stores.
//
// Values come back as: numeric and int8 as strings, timestamptz as Date, date as 'YYYY-MM-DD',
// bytea as Buffer, json as parsed values.
import { readFileSync } from 'node:fs';
import { type DatabaseAddress, DatabaseUrlError, parseDatabaseUrl } from './database-url.ts';
import type { DatabaseHost } from './dial.ts';
import { type DriverOptions, makeBuilder } from './driver.ts';
import { Line } from './line.ts';
import { Pool } from './pool.ts';
import { makeSql, type Sql } from './sql.ts';

export type { Sql, SqlOrTx, Tx } from './sql.ts';

export type ConnectOptions = {
  readonly url: string;
  /** Most connections of this pool. */
  readonly max: number;
  /** Shown in `pg_stat_activity`. */
  readonly applicationName: string;
  /** False where named prepared statements do not work: PgBouncer before 1.21. */
  readonly prepare?: boolean;
  /**
   * False where the server refuses settings at connection start: PgBouncer. The three timeouts
   * below then have to be set for the role (`alter role … set statement_timeout = …`).
   */
  readonly sessionSettings?: boolean;
  readonly connectTimeoutS?: number;
  readonly statementTimeoutMs?: number;
  readonly lockTimeoutMs?: number;
  readonly idleInTransactionTimeoutMs?: number;
  /** How much longer than a statement's own timeout the server may be silent before it is lost. */
  readonly silenceMarginMs?: number;
  /** How long a statement may wait for a connection to become free. */
  readonly waitTimeoutMs?: number;
  /**
   * For a pool of one that stands for a session: the connection is kept until it breaks, and
   * `onClose` tells of every connection that ends.
   */
  readonly session?: { onClose(): void };
};

/** Pools kept apart, so that a flood of requests cannot take the engine's connections. */
export type Pools = {
  readonly requests: Sql;
  readonly loops: Sql;
  /** Lets running queries end for some seconds, then breaks them off. Idempotent. */
  close(): Promise<void>;
};

export type PoolsOptions = Omit<ConnectOptions, 'max' | 'applicationName' | 'session'> & {
  /** Begins the two application names: `<name> requests`, `<name> loops`. Default `unwind`. */
  readonly applicationName?: string;
  readonly maxRequests?: number;
  readonly maxLoops?: number;
};

// A request lives 10 s and a lease some seconds; nothing in the engine may wait longer than that.
const limits = {
  connectTimeoutS: 5,
  statementTimeoutMs: 15_000,
  lockTimeoutMs: 5_000,
  idleInTransactionTimeoutMs: 15_000,
  // Above the longest statement: only a server that is lost stays silent for so long.
  silenceMarginMs: 5_000,
  // A connection is given up after 30 to 60 minutes, so that those behind a load balancer spread
  // again and the server's memory for it is freed.
  lifetimeMs: 60 * 60_000,
  // No request lives longer than this wait; beyond that many, waiting is hopeless.
  waitTimeoutMs: 10_000,
  maxWaiting: 5_000,
  closeMs: 5_000,
  maxRequests: 16,
  maxLoops: 8,
};

/**
 * Makes a pool. Nothing is opened until the first statement; a server that cannot be reached is an
 * error of that statement (`isConnectionError`), at the latest after `connectTimeoutS`.
 *
 * With several hosts in the URL the pool uses the primary. Throws `DatabaseUrlError`.
 */
export function connect(options: ConnectOptions): Sql {
  const address = parseDatabaseUrl(options.url);
  const statementTimeoutMs = options.statementTimeoutMs ?? limits.statementTimeoutMs;
  const { session } = options;
  const builder = makeBuilder(driverOptions(options, address, statementTimeoutMs));
  const hosts = rotation(address.hosts);
  const pool = new Pool({
    max: options.max,
    lifetimeMs: session === undefined ? limits.lifetimeMs * (0.5 + Math.random() / 2) : Infinity,
    waitMs: options.waitTimeoutMs ?? limits.waitTimeoutMs,
    maxWaiting: limits.maxWaiting,
    closeMs: limits.closeMs,
    open: (onDead) =>
      hosts((host) => {
        return new Line({
          builder,
          host,
          silenceMs: statementTimeoutMs + (options.silenceMarginMs ?? limits.silenceMarginMs),
          onDead: (line) => {
            onDead(line);
            session?.onClose();
          },
        });
      }),
  });
  return makeSql(builder, pool);
}

/** Makes the two pools of one process. Throws `DatabaseUrlError`; opens nothing yet. */
export function openPools(options: PoolsOptions): Pools {
  const { applicationName = 'unwind', maxRequests, maxLoops, ...common } = options;
  const requests = connect({
    ...common,
    max: maxRequests ?? limits.maxRequests,
    applicationName: `${applicationName} requests`,
  });
  const loops = connect({
    ...common,
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

function driverOptions(
  options: ConnectOptions,
  address: DatabaseAddress,
  statementTimeoutMs: number,
): DriverOptions {
  const { sslmode, sslrootcert, ...startup } = address.options;
  return {
    ...(address.hosts[0] ?? {}), // for the words of errors; sockets are opened by us
    ...(address.hosts.length > 1 ? { target_session_attrs: 'primary' } : {}),
    ...(address.user === null ? {} : { user: address.user }),
    ...(address.password === null ? {} : { pass: address.password }),
    ...(address.database === null ? {} : { database: address.database }),
    ssl: tlsSettings(sslmode, sslrootcert),
    connect_timeout: options.connectTimeoutS ?? limits.connectTimeoutS,
    prepare: options.prepare ?? true,
    max_lifetime: null, // the pool sees to it
    onnotice: () => {},
    connection: {
      ...startup,
      application_name: options.applicationName,
      TimeZone: 'UTC',
      ...(options.sessionSettings === false ? {} : timeouts(options, statementTimeoutMs)),
    },
  };
}

/**
 * Chooses the host for each new line. With several it tries them, from the one that served last,
 * until one is the primary; a line to the only host is not tried before its first statement.
 */
function rotation(hosts: readonly DatabaseHost[]) {
  let current = 0;
  const tryEach = async (open: OpenLine): Promise<Line> => {
    const troubles: unknown[] = [];
    for (const host of [...hosts.slice(current), ...hosts.slice(0, current)]) {
      const line = open(host);
      try {
        await line.command('select 1');
        current = hosts.indexOf(host);
        return line;
      } catch (error) {
        line.destroy();
        troubles.push(error);
      }
    }
    throw new AggregateError(troubles, 'none of the hosts is a primary that answers', {
      cause: troubles[0],
    });
  };
  return (open: OpenLine): Line | Promise<Line> => {
    const [only, ...others] = hosts;
    return only !== undefined && others.length === 0 ? open(only) : tryEach(open);
  };
}

type OpenLine = (host: DatabaseHost) => Line;

function timeouts(options: ConnectOptions, statementTimeoutMs: number) {
  return {
    statement_timeout: statementTimeoutMs,
    lock_timeout: options.lockTimeoutMs ?? limits.lockTimeoutMs,
    idle_in_transaction_session_timeout:
      options.idleInTransactionTimeoutMs ?? limits.idleInTransactionTimeoutMs,
  };
}

// The modes are libpq's. `verify-ca` is answered with more than it asks, the check of the name.
function tlsSettings(mode: string | undefined, rootCertFile: string | undefined) {
  switch (mode) {
    case undefined:
    case 'disable':
      return false;
    case 'allow':
    case 'prefer':
    case 'require':
      return mode;
    case 'verify-ca':
    case 'verify-full':
      return rootCertFile === undefined || rootCertFile === 'system'
        ? 'verify-full'
        : { ca: readFileSync(rootCertFile) };
    default:
      throw new DatabaseUrlError(`has an unknown sslmode, ${JSON.stringify(mode)}`);
  }
}
