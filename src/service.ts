// Joins the rooms into the running service and takes them apart again in the right order.

import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import type { Dispatcher } from 'undici';
import { Authenticator } from './auth/authenticate.ts';
import type { Seal } from './auth/seal.ts';
import { systemClock } from './clock.ts';
import { connect, openPools, type Sql } from './db/connect.ts';
import { isConnectionError } from './db/errors.ts';
import { expectedSchema, migrate, schemaState } from './db/migrate.ts';
import { FairSlots } from './deliveries/fair-slots.ts';
import { receiverPolicyOf } from './egress/address.ts';
import { receiverAgent } from './egress/post.ts';
import { type Database, openDatabase } from './embedded/database.ts';
import { buildEngine, type Engine } from './engine.ts';
import { bookHandlers } from './http/book-handlers.ts';
import { deliveryHandlers } from './http/delivery-handlers.ts';
import { errorPages } from './http/error-pages.ts';
import { eventHandlers } from './http/event-handlers.ts';
import { inspectRoute } from './http/inspect-route.ts';
import { liquidationHandlers } from './http/liquidation-handlers.ts';
import { marketHandlers } from './http/market-handlers.ts';
import { metricsRoute } from './http/metrics-route.ts';
import { orderHandlers } from './http/order-handlers.ts';
import { positionHandlers } from './http/position-handlers.ts';
import { probes, type Readiness } from './http/probes.ts';
import { Rates } from './http/rates.ts';
import { signedRoutes, type TestHandlers } from './http/routes.ts';
import { buildServer } from './http/server.ts';
import { tokenRoutes } from './http/token-route.ts';
import { webhookHandlers } from './http/webhook-handlers.ts';
import { deliverySigningsMax } from './limits.ts';
import { Metrics } from './metrics/metrics.ts';
import { ensureSandboxClient, type SandboxClient } from './sandbox/sandbox-client.ts';
import type { Config } from './settings/config.ts';
import { openKeyFile, refuseOtherKeyFile } from './settings/key-file.ts';
import { simulatedVenue } from './venue/simulated/simulated-venue.ts';
import { newHolder } from './work/holder.ts';
import { countParked } from './work/parked-store.ts';

export interface Service {
  /** Where it listens, such as `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Sandbox mode and role api only. */
  readonly sandbox: SandboxClient | undefined;
  /** Answers what has begun, lets steps end, closes everything. Idempotent. */
  stop(): Promise<void>;
}

/** The venue is a party of its own: it does not share the connections of the service. */
const venueConnections = 2;
const loopConnections = 12;

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

/** Starts the service. @throws ConfigError, EmbeddedError, MigrationError and what listening throws. */
export async function startService(
  config: Config,
  log: Logger,
  onLost: (error: unknown) => void,
): Promise<Service> {
  const opened = new Opened();
  try {
    return await start(config, { log, opened, onLost });
  } catch (error) {
    await opened.close();
    throw error;
  }
}

interface Starting {
  readonly log: Logger;
  readonly opened: Opened;
  readonly onLost: (error: unknown) => void;
}

async function start(config: Config, { log, opened, onLost }: Starting): Promise<Service> {
  const clock = systemClock;
  const seal = await openKeyFile(config);
  const database = await openDatabase(config, log, onLost);
  opened.add(() => database.close());
  const pools = openPools({
    ...database.options,
    maxRequests: config.databaseConnections,
    maxLoops: loopConnections,
  });
  opened.add(() => pools.close());
  await migrate(pools.loops);
  await refuseOtherKeyFile(pools.loops, config, seal);
  const agent = receiverAgent({
    policy: receiverPolicyOf(config),
    timeoutMs: config.webhookTimeoutMs,
  });
  opened.add(() => agent.close());
  const parts = {
    config,
    log,
    seal,
    agent,
    sql: pools.loops,
    connection: database.options,
    opened,
  };
  const engine = config.roles.has('worker') ? openEngine(parts) : undefined;
  let isStopping = false;
  const expected = await expectedSchema();
  const readiness = () => readinessOf(pools.requests, expected, engine, isStopping);
  const app = buildHttp({ config, log, seal, agent, engine, readiness, sql: pools.requests });
  opened.add(() => app.close());
  await app.listen({ host: config.host, port: config.port });
  const url = urlOf(config, app.server.address() as AddressInfo);
  const { home } = config;
  const sandbox =
    config.mode === 'sandbox' && config.roles.has('api')
      ? await ensureSandboxClient(pools.requests, clock, { home, seal, baseUrl: url })
      : undefined;
  await engine?.start();
  return {
    url,
    sandbox,
    stop: () => {
      isStopping = true;
      return opened.close();
    },
  };
}

interface EngineParts {
  readonly config: Config;
  readonly log: Logger;
  readonly seal: Seal;
  readonly agent: Dispatcher;
  readonly sql: Sql;
  readonly connection: Database['options'];
  readonly opened: Opened;
}

