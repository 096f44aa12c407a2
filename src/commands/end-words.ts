// Why a liquidation has ended, in the words that every command gives it.

import { assertNever } from '../assert.ts';
import type { EndReason } from '../liquidations/liquidation.ts';

/** An order that no venue takes any more. */
export interface Rejection {
  readonly isin: string;
  /** What the venue said. */
  readonly reason: string | undefined;
}

export interface EndDetail {
  /** What an operator has said who ended it. */
  readonly note?: string | undefined;
  /** Its orders that are CANCELLED. */
  readonly cancelled?: readonly Rejection[];
}

/** A clause without its full stop; of a rejection with each instrument once, and the venue's words. */
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
    case 'rejected':
      return `a venue rejected what was left for good${rejections(cancelled)}`;
    case 'limit':
      return 'it had reached its last round or its age, with what was sold by then';
    case 'abandoned':
      return `an operator ended it${note === undefined ? '' : ` (${note})`}`;
    default:
      return assertNever(reason);
  }
}

function rejections(cancelled: readonly Rejection[]): string {
  const parts = cancelled.map(({ isin, reason = 'without a reason' }) => `${isin}, ${reason}`);
  return parts.length === 0 ? '' : ` (${[...new Set(parts)].join('; ')})`;
}
