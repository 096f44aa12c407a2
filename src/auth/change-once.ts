// A changing request runs once: the use of its signatures, its change and its stored answer are one
// commit (decisions, points 9 and 13). What the change is, the caller knows.

import { type Clock, later } from '../clock.ts';
import type { Sql, Tx } from '../db/connect.ts';
import { isLockTimeout, isUniqueViolation } from '../db/errors.ts';
import { inTransaction } from '../db/transaction.ts';
import type { TenantId } from '../ids.ts';
import { overtakenTriesMax } from '../limits.ts';
import { Refusal } from '../refusal.ts';
import { type Act, withMore } from '../trail/act.ts';
import { recordAct } from '../trail/acts-store.ts';
import type { Caller } from './authenticate.ts';
import { findStoredResponse, insertStoredResponse } from './idempotency-store.ts';
import type { SignatureUse } from './signature-use.ts';
import { recordSignatureUse } from './store.ts';

export interface ChangeRequest {
  readonly tenantId: TenantId;
  readonly signature: SignatureUse;
  readonly act: Act | undefined;
  readonly idempotencyKey: string;
  /** SHA-256 over method, path and raw body. */
  readonly requestHash: Buffer;
  readonly idempotencyRetentionMs: number;
}

export interface OnceResponse {
  readonly status: number;
  readonly body: string;
  readonly replayed: boolean;
}

/** The response of a change. */
export interface Changed {
  readonly status: number;
  readonly body: string;
  /** Nothing was changed: it was only asked what a change would do. */
  readonly isTrial?: boolean;
}

/** Makes the change and its response; a refusal is returned, not thrown, and has changed nothing. */
export type Change = (tx: Tx, now: Date) => Promise<Changed | Refusal>;

/**
 * Makes a change unless the same request was answered before: then it gets that response again.
 *
 * @throws Refusal `unauthorized` (signature used before), `unprocessable_content` (key used for
 *   another request), `conflict` (others hold what it needs), and whatever the change refuses with.
 */
export async function changeOnce(
  sql: Sql,
  clock: Clock,
  request: ChangeRequest,
  change: Change,
): Promise<OnceResponse> {
  for (let tries = 1; tries <= overtakenTriesMax; tries += 1) {
    try {
      const now = clock.now();
      const result = await inTransaction(sql, (tx) => attempt(tx, { request, change, now }));
      if (result instanceof Refusal) throw result;
      return result;
    } catch (error) {
      // A concurrent request of the same key was first; the next try sees its response.
      if (isUniqueViolation(error)) continue;
      if (!isLockTimeout(error)) throw error;
      const detail = 'Another change of what this one needs is still running.';
      throw new Refusal('conflict', detail, { cause: error });
    }
  }
  throw new Refusal('conflict', 'Other requests have changed the same; try again.');
}

async function attempt(
  tx: Tx,
  { request, change, now }: { request: ChangeRequest; change: Change; now: Date },
): Promise<OnceResponse | Refusal> {
  const { tenantId, signature, act, idempotencyKey, requestHash, idempotencyRetentionMs } = request;
  if (!(await recordSignatureUse(tx, { ...signature, tenantId }))) {
    return new Refusal('unauthorized', 'This signature was used before.');
  }
  const findPrior = async (): Promise<OnceResponse | Refusal | undefined> => {
    const prior = await findStoredResponse(tx, { tenantId, idempotencyKey });
    if (prior === undefined) return undefined;
    return prior.requestHash.equals(requestHash)
      ? { status: prior.status, body: prior.body, replayed: true }
      : new Refusal('unprocessable_content', 'The idempotency key was used for another request.');
  };
  const prior = await findPrior();
  if (prior !== undefined) return prior;
  const changed = await change(tx, now);
  // Where the same request was under way, the change has waited for it, and its outcome is what it was refused for.
  if (changed instanceof Refusal) return (await findPrior()) ?? changed;
  const { isTrial = false, ...answer } = changed;
  if (!isTrial) await recordAct(tx, tenantId, act && naming(act, idIn(answer.body)));
  const expiresAt = later(now, idempotencyRetentionMs);
  await insertStoredResponse(tx, {
    tenantId,
    idempotencyKey,
    requestHash,
    ...answer,
    now,
    expiresAt,
  });
  return { ...answer, replayed: false };
}

/** The id of what a response is about. */
function idIn(body: string): string | undefined {
  const { id } = Object(JSON.parse(body)) as { readonly id?: unknown };
  return typeof id === 'string' ? id : undefined;
}

/** The act on what it has made: its target ends with the id. */
function naming(act: Act, id: string | undefined): Act {
  if (id === undefined || act.target.includes(id)) return act;
  return withMore(act, { target: `${act.target}/${id}` });
}

/**
 * Runs a signed change that has no idempotency key. A refusal of its own is thrown behind the commit: the
 * signature is used up.
 * @param idOf the id of what it has made, for the trail.
 */
export async function changeSigned<T>(
  sql: Sql,
  { tenantId, signature, act }: Caller,
  work: (tx: Tx) => Promise<T | Refusal>,
  idOf: (made: T) => string | undefined = () => undefined,
): Promise<T> {
  const outcome = await inTransaction(sql, async (tx) => {
    const isFirstUse = await recordSignatureUse(tx, { tenantId, ...signature });
    if (!isFirstUse) throw new Refusal('unauthorized', 'This signature was used before.');
    const made = await work(tx);
    if (!(made instanceof Refusal)) await recordAct(tx, tenantId, act && naming(act, idOf(made)));
    return made;
  });
  if (outcome instanceof Refusal) throw outcome;
  return outcome;
}
