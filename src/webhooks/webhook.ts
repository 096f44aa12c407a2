// A webhook subscription and its delivery, as far as they need no database and no network: what is
// sent next, and when it is tried again.

import type { SigningAlgorithm } from '../auth/signing-keys.ts';
import type { EventId, TenantId, WebhookId } from '../ids.ts';

export type SignatureVersion = '6' | '15' | '9421';

/** Kinds of events a subscription may name: the contract's, of which this service has one. */
export const webhookTypes = [
  'ALL',
  'ACCOUNT',
  'ACCOUNT_GROUP',
  'ACCOUNT_LIQUIDATION',
  'ACCOUNT_RETURNS',
  'ACCOUNT_VALUATION',
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
  /** Collect events for so many seconds before they are sent together. */
  readonly delayS: number | undefined;
  /** Bytes of events sent together; a larger single event is still sent. */
  readonly maxPackageSize: number | undefined;
  readonly signatureVersion: SignatureVersion;
  readonly signatureAlgorithm: SigningAlgorithm;
}

export interface Webhook extends WebhookSettings {
  readonly tenantId: TenantId;
  readonly webhookId: WebhookId;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** An event at its place in the tenant's log; `object` is the JSON text frozen with the event. */
export interface LoggedEvent {
  readonly position: number;
  readonly eventId: EventId;
  readonly type: string;
  readonly object: string;
  readonly createdAt: Date;
}

/** The event as it is delivered, byte for byte the same at every attempt. */
export function eventBody(event: LoggedEvent, webhookId: WebhookId): string {
  const { createdAt, eventId, object, type } = event;
  return (
    `{"created_at":"${createdAt.toISOString()}","id":"${eventId}","object":${object},` +
    `"type":"${type}","webhook_id":"${webhookId}"}`
  );
}

/** What one request carries: events up to and including `upTo`. */
export interface Package {
  readonly body: string;
  readonly upTo: number;
}

export type NextPackage =
  | { readonly type: 'send'; readonly package: Package }
  | { readonly type: 'collect'; readonly until: Date }
  | { readonly type: 'nothing' };

const packageSizeDefault = 1_048_576;

/**
 * The next request of a subscription (decisions, point 15): one event alone with the body of the
 * contract, or, where `delay` or `max_package_size` is set, `{"payload": […]}` with as many as fit.
 *
 * @param events all that follow the subscription's mark, ascending; `isAll` when there are no more.
 */
export function nextPackage(
  webhook: Pick<Webhook, 'webhookId' | 'delayS' | 'maxPackageSize'>,
  events: readonly LoggedEvent[],
  now: Date,
  isAll: boolean,
): NextPackage {
  const [oldest] = events;
  if (oldest === undefined) return { type: 'nothing' };
  const { webhookId, delayS, maxPackageSize } = webhook;
  if (delayS === undefined && maxPackageSize === undefined) {
    const body = eventBody(oldest, webhookId);
    return { type: 'send', package: { body, upTo: oldest.position } };
  }
  const bodies = events.map((event) => eventBody(event, webhookId));
  const count = countThatFit(bodies, maxPackageSize ?? packageSizeDefault);
  const due = new Date(oldest.createdAt.getTime() + (delayS ?? 0) * 1_000);
  const isFull = count < events.length || !isAll;
  if (!isFull && due > now) return { type: 'collect', until: due };
  const last = events[count - 1] ?? oldest;
  const body = `{"payload":[${bodies.slice(0, count).join(',')}]}`;
  return { type: 'send', package: { body, upTo: last.position } };
}

/** At least one; the size counts the whole request body. */
function countThatFit(bodies: readonly string[], sizeMax: number): number {
  let size = '{"payload":[]}'.length;
  let count = 0;
  for (const body of bodies) {
    size += Buffer.byteLength(body) + (count > 0 ? 1 : 0);
    if (size > sizeMax && count > 0) break;
    count += 1;
  }
  return count;
}

const longestGapS = 600;

/** Wait in ms after so many failed attempts: 1, 2, 3, 5, 8 … 600 s, plus up to a tenth of jitter. */
export function retryGapMs(attempts: number, random: number): number {
  let [gap, next] = [1, 2];
  for (let i = 1; i < attempts && gap < longestGapS; i += 1) [gap, next] = [next, gap + next];
  return Math.round(Math.min(gap, longestGapS) * 1_000 * (1 + random / 10));
}
