// Joins the handlers of all rooms into the HTTP side of a process.

import type { FastifyInstance } from 'fastify';
import type { Dispatcher } from 'undici';
import { Authenticator } from '../auth/authenticate.ts';
import type { Seal } from '../auth/seal.ts';
import type { Contract } from '../auth/store.ts';
import { type Clock, systemStopwatch } from '../clock.ts';
import { Audits } from '../console/audits.ts';
import type { Sql } from '../db/connect.ts';
import { FairSlots } from '../deliveries/sharing.ts';
import type { AddressPolicy } from '../egress/address.ts';
import { deliverySigningsMax, testTimeoutMsMax, tunnelWaitMs } from '../limits.ts';
import type { CreateSettings } from '../liquidations/create-liquidation.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { Recorder } from '../recording/recorder.ts';
import { tunnelReceiver } from '../tunnels/serve-tunnels.ts';
import { approvalHandlers } from './approval-handlers.ts';
import { batchHandlers } from './batch-handlers.ts';
import { bookHandlers } from './book-handlers.ts';
import { consoleOperations } from './console-gate.ts';
import { type ConsoleOptions, consoleRoutes } from './console-routes.ts';
import { controlHandlers } from './control-handlers.ts';
import { deliveryHandlers } from './delivery-handlers.ts';
import { errorPages } from './error-pages.ts';
import { eventHandlers } from './event-handlers.ts';
import { EventStreams } from './event-streams.ts';
import { faultHandlers } from './fault-handlers.ts';
import { haltHandlers } from './halt-handlers.ts';
import { inspectRoute } from './inspect-route.ts';
import { liquidationHandlers } from './liquidation-handlers.ts';
import { marketHandlers } from './market-handlers.ts';
import { onboardingHandlers } from './onboarding-handlers.ts';
import { orderHandlers } from './order-handlers.ts';
import { originReader } from './origin.ts';
import { overviewHandlers } from './overview-handlers.ts';
import { parkedHandlers } from './parked-handlers.ts';
import { positionHandlers } from './position-handlers.ts';
import { preTradeHandlers } from './pre-trade-handlers.ts';
import { metricsRoute, probes, type Readiness } from './probes.ts';
import { type RateSettings, Rates } from './rates.ts';
import { signedRoutes } from './routes.ts';
import type { Certificate } from './secure-server.ts';
import { buildServer, type ServerOptions } from './server.ts';
import { statementHandlers } from './statement-handlers.ts';
import { tokenRoutes } from './token-route.ts';
import { trailHandlers } from './trail-handlers.ts';
import { tunnelHandlers, tunnelHealthRoute } from './tunnel-handlers.ts';
import { webhookHandlers } from './webhook-handlers.ts';

export interface AppOptions {
  readonly isSandbox: boolean;
  /** That its document describes. */
  readonly contract: Contract;
  /** False: the process answers the probes alone. */
  readonly isApi: boolean;
  /** The figures of the process. */
  readonly metrics: Metrics | undefined;
  /** Whether this application has `GET /metrics`, or one beside it. */
  readonly showsMetrics: boolean;
  readonly requests: RateSettings & {
    readonly trustedProxies: readonly string[];
    readonly certificateHeader: string | undefined;
    readonly errorsUrl: string | undefined;
    readonly ignoresUnknownScopes: boolean;
  };
  readonly liquidations: CreateSettings;
  readonly webhooks: { readonly timeoutMs: number; readonly policy: AddressPolicy };
  /** Of a sandbox that speaks TLS. */
  readonly certificate: Certificate | undefined;
  /** Keeps requests as files, in a sandbox. */
  readonly recorder: Recorder | undefined;
  readonly sql: Sql;
  readonly clock: Clock;
  readonly log: ServerOptions['log'];
  readonly seal: Seal;
  /** The way out to receivers. */
  readonly agent: Dispatcher;
  readonly readiness: () => Promise<Readiness>;
  /** A sentence that the first page shows in red. */
  readonly warning: string | undefined;
  /** How people sign in at the console, and whether TLS alone leads to it. */
  readonly console: Pick<ConsoleOptions, 'signIn' | 'isTls' | 'openId'> & {
    /** Connections of an audit, while one runs. */
    readonly openAuditPool: () => Sql;
  };
  /** The loops of this process; without them those of other processes find the work. */
  readonly engine: AppEngine | undefined;
}

export interface AppEngine {
  wakeStart(): void;
  wakeRelease(): void;
  wakePublish(): void;
  wakeDeliver(): void;
  loops(): Readonly<Record<string, boolean>>;
}

