// The statements of halts: set, lifted, listed, and read inside the statements that release and send. Those
// take a weak lock of the table first, which nothing waits for: it shows who may have read the table before a
// halt was committed. What takes it later sees the halt.

import type { Sql, SqlOrTx, Tx } from '../db/connect.ts';
import { pageOf, type ThingPage } from '../db/page.ts';
import { type RowOf, thingOf } from '../db/row.ts';
import { type Fragment, fragment } from '../db/sql.ts';
import type { TenantId } from '../ids.ts';
import { fixWriteMsMax } from '../limits.ts';
import { type Decimal, plain } from '../money.ts';
import { everyTenant, type Halt, type HaltId, type HaltTarget } from './halt.ts';

/** Before a claim: no halt is acknowledged while the transaction lasts. */
export async function holdOffHalts(tx: Tx): Promise<void> {
  await tx`lock table unwind.halts in row share mode`;
}

/** SQL: what a halt is asked by. */
export interface HaltedThing {
  readonly tenantId: Fragment;
  readonly accountId: Fragment;
  readonly isin: Fragment;
  readonly venue: Fragment;
}

const ofAnyStrength = fragment``;
const ofStrengthCancel = fragment`and h.strength = 'cancel'`;

/** SQL: whether something is halted that has this account, instrument and venue. */
export function isHaltedSql(what: HaltedThing): Fragment {
  return isHaltedBySql(what, ofAnyStrength);
}

/** SQL: whether it is halted so that it is cancelled at its venue. */
export function isCancelledByHaltSql(what: HaltedThing): Fragment {
  return fragment`(
    (select exists (select from unwind.halts h where h.lifted_at is null ${ofStrengthCancel}))
    and ${isHaltedBySql(what, ofStrengthCancel)}
  )`;
}

function isHaltedBySql(what: HaltedThing, strength: Fragment): Fragment {
  return fragment`exists (
    select
    from unwind.halts h
    where h.lifted_at is null
      ${strength}
      and ${coversSql(what)}
  )`;
}

function coversSql(what: HaltedThing): Fragment {
  return fragment`
      h.tenant_id in (${what.tenantId}, ${everyTenant})
      and (h.account_id is null or h.account_id = ${what.accountId})
      and (h.isin is null or h.isin = ${what.isin})
      and (h.venue is null or h.venue = ${what.venue})`;
}

/** SQL: who has halted something that has this account, instrument and venue, and why, in words; null: no one. */
export function haltedBySql(what: HaltedThing): Fragment {
  return fragment`(
    select concat('halted by ', h.person, ': ', h.reason)
    from unwind.halts h
    where h.lifted_at is null
      and ${coversSql(what)}
    order by h.set_at, h.halt_id
    limit 1
  )`;
}

/** SQL: whether an account is halted as a whole. */
export function isAccountHaltedSql(tenantId: Fragment, accountId: Fragment): Fragment {
  const none = fragment`null::text`;
  return isHaltedSql({ tenantId, accountId, isin: none, venue: none });
}

/** SQL: whether nothing at all goes to a venue, asked once for a statement; null: to any. */
export function isAllHaltedSql(venue: string | null): Fragment {
  return fragment`(
    select exists (
      select
      from unwind.halts h
      where h.lifted_at is null
        and h.tenant_id = ${everyTenant}
        and h.account_id is null
        and h.isin is null
        and (h.venue is null or h.venue = ${venue}::text)
    )
  )`;
}

/** Sets a halt, in force from the commit on. Waits for nothing, so that it is never refused under load. */
export async function insertHalt(tx: Tx, halt: Halt): Promise<void> {
  await tx`
    insert into unwind.halts (
      tenant_id, halt_id, account_id, isin, venue, strength, reason, person, set_at
    )
    values (
      ${halt.tenantId}, ${halt.haltId}, ${halt.accountId ?? null}, ${halt.isin ?? null},
      ${halt.venue ?? null}, ${halt.strength}, ${halt.reason}, ${halt.person}, ${halt.setAt}
    )`;
}

/** The transactions that claim something now: those that hold off halts. */
export async function findClaimsUnderWay(sql: Sql): Promise<ReadonlySet<string>> {
  const rows = await sql<{ virtualtransaction: string }[]>`
    select distinct k.virtualtransaction
    from pg_locks k
    join pg_database d on d.oid = k.database
    where d.datname = current_database()
      and k.relation = 'unwind.halts'::regclass
      and k.mode = 'RowShareLock'
      and k.granted`;
  return new Set(rows.map((row) => row.virtualtransaction));
}

/**
 * Until when processes may still send what a target covers: the end of the last lease, of those that had not
 * ended at an instant, or of the time in which a FIX session writes what it has numbered; undefined where
 * there is none.
 */
