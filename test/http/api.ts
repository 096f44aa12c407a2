// An API client at work: it holds a token and sends requests that are signed as they should be.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { insertApproval } from '../../src/approvals/approvals-store.ts';
import { type Clock, later } from '../../src/clock.ts';
import { findControls } from '../../src/controls/controls-store.ts';
import { recordStops } from '../../src/controls/stops-store.ts';
import type { Sql } from '../../src/db/connect.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { insertHalt } from '../../src/halts/halts-store.ts';
import type { SignedRoute } from '../../src/http/pipeline.ts';
import { newId, type OrderId, type TenantId } from '../../src/ids.ts';
import { decimal } from '../../src/money.ts';
import { countTry, noteForPerson } from '../../src/work/parked-store.ts';
import { type AccountOfUser, type BookAccount, makeBook } from '../support/book.ts';
import { askToLiquidate, engineSteps, runUntilIdle } from '../support/engine.ts';
import {
  type ApiClient,
  type Content,
  type HttpService,
  type Outgoing,
  outgoing,
  type Reply,
  type Signing,
  send,
  sign,
} from '../support/http.ts';

export interface Api {
  readonly clock: Clock;
  readonly client: ApiClient;
  readonly token: string;
  /** A request with all it needs but a signature. */
  unsigned(method: string, target: string, content?: Content): Outgoing;
  signed(
    method: string,
    target: string,
    content?: Content,
    signing?: Partial<Signing>,
  ): Promise<Outgoing>;
  /** Signs and sends. */
  call(
    method: string,
    target: string,
    content?: Content,
    signing?: Partial<Signing>,
  ): Promise<Reply>;
}

/** A client with a token for some or all of its scopes. */
export async function apiOf(
  service: HttpService,
  client: ApiClient,
  scopes: readonly string[] = client.scopes,
): Promise<Api> {
  const answer = await askForToken(service, client, { scope: scopes.join(' ') });
  assert.equal(answer.status, 200, answer.text);
  const token = String(answer.json['access_token']);
  const unsigned: Api['unsigned'] = (method, target, content = {}) => {
    const headers = { authorization: `Bearer ${token}`, 'upvest-client-id': client.clientId };
    return outgoing(method, target, { ...content, headers: { ...headers, ...content.headers } });
  };
  const signed: Api['signed'] = (method, target, content, signing = {}) => {
    const usual = { clock: service.clock, key: client.key, keyId: client.keyId };
    return sign(unsigned(method, target, content), { ...usual, ...signing });
  };
  const call: Api['call'] = async (...request) => send(service, await signed(...request));
  return { clock: service.clock, client, token, unsigned, signed, call };
}

export interface TokenRequest {
  readonly client_id?: string | undefined;
  readonly client_secret?: string | undefined;
  readonly grant_type?: string | undefined;
  readonly scope?: string | undefined;
}

/** A signed request for a token; fields and headers can be replaced, or left out as undefined. */
export async function tokenRequest(
  service: HttpService,
  client: ApiClient,
  fields: TokenRequest = {},
  content: Content = {},
): Promise<Outgoing> {
  const all = {
    client_id: client.clientId,
    client_secret: client.clientSecret,
    grant_type: 'client_credentials',
    scope: client.scopes.join(' '),
    ...fields,
  };
  return signedForm(service, client, { target: '/auth/token', fields: all, content });
}

/** A signed form of a client; fields and headers that are undefined are left out. */
export async function signedForm(
  service: Pick<HttpService, 'clock'>,
  client: ApiClient,
  form: {
    readonly target: string;
    readonly fields: Readonly<Record<string, string | undefined>>;
    readonly content?: Content;
  },
): Promise<Outgoing> {
  const given = Object.entries(form.fields).flatMap(([name, value]): [string, string][] => {
    return value === undefined ? [] : [[name, value]];
  });
  const message = outgoing('POST', form.target, {
    body: new URLSearchParams(given).toString(),
    ...form.content,
    headers: {
      'upvest-client-id': client.clientId,
      'content-type': 'application/x-www-form-urlencoded',
      ...form.content?.headers,
    },
  });
  return sign(message, { clock: service.clock, key: client.key, keyId: client.keyId });
}

