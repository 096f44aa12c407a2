// The operations on batches, each a line over `Caller.request`.

import { randomUUID } from 'node:crypto';
import type {
  Batch,
  BatchAccount,
  BatchAccountQuery,
  BatchQuery,
  BatchWithProgress,
  NewBatch,
} from './batches.ts';
import type { Caller, CallOptions, KeyedOptions } from './call.ts';
import { CursorListing, type CursorPage } from './cursor-listing.ts';
import type { LiftRequest } from './halts.ts';
import { at } from './path.ts';

/** Who has decided it, and why. */
export type SteerRequest = LiftRequest;

/** Many accounts at once: an extension of this service, beside the published API. */
export interface Batches {
  /** Liquidates up to 100,000 accounts. Once for each key: give your own to be able to ask again after a crash. */
  create(batch: NewBatch, options?: KeyedOptions): Promise<BatchWithProgress>;
  /** The newest first. */
  list(query?: BatchQuery, options?: CallOptions): CursorListing<Batch, BatchQuery>;
  /** With how far its liquidations are, and their money. `client.stream({ batch_id })` tells it as it happens. */
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
  const post = (target: string, json: object, options: KeyedOptions = {}) => {
    const { idempotencyKey = randomUUID(), ...others } = options;
    const request = { method: 'POST', target, json, idempotencyKey, ...others };
    return caller.request<BatchWithProgress>(request);
  };
  const steer = (act: string) => (id: string, by: SteerRequest, options?: KeyedOptions) => {
    return post(at`/batches/${id}/${act}`, by, options);
  };
  return {
    create: (batch, options) => post('/batches', batch, options),
    list: (query = {}, options = {}) => {
      const read = (part: BatchQuery) => {
        const request = { method: 'GET', target: '/batches', query: part, ...options };
        return caller.request<CursorPage<Batch>>(request);
      };
      return new CursorListing(read, query);
    },
    retrieve: (id, options) => {
      return caller.request({ method: 'GET', target: at`/batches/${id}`, ...options });
    },
    accounts: (id, query = {}, options = {}) => {
      const read = (part: BatchAccountQuery) => {
        const target = at`/batches/${id}/accounts`;
        return caller.request<CursorPage<BatchAccount>>({
          ...{ method: 'GET', target, query: part },
          ...options,
        });
      };
      return new CursorListing(read, query);
    },
    pause: steer('pause'),
    resume: steer('resume'),
    cancel: steer('cancel'),
  };
}
