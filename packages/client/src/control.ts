// All liquidations of a client, and the story of one, as they are on the wire:
// names in snake case, money and quantities as decimal strings, instants as RFC 3339 text. Later
// versions may add members and values. Written by tools/client-types.ts from the API document.

import type { Liquidation } from './contract.ts';

export interface LiquidationOverview extends Liquidation {
  readonly progress: LiquidationProgress;
  /**
   * Why it waits: first the reason that counts, then the others that its positions have. Empty
   * once it has ended.
   */
  readonly waiting: readonly LiquidationWait[];
}

export interface LiquidationProgress {
  /** Orders made so far. */
  readonly orders: number;
  /** Of these, FILLED or CANCELLED. */
  readonly orders_final: number;
  /** Units of all orders. */
  readonly quantity: string;
  /** Units sold by them. */
  readonly executed_quantity: string;
  /** What the executions earned so far, in EUR. */
  readonly proceeds: string;
}

export interface LiquidationWait {
  /** The table of reasons stands in docs/views.md of the service. */
  readonly reason: WaitReason;
  /** The position that has it, where it is one. */
  readonly isin?: string;
  /** Since when it waits for this; absent: not known. */
  readonly since?: string;
  /** Until when, by the market clock; absent: not known. */
  readonly until?: string;
  /** For a person. */
  readonly detail?: string;
  /** Positions that have this reason. */
  readonly positions: number;
}

/** The table of reasons stands in docs/views.md of the service. */
export type WaitReason =
  | 'parked'
  | 'stopping'
  | 'rejected'
  | 'fraction'
  | 'odd_lot'
  | 'sent_unanswered'
  | 'inactive'
  | 'unlisted'
  | 'locked'
  | 'halted'
  | 'control'
  | 'no_rate'
  | 'venue_closed'
  | 'retrying'
  | 'release_delay'
  | 'due_later'
  | 'at_venue'
  | 'next_round'
  | 'due'
  | 'reservation';

export interface OverviewQuery {
  /** `meta.next` of the page before: only what follows it. */
  readonly cursor?: string;
  /** The most items to answer. */
  readonly limit?: number;
  /** Only liquidations of this status. */
  readonly status?: 'NEW' | 'PROCESSING' | 'FILLED' | 'SETTLED' | 'CANCELLED';
  /** Only liquidations of this account. */
  readonly account_id?: string;
  /** Only open liquidations that wait for this reason, be it the first or that of a position. */
  readonly waiting?: WaitReason;
  /**
   * With `true`, only liquidations that are `parked`, or that have been `stopping`,
   * `sent_unanswered`, `retrying` or `due` for more than five minutes.
   */
  readonly stuck?: boolean;
  /** Only liquidations that were created at least so many minutes ago. */
  readonly older_than_minutes?: number;
  /**
   * Only liquidations created before this time. An RFC 3339 date-time, or a date, which means
   * its first instant in UTC.
   */
  readonly created_before?: string;
}

export interface CursorPageMeta {
  /** Items on this page. */
  readonly count: number;
  /** The most items this page could have. */
  readonly limit: number;
  /** The cursor to go on with; null at the end of the list. */
  readonly next: string | null;
  /** Whether the list may go on behind this page. */
  readonly has_more: boolean;
}

export interface LiquidationStory {
  readonly liquidation: LiquidationOverview;
  /** When it may be released, by the market clock. */
  readonly release_at: string;
  /** Absent: its release was not scheduled. */
  readonly schedule?: {
    /** When its client wants it released, by the market clock. */
    readonly at: string;
    /** The venue that opens then. */
    readonly opening_of?: string;
    /** The reason its client gave. */
    readonly reason?: string;
  };
  /** Absent: it was not released. */
  readonly released_at?: string;
  /** Absent: it is open. */
  readonly ended_at?: string;
  /** Why it has ended. */
  readonly end_reason?: 'flat' | 'client' | 'rejected' | 'limit' | 'abandoned';
  /** What stays in the account: it is less than a lot, or was not granted. */
  readonly end_note?: string;
  /** How often orders were made. */
  readonly rounds: number;
  /** That it is to end before the account is flat. */
  readonly stop?: {
    /** Its age, or an operator. */
    readonly reason: 'limit' | 'abandoned';
    /** The reason its operator gave. */
    readonly note?: string;
    /** Since when it is to end. */
    readonly asked_at: string;
  };
  /** Open ones first; 1,000 at most. */
  readonly orders: readonly StoryOrder[];
  /** Orders that are not shown. */
  readonly orders_left_out: number;
  /** What blocks the rest: each position that is not sold, and why. */
  readonly positions: readonly {
    readonly isin: string;
    /** Units that are still in the account. */
    readonly quantity: string;
    /** The table of reasons stands in docs/views.md of the service. */
    readonly reason: WaitReason;
    /** Since when it waits for this; absent: not known. */
    readonly since?: string;
    /** Until when, by the market clock; absent: not known. */
    readonly until?: string;
    /** For a person. */
    readonly detail?: string;
    /** False: the book has no price for it. */
    readonly priced: boolean;
  }[];
  /**
   * In the order in which it was recorded; the latest 2,000 entries. Deliveries are those that
   * the log of attempts still has, of a package the one that begins or ends with the event.
   */
  readonly timeline: readonly StoryEntry[];
  /** Whether earlier entries are left out. */
  readonly timeline_cut: boolean;
}