/** Revokes a token at a service, with the client's own credentials. */
export async function revoke(
  service: HttpService,
  client: ApiClient,
  fields: Readonly<Record<string, string | undefined>>,
  content: Content = {},
): Promise<Reply> {
  const { clientId, clientSecret } = client;
  const all = { client_id: clientId, client_secret: clientSecret, ...fields };
  return send(
    service,
    await signedForm(service, client, { target: '/auth/revoke', fields: all, content }),
  );
}

export async function askForToken(
  service: HttpService,
  client: ApiClient,
  fields: TokenRequest = {},
  content: Content = {},
): Promise<Reply> {
  return send(service, await tokenRequest(service, client, fields, content));
}

export const instruments = [
  { isin: 'DE0007164600', price: '208.35' },
  { isin: 'IE00B4L5Y983', price: '111.935' },
  { isin: 'DE0008404005', price: '391.2', fractional: false },
  { isin: 'DE0007472060' },
];

const usualPositions = [{ isin: 'DE0007164600', quantity: '10' }];

/** Gives a client accounts; without a description one active account with one position. */
export async function giveAccounts(
  sql: Sql,
  { clientId: tenantId }: ApiClient,
  accounts: readonly Partial<BookAccount>[] = [{}],
): Promise<readonly [AccountOfUser, ...AccountOfUser[]]> {
  const known = await sql`
    select i.isin
    from unwind.instruments i
    where i.tenant_id = ${tenantId}`;
  const [first, ...others] = await makeBook(sql, {
    tenantId,
    instruments: known.length === 0 ? instruments : [],
    accounts: accounts.map((account) => ({ positions: usualPositions, ...account })),
  });
  assert.ok(first);
  return [first, ...others];
}

/** What asks for a liquidation of an account. */
export function toLiquidate(account: AccountOfUser, idempotencyKey: string = randomUUID()) {
  const target = `/accounts/${account.accountId}/liquidations`;
  const content = {
    json: { user_id: account.userId },
    headers: { 'idempotency-key': idempotencyKey },
  };
  return { target, content };
}

/** What schedules a liquidation of an account for an hour later. */
export function toSchedule({ accountId, userId }: AccountOfUser, clock: Clock) {
  const release = { at: later(clock.now(), 3_600_000).toISOString() };
  const json = { account_id: accountId, user_id: userId, release };
  return {
    method: 'POST',
    target: '/liquidations',
    content: { json, headers: keyOf(randomUUID()) },
  };
}

/** Asks for a liquidation. @returns its path. */
export async function liquidate(api: Api, account: AccountOfUser): Promise<string> {
  const { target, content } = toLiquidate(account);
  const answer = await api.call('POST', target, content);
  assert.equal(answer.status, 202, answer.text);
  return `${target}/${answer.json['id']}`;
}

/** The header that a request which is idempotent by key must have. */
export function keyOf(idempotencyKey: string): Readonly<Record<string, string>> {
  return { 'idempotency-key': idempotencyKey };
}

/** What credits two units of its first instrument to an account. */
export function toCredit({ accountId }: AccountOfUser, reference: string = randomUUID()) {
  const delta = { type: 'credit', account_id: accountId, isin: 'DE0007164600', quantity: '2' };
  return { target: '/tests/positions', json: { deltas: [{ ...delta, reference }] } };
}

export const hook = { title: 'Hook', url: 'https://hooks.example.test/in' };

/** Creates a webhook. @returns its path. */
export async function subscribe(api: Api, settings: object = {}): Promise<string> {
  const answer = await api.call('POST', '/webhooks', { json: { ...hook, ...settings } });
  assert.equal(answer.status, 201, answer.text);
  return `/webhooks/${answer.json['id']}`;
}

/** A request of a route that would succeed, once it is signed. */
export interface Wish {
  readonly method: string;
  readonly target: string;
  readonly content: Content;
}

/** The units of one account sold by the engine. @returns an order and one of its executions. */
export async function sell(sql: Sql, clock: Clock, account: AccountOfUser) {
  const liquidationId = await askToLiquidate(sql, clock, account);
  await runUntilIdle(engineSteps(sql, clock, { delayMs: 0 }));
  const [row] = await sql<{ order_id: string; execution_id: string }[]>`
    select e.order_id, e.execution_id
    from unwind.executions e
    where e.liquidation_id = ${liquidationId}
    order by e.execution_id`;
  assert.ok(row);
  return { liquidationId, orderId: row.order_id, executionId: row.execution_id };
}

