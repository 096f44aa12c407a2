// A webhook subscription and its delivery, as far as they need no database and no network: what is
// sent next, and when it is tried again.

import type { SigningAlgorithm } from '../auth/signing-keys.ts';
import type { AccountId, EventId, LiquidationId, TenantId, WebhookId } from '../ids.ts';
import { packageEventsMax } from '../limits.ts';

export type SignatureVersion = '6' | '15' | '9421';

/** Kinds of events a subscription may name: the contract's, of which this service has one, and our own. */
export const webhookTypes = [
  'ALL',
  'ACCOUNT',
  'ACCOUNT_GROUP',
  'ACCOUNT_LIQUIDATION',
  'ACCOUNT_RETURNS',
  'ACCOUNT_VALUATION',
  'BATCH',
  'CASH_BALANCE',
  'CASH_TRANSACTION',
  'CORPORATE_ACTION',
  'DIRECT_DEBIT',
  'EXECUTION',
  'FEE_COLLECTION',
  'INTRADAY_ACCOUNT_VALUATION',
  'ORDER',
  'ORDER_CANCELLATION',
  'PORTFOLIO',
  'PORTFOLIO_ALLOCATION',
  'PORTFOLIO_ORDER',
  'POSITION',
  'REPORT',
  'SECURITY_TRANSACTION',
  'TREASURY_REPORT',
  'USER',
  'USER_CHECK',
  'VIRTUAL_CASH_DECREASE',
  'VIRTUAL_CASH_INCREASE',
  'WITHDRAWAL',
] as const;

export type WebhookType = (typeof webhookTypes)[number];

export interface WebhookSettings {
  readonly title: string;
  readonly url: string;
  readonly enabled: boolean;
  readonly types: readonly WebhookType[];
  /** Kinds left out of all; none unless `types` has ALL. */
  readonly excludedTypes: readonly WebhookType[];
  /** Collect events for so many seconds before they are sent together. */
  readonly delayS: number | undefined;
  /** Bytes of events sent together; a larger single event is still sent. */
  readonly maxPackageSize: number | undefined;
  readonly signatureVersion: SignatureVersion;
  readonly signatureAlgorithm: SigningAlgorithm;
  /** Whether requests carry the headers of Standard Webhooks as well. */
  readonly standardHeaders: boolean;
}

/** What holds where a client says nothing else (decisions, point 15). */
export const usualSettings: Omit<WebhookSettings, 'title' | 'url'> = {
  enabled: false,
  types: ['ALL'],
  excludedTypes: [],
  delayS: undefined,
  maxPackageSize: undefined,
  signatureVersion: '6',
  signatureAlgorithm: 'ecdsa-p521',
  standardHeaders: false,
};

export interface Webhook extends WebhookSettings {
  readonly tenantId: TenantId;
  readonly webhookId: WebhookId;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** Which events a subscription gets. */
export type TypeFilter = Pick<WebhookSettings, 'types' | 'excludedTypes'>;

/** Whether an event is of a kind that is not published: only who names it gets it, and `ALL` does not. */
export function isByName(eventType: string): boolean {
  return eventType.startsWith('BATCH.');
}

/** Whether a subscription gets events of such a type, as `ACCOUNT_LIQUIDATION.NEW`. */
function isSubscribed({ types, excludedTypes }: TypeFilter, eventType: string): boolean {
  const isOfKind = (kind: WebhookType) => eventType.startsWith(`${kind}.`);
  const isInAll = types.includes('ALL') && !isByName(eventType);
  return (isInAll || types.some(isOfKind)) && !excludedTypes.some(isOfKind);
}

/** An event at its place in the tenant's log. One such object serves every subscription. */
export interface LoggedEvent {
  readonly offset: number;
  readonly eventId: EventId;
  readonly accountId: AccountId;
  /** Of an event of the log. */
  readonly liquidationId?: LiquidationId;
  readonly type: string;
  /** ISO 8601 in UTC, with milliseconds: as it is delivered. */
  readonly createdAt: string;
  /** The event as it is delivered, up to where the id of the subscription stands. */
  readonly text: string;
  /** Bytes of the event as it is delivered. */
  readonly bytes: number;
}

/** Those of the events that a subscription gets. */
export function ofTypes(
  filter: TypeFilter,
  events: readonly LoggedEvent[],
): readonly LoggedEvent[] {
  const isAll = filter.types.includes('ALL') && filter.excludedTypes.length === 0;
  if (isAll && !events.some(({ type }) => isByName(type))) return events;
  return events.filter(({ type }) => isSubscribed(filter, type));
}

const textEnd = '"}';
const webhookIdLength = 36;

/** An event as the log holds it; `object` is the JSON text frozen with it. */
export function loggedEvent(
  event: Omit<LoggedEvent, 'text' | 'bytes'> & { readonly object: string },
): LoggedEvent {
  const { object, ...rest } = event;
  const { eventId, type, createdAt } = rest;
  const text =
    `{"created_at":"${createdAt}","id":"${eventId}","object":${object},` +
    `"type":"${type}","webhook_id":"`;
  const bytes = Buffer.byteLength(text) + webhookIdLength + textEnd.length;
  return { ...rest, text, bytes };
}

/** The event as it is delivered, byte for byte the same at every attempt. */
export function eventBody(event: LoggedEvent, webhookId: WebhookId): string {
  return event.text + webhookId + textEnd;
}

/** The body of a request that carries these events, ascending: see `isPackaged`. */
export function requestBody(
  webhook: Pick<Webhook, 'webhookId' | 'delayS' | 'maxPackageSize'>,
  events: readonly LoggedEvent[],
): string {
  const { webhookId } = webhook;
  const [first] = events;
  if (first !== undefined && !isPackaged(webhook)) return eventBody(first, webhookId);
  const end = webhookId + textEnd;
  const texts = events.map((event) => event.text).join(`${end},`);
  return `{"payload":[${texts}${events.length > 0 ? end : ''}]}`;
}

/** Names a request by its events: the same when they are sent together again. */
export function messageIdOf(events: readonly LoggedEvent[]): string {
  const [first, last] = [events.at(0)?.eventId ?? '', events.at(-1)?.eventId ?? ''];
  return first === last ? first : `${first}_${last}`;
}

/**
 * Whether a request carries `{"payload": […]}` with as many events as fit, since `delay` or
 * `max_package_size` is set, and not one event alone with the body of the contract (decisions, point
 * 15).
 */
export function isPackaged(webhook: Pick<Webhook, 'delayS' | 'maxPackageSize'>): boolean {
  return webhook.delayS !== undefined || webhook.maxPackageSize !== undefined;
}

/** What `max_package_size` can be, in bytes. */
export const packageSizes = { min: 100, max: 1_048_576 } as const;

const emptyPackageBytes = '{"payload":[]}'.length;

/** Whether so many events of so many bytes are certainly more than one package holds. */
export function isMoreThanFits(
  webhook: Pick<Webhook, 'maxPackageSize'>,
  { events, bytes }: { events: number; bytes: number },
): boolean {
  const bytesMax = webhook.maxPackageSize ?? packageSizes.max;
  return events > packageEventsMax || (events > 1 && bytes > bytesMax);
}

/** Counts what fits into one request: at least one event, and the size is that of the whole body. */
class PackageSize {
  readonly #eventsMax: number;
  readonly #bytesMax: number;
  #bytes = emptyPackageBytes;
  #events = 0;

