// The operations that read the book and orders, each a line over `Caller.request`.

import type {
  Account,
  Execution,
  Instrument,
  InstrumentQuery,
  Order,
  OrderedQuery,
  Position,
  User,
} from './book.ts';
import type { Caller, CallOptions } from './call.ts';
import type { PageQuery } from './contract.ts';
import { type Listing, listAt } from './listing.ts';
import { at } from './path.ts';

export interface Users {
  list(query?: OrderedQuery, options?: CallOptions): Listing<User, OrderedQuery>;
  retrieve(userId: string, options?: CallOptions): Promise<User>;
}

export interface Accounts {
  list(query?: OrderedQuery, options?: CallOptions): Listing<Account, OrderedQuery>;
  retrieve(accountId: string, options?: CallOptions): Promise<Account>;
}

/** An instrument is named `isin:US0378331005` or `uuid:…`. */
export interface Positions {
  list(accountId: string, query?: PageQuery, options?: CallOptions): Listing<Position>;
  retrieve(accountId: string, instrument: string, options?: CallOptions): Promise<Position>;
}

export interface Orders {
  /** Of an account. */
  list(
    accountId: string,
    query?: OrderedQuery,
    options?: CallOptions,
  ): Listing<Order, OrderedQuery>;
  retrieve(orderId: string, options?: CallOptions): Promise<Order>;
}

export interface Executions {
  /** Of an order. */
  list(orderId: string, query?: PageQuery, options?: CallOptions): Listing<Execution>;
  retrieve(orderId: string, executionId: string, options?: CallOptions): Promise<Execution>;
}

export interface Instruments {
  list(query?: InstrumentQuery, options?: CallOptions): Listing<Instrument, InstrumentQuery>;
  /** @param instrument `isin:US0378331005` or `uuid:…` */
  retrieve(instrument: string, options?: CallOptions): Promise<Instrument>;
}

export interface Reading {
  readonly users: Users;
  readonly accounts: Accounts;
  readonly positions: Positions;
  readonly orders: Orders;
  readonly executions: Executions;
  readonly instruments: Instruments;
}

export function readingOf(caller: Caller): Reading {
  return {
    users: {
      list: (query = {}, options) => listAt(caller, '/users', query, options),
      retrieve: (id, options) => caller.get(at`/users/${id}`, options),
    },
    accounts: {
      list: (query = {}, options) => listAt(caller, '/accounts', query, options),
      retrieve: (id, options) => caller.get(at`/accounts/${id}`, options),
    },
    positions: {
      list: (id, query = {}, options) => {
        return listAt(caller, at`/accounts/${id}/positions`, query, options);
      },
      retrieve: (id, which, options) => caller.get(at`/accounts/${id}/positions/${which}`, options),
    },
    orders: {
      list: (id, query = {}, options) => {
        return listAt(caller, at`/accounts/${id}/orders`, query, options);
      },
      retrieve: (id, options) => caller.get(at`/orders/${id}`, options),
    },
    executions: {
      list: (id, query = {}, options) => {
        return listAt(caller, at`/orders/${id}/executions`, query, options);
      },
      retrieve: (id, which, options) => caller.get(at`/orders/${id}/executions/${which}`, options),
    },
    instruments: {
      list: (query = {}, options) => listAt(caller, '/instruments', query, options),
      retrieve: (which, options) => caller.get(at`/instruments/${which}`, options),
    },
  };
}