export interface SignedStatement {
  /** base64url of a JSON document: every execution with price, time and venue, and the sums. */
  readonly payload: string;
  /**
   * base64url of the header: `alg` EdDSA, `kid`, and the public key as `jwk`. Believe that key
   * only if you know it from elsewhere, such as `GET /auth/verify_keys`.
   */
  readonly protected: string;
  /** base64url of the Ed25519 signature. */
  readonly signature: string;
}

export interface StoryOrder {
  /** The order. */
  readonly id: string;
  /** The instrument. */
  readonly isin: string;
  /** Its name in the book. */
  readonly name: string;
  /**
   * NEW: accepted, and can be cancelled. PROCESSING: released, its orders are under way.
   * FILLED: nothing sellable is left. CANCELLED: ended by its client while NEW, or because
   * something could not be sold; what was sold stays sold.
   */
  readonly status: 'NEW' | 'PROCESSING' | 'FILLED' | 'CANCELLED';
  /** Round of orders that it belongs to. */
  readonly round: number;
  /** Units to sell. */
  readonly quantity: string;
  /** Units sold. */
  readonly executed_quantity: string;
  /** What they earned, in EUR. */
  readonly proceeds: string;
  /** How often it was sent to the venue. */
  readonly attempts: number;
  /** When it is to be sent, by the market clock; absent: not. */
  readonly submit_at?: string;
  /** When it was made. */
  readonly created_at: string;
  /** Absent: it is open. */
  readonly ended_at?: string;
  /** Of a CANCELLED one. */
  readonly cancellation_reason?: string;
  /** The last attempt; absent: it was not sent yet. */
  readonly submission?: {
    /** Market identifier code, ISO 10383. */
    readonly venue: string;
    /** FIX 11. */
    readonly client_order_id: string;
    /** FIX 37, once it is known. */
    readonly venue_order_id?: string;
    /** SENDING: the venue has not answered yet. WORKING: it has the order. DONE: it is final. */
    readonly status: 'SENDING' | 'WORKING' | 'DONE';
    /** When it was to be sent. */
    readonly sent_at: string;
    /** filled, cancelled, rejected or suspended. */
    readonly outcome?: string;
    /** The venue's. */
    readonly reason?: string;
  };
  /** Why it is not sold yet. */
  readonly waiting?: {
    /** The table of reasons stands in docs/views.md of the service. */
    readonly reason: WaitReason;
    /** Since when it waits for this; absent: not known. */
    readonly since?: string;
    /** Until when, by the market clock; absent: not known. */
    readonly until?: string;
    /** For a person. */
    readonly detail?: string;
  };
}

export interface StreamQuery {
  /**
   * A cursor of `GET /events`, or an id of this stream: only what follows it. Without it, and
   * without `last-event-id`, the stream begins with what is logged next.
   */
  readonly after?: string;
  /** Only events of this liquidation. */
  readonly account_liquidation_id?: string;
  /**
   * With `true`, also an event `changed` where something has changed that no event of the log
   * reports: what was sold, batches, halts, controls and what they stop, what is parked,
   * webhooks, venues, audits. Once a second at most.
   */
  readonly changes?: boolean;
  /** Only events of this batch. */
  readonly batch_id?: string;
}

export interface StoryEntry {
  /** When it was recorded, in UTC. */
  readonly at: string;
  /** What happened. The other members are those that it has. */
  readonly kind:
    | 'stop_asked'
    | 'order_placed'
    | 'order_sent'
    | 'execution'
    | 'execution_busted'
    | 'attempt_ended'
    | 'order_ended'
    | 'event'
    | 'delivery';
  /** The event that was recorded. */
  readonly event_id?: string;
  /** Type of the event. */
  readonly type?: string;
  /** The order. */
  readonly order_id?: string;
  readonly isin?: string;
  /** FIX 11. */
  readonly client_order_id?: string;
  /** FIX 37. */
  readonly venue_order_id?: string;
  /** Market identifier code. */
  readonly venue?: string;
  /** The execution. */
  readonly execution_id?: string;
  /** Units. */
  readonly quantity?: string;
  /** EUR a unit. */
  readonly price?: string;
  /** EUR. */
  readonly proceeds?: string;
  /** The subscription that was delivered to. */
  readonly webhook_id?: string;
  /** How it ended. */
  readonly outcome?: string;
  /** For a person. */
  readonly detail?: string;
}
