// The operations by which people see and steer all liquidations of a client, and batches of them, each a line over
// `Caller.request`.

import type {
  Batch,
  BatchAccount,
  BatchAccountQuery,
  BatchQuery,
  BatchWithProgress,
  NewBatch,
} from './batches.ts';
import type { Caller, CallOptions, KeyedOptions } from './call.ts';
import type { PageQuery } from './contract.ts';
import type {
  LiquidationOverview,
  LiquidationStory,
  OverviewQuery,
  SignedStatement,
} from './control.ts';
import type {
  Approval,
  ApprovalDecision,
  ApprovalQuery,
  Halt,
  HaltEffect,
  HaltQuery,
  HaltWithEffect,
  LiftRequest,
  NewHalt,
} from './halts.ts';
import { type CursorListing, cursorListAt, type Listing, listAt } from './listing.ts';
import type { FoundThing, Parked, ParkedClosing, SellingOverview } from './looks.ts';
import { at } from './path.ts';
import type {
  Controls,
  ControlsInForce,
  NewControls,
  ReleaseRequest,
  StoppedOrder,
  StoppedQuery,
} from './pre-trade.ts';
import type {
  LiquidationPreview,
  NewScheduledLiquidation,
  ScheduledLiquidation,
} from './preview.ts';
import type { Act, ActQuery } from './trail.ts';

/** An extension of this service, beside the published API. */
export interface Control {
  /** How the selling goes now. It is counted once a second at most. */
  overview(options?: CallOptions): Promise<SellingOverview>;
  /** What an id names; also a client order id (FIX 11) or an ISIN. */
  find(text: string, options?: CallOptions): Promise<readonly FoundThing[]>;
  readonly liquidations: {
    /** Of all accounts, the newest first, each with its progress and what it waits for. */
    list(
      query?: OverviewQuery,
      options?: CallOptions,
    ): CursorListing<LiquidationOverview, OverviewQuery>;
    /** Its orders, what blocks the rest, and what happened when. */
    story(liquidationId: string, options?: CallOptions): Promise<LiquidationStory>;
    /** A part of the signed statement of one that has ended, from 1 on; its payload says how many there are. */
    statement(
      liquidationId: string,
      query?: { readonly part?: number },
      options?: CallOptions,
    ): Promise<SignedStatement>;
    /** What a liquidation of the account would do now. Nothing is stored. */
    preview(accountId: string, options?: CallOptions): Promise<LiquidationPreview>;
    /** Creates one that is released at a time, or at the next opening of a venue. Once for each key. */
    schedule(
      liquidation: NewScheduledLiquidation,
      options?: KeyedOptions,
    ): Promise<ScheduledLiquidation>;
  };
  readonly parked: {
    /** What waits for a person, the oldest first. */
    list(query?: PageQuery, options?: CallOptions): Listing<Parked>;
    /** Lets the service work on it again, once its cause is mended. @returns the ids of what is resumed. */
    resume(parkedId: string, options?: CallOptions): Promise<readonly string[]>;
    /** Notes that a person has seen to a correction. */
    close(closing: ParkedClosing, options?: CallOptions): Promise<void>;
  };
  readonly halts: {
    /** Those of this client and those across all, the newest first. */
    list(query?: HaltQuery, options?: CallOptions): CursorListing<Halt, HaltQuery>;
    /** Resolves once no order that it covers can reach a venue any more. Once for each key. */
    set(halt: Omit<NewHalt, 'dry_run'>, options?: KeyedOptions): Promise<Halt>;
    /** What such a halt would stop now. */
    wouldStop(halt: Omit<NewHalt, 'dry_run'>, options?: CallOptions): Promise<HaltEffect>;
    retrieve(haltId: string, options?: CallOptions): Promise<HaltWithEffect>;
    /** Lifts it, or answers what waits for a second person (`halt_id` is in it), where it holds too much for one. */
    lift(haltId: string, lift: LiftRequest, options?: KeyedOptions): Promise<Halt | Approval>;
  };
  readonly approvals: {
    /** What waits or has waited for a second person, the latest first. */
    list(query?: ApprovalQuery, options?: CallOptions): CursorListing<Approval, ApprovalQuery>;
    /** Agrees, and does it: another person than who has asked, by another key. */
    approve(id: string, by: ApprovalDecision, options?: KeyedOptions): Promise<Approval>;
    decline(id: string, by: ApprovalDecision, options?: KeyedOptions): Promise<Approval>;
  };
  readonly preTrade: {
    /** Of this client and across all: of both the stricter holds. */
    controls(options?: CallOptions): Promise<ControlsInForce>;
    /** Replaces those of this client. Resolves once no order is sent that they have not checked. Once for each key. */
    setControls(controls: NewControls, options?: KeyedOptions): Promise<Controls>;
    /** Orders that controls stop now, the latest first. */
    stopped(query?: StoppedQuery, options?: CallOptions): CursorListing<StoppedOrder, StoppedQuery>;
    /** Lets an order pass the control that stops it. */
    release(stopId: string, by: ReleaseRequest, options?: KeyedOptions): Promise<StoppedOrder>;
  };
  readonly trail: {
    /** Who has changed what of this client, the newest first. */
    list(query?: ActQuery, options?: CallOptions): CursorListing<Act, ActQuery>;
  };
}