/** The path of a route with these ids in it. */
export function targetOf(path: string, ids: Readonly<Record<string, string>>): string {
  return path.replaceAll(/:(\w+)/g, (_, name: string) => {
    return ids[name] ?? assert.fail(`nobody says what :${name} is`);
  });
}

/** An endpoint of the tunnel. */
export async function openEndpoint(
  api: Api,
): Promise<{ readonly id: string; readonly url: string }> {
  const { status, json } = await api.call('POST', '/events-acceptor-service/endpoints');
  assert.equal(status, 201);
  return { id: String(json['id']), url: String(json['url']) };
}

/** A user as the published samples make one. */
export const marcel = {
  first_name: 'Marcel',
  last_name: 'Schwarz',
  email: 'marcel@example.com',
  birth_date: '1992-06-16',
  birth_city: 'Mannheim',
  birth_country: 'DE',
  nationalities: ['DE'],
  address: {
    address_line1: 'Unter den Linden',
    address_line2: '12a',
    postcode: '10117',
    city: 'Berlin',
    country: 'DE',
  },
  terms_and_conditions: {
    consent_document_id: '62814307-f14b-40af-bc66-5942a549a759',
    confirmed_at: '2020-02-03T17:14:46Z',
  },
  data_privacy_and_sharing_agreement: {
    consent_document_id: 'dd42b6a9-d04d-4dd2-8c3b-36386eaa843a',
    confirmed_at: '2021-02-03T17:14:46Z',
  },
  fatca: { status: false, confirmed_at: '2020-02-03T17:14:46Z' },
} as const;

/** Bodies of the requests that build a book. */
function bodiesOfOnboarding({ userId }: AccountOfUser): Readonly<Record<string, object>> {
  return {
    'POST /users': marcel,
    'POST /accounts': { user_id: userId, type: 'TRADING' },
    'POST /tests/instruments': { instruments: [{ isin: 'DE0007236101', price: '100' }] },
  };
}

/** Makes what a route needs to succeed. Each wish has an account or a webhook of its own. */
export async function wishFor(sql: Sql, api: Api, route: SignedRoute): Promise<Wish> {
  const { method, path } = route;
  if (path.endsWith('/webhooks') || path.includes(':webhook_id')) {
    const own = path.includes(':webhook_id') ? await subscribe(api) : '/webhooks';
    const target = path.replace('/webhooks', own).replace('/:webhook_id', '');
    const bodies: Readonly<Record<string, object | undefined>> = {
      'POST /webhooks': hook,
      'PATCH /webhooks/:webhook_id': { title: 'Renamed' },
      'POST /webhooks/:webhook_id/replay': { set_aside: true },
      'POST /tests/webhooks/:webhook_id/faults': { twice: true },
    };
    return { method, target, content: { json: bodies[`${method} ${path}`] } };
  }
  if (path.startsWith('/events-acceptor-service')) {
    const id = path.includes(':endpoint_id') ? (await openEndpoint(api)).id : '';
    return { method, target: targetOf(path, { endpoint_id: id }), content: {} };
  }
  if (path.startsWith('/parked')) return wishForParked(sql, api, route);
  const [account] = await giveAccounts(sql, api.client);
  if (path.startsWith('/halts')) return wishForHalt(api, route, account);
  if (path.startsWith('/controls')) return wishForControls(api, sql, route);
  if (path.startsWith('/approvals')) return wishForApproval(sql, api, route);
  if (path.startsWith('/batches')) return wishForBatch(api, route, account);
  if (['/stream', '/overview', '/find', '/trail'].includes(path))
    return { method, target: path, content: {} };
  if (path.endsWith('/statement')) {
    const { liquidationId } = await sell(sql, api.clock, account);
    return {
      method,
      target: targetOf(path, { account_liquidation_id: liquidationId }),
      content: {},
    };
  }
  if (path === '/liquidations' && method === 'POST') return toSchedule(account, api.clock);
  if (path.startsWith('/liquidations')) {
    const id = (await liquidate(api, account)).split('/').at(-1) ?? '';
    return { method, target: targetOf(path, { account_liquidation_id: id }), content: {} };
  }
  if (path.includes('/liquidations')) {
    const { target, content } = toLiquidate(account);
    if (method === 'POST') return { method, target, content };
    const isOfOne = path.endsWith('/:account_liquidation_id');
    return { method, target: isOfOne ? await liquidate(api, account) : target, content: {} };
  }
  const made = bodiesOfOnboarding(account)[`${method} ${path}`];
  if (made !== undefined) {
    return { method, target: path, content: { json: made, headers: keyOf(randomUUID()) } };
  }
  if (method === 'DELETE' && path === '/users/:user_id') {
    const made = await api.call('POST', '/users', { json: marcel, headers: keyOf(randomUUID()) });
    return { method, target: targetOf(path, { user_id: String(made.json['id']) }), content: {} };
  }
  if (path === '/tests/positions') {
    const { json } = toCredit(account);
    return { method, target: path, content: { json, headers: keyOf(randomUUID()) } };
  }
  if (path === '/tests/market' && method === 'POST') {
    const json = { venue: { trading: 'calendar' } };
    return { method, target: path, content: { json, headers: keyOf(randomUUID()) } };
  }
  const sold = path.includes(':order_id') ? await sell(sql, api.clock, account) : undefined;
  const ids = {
    account_id: account.accountId,
    user_id: account.userId,
    instrument_id: 'isin:DE0007164600',
    ...(sold && { order_id: sold.orderId, execution_id: sold.executionId }),
  };
  assert.equal(method, 'GET', `what ${method} ${path} needs is known`);
  return { method, target: targetOf(path, ids), content: {} };
}

