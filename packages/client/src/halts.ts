// Halts, as they are on the wire:
// names in snake case, money and quantities as decimal strings, instants as RFC 3339 text. Later
// versions may add members and values. Written by tools/client-types.ts from the API document.

export interface Halt {
  /** The halt. */
  readonly id: string;
  /** What it covers; everything: of all clients, set by the operator. */
  readonly scope: 'everything' | 'tenant' | 'account' | 'instrument' | 'venue';
  /** Whether it holds for all clients. */
  readonly across_clients: boolean;
  /** The account, where it covers one. */
  readonly account_id?: string;
  /** The instrument, where it covers one. */
  readonly isin?: string;
  /** The venue, where it covers one. */
  readonly venue?: string;
  /**
   * release: nothing new is released or sent; cancel: and what is open at a venue is
   * cancelled.
   */
  readonly strength: 'release' | 'cancel';
  /** Why it was set. */
  readonly reason: string;
  /** Who has decided it. */
  readonly person: string;
  /** Since when it holds. */
  readonly set_at: string;
  /** Absent: it is in force. */
  readonly lifted_at?: string;
  /** Who has lifted it. */
  readonly lifted_by?: string;
  /** Why it was lifted. */
  readonly lift_reason?: string;
}

export interface HaltQuery {
  /** `meta.next` of the page before: only what follows it. */
  readonly cursor?: string;
  /** The most items to answer. */
  readonly limit?: number;
  /** Only halts that are in force, or only those that were lifted. */
  readonly in_force?: boolean;
}

export interface NewHalt {
  /**
   * What is halted: all of this client, one account (`account_id`), one instrument (`isin`),
   * or what goes to one venue (`venue`).
   */
  readonly scope: 'tenant' | 'account' | 'instrument' | 'venue';
  readonly account_id?: string;
  readonly isin?: string;
  /** Market identifier code, ISO 10383. */
  readonly venue?: string;
  /**
   * release: nothing new is released or sent; cancel: and what is open at a venue is cancelled
   * there. What the venue has not sold by then waits, and is sent again when the halt is
   * lifted.
   */
  readonly strength?: 'release' | 'cancel';
  /** Why, for those who ask later. */
  readonly reason: string;
  /** Who has decided it. */
  readonly person: string;
  /** Only say what the halt would stop. */
  readonly dry_run?: boolean;
}

export interface HaltWithEffect extends Halt {
  /** What the halt stops, of this client, as it is now. */
  readonly effect: HaltEffect;
}

/** What the halt stops, of this client, as it is now. */
export interface HaltEffect {
  /** Liquidations that are not released. */
  readonly liquidations: number;
  /**
   * Positions of running liquidations that could be sold and have no order yet: none of theirs
   * is sent.
   */
  readonly positions: number;
  /** Orders that are not sent. */
  readonly orders: number;
  /** Orders that are at a venue, or on their way: they go on there, or are being cancelled. */
  readonly orders_at_venue: number;
}

export interface LiftRequest {
  /** Why, for those who ask later. */
  readonly reason: string;
  /** Who has decided it. */
  readonly person: string;
}

export interface Approval {
  /** What waits for a second person. */
  readonly id: string;
  /** What was asked for. */
  readonly operation: 'lift_halt' | 'start_batch';
  /** The halt to lift, of `lift_halt`. */
  readonly halt_id?: string;
  /** The batch to start, of `start_batch`. */
  readonly batch_id?: string;
  /**
   * Only what is pending can be decided; void: its halt was lifted otherwise, or its batch was
   * cancelled.
   */
  readonly status: 'pending' | 'approved' | 'declined' | 'expired' | 'void';
  /** EUR that the halt held, or the batch could sell; absent: a price was not known. */
  readonly value?: string;
  /** The limit that it is above, in EUR. */
  readonly four_eyes_max: string;
  /** Why it was asked for. */
  readonly reason: string;
  /** Who has asked. */
  readonly person: string;
  /** When. */
  readonly asked_at: string;
  /** From then on it has to be asked for again. */
  readonly expires_at: string;
  /** When it was approved or declined. */
  readonly decided_at?: string;
  /** The second person. */
  readonly decided_by?: string;
  /** Why. */
  readonly decide_reason?: string;
}

export interface ApprovalQuery {
  /** `meta.next` of the page before: only what follows it. */
  readonly cursor?: string;
  /** The most items to answer. */
  readonly limit?: number;
  /** Only those that can be decided now. */
  readonly pending?: boolean;
}

export interface ApprovalDecision {
  /** Why. */
  readonly reason: string;
  /** Who decides: not who has asked. */
  readonly person: string;
}
