// The HTTP side of the service on a real port, and API clients that send it signed requests. Every
// part of a request can be changed, before it is signed or after. The engine does not run here.
import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import {
  type DialectVersion,
  keyAlgorithm,
  type SigningKey,
  signMessage,
  usualComponents,
} from '@unwind/signatures';
import { Authenticator } from '../../src/auth/authenticate.ts';
import { createClient } from '../../src/auth/create-client.ts';
import type { Scope } from '../../src/auth/scope.ts';
import { sealWith } from '../../src/auth/seal.ts';
import type { Contract, SignaturePolicy } from '../../src/auth/store.ts';
import { type Clock, type Stopwatch, systemStopwatch } from '../../src/clock.ts';
import { Audits } from '../../src/console/audits.ts';
import type { Sql } from '../../src/db/connect.ts';
import { FairSlots } from '../../src/deliveries/sharing.ts';
import { receiverAgent } from '../../src/egress/post.ts';
import { approvalHandlers } from '../../src/http/approval-handlers.ts';
import { batchHandlers } from '../../src/http/batch-handlers.ts';
import { bookHandlers } from '../../src/http/book-handlers.ts';
import { consoleOperations } from '../../src/http/console-gate.ts';
import { type ConsoleOptions, consoleRoutes } from '../../src/http/console-routes.ts';
import { controlHandlers } from '../../src/http/control-handlers.ts';
import { deliveryHandlers } from '../../src/http/delivery-handlers.ts';
import { documentText } from '../../src/http/document-routes.ts';
import { errorPages } from '../../src/http/error-pages.ts';
import { eventHandlers } from '../../src/http/event-handlers.ts';
import { EventStreams } from '../../src/http/event-streams.ts';
import { faultHandlers } from '../../src/http/fault-handlers.ts';
import { haltHandlers } from '../../src/http/halt-handlers.ts';
import { inspectRoute } from '../../src/http/inspect-route.ts';
import { liquidationHandlers } from '../../src/http/liquidation-handlers.ts';
import { marketHandlers } from '../../src/http/market-handlers.ts';
import { onboardingHandlers } from '../../src/http/onboarding-handlers.ts';
import type { OpenRoute } from '../../src/http/open-route.ts';
import { orderHandlers } from '../../src/http/order-handlers.ts';
import { originReader } from '../../src/http/origin.ts';
import { overviewHandlers } from '../../src/http/overview-handlers.ts';
import { parkedHandlers } from '../../src/http/parked-handlers.ts';
import type { SignedRoute } from '../../src/http/pipeline.ts';
import { positionHandlers } from '../../src/http/position-handlers.ts';
import { preTradeHandlers } from '../../src/http/pre-trade-handlers.ts';
import { probes, type Readiness } from '../../src/http/probes.ts';
import { type RateSettings, Rates } from '../../src/http/rates.ts';
import { signedRoutes } from '../../src/http/routes.ts';
import { buildServer, type ServerOptions } from '../../src/http/server.ts';
import { statementHandlers } from '../../src/http/statement-handlers.ts';
import { tokenRoutes } from '../../src/http/token-route.ts';
import { trailHandlers } from '../../src/http/trail-handlers.ts';
import { tunnelHandlers, tunnelHealthRoute } from '../../src/http/tunnel-handlers.ts';
import { webhookHandlers } from '../../src/http/webhook-handlers.ts';
import type { TenantId } from '../../src/ids.ts';
import type { Recorder } from '../../src/recording/recorder.ts';
import { tunnelReceiver } from '../../src/tunnels/serve-tunnels.ts';
import { portOf } from './condition.ts';
import { type AfterTest, afterAll } from './database.ts';
import { type ApiDocument, readDocument } from './document.ts';

export interface HttpOptions {
  readonly sql: Sql;
  readonly clock: Clock;
  /** Default a minute. */
  readonly releaseDelayMs?: number;
  /** Whether webhooks may name receivers on this machine; default false. */
  readonly allowLoopback?: boolean;
  /** Whether there are the routes of a sandbox; default true. */
  readonly isSandbox?: boolean;
  /** Default false, as in live mode. */
  readonly showSignatureBase?: boolean;
  /** Default false, as in live mode. */
  readonly ignoresUnknownScopes?: boolean;
  /** That its document describes; default the reference. */
  readonly contract?: Contract;
  /** Default none, so that `type` is a slug. */
  readonly errorsUrl?: string;
  /** Default none. */
  readonly trustedProxies?: readonly string[];
  /** In which a trusted proxy names the certificate of the client; default none. */
  readonly certificateHeader?: string;
  /** Default no limits. */
  readonly rates?: RateSettings;
  readonly timeouts?: NonNullable<ServerOptions['timeouts']>;
  readonly connections?: NonNullable<ServerOptions['connections']>;
  /** What ages the memory of tokens and clients; default real time. */
  readonly stopwatch?: Stopwatch;
  /** How long a poll of a tunnel waits, in ms; default not at all. */
  readonly tunnelWaitMs?: number;
  /** Keeps requests as files; default none. */
  readonly recorder?: Recorder;
  /** Default a sandbox's, over plain HTTP. */
  readonly console?: Partial<Pick<ConsoleOptions, 'signIn' | 'isTls' | 'openId'>>;
  /** Default ready. */
  readonly readiness?: () => Promise<Readiness>;
}

