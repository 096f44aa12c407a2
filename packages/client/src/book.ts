// Users, accounts and what they hold, orders and instruments, as they are on the wire:
// names in snake case, money and quantities as decimal strings, instants as RFC 3339 text. Later
// versions may add members and values. Written by tools/client-types.ts from the API document.

export interface User {
  /** The user. */
  readonly id: string;
  /** When it was recorded here first, in UTC. */
  readonly created_at: string;
  /** When it last changed, in UTC. */
  readonly updated_at: string;
  /** OFFBOARDED gets no further account; INACTIVE and OFFBOARDING do not occur. */
  readonly status: 'ACTIVE' | 'INACTIVE' | 'OFFBOARDING' | 'OFFBOARDED';
  /** First name. */
  readonly first_name?: string;
  /** Last name. */
  readonly last_name?: string;
  /** How the user is addressed. */
  readonly salutation?:
    | ''
    | 'SALUTATION_MALE'
    | 'SALUTATION_FEMALE'
    | 'SALUTATION_FEMALE_MARRIED'
    | 'SALUTATION_DIVERSE';
  /** Academic title. */
  readonly title?: '' | 'DR' | 'PROF' | 'PROF_DR' | 'DIPL_ING' | 'MAGISTER';
  /** Date of birth, YYYY-MM-DD. */
  readonly birth_date?: string;
  /** Town of birth. */
  readonly birth_city?: string;
  /** Country of birth. ISO 3166-1 alpha-2. */
  readonly birth_country?: string;
  /** Name at birth. */
  readonly birth_name?: string;
  /** Nationalities. */
  readonly nationalities?: readonly string[];
  /** Where the user lives. */
  readonly address?: {
    /** Street and number. */
    readonly address_line1: string;
    /** What the first line has no room for. */
    readonly address_line2?: string;
    /** Postal code. */
    readonly postcode: string;
    /** Town. */
    readonly city: string;
    /** State or province. */
    readonly state?: string;
    /** Country. ISO 3166-1 alpha-2. */
    readonly country: string;
  };
  /** Where post goes; default `address`. */
  readonly postal_address?: {
    /** Street and number. */
    readonly address_line1: string;
    /** What the first line has no room for. */
    readonly address_line2?: string;
    /** Postal code. */
    readonly postcode: string;
    /** Town. */
    readonly city: string;
    /** State or province. */
    readonly state?: string;
    /** Country. ISO 3166-1 alpha-2. */
    readonly country: string;
  } | null;
  /** Email. */
  readonly email?: string;
  /** Phone number (E.164), digits alone. */
  readonly phone_number?: string;
  /** Status under FATCA. */
  readonly fatca?: {
    /** Whether the user pays taxes in the US. */
    readonly status: boolean;
    /** When the user confirmed it. */
    readonly confirmed_at: string;
  };
  /** Consent to terms and conditions. */
  readonly terms_and_conditions?: {
    /** The document. */
    readonly consent_document_id: string;
    /** When the user confirmed it. */
    readonly confirmed_at: string;
  };
  /** Consent to sharing of data. */
  readonly data_privacy_and_sharing_agreement?: {
    /** The document. */
    readonly consent_document_id: string;
    /** When the user confirmed it. */
    readonly confirmed_at: string;
  };
}

export interface Account {
  /** The account. */
  readonly id: string;
  /** When it was recorded here first, in UTC. */
  readonly created_at: string;
  /** When it last changed, in UTC. */
  readonly updated_at: string;
  /** The group of the accounts of one user: the id of that user. */
  readonly account_group_id: string;
  /** Of the accounts of one user; 1 of each that was imported. */
  readonly account_number: number;
  /** Account, where it was given no other. */
  readonly name: string;
  /** As the book says. ACTIVE and CLOSING accounts can be liquidated. */
  readonly status: 'PENDING_APPROVAL' | 'ACTIVE' | 'CLOSING' | 'CLOSED' | 'LOCKED';
  /** The kind of account; TRADING of each that was imported. */
  readonly type: 'TRADING' | 'PORTFOLIO';
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
  readonly status: 'NEW' | 'PROCESSING' | 'FILLED' | 'CANCELLED';
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
  /**
   * The day on which it settles, by the calendar of its venue. Absent where the liquidation
   * was created before.
   */
  readonly settlement_date?: string;
}
