// The statements by which requests change liquidations: create and cancel. Each is one statement and one
// commit, since round trips are the cost of a request.

import { storedResponseSql } from '../auth/idempotency-store.ts';
import type { SignatureUse } from '../auth/signature-use.ts';
import { type Contract, signatureUseSql } from '../auth/store.ts';
import type { AccountStatus } from '../book/account.ts';
import type { Sql } from '../db/connect.ts';
import { type Fragment, fragment } from '../db/sql.ts';
import { liquidationEventsSql } from '../events/store.ts';
import type { AccountId, EventId, LiquidationId, TenantId, UserId } from '../ids.ts';
import { reservationsClosedSql } from '../reservations/reservations-store.ts';
import type { Act } from '../trail/act.ts';
import { actSql } from '../trail/acts-store.ts';
import type { EndReason, LiquidationStatus } from './liquidation.ts';
import {
  cancelledSql,
  isLiquidatedSql,
  isTooLargeSql,
  newLiquidationsSql,
  renderedSql,
} from './made-store.ts';

export interface Creation {
  readonly tenantId: TenantId;
  readonly accountId: AccountId;
  readonly userId: UserId;
  readonly liquidationId: LiquidationId;
  readonly eventId: EventId;
  readonly now: Date;
  readonly releaseDelayMs: number;
  /** What the liquidation is created under. */
  readonly contract: Contract;
  /** When its client wants it released; undefined: as soon as its delay is over. */
  readonly schedule?: Schedule | undefined;
  readonly signature: SignatureUse;
  readonly act: Act | undefined;
  /** False when an earlier try of the same request has recorded it. */
  readonly signatureIsNew: boolean;
  readonly idempotencyKey: string;
  readonly requestHash: Buffer;
  readonly idempotencyExpiresAt: Date;
  /** False: nothing is created, but a request sent again is found. */
  readonly hasRoom: boolean;
  /** Positions the account may hold. */
  readonly positionsMax: number;
}

/** A release that is asked for. */
export interface Schedule {
  /** On the market clock. */
  readonly at: Date;
  /** The venue that opens then, by MIC; undefined: it is a time. */
  readonly openingOf: string | undefined;
  /** For those who ask later. */
  readonly reason: string | undefined;
}

export interface CreationRow {
  readonly signature_replayed: boolean;
  readonly prior_hash: Buffer | null;
  readonly prior_status: number | null;
  readonly prior_body: string | null;
  /** Null when the account is not there for this tenant and user. */
  readonly account_status: AccountStatus | null;
  /** True when the account changed while this statement waited for it: try again. */
  readonly overtaken: boolean;
  readonly running_id: LiquidationId | null;
  /** True when the account holds more positions than one liquidation may sell. */
  readonly is_too_large: boolean;
  readonly body: string | null;
}

type OfAccount = Pick<Creation, 'tenantId' | 'accountId'>;

/** SQL: the liquidation of an account that has not ended, if there is one. */
export function runningSql({ tenantId, accountId }: OfAccount): Fragment {
  return fragment`
    select l.liquidation_id
    from unwind.liquidations l
    where l.tenant_id = ${tenantId}
      and l.account_id = ${accountId}
      and l.status in ('NEW', 'PROCESSING')`;
}

/**
 * Creates a liquidation with its event and its idempotency record, all or nothing; where something
 * stands against it, only the use of the signature is recorded and the row says what.
 *
 * @throws unique violations when a concurrent request was first; the next try sees its work.
 */