export interface HttpService {
  readonly port: number;
  readonly clock: Clock;
  readonly authenticator: Authenticator;
  readonly streams: EventStreams;
  readonly audits: Audits;
  readonly routes: readonly SignedRoute[];
  readonly open: readonly OpenRoute[];
  /** What the service says of itself; every response is held against it. */
  readonly document: ApiDocument;
  /** Connections of the clients of this service, kept open. */
  readonly agent: Agent;
  /** What was logged as finished, in order. */
  readonly finished: readonly object[];
  /** Faults of the service that were logged, for a test that expects some: it has to take them. */
  takeFaults(): readonly object[];
  /** Stops listening; also done after the test. */
  close(): Promise<void>;
}

/** Starts the service on a free port. After the test it must have logged no fault of its own. */
export async function startHttp(t: AfterTest, options: HttpOptions): Promise<HttpService> {
  const { sql, clock, releaseDelayMs = 60_000, allowLoopback = false } = options;
  const { showSignatureBase = false, isSandbox = true, errorsUrl } = options;
  const { trustedProxies = [], timeouts, connections, tunnelWaitMs = 0 } = options;
  const { ignoresUnknownScopes = false, contract = '2023' } = options;
  const { readiness = async () => ({ ready: true, checks: {} }) } = options;
  const authenticator = new Authenticator(sql, clock, options.stopwatch);
  const settings = { releaseDelayMs, idempotencyRetentionMs: 30 * 86_400_000 };
  const nobodyWaits = () => {};
  const liquidations = liquidationHandlers({
    sql,
    clock,
    settings,
    onCreated: nobodyWaits,
    onEvent: nobodyWaits,
  });
  const policy = { allowLoopback };
  const forTests = { sql, clock, settings };
  const tests = {
    onboarding: onboardingHandlers(forTests),
    positions: positionHandlers(forTests),
    market: marketHandlers(forTests),
    faults: faultHandlers({ sql, clock, onChanged: nobodyWaits }),
    tunnels: tunnelHandlers({ sql, clock, waitMs: tunnelWaitMs }),
  };
  const wayOut = receiverAgent({ policy, timeoutMs: patienceMs });
  const ofWebhooks = {
    sql,
    clock,
    seal,
    agent: wayOut,
    signings: new FairSlots(2),
    inner: tunnelReceiver({ sql, clock }),
    timeoutMs: patienceMs,
    policy,
    onChanged: nobodyWaits,
  };
  const faults: object[] = [];
  const noteFault = (fields: object) => void faults.push(fields);
  const streams = new EventStreams({
    sql,
    clock,
    log: { error: noteFault },
    stopwatch: options.stopwatch ?? systemStopwatch,
  });
  const routes = signedRoutes({
    liquidations,
    webhooks: webhookHandlers(ofWebhooks),
    deliveries: deliveryHandlers(ofWebhooks),
    events: eventHandlers({ sql, streams }),
    book: bookHandlers({ sql }),
    orders: orderHandlers({ sql }),
    control: controlHandlers({ sql, clock }),
    halts: haltHandlers({ sql, clock, settings }),
    preTrade: preTradeHandlers({ sql, clock, settings }),
    approvals: approvalHandlers({ sql, clock, settings, onDecided: nobodyWaits }),
    batches: batchHandlers({ sql, clock, settings, onChanged: nobodyWaits }),
    overview: overviewHandlers({ sql, clock }),
    trail: trailHandlers({ sql }),
    parked: parkedHandlers({ sql, clock }),
    statements: statementHandlers({ sql, clock, seal }),
    tests: isSandbox ? tests : undefined,
  });
  const rates = new Rates(clock, options.rates ?? { requestsPerS: 0, failuresPerS: 0 });
  // An audit waits for its own queries alone, so the connections of the test serve it.
  const originOf = originReader({ trustedProxies, certificateHeader: options.certificateHeader });
  const audits = new Audits({
    ...{ sql, clock, stopwatch: options.stopwatch ?? systemStopwatch },
    openPool: () => sql,
    log: { error: noteFault },
  });
  const ofConsole = {
    sql,
    clock,
    rates,
    audits,
    isSandbox,
    signIn: 'link',
    isTls: false,
    ...options.console,
  } as const;
  const open = [
    ...tokenRoutes({ sql, clock, authenticator, rates, originOf, ignoresUnknownScopes }),
    ...(isSandbox ? [inspectRoute({ sql, clock, rates }), tunnelHealthRoute] : []),
    ...errorPages(),
    ...consoleRoutes(ofConsole),
    ...probes(readiness),
  ];
  const finished: object[] = [];
  const app = buildServer({
    routes,
    open: [...open, ...consoleOperations(routes, ofConsole)],
    authenticator,
    log: {
      info: (fields) => finished.push(fields),
      error: noteFault,
    },
    rates,
    originOf,
    problems: { showSignatureBase, errorsUrl },
    contract,
    trustedProxies,
    recording: options.recorder && { recorder: options.recorder, clock },
    timeouts: { deadlineMs: patienceMs, ...timeouts },
    ...(connections === undefined ? {} : { connections }),
  });
  app.addHook('preClose', () => streams.stop());
  streams.start();
  await app.listen({ host: '127.0.0.1', port: 0 });
  const agent = new Agent({ keepAlive: true });
  const close = () => app.close();
  // A hook that fails keeps those behind it from running, so the verdict comes last.
  t.after(async () => {
    agent.destroy();
    await close();
    await wayOut.close();
  });
  afterAll(t, async () => assert.deepEqual(faults, [], 'the service has logged faults of its own'));
  const document = documentOf(routes, open, contract);
  const takeFaults = () => faults.splice(0);
  const port = portOf(app.server);
  const what = { authenticator, streams, audits, routes, open, document };
  return { port, clock, ...what, agent, finished, takeFaults, close };
}

