// Liquidations, lists, events and tokens, as they are on the wire:
// names in snake case, money and quantities as decimal strings, instants as RFC 3339 text. Later
// versions may add members and values. Written by tools/client-types.ts from the API document.

export interface Liquidation {
  /** The liquidation. Ids are UUIDv7: their order is the order of creation. */
  readonly id: string;
  /** When it was created, in UTC. */
  readonly created_at: string;
  /** When it last changed, in UTC. It moves exactly when the object does. */
  readonly updated_at: string;
  /** The user who owns the account. */
  readonly user_id?: string;
  /** The account that is turned into cash. */
  readonly account_id: string;
  /**
   * What the executions earned, plus the indicative value of what is still to be sold (last
   * price times open quantity). It can fall as well as rise until the liquidation is final; a
   * FILLED one shows exactly what was earned. Two decimals.
   */
  readonly cash_amount: string;
  /** ISO 4217. */
  readonly currency: 'EUR';
  /**
   * NEW: accepted, and can be cancelled. PROCESSING: released, its orders are under way.
   * FILLED: nothing sellable is left. CANCELLED: ended by its client while NEW, or because
   * something could not be sold; what was sold stays sold. SETTLED: FILLED before, and all
   * that it earned is settled.
   */
  readonly status: LiquidationStatus;
  /** One order for each position, once the liquidation is released; before, none. */
  readonly orders: readonly LiquidationOrder[];
  /** Null: accounts belong to users here. Absent where it was created before. */
  readonly business_id?: null;
  /** Null: fees are not collected here. Absent where it was created before. */
  readonly fee_collection_id?: null;
}

/**
 * NEW: accepted, and can be cancelled. PROCESSING: released, its orders are under way.
 * FILLED: nothing sellable is left. CANCELLED: ended by its client while NEW, or because
 * something could not be sold; what was sold stays sold. SETTLED: FILLED before, and all
 * that it earned is settled.
 */
export type LiquidationStatus = 'NEW' | 'PROCESSING' | 'FILLED' | 'CANCELLED' | 'SETTLED';

export interface LiquidationOrder {
  /** The order. */
  readonly id: string;
  /** A liquidation only sells. */
  readonly side: 'SELL';
  /**
   * NEW until it is sent to the venue, PROCESSING until it is final, then FILLED, or CANCELLED
   * when the venue rejected it or ended it with a quantity left.
   */
  readonly status: 'NEW' | 'PROCESSING' | 'FILLED' | 'CANCELLED';
}

export interface LiquidationQuery {
  /** What the list is sorted by. */
  readonly sort?: 'id';
  /** The sort order: ascending. */
  readonly order?: 'ASC';
  /** How many items to skip. */
  readonly offset?: number;
  /** The most items to answer. */
  readonly limit?: number;
  /**
   * Only liquidations created at this time or later. An RFC 3339 date-time, or a date, which
   * means its first instant in UTC.
   */
  readonly start_date?: string;
  /**
   * Only liquidations created before this time. An RFC 3339 date-time, or a date, which means
   * its first instant in UTC.
   */
  readonly end_date?: string;
}

export interface PageMeta {
  /** Items skipped before this page. */
  readonly offset: number;
  /** The most items this page could have: as asked, or fewer where the page was cut at 4 MiB. */
  readonly limit: number;
  /** Items on this page. */
  readonly count: number;
  /** Items on all pages. */
  readonly total_count: number;
  /** What the list is sorted by. */
  readonly sort: string;
  /** The sort order. */
  readonly order: 'ASC' | 'DESC';
}

export interface PageQuery {
  /** How many items to skip. */
  readonly offset?: number;
  /** The most items to answer; with 0 there are none, and `total_count` is still true. */
  readonly limit?: number;
}

export interface EventQuery {
  /** The cursor of the page before, `meta.next`: only what follows it. */
  readonly after?: string;
  /** The most events to answer. */
  readonly limit?: number;
  /**
   * Only events of a kind, or of one type of it. Those of batches come by this name alone:
   * BATCH.
   */
  readonly type?: string;
  /** Only events of this account. */
  readonly account_id?: string;
}

export interface EventPageMeta {
  /** Events on this page. */
  readonly count: number;
  /** The most events this page could have. */
  readonly limit: number;
  /** The cursor to go on with, also when there was nothing. */
  readonly next: string;
  /** Whether the log goes on behind this page. */
  readonly has_more: boolean;
  /** What was dropped from the log behind the cursor before it was read. */
  readonly gap: EventGap | null;
}

export interface EventGap {
  /** The last cursor that was read. */
  readonly after: string;
  /** The last cursor that was dropped. */
  readonly up_to: string;
}

export interface KeySet {
  readonly keys: readonly VerifyKey[];
}

/** A JSON Web Key (RFC 7517). */
export interface VerifyKey {
  /** What deliveries name in the parameter `keyid` of their signature. */
  readonly kid: string;
  readonly use: 'sig';
  readonly kty: 'EC' | 'OKP';
  readonly crv: 'P-521' | 'Ed25519';
  readonly x: string;
  /** Only with kty EC. */
  readonly y?: string;
}

export interface Token {
  /** The bearer token, opaque. */
  readonly access_token: string;
  /** Seconds it lives. */
  readonly expires_in: number;
  /** The scopes it has, separated by spaces. */
  readonly scope: string;
  readonly token_type: 'bearer';
}
