// The operations on batches, each a line over `Caller.request`.

import type {
  Batch,
  BatchAccount,
  BatchAccountQuery,
  BatchQuery,
  BatchWithProgress,
  NewBatch,
} from './batches.ts';
import type { Caller, CallOptions, KeyedOptions } from './call.ts';
import type { LiftRequest } from './halts.ts';
import { type CursorListing, cursorListAt } from './listing.ts';
import { at } from './path.ts';

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
  /** From the answer on no further account is started. @throws ApiError `conflict`, with its status. */
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
