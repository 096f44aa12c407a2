// The subscriptions of a simulated run: those that stand from its beginning, and a client who creates,
// changes, disables, deletes, tests and replays them while deliveries go on, and rotates the keys. In
// the end everything is enabled, and what was set aside is asked for.
import assert from 'node:assert/strict';
import { rotateSigningKeys, signingAlgorithms } from '../../src/auth/signing-keys.ts';
import type { Clock } from '../../src/clock.ts';
import type { Sql } from '../../src/db/connect.ts';
import type { HttpResponse } from '../../src/http/pipeline.ts';
import type { TenantId } from '../../src/ids.ts';
import { Refusal } from '../../src/refusal.ts';
import type { WebhookType } from '../../src/webhooks/webhook.ts';
import type { Lot } from '../crash/random.ts';
import { subscribe } from '../deliveries/subscriptions.ts';
import { askOnce, callOf, type Service, untilAnswered } from './asking.ts';
import type { Market } from './market.ts';
import type { Plan } from './plan.ts';
import { type SimulatedProcess, troublelessPool } from './process.ts';
import { drawTemper, type Receiver } from './receivers.ts';
import { Actor } from './scheduler.ts';

/** Makes the subscriptions that stand from the beginning. */
export async function makeReceivers(
  sql: Sql,
  clock: Clock,
  { lot, plan, tenantIds }: { lot: Lot; plan: Plan; tenantIds: readonly TenantId[] },
): Promise<Receiver[]> {
  const receivers: Receiver[] = [];
  for (const tenantId of tenantIds) {
    const count = lot.between(1, plan.subscriptions);
    for (let i = 1; i <= count; i += 1) {
      const settings = drawSettings(lot);
      const receiver = newReceiver({ receivers, tenantId, lot, clock, settings, head: 0 });
      const { url } = receiver;
      const { webhookId } = await subscribe(sql, clock, { tenantId, url, ...settings });
      receiver.webhookId = webhookId;
    }
  }
  return receivers;
}

interface Settings {
  readonly types: WebhookType[];
  readonly signatureVersion: '6' | '15' | '9421';
  readonly signatureAlgorithm: 'ecdsa-p521' | 'ed25519';
  readonly delayS: number | undefined;
  readonly maxPackageSize: number | undefined;
  readonly standardHeaders: boolean;
}

function drawSettings(lot: Lot): Settings {
  const versions = ['6', '15', '9421'] as const;
  const both = ['ORDER', 'ACCOUNT_LIQUIDATION'];
  const kinds = [['ALL'], ['ALL'], ['ACCOUNT_LIQUIDATION'], both, ['ALL', 'BATCH']];
  const types = lot.next() < 0.05 ? ['ORDER'] : (kinds[lot.between(0, 4)] ?? ['ALL']);
  const signatureVersion = versions[lot.between(0, 2)] ?? '6';
  const isOld = signatureVersion === '6' && lot.next() < 0.2;
  return {
    types: types as WebhookType[],
    signatureVersion,
    signatureAlgorithm: isOld ? 'ecdsa-p521' : 'ed25519',
    delayS: lot.next() < 0.2 ? lot.between(1, 3) : undefined,
    maxPackageSize: lot.next() < 0.4 ? lot.between(500, 20_000) : undefined,
    standardHeaders: lot.next() < 0.2,
  };
}

/** A receiver at a host of its own, which nobody delivers to yet. */
function newReceiver(made: {
  receivers: Receiver[];
  tenantId: TenantId;
  lot: Lot;
  clock: Clock;
  settings: Settings;
  head: number;
}): Receiver {
  const { receivers, tenantId, lot, clock, settings, head } = made;
  const number = receivers.length + 1;
  const host = `127.0.${Math.floor(number / 250)}.${(number % 250) + 1}`;
  const receiver: Receiver = {
    tenantId,
    host,
    url: `http://${host}/hooks?of=${number}`,
    temper: drawTemper(lot, clock.now()),
    types: settings.types,
    sizeMax: settings.maxPackageSize,
    webhookId: undefined,
    since: { before: head, after: head },
    isDeleted: false,
    replays: [],
    isReplayed: false,
    requests: 0,
    arrivals: [],
  };
  receivers.push(receiver);
  return receiver;
}

