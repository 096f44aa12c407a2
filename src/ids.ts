// Ids of the service: UUIDv7 (RFC 9562), made in the code, so that id order is time order up to the
// clock skew between processes. Which thing an id names is part of its type.

import { createHash, randomInt } from 'node:crypto';
import { v7, validate } from 'uuid';
import { type Clock, systemClock } from './clock.ts';

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

let source: Clock = systemClock;
let last = { ms: 0, sequence: 0 };

/** Takes the time of every later id of this process from a clock; undefined: from this machine's. */
export function drawIdsFrom(clock: Clock = systemClock): void {
  source = clock;
  last = { ms: 0, sequence: 0 };
}

/** A fresh UUIDv7 in lower case. */
export function newId<Thing extends string>(): Id<Thing> {
  const ms = source.now().getTime();
  last = followerOf(last, ms);
  return v7({ msecs: last.ms, seq: last.sequence }) as Id<Thing>;
}

const sequenceMax = 0xffff_ffff;
/** A clock that was set back by more is followed. */
const setBackMs = 1_000;

/** Ids of one process ascend within a millisecond as well, and while the clock is corrected a little. */
function followerOf(before: typeof last, ms: number): typeof last {
  if (ms > before.ms || before.ms - ms > setBackMs) return { ms, sequence: randomInt(2 ** 31) };
  if (before.sequence < sequenceMax) return { ...before, sequence: before.sequence + 1 };
  return { ms: before.ms + 1, sequence: 0 };
}

/** The id in lower case, or undefined where the text is not an RFC 9562 UUID. */
export function parseId<Thing extends string>(text: string): Id<Thing> | undefined {
  return validate(text) ? (text.toLowerCase() as Id<Thing>) : undefined;
}

/**
 * An id that follows from a text, the same in every process: 20 characters of base 32 (100 bits of its
 * SHA-256), which every venue takes as a client order id.
 */
export function shortIdOf(text: string): string {
  const digest = createHash('sha256').update(text).digest();
  let id = '';
  for (const byte of digest.subarray(0, 20)) id += 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'[byte & 31];
  return id;
}

/** When an id was drawn (RFC 9562, section 5.7: its first 48 bits, in ms). */
export function instantOf(id: Id<string>): Date {
  return new Date(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16));
}

/** The id no tenant and nothing else has; sorts before every other. */
export const nilId = '00000000-0000-0000-0000-000000000000';
