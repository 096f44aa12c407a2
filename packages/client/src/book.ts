// Accounts and what they hold, orders and instruments, as they are on the wire:
// names in snake case, money and quantities as decimal strings, instants as RFC 3339 text. Later
// versions may add members and values. Written by tools/client-types.ts from the API document.

import type { LiquidationStatus } from './contract.ts';

export interface Account {
  /** The account. */
  readonly id: string;
  /** When it was recorded here first, in UTC. */
  readonly created_at: string;
  /** When it last changed, in UTC. */
  readonly updated_at: string;
  /** The group of the accounts of one user: the id of that user. */
  readonly account_group_id: string;
  /** Always 1. */
  readonly account_number: number;
  /** Always Account. */
  readonly name: string;
  /** As the book says. ACTIVE and CLOSING accounts can be liquidated. */
  readonly status: 'PENDING_APPROVAL' | 'ACTIVE' | 'CLOSING' | 'CLOSED' | 'LOCKED';
  /** The kind of account. */
  readonly type: 'TRADING';
  /** Its owner. */
  readonly users: readonly {
    /** The user. */
    readonly id: string;
    /** What the user is to it. */
    readonly type: 'OWNER';
  }[];
}

export interface Position {
  /** The account. */
  readonly account_id: string;
  /** What is held. */
  readonly instrument: {
    /** ISO 6166. */
    readonly isin: string;
    /** The `id` of the instrument. */
    readonly uuid: string;
  };
  /** Units held; 0 once all are sold. */
  readonly quantity: string;
  /** Of these, units that open orders still have to sell. */
  readonly locked_for_trading: string;
  /** Units that can be sold: without those of open orders, and without those locked otherwise. */
  readonly available_for_trading: string;
  /** Always 0: purchases are not known here before they settle. */
  readonly pending_settlement: string;
}

export interface Instrument {
  /** The instrument; the same in every installation, computed from its ISIN. */
  readonly id: string;
  /** When it was recorded here first, in UTC. */
  readonly created_at: string;
  /** When it last changed, in UTC. */
  readonly updated_at: string;
  /** ISO 6166. */
  readonly isin: string;
  /** Its first 100 characters. */
  readonly name: string;
  /** False: only whole units are sold. */
  readonly fractional_trading: boolean;
  /** While INACTIVE it is not sold; liquidations wait for it. */
  readonly trading_status: 'ACTIVE' | 'INACTIVE';
}

export interface InstrumentQuery {
  /** Only instruments of this status. */
  readonly trading_status?: 'ACTIVE' | 'INACTIVE';
  /** What the list is sorted by. */
  readonly sort?: 'created_at' | 'updated_at';
  /** The sort order: ascending or descending. */
  readonly order?: 'ASC' | 'DESC';
  /** How many items to skip. */
  readonly offset?: number;
  /** The most items to answer; with 0 there are none, and `total_count` is still true. */
  readonly limit?: number;
}

export interface Order {
  /** The order. Ids are UUIDv7: their order is the order of creation. */
  readonly id: string;
  /** When it was recorded here first, in UTC. */
  readonly created_at: string;
  /** When it last changed, in UTC. */
  readonly updated_at: string;
  /** The owner of the account. */
  readonly user_id: string;
  /** The account. */
  readonly account_id: string;
  /** The id of the liquidation. */
  readonly client_reference: string;
  /** Always 0, since units are ordered. What it earned is in `executions`. */
  readonly cash_amount: string;
  /** ISO 4217. */
  readonly currency: 'EUR';
  /** A liquidation only sells. */
  readonly side: 'SELL';
  /** What is sold. */
  readonly instrument_id: string;
  /** What `instrument_id` is. */
  readonly instrument_id_type: 'ISIN';
  /** Sold at the price of the market. */
  readonly order_type: 'MARKET';
  /** Units to sell. */
  readonly quantity: string;
  /** Empty: a market order has none. */
  readonly limit_price: '';
  /** Empty: a market order has none. */
  readonly stop_price: '';
  /** FILLED when all is sold, CANCELLED when it ended with less. */
  readonly status: LiquidationStatus;
  /** Only of a CANCELLED order: who ended it. */
  readonly cancellation_reason?:
    | 'CANCELLED_BY_CLIENT'
    | 'CANCELLED_BY_UPVEST_OPERATIONS'
    | 'CANCELLED_BY_TRADING_PARTNER'
    | 'CANCELLED_BY_UPVEST_PLATFORM';
  /** Always 0: fees are not computed here. */
  readonly fee: string;
  /** What it is made for. */
  readonly initiation_flow: 'ACCOUNT_LIQUIDATION';
  /** Each order goes to the venue by itself. */
  readonly execution_flow: 'STRAIGHT_THROUGH';
  /** What is sold of it so far. */
  readonly executions: readonly Execution[];
}

export interface OrderedQuery {
  /** The sort order: ascending or descending. */
  readonly order?: 'ASC' | 'DESC';
  /** How many items to skip. */
  readonly offset?: number;
  /** The most items to answer; with 0 there are none, and `total_count` is still true. */
  readonly limit?: number;
}

export interface Execution {
  /** The execution. */
  readonly id: string;
  /** The order it is of. */
  readonly order_id: string;
  /** What it earned: quantity times price, rounded half-even. Two decimals. */
  readonly cash_amount: string;
  /** ISO 4217. */
  readonly currency: 'EUR';
  /** EUR a unit. */
  readonly price: string;
  /** Units sold. */
  readonly share_quantity: string;
  /** A liquidation only sells. */
  readonly side: 'SELL';
  /** CANCELLED when the venue declared it void; SETTLED does not occur. */
  readonly status: 'FILLED' | 'SETTLED' | 'CANCELLED';
  /** Always empty: taxes are not computed here. */
  readonly taxes: readonly {
    /** The kind of tax. */
    readonly type: 'TOTAL';
    /** EUR. */
    readonly amount: string;
  }[];
  /** When the venue executed it, in UTC. */
  readonly transaction_time: string;
}
