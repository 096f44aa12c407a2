// Why a liquidation has ended, in the words that every command gives it.

import { assertNever } from '../assert.ts';
import type { EndReason } from '../liquidations/liquidation.ts';

/** An order that no venue takes any more. */
export interface Refusal {
  readonly isin: string;
  /** What the venue said. */
  readonly reason: string | undefined;
}

export interface EndDetail {
  /** What an operator has said who ended it. */
  readonly note?: string | undefined;
  /** Its orders that are CANCELLED. */
  readonly cancelled?: readonly Refusal[];
}

/** A clause without its full stop; of a refusal with each instrument once, and the venue's words. */
export function endWords(
  reason: EndReason | undefined,
  { note, cancelled = [] }: EndDetail = {},
): string {
  switch (reason) {
    case undefined:
    case 'flat':
      return 'everything that can be sold is sold';
    case 'client':
      return 'its client cancelled it while it was NEW';
    case 'refused':
      return `a venue refused what was left for good${refusals(cancelled)}`;
    case 'limit':
      return 'it had reached its last round or its age, with what was sold by then';
    case 'abandoned':
      return `an operator ended it${note === undefined ? '' : ` (${note})`}`;
    default:
      return assertNever(reason);
  }
}

function refusals(cancelled: readonly Refusal[]): string {
  const parts = cancelled.map(({ isin, reason = 'without a reason' }) => `${isin}, ${reason}`);
  return parts.length === 0 ? '' : ` (${[...new Set(parts)].join('; ')})`;
}
