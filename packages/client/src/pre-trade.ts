// Pre-trade controls, and orders that they have stopped, as they are on the wire:
// names in snake case, money and quantities as decimal strings, instants as RFC 3339 text. Later
// versions may add members and values. Written by tools/client-types.ts from the API document.

export interface ControlsInForce {
  /** Of this client; null: none. */
  readonly own: Controls | null;
  /** Those that the operator has set for all clients; of both the stricter holds. */
  readonly across_clients: Controls | null;
}

export interface Controls {
  /** These controls; setting others makes new ones. */
  readonly id: string;
  /** Units of one order at most. */
  readonly order_quantity_max?: string;
  /** EUR of one order at most: its quantity times the last price. */
  readonly order_value_max?: string;
  /**
   * EUR at most of all orders since midnight UTC that are at venues or were sold, by the last
   * prices when they were sent.
   */
  readonly day_value_max?: string;
  /** Seconds since the last price at most. */
  readonly price_age_max_s?: number;
  /**
   * How far the price that an instrument was sold for last may be from its last price, in % of
   * that.
   */
  readonly price_collar_percent?: string;
  /**
   * So many rejections of a venue within so many seconds halt the venue for this client, or
   * the one instrument that all were about, until a person lifts the halt.
   */
  readonly rejections?: {
    readonly max: number;
    readonly window_s: number;
  };
  /**
   * EUR that a halt may hold, by the last prices, for one person to lift it, and that a batch
   * may sell for one person to start it; above it a second one has to approve.
   */
  readonly four_eyes_max?: string;
  /** Why they were set. */
  readonly reason: string;
  /** Who has decided it. */
  readonly person: string;
  /** Since when they hold. */
  readonly set_at: string;
}

export interface NewControls {
  /** Units of one order at most. */
  readonly order_quantity_max?: string;
  /** EUR of one order at most: its quantity times the last price. */
  readonly order_value_max?: string;
  /**
   * EUR at most of all orders since midnight UTC that are at venues or were sold, by the last
   * prices when they were sent.
   */
  readonly day_value_max?: string;
  /** Seconds since the last price at most. */
  readonly price_age_max_s?: number;
  /**
   * How far the price that an instrument was sold for last may be from its last price, in % of
   * that.
   */
  readonly price_collar_percent?: string;
  /**
   * So many rejections of a venue within so many seconds halt the venue for this client, or
   * the one instrument that all were about, until a person lifts the halt.
   */
  readonly rejections?: {
    readonly max: number;
    readonly window_s: number;
  };
  /**
   * EUR that a halt may hold, by the last prices, for one person to lift it, and that a batch
   * may sell for one person to start it; above it a second one has to approve.
   */
  readonly four_eyes_max?: string;
  /**
   * The `id` of the controls of this client that are in force, as you have seen them; without
   * it there must be none.
   */
  readonly replaces?: string;
  /** Why these, for those who ask later. */
  readonly reason: string;
  /** Who has decided them. */
  readonly person: string;
}

export interface StoppedOrder {
  /** The order and the control that stops it. */
  readonly id: string;
  /** The order. */
  readonly order_id: string;
  /** The account it sells for. */
  readonly account_id: string;
  /** The liquidation it belongs to. */
  readonly account_liquidation_id: string;
  /** The instrument. */
  readonly isin: string;
  /** Where it was to go (MIC). */
  readonly venue: string;
  /** Units that are left to sell. */
  readonly quantity: string;
  /** What stops it. */
  readonly control: 'order_quantity' | 'order_value' | 'day_value' | 'price_age' | 'price_collar';
  /** Its figure and the limit, for a person. */
  readonly detail: string;
  /** Since when. */
  readonly stopped_at: string;
  /** When a person has let it pass. */
  readonly released_at?: string;
  /** Who. */
  readonly released_by?: string;
  /** Why. */
  readonly release_reason?: string;
}

export interface StoppedQuery {
  /** `meta.next` of the page before: only what follows it. */
  readonly cursor?: string;
  /** The most items to answer. */
  readonly limit?: number;
}

export interface ReleaseRequest {
  /** Why it may pass. */
  readonly reason: string;
  /** Who lets it pass. */
  readonly person: string;
}
