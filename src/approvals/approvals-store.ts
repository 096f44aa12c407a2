// The statements of approvals: asked for, decided, listed; and what a halt holds by the last prices.

import type { BatchId } from '../batches/batch.ts';
import type { SqlOrTx, Tx } from '../db/connect.ts';
import { pageOf, type ThingPage } from '../db/page.ts';
import { type RowOf, rowsOf, thingOf } from '../db/row.ts';
import { type Fragment, fragment } from '../db/sql.ts';
import { unorderedSql } from '../halts/effect-store.ts';
import { everyTenant, type Halt, type HaltId } from '../halts/halt.ts';
import { isCoveredSql, ofOrder } from '../halts/halts-store.ts';
import type { TenantId } from '../ids.ts';
import { decimal, plain } from '../money.ts';
import type { ActKind } from '../trail/act.ts';
import type {
  Approval,
  ApprovalCommand,
  ApprovalId,
  ApprovalOperation,
  Asker,
  FourEyesLimit,
  Held,
} from './approval.ts';

/** The limits in force above which something of a tenant, or of all, needs a second person. */
export async function findFourEyesLimits(
  tx: Tx,
  { tenantId }: Pick<Halt, 'tenantId'>,
): Promise<readonly FourEyesLimit[]> {
  const rows = await tx<RowOf<FourEyesLimit>[]>`
    select c.tenant_id, c.four_eyes_max as max
    from unwind.controls c
    where c.replaced_at is null
      and c.four_eyes_max is not null
      and (${tenantId} = ${everyTenant} or c.tenant_id in (${tenantId}, ${everyTenant}))`;
  return rows.map((row) => thingOf<FourEyesLimit>(row, { max: decimal }));
}

/**
 * What a halt holds, by tenant: the rest of the orders that are not sent for it, and what running liquidations have no
 * order for, since they are not released for it, or have passed by what it covers. A halt that cancels holds what is
 * at venues as well: it comes back.
 */
export async function findHeld(tx: Tx, halt: Halt): Promise<readonly Held[]> {
  const rows = await tx<RowOf<Held>[]>`
    with held as (
      select
        o.tenant_id,
        o.isin,
        o.quantity - o.filled_quantity + o.corrected_quantity as quantity
      from unwind.orders o
      where o.status in ('NEW', 'PROCESSING')
        and (o.submit_at is not null or ${halt.strength === 'cancel'})
        and ${isCoveredSql(halt, ofOrder)}
      union all
      ${unorderedSql(halt)}
    )
    select
      d.tenant_id,
      case when bool_and(p.price is not null) then sum(d.quantity * p.price) end as value
    from held d
    left join unwind.prices p using (tenant_id, isin)
    where d.quantity > 0
    group by d.tenant_id`;
  return rows.map((row) => thingOf<Held>(row, { value: decimal }));
}

/** Records that no one has decided in time. */
export async function expireApprovals(
  tx: Tx,
  { tenantId, command }: Pick<Approval, 'tenantId' | 'command'>,
  now: Date,
): Promise<void> {
  const { haltId, batchId } = subjectOf(command);
  await tx`
    update unwind.approvals a
    set
      decision = 'expired',
      decided_at = a.expires_at
    where a.tenant_id = ${tenantId}
      and (a.halt_id = ${haltId} or a.batch_id = ${batchId})
      and a.decision is null
      and a.expires_at <= ${now}`;
}

function subjectOf(command: ApprovalCommand): { haltId: HaltId | null; batchId: BatchId | null } {
  return command.operation === 'lift_halt'
    ? { haltId: command.haltId, batchId: null }
    : { haltId: null, batchId: command.batchId };
}

/** @returns false: an approval of the same lift is pending. */
export async function insertApproval(tx: Tx, approval: Approval): Promise<boolean> {
  const { tenantId, command, asker, askedAt } = approval;
  const { haltId, batchId } = subjectOf(command);
  await expireApprovals(tx, approval, askedAt);
  const inserted = await tx`
    insert into unwind.approvals (
      tenant_id, approval_id, halt_id, batch_id, value, value_max, reason, person, actor_kind, actor,
      asked_at, expires_at
    )
    values (
      ${tenantId}, ${approval.approvalId}, ${haltId}, ${batchId},
      ${approval.value === undefined ? null : plain(approval.value)}, ${plain(approval.valueMax)},
      ${approval.reason}, ${asker.person}, ${asker.kind}, ${asker.actor}, ${askedAt},
      ${approval.expiresAt}
    )
    on conflict (tenant_id, halt_id) where decision is null do nothing`;
  return inserted.count > 0;
}

type PlainPart = Omit<Approval, 'command' | 'asker' | 'decided'>;

type ApprovalRow = RowOf<PlainPart> & {
  readonly halt_id: HaltId | null;
  readonly batch_id: BatchId;
  readonly person: string;
  readonly actor_kind: ActKind;
  readonly actor: string;
  readonly decided_at: Date | null;
  readonly decided_by: string | null;
  readonly decide_reason: string | null;
};

