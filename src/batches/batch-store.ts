// The statements of batches: made, found, steered, claimed for a turn, and moved on.

import type { Approval } from '../approvals/approval.ts';
import type { Sql, SqlOrTx, Tx } from '../db/connect.ts';
import { pageOf, type ThingPage } from '../db/page.ts';
import { type RowOf, rowsOf, thingOf } from '../db/row.ts';
import { type Fragment, fragment } from '../db/sql.ts';
import type { AccountId, TenantId, UserId } from '../ids.ts';
import { type Decimal, decimal, plain } from '../money.ts';
import { mayBeWorked } from '../work/parked-store.ts';
import type { ClaimTurn } from '../work/turn.ts';
import type { Batch, BatchId, BatchPlan, BatchStatus, By } from './batch.ts';

type BatchRow = RowOf<Omit<Batch, 'steered' | 'pausedMs'>> & {
  readonly steered_at: Date | null;
  readonly steered_by: string | null;
  readonly steer_reason: string | null;
  readonly paused_ms: string;
};

const columns = fragment`
  b.tenant_id, b.batch_id, b.status, b.reason, b.person, b.accounts, b.rate, b.in_progress_max,
  b.start_at, b.created_at, b.updated_at, b.started_at, b.ended_at, b.value, b.approval_id, b.started,
  b.refused, b.cancelled, b.steered_at, b.steered_by, b.steer_reason, b.paused_ms, b.event_count,
  b.paced_to, b.passed, b.progress, b.progress_at`;

function toBatch(row: BatchRow): Batch {
  const { steered_at: at, steered_by: person, steer_reason: reason, paused_ms, ...batch } = row;
  return {
    ...thingOf<Omit<Batch, 'steered' | 'pausedMs'>>(batch, { value: decimal }),
    steered: at === null ? undefined : { at, person: person ?? '', reason: reason ?? '' },
    pausedMs: Number(paused_ms),
  };
}

/** An account as a batch names it. */
export interface NamedAccount {
  readonly accountId: AccountId;
  /** Whose it has to be; undefined: anybody's. */
  readonly userId: UserId | undefined;
}

export interface NewBatch extends BatchPlan {
  readonly tenantId: TenantId;
  readonly batchId: BatchId;
  readonly accounts: readonly NamedAccount[];
  readonly value: Decimal | undefined;
  /** Where it needs a second person. */
  readonly approval: Pick<Approval, 'approvalId' | 'expiresAt'> | undefined;
  readonly now: Date;
}

/** Makes a batch with all its accounts, SCHEDULED or PENDING_APPROVAL, and with its first event counted. */
export async function insertBatch(tx: Tx, made: NewBatch): Promise<Batch | undefined> {
  const { accounts, value, approval, now } = made;
  const rows = await tx<BatchRow[]>`
    insert into unwind.batches as b (
      tenant_id, batch_id, status, reason, person, accounts, rate, in_progress_max, start_at,
      created_at, updated_at, event_count, next_at, value, approval_id
    )
    values (
      ${made.tenantId}, ${made.batchId}, ${approval ? 'PENDING_APPROVAL' : 'SCHEDULED'},
      ${made.reason}, ${made.person}, ${accounts.length}, ${made.rate ?? null},
      ${made.inProgressMax ?? null}, ${made.startAt}, ${now}, ${now}, 1,
      ${approval?.expiresAt ?? made.startAt}, ${value === undefined ? null : plain(value)},
      ${approval?.approvalId ?? null}
    )
    returning ${columns}`;
  await tx`
    insert into unwind.batch_accounts (tenant_id, batch_id, account_id, number, user_id)
    select ${made.tenantId}, ${made.batchId}, n.account_id, n.number, n.user_id
    from ${rowsOf(accounts).as('n (account_id uuid, user_id uuid, number for ordinality)')}`;
  return rows[0] && toBatch(rows[0]);
}

/** How many batches of a tenant have not ended. */
export async function countOpenBatches(tx: Tx, tenantId: TenantId): Promise<number> {
  const rows = await tx<{ count: number }[]>`
    select count(*)::integer as count
    from unwind.batches b
    where b.tenant_id = ${tenantId}
      and b.ended_at is null`;
  return rows[0]?.count ?? 0;
}

type Which = Pick<Batch, 'tenantId' | 'batchId'>;

export async function findBatch(sql: SqlOrTx, which: Which): Promise<Batch | undefined> {
  const rows = await sql<BatchRow[]>`
    select ${columns}
    from unwind.batches b
    where ${isOne(which)}`;
  return rows[0] && toBatch(rows[0]);
}

/** The same, and no other transaction changes it until the end of this one: a turn under way is waited for. */
export async function lockBatch(tx: Tx, which: Which): Promise<Batch | undefined> {
  const rows = await tx<BatchRow[]>`
    select ${columns}
    from unwind.batches b
    where ${isOne(which)}
    for no key update`;
  return rows[0] && toBatch(rows[0]);
}

function isOne({ tenantId, batchId }: Which): Fragment {
  return fragment`b.tenant_id = ${tenantId} and b.batch_id = ${batchId}`;
}

export interface BatchQuery {
  readonly tenantId: TenantId;
  readonly status: BatchStatus | undefined;
  readonly below: BatchId | undefined;
  readonly limit: number;
}

