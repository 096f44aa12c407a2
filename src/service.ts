// Joins the rooms into the running service and takes them apart again in the right order.

import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import type { Dispatcher } from 'undici';
import { auditConnectionsMax } from './audit/run-audit.ts';
import type { Seal } from './auth/seal.ts';
import { systemStopwatch } from './clock.ts';
import { linkAddress, makeLink } from './console/sessions.ts';
import { connect, openPools, type Pools } from './db/connect.ts';
import { DatabaseClock } from './db/database-clock.ts';
import { expectedSchema } from './db/migrate.ts';
import { type AddressPolicy, receiverPolicyOf } from './egress/address.ts';
import { receiverAgent } from './egress/post.ts';
import { buildEngine, type Engine } from './engine.ts';
import { buildApp, buildMetricsApp } from './http/app.ts';
import { openIdSignIn } from './http/console-openid.ts';
import { readinessOf } from './http/readiness.ts';
import { drawIdsFrom } from './ids.ts';
import { Metrics } from './metrics/metrics.ts';
import { Recorder } from './recording/recorder.ts';
import { openKeeper } from './reservations/keeper.ts';
import { ensureCertificate } from './sandbox/certificate.ts';
import { ensureSandboxClient, type SandboxClient } from './sandbox/sandbox-client.ts';
import { type Config, ConfigError } from './settings/config.ts';
import { isOverTls, signsInByLink, wayIntoConsole } from './settings/console-settings.ts';
import {
  type Database,
  explained,
  openDatabase,
  prepareDatabase,
  reachDatabase,
} from './settings/database.ts';
import { isSimulated } from './settings/demands.ts';
import { Exposure } from './settings/exposure.ts';
import { openKeyFile, refuseOtherKeyFile } from './settings/key-file.ts';
import { checkAddress, explainListening } from './settings/listen.ts';
import { recordStart } from './settings/start-act.ts';
import { openCheckpoints } from './settings/trail-key.ts';
import { openVenues } from './venue/open-venue.ts';
import type { Count } from './work/figures.ts';
import { newHolder } from './work/holder.ts';

export interface Service {
  /** Where it listens, such as `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Sandbox mode and role api only. */
  readonly sandbox: SandboxClient | undefined;
  /** The authority that clients have to trust, where it speaks TLS. */
  readonly caFile: string | undefined;
  /** The address that signs one person in at the console, once; where links do and are printed. */
  readonly consoleLink: string | undefined;
  /** Answers what has begun, lets steps end, closes everything. Idempotent. */
  stop(): Promise<void>;
}

export interface StartOptions {
  readonly log: Logger;
  /** Ends the wait for a database that is down. */
  readonly signal: AbortSignal;
  /** False: a database whose schema does not serve this version is refused, not migrated. */
  readonly migrates: boolean;
  /** Whether a sandbox speaks TLS, by a certificate of its own. */
  readonly usesTls: boolean;
  /** Whether a person reads what the start prints, who may then sign in by a link in it. */
  readonly printsLink: boolean;
  /** Called when the embedded database died and could not be started again. */
  readonly onLost: (error: unknown) => void;
}

/** A venue is a party of its own: it does not share the connections of the service. */
const venueConnections = 4;
const venueConnectionsMax = 16;
const loopConnections = 12;

/** Said at every start, by `/readyz` and on the first page. */
export const simulatedFillsWarning =
  'LIVE MODE WITH A SIMULATED VENUE: fills are invented, nothing is sold (UNWIND_SIMULATE_FILLS=yes).';

const noTlsInLive =
  '--tls makes a certificate that only a sandbox can use. In live mode put a proxy in front that ends TLS, and ' +
  'set UNWIND_TLS_PROXY=yes.';

/** Closes what was opened, last first; also when starting fails half-way. */
class Opened {
  readonly #closers: (() => Promise<void>)[] = [];
  #closing: Promise<void> | undefined;

  add(close: () => Promise<void>): void {
    this.#closers.unshift(close);
  }

  close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #closeAll(): Promise<void> {
    for (const close of this.#closers) await close();
  }
}