export function controlOf(caller: Caller): Control {
  return {
    overview: (options) => caller.get('/overview', options),
    find: async (text, options) => {
      const query = { text };
      const found = await caller.get<{ data: readonly FoundThing[] }>('/find', {
        query,
        ...options,
      });
      return found.data;
    },
    parked: parkedOf(caller),
    liquidations: {
      list: (query = {}, options) => cursorListAt(caller, '/liquidations', query, options),
      story: (id, options) => caller.get(at`/liquidations/${id}`, options),
      statement: (id, query = {}, options = {}) => {
        return caller.get(at`/liquidations/${id}/statement`, { query, ...options });
      },
      preview: (id, options) => {
        return caller.get(at`/accounts/${id}/liquidation_preview`, options);
      },
      schedule: (liquidation, options) => caller.postOnce('/liquidations', liquidation, options),
    },
    halts: haltsOf(caller),
    approvals: approvalsOf(caller),
    preTrade: preTradeOf(caller),
    trail: {
      list: (query = {}, options) => cursorListAt(caller, '/trail', query, options),
    },
  };
}

function parkedOf(caller: Caller): Control['parked'] {
  return {
    list: (query = {}, options = {}) => listAt(caller, '/parked', query, options),
    resume: async (id, options) => {
      const request = { method: 'POST', target: '/parked/resume', json: { id }, ...options };
      const { resumed } = await caller.request<{ resumed: readonly string[] }>(request);
      return resumed;
    },
    close: async (json, options) => {
      await caller.request({ method: 'POST', target: '/parked/close', json, ...options });
    },
  };
}

function preTradeOf(caller: Caller): Control['preTrade'] {
  return {
    controls: (options) => caller.get('/controls', options),
    setControls: (controls, options) => caller.postOnce('/controls', controls, options),
    stopped: (query = {}, options) => cursorListAt(caller, '/controls/stopped', query, options),
    release: (id, by, options) => caller.postOnce(at`/controls/stopped/${id}/release`, by, options),
  };
}

function approvalsOf(caller: Caller): Control['approvals'] {
  return {
    list: (query = {}, options) => cursorListAt(caller, '/approvals', query, options),
    approve: (id, by, options) => caller.postOnce(at`/approvals/${id}/approve`, by, options),
    decline: (id, by, options) => caller.postOnce(at`/approvals/${id}/decline`, by, options),
  };
}

function haltsOf(caller: Caller): Control['halts'] {
  return {
    list: (query = {}, options) => cursorListAt(caller, '/halts', query, options),
    set: (halt, options) => caller.postOnce('/halts', halt, options),
    wouldStop: async (halt, options) => {
      const dry = { ...halt, dry_run: true };
      const { effect } = await caller.postOnce<{ effect: HaltEffect }>('/halts', dry, options);
      return effect;
    },
    retrieve: (id, options) => caller.get(at`/halts/${id}`, options),
    lift: (id, lift, options) => caller.postOnce(at`/halts/${id}/lift`, lift, options),
  };
}

/** Who has decided it, and why. */
export type SteerRequest = LiftRequest;

/** Many accounts at once: an extension of this service, beside the published API. */
export interface Batches {
  /** Liquidates up to 100,000 accounts. Once for each key: give your own to be able to ask again after a crash. */
  create(batch: NewBatch, options?: KeyedOptions): Promise<BatchWithProgress>;
  /** The newest first. */
  list(query?: BatchQuery, options?: CallOptions): CursorListing<Batch, BatchQuery>;
  /** With how far its liquidations are, and their money. `client.stream({ batch_id })` reports it as it happens. */
  retrieve(batchId: string, options?: CallOptions): Promise<BatchWithProgress>;
  /** Each account with its liquidation, or why it has none. */
  accounts(
    batchId: string,
    query?: BatchAccountQuery,
    options?: CallOptions,
  ): CursorListing<BatchAccount, BatchAccountQuery>;
  /** From the response on no further account is started. @throws ApiError `conflict`, with its status. */
  pause(batchId: string, by: SteerRequest, options?: KeyedOptions): Promise<BatchWithProgress>;
  resume(batchId: string, by: SteerRequest, options?: KeyedOptions): Promise<BatchWithProgress>;
  /** Cancels what was not started and what is still NEW; the rest goes on. */
  cancel(batchId: string, by: SteerRequest, options?: KeyedOptions): Promise<BatchWithProgress>;
}

export function batchesOf(caller: Caller): Batches {
  const steer = (act: string) => (id: string, by: SteerRequest, options?: KeyedOptions) => {
    return caller.postOnce<BatchWithProgress>(at`/batches/${id}/${act}`, by, options);
  };
  return {
    create: (batch, options) => caller.postOnce('/batches', batch, options),
    list: (query = {}, options) => cursorListAt(caller, '/batches', query, options),
    retrieve: (id, options) => caller.get(at`/batches/${id}`, options),
    accounts: (id, query = {}, options) => {
      return cursorListAt(caller, at`/batches/${id}/accounts`, query, options);
    },
    pause: steer('pause'),
    resume: steer('resume'),
    cancel: steer('cancel'),
  };
}