/** Batches, the newest first, and the key behind which the list may go on. */
export async function findBatches(
  sql: Sql,
  { tenantId, status, below, limit }: BatchQuery,
): Promise<ThingPage<Batch, BatchId>> {
  const rows = await sql<BatchRow[]>`
    select ${columns}
    from unwind.batches b
    where b.tenant_id = ${tenantId}
      and (${status ?? null}::text is null or b.status = ${status ?? null})
      and (${below ?? null}::uuid is null or b.batch_id < ${below ?? null})
    order by b.batch_id desc
    limit ${limit}::bigint + 1`;
  return pageOf(rows, limit, { toThing: toBatch, keyOf: ({ batchId }) => batchId });
}

/**
 * Locks the batch that waits for its turn longest, of the first tenant of a span that has one. What another
 * process works on is passed over.
 */
export async function claimBatch(
  tx: Tx,
  { after, before, now, limit }: ClaimTurn,
): Promise<readonly Batch[]> {
  const isDue = fragment`
    b.next_at <= ${now}
    and ${mayBeWorked('start', {
      tenantId: fragment`b.tenant_id`,
      subject: fragment`b.batch_id::text`,
      now,
    })}`;
  const rows = await tx<BatchRow[]>`
    with turn as (
      select b.tenant_id
      from unwind.batches b
      where ${isDue}
        and b.tenant_id > ${after}
        and b.tenant_id < ${before}
      order by b.tenant_id, b.next_at
      limit 1
      for no key update of b skip locked
    )
    select ${columns}
    from turn
    join unwind.batches b on b.tenant_id = turn.tenant_id
    where ${isDue}
    order by b.tenant_id, b.next_at
    limit ${limit}
    for no key update of b skip locked`;
  return rows.map(toBatch);
}

/** What a turn has done of a batch, and when it is looked at next. */
export interface Advance {
  readonly started?: number;
  readonly refused?: number;
  readonly cancelled?: number;
  readonly passed?: number;
  readonly pacedTo?: Date;
  readonly nextAt: Date;
}

/** Counts what a turn has done. The caller holds the batch. */
export async function advanceBatch(tx: Tx, batch: Batch, by: Advance, now: Date): Promise<Batch> {
  const { started = 0, refused = 0, cancelled = 0 } = by;
  const hasChanged = started + refused + cancelled > 0;
  const rows = await tx<BatchRow[]>`
    update unwind.batches b
    set
      started = b.started + ${started},
      refused = b.refused + ${refused},
      cancelled = b.cancelled + ${cancelled},
      passed = ${by.passed ?? batch.passed},
      paced_to = ${by.pacedTo ?? batch.pacedTo ?? null},
      next_at = ${by.nextAt},
      updated_at = case when ${hasChanged} then ${now}::timestamptz else b.updated_at end
    where ${isOne(batch)}
      and b.status = ${batch.status}
    returning ${columns}`;
  return rows[0] === undefined ? batch : toBatch(rows[0]);
}

/** Remembers the progress that is recorded now, with its event counted. The caller holds the batch. */
export async function recordProgress(
  tx: Tx,
  batch: Batch,
  progress: string,
  now: Date,
): Promise<Batch> {
  const rows = await tx<BatchRow[]>`
    update unwind.batches b
    set
      progress = ${progress},
      progress_at = ${now},
      event_count = b.event_count + 1
    where ${isOne(batch)}
    returning ${columns}`;
  return rows[0] === undefined ? batch : toBatch(rows[0]);
}

/** How a batch goes on: its status, who has decided it where it is a person, and when it is looked at next. */
export interface Move {
  readonly to: BatchStatus;
  readonly by?: By;
  readonly nextAt: Date | undefined;
  readonly now: Date;
}

/** Moves a batch on, with its event counted. @returns undefined where it is not as it was any more. */
export async function moveBatch(
  tx: Tx,
  batch: Batch,
  { to, by, nextAt, now }: Move,
): Promise<Batch | undefined> {
  const isFinal = to === 'CANCELLED' || to === 'COMPLETED';
  const rows = await tx<BatchRow[]>`
    update unwind.batches b
    set
      status = ${to},
      next_at = ${nextAt ?? null},
      started_at = case when ${to}::text = 'RUNNING' then coalesce(b.started_at, ${now}) else b.started_at end,
      ended_at = ${isFinal ? now : null},
      paused_at = ${to === 'PAUSED' ? now : null},
      paused_ms = b.paused_ms + coalesce(
        floor(extract(epoch from ${now}::timestamptz - b.paused_at) * 1000)::bigint
          * (b.started_at is not null)::integer,
        0
      ),
      steered_at = ${by === undefined ? (batch.steered?.at ?? null) : now},
      steered_by = ${by === undefined ? (batch.steered?.person ?? null) : by.person},
      steer_reason = ${by === undefined ? (batch.steered?.reason ?? null) : by.reason},
      paced_to = coalesce(b.paced_to, ${now}),
      event_count = b.event_count + 1,
      updated_at = ${now}
    where ${isOne(batch)}
      and b.status = ${batch.status}
    returning ${columns}`;
  return rows[0] && toBatch(rows[0]);
}