/** SQL: how an approval stands at an instant. */
function statusSql(now: Date): Fragment {
  return fragment`
    case
      when a.decision is not null then a.decision
      when exists (
        select
        from unwind.halts h
        where h.tenant_id = a.tenant_id
          and h.halt_id = a.halt_id
          and h.lifted_at is not null
      ) then 'void'
      when exists (
        select
        from unwind.batches b
        where b.tenant_id = a.tenant_id
          and b.batch_id = a.batch_id
          and b.status <> 'PENDING_APPROVAL'
      ) then 'void'
      when a.expires_at <= ${now} then 'expired'
      else 'pending'
    end`;
}

function columnsSql(now: Date): Fragment {
  return fragment`
    a.tenant_id, a.approval_id, a.halt_id, a.batch_id, a.value, a.value_max, a.reason, a.person,
    a.actor_kind, a.actor, a.asked_at, a.expires_at, ${statusSql(now)} as status, a.decided_at,
    a.decided_by, a.decide_reason`;
}

function toApproval(row: ApprovalRow): Approval {
  const { halt_id: haltId, batch_id: batchId, person, actor_kind: kind, actor, ...others } = row;
  const { decided_at: at, decided_by: by, decide_reason: reason, ...approval } = others;
  return {
    ...thingOf<PlainPart>(approval, { value: decimal, valueMax: decimal }),
    command:
      haltId === null ? { operation: 'start_batch', batchId } : { operation: 'lift_halt', haltId },
    asker: { person, kind, actor },
    decided: at === null || by === null ? undefined : { at, by, reason: reason ?? '' },
  };
}

interface WhichApproval {
  /** Undefined: of whichever. */
  readonly tenantId: TenantId | undefined;
  readonly approvalId: ApprovalId;
}

export async function findApproval(
  sql: SqlOrTx,
  { tenantId, approvalId }: WhichApproval,
  now: Date,
): Promise<Approval | undefined> {
  const rows = await sql<ApprovalRow[]>`
    select ${columnsSql(now)}
    from unwind.approvals a
    where a.approval_id = ${approvalId}
      and (${tenantId ?? null}::uuid is null or a.tenant_id = ${tenantId ?? null})`;
  return rows[0] && toApproval(rows[0]);
}

/** Lets one transaction at a time decide an approval. @returns false: it is decided, or has expired. */
export async function lockOpen(
  tx: Tx,
  { tenantId, approvalId }: Approval,
  now: Date,
): Promise<boolean> {
  const rows = await tx`
    select
    from unwind.approvals a
    where a.tenant_id = ${tenantId}
      and a.approval_id = ${approvalId}
      and a.decision is null
      and a.expires_at > ${now}
    for no key update`;
  return rows.count > 0;
}

/** Decides an approval that is open. @returns how it is then; undefined where it is not open. */
export async function markDecided(
  tx: Tx,
  { tenantId, approvalId }: Approval,
  decision: {
    readonly as: 'approved' | 'declined';
    readonly by: Asker;
    readonly reason: string;
    readonly at: Date;
  },
): Promise<Approval | undefined> {
  const { as, by, reason, at } = decision;
  const rows = await tx<ApprovalRow[]>`
    update unwind.approvals a
    set
      decision = ${as},
      decided_at = ${at},
      decided_by = ${by.person},
      decided_actor_kind = ${by.kind},
      decided_actor = ${by.actor},
      decide_reason = ${reason}
    where a.tenant_id = ${tenantId}
      and a.approval_id = ${approvalId}
      and a.decision is null
      and a.expires_at > ${at}
    returning ${columnsSql(at)}`;
  return rows[0] && toApproval(rows[0]);
}

/** Who has approved that halts were lifted, by halt; one that needed no second person is absent. */
export async function findLiftApprovers(
  sql: SqlOrTx,
  halts: readonly Pick<Halt, 'tenantId' | 'haltId'>[],
): Promise<ReadonlyMap<HaltId, string>> {
  const rows = await sql<{ halt_id: HaltId; decided_by: string }[]>`
    select a.halt_id, a.decided_by
    from ${rowsOf(halts).as('n (tenant_id uuid, halt_id uuid)')}
    join unwind.approvals a using (tenant_id, halt_id)
    where a.decision = 'approved'`;
  return new Map(rows.map((row) => [row.halt_id, row.decided_by]));
}

/** Approvals, the latest first, and the key behind which the list may go on. */
export async function findApprovals(
  sql: SqlOrTx,
  query: {
    /** Undefined: of all tenants. */
    tenantId: TenantId | undefined;
    operations: readonly ApprovalOperation[];
    /** Only those that a person can decide now. */
    isPending: boolean;
    below: ApprovalId | undefined;
    limit: number;
    now: Date;
  },
): Promise<ThingPage<Approval, ApprovalId>> {
  const { tenantId, operations, isPending, below, limit, now } = query;
  const rows = await sql<ApprovalRow[]>`
    select ${columnsSql(now)}
    from unwind.approvals a
    where (${tenantId ?? null}::uuid is null or a.tenant_id = ${tenantId ?? null})
      and (a.halt_id is null or ${operations.includes('lift_halt')})
      and (a.batch_id is null or ${operations.includes('start_batch')})
      and (${below ?? null}::uuid is null or a.approval_id < ${below ?? null})
      and (not ${isPending} or (a.decision is null and ${statusSql(now)} = 'pending'))
    order by a.approval_id desc
    limit ${limit}::bigint + 1`;
  return pageOf(rows, limit, { toThing: toApproval, keyOf: ({ approvalId }) => approvalId });
}