/** Controls that stop no order of a test. */
/** Sets controls instead of those that are in force. */
async function toControls(sql: Sql, { clientId }: Pick<ApiClient, 'clientId'>): Promise<Content> {
  const own = (await findControls(sql, clientId)).find(({ tenantId }) => tenantId === clientId);
  const limits = { order_quantity_max: '1000000', replaces: own?.controlsId };
  const json = { ...limits, reason: 'A test', person: 'Tester' };
  return { json, headers: keyOf(randomUUID()) };
}

async function wishForControls(
  { client, clock }: Pick<Api, 'client' | 'clock'>,
  sql: Sql,
  { method, path }: SignedRoute,
): Promise<Wish> {
  if (method === 'GET') return { method, target: path, content: {} };
  if (path === '/controls') return { method, target: path, content: await toControls(sql, client) };
  const stopId = await stopOrder(sql, clock, client);
  const release = {
    json: { reason: 'It is right', person: 'Tester' },
    headers: keyOf(randomUUID()),
  };
  return { method, target: targetOf(path, { stop_id: stopId }), content: release };
}

/** A liquidation of the client whose order a control has stopped. @returns the id of the stop. */
export async function stopOrder(
  sql: Sql,
  clock: Clock,
  { clientId: tenantId }: Pick<ApiClient, 'clientId'>,
): Promise<string> {
  const isin = 'FR0000120271';
  const known = await sql`
    select from unwind.instruments i where i.tenant_id = ${tenantId} and i.isin = ${isin}`;
  const [account] = await makeBook(sql, {
    tenantId,
    instruments: known.count === 0 ? [{ isin, price: '10' }] : [],
    accounts: [{ positions: [{ isin, quantity: '2' }] }],
  });
  assert.ok(account);
  const liquidationId = await askToLiquidate(sql, clock, account);
  const steps = engineSteps(sql, clock, { delayMs: 0 });
  await steps.release();
  const [order] = await sql<{ order_id: OrderId }[]>`
    select o.order_id from unwind.orders o where o.liquidation_id = ${liquidationId}`;
  assert.ok(order);
  const { order_id: orderId } = order;
  const stops = [{ orderId, control: 'order_value', detail: 'EUR 20, at most EUR 1' } as const];
  await inTransaction(sql, (tx) => {
    return recordStops(tx, { tenantId, checked: [orderId], stops, now: clock.now() });
  });
  const [stop] = await sql<{ stop_id: string }[]>`
    select s.stop_id from unwind.control_stops s where s.order_id = ${orderId}`;
  assert.ok(stop);
  return stop.stop_id;
}

async function wishForApproval(
  sql: Sql,
  { client, clock }: Pick<Api, 'client' | 'clock'>,
  { method, path }: SignedRoute,
): Promise<Wish> {
  if (method === 'GET') return { method, target: path, content: {} };
  const target = targetOf(path, { approval_id: await askApproval(sql, clock, client) });
  const json = { reason: 'It is right', person: 'Tester' };
  return { method, target, content: { json, headers: keyOf(randomUUID()) } };
}