const documents = new Map<string, ApiDocument>();

/** The document of these routes, which alone decide it; to make it takes longer than most tests do. */
function documentOf(
  routes: readonly SignedRoute[],
  open: readonly OpenRoute[],
  contract: Contract,
): ApiDocument {
  const paths = [...routes, ...open].map(({ method, path }) => `${method} ${path}`);
  const key = [contract, ...paths].join('\n');
  const document = documents.get(key) ?? readDocument(documentText({ routes, open, contract }));
  documents.set(key, document);
  return document;
}

/** Of a service for a request, and for the response of a receiver: a busy machine is no fault of either. */
const patienceMs = 60_000;
/** What seals the keys of these services. */
export const seal = sealWith(randomBytes(32));
const keyPairs = {
  ed25519: () => generateKeyPairSync('ed25519'),
  'P-256': () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  'P-384': () => generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  'P-521': () => generateKeyPairSync('ec', { namedCurve: 'P-521' }),
};

export type KeyType = keyof typeof keyPairs;

/** Who signs: a key and the name it is registered under. */
export interface Signer {
  readonly key: SigningKey;
  readonly keyId: string;
}

export interface ApiClient extends Signer {
  readonly clientId: TenantId;
  readonly clientSecret: string;
  readonly scopes: readonly Scope[];
  /** All keys in the order of their types. */
  readonly signers: readonly [Signer, ...Signer[]];
}

export interface ClientSettings {
  /** Default one Ed25519 key. */
  readonly keyTypes?: readonly [KeyType, ...KeyType[]];
  readonly scopes?: readonly Scope[];
  readonly signaturePolicy?: SignaturePolicy;
  /** Default the reference. */
  readonly contract?: Contract;
}

const usualScopes = [
  'account_liquidations:admin',
  'account_liquidations:read',
  'accounts:admin',
  'accounts:read',
  'controls:admin',
  'controls:read',
  'batches:admin',
  'batches:read',
  'halts:admin',
  'halts:read',
  'instruments:read',
  'orders:read',
  'parked:admin',
  'parked:read',
  'positions:read',
  'tests:admin',
  'trail:read',
  'users:admin',
  'users:read',
  'webhooks:admin',
  'webhooks:read',
] as const;

/** Registers an API client, a tenant, with fresh keys. */
export async function makeApiClient(
  sql: Sql,
  clock: Clock,
  settings: ClientSettings = {},
): Promise<ApiClient> {
  const { keyTypes = ['ed25519'], scopes = usualScopes } = settings;
  const { signaturePolicy = 'compatible', contract = '2023' } = settings;
  const pairs = keyTypes.map((type) => keyPairs[type]());
  const publicKeysPem = pairs.map(({ publicKey }) => {
    return publicKey.export({ format: 'pem', type: 'spki' }).toString();
  });
  const details = { name: 'Test client', scopes, signaturePolicy, contract, publicKeysPem };
  const { clientId, clientSecret, keyIds } = await createClient(sql, clock, seal, details);
  const [first, ...others] = pairs.map(({ privateKey }, at): Signer => {
    return { key: { privateKey, algorithm: keyAlgorithm(privateKey) }, keyId: keyIds[at] ?? '' };
  });
  assert.ok(first);
  return { ...first, clientId, clientSecret, scopes, signers: [first, ...others] };
}

