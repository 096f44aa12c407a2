// The receivers of a simulated run: each verifies every delivery with the keys its tenant is served at
// that moment, keeps what came in the order it came, and answers as its temper and the troubles say.
import assert from 'node:assert/strict';
import type { WebhookEvent } from '@unwind/client/webhooks';
import { type DeliveryKeys, readDeliveryKeys } from '../../packages/client/src/deliveries.ts';
import { testEventType } from '../../src/deliveries/test-webhook.ts';
import type { TenantId } from '../../src/ids.ts';
import type { Lot } from '../crash/random.ts';
import { readDelivery } from '../support/deliveries.ts';
import type { History } from './history.ts';
import type { Network, Post, ReceiverAnswer } from './network.ts';

/** An event as it arrived. */
export interface Arrival {
  readonly eventId: string;
  readonly accountId: string;
  readonly type: string;
  /** The event's bytes. */
  readonly body: string;
  /** Which request of this receiver brought it, from 1. */
  readonly request: number;
  /** Whether the receiver took it, and whether a living process learned that. */
  readonly isTaken: boolean;
  isTold: boolean;
}

/** How a receiver is, whatever else goes wrong. */
export type Temper =
  | { readonly type: 'is steady' }
  | { readonly type: 'refuses every third' }
  /** One account, or one event and with it what follows of its account, until it is healed. */
  | { readonly type: 'refuses for ever'; readonly what: 'account' | 'event'; refused?: Arrival }
  /** For a while nobody is there. */
  | { readonly type: 'is away'; readonly from: Date; readonly until: Date; readonly how: Absence }
  | { readonly type: 'is slow' }
  /** Now and then it answers nothing for a while, and then all of it at once. */
  | { readonly type: 'stalls'; readonly everyMs: number; readonly forMs: number }
  | { readonly type: 'is busy' }
  | { readonly type: 'breaks off' }
  /** Answers 410 to this request, once. */
  | { readonly type: 'is gone'; readonly at: number };

export type Absence = 'answers 500' | 'accepts no connection' | 'hangs';

/** Where a client wants events to be sent: a host of its own for each subscription. */
export interface Receiver {
  readonly tenantId: TenantId;
  readonly host: string;
  readonly url: string;
  readonly temper: Temper;
  readonly types: readonly string[];
  /** The largest package that was ever allowed; undefined where nothing was said once. */
  sizeMax: number | undefined;
  /** Undefined as long as its client does not know. */
  webhookId: string | undefined;
  /** How far the log reached before it was subscribed and when that was answered. */
  readonly since: { readonly before: number; after: number };
  isDeleted: boolean;
  /** What was to be delivered again: everything from a position on, in arrivals behind a count. */
  readonly replays: { readonly position: number; readonly head: number; readonly seen: number }[];
  /** Whether a replay was asked for, answered or not. */
  isReplayed: boolean;
  requests: number;
  /** Repeats included. */
  readonly arrivals: Arrival[];
}

/** What receivers need to know of the rest. */
export interface Around {
  readonly network: Network;
  readonly history: History;
  /** The keys that a tenant is served at this moment, as JWK texts. */
  readonly jwksOf: (tenantId: TenantId) => Promise<readonly string[]>;
  /** Keys that were read before, by their texts. */
  readonly known: Map<string, DeliveryKeys>;
  /** Whether receivers take everything by now. */
  readonly isHealed: () => boolean;
}

/** Takes one delivery. @throws when it is not one that the receiver can trust. */
export async function receiveAt(
  receivers: readonly Receiver[],
  post: Post,
  around: Around,
): Promise<ReceiverAnswer> {
  const { scheduler } = around.network;
  const receiver = receivers.find((one) => one.host === post.url.hostname);
  assert.ok(receiver !== undefined, `nobody receives at ${post.url}`);
  receiver.requests += 1;
  const before = answerUnread(receiver, around);
  if (before !== undefined) return before;
  const delivery = {
    method: 'POST',
    url: post.url.pathname + post.url.search,
    rawHeaders: Object.entries(post.headers).flat(),
    body: post.body,
  };
  const jwks = await around.jwksOf(receiver.tenantId);
  const keys = keysIn(jwks, around);
  const events = await readDelivery(delivery, keys, scheduler.clock.now());
  const isRefused = refuses(receiver, events, around);
  const answer = isRefused ? refusal : answerRead(receiver, around);
  const isTaken = 'status' in answer && answer.status < 300;
  const arrivals = keep(receiver, { post, events, isTaken }, around.history);
  const onTold = () => {
    for (const arrival of arrivals) arrival.isTold = isTaken;
  };
  return { ...answer, onTold };
}

function keysIn(jwks: readonly string[], { known }: Around): DeliveryKeys {
  const text = jwks.join();
  const keys = known.get(text) ?? readDeliveryKeys({ keys: jwks.map((jwk) => JSON.parse(jwk)) });
  known.set(text, keys);
  return keys;
}

function isTest(type: string | undefined): boolean {
  return type === testEventType;
}

const refusal: ReceiverAnswer = { status: 422 };

function keep(
  receiver: Receiver,
  { post, events, isTaken }: { post: Post; events: readonly WebhookEvent[]; isTaken: boolean },
  history: History,
): readonly Arrival[] {
  const text = post.body.toString();
  const { sizeMax, requests: request } = receiver;
  const isTooLarge = events.length > 1 && text.length > (sizeMax ?? Number.POSITIVE_INFINITY);
  assert.ok(!isTooLarge, `${post.url}: a package of ${text.length} bytes, at most ${sizeMax}`);
  const arrivals = events.map((event) => {
    const body = JSON.stringify(event);
    assert.ok(text.includes(body), 'an event is written as JSON.stringify writes it');
    const { webhookId = event.webhook_id } = receiver;
    assert.equal(event.webhook_id, webhookId, 'an event names the subscription it is of');
    const accountId = accountOf(event);
    const { id: eventId, type } = event;
    history.note(`${receiver.host} ${isTaken ? 'took' : 'saw'} ${eventId} ${type}`);
    return { eventId, accountId, type, body, request, isTaken, isTold: false };
  });
  const kept = arrivals.filter(({ type }) => !isTest(type));
  receiver.arrivals.push(...kept);
  return kept;
}

