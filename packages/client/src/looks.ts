// How the selling goes, what an id names, and what waits for a person, as they are on the wire:
// names in snake case, money and quantities as decimal strings, instants as RFC 3339 text. Later
// versions may add members and values. Written by tools/client-types.ts from the API document.

export interface SellingOverview {
  /** When it was counted; it is shared for a second. */
  readonly at: string;
  /** The market clock then. */
  readonly market_time: string;
  readonly open: {
    /** Liquidations that are NEW. */
    readonly new: number;
    /** Liquidations that are PROCESSING. */
    readonly processing: number;
    /** When the oldest of them was asked for; absent: none. */
    readonly oldest_at?: string;
  };
  /** Why they wait, the most frequent reason first. */
  readonly waiting: readonly {
    /** The table of reasons stands in docs/views.md. */
    readonly reason: string;
    /** How many of the 500 oldest wait for it. */
    readonly count: number;
  }[];
  readonly today: {
    /** Midnight in UTC. */
    readonly from: string;
    /** Liquidations asked for. */
    readonly asked: number;
    /** Of these, FILLED. */
    readonly filled: number;
    /** Of these, CANCELLED. */
    readonly cancelled: number;
    /** Executions of today, of whatever liquidation. */
    readonly executions: number;
    /** What they earned, in EUR. */
    readonly proceeds: string;
  };
  /** The minutes of the last hour in which something was sold. */
  readonly minutes: readonly {
    /** Where the minute begins. */
    readonly at: string;
    /** Orders with executions. */
    readonly orders: number;
    /** What they earned, in EUR. */
    readonly proceeds: string;
  }[];
  /** What waits for a person. */
  readonly parked: number;
  readonly webhooks: {
    /** Subscriptions. */
    readonly enabled: number;
    /** Of these, whose last attempt failed. */
    readonly failing: number;
    /** Events that the one furthest behind has not got. */
    readonly most_behind: number;
  };
  readonly venues: readonly {
    /** Market identifier code, ISO 10383. */
    readonly mic: string;
    /** Whether it trades now. */
    readonly open: boolean;
    /** How its FIX session stands. */
    readonly fix_session?: string;
    /** Instruments that it has halted. */
    readonly halted: readonly string[];
    /** When it opens, by the market clock. */
    readonly opens_at?: string;
    /** When it closes, by the market clock. */
    readonly closes_at?: string;
  }[];
}

export interface FoundThing {
  /** What it is. */
  readonly kind:
    | 'liquidation'
    | 'account'
    | 'order'
    | 'execution'
    | 'batch'
    | 'webhook'
    | 'instrument';
  /** Its id; of an instrument the ISIN. */
  readonly id: string;
  readonly liquidation_id?: string;
  readonly account_id?: string;
}

export interface Parked {
  /** Step and subject: `release/…` a liquidation, `submit/…` an order. */
  readonly id: string;
  /** Why it could not be worked on. */
  readonly reason: string;
  /** How often it was tried. */
  readonly tries: number;
  /** Since when it waits. */
  readonly parked_at: string;
  /** What a person does about it, once its cause is mended. */
  readonly remedy: 'resume' | 'close';
}

export interface ParkedClosing {
  /** Its id, as the list has it. */
  readonly id: string;
  /** What was done about it. */
  readonly reason: string;
  /** Who has seen to it. */
  readonly person: string;
}
