// The events of the contract and how they are read out of a delivery's body. An event of a type that
// this version does not know is handed on as it is, so that no receiver fails at what comes later.

import type { BatchWithProgress } from './batches.ts';
import type { Liquidation, LiquidationStatus } from './contract.ts';

/** What every event has. */
interface EventOf<Type extends string, Thing> {
  /** The same at every repetition, and in the log: handle it once. */
  readonly id: string;
  readonly created_at: string;
  readonly type: Type;
  readonly object: Thing;
}

/** What a delivered event has besides: the subscription it is delivered for. */
interface Delivered {
  readonly webhook_id: string;
}

/** As the log has it: a liquidation has reached a state; `object` is what it was then. */
export type LoggedLiquidationEvent = {
  [Status in LiquidationStatus]: EventOf<
    `ACCOUNT_LIQUIDATION.${Status}`,
    Liquidation & { readonly status: Status }
  >;
}[LiquidationStatus];

/** The same as it is delivered. */
export type AccountLiquidationEvent = LoggedLiquidationEvent & Delivered;

/** As the log has it: a batch has gone on; `object` is what it was then. For who names the kind BATCH. */
export type LoggedBatchEvent = EventOf<
  `BATCH.${'CREATED' | 'APPROVED' | 'STARTED' | 'PROGRESS' | 'PAUSED' | 'RESUMED' | 'CANCELLING' | 'CANCELLED' | 'COMPLETED'}`,
  BatchWithProgress
>;

/** What `client.webhooks.test` has delivered; no log has it. */
export type WebhookTestEvent = EventOf<'WEBHOOK.TEST', { readonly test: true }> & Delivered;

/** What else the contract has events of, and this service: `isBatchEvent` finds its own. */
type OtherCategory =
  | 'ACCOUNT'
  | 'BATCH'
  | 'CASH_BALANCE'
  | 'CORPORATE_ACTION'
  | 'EXECUTION'
  | 'ORDER'
  | 'POSITION'
  | 'REPORT'
  | 'USER';

/**
 * The type of an event that this version does not know. To separate it from the known ones the compiler
 * needs a form that none of them has; what comes may have any other form as well.
 */
export type UnknownType = `${OtherCategory}.${string}` | 'ACCOUNT_LIQUIDATION.SETTLED';

type UnknownLoggedEvent = EventOf<UnknownType, Readonly<Record<string, unknown>>>;

export type UnknownEvent = UnknownLoggedEvent & Delivered;

/** `switch` on `type` to separate them; let `default` take the unknown ones. */
export type WebhookEvent = AccountLiquidationEvent | WebhookTestEvent | UnknownEvent;

/** An event of `client.events`, with the id and the object of its deliveries. */
export type LoggedEvent = LoggedLiquidationEvent | UnknownLoggedEvent;

/** Whether an event, delivered or of the log, is of a liquidation in a state this version knows. */
export function isLiquidationEvent<Event extends { readonly type: string }>(
  event: Event,
): event is Extract<Event, Pick<LoggedLiquidationEvent, 'type'>> {
  return /^ACCOUNT_LIQUIDATION\.(NEW|PROCESSING|FILLED|SETTLED|CANCELLED)$/.test(event.type);
}

/** Whether an event, delivered or of the log, is of a batch. */
export function isBatchEvent<Event extends { readonly type: string }>(
  event: Event,
): event is Event & LoggedBatchEvent {
  return event.type.startsWith('BATCH.');
}

/** A body that is no event and no list of events. */
export class MalformedEventError extends Error {
  override readonly name = 'MalformedEventError';
}

/**
 * The events of a body: one alone, or the `payload` of several, ascending.
 * @throws MalformedEventError
 */
export function readEvents(body: Uint8Array): readonly WebhookEvent[] {
  const content = parse(body);
  if (!isObject(content)) throw new MalformedEventError('The body is no JSON object.');
  const events = 'payload' in content ? content['payload'] : [content];
  if (!Array.isArray(events)) throw new MalformedEventError('The payload is no list.');
  return events.map(readEvent);
}

function readEvent(event: unknown): WebhookEvent {
  const isEvent =
    isObject(event) &&
    typeof event['id'] === 'string' &&
    typeof event['type'] === 'string' &&
    isObject(event['object']);
  if (!isEvent) throw new MalformedEventError('An event has no id, no type or no object.');
  return event as unknown as WebhookEvent;
}

function parse(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch (cause) {
    throw new MalformedEventError('The body is not JSON.', { cause });
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
