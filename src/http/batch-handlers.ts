// The operations on batches: make, list, look, steer; and their accounts, with what became of each.

import type { Static } from 'typebox';
import { batchView, refusals } from '../batches/batch.ts';
import { findBatch, findBatches, type NamedAccount } from '../batches/batch-store.ts';
import { type BatchAccount, findBatchAccounts, findBatchObject } from '../batches/figures-store.ts';
import { createBatch, type Steering, steerBatch } from '../batches/manage-batches.ts';
import { isMissingPartition } from '../db/errors.ts';
import { makePartitionOf } from '../events/keep-log.ts';
import { newId } from '../ids.ts';
import { Refusal } from '../refusal.ts';
import { actLengths } from '../trail/act.ts';
import { askerOf } from './approval-handlers.ts';
import {
  createBatchBody,
  listBatchAccountsQuery,
  listBatchesQuery,
  steerBatchBody,
} from './batch-schemas.ts';
import { idOf } from './cursor.ts';
import { type ChangeOptions, decidedBody, respondOnce, withDetail } from './once.ts';
import { keyPageResponse } from './page.ts';
import { type Call, type Handler, type HttpResponse, idParam } from './pipeline.ts';
import { queryReaderOf, readerOf, readId, readInstant, readNoQuery } from './schemas.ts';

const readCreate = readerOf(createBatchBody);
const readSteer = readerOf(steerBatchBody);
const readListQuery = queryReaderOf(listBatchesQuery);
const readAccountsQuery = queryReaderOf(listBatchAccountsQuery);

const noSuchBatch = 'There is no such batch.';

export interface BatchOptions extends ChangeOptions {
  /** Called when a batch was made or steered. */
  readonly onChanged: () => void;
}

export function batchHandlers(options: BatchOptions) {
  const { sql, clock, onChanged } = options;
  const find = async (call: Call) => {
    const which = {
      tenantId: call.caller.tenantId,
      batchId: idParam<'batch'>(call, 'batch_id', 'not_found'),
    };
    const batch = await findBatch(sql, which);
    if (batch === undefined) throw new Refusal('not_found', noSuchBatch);
    return batch;
  };
  const steer = (act: Steering): Handler => {
    return async (call) => {
      const batchId = idParam<'batch'>(call, 'batch_id', 'not_found');
      readNoQuery(call.search);
      const by = decidedBody(call, readSteer);
      const { tenantId } = call.caller;
      const response = await respondOnce(options, call, async (tx, now) => {
        const steered = await steerBatch(tx, { tenantId, batchId }, { act, by, now });
        if (steered instanceof Refusal) return steered;
        return { status: 200, body: await findBatchObject(tx, steered, now) };
      });
      onChanged();
      return response;
    };
  };
  return {
    list: async (call) => {
      const { cursor, limit = 100, status } = readListQuery(call.search);
      const below = cursor === undefined ? undefined : idOf<'batch'>(cursor);
      const { tenantId } = call.caller;
      const { things: batches, next } = await findBatches(sql, { tenantId, status, below, limit });
      const objects = batches.map((batch) => JSON.stringify(batchView(batch))).join(',');
      return keyPageResponse(call, { objects, count: batches.length, next }, limit);
    },

    create: async (call) => {
      readNoQuery(call.search);
      const body = decidedBody(call, readCreate);
      const { tenantId } = call.caller;
      const { rate, in_progress_max: inProgressMax, reason, person } = body;
      const startAt = readInstant(body.start_at, '/start_at');
      const plan = { rate, inProgressMax, reason, person, accounts: accountsOf(body.accounts) };
      const response = await withPartition(options, () => {
        return respondOnce(options, recordedBriefly(call, body), async (tx, now) => {
          const proof = askerOf(call, person);
          const request = { ...plan, tenantId, proof, startAt: startAt ?? now };
          const made = await createBatch(tx, request, now);
          if (made instanceof Refusal) return made;
          return { status: 201, body: await findBatchObject(tx, made, now) };
        });
      });
      onChanged();
      return response;
    },

    retrieve: async (call) => {
      const batch = await find(call);
      readNoQuery(call.search);
      return { status: 200, body: await findBatchObject(sql, batch, clock.now()) };
    },

    accounts: async (call) => {
      const { tenantId, batchId } = await find(call);
      const query = readAccountsQuery(call.search);
      const { cursor, limit = 100, status, liquidation_status: liquidationStatus } = query;
      const after = cursor === undefined ? undefined : idOf<'account'>(cursor);
      const wanted = { tenantId, batchId, status, liquidationStatus, after, limit };
      const { things: accounts, next } = await findBatchAccounts(sql, wanted);
      const objects = accounts.map((account) => JSON.stringify(accountView(account))).join(',');
      return keyPageResponse(call, { objects, count: accounts.length, next }, limit);
    },

    pause: steer('pause'),
    resume: steer('resume'),
    cancel: steer('cancel'),
  } satisfies Readonly<Record<string, Handler>>;
}

export type BatchHandlers = ReturnType<typeof batchHandlers>;

/** The trail keeps the start of a body: of a long list of accounts their number, so that it has what else was asked for. */
function recordedBriefly(call: Call, body: Static<typeof createBatchBody>): Call {
  if (call.rawBody.length <= actLengths.detail) return call;
  const detail = JSON.stringify({ ...body, accounts: body.accounts.length });
  return { ...call, caller: withDetail(call.caller, { detail }) };
}

/** Its first event needs the part of the log of this month, which may not have been made in time. */
async function withPartition(
  { sql }: Pick<ChangeOptions, 'sql'>,
  work: () => Promise<HttpResponse>,
): Promise<HttpResponse> {
  try {
    return await work();
  } catch (error) {
    if (!isMissingPartition(error)) throw error;
    await makePartitionOf(sql, newId<'liquidation'>());
    return work();
  }
}

/** The accounts, each once. @throws Refusal `bad_request` that names the place. */
function accountsOf(given: Static<typeof createBatchBody>['accounts']): readonly NamedAccount[] {
  const places = new Map<string, number>();
  return given.map(({ account_id: account, user_id: user }, place) => {
    const accountId = readId<'account'>(account, `/accounts/${place}/account_id`);
    const before = places.get(accountId);
    if (before !== undefined) {
      const detail = `/accounts/${place} names the account of /accounts/${before} again.`;
      throw new Refusal('bad_request', detail);
    }
    places.set(accountId, place);
    const userId =
      user === undefined ? undefined : readId<'user'>(user, `/accounts/${place}/user_id`);
    return { accountId, userId };
  });
}

/** An account of a batch as clients see it. */
function accountView({ liquidation, refusal, ...account }: BatchAccount) {
  return {
    account_id: account.accountId,
    user_id: account.userId,
    number: account.number,
    status: account.status,
    decided_at: account.decidedAt,
    liquidation: liquidation && {
      id: liquidation.liquidationId,
      status: liquidation.status,
      cash_amount: liquidation.cashAmount,
      proceeds: liquidation.proceeds,
    },
    refusal: refusal && {
      code: refusal,
      detail: refusals[refusal],
      account_liquidation_id: account.runningId,
    },
  };
}