/** A lift of a halt that somebody else has asked for. @returns the id of the approval. */
export async function askApproval(
  sql: Sql,
  clock: Clock,
  { clientId }: Pick<ApiClient, 'clientId'>,
): Promise<string> {
  const tenantId = clientId as TenantId;
  const askedAt = clock.now();
  const approvalId = newId<'approval'>();
  const haltId = newId<'halt'>();
  const why = { reason: 'A test', person: 'Somebody' };
  const nothing = { accountId: undefined, isin: 'FR0000120271', venue: 'XNON', lift: undefined };
  await inTransaction(sql, async (tx) => {
    const halt = { tenantId, haltId, strength: 'release', ...nothing, ...why } as const;
    await insertHalt(tx, { ...halt, setAt: askedAt });
    await insertApproval(tx, {
      ...{ tenantId, approvalId, askedAt, reason: why.reason },
      command: { operation: 'lift_halt', haltId },
      ...{ value: decimal('20'), valueMax: decimal('10') },
      asker: { person: why.person, kind: 'client', actor: 'another key' },
      expiresAt: new Date(askedAt.getTime() + 3_600_000),
      ...{ status: 'pending', decided: undefined },
    });
  });
  return approvalId;
}

/** A halt of an account of its own, so that it stops nothing else. */
export function toHalt({ accountId }: AccountOfUser) {
  const json = { scope: 'account', account_id: accountId, reason: 'A test', person: 'Tester' };
  return { json, headers: keyOf(randomUUID()) };
}

async function wishForHalt(
  api: Api,
  { method, path }: SignedRoute,
  account: AccountOfUser,
): Promise<Wish> {
  if (path === '/halts') {
    return { method, target: path, content: method === 'POST' ? toHalt(account) : {} };
  }
  const answer = await api.call('POST', '/halts', toHalt(account));
  assert.equal(answer.status, 201, answer.text);
  const target = targetOf(path, { halt_id: String(answer.json['id']) });
  const lift = { json: { reason: 'It is over', person: 'Tester' }, headers: keyOf(randomUUID()) };
  return { method, target, content: method === 'POST' ? lift : {} };
}

/** Something that waits for a person. @returns its id. */
export async function park(
  sql: Sql,
  { client, clock }: Pick<Api, 'client' | 'clock'>,
  step: 'release' | 'correction' = 'release',
): Promise<string> {
  const tenantId = client.clientId;
  const subject = randomUUID();
  const now = clock.now();
  await inTransaction(sql, async (tx) => {
    const reason = 'a test parked it';
    if (step === 'correction')
      await noteForPerson(tx, { tenantId, notes: [{ subject, reason }], now });
    else await countTry(tx, { tenantId, step, subject, reason, now, triesMax: 1 });
  });
  return `${step}/${subject}`;
}

async function wishForParked(sql: Sql, api: Api, { method, path }: SignedRoute): Promise<Wish> {
  if (path === '/parked') return { method, target: path, content: {} };
  const isClosed = path.endsWith('/close');
  const id = await park(sql, api, isClosed ? 'correction' : 'release');
  const json = isClosed ? { id, reason: 'Booked by hand', person: 'Tester' } : { id };
  return { method, target: path, content: { json } };
}

/** A batch of one account that starts far in the future. */
export function toBatch({ accountId }: AccountOfUser, batch: object = {}) {
  const json = {
    accounts: [{ account_id: accountId }],
    start_at: '2100-01-01T00:00:00Z',
    ...{ reason: 'A test', person: 'Tester' },
    ...batch,
  };
  return { json, headers: keyOf(randomUUID()) };
}

async function wishForBatch(
  api: Api,
  { method, path }: SignedRoute,
  account: AccountOfUser,
): Promise<Wish> {
  if (path === '/batches') {
    return { method, target: path, content: method === 'POST' ? toBatch(account) : {} };
  }
  const answer = await api.call('POST', '/batches', toBatch(account));
  assert.equal(answer.status, 201, answer.text);
  const batchId = String(answer.json['id']);
  const steering = () => ({
    json: { reason: 'A test', person: 'Tester' },
    headers: keyOf(randomUUID()),
  });
  if (path.endsWith('/resume')) {
    const paused = await api.call('POST', `/batches/${batchId}/pause`, steering());
    assert.equal(paused.status, 200, paused.text);
  }
  const target = targetOf(path, { batch_id: batchId });
  return { method, target, content: method === 'POST' ? steering() : {} };
}
