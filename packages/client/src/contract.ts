// The objects of the contract as TypeScript sees them on the wire: names in snake case, money and
// quantities as decimal strings, instants as RFC 3339 text. Later versions may add members and values.

import type { JsonWebKey } from 'node:crypto';
import type { LoggedEvent } from './events.ts';

export type LiquidationStatus = 'NEW' | 'PROCESSING' | 'FILLED' | 'CANCELLED';

export type OrderStatus = LiquidationStatus;

export interface Liquidation {
  readonly id: string;
  readonly created_at: string;
  readonly updated_at: string;
  readonly user_id: string;
  readonly account_id: string;
  /** What was earned, plus what is expected of the rest; final once the status is. */
  readonly cash_amount: string;
  readonly currency: string;
  readonly status: LiquidationStatus;
  readonly orders: readonly LiquidationOrder[];
}

export interface LiquidationOrder {
  readonly id: string;
  readonly side: 'SELL';
  readonly status: OrderStatus;
}

/** One page of a list. */
export interface Page<T> {
  readonly data: readonly T[];
  readonly meta: PageMeta;
}

export interface PageMeta {
  readonly offset: number;
  readonly limit: number;
  /** Of this page. */
  readonly count: number;
  /** Of all that match. */
  readonly total_count: number;
  readonly sort?: string;
  readonly order?: string;
}

/** Which part of a list, and in how large pages. */
export interface PageQuery {
  readonly offset?: number;
  /** Objects a page, 1 to 1000; default 100. */
  readonly limit?: number;
}

export interface WebhookQuery extends PageQuery {
  /** Default `created_at`. */
  readonly sort?: 'created_at' | 'updated_at' | 'title' | 'url' | 'enabled';
  /** Default `ASC`. */
  readonly order?: 'ASC' | 'DESC';
}

export interface LiquidationQuery extends PageQuery {
  /** Inclusive: RFC 3339 date-time, or a date in UTC. */
  readonly start_date?: string;
  /** Exclusive. */
  readonly end_date?: string;
}

export interface WebhookConfig {
  /** Collect events for so long, `1s` to `30s`. */
  readonly delay?: string;
  /** Send so many bytes of events together, 100 to 1048576. */
  readonly max_package_size?: number;
  readonly signature_version?: '6' | '15' | '9421';
  readonly signature_algorithm?: 'ecdsa-p521' | 'ed25519';
  /** Sign the headers of Standard Webhooks as well. */
  readonly standard_webhooks?: boolean;
}

/** What a subscription always tells of its signatures. */
type SignatureConfig = Required<Pick<WebhookConfig, 'signature_version' | 'signature_algorithm'>>;

export interface NewWebhook {
  readonly title: string;
  readonly url: string;
  /** Kinds of events; default `['ALL']`. */
  readonly type?: readonly string[];
  /** Kinds of events left out of `['ALL']`. */
  readonly exclude_type?: readonly string[];
  /** Default false: nothing is delivered until it is switched on. */
  readonly enabled?: boolean;
  readonly config?: WebhookConfig;
}

export interface Webhook extends Required<Omit<NewWebhook, 'exclude_type'>> {
  /** Absent if there are none. */
  readonly exclude_type?: readonly string[];
  readonly id: string;
  readonly created_at: string;
  readonly updated_at: string;
  readonly config: WebhookConfig & SignatureConfig;
  /** Only when one subscription is retrieved. */
  readonly delivery?: WebhookDelivery;
}

/** Where the deliveries of a subscription stand. */
export interface WebhookDelivery {
  /** Delivered up to here; a cursor of `GET /events`. */
  readonly cursor: string;
  /** Events of the log behind the cursor. */
  readonly behind: number;
  /** Attempts failed since the last success. */
  readonly attempts: number;
  readonly failing_since: string | null;
  readonly next_attempt_at: string | null;
  readonly last_attempt_at: string | null;
  readonly last_success_at: string | null;
  readonly last_outcome: string | null;
  /** How many accounts are tried again by themselves, and how many wait for a replay. */
  readonly retrying: number;
  readonly set_aside: number;
  readonly accounts: readonly HeldAccount[];
  /** Events that were dropped before they were delivered. */
  readonly gap: (EventGap & { readonly noticed_at: string | null }) | null;
}

/** An account whose event is refused while others are taken. */
export interface HeldAccount {
  readonly account_id: string;
  readonly status: 'retrying' | 'set_aside';
  readonly failing_since: string | null;
  readonly attempts: number;
  readonly next_attempt_at: string | null;
  readonly last_outcome: string | null;
}

export interface AttemptQuery {
  /** The most attempts to give, 1 to 500; default 100. */
  readonly limit?: number;
  /** Only what the receiver took, or only what failed. */
  readonly result?: 'taken' | 'failed';
}

/** One request to a receiver, and what came of it. */
export interface DeliveryAttempt {
  readonly id: string;
  /** `gap`: no request, a note that events were dropped unread. */
  readonly kind: 'delivery' | 'test' | 'gap' | 'warning';
  readonly attempted_at: string;
  readonly duration_ms: number;
  /** Null without an answer. */
  readonly status: number | null;
  /** In a few words. */
  readonly outcome: string;
  /** The first characters of the answer. */
  readonly answer: string;
  /** 1, 2, 3 … */
  readonly attempt: number;
  readonly events: number;
  readonly first_event_id: string | null;
  readonly last_event_id: string | null;
}

/** What a receiver said to a test event, or why it said nothing. */
export interface WebhookTest {
  readonly url: string;
  readonly response: {
    readonly status?: number;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string;
    readonly error?: string;
  };
}

/** From where to deliver again: a time (RFC 3339), an event, or what was set aside. */
export type Replay =
  | { readonly from: string }
  | { readonly event_id: string }
  | { readonly set_aside: true; readonly account_id?: string };

export interface Replayed {
  /** Events of the log that are delivered now, those that were due anyway among them. */
  readonly behind: number;
  /** Accounts no longer set aside. */
  readonly resumed: number;
  /** The log does not have everything any more of what was asked for. */
  readonly gap: EventGap | null;
}

/** Which events of the log, and in how large pages. */
export interface EventQuery {
  /** Only what follows this cursor; default the beginning of the log. */
  readonly after?: string;
  /** Events a page, 1 to 1000; default 100. */
  readonly limit?: number;
  /** A kind of events, such as `ACCOUNT_LIQUIDATION`, or one type of it. */
  readonly type?: string;
  readonly account_id?: string;
}

/** One page of the log. */
export interface EventPage {
  readonly data: readonly LoggedEvent[];
  readonly meta: EventPageMeta;
}

export interface EventPageMeta {
  readonly count: number;
  readonly limit: number;
  /** The cursor to go on with, also where there was nothing. */
  readonly next: string;
  readonly has_more: boolean;
  /** What was dropped behind the cursor before it was read. */
  readonly gap: EventGap | null;
}

/** Events that the log does not have any more, between two cursors. */
export interface EventGap {
  readonly after: string;
  readonly up_to: string;
}

/** The keys that deliveries are signed with (RFC 7517). */
export interface KeySet {
  readonly keys: readonly VerifyKey[];
}

export type VerifyKey = JsonWebKey & { readonly kid: string };

export interface Token {
  readonly access_token: string;
  readonly expires_in: number;
  readonly token_type: string;
  readonly scope: string;
}