/** One client for all tenants. */
interface Client {
  readonly service: Service;
  readonly market: Market;
  readonly actor: Actor;
  readonly sql: Sql;
  readonly clock: Clock;
}

/** Subscriptions that come in beside those of the beginning, at most. */
const createdMax = 6;
const endsEveryMs = { first: 4_000, longest: 30_000 };

/** Changes subscriptions as long as anybody asks, then lets all of them come to their end. */
export async function manageSubscriptions(
  service: Service,
  { market, isOver }: { market: Market; isOver: () => boolean },
): Promise<void> {
  const { scheduler, lot } = service.network;
  const actor = new Actor('subscriber');
  const sql = troublelessPool(service, actor);
  const client: Client = { service, market, actor, sql, clock: scheduler.clock };
  const { changesMsMax, replaysMsMax } = service.plan;
  if (replaysMsMax !== undefined) void replayOn(service, { market, isOver, replaysMsMax });
  while (changesMsMax !== undefined && !isOver()) {
    await scheduler.turn(actor, 'pauses', lot.between(0, changesMsMax));
    await change(client);
  }
  for (let waitMs = endsEveryMs.first; ; ) {
    await scheduler.turn(actor, 'brings to an end', waitMs);
    if (!isOver() || !service.network.troubles.isOver) continue;
    await bringToEnd(client);
    waitMs = Math.min(2 * waitMs, endsEveryMs.longest);
  }
}

async function change(client: Client): Promise<void> {
  const { market, service } = client;
  const { lot } = service.network;
  const receiver = drawReceiver(client);
  const created = market.receivers.filter(({ since }) => since.before > 0).length;
  const kind = lot.between(1, 20);
  if (kind === 1) return rotate(client);
  if (kind <= 3 && created < createdMax) return create(client);
  if (receiver === undefined) return;
  if (kind <= 8) await update(client, receiver, { enabled: lot.next() < 0.7 });
  else if (kind <= 12) await updateSettings(client, receiver);
  else if (kind <= 17) await replay(client, receiver);
  else if (kind <= 19) await test(client, receiver);
  else if (knownReceivers(client).length > 1) await remove(client, receiver);
}

function knownReceivers({ market }: Client): readonly Receiver[] {
  return market.receivers.filter((one) => one.webhookId !== undefined && !one.isDeleted);
}

function drawReceiver(client: Client): Receiver | undefined {
  const known = knownReceivers(client);
  return known[client.service.network.lot.between(0, known.length - 1)];
}

type Operation = (handlers: SimulatedProcess['webhooks']) => Promise<HttpResponse>;

async function ask(
  client: Client,
  name: string,
  operation: Operation,
): Promise<HttpResponse | Refusal> {
  const { service, actor } = client;
  const answer = await untilAnswered(service, { actor, name }, ({ webhooks }) => {
    return operation(webhooks);
  });
  const what = answer instanceof Refusal ? answer.code : answer.status;
  service.history.note(`${actor.name} ${name} answered ${what}`);
  return answer;
}

function callFor(client: Client, { tenantId, webhookId = '' }: Receiver, body: object = {}) {
  const rawBody = Buffer.from(JSON.stringify(body));
  return callOf(client.service, { tenantId, params: { webhook_id: webhookId }, rawBody });
}