export async function insertLiquidation(sql: Sql, c: Creation): Promise<CreationRow | undefined> {
  const signature = signatureNow(c);
  const { schedule } = c;
  const made = fragment`
    select
      ${c.tenantId}::uuid as tenant_id, ${c.liquidationId}::uuid as liquidation_id,
      ${c.accountId}::uuid as account_id, ${c.userId}::uuid as user_id, null::uuid as batch_id,
      ${c.contract}::text as contract, ${schedule?.at ?? null}::timestamptz as scheduled_at,
      ${schedule?.openingOf ?? null}::text as opening_of, ${schedule?.reason ?? null}::text as schedule_reason
    from verdict v
    where not v.signature_replayed
      and not v.overtaken
      and ${isLiquidatedSql(fragment`v.account_status`)}
      and v.running_id is null
      and not v.is_too_large
      and ${c.hasRoom}`;
  const event = fragment`select r.*, ${c.eventId}::uuid as event_id from rendered r`;
  const act = c.act && { ...c.act, target: `${c.act.target}/${c.liquidationId}` };
  const answer = { ...c, status: 202, expiresAt: c.idempotencyExpiresAt };
  const shown = schedule === undefined ? fragment`select r.object from rendered r` : scheduledSql;
  const rows = await sql<CreationRow[]>`
    with signature as (${signatureUseSql(signature)}),
    prior as materialized (
      select k.request_hash, k.status, k.body
      from unwind.idempotency_keys k
      where k.tenant_id = ${c.tenantId}
        and k.idempotency_key = ${c.idempotencyKey}
    ),
    account as materialized (
      select a.user_id, a.status, a.version
      from unwind.accounts a
      where a.tenant_id = ${c.tenantId}
        and a.account_id = ${c.accountId}
        and a.user_id = ${c.userId}
        and not exists (select from prior)
      for no key update
    ),
    running as (${runningSql(c)}),
    verdict as (
      select
        (select count(*) from signature) < ${signature.basesSha256.length} as signature_replayed,
        account.status as account_status,
        account.version is distinct from (
          select a.version
          from unwind.accounts a
          where a.tenant_id = ${c.tenantId}
            and a.account_id = ${c.accountId}
            and a.user_id = ${c.userId}
        ) as overtaken,
        (select r.liquidation_id from running r) as running_id,
        ${isTooLargeSql(c, fragment`account.status is not null`)} as is_too_large
      from (select) as always
      left join account on true
    ),
    created as (${newLiquidationsSql(made, c)}),
    rendered as materialized (
      select r.*, c.release_at, c.opening_of, c.schedule_reason
      from (${renderedSql(fragment`created`)}) r
      cross join created c
    ),
    event as (${liquidationEventsSql(event, c.now)}),
    remembered as (${storedResponseSql(answer, shown)}),
    recorded as (${actSql(c.tenantId, act, fragment`select from created`)})
    select
      v.signature_replayed, v.account_status, v.overtaken, v.running_id, v.is_too_large,
      p.request_hash as prior_hash,
      p.status as prior_status,
      p.body as prior_body,
      (${shown}) as body
    from verdict v
    left join prior p on true`;
  return rows[0];
}

// The published object, and besides it the release that was asked for.
const scheduledSql = fragment`
  select
    concat(
      left(r.object, -1), ',"release":{"at":"', unwind.instant(r.release_at), '"',
      ',"opening_of":"' || r.opening_of || '"', ',"reason":' || to_json(r.schedule_reason)::text, '}}'
    )
  from rendered r`;

export interface Cancellation {
  readonly tenantId: TenantId;
  readonly accountId: AccountId;
  readonly liquidationId: LiquidationId;
  readonly eventId: EventId;
  readonly now: Date;
  readonly signature: SignatureUse;
  readonly act: Act | undefined;
  readonly signatureIsNew: boolean;
}

export interface CancellationRow {
  readonly signature_replayed: boolean;
  readonly cancelled: boolean;
  /** The status before this statement; null when there is no such liquidation of the account. */
  readonly status: LiquidationStatus | null;
  readonly end_reason: EndReason | null;
}

/**
 * Cancels a NEW liquidation with its event; in any other state only the signature is recorded. One that is changed
 * while the statement waits for it stays as it is: what was reserved for it meanwhile the statement cannot see.
 */
export async function cancelNewLiquidation(
  sql: Sql,
  c: Cancellation,
): Promise<CancellationRow | undefined> {
  const signature = signatureNow(c);
  const isMeant = fragment`
    l.tenant_id = ${c.tenantId}
    and l.account_id = ${c.accountId}
    and l.liquidation_id = ${c.liquidationId}
    and l.xmin = (select f.version from found f)
    and not (select v.signature_replayed from verdict v)`;
  const rendered = renderedSql(fragment`cancelled`);
  const event = fragment`select r.*, ${c.eventId}::uuid as event_id from (${rendered}) r`;
  const rows = await sql<CancellationRow[]>`
    with signature as (${signatureUseSql(signature)}),
    verdict as (
      select
        (select count(*) from signature) < ${signature.basesSha256.length} as signature_replayed
    ),
    found as materialized (
      select l.status, l.end_reason, l.xmin as version
      from unwind.liquidations l
      where l.tenant_id = ${c.tenantId}
        and l.account_id = ${c.accountId}
        and l.liquidation_id = ${c.liquidationId}
    ),
    cancelled as (${cancelledSql(isMeant, c.now)}),
    let_go as (${reservationsClosedSql(c, fragment`select c.liquidation_id from cancelled c`)}),
    event as (${liquidationEventsSql(event, c.now)}),
    recorded as (${actSql(c.tenantId, c.act, fragment`select from cancelled`)})
    select
      v.signature_replayed,
      exists (select from cancelled) as cancelled,
      f.status,
      f.end_reason
    from verdict v
    left join found f on true`;
  return rows[0];
}

/** The use of signatures to be recorded: none where an earlier try has recorded it. */
function signatureNow(c: Pick<Creation, 'tenantId' | 'signature' | 'signatureIsNew'>) {
  const { tenantId, signature } = c;
  return { tenantId, ...signature, ...(c.signatureIsNew ? {} : { basesSha256: [] }) };
}
