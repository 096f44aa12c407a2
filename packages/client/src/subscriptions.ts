// Subscriptions of webhooks and their deliveries, as they are on the wire:
// names in snake case, money and quantities as decimal strings, instants as RFC 3339 text. Later
// versions may add members and values. Written by tools/client-types.ts from the API document.

import type { EventGap } from './contract.ts';

export interface Webhook {
  /** The subscription. */
  readonly id: string;
  /** When it was created, in UTC. */
  readonly created_at: string;
  /** When it last changed, in UTC. */
  readonly updated_at: string;
  readonly title: string;
  /** Where events are posted. */
  readonly url: string;
  /** While disabled, events are kept and not sent. */
  readonly enabled: boolean;
  /** The kinds of events it gets. */
  readonly type: readonly string[];
  /** The kinds it does not get; absent if none. */
  readonly exclude_type?: readonly string[];
  /** How events are delivered and signed. */
  readonly config: {
    /** Seconds events are gathered for. */
    readonly delay?: string;
    /** Bytes of events sent together. */
    readonly max_package_size?: number;
    readonly signature_version: '6' | '15' | '9421';
    readonly signature_algorithm: 'ecdsa-p521' | 'ed25519';
    /** Whether the headers of Standard Webhooks come as well. */
    readonly standard_webhooks?: boolean;
  };
  readonly delivery?: WebhookDelivery;
}

export interface NewWebhook {
  /** A name to know it by. */
  readonly title: string;
  /** Where events are posted: https, at a public address. */
  readonly url: string;
  /**
   * The kinds of events to get. This service has ACCOUNT_LIQUIDATION; and BATCH, which ALL
   * does not include.
   */
  readonly type?: readonly ('ALL' | EventKind)[];
  /** The kinds of events not to get, where `type` is ALL. */
  readonly exclude_type?: readonly EventKind[];
  /** Whether events are delivered; until then they are kept. */
  readonly enabled?: boolean;
  /** How events are delivered and signed. */
  readonly config?: WebhookConfig;
}

export type EventKind =
  | 'ACCOUNT'
  | 'ACCOUNT_GROUP'
  | 'ACCOUNT_LIQUIDATION'
  | 'ACCOUNT_RETURNS'
  | 'ACCOUNT_VALUATION'
  | 'BATCH'
  | 'CASH_BALANCE'
  | 'CASH_TRANSACTION'
  | 'CORPORATE_ACTION'
  | 'DIRECT_DEBIT'
  | 'EXECUTION'
  | 'FEE_COLLECTION'
  | 'INTRADAY_ACCOUNT_VALUATION'
  | 'ORDER'
  | 'ORDER_CANCELLATION'
  | 'PORTFOLIO'
  | 'PORTFOLIO_ALLOCATION'
  | 'PORTFOLIO_ORDER'
  | 'POSITION'
  | 'REPORT'
  | 'SECURITY_TRANSACTION'
  | 'TREASURY_REPORT'
  | 'USER'
  | 'USER_CHECK'
  | 'VIRTUAL_CASH_DECREASE'
  | 'VIRTUAL_CASH_INCREASE'
  | 'WITHDRAWAL';

/** How events are delivered and signed. */
export interface WebhookConfig {
  /** Gather events for 1 to 30 seconds and send them together. */
  readonly delay?: string;
  /** Bytes of events sent together at most; a larger single event is still sent. */
  readonly max_package_size?: number;
  /** The dialect that deliveries are signed in. */
  readonly signature_version?: '6' | '15' | '9421';
  /** What signs deliveries. RFC 9421 has no place for P-521. */
  readonly signature_algorithm?: 'ecdsa-p521' | 'ed25519';
  /**
   * Sign the headers webhook-id, webhook-timestamp and webhook-signature as well, with the
   * Ed25519 key of the client (v1a of Standard Webhooks).
   */
  readonly standard_webhooks?: boolean;
}

export interface WebhookQuery {
  /** What the list is sorted by; what is equal, by `id`. */
  readonly sort?: 'created_at' | 'updated_at' | 'title' | 'url' | 'enabled';
  /** The sort order: ascending or descending. */
  readonly order?: 'ASC' | 'DESC';
  /** How many items to skip. */
  readonly offset?: number;
  /** The most items to answer; with 0 there are none, and `total_count` is still true. */
  readonly limit?: number;
}