/** Not idempotent, so each try is one of its own: what is unanswered may be there as well. */
async function create(client: Client): Promise<void> {
  const { market, service, actor, clock } = client;
  const { lot, scheduler } = service.network;
  const tenantId = market.tenantIds[lot.between(0, market.tenantIds.length - 1)];
  assert.ok(tenantId !== undefined);
  const settings = drawSettings(lot);
  const head = await readHead(client, tenantId);
  const { receivers } = market;
  const receiver = newReceiver({ receivers, tenantId, lot, clock, settings, head });
  const { delayS, maxPackageSize, signatureVersion, signatureAlgorithm } = settings;
  const body = {
    title: 'created meanwhile',
    url: receiver.url,
    enabled: lot.next() < 0.8,
    type: settings.types,
    config: {
      ...(delayS === undefined ? {} : { delay: `${delayS}s` }),
      ...(maxPackageSize === undefined ? {} : { max_package_size: maxPackageSize }),
      signature_version: signatureVersion,
      signature_algorithm: signatureAlgorithm,
    },
  };
  await scheduler.turn(actor, 'create asks');
  const answer = await askOnce(service, { actor, name: 'create' }, ({ webhooks }) => {
    return webhooks.create(callFor(client, receiver, body));
  });
  receiver.since.after = await readHead(client, tenantId);
  if (answer === undefined) return;
  assert.ok(!(answer instanceof Refusal), `a subscription was refused: ${answer}`);
  receiver.webhookId = JSON.parse(answer.body ?? '').id;
}

async function update(client: Client, receiver: Receiver, body: object): Promise<void> {
  const answer = await ask(client, `update ${Object.keys(body).join()}`, (handlers) => {
    return handlers.update(callFor(client, receiver, body));
  });
  assert.ok(!(answer instanceof Refusal), `a change was refused: ${answer}`);
}

async function updateSettings(client: Client, receiver: Receiver): Promise<void> {
  const { lot } = client.service.network;
  const { delayS, maxPackageSize, signatureVersion, signatureAlgorithm } = drawSettings(lot);
  const { sizeMax } = receiver;
  switch (lot.between(1, 4)) {
    case 1:
      return update(client, receiver, { url: `${receiver.url}&v=${lot.between(1, 9)}` });
    case 2:
      if (maxPackageSize === undefined) return;
      receiver.sizeMax = sizeMax && Math.max(sizeMax, maxPackageSize);
      return update(client, receiver, { config: { max_package_size: maxPackageSize } });
    case 3:
      if (delayS === undefined) return;
      return update(client, receiver, { config: { delay: `${delayS}s` } });
    default:
      return update(client, receiver, {
        config: { signature_version: signatureVersion, signature_algorithm: signatureAlgorithm },
      });
  }
}

/** One of the last events that a receiver has had, from which a replay begins. */
const replayedMax = 40;

/** From an event that has arrived, from an instant, or what was set aside. */
async function replay(client: Client, receiver: Receiver): Promise<void> {
  const { service, clock } = client;
  const { lot } = service.network;
  const arrival = receiver.arrivals.at(-lot.between(1, replayedMax));
  const from = new Date(clock.now().getTime() - lot.between(0, 20_000));
  const kind = lot.between(1, 4);
  const isEvent = kind > 2 && arrival !== undefined;
  const body = isEvent
    ? { event_id: arrival.eventId }
    : kind > 1
      ? { from: from.toISOString() }
      : { set_aside: true };
  const head = await readHead(client, receiver.tenantId);
  const seen = receiver.arrivals.length;
  receiver.isReplayed = true;
  const answer = await ask(client, 'replay', (handlers) => {
    return handlers.replay(callFor(client, receiver, body));
  });
  // Another client may have deleted it meanwhile.
  if (answer instanceof Refusal && receiver.isDeleted) return;
  assert.ok(!(answer instanceof Refusal), `a replay was refused: ${answer}`);
  if ('set_aside' in body) return;
  const position = isEvent
    ? await readPosition(client, arrival.eventId)
    : await readPositionAt(client, receiver.tenantId, from);
  receiver.replays.push({ position, head, seen });
}