/**
 * Starts the service.
 *
 * @throws ConfigError, DatabaseFaultError, EmbeddedError, MigrationError, and the reason of the signal when
 *   it ends the wait for the database.
 */
export async function startService(config: Config, options: StartOptions): Promise<Service> {
  const opened = new Opened();
  try {
    return await start(config, options, opened);
  } catch (error) {
    await opened.close();
    throw error;
  }
}

async function start(config: Config, options: StartOptions, opened: Opened): Promise<Service> {
  const { log } = options;
  const { mode, roles, listen, webhooks, record, requests } = config;
  if (options.usesTls && mode !== 'sandbox') throw new ConfigError(noTlsInLive);
  await checkAddress(listen);
  const seal = await openKeyFile(config);
  const { database, pools, clock } = await openReady(config, { ...options, seal }, opened);
  const exposure = await Exposure.read(pools.loops, clock, {
    mode,
    isApi: roles.has('api'),
    host: listen.host,
    trustedProxies: config.requests.trustedProxies,
    log,
  });
  const unfollow = exposure.follow(systemStopwatch);
  opened.add(async () => unfollow());
  const policy = receiverPolicyOf({
    isLocal: () => exposure.isLocal,
    webhookNetworks: webhooks.networks,
  });
  const agent = receiverAgent({ policy, timeoutMs: webhooks.timeoutMs });
  opened.add(() => agent.close());
  const probes = connect({ ...database.options, max: 1, applicationName: 'unwind probes' });
  opened.add(() => probes.end());
  const metrics: Metrics | undefined = config.metrics
    ? new Metrics({
        sql: probes,
        clock,
        loops: () => engine?.loops() ?? {},
        pools: { requests: pools.requests, loops: pools.loops },
        signing: () => engine?.signing(),
      })
    : undefined;
  const count = metrics?.count;
  const engine: Engine | undefined = roles.has('worker')
    ? await openEngine(config, { log, seal, agent, pools, clock, database, count, opened, policy })
    : undefined;
  let isStopping = false;
  const warning = isSimulatedLive(config) ? simulatedFillsWarning : undefined;
  const watched = {
    sql: probes,
    now: () => clock.now(),
    expectedSchema: await expectedSchema(),
    databaseUrl: database.options.url,
    ...{ loops: engine?.loops, signing: () => engine?.signing() },
    clock: () => clock.describe(),
    isStopping: () => isStopping,
    notices: warning === undefined ? {} : { venue: warning },
  };
  const certificate = options.usesTls
    ? await ensureCertificate(config.home, { host: listen.host, now: clock.now() })
    : undefined;
  const app = buildApp({
    isSandbox: mode === 'sandbox',
    isApi: roles.has('api'),
    contract: config.contract,
    metrics,
    showsMetrics: config.metricsPort === 0,
    requests,
    liquidations: config.liquidations,
    webhooks: { timeoutMs: webhooks.timeoutMs, policy },
    sql: pools.requests,
    clock,
    readiness: readinessOf(watched, systemStopwatch),
    certificate,
    recorder: record === undefined ? undefined : await Recorder.open({ directory: record, log }),
    console: {
      signIn: wayIntoConsole(config),
      isTls: certificate !== undefined || requests.endsTlsAtProxy || isOverTls(config),
      openId: openIdSignIn(config.console, { log, seal }),
      openAuditPool: () => {
        const max = auditConnectionsMax;
        return connect({ ...database.options, max, applicationName: 'unwind audit' });
      },
    },
    ...{ log, seal, agent, engine, warning },
  });
  opened.add(() => app.close());
  await app.listen(listen).catch((error) => {
    throw explainListening(error, listen);
  });
  if (metrics !== undefined && config.metricsPort !== 0) {
    const aside = { host: listen.host, port: config.metricsPort };
    const sql = pools.requests;
    const metricsApp = buildMetricsApp({ metrics, sql, clock, requests, log });
    opened.add(() => metricsApp.close());
    await metricsApp.listen(aside).catch((error) => {
      throw explainListening(error, aside);
    });
  }
  const caFile = certificate?.caFile;
  const scheme = certificate === undefined ? 'http' : 'https';
  const url = `${scheme}://${authorityOf(listen, app.server.address() as AddressInfo)}`;
  const ofSandbox = { home: config.home, seal, baseUrl: url, caFile, contract: config.contract };
  const sandbox =
    mode === 'sandbox' && roles.has('api')
      ? await ensureSandboxClient(pools.requests, clock, ofSandbox)
      : undefined;
  const consoleLink =
    options.printsLink && roles.has('api') && signsInByLink(config)
      ? linkAddress(url, await makeLink(pools.requests, clock, sandboxPerson))
      : undefined;
  await recordStart(pools.loops, clock, config);
  await engine?.start();
  const stop = () => {
    isStopping = true;
    return opened.close();
  };
  return { url, sandbox, consoleLink, caFile, stop };
}

