// Takes the order to liquidate an account: idempotency record, liquidation NEW and its event in one
// commit. Decides which of the reasons against it the client gets.

import { assert, assertNever } from '../assert.ts';
import type { SignatureUse } from '../auth/signature-use.ts';
import type { Contract } from '../auth/store.ts';
import { type Clock, later } from '../clock.ts';
import type { Sql } from '../db/connect.ts';
import { isLockTimeout, isMissingPartition, isUniqueViolation } from '../db/errors.ts';
import { makePartitionOf } from '../events/keep-log.ts';
import { type AccountId, newId, type TenantId, type UserId } from '../ids.ts';
import { overtakenTriesMax, positionsMax } from '../limits.ts';
import { Refusal } from '../refusal.ts';
import type { Act } from '../trail/act.ts';
import { type Creation, type CreationRow, insertLiquidation, type Schedule } from './store.ts';

export interface CreateRequest {
  readonly tenantId: TenantId;
  readonly accountId: AccountId;
  readonly userId: UserId;
  /** Of the client. */
  readonly contract: Contract;
  readonly signature: SignatureUse;
  readonly act: Act | undefined;
  readonly idempotencyKey: string;
  /** SHA-256 over method, path and raw body: what "the same request" means. */
  readonly requestHash: Buffer;
  /** Whether the tenant may have one more open; a request sent again is answered in any case. */
  readonly hasRoom?: boolean;
  /** When it is to be released, or why that cannot be: reported where nothing else stands against it. */
  readonly schedule?: Schedule | Refusal;
}

export interface CreateSettings {
  readonly releaseDelayMs: number;
  readonly idempotencyRetentionMs: number;
  /** Default as in limits.ts. */
  readonly positionsMax?: number;
}

/** The stored answer: of this request, or of the first one with the same key. */
export interface CreateResponse {
  readonly status: number;
  readonly body: string;
  readonly replayed: boolean;
}

/** A conflict that passes by itself says when; one that stays does not. */
const passing = { 'retry-after': '1' };

/**
 * Creates a liquidation of an account. Idempotent by key: the same request again gets the first
 * answer byte for byte (decisions, points 2, 6 and 9).
 *
 * @throws Refusal `unauthorized` (signature used before), `unprocessable_content` (key used for
 *   another request), `not_found`, `conflict`, `too_many_requests`.
 */
export async function createLiquidation(
  sql: Sql,
  clock: Clock,
  request: CreateRequest,
  settings: CreateSettings,
): Promise<CreateResponse> {
  const { hasRoom = true, schedule } = request;
  const isRefused = schedule instanceof Refusal;
  let signatureIsNew = true;
  for (let tries = 1; tries <= overtakenTriesMax; tries += 1) {
    const now = clock.now();
    const row = await tryToInsert(sql, {
      ...request,
      hasRoom: hasRoom && !isRefused,
      schedule: isRefused ? undefined : schedule,
      liquidationId: newId(),
      eventId: newId(),
      now,
      releaseDelayMs: settings.releaseDelayMs,
      signatureIsNew,
      idempotencyExpiresAt: later(now, settings.idempotencyRetentionMs),
      positionsMax: settings.positionsMax ?? positionsMax,
    });
    if (row === undefined) continue;
    const verdict = verdictOf(row, request);
    if (verdict.type === 'answer') return verdict.answer;
    signatureIsNew = false;
  }
  throw new Refusal('conflict', 'The account is being changed by other requests; try again.', {
    headers: passing,
  });
}

/**
 * The row, or undefined when this try left nothing behind and another one may do better: a concurrent
 * request was first, or the log had no partition for this month.
 */
async function tryToInsert(sql: Sql, creation: Creation): Promise<CreationRow | undefined> {
  try {
    return await insertOrMakeRoom(sql, creation);
  } catch (error) {
    if (isUniqueViolation(error)) return undefined;
    if (isLockTimeout(error)) {
      const detail = 'Another change of this account or of this idempotency key is still running.';
      throw new Refusal('conflict', detail, { headers: passing, cause: error });
    }
    throw error;
  }
}

async function insertOrMakeRoom(sql: Sql, creation: Creation): Promise<CreationRow | undefined> {
  try {
    return await insertLiquidation(sql, creation);
  } catch (error) {
    if (!isMissingPartition(error)) throw error;
    await makePartitionOf(sql, creation.liquidationId);
    return undefined;
  }
}

type Verdict = { type: 'answer'; answer: CreateResponse } | { type: 'overtaken' };

function verdictOf(row: CreationRow, request: CreateRequest): Verdict {
  if (row.signature_replayed) throw new Refusal('unauthorized', 'This signature was used before.');
  if (row.prior_hash !== null && row.prior_body !== null && row.prior_status !== null) {
    if (!row.prior_hash.equals(request.requestHash)) {
      const detail = 'The idempotency key was used for another request.';
      throw new Refusal('unprocessable_content', detail);
    }
    const answer = { status: row.prior_status, body: row.prior_body, replayed: true };
    return { type: 'answer', answer };
  }
  if (row.body !== null) {
    return { type: 'answer', answer: { status: 202, body: row.body, replayed: false } };
  }
  if (row.overtaken) return { type: 'overtaken' };
  const { schedule } = request;
  const refusal = refusalOf(row, request) ?? (schedule instanceof Refusal ? schedule : undefined);
  assert(refusal !== undefined, 'what nothing stands against is created');
  throw refusal;
}

/** Why an account cannot be liquidated now; undefined: it can. */
export function refusalOf(
  row: Pick<CreationRow, 'account_status' | 'running_id' | 'is_too_large'>,
  { accountId, hasRoom = true }: Pick<CreateRequest, 'accountId' | 'hasRoom'>,
): Refusal | undefined {
  switch (row.account_status) {
    case null:
      return new Refusal('not_found', 'There is no such account of this user.');
    case 'ACTIVE':
    case 'CLOSING': {
      if (row.running_id !== null) {
        const location = `/accounts/${accountId}/liquidations/${row.running_id}`;
        const detail = `Liquidation ${row.running_id} of this account is still running.`;
        return new Refusal('conflict', detail, { headers: { location } });
      }
      if (row.is_too_large) {
        const detail = 'The account holds more positions than one liquidation may sell.';
        return new Refusal('conflict', detail);
      }
      if (hasRoom) return undefined;
      const detail = 'Too many liquidations are open; wait until some of them have ended.';
      return new Refusal('too_many_requests', detail, { headers: passing });
    }
    case 'PENDING_APPROVAL':
    case 'LOCKED':
    case 'CLOSED':
      return new Refusal('conflict', `The account is ${row.account_status}.`);
    default:
      return assertNever(row.account_status);
  }
}
