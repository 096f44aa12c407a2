// Batches, as they are on the wire:
// names in snake case, money and quantities as decimal strings, instants as RFC 3339 text. Later
// versions may add members and values. Written by tools/client-types.ts from the API document.

export interface Batch {
  /** The batch. */
  readonly id: string;
  /**
   * PENDING_APPROVAL: it waits for a second person. SCHEDULED: it has not begun. RUNNING:
   * accounts are started, or were and have not ended. PAUSED: none is started. CANCELLING:
   * what was not started is cancelled, and what is still NEW. COMPLETED, CANCELLED: nothing of
   * it is open.
   */
  readonly status: BatchStatus;
  /** Why. */
  readonly reason: string;
  /** Who has decided it. */
  readonly person: string;
  /** Accounts a minute at most. */
  readonly rate?: number;
  /** Liquidations of it that may be open at once. */
  readonly in_progress_max?: number;
  /** When it starts. */
  readonly start_at: string;
  /** When it was made. */
  readonly created_at: string;
  /** When it changed last. */
  readonly updated_at: string;
  /** When it started; absent: it has not. */
  readonly started_at?: string;
  /** When it ended; absent: it has not. */
  readonly ended_at?: string;
  /**
   * EUR that its accounts could sell when it was made, by the last prices; absent: the
   * controls had no `four_eyes_max`, or a price was not known.
   */
  readonly value?: string;
  /** The approval that it waits for or had; absent: it needed none. */
  readonly approval_id?: string;
  /** When it was approved, declined, paused, resumed or cancelled last. */
  readonly steered_at?: string;
  /** Who has decided that. */
  readonly steered_by?: string;
  /** Why. */
  readonly steer_reason?: string;
  /** What became of its accounts. */
  readonly accounts: BatchCounts;
}

/**
 * PENDING_APPROVAL: it waits for a second person. SCHEDULED: it has not begun. RUNNING:
 * accounts are started, or were and have not ended. PAUSED: none is started. CANCELLING:
 * what was not started is cancelled, and what is still NEW. COMPLETED, CANCELLED: nothing of
 * it is open.
 */
export type BatchStatus =
  | 'PENDING_APPROVAL'
  | 'SCHEDULED'
  | 'RUNNING'
  | 'PAUSED'
  | 'CANCELLING'
  | 'CANCELLED'
  | 'COMPLETED';

/** What became of its accounts. */
export interface BatchCounts {
  /** Accounts that it names. */
  readonly total: number;
  /** Not started yet. */
  readonly waiting: number;
  /** Each has a liquidation. */
  readonly started: number;
  /** Each has a reason. */
  readonly refused: number;
  /** Not started, since the batch was cancelled before. */
  readonly cancelled: number;
}

export interface BatchQuery {
  /** `meta.next` of the page before: only what follows it. */
  readonly cursor?: string;
  /** The most items to answer. */
  readonly limit?: number;
  /** Only batches of this status. */
  readonly status?: BatchStatus;
}

export interface BatchWithProgress extends Batch {
  /** Its liquidations by their status. */
  readonly liquidations: {
    /** Not released yet. */
    readonly new: number;
    /** Being sold. */
    readonly processing: number;
    /** Ended flat, settled or not. */
    readonly filled: number;
    /** Ended before. */
    readonly cancelled: number;
  };
  /** Their money. */
  readonly money: {
    /** The currency of accounts. */
    readonly currency: 'EUR';
    /** Of all its liquidations: indicative of open ones, exact of others. */
    readonly cash_amount: string;
    /** What was earned so far. */
    readonly proceeds: string;
  };
  /** When it ends if it goes on as it did; absent: it cannot be estimated. */
  readonly estimated_end_at?: string;
}

export interface NewBatch {
  /** Each account once. They are started in this order. */
  readonly accounts: readonly NamedAccount[];
  /** Accounts a minute at most; absent: as fast as they can be started. */
  readonly rate?: number;
  /** Liquidations of the batch that may be open at once; absent: any number. */
  readonly in_progress_max?: number;
  /**
   * When it starts, by the wall clock; absent: at once. An RFC 3339 date-time, or a date,
   * which means its first instant in UTC.
   */
  readonly start_at?: string;
  /** Why, for those who ask later. */
  readonly reason: string;
  /** Who has decided it. */
  readonly person: string;
}

export interface NamedAccount {
  /** The account. */
  readonly account_id: string;
  /** The user who has to own it; absent: any. */
  readonly user_id?: string;
}

export interface BatchAccount {
  /** The account. */
  readonly account_id: string;
  /** The user who has to own it, where one was named. */
  readonly user_id?: string;
  /** Its place in the list that was sent. */
  readonly number: number;
  /**
   * WAITING: not started yet. STARTED: it has a liquidation. REFUSED: it has none, and the
   * reason is there. CANCELLED: the batch was cancelled before.
   */
  readonly status: 'WAITING' | 'STARTED' | 'REFUSED' | 'CANCELLED';
  /** When it was started, refused or cancelled. */
  readonly decided_at?: string;
  /** Of one that was started. */
  readonly liquidation?: {
    /** The liquidation. */
    readonly id: string;
    /**
     * NEW: accepted, and can be cancelled. PROCESSING: released, its orders are under way.
     * FILLED: nothing sellable is left. CANCELLED: ended by its client while NEW, or because
     * something could not be sold; what was sold stays sold.
     */
    readonly status: 'NEW' | 'PROCESSING' | 'FILLED' | 'CANCELLED';
    /** Indicative while it is open, then exact. */
    readonly cash_amount: string;
    /** What was earned so far. */
    readonly proceeds: string;
  };
  /** Of one that was refused. */
  readonly refusal?: {
    /** Why, for programs. */
    readonly code:
      | 'no_such_account'
      | 'account_not_active'
      | 'liquidation_running'
      | 'too_many_positions';
    /** Why, for people. */
    readonly detail: string;
    /** The liquidation that was still running, where that is why. */
    readonly account_liquidation_id?: string;
  };
}

export interface BatchAccountQuery {
  /** `meta.next` of the page before: only what follows it. */
  readonly cursor?: string;
  /** The most items to answer. */
  readonly limit?: number;
  /** Only accounts of which this became. */
  readonly status?: 'WAITING' | 'STARTED' | 'REFUSED' | 'CANCELLED';
  /** Only accounts whose liquidation has this status. */
  readonly liquidation_status?: 'NEW' | 'PROCESSING' | 'FILLED' | 'SETTLED' | 'CANCELLED';
}