/** Opens the database, waits for it where it is down, and brings it to this version. */
async function openReady(
  config: Config,
  { log, signal, migrates, onLost, seal }: StartOptions & { readonly seal: Seal },
  opened: Opened,
): Promise<{ database: Database; pools: Pools; clock: DatabaseClock }> {
  const database = await openDatabase(config, log, onLost);
  opened.add(() => database.close());
  const { url } = database.options;
  const pools = openPools({
    ...database.options,
    maxRequests: config.database.connections,
    maxLoops: loopConnections,
  });
  opened.add(() => pools.close());
  await reachDatabase(pools.loops, {
    url,
    signal,
    onWait: (fault, waitMs) => log.warn({ fault, wait_ms: waitMs }, 'database.waiting'),
    onReached: () => log.info('database.reached'),
  });
  try {
    const clock = await DatabaseClock.read(pools.loops, { log });
    const unfollow = clock.follow();
    opened.add(async () => unfollow());
    drawIdsFrom(clock);
    await prepareDatabase(pools.loops, clock, config, migrates);
    await refuseOtherKeyFile(pools.loops, config, seal);
    return { database, pools, clock };
  } catch (error) {
    throw explained(error, url);
  }
}

interface EngineParts {
  readonly policy: AddressPolicy;
  readonly log: Logger;
  readonly seal: Seal;
  readonly agent: Dispatcher;
  readonly pools: Pools;
  readonly clock: DatabaseClock;
  readonly database: Database;
  readonly count: Count | undefined;
  readonly opened: Opened;
}

async function openEngine(config: Config, parts: EngineParts): Promise<Engine> {
  const { log, seal, agent, pools, clock, database, count, opened, policy } = parts;
  const venueSql = connect({
    ...database.options,
    max: Math.min(venueConnections * (config.venue.profiles?.length ?? 1), venueConnectionsMax),
    plansAnew: true,
    applicationName: 'unwind venue',
  });
  opened.add(() => venueSql.end());
  const holder = newHolder(config.listen);
  const { venues, start, stop } = openVenues({
    sql: venueSql,
    clock,
    holder,
    log,
    profiles: config.venue.profiles,
    delayMs: config.venue.delayMs,
  });
  opened.add(stop);
  const engine = buildEngine({
    keeper: openKeeper(config.reservations, { sql: pools.loops, clock, seal, agent, policy }),
    sql: pools.loops,
    clock,
    seal,
    agent,
    log,
    venues,
    rateAgeMsMax: config.venue.rateAgeMsMax,
    webhookTimeoutMs: config.webhooks.timeoutMs,
    webhookSetAsideMs: config.webhooks.setAsideMs,
    isSandbox: config.mode === 'sandbox',
    removesFailingWebhooks: config.mode === 'sandbox',
    endLimits: config.liquidations,
    checkpoints: await openCheckpoints(config),
    starts: config.liquidations,
    count,
    holder,
  });
  opened.add(() => engine.stop());
  start();
  return engine;
}

/** Live mode with the venue that only pretends to sell. */
export function isSimulatedLive({ mode, venue }: Pick<Config, 'mode' | 'venue'>): boolean {
  return mode === 'live' && isSimulated(venue);
}

function authorityOf({ host }: Config['listen'], { port }: AddressInfo): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** The person at the terminal of a sandbox. */
export const sandboxPerson = { name: 'operator', role: 'risk' } as const;
