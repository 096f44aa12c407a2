// A tenant with accounts, and batches of them that are made and steered as requests would.
import assert from 'node:assert/strict';
import type { Asker } from '../../src/approvals/approval.ts';
import { findApproval } from '../../src/approvals/approvals-store.ts';
import type { Batch, BatchId, BatchPlan } from '../../src/batches/batch.ts';
import { findBatch, type NamedAccount } from '../../src/batches/batch-store.ts';
import { decideApproval } from '../../src/batches/decide-approval.ts';
import { findFigures } from '../../src/batches/figures-store.ts';
import { createBatch, type Steering, steerBatch } from '../../src/batches/manage-batches.ts';
import type { Clock } from '../../src/clock.ts';
import type { Sql } from '../../src/db/connect.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import type { TenantId } from '../../src/ids.ts';
import { Refusal } from '../../src/refusal.ts';
import { type AccountOfUser, type BookAccount, makeBook, makeTenant } from '../support/book.ts';

export const isin = 'DE0007164600';
const usual: BookAccount = { positions: [{ isin, quantity: '2' }] };

/** Accounts of a tenant of their own, each with two units at 10 EUR. */
export async function makeAccounts(
  sql: Sql,
  accounts: number | readonly Partial<BookAccount>[],
): Promise<{ readonly tenantId: TenantId; readonly accounts: readonly AccountOfUser[] }> {
  const tenantId = await makeTenant(sql);
  const wanted =
    typeof accounts === 'number' ? Array.from({ length: accounts }, () => ({})) : accounts;
  const made = await makeBook(sql, {
    tenantId,
    instruments: [{ isin, price: '10' }],
    accounts: wanted.map((one) => ({ ...usual, ...one })),
  });
  return { tenantId, accounts: made };
}

const by = { person: 'A. Risk', reason: 'A test' };
const proof = { kind: 'client', actor: 'A key' } as const;

/** Makes a batch. @returns its id. */
export async function makeBatch(
  sql: Sql,
  clock: Clock,
  batch: Partial<BatchPlan> & {
    readonly tenantId: TenantId;
    readonly accounts: readonly (Pick<NamedAccount, 'accountId'> & Partial<NamedAccount>)[];
  },
): Promise<BatchId> {
  const now = clock.now();
  const { rate, inProgressMax, startAt = now } = batch;
  const accounts = batch.accounts.map(({ accountId, userId }) => ({ accountId, userId }));
  const made = await inTransaction(sql, (tx) => {
    return createBatch(
      tx,
      { ...by, proof, rate, inProgressMax, startAt, tenantId: batch.tenantId, accounts },
      now,
    );
  });
  assert.ok(!(made instanceof Refusal));
  return made.batchId;
}

/** Approves a batch as a second person. */
export async function approve(sql: Sql, clock: Clock, { tenantId, batchId }: Which): Promise<void> {
  const at = clock.now();
  const decided = await inTransaction(sql, async (tx) => {
    const batch = await findBatch(tx, { tenantId, batchId });
    assert.ok(batch?.approvalId);
    const approval = await findApproval(tx, { tenantId, approvalId: batch.approvalId }, at);
    assert.ok(approval);
    const second: Asker = { person: 'B. Desk', kind: 'client', actor: 'Another key' };
    return decideApproval(tx, approval, { as: 'approved', by: second, reason: 'Checked', at });
  });
  assert.equal(decided.as, 'decided');
}

export interface Which {
  readonly tenantId: TenantId;
  readonly batchId: BatchId;
}

/** Steers a batch. @throws the refusal. */
export async function steer(sql: Sql, clock: Clock, which: Which, act: Steering): Promise<Batch> {
  const steered = await inTransaction(sql, (tx) => {
    return steerBatch(tx, which, { act, by, now: clock.now() });
  });
  if (steered instanceof Refusal) throw steered;
  return steered;
}

/** The status of a batch and what became of its accounts. */
export async function stateOf(sql: Sql, which: Which) {
  const batch = await findBatch(sql, which);
  assert.ok(batch);
  const { status, started, refused, cancelled, accounts } = batch;
  const waiting = accounts - started - refused - cancelled;
  return { status, waiting, started, refused, cancelled };
}

export async function figuresOf(sql: Sql, which: Which) {
  const { fresh, processing, filled, cancelled } = await findFigures(sql, which);
  return { fresh, processing, filled, cancelled };
}

/** What became of each account, in the order of the list. */
export async function outcomesOf(sql: Sql, { batchId }: Which): Promise<readonly string[]> {
  const rows = await sql<{ outcome: string }[]>`
    select coalesce(a.refusal, a.status) as outcome
    from unwind.batch_accounts a
    where a.batch_id = ${batchId}
    order by a.number`;
  return rows.map(({ outcome }) => outcome);
}

/** The types of the events of a batch, in their order, without their kind. */
export async function eventsOf(sql: Sql, { batchId }: Which): Promise<readonly string[]> {
  const rows = await sql<{ type: string }[]>`
    select e.type
    from unwind.events e
    where e.liquidation_id = ${batchId}
    order by e.number`;
  return rows.map(({ type }) => type.replace('BATCH.', ''));
}
