// The objects that a liquidating client reads beside its liquidations, as they are on the wire. Which
// of their members have a fixed value here: docs/integrators/differences.md.

import type { OrderStatus, PageQuery } from './contract.ts';

export interface Account {
  readonly id: string;
  readonly created_at: string;
  readonly updated_at: string;
  readonly account_group_id: string;
  readonly account_number: number;
  readonly name: string;
  readonly status: 'PENDING_APPROVAL' | 'ACTIVE' | 'CLOSING' | 'CLOSED' | 'LOCKED';
  readonly type: string;
  readonly users: readonly { readonly id: string; readonly type: string }[];
}

export interface Position {
  readonly account_id: string;
  readonly instrument: { readonly isin: string; readonly uuid: string };
  readonly quantity: string;
  /** Of these, units that open orders still have to sell. */
  readonly locked_for_trading: string;
  readonly available_for_trading: string;
  readonly pending_settlement: string;
}

export interface Instrument {
  readonly id: string;
  readonly created_at: string;
  readonly updated_at: string;
  readonly isin: string;
  readonly name: string;
  /** False: only whole units are sold. */
  readonly fractional_trading: boolean;
  readonly trading_status: 'ACTIVE' | 'INACTIVE';
}

export interface Order {
  readonly id: string;
  readonly created_at: string;
  readonly updated_at: string;
  readonly user_id: string;
  readonly account_id: string;
  /** The id of the liquidation. */
  readonly client_reference: string;
  readonly cash_amount: string;
  readonly currency: string;
  readonly side: string;
  readonly instrument_id: string;
  readonly instrument_id_type: string;
  readonly order_type: string;
  readonly quantity: string;
  readonly limit_price: string;
  readonly stop_price: string;
  readonly status: OrderStatus;
  /** Only of a CANCELLED one. */
  readonly cancellation_reason?: string;
  readonly fee: string;
  readonly initiation_flow: string;
  readonly execution_flow: string;
  readonly executions: readonly Execution[];
}

export interface Execution {
  readonly id: string;
  readonly order_id: string;
  /** What it earned. */
  readonly cash_amount: string;
  readonly currency: string;
  readonly price: string;
  readonly share_quantity: string;
  readonly side: string;
  readonly status: 'FILLED' | 'SETTLED' | 'CANCELLED';
  readonly taxes: readonly { readonly type: string; readonly amount: string }[];
  readonly transaction_time: string;
}

export interface OrderedQuery extends PageQuery {
  readonly order?: 'ASC' | 'DESC';
}

export interface InstrumentQuery extends OrderedQuery {
  readonly sort?: 'created_at' | 'updated_at';
  readonly trading_status?: 'ACTIVE' | 'INACTIVE';
}