/** Every process answers the probes; requests only in the role api. */
export function buildApp(options: AppOptions): FastifyInstance {
  const { sql, clock, log, requests, warning, metrics, showsMetrics } = options;
  const authenticator = new Authenticator(sql, clock);
  const rates = new Rates(clock, requests);
  const originOf = originReader(requests);
  const shown = metrics && showsMetrics ? [metricsRoute(metrics)] : [];
  const watching = [...probes(options.readiness), ...shown];
  const server = {
    ...(metrics === undefined ? {} : { onResponse: metrics.answered.bind(metrics) }),
    authenticator,
    rates,
    originOf,
    problems: { showSignatureBase: options.isSandbox, errorsUrl: requests.errorsUrl },
    trustedProxies: requests.trustedProxies,
    log,
    certificate: options.certificate,
    recording: options.recorder && { recorder: options.recorder, clock },
    warning,
    contract: options.contract,
  };
  if (!options.isApi) return buildServer({ ...server, routes: [], open: watching });
  const { openAuditPool: openPool, ...ofConsole } = options.console;
  const audits = new Audits({ sql, clock, openPool, stopwatch: systemStopwatch, log });
  const gate = { ...ofConsole, sql, clock, rates, audits, isSandbox: options.isSandbox };
  const open = [
    ...tokenRoutes({
      ...{ sql, clock, authenticator, rates, originOf },
      ignoresUnknownScopes: requests.ignoresUnknownScopes,
    }),
    ...(options.isSandbox ? [inspectRoute({ sql, clock, rates }), tunnelHealthRoute] : []),
    ...errorPages(),
    ...consoleRoutes(gate),
    ...watching,
  ];
  const streams = new EventStreams({ sql, clock, log, stopwatch: systemStopwatch });
  const routes = routesOf(options, streams);
  const app = buildServer({
    ...server,
    routes,
    open: [...open, ...consoleOperations(routes, gate)],
  });
  app.addHook('preClose', () => streams.stop());
  app.addHook('onClose', async () => {
    await audits.stop();
    await ofConsole.openId?.provider.close();
  });
  streams.start();
  return app;
}

/** `GET /metrics` alone, for a port of its own. */
export function buildMetricsApp(
  options: Pick<AppOptions, 'sql' | 'clock' | 'requests' | 'log'> & { readonly metrics: Metrics },
): FastifyInstance {
  const { sql, clock, requests, log, metrics } = options;
  return buildServer({
    routes: [],
    open: [metricsRoute(metrics)],
    authenticator: new Authenticator(sql, clock),
    rates: new Rates(clock, requests),
    originOf: originReader(requests),
    problems: { showSignatureBase: false, errorsUrl: requests.errorsUrl },
    trustedProxies: requests.trustedProxies,
    log,
  });
}

function routesOf(options: AppOptions, streams: EventStreams): ServerOptions['routes'] {
  const { sql, clock, seal, agent, engine, liquidations: settings, webhooks } = options;
  const ofWebhooks = {
    sql,
    clock,
    seal,
    agent,
    signings: new FairSlots(deliverySigningsMax),
    ...(options.isSandbox ? { inner: tunnelReceiver({ sql, clock }) } : {}),
    policy: webhooks.policy,
    timeoutMs: Math.min(webhooks.timeoutMs, testTimeoutMsMax),
    onChanged: () => engine?.wakeDeliver(),
  };
  // What a sandbox has besides the contract; live mode has none of it.
  const ofTests = { sql, clock, settings };
  const tests = options.isSandbox
    ? {
        onboarding: onboardingHandlers(ofTests),
        positions: positionHandlers(ofTests),
        market: marketHandlers(ofTests),
        faults: faultHandlers({ sql, clock, onChanged: () => engine?.wakeDeliver() }),
        tunnels: tunnelHandlers({ sql, clock, waitMs: tunnelWaitMs }),
      }
    : undefined;
  return signedRoutes({
    liquidations: liquidationHandlers({
      sql,
      clock,
      settings,
      onCreated: () => engine?.wakeRelease(),
      onEvent: () => engine?.wakePublish(),
    }),
    webhooks: webhookHandlers(ofWebhooks),
    deliveries: deliveryHandlers(ofWebhooks),
    events: eventHandlers({ sql, streams }),
    book: bookHandlers({ sql }),
    orders: orderHandlers({ sql }),
    control: controlHandlers({ sql, clock }),
    halts: haltHandlers({ sql, clock, settings }),
    preTrade: preTradeHandlers({ sql, clock, settings }),
    approvals: approvalHandlers({ sql, clock, settings, onDecided: () => engine?.wakeStart() }),
    batches: batchHandlers({ sql, clock, settings, onChanged: () => engine?.wakeStart() }),
    overview: overviewHandlers({ sql, clock }),
    trail: trailHandlers({ sql }),
    parked: parkedHandlers({ sql, clock }),
    statements: statementHandlers({ sql, clock, seal }),
    tests,
  });
}
