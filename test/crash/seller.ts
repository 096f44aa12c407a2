// The clients of a crash run: each asks for a liquidation until it is answered, always with the
// same idempotency key but of any process that answers requests, and some change their mind.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import {
  ApiError,
  type ApiRequest,
  type ApiResponse,
  type Client,
  NoResponseError,
} from '@unwind/client';
import { eventually } from '../support/condition.ts';
import type { Candidate } from './book.ts';

const patienceMs = 300_000;

/** A liquidation that the service has acknowledged. */
export interface Sale {
  readonly candidate: Candidate;
  readonly liquidationId: string;
  /** How often its POST was answered with another id than the first time: must stay 0. */
  readonly contradictions: number;
  /** What the DELETE was answered; undefined where there was none. */
  readonly cancelStatus: number | undefined;
  /** It was started by a batch that was cancelled: what was NEW then has ended with it. */
  readonly isOfCancelled: boolean;
}

/** Where requests go, and who is told of what comes back. */
export interface Counter {
  /** The next client to ask: each has one of the processes behind it. */
  nextClient(): Client;
  /** A request was answered, so long after it was sent first, and sent so often. */
  onResponse(waitedMs: number, attempts: number): void;
  onAcknowledged(liquidationId: string): void;
}

/** Asks for a liquidation; `cancels` says whether to cancel it at once. */
export async function sell(
  counter: Counter,
  order: { readonly candidate: Candidate; readonly cancels: boolean },
): Promise<Sale> {
  const { candidate, cancels } = order;
  const target = `/accounts/${candidate.accountId}/liquidations`;
  const json = { user_id: candidate.userId };
  const post = { method: 'POST', target, json, idempotencyKey: randomUUID() };
  const first = await ask(counter, post);
  assert.equal(first.status, 202, first.text);
  const { id } = first.json as { id: string };
  counter.onAcknowledged(id);
  let cancelStatus: number | undefined;
  if (cancels) {
    const removed = await ask(counter, { method: 'DELETE', target: `${target}/${id}` });
    cancelStatus = removed.status;
    assert.ok(cancelStatus === 204 || cancelStatus === 409, removed.text);
  }
  // Once more, as a client does that lost its notes: the first answer comes back, byte for byte.
  const again = await ask(counter, post);
  const isSame = again.status === 202 && again.text === first.text;
  const contradictions = isSame ? 0 : 1;
  return { candidate, liquidationId: id, contradictions, cancelStatus, isOfCancelled: false };
}

/** What is done to a batch once it is made. */
export type Steering = 'none' | 'pause' | 'cancel';

/** Sells accounts by one batch, which has fewer in progress than it names. One that is paused is resumed. */
export async function sellBatch(
  counter: Counter,
  candidates: readonly Candidate[],
  { steering, pausedMs }: { readonly steering: Steering; readonly pausedMs: number },
): Promise<readonly Sale[]> {
  const accounts = candidates.map(({ accountId, userId }) => {
    return { account_id: accountId, user_id: userId };
  });
  const json = {
    accounts,
    rate: 6_000,
    in_progress_max: 2,
    reason: 'A crash run',
    person: 'Seller',
  };
  const post = { method: 'POST', target: '/batches', json, idempotencyKey: randomUUID() };
  const first = await ask(counter, post);
  assert.equal(first.status, 201, first.text);
  const { id } = first.json as { id: string };
  const accountsNow = async () => {
    const list = await ask(counter, { method: 'GET', target: `/batches/${id}/accounts` });
    return (list.json as { data: readonly StartedAccount[] }).data;
  };
  const isCancelled = steering === 'cancel' && (await steer(counter, id, 'cancel'));
  if (steering === 'pause' && (await steer(counter, id, 'pause'))) {
    const before = (await accountsNow()).filter(isStarted).length;
    await wait(pausedMs);
    const after = (await accountsNow()).filter(isStarted).length;
    assert.equal(after, before, 'a batch that is paused starts nothing');
    assert.ok(await steer(counter, id, 'resume'), 'what is paused can be resumed');
  }
  const decided = await eventually(
    'each account of a batch is started, or cancelled with it',
    async () => {
      const data = await accountsNow();
      const isWrong = ({ status }: StartedAccount) => {
        return status === 'REFUSED' || (status === 'CANCELLED' && !isCancelled);
      };
      assert.ok(!data.some(isWrong), JSON.stringify(data));
      return data.some(({ status }) => status === 'WAITING') ? undefined : data;
    },
    patienceMs,
  );
  const started = decided.filter(isStarted);
  const again = await ask(counter, post);
  const isSame = again.status === 201 && again.text === first.text;
  const ids = new Map(started.map((one) => [one.account_id, one.liquidation?.id ?? '']));
  const contradictions = isSame ? 0 : 1;
  return candidates.flatMap((candidate) => {
    const liquidationId = ids.get(candidate.accountId);
    if (liquidationId === undefined) return [];
    counter.onAcknowledged(liquidationId);
    const cancel = { cancelStatus: undefined, isOfCancelled: isCancelled };
    return [{ candidate, liquidationId, contradictions, ...cancel }];
  });
}

/** @returns whether it was done; false where the batch has come too far for it. */
async function steer(
  counter: Counter,
  batchId: string,
  act: 'pause' | 'resume' | 'cancel',
): Promise<boolean> {
  const json = { reason: 'A crash run', person: 'Seller' };
  const target = `/batches/${batchId}/${act}`;
  const answer = await ask(counter, { method: 'POST', target, json, idempotencyKey: randomUUID() });
  assert.ok(answer.status === 200 || answer.status === 409, answer.text);
  return answer.status === 200;
}

function isStarted({ status }: StartedAccount): boolean {
  return status === 'STARTED';
}

interface StartedAccount {
  readonly account_id: string;
  readonly status: string;
  readonly liquidation?: { readonly id: string };
}

/** Sends, of one process after the other, until there is an answer that decides. */
export async function ask(counter: Counter, request: ApiRequest): Promise<ApiResponse> {
  const begunAt = performance.now();
  let attempts = 0;
  const answer = await eventually(
    'the request is answered',
    () => {
      attempts += 1;
      return decisiveAnswer(counter.nextClient(), request);
    },
    patienceMs,
  );
  counter.onResponse(performance.now() - begunAt, attempts);
  return answer;
}

/** A process that is gone, a database that is coming back, the first request still running: none. */
async function decisiveAnswer(
  client: Client,
  request: ApiRequest,
): Promise<ApiResponse | undefined> {
  try {
    const answer = await client.send(request);
    const { status, text } = answer;
    const isOpen = status >= 500 || (status === 409 && /Another change|try again/.test(text));
    return isOpen ? undefined : answer;
  } catch (error) {
    if (error instanceof NoResponseError) return undefined;
    if (error instanceof ApiError && error.status >= 500) return undefined; // of the token
    throw error;
  }
}
