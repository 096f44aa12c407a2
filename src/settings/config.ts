// The settings of the service, read once from the environment and checked as a whole: every wrong one
// is named before anything starts. Each room is handed its own slice.

import { join } from 'node:path';
import { contracts } from '../auth/store.ts';
import { consoleSettings, missingOfOpenId } from './console-settings.ts';
import { faultsBetween } from './demands.ts';
import { misspelt } from './misspelt.ts';
import {
  databaseUrl,
  directory,
  errorsUrl,
  headerName,
  integer,
  keeperUrl,
  type Mode,
  networks,
  oneOf,
  onOff,
  optionalDirectory,
  optionalText,
  roleList,
  type Setting,
  setting,
  shownSettings,
  text,
  venuesFile,
  yesNo,
} from './setting.ts';

export type { Mode } from './setting.ts';

/** Settings that are wrong, one sentence each. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

type Environment = Readonly<Record<string, string | undefined>>;

const minuteMs = 60_000;
const dayMs = 24 * 3_600_000;
const hourMs = 3_600_000;

/** Every setting there is, by the room that reads it; the table in docs/configuration.md is made of it. */
export const settings = {
  mode: setting('UNWIND_MODE', 'sandbox or live', oneOf(['sandbox', 'live']).otherwise('sandbox')),
  roles: setting(
    'UNWIND_ROLES',
    'what this process does: answer requests (api), do the work (worker)',
    roleList,
  ),
  contract: setting(
    'UNWIND_CONTRACT',
    'the version of the contract that new clients follow and /openapi.json describes: 2023, the reference, or 2026, which knows SETTLED (docs/integrators/contract-2026.md)',
    oneOf(contracts).otherwise('2023'),
  ),
  home: setting('UNWIND_HOME', 'directory of the database and the keys', directory('.unwind')),
  stopTimeoutMs: setting(
    'UNWIND_STOP_TIMEOUT_MS',
    'how long a stop may take before the process ends anyway, in ms; nothing is lost by that',
    integer({ min: 1_000, max: 600_000, otherwise: 20_000 }),
  ),
  listen: {
    host: setting('HOST', 'address to listen on', text('127.0.0.1')),
    port: setting(
      'PORT',
      'port to listen on; 0: any free',
      integer({ min: 0, max: 65_535, otherwise: 8_080 }),
    ),
  },
  database: {
    url: setting('DATABASE_URL', 'a PostgreSQL 15 to 18 to use instead', databaseUrl),
    prepare: setting(
      'UNWIND_DATABASE_PREPARE',
      'named prepared statements; off for PgBouncer before 1.21',
      onOff('on'),
    ),
    sessionSettings: setting(
      'UNWIND_DATABASE_SESSION_SETTINGS',
      'timeouts set when connecting; off for PgBouncer, then set them for the role',
      onOff('on'),
    ),
    connections: setting(
      'UNWIND_DATABASE_CONNECTIONS',
      'connections for requests; loops and the venue take 16 more',
      integer({ min: 1, max: 500, otherwise: 16 }),
    ),
  },
  keyFile: setting(
    'UNWIND_KEY_FILE',
    'file of 32 random bytes in base64 that encrypts the keys of webhooks; live mode needs it, readable by its owner alone',
    optionalText,
  ),
  trail: {
    file: setting(
      'UNWIND_TRAIL_FILE',
      'file outside the database to which a worker appends signed checkpoints of the trail (docs/trail.md); one for each process',
      optionalText,
    ),
    keyFile: setting(
      'UNWIND_TRAIL_KEY_FILE',
      'Ed25519 private key (PEM) that signs the checkpoints, readable by its owner alone; a sandbox makes its own',
      optionalText,
    ),
  },
  liquidations: {
    releaseDelayMs: setting(
      'UNWIND_RELEASE_DELAY_MS',
      'how long a liquidation stays NEW and can be cancelled, in ms',
      integer({ min: 0, max: dayMs, otherwise: { sandbox: 2_000, live: 0 } }),
    ),
    roundsMax: setting(
      'UNWIND_LIQUIDATION_ROUNDS',
      'rounds of orders after which a liquidation ends with what was sold',
      integer({ min: 1, max: 10_000, otherwise: 100 }),
    ),
    ageMsMax: setting(
      'UNWIND_LIQUIDATION_DAYS',
      'days of market time after which a liquidation ends with what was sold',
      integer({ min: 1, max: 365, otherwise: 30, unit: dayMs }),
    ),
    idempotencyRetentionMs: setting(
      'UNWIND_IDEMPOTENCY_DAYS',
      'how long an idempotency key is remembered, in days',
      integer({ min: 1, max: 365, otherwise: 30, unit: dayMs }),
    ),
  },
  venue: {
    profiles: setting(
      'UNWIND_VENUES_FILE',
      'where orders go: a JSON file that names the venues and how they are reached (docs/venues/); default the simulated venue',
      venuesFile,
    ),
    name: setting(
      'UNWIND_VENUE',
      'simulated: live mode without a venues file has to name the venue it trades at',
      optionalText,
    ),
    delayMs: setting(
      'UNWIND_VENUE_DELAY_MS',
      'within how many ms the simulated venue reports on an order',
      integer({ min: 0, max: 60_000, otherwise: 800 }),
    ),
    rateAgeMsMax: setting(
      'UNWIND_RATE_HOURS',
      'hours of market time after which a rate of a currency (rates.csv) is too old to sell by',
      integer({ min: 1, max: 8_760, otherwise: 96, unit: hourMs }),
    ),
    simulatesFills: setting(
      'UNWIND_SIMULATE_FILLS',
      'live mode with the simulated venue, which invents its fills and sells nothing; every start says so in red',
      yesNo,
    ),
  },
  reservations: {
    url: setting(
      'UNWIND_RESERVATIONS_URL',
      'the keeper of the holdings, asked before anything is sold (docs/reservations.md); a worker without it waits for one that has it',
      keeperUrl,
    ),
    timeoutMs: setting(
      'UNWIND_RESERVATIONS_TIMEOUT_MS',
      'how long the keeper of the holdings may take to answer, in ms',
      integer({ min: 100, max: 6_000, otherwise: 3_000 }),
    ),
  },
  webhooks: {
    timeoutMs: setting(
      'UNWIND_WEBHOOK_TIMEOUT_MS',
      'how long a receiver may take to answer, in ms',
      integer({ min: 100, max: 60_000, otherwise: 15_000 }),
    ),
    setAsideMs: setting(
      'UNWIND_WEBHOOK_SET_ASIDE_MINUTES',
      'how long an event that a receiver refuses while it takes others is tried again, in minutes',
      integer({ min: 1, max: 10_080, otherwise: 60, unit: minuteMs }),
    ),
    networks: setting(
      'UNWIND_WEBHOOK_NETWORKS',
      'networks of your own that receivers may be in, such as 10.20.0.0/16,fd12::/48',
      networks,
    ),
  },
  requests: {
    requestsPerS: setting(
      'UNWIND_REQUESTS_PER_SECOND',
      'requests a second of one client before 429, for each process; 0: no limit',
      integer({ min: 0, max: 1_000_000, otherwise: { sandbox: 0, live: 200 } }),
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
    certificateHeader: setting(
      'UNWIND_CERTIFICATE_HEADER',
      'header in which these proxies pass on the certificate of the client, which they set or remove on every request (docs/clients.md)',
      headerName,
    ),
    endsTlsAtProxy: setting(
      'UNWIND_TLS_PROXY',
      'whether a proxy in front ends TLS: live mode needs it to listen beyond this machine, since the service speaks plain HTTP',
      yesNo,
    ),
    ignoresUnknownScopes: setting(
      'UNWIND_IGNORE_UNKNOWN_SCOPES',
      'whether a token is issued without the scopes that are not known here; off: 400',
      onOff({ sandbox: 'on', live: 'off' }),
    ),
    errorsUrl: setting(
      'UNWIND_ERRORS_URL',
      'where the pages of errors are reached: the type of an error is then a URL below it',
      errorsUrl,
    ),
  },
  clientFile: setting(
    'UNWIND_CLIENT_FILE',
    'who calls the API in commands that do: a JSON file in the form of sandbox-client.json (docs/cli.md); default the sandbox client',
    optionalDirectory,
  ),
  console: consoleSettings,
  record: setting(
    'UNWIND_RECORD',
    'directory in which a sandbox keeps each request with its verdict, for unwind replay-request; 1,000 files at most',
    optionalDirectory,
  ),
  metrics: setting(
    'UNWIND_METRICS',
    'GET /metrics for Prometheus, for anybody who reaches the port',
    onOff({ sandbox: 'on', live: 'off' }),
  ),
  metricsPort: setting(
    'UNWIND_METRICS_PORT',
    'port for GET /metrics alone, at the same address; 0: the port of the service',
    integer({ min: 0, max: 65_535, otherwise: 0 }),
  ),
  log: {
    level: setting(
      'UNWIND_LOG_LEVEL',
      'what is logged to standard error',
      oneOf(['debug', 'info', 'warn', 'error', 'silent']).optional('info for start, else warn'),
    ),
    format: setting(
      'UNWIND_LOG_FORMAT',
      'lines for people (text) or for machines (json)',
      oneOf(['text', 'json']).optional('text on a terminal, else json'),
    ),
  },
} as const;

type Read<T> = T extends Setting<infer V> ? V : { readonly [K in keyof T]: Read<T[K]> };

/** The settings, read: `config.database` has what the database room needs, and so on. */
export type Config = Read<typeof settings> & {
  /** Whether the mode was set, and is not the default. */
  readonly isModeStated: boolean;
  /** What was set, by name, as it may be shown: without secrets. */
  readonly given: Readonly<Record<string, string>>;
};

interface Group {
  readonly [name: string]: Setting<unknown> | Group;
}

/** All settings in one list, in the order of the table. */
export const allSettings: readonly Setting<unknown>[] = listOf(settings);

function listOf(group: Group): readonly Setting<unknown>[] {
  return Object.values(group).flatMap((one) => (isSetting(one) ? [one] : listOf(one)));
}

function isSetting(one: Setting<unknown> | Group): one is Setting<unknown> {
  return typeof one.read === 'function';
}

/** Reads and checks all settings. @throws ConfigError that names every wrong one. */
export async function readConfig(environment: Environment): Promise<Config> {
  const faults = misspelt(
    environment,
    allSettings.map(({ name }) => name),
  ).map(({ name, meant }) => {
    const hint =
      meant === undefined ? 'docs/configuration.md lists them all' : `did you mean ${meant}?`;
    return `${name} is not a setting: ${hint}${meant === undefined ? '.' : ''}`;
  });
  const given = ({ name }: Setting<unknown>) => environment[name] || undefined;
  const mode: Mode = given(settings.mode) === 'live' ? 'live' : 'sandbox';
  const readOne = async (one: Setting<unknown>): Promise<unknown> => {
    try {
      return await one.read(given(one), mode);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      faults.push(`${one.name} ${error.message}.`);
      return undefined;
    }
  };
  const readAll = async (group: Group): Promise<Readonly<Record<string, unknown>>> => {
    const read: [key: string, value: unknown][] = [];
    for (const [key, one] of Object.entries(group)) {
      read.push([key, await (isSetting(one) ? readOne(one) : readAll(one))]);
    }
    return Object.fromEntries(read);
  };
  const values = (await readAll(settings)) as Read<typeof settings>;
  faults.push(...faultsBetween(values, given(settings.venue.profiles) !== undefined));
  faults.push(...missingOfOpenId(values.console));
  if (faults.length > 0) throw new ConfigError(faults.join('\n'));
  const isModeStated = given(settings.mode) !== undefined;
  return { ...values, isModeStated, given: shownSettings(allSettings, environment) };
}

/** The file that seals keys: the one configured, or the sandbox's own. */
export function keyFileOf({ keyFile, home }: Pick<Config, 'keyFile' | 'home'>): string {
  return keyFile ?? join(home, 'key');
}