  constructor(webhook: Pick<Webhook, 'delayS' | 'maxPackageSize'>) {
    this.#eventsMax = isPackaged(webhook) ? packageEventsMax : 1;
    this.#bytesMax = webhook.maxPackageSize ?? packageSizes.max;
  }

  /** Adds an event. @returns false where it does not fit any more; it was not added then. */
  add(event: LoggedEvent): boolean {
    if (this.#events >= this.#eventsMax) return false;
    const separator = this.#events > 0 ? 1 : 0;
    const bytes = this.#bytes + separator + event.bytes;
    if (this.#events > 0 && bytes > this.#bytesMax) return false;
    this.#bytes = bytes;
    this.#events += 1;
    return true;
  }

  /** Roughly how many more events like those so far make it full. */
  missing(): number {
    const average = Math.max((this.#bytes - emptyPackageBytes) / Math.max(this.#events, 1), 1);
    return Math.max(Math.ceil((this.#bytesMax - this.#bytes) / average), 1);
  }
}

/** As many of the events, ascending, as one request carries: at least one. */
export function fitting(
  webhook: Webhook,
  events: readonly LoggedEvent[],
): {
  readonly events: readonly LoggedEvent[];
  readonly size: PackageSize;
} {
  const size = new PackageSize(webhook);
  const tooMany = events.findIndex((event) => !size.add(event));
  return { events: tooMany < 0 ? events : events.slice(0, tooMany), size };
}

type NextPackage =
  | { readonly type: 'send'; readonly events: readonly LoggedEvent[] }
  /** `missing` is how many more events probably make it full. */
  | { readonly type: 'collect'; readonly until: Date; readonly missing: number }
  | { readonly type: 'nothing' };

/**
 * What one request carries of waiting events, ascending; `isAll` unless there are more of them for which
 * there is no room until these are sent.
 */
export function nextPackage(
  webhook: Webhook,
  events: readonly LoggedEvent[],
  { now, isAll }: { now: Date; isAll: boolean },
): NextPackage {
  const [oldest] = events;
  if (oldest === undefined) return { type: 'nothing' };
  const { events: fit, size } = fitting(webhook, events);
  const until = new Date(Date.parse(oldest.createdAt) + (webhook.delayS ?? 0) * 1_000);
  const isFull = fit.length < events.length || !isAll;
  if (!isPackaged(webhook) || isFull || until <= now) return { type: 'send', events: fit };
  return { type: 'collect', until, missing: size.missing() };
}

const longestGapS = 600;

/** Wait in ms after so many failed attempts: 1, 2, 3, 5, 8 … 600 s, plus up to a tenth of jitter. */
export function retryGapMs(attempts: number, random: number): number {
  return Math.round(retryGapS(attempts) * 1_000 * (1 + random / 10));
}

function retryGapS(attempts: number): number {
  let [gap, next] = [1, 2];
  for (let i = 1; i < attempts && gap < longestGapS; i += 1) [gap, next] = [next, gap + next];
  return Math.min(gap, longestGapS);
}

/** The number of the first attempt that comes so many ms or more after the first failure. */
export function attemptsWithin(ms: number): number {
  let attempts = 1;
  for (let waitedS = 0; waitedS * 1_000 < ms; attempts += 1) waitedS += retryGapS(attempts);
  return attempts;
}

/** The longest wait that `Retry-After` can ask for, in ms. */
export const retryAfterMsMax = longestGapS * 1_000;