function openEngine({ config, log, seal, agent, sql, connection, opened }: EngineParts): Engine {
  const venueSql = connect({
    ...connection,
    max: venueConnections,
    plansAnew: true,
    applicationName: 'unwind venue',
  });
  opened.add(() => venueSql.end());
  const { webhookTimeoutMs, webhookSetAsideMs } = config;
  const engine = buildEngine({
    sql,
    clock: systemClock,
    seal,
    agent,
    log,
    venue: simulatedVenue(venueSql, systemClock, config.venueDelayMs),
    webhookTimeoutMs,
    webhookSetAsideMs,
    removesFailingWebhooks: config.mode === 'sandbox',
    endLimits: config.endLimits,
    holder: newHolder(config),
  });
  opened.add(() => engine.stop());
  return engine;
}

interface HttpParts {
  readonly config: Config;
  readonly log: Logger;
  readonly seal: Seal;
  readonly agent: Dispatcher;
  /** Undefined where other processes do the work; they look for it by themselves. */
  readonly engine: Engine | undefined;
  readonly readiness: () => Promise<Readiness>;
  readonly sql: Sql;
}

/** Every process answers the probes; requests only in the role api. */
function buildHttp({
  config,
  log,
  seal,
  agent,
  engine,
  readiness,
  sql,
}: HttpParts): FastifyInstance {
  const clock = systemClock;
  const authenticator = new Authenticator(sql, clock);
  const rates = new Rates(clock, config);
  const loops = () => engine?.loops() ?? {};
  const metrics = config.metrics ? new Metrics({ sql, clock, loops }) : undefined;
  const server = {
    ...(metrics === undefined ? {} : { onAnswer: metrics.answered.bind(metrics) }),
    authenticator,
    rates,
    problems: { showSignatureBase: config.mode === 'sandbox', errorsUrl: config.errorsUrl },
    trustedProxies: config.trustedProxies,
    log,
  };
  const watching = [...probes(readiness), ...(metrics ? [metricsRoute(metrics)] : [])];
  if (!config.roles.has('api')) return buildServer({ ...server, routes: [], open: watching });
  const liquidations = liquidationHandlers({
    sql,
    clock,
    settings: config,
    onCreated: () => engine?.wakeRelease(),
    onEvent: () => engine?.wakePublish(),
  });
  const ofWebhooks = {
    sql,
    clock,
    seal,
    agent,
    signings: new FairSlots(deliverySigningsMax),
    timeoutMs: config.webhookTimeoutMs,
    policy: receiverPolicyOf(config),
    onChanged: () => engine?.wakeDeliver(),
  };
  return buildServer({
    ...server,
    routes: signedRoutes({
      liquidations,
      webhooks: webhookHandlers(ofWebhooks),
      deliveries: deliveryHandlers(ofWebhooks),
      events: eventHandlers({ sql }),
      book: bookHandlers({ sql }),
      orders: orderHandlers({ sql }),
      tests: testHandlersOf(config, sql),
    }),
    open: [
      ...tokenRoutes({ sql, clock, authenticator, rates }),
      ...(config.mode === 'sandbox' ? [inspectRoute({ sql, clock, rates })] : []),
      ...errorPages(),
      ...watching,
    ],
  });
}

/** What a sandbox can be told besides the contract; in live mode nothing. */
function testHandlersOf(config: Config, sql: Sql): TestHandlers | undefined {
  if (config.mode === 'live') return undefined;
  const options = { sql, clock: systemClock, settings: config };
  return { positions: positionHandlers(options), market: marketHandlers(options) };
}

/** Ready is a process that reaches a database of its version and whose loops, if it has any, run. */
async function readinessOf(
  sql: Sql,
  expected: number,
  engine: Engine | undefined,
  isStopping: boolean,
): Promise<Readiness> {
  const loops = Object.entries(engine?.loops() ?? {});
  const unhealthy = loops.flatMap(([name, isRunning]) => (isRunning ? [] : [name]));
  const running = unhealthy.length === 0 ? 'running' : `not running: ${unhealthy.join(', ')}`;
  const others = {
    ...(engine === undefined ? {} : { loops: running }),
    ...(isStopping ? { service: 'stopping' } : {}),
  };
  try {
    const schema = await schemaState(sql, expected);
    const serves = schema === 'current' || schema === 'ahead, compatible';
    const ready = serves && unhealthy.length === 0 && !isStopping;
    // What waits for a person does not stop the rest, so it does not make the service unready.
    const parked = serves ? String(await countParked(sql)) : 'unknown';
    return { ready, checks: { database: 'reached', schema, parked, ...others } };
  } catch (error) {
    if (!isConnectionError(error)) throw error;
    return {
      ready: false,
      checks: { database: 'not reached', schema: 'unknown', parked: 'unknown', ...others },
    };
  }
}

function urlOf(config: Config, address: AddressInfo): string {
  const host = config.host.includes(':') ? `[${config.host}]` : config.host;
  return `http://${host}:${address.port}`;
}
