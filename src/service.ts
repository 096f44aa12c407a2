// Joins the rooms into the running service and takes them apart again in the right order.

import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import ipaddr from 'ipaddr.js';
import type { Logger } from 'pino';
import { Authenticator } from './auth/authenticate.ts';
import { systemClock } from './clock.ts';
import type { Config } from './config.ts';
import { openDatabase } from './database.ts';
import { connect, openPools, type Sql } from './db/connect.ts';
import { isConnectionError } from './db/errors.ts';
import { migrate, schemaState } from './db/migrate.ts';
import { buildEngine, type Engine } from './engine.ts';
import { errorPages } from './http/error-pages.ts';
import { liquidationHandlers } from './http/liquidation-handlers.ts';
import { positionHandlers } from './http/position-handlers.ts';
import { probes, type Readiness } from './http/probes.ts';
import { Rates } from './http/rates.ts';
import { signedRoutes, type TestHandlers } from './http/routes.ts';
import { buildServer } from './http/server.ts';
import { tokenRoute } from './http/token-route.ts';
import { webhookHandlers } from './http/webhook-handlers.ts';
import { openKeyFile } from './key-file.ts';
import { ensureSandboxClient, type SandboxClient } from './sandbox.ts';
import { simulatedVenue } from './venue/simulated/simulated-venue.ts';
import type { AddressPolicy } from './webhooks/address.ts';
import { receiverAgent } from './webhooks/post.ts';

export interface Service {
  /** Where it listens, such as `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Sandbox mode only. */
  readonly sandbox: SandboxClient | undefined;
  /** Answers what has begun, lets steps end, closes everything. Idempotent. */
  stop(): Promise<void>;
}

/** The venue is a party of its own: it does not share the connections of the service. */
const venueConnections = 2;
const loopConnections = 8;

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
  const venueSql = connect({
    ...database.options,
    max: venueConnections,
    plansAnew: true,
    applicationName: 'unwind venue',
  });
  opened.add(() => venueSql.end());
  const policy = addressPolicyOf(config);
  const agent = receiverAgent({ policy, timeoutMs: config.webhookTimeoutMs });
  opened.add(() => agent.close());
  const engine = buildEngine({
    sql: pools.loops,
    clock,
    seal,
    agent,
    log,
    venue: simulatedVenue(venueSql, clock, config.venueDelayMs),
    webhookTimeoutMs: config.webhookTimeoutMs,
  });
  opened.add(() => engine.stop());
  const app = buildHttp({ config, log, engine, policy, sql: pools.requests });
  opened.add(() => app.close());
  await app.listen({ host: config.host, port: config.port });
  const url = urlOf(config, app.server.address() as AddressInfo);
  const { home } = config;
  const sandbox =
    config.mode === 'sandbox'
      ? await ensureSandboxClient(pools.requests, clock, { home, seal, baseUrl: url })
      : undefined;
  engine.start();
  return { url, sandbox, stop: () => opened.close() };
}

interface HttpParts {
  readonly config: Config;
  readonly log: Logger;
  readonly engine: Engine;
  readonly policy: AddressPolicy;
  readonly sql: Sql;
}

function buildHttp({ config, log, engine, policy, sql }: HttpParts): FastifyInstance {
  const clock = systemClock;
  const authenticator = new Authenticator(sql, clock);
  const liquidations = liquidationHandlers({
    sql,
    clock,
    settings: config,
    onCreated: () => engine.wakeRelease(),
    onEvent: () => engine.wakePublish(),
  });
  const webhooks = webhookHandlers({ sql, clock, policy, onChanged: () => engine.wakeDeliver() });
  const rates = new Rates(clock, config);
  return buildServer({
    routes: signedRoutes({ liquidations, webhooks, tests: testHandlersOf(config, sql) }),
    open: [
      tokenRoute({ sql, clock, authenticator, rates }),
      ...errorPages(),
      ...probes(() => readinessOf(sql, engine)),
    ],
    authenticator,
    rates,
    problems: { showSignatureBase: config.mode === 'sandbox', errorsUrl: config.errorsUrl },
    trustedProxies: config.trustedProxies,
    log,
  });
}

/** What a sandbox can be told besides the contract; in live mode nothing. */
function testHandlersOf(config: Config, sql: Sql): TestHandlers | undefined {
  if (config.mode === 'live') return undefined;
  return { positions: positionHandlers({ sql, clock: systemClock, settings: config }) };
}

async function readinessOf(sql: Sql, engine: Engine): Promise<Readiness> {
  const unhealthy = engine.unhealthy();
  const loops = unhealthy.length === 0 ? 'running' : `not running: ${unhealthy.join(', ')}`;
  try {
    const schema = await schemaState(sql);
    const ready = schema === 'current' && unhealthy.length === 0;
    return { ready, checks: { database: 'reached', schema, loops } };
  } catch (error) {
    if (!isConnectionError(error)) throw error;
    return { ready: false, checks: { database: 'not reached', schema: 'unknown', loops } };
  }
}

/** Where webhooks may go: one policy for registering a receiver and for delivering to it. */
function addressPolicyOf(config: Config): AddressPolicy {
  return { allowLoopback: config.mode === 'sandbox' && isLoopback(config.host) };
}

function isLoopback(host: string): boolean {
  if (host === 'localhost') return true;
  return ipaddr.isValid(host) && ipaddr.process(host).range() === 'loopback';
}

function urlOf(config: Config, address: AddressInfo): string {
  const host = config.host.includes(':') ? `[${config.host}]` : config.host;
  return `http://${host}:${address.port}`;
}