/** Events of a batch are in the log as those of an account of its own. */
function accountOf({ type, object }: WebhookEvent): string {
  if (type.startsWith('BATCH.') && 'id' in object) return String(object['id']);
  return 'account_id' in object ? String(object['account_id']) : '';
}

/** What is answered before anybody looks at the request; undefined: it is read. */
function answerUnread(
  { temper, requests }: Receiver,
  { network, isHealed }: Around,
): ReceiverAnswer | undefined {
  const { lot, troubles, scheduler } = network;
  if (troubles.happens('receiver_fails') && lot.next() < 0.5) return { status: 503 };
  if (isHealed()) return undefined;
  const now = scheduler.clock.now();
  switch (temper.type) {
    case 'refuses every third':
      return requests % 3 === 0 ? { status: 500 } : undefined;
    case 'is away':
      return temper.from <= now && now < temper.until ? absent(temper.how) : undefined;
    case 'is busy':
      return lot.next() < 0.2 && !troubles.isOver ? busy(lot, now) : undefined;
    case 'is gone':
      return requests === temper.at ? { status: 410 } : undefined;
    case 'is steady':
    case 'is slow':
    case 'stalls':
    case 'breaks off':
    case 'refuses for ever':
      return undefined;
  }
}

function absent(how: Absence): ReceiverAnswer {
  switch (how) {
    case 'answers 500':
      return { status: 500 };
    case 'accepts no connection':
      return { breaks: 'ECONNREFUSED' };
    case 'hangs':
      return { breaks: 'UND_ERR_HEADERS_TIMEOUT', afterMs: 3_000 };
  }
}

/** RFC 9110 10.2.3: the wait in seconds or as a date. */
function busy(lot: Lot, now: Date): ReceiverAnswer {
  const waitS = lot.between(0, 5);
  const isDate = lot.next() < 0.3;
  const date = new Date(now.getTime() + waitS * 1_000).toUTCString();
  const headers = { 'retry-after': isDate ? date : String(waitS) };
  return { status: lot.next() < 0.5 ? 429 : 503, headers };
}

/** What is answered to a request that was read and is not refused. */
function answerRead({ temper }: Receiver, { network, isHealed }: Around): ReceiverAnswer {
  const { lot, troubles, scheduler } = network;
  if (troubles.happens('receiver_fails')) return { status: 500 };
  if (isHealed()) return { status: 204 };
  if (temper.type === 'stalls' && !troubles.isOver) {
    const since = scheduler.clock.now().getTime() % temper.everyMs;
    return { status: 204, afterMs: Math.max(0, temper.forMs - since) };
  }
  if (temper.type === 'is slow' && lot.next() < 0.2) {
    return { status: 202, afterMs: lot.between(300, 9_000) };
  }
  if (temper.type === 'breaks off' && lot.next() < 0.25 && !troubles.isOver) {
    return lot.next() < 0.5 ? { breaks: 'ECONNRESET' } : { status: 200, isBrokenOff: true };
  }
  return { status: 204 };
}

/** Whether a receiver that refuses something for ever refuses this; it is chosen once. */
function refuses(
  { temper, requests }: Receiver,
  events: readonly WebhookEvent[],
  { network, isHealed }: Around,
): boolean {
  if (temper.type !== 'refuses for ever' || isHealed()) return false;
  const { lot, troubles } = network;
  const { refused } = temper;
  if (refused !== undefined) {
    return events.some((event) => {
      return temper.what === 'event'
        ? event.id === refused.eventId
        : accountOf(event) === refused.accountId;
    });
  }
  const chosen = events[lot.between(0, events.length - 1)];
  const mayChoose = !isTest(chosen?.type) && !troubles.isOver && lot.next() < 0.3;
  if (chosen === undefined || !mayChoose) return false;
  const { id: eventId, type } = chosen;
  const never = { body: '', request: requests, isTaken: false, isTold: false };
  temper.refused = { eventId, accountId: accountOf(chosen), type, ...never };
  return true;
}

const awayMs = { before: 10_000, min: 2_000, max: 30_000 };

/** Draws how a receiver is. */
export function drawTemper(lot: Lot, startsAt: Date): Temper {
  const at = (ms: number) => new Date(startsAt.getTime() + ms);
  const ways = ['answers 500', 'accepts no connection', 'hangs'] as const;
  const fromMs = lot.between(0, awayMs.before);
  const untilMs = fromMs + lot.between(awayMs.min, awayMs.max);
  const stalling = {
    type: 'stalls',
    everyMs: lot.between(2_000, 6_000),
    forMs: lot.between(300, 2_500),
  } as const;
  const choice: readonly Temper[] = [
    { type: 'is steady' },
    { type: 'is steady' },
    { type: 'refuses every third' },
    { type: 'refuses for ever', what: 'account' },
    { type: 'refuses for ever', what: 'event' },
    {
      type: 'is away',
      from: at(fromMs),
      until: at(untilMs),
      how: ways[lot.between(0, 2)] ?? 'hangs',
    },
    { type: 'is slow' },
    stalling,
    stalling,
    { type: 'is busy' },
    { type: 'breaks off' },
    { type: 'is gone', at: lot.between(1, 12) },
  ];
  return choice[lot.between(0, choice.length - 1)] ?? { type: 'is steady' };
}
