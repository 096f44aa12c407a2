// What the service asks the keeper of the holdings, and what it reports to it: pure. How that looks on the wire is in wire.ts.

import type { AccountId, Id, LiquidationId, TenantId } from '../ids.ts';
import type { Decimal } from '../money.ts';
import type { Transitions } from '../state-machine.ts';

export type ReservationId = Id<'reservation'>;

/** Reservations of one tenant that are asked for or reported at once: each is a request under way. */
export const reservationsAtOnceMax = 32;

/** How long a process has for asking a keeper, its timeout included, before another asks again, in ms. */
export const reservationLeaseMs = 15_000;

/** Wait before a keeper that has not answered is asked again, in ms: it doubles up to the longest. */
const reservationWaitMs = { first: 1_000, longest: 300_000 };

/** Bytes of a keeper's answer: 5,000 positions, each with a reason of 200 characters in up to 4 bytes. */
export const keeperResponseBytesMax = 5 * 1_048_576;

/** A reservation is asked for until it is answered, or closed because nothing is to be sold by it. */
export const reservationTransitions = {
  ASKING: { answered: 'ANSWERED', let_go: 'CLOSED' },
  ANSWERED: { used_up: 'CLOSED', let_go: 'CLOSED' },
  CLOSED: {},
} as const satisfies Transitions<'ASKING' | 'ANSWERED' | 'CLOSED'>;

export interface ReservationName {
  readonly tenantId: TenantId;
  readonly reservationId: ReservationId;
  readonly liquidationId: LiquidationId;
  readonly accountId: AccountId;
}

export interface AskedPosition {
  readonly isin: string;
  readonly quantity: Decimal;
}

/** May these quantities be sold? */
export interface Question extends ReservationName {
  readonly positions: readonly AskedPosition[];
}

export interface GrantedPosition {
  readonly isin: string;
  readonly granted: Decimal;
  /** Why it is less than asked; for a person. */
  readonly reason: string | undefined;
}

/** What has become of a reservation; the last report counts, whatever came before. */
export interface SalesReport extends ReservationName {
  /** 1, and one more after each correction. */
  readonly number: number;
  readonly positions: readonly {
    readonly isin: string;
    readonly granted: Decimal;
    readonly sold: Decimal;
    /** What may be used otherwise. */
    readonly released: Decimal;
  }[];
}

/** `unanswered`: nothing is known; it is asked again. */
export interface Unanswered {
  readonly type: 'unanswered';
  readonly reason: string;
  readonly retryAfterMs: number | undefined;
}

/**
 * How long until the keeper is asked again, in ms: it doubles with each try up to the longest, and half of it is by
 * chance, so that many do not come at once. `Retry-After` is kept, up to the longest as well.
 */
export function waitMsAfter(
  tries: number,
  retryAfterMs: number | undefined,
  random: () => number,
): number {
  const { first, longest } = reservationWaitMs;
  const base = Math.min(first * 2 ** Math.min(tries - 1, 20), longest);
  const byChance = Math.round(base * (0.5 + random() / 2));
  return Math.min(Math.max(byChance, retryAfterMs ?? 0), longest);
}