export type Header = readonly [name: string, value: string];

/** A request as its bytes go out: nothing is added to it but `connection`. */
export interface Outgoing {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly Header[];
  readonly body: Buffer;
}

/** What a request has besides method and target. */
export interface Content {
  /** A value that becomes the JSON body. */
  readonly json?: unknown;
  /** A body as it is. */
  readonly body?: string | Buffer;
  /** Replace the usual headers, or take them away where undefined; others are added. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
}

/** A request with host, length and type of its body, and no header else. */
export function outgoing(method: string, target: string, content: Content = {}): Outgoing {
  const { json, body = json === undefined ? '' : JSON.stringify(json), headers = {} } = content;
  const bytes = Buffer.from(body);
  const usual = {
    host: 'api.example.test',
    accept: 'application/json',
    ...(json === undefined ? {} : { 'content-type': 'application/json' }),
    ...(bytes.length === 0 ? {} : { 'content-length': String(bytes.length) }),
  };
  const given = Object.entries({ ...usual, ...headers }).flatMap(([name, value]): Header[] => {
    return value === undefined ? [] : [[name, value]];
  });
  return { method, target, headers: given, body: bytes };
}

/** The same request with headers replaced by one line each, or taken away where undefined. */
export function withHeaders(
  message: Outgoing,
  changes: Readonly<Record<string, string | undefined>>,
): Outgoing {
  const kept = message.headers.filter(([name]) => !Object.hasOwn(changes, name));
  const added = Object.entries(changes).flatMap(([name, value]): Header[] => {
    return value === undefined ? [] : [[name, value]];
  });
  return { ...message, headers: [...kept, ...added] };
}

export function headerOf(message: Outgoing, name: string): string {
  const value = message.headers.find(([known]) => known === name)?.[1];
  assert.ok(value !== undefined, `the request has a header ${name}`);
  return value;
}

export interface Signing extends Signer {
  readonly clock: Clock;
  /** Unix seconds; default now. */
  readonly created?: number;
  /** Unix seconds; default a minute after `created`. */
  readonly expires?: number;
  /** Default 15. */
  readonly dialect?: DialectVersion;
  readonly label?: string;
}

const coveredHeaders = [
  'accept',
  'authorization',
  'content-type',
  'content-length',
  'digest',
  'idempotency-key',
  'upvest-api-version',
  'upvest-client-id',
];

/** Signs what a request has, with a nonce of its own where the dialect knows one. */
export async function sign(message: Outgoing, signing: Signing): Promise<Outgoing> {
  const { clock, key, keyId, dialect = '15', label = 'sig1' } = signing;
  const { created = Math.floor(clock.now().getTime() / 1_000), expires = created + 60 } = signing;
  const components = usualComponents({ dialect, message, headers: coveredHeaders, expires: true });
  const nonce = dialect === '1' ? {} : { nonce: randomUUID() };
  const params = { keyid: keyId, created, expires, ...nonce };
  const added = await signMessage({ dialect, message, components, label, params, key });
  return { ...message, headers: [...message.headers, ...Object.entries(added)] };
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The members of a JSON body; none where it is no JSON object. */
  readonly json: Readonly<Record<string, unknown>>;
}

/** Longer than a service takes, which then says what it waited for. */
const answerTimeoutMs = 90_000;

/**
 * Sends a request as it is and reads the whole response, which has to be one that the API document
 * lists for the operation.
 */
export async function send(service: HttpService, message: Outgoing): Promise<Reply> {
  const { method, target, headers, body } = message;
  const { promise, resolve, reject } = Promise.withResolvers<Reply>();
  const { port, agent } = service;
  const options = { host: '127.0.0.1', port, agent, method, path: target, headers: headers.flat() };
  const sent = httpRequest({ ...options, signal: AbortSignal.timeout(answerTimeoutMs) });
  sent.on('error', reject);
  sent.on('response', (answer) => {
    const chunks: Buffer[] = [];
    const isStream = answer.headers['content-type'] === 'text/event-stream';
    answer.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      // A stream does not end by itself: its beginning is the response.
      if (isStream) answer.destroy();
    });
    answer.on('error', reject);
    answer.on(isStream ? 'close' : 'end', () => {
      const text = Buffer.concat(chunks).toString('utf8');
      const isJson = /json/.test(answer.headers['content-type'] ?? '') && text !== '';
      const json: Reply['json'] = isJson ? JSON.parse(text) : {};
      const reply = { status: answer.statusCode ?? 0, headers: answer.headers, text, json };
      try {
        service.document.judge(message, reply);
        resolve(reply);
      } catch (error) {
        reject(error);
      }
    });
  });
  sent.end(body);
  return promise;
}
