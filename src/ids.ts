// Ids of the service: UUIDv7 (RFC 9562), made in the code, so that id order is time order up to the
// clock skew between processes. Which thing an id names is part of its type.

import { v7, validate } from 'uuid';

declare const named: unique symbol;

/** An id of one kind of thing; made only by `newId` and `parseId`. */
export type Id<Thing extends string> = string & { readonly [named]: Thing };

export type TenantId = Id<'tenant'>;
export type AccountId = Id<'account'>;
export type UserId = Id<'user'>;
export type LiquidationId = Id<'liquidation'>;
export type OrderId = Id<'order'>;
export type EventId = Id<'event'>;
export type WebhookId = Id<'webhook'>;
export type KeyId = Id<'key'>;

/** Where a simulation's ids come from: all of them follow from its seed and its clock. */
export interface IdSource {
  now(): Date;
  /** 16 bytes, as if they were random. */
  bytes(): Uint8Array;
}

let source: IdSource | undefined;

/** Takes every later id of this process from a source; for simulations only. */
export function drawIdsFrom(simulated: IdSource | undefined): void {
  source = simulated;
}

/** A fresh UUIDv7 in lower case. */
export function newId<Thing extends string>(): Id<Thing> {
  // Without options, ids of one process ascend within a millisecond as well.
  if (source === undefined) return v7() as Id<Thing>;
  return v7({ msecs: source.now().getTime(), random: source.bytes() }) as Id<Thing>;
}

/** The id in lower case, or undefined where the text is not an RFC 9562 UUID. */
export function parseId<Thing extends string>(text: string): Id<Thing> | undefined {
  return validate(text) ? (text.toLowerCase() as Id<Thing>) : undefined;
}

/** When an id was drawn (RFC 9562, section 5.7: its first 48 bits, in ms). */
export function instantOf(id: Id<string>): Date {
  return new Date(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16));
}

/** The id no tenant and nothing else has; sorts before every other. */
export const nilId = '00000000-0000-0000-0000-000000000000';