export interface WebhookDelivery {
  /** Delivered up to here; a cursor of `GET /events`. */
  readonly cursor: string;
  /** Events of the log behind the cursor. */
  readonly behind: number;
  /** Attempts failed since the last success. */
  readonly attempts: number;
  /** Since when the receiver has acknowledged nothing. */
  readonly failing_since: string | null;
  /** When a failing receiver is tried again. */
  readonly next_attempt_at: string | null;
  /** The last attempt. */
  readonly last_attempt_at: string | null;
  /** The last attempt that the receiver took. */
  readonly last_success_at: string | null;
  /** What came of the last attempt. */
  readonly last_outcome: string | null;
  /** Accounts tried again by themselves. */
  readonly retrying: number;
  /** Accounts that wait for a replay. */
  readonly set_aside: number;
  /** The first hundred of them, those set aside before the others. */
  readonly accounts: readonly BlockedAccount[];
  /** Events that were dropped from the log before they were delivered. */
  readonly gap: {
    /** The last cursor that was read. */
    readonly after: string;
    /** The last cursor that was dropped. */
    readonly up_to: string;
    /** When a delivery came by. */
    readonly noticed_at: string | null;
  } | null;
}

export interface BlockedAccount {
  /** An account whose event the receiver refuses while it acknowledges others. */
  readonly account_id: string;
  readonly status: 'retrying' | 'set_aside';
  /** Since when. */
  readonly failing_since: string | null;
  readonly attempts: number;
  /** When it is tried again. */
  readonly next_attempt_at: string | null;
  readonly last_outcome: string | null;
}

export interface DeliveryAttempt {
  /** The attempt. */
  readonly id: string;
  /**
   * A delivery, a test, or a note: events were dropped unread, nothing was acknowledged for a
   * day.
   */
  readonly kind: 'delivery' | 'test' | 'gap' | 'warning';
  /** When it began. */
  readonly attempted_at: string;
  /** Until the response, or the failure. */
  readonly duration_ms: number;
  /** The HTTP status; null without a response. */
  readonly status: number | null;
  /** What came of it, in a few words. */
  readonly outcome: string;
  /** The first characters of the response. */
  readonly response: string;
  /** The number of the attempt. */
  readonly attempt: number;
  /** Events it carried. */
  readonly events: number;
  /** The first of them. */
  readonly first_event_id: string | null;
  /** The last of them. */
  readonly last_event_id: string | null;
  /** The faults that were asked for and that it had; only in a sandbox. */
  readonly faults?: readonly (
    | 'late'
    | 'burst'
    | 'twice'
    | 'wrong_signature'
    | 'old_key'
    | 'stall'
    | 'answered_as'
  )[];
}

export interface AttemptQuery {
  /** The most attempts to answer. */
  readonly limit?: number;
  /** Only attempts that the receiver acknowledged, or only those that failed. */
  readonly result?: 'acknowledged' | 'failed';
}

export interface WebhookTest {
  /** Where the test event was posted. */
  readonly url: string;
  /** What the receiver answered, or `error`. */
  readonly response: {
    /** The HTTP status. */
    readonly status?: number;
    readonly headers?: Readonly<Record<string, string>>;
    /** The first characters of the response. */
    readonly body?: string;
    /** Why there was no response. */
    readonly error?: string;
  };
}

/** One of `from`, `event_id` and `set_aside`. */
export interface ReplayRequest {
  /**
   * Every event that happened at this time or later. An RFC 3339 date-time, or a date, which
   * means its first instant in UTC.
   */
  readonly from?: string;
  /** This event and every one behind it. */
  readonly event_id?: string;
  /** What was parked, of all accounts or of one. */
  readonly set_aside?: true;
  /** With `set_aside`: only of this account. */
  readonly account_id?: string;
}

export interface Replayed {
  /** Events of the log that are delivered now. */
  readonly behind: number;
  /** Accounts no longer set aside. */
  readonly resumed: number;
  /** The log does not have everything any more of what was asked for. */
  readonly gap: EventGap | null;
}
