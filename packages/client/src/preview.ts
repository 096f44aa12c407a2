// Previews of liquidations, and those that are released later, as they are on the wire:
// names in snake case, money and quantities as decimal strings, instants as RFC 3339 text. Later
// versions may add members and values. Written by tools/client-types.ts from the API document.

import type { Liquidation } from './contract.ts';

export interface NewScheduledLiquidation {
  /** The account. */
  readonly account_id: string;
  /** The user who owns the account. */
  readonly user_id: string;
  /** When it is to be released: one of them. */
  readonly release: {
    /**
     * A time of the market clock, 90 days ahead at most. An RFC 3339 date-time, or a date, which
     * means its first instant in UTC.
     */
    readonly at?: string;
    /** The next opening of this venue: market identifier code, ISO 10383. */
    readonly opening_of?: string;
  };
  /** Why, for those who ask later. */
  readonly reason?: string;
}

export interface ScheduledLiquidation extends Liquidation {
  /** The release that was asked for. */
  readonly release: {
    /** When it is released, by the market clock; not before its delay is over. */
    readonly at: string;
    /** The venue that opens then. */
    readonly opening_of?: string;
    /** As it was given. */
    readonly reason?: string;
  };
}

export interface LiquidationPreview {
  /** The account. */
  readonly account_id: string;
  /** The moment that is described, by the market clock. */
  readonly as_of: string;
  /** Why a liquidation could not be created now; absent: it could. */
  readonly refusal?: {
    /** conflict or too_many_requests. */
    readonly reason: string;
    /** What the refusal would say. */
    readonly detail: string;
    /** The liquidation that is running. */
    readonly running_id?: string;
  };
  /** Until it is released it can be cancelled. */
  readonly release: {
    /** When its delay would be over, by the market clock. */
    readonly due_at: string;
    /** When it would be released as things are now; absent: not foreseeable. */
    readonly expected_at?: string;
    /** What holds the release longer than its delay. */
    readonly waiting?: {
      readonly reason: 'halted' | 'venue_closed';
      /** For a person. */
      readonly detail: string;
    };
  };
  /**
   * What the release does. sell: places an order for each position that sells. wait:
   * PROCESSING without orders. end: nothing can be sold, so it is FILLED at once.
   */
  readonly outcome: 'sell' | 'wait' | 'end';
  /** What stays because it is less than a lot. */
  readonly note?: string;
  /** By ISIN. None where the account holds more than one liquidation may sell. */
  readonly positions: readonly PreviewPosition[];
  readonly totals: {
    /** Positions held. */
    readonly positions: number;
    /** Positions that are sold. */
    readonly selling: number;
    /** Value of what is sold, in EUR. */
    readonly value: string;
    /** Positions that are sold and have no price: the value leaves them out. */
    readonly unpriced: number;
    /** Positions that are sold and whose order controls would stop. */
    readonly stopped: number;
    /**
     * What the new liquidation shows as `cash_amount`: all that can be sold sooner or later,
     * also what is locked or halted now.
     */
    readonly cash_amount: string;
    /** Of both. */
    readonly currency: 'EUR';
    readonly by_currency: readonly PreviewTotal[];
  };
}

export interface PreviewPosition {
  /** The instrument. */
  readonly isin: string;
  /** Its name in the book. */
  readonly name: string;
  /** Units held: `sells` and all of `unsold` add up to it. */
  readonly quantity: string;
  /** Units that the order would have; 0: there would be none. */
  readonly sells: string;
  /** Each unit that is not sold, by one reason. */
  readonly unsold: readonly UnsoldUnits[];
  /**
   * The pre-trade controls that would stop the order if it was sent now; it is placed, and
   * waits.
   */
  readonly stopped_by: readonly {
    /** The control. */
    readonly control: 'order_quantity' | 'order_value' | 'day_value' | 'price_age' | 'price_collar';
    /** The figure and the limit, for a person. */
    readonly detail: string;
  }[];
  /** Where it is sold: MIC, ISO 10383. */
  readonly venue?: string;
  /** What the venue calls it. */
  readonly symbol?: string;
  /** In which the venue quotes it. */
  readonly currency?: string;
  /** Orders are multiples of it. */
  readonly lot_size?: string;
  /** Whether the venue is open when the release is due. */
  readonly venue_open?: boolean;
  /** When it opens, by the market clock; absent: it is open, or that is not known. */
  readonly opens_at?: string;
  /** The last price of the book, in EUR; absent: there is none. */
  readonly price?: string;
  /** When that price was entered. */
  readonly priced_at?: string;
  /** Its age, in seconds. */
  readonly price_age_s?: number;
  /** `sells` at that price, in EUR; absent: there is no price. */
  readonly value?: string;
}

export interface UnsoldUnits {
  /**
   * fraction and odd_lot stay in the account and hold nothing up; held: open orders are
   * selling it. The others are those of docs/views.md of the service.
   */
  readonly reason:
    | 'fraction'
    | 'odd_lot'
    | 'inactive'
    | 'unlisted'
    | 'locked'
    | 'held'
    | 'halted'
    | 'no_rate';
  /** Units. */
  readonly quantity: string;
  /** For a person. */
  readonly detail?: string;
}

export interface PreviewTotal {
  /** In which the venues quote these positions. */
  readonly currency: string;
  /** Positions that are sold in it. */
  readonly positions: number;
  /** Their value, in EUR. */
  readonly value: string;
  /** Positions among them without a price: the value leaves them out. */
  readonly unpriced: number;
}