/** One more client, who asks for replays as long as anybody asks for anything. */
async function replayOn(
  service: Service,
  of: { market: Market; isOver: () => boolean; replaysMsMax: number },
): Promise<void> {
  const { market, isOver, replaysMsMax } = of;
  const { scheduler, lot } = service.network;
  const actor = new Actor('replayer');
  const sql = troublelessPool(service, actor);
  const client: Client = { service, market, actor, sql, clock: scheduler.clock };
  while (!isOver()) {
    await scheduler.turn(actor, 'pauses', lot.between(0, replaysMsMax));
    const receiver = drawReceiver(client);
    if (receiver !== undefined && !isOver()) await replay(client, receiver);
  }
}

async function test(client: Client, receiver: Receiver): Promise<void> {
  await ask(client, 'test', (handlers) => handlers.test(callFor(client, receiver)));
}

/** Sent again after it was carried out, it finds nothing. */
async function remove(client: Client, receiver: Receiver): Promise<void> {
  receiver.isDeleted = true;
  await ask(client, 'delete', (handlers) => handlers.remove(callFor(client, receiver)));
}

/** Longer than a process keeps a key that it signs with, and what it signs is under way. */
const overlapMs = { min: 90_000, max: 120_000 };
const leadMsMax = 5_000;

async function rotate(client: Client): Promise<void> {
  const { market, service, actor, sql, clock } = client;
  const { lot } = service.network;
  const tenantId = market.tenantIds[lot.between(0, market.tenantIds.length - 1)];
  assert.ok(tenantId !== undefined);
  const rotation = {
    leadMs: lot.between(0, leadMsMax),
    overlapMs: lot.between(overlapMs.min, overlapMs.max),
  };
  const wish = { tenantId, seal: service.seal, algorithms: signingAlgorithms, rotation };
  await rotateSigningKeys(sql, clock, wish);
  service.history.note(`${actor.name} rotated keys`);
}

async function readHead({ sql }: Client, tenantId: TenantId): Promise<number> {
  const rows = await sql<{ position: string }[]>`
    select h.position
    from unwind.event_heads h
    where h.tenant_id = ${tenantId}`;
  return Number(rows[0]?.position ?? 0);
}

async function readPosition({ sql }: Client, eventId: string): Promise<number> {
  const rows = await sql<{ position: string }[]>`
    select e.position
    from unwind.events e
    where e.event_id::text = ${eventId}`;
  return Number(rows[0]?.position ?? 0);
}

/** From where on everything of the log is as young as that. */
async function readPositionAt({ sql }: Client, tenantId: TenantId, from: Date): Promise<number> {
  const rows = await sql<{ position: string }[]>`
    select coalesce(max(e.position), 0) + 1 as position
    from unwind.events e
    where e.tenant_id = ${tenantId}
      and e.created_at < ${from}`;
  return Number(rows[0]?.position ?? 0);
}

/** Enables what is disabled; once receivers take everything, asks for what was set aside. */
async function bringToEnd(client: Client): Promise<void> {
  const { sql, market } = client;
  const left = await sql<
    { webhook_id: string; url: string; enabled: boolean; is_set_aside: boolean }[]
  >`
    select
      w.webhook_id, w.url, w.enabled,
      exists (
        select
        from unwind.blocked_accounts h
        where h.tenant_id = w.tenant_id
          and h.webhook_id = w.webhook_id
          and h.status = 'set_aside'
      ) as is_set_aside
    from unwind.webhooks w
    order by w.webhook_id`;
  for (const row of left) {
    const { hostname } = new URL(row.url);
    const receiver = market.receivers.find(({ host }) => host === hostname);
    assert.ok(receiver !== undefined, `nobody subscribed ${row.url}`);
    // Whose answer was lost is found in the list.
    receiver.webhookId ??= row.webhook_id;
    if (!row.enabled) await update(client, receiver, { enabled: true });
    if (!row.is_set_aside || !market.progress.isHealed) continue;
    const body = { set_aside: true };
    await ask(client, 'replay', (handlers) => handlers.replay(callFor(client, receiver, body)));
  }
}