export async function findSendsUntil(
  sql: Sql,
  target: HaltTarget,
  since: Date,
): Promise<Date | undefined> {
  const rows = await sql<{ until: Date | null }[]>`
    select max(w.until) as until
    from unwind.submissions s
    join unwind.orders o using (tenant_id, order_id)
    left join unwind.fix_orders f using (tenant_id, client_order_id)
    -- What a FIX session has taken goes its way without the lease: from its outbox, where halts are read again.
    cross join lateral (
      select case
        when f.client_order_id is null then s.lease_expires_at
        when f.status = 'SENT' then f.sent_at + ${fixWriteMsMax} * interval '1 millisecond'
      end as until
    ) w
    where s.status = 'SENDING'
      and w.until > ${since}
      and ${isCoveredSql(target, ofOrder)}`;
  return rows[0]?.until ?? undefined;
}

/** SQL: what halts of an order `o` are asked by. */
export const ofOrder = {
  tenantId: fragment`o.tenant_id`,
  accountId: fragment`o.account_id`,
  isin: fragment`o.isin`,
  venue: fragment`o.venue`,
};

/** SQL: whether one target covers something. */
export function isCoveredSql(target: HaltTarget, what: HaltedThing): Fragment {
  const { tenantId, accountId = null, isin = null, venue = null } = target;
  return fragment`
    (${tenantId}::uuid = ${everyTenant} or ${what.tenantId} = ${tenantId})
    and (${accountId}::uuid is null or ${what.accountId} = ${accountId})
    and (${isin}::text is null or ${what.isin} = ${isin})
    and (${venue}::text is null or ${what.venue} = ${venue})`;
}

type HaltRow = RowOf<Omit<Halt, 'lift'>> & {
  readonly lifted_at: Date | null;
  readonly lifted_by: string | null;
  readonly lift_reason: string | null;
};

const columns = fragment`
  h.tenant_id, h.halt_id, h.account_id, h.isin, h.venue, h.strength, h.reason, h.person, h.set_at,
  h.lifted_at, h.lifted_by, h.lift_reason`;

function toHalt(row: HaltRow): Halt {
  const { lifted_at: at, lifted_by: by, lift_reason: reason, ...halt } = row;
  const lift = at === null ? undefined : { at, by: by ?? '', reason: reason ?? '' };
  return { ...thingOf<Omit<Halt, 'lift'>>(halt), lift };
}

export interface HaltQuery {
  /** Its own halts and those across all tenants; undefined: those of all. */
  readonly tenantId: TenantId | undefined;
  /** Only those in force, or only those that were lifted; undefined: both. */
  readonly inForce: boolean | undefined;
  readonly below: HaltId | undefined;
  readonly limit: number;
}

/** Halts, the newest first, and the key behind which the list may go on. */
export async function findHalts(
  sql: SqlOrTx,
  { tenantId, inForce, below, limit }: HaltQuery,
): Promise<ThingPage<Halt, HaltId>> {
  const rows = await sql<HaltRow[]>`
    select ${columns}
    from unwind.halts h
    where (${tenantId ?? null}::uuid is null or h.tenant_id in (${tenantId ?? null}, ${everyTenant}))
      and (${inForce ?? null}::boolean is null or (h.lifted_at is null) = ${inForce ?? null})
      and (${below ?? null}::uuid is null or h.halt_id < ${below ?? null})
    order by h.halt_id desc
    limit ${limit}::bigint + 1`;
  return pageOf(rows, limit, { toThing: toHalt, keyOf: ({ haltId }) => haltId });
}

/** A halt of a tenant, or across all tenants; of whichever tenant where none is named. */
export async function findHalt(
  sql: SqlOrTx,
  { tenantId, haltId }: { readonly tenantId: TenantId | undefined; readonly haltId: HaltId },
): Promise<Halt | undefined> {
  const rows = await sql<HaltRow[]>`
    select ${columns}
    from unwind.halts h
    where h.halt_id = ${haltId}
      and (${tenantId ?? null}::uuid is null or h.tenant_id in (${tenantId ?? null}, ${everyTenant}))`;
  return rows[0] && toHalt(rows[0]);
}

/** Lifts a halt that is in force. @returns how it is then; undefined where it was lifted before. */
export async function markLifted(
  tx: Tx,
  { tenantId, haltId }: Pick<Halt, 'tenantId' | 'haltId'>,
  lift: NonNullable<Halt['lift']>,
  value: Decimal | undefined,
): Promise<Halt | undefined> {
  const rows = await tx<HaltRow[]>`
    update unwind.halts h
    set
      lifted_at = ${lift.at},
      lifted_by = ${lift.by},
      lift_reason = ${lift.reason},
      lift_value = ${value === undefined ? null : plain(value)}
    where h.tenant_id = ${tenantId}
      and h.halt_id = ${haltId}
      and h.lifted_at is null
    returning ${columns}`;
  return rows[0] && toHalt(rows[0]);
}
