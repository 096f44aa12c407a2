// The settings of the service, read once from the environment and checked as a whole: every wrong one
// is named before anything starts.

import { join, resolve } from 'node:path';
import type { Role } from './roles.ts';
import {
  databaseUrl,
  errorsUrl,
  integer,
  networks,
  oneOf,
  onOff,
  optionalText,
  roleList,
  type Setting,
  setting,
  text,
} from './setting.ts';

export type Mode = 'sandbox' | 'live';

export interface Config {
  readonly mode: Mode;
  /** What this process does. */
  readonly roles: ReadonlySet<Role>;
  readonly host: string;
  readonly port: number;
  /** Where the embedded database, the keys and the sandbox client are kept. */
  readonly home: string;
  /** A PostgreSQL 15 to 18; undefined: the embedded one. */
  readonly databaseUrl: string | undefined;
  readonly databasePrepare: boolean;
  readonly databaseSessionSettings: boolean;
  readonly databaseConnections: number;
  readonly keyFile: string | undefined;
  readonly releaseDelayMs: number;
  readonly venueDelayMs: number;
  readonly webhookTimeoutMs: number;
  readonly webhookSetAsideMs: number;
  /** Networks in CIDR form that webhooks may lead to although they are not public. */
  readonly webhookNetworks: readonly string[];
  readonly idempotencyRetentionMs: number;
  /** Of one client, by this process; 0 for no limit. */
  readonly requestsPerS: number;
  /** Failed authentications of one address, by this process; 0 for no limit. */
  readonly failuresPerS: number;
  readonly trustedProxies: readonly string[];
  readonly errorsUrl: string | undefined;
  /** Whether `GET /metrics` exists; it counts all tenants together. */
  readonly metrics: boolean;
  /** How long a stop may take before the process ends anyway. */
  readonly stopTimeoutMs: number;
  /** When a liquidation that is not flat ends with what was sold. */
  readonly endLimits: { readonly roundsMax: number; readonly ageMsMax: number };
  /** Undefined: each command has its own default. */
  readonly logLevel: string | undefined;
}

/** Settings that are wrong, one sentence each. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

type Environment = Readonly<Record<string, string | undefined>>;

const dayMs = 24 * 3_600_000;

const rate = integer({ min: 0, max: 1_000_000, otherwise: 0 });
const logLevel = oneOf(['debug', 'info', 'warn', 'error', 'silent'], 'info');

/** Every setting there is; the table in docs/configuration.md is made of it. */
export const settings = {
  mode: setting('UNWIND_MODE', 'sandbox or live', oneOf(['sandbox', 'live'], 'sandbox')),
  roles: setting(
    'UNWIND_ROLES',
    'what this process does: answer requests (api), do the work (worker)',
    roleList,
  ),
  host: setting('HOST', 'address to listen on', text('127.0.0.1')),
  port: setting(
    'PORT',
    'port to listen on; 0: any free',
    integer({ min: 0, max: 65_535, otherwise: 8_080 }),
  ),
  home: setting('UNWIND_HOME', 'directory of the database and the keys', text('.unwind')),
  databaseUrl: setting('DATABASE_URL', 'a PostgreSQL 15 to 18 to use instead', databaseUrl),
  databasePrepare: setting(
    'UNWIND_DATABASE_PREPARE',
    'named prepared statements; off for PgBouncer before 1.21',
    onOff('on'),
  ),
  databaseSessionSettings: setting(
    'UNWIND_DATABASE_SESSION_SETTINGS',
    'timeouts set when connecting; off for PgBouncer, then set them for the role',
    onOff('on'),
  ),
  databaseConnections: setting(
    'UNWIND_DATABASE_CONNECTIONS',
    'connections for requests; loops and the venue take 14 more',
    integer({ min: 1, max: 500, otherwise: 16 }),
  ),
  keyFile: setting(
    'UNWIND_KEY_FILE',
    'file of 32 random bytes in base64 that encrypts the keys of webhooks; live mode needs it, closed to others',
    optionalText,
  ),
  releaseDelayMs: setting(
    'UNWIND_RELEASE_DELAY_MS',
    'how long a liquidation stays NEW and can be cancelled, in ms; default 2000 sandbox, 0 live',
    {
      shape: 'whole number, 0 to 86400000',
      read: (given) =>
        given === undefined ? undefined : integer({ min: 0, max: dayMs, otherwise: 0 }).read(given),
    },
  ),
  liquidationRoundsMax: setting(
    'UNWIND_LIQUIDATION_ROUNDS',
    'rounds of orders after which a liquidation ends with what was sold',
    integer({ min: 1, max: 10_000, otherwise: 100 }),
  ),
  liquidationDaysMax: setting(
    'UNWIND_LIQUIDATION_DAYS',
    'days of market time after which a liquidation ends with what was sold',
    integer({ min: 1, max: 365, otherwise: 30 }),
  ),
  venue: setting(
    'UNWIND_VENUE',
    'where orders go: there is only the simulated venue yet, and live mode has to name it',
    optionalText,
  ),
  venueDelayMs: setting(
    'UNWIND_VENUE_DELAY_MS',
    'within how many ms the simulated venue reports on an order',
    integer({ min: 0, max: 60_000, otherwise: 800 }),
  ),
  webhookTimeoutMs: setting(
    'UNWIND_WEBHOOK_TIMEOUT_MS',
    'how long a receiver may take to answer, in ms',
    integer({ min: 100, max: 60_000, otherwise: 15_000 }),
  ),
  webhookSetAsideMinutes: setting(
    'UNWIND_WEBHOOK_SET_ASIDE_MINUTES',
    'how long an event that a receiver refuses while it takes others is tried again, in minutes',
    integer({ min: 1, max: 10_080, otherwise: 60 }),
  ),
  webhookNetworks: setting(
    'UNWIND_WEBHOOK_NETWORKS',
    'networks of your own that receivers may be in, such as 10.20.0.0/16,fd12::/48',
    networks,
  ),
  idempotencyRetentionDays: setting(
    'UNWIND_IDEMPOTENCY_DAYS',
    'how long an idempotency key is remembered, in days',
    integer({ min: 1, max: 365, otherwise: 30 }),
  ),
  requestsPerS: setting(
    'UNWIND_REQUESTS_PER_SECOND',
    'requests a second of one client before 429, for each process; 0: no limit; default 200 live, 0 sandbox',
    {
      shape: 'whole number, 0 to 1000000',
      read: (given) => (given === undefined ? undefined : rate.read(given)),
    },
  ),
  failuresPerS: setting(
    'UNWIND_FAILURES_PER_SECOND',
    'failed authentications a second from one address before 429, for each process; 0: no limit',
    integer({ min: 0, max: 1_000_000, otherwise: 50 }),
  ),
  trustedProxies: setting(
    'UNWIND_TRUSTED_PROXIES',
    'proxies in front whose x-forwarded-for names the address of the client',
    networks,
  ),
  errorsUrl: setting(
    'UNWIND_ERRORS_URL',
    'where the pages of errors are reached: the type of an error is then a URL below it',
    errorsUrl,
  ),
  stopTimeoutMs: setting(
    'UNWIND_STOP_TIMEOUT_MS',
    'how long a stop may take before the process ends anyway, in ms; nothing is lost by that',
    integer({ min: 1_000, max: 600_000, otherwise: 20_000 }),
  ),
  metrics: setting(
    'UNWIND_METRICS',
    'GET /metrics for Prometheus, for anybody who reaches the port; default on sandbox, off live',
    {
      shape: 'on or off',
      read: (given) => (given === undefined ? undefined : onOff('off').read(given)),
    },
  ),
  logLevel: setting('UNWIND_LOG_LEVEL', 'what is logged to standard error', {
    shape: 'debug or info or warn or error or silent; default info for start, else warn',
    read: (given) => (given === undefined ? undefined : logLevel.read(given)),
  }),
} as const;

const sandboxReleaseDelayMs = 2_000;
const liveRequestsPerS = 200;

/** Reads and checks all settings. @throws ConfigError that names every wrong one. */
export function readConfig(environment: Environment): Config {
  const faults: string[] = [];
  const read = <T>({ name, read }: Setting<T>): T | undefined => {
    try {
      return read(environment[name] === '' ? undefined : environment[name]);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      faults.push(`${name} ${error.message}.`);
      return undefined;
    }
  };
  const values = {
    mode: read(settings.mode) ?? 'sandbox',
    roles: read(settings.roles) ?? new Set<Role>(),
    host: read(settings.host) ?? '',
    port: read(settings.port) ?? 0,
    home: resolve(read(settings.home) ?? ''),
    databaseUrl: read(settings.databaseUrl),
    databasePrepare: read(settings.databasePrepare) ?? true,
    databaseSessionSettings: read(settings.databaseSessionSettings) ?? true,
    databaseConnections: read(settings.databaseConnections) ?? 0,
    keyFile: read(settings.keyFile),
    venueDelayMs: read(settings.venueDelayMs) ?? 0,
    webhookTimeoutMs: read(settings.webhookTimeoutMs) ?? 0,
    webhookSetAsideMs: (read(settings.webhookSetAsideMinutes) ?? 0) * 60_000,
    webhookNetworks: read(settings.webhookNetworks) ?? [],
    idempotencyRetentionMs: (read(settings.idempotencyRetentionDays) ?? 0) * dayMs,
    failuresPerS: read(settings.failuresPerS) ?? 0,
    trustedProxies: read(settings.trustedProxies) ?? [],
    errorsUrl: read(settings.errorsUrl),
    stopTimeoutMs: read(settings.stopTimeoutMs) ?? 0,
    endLimits: {
      roundsMax: read(settings.liquidationRoundsMax) ?? 0,
      ageMsMax: (read(settings.liquidationDaysMax) ?? 0) * dayMs,
    },
    logLevel: read(settings.logLevel),
  };
  const metrics = read(settings.metrics) ?? values.mode === 'sandbox';
  const requestsPerS =
    read(settings.requestsPerS) ?? (values.mode === 'sandbox' ? 0 : liveRequestsPerS);
  const releaseDelayMs =
    read(settings.releaseDelayMs) ?? (values.mode === 'sandbox' ? sandboxReleaseDelayMs : 0);
  const venue = read(settings.venue);
  if (venue !== undefined && venue !== 'simulated') faults.push('UNWIND_VENUE is not simulated.');
  if (values.mode === 'live' && venue === undefined) {
    faults.push('UNWIND_VENUE is needed in live mode; the simulated venue sells nothing real.');
  }
  if (values.mode === 'live' && values.keyFile === undefined) {
    faults.push('UNWIND_KEY_FILE is needed in live mode.');
  }
  if (faults.length > 0) throw new ConfigError(faults.join('\n'));
  return { ...values, releaseDelayMs, requestsPerS, metrics };
}

/** The file that seals keys: the one configured, or the sandbox's own. */
export function keyFileOf(config: Config): string {
  return config.keyFile ?? join(config.home, 'key');
}
