// The statements by which the trail is verified. Each reads rows as they are and their text as it is hashed; what
// is compared with what, verify-trail.ts says. Nothing here asks a function or a view of the database.

import type { SqlOrTx, Tx } from '../db/connect.ts';
import { type Fragment, fragment } from '../db/sql.ts';
import type { TenantId } from '../ids.ts';
import type { RecordedRows } from './records-store.ts';
import {
  actTextSql,
  isInSql,
  lastSealSql,
  recordTextSql,
  sealTextSql,
  trailTenantsSql,
} from './seals-store.ts';

/** Makes a transaction ready that reads all of the trail as it is at one instant, and can write nothing. */
export async function openForReading(tx: Tx): Promise<void> {
  await tx`set transaction read only`;
  await tx`set local work_mem = '128MB'`;
  await tx`set local jit = off`;
  await tx`set local idle_in_transaction_session_timeout = 0`;
}

/** Tenants that have a row anywhere in the trail, or could have one. */
export async function findTrailTenants(tx: Tx): Promise<readonly TenantId[]> {
  const rows = await tx<{ tenant_id: TenantId }[]>`
    with recursive of_seals as (
      (select min(s.tenant_id::text)::uuid as tenant_id from unwind.seals s)
      union all
      select (
        select s.tenant_id
        from unwind.seals s
        where s.tenant_id > o.tenant_id
        order by s.tenant_id
        limit 1
      )
      from of_seals o
      where o.tenant_id is not null
    )
    select t.tenant_id from (${trailTenantsSql}) t
    union
    select o.tenant_id from of_seals o where o.tenant_id is not null
    order by tenant_id`;
  return rows.map((row) => row.tenant_id);
}

/** A seal as it is, and the text that its hash is of. */
export interface StoredSeal {
  readonly number: string;
  readonly sealed_at: Date;
  readonly previous: Buffer;
  readonly hash: Buffer;
  readonly first_order: string;
  readonly last_order: string;
  readonly act_ids: readonly string[];
  readonly act_hashes: Buffer;
  readonly record_ids: readonly string[];
  readonly record_hashes: Buffer;
  readonly text: string;
}

/** Seals of a tenant behind a number, in order. */
export function findSeals(
  tx: SqlOrTx,
  which: { readonly tenantId: TenantId; readonly after: string; readonly limit: number },
): Promise<readonly StoredSeal[]> {
  return tx<StoredSeal[]>`
    select
      s.number, s.sealed_at, s.previous, s.hash, s.first_order, s.last_order, s.act_ids, s.act_hashes,
      s.record_ids, s.record_hashes, ${sealTextSql} as text
    from unwind.seals s
    where s.tenant_id = ${which.tenantId}
      and s.number > ${which.after}
    order by s.number
    limit ${which.limit}`;
}

/** Something that is hashed, as it is now. */
export interface HashedRow {
  readonly id: string;
  readonly text: string;
  readonly at: Date | null;
}

interface OfSeal {
  readonly tenantId: TenantId;
  readonly ids: readonly string[];
  /** Where to look; undefined: wherever they are. */
  readonly orders: { readonly first: string; readonly last: string } | undefined;
}

export function findSealedActs(tx: Tx, { tenantId, ids, orders }: OfSeal) {
  return tx<HashedRow[]>`
    select a.act_id as id, ${actTextSql} as text, a.acted_at as at
    from unwind.acts a
    where a.tenant_id = ${tenantId}
      and (${orders?.first ?? null}::bigint is null or a.commit_order >= ${orders?.first ?? null})
      and (${orders?.last ?? null}::bigint is null or a.commit_order <= ${orders?.last ?? null})
      and a.act_id = any (${ids}::uuid[])`;
}

export interface RecordRow extends HashedRow {
  readonly kind: string;
  readonly ids: readonly string[];
  readonly hashes: Buffer;
}

export function findSealedRecords(tx: Tx, { tenantId, ids, orders }: OfSeal) {
  return tx<RecordRow[]>`
    select r.record_id as id, ${recordTextSql} as text, null::timestamptz as at, r.kind, r.ids, r.hashes
    from unwind.trail_records r
    where r.tenant_id = ${tenantId}
      and (${orders?.first ?? null}::bigint is null or r.commit_order >= ${orders?.first ?? null})
      and (${orders?.last ?? null}::bigint is null or r.commit_order <= ${orders?.last ?? null})
      and r.record_id = any (${ids}::uuid[])`;
}

/**
 * What no seal holds at its place in the order of commits. `isDue`: it should be in one, since the last one says
 * that it or one before it holds that place; or it stands where no transaction has been yet.
 */
export interface Unsealed {
  readonly id: string;
  readonly isDue: boolean;
  readonly at: Date | null;
}

/** SQL: see `Unsealed`. The transaction that reads may have written as well. */
function isDueSql(order: Fragment): Fragment {
  return fragment`(
    ${isInSql(order, fragment`last.snapshot`)}
    or ${order} >= (
      select
        c.order_offset + greatest(
          pg_snapshot_xmax(pg_current_snapshot())::text::bigint,
          pg_current_xact_id_if_assigned()::text::bigint + 1
        )
      from unwind.trail_chain c
    )
  )`;
}

/** SQL: whether a seal that lists the id holds its place as well. */
function isSealedSql(
  tenantId: TenantId,
  entry: { readonly sealedIds: Fragment; readonly id: Fragment; readonly order: Fragment },
): Fragment {
  return fragment`exists (
      select
      from (
        select unnest(${entry.sealedIds}) as id, s.first_order, s.last_order
        from unwind.seals s
        where s.tenant_id = ${tenantId}
      ) sealed
      where sealed.id = ${entry.id}
        and ${entry.order} between sealed.first_order and sealed.last_order
    )`;
}

export async function findActsInNoSeal(tx: Tx, tenantId: TenantId): Promise<readonly Unsealed[]> {
  return tx<Unsealed[]>`
    select
      a.act_id as id, a.acted_at as at,
      ${isDueSql(fragment`a.commit_order`)} as "isDue"
    from (select ${tenantId}::uuid as tenant_id) t
    ${lastSealSql}
    join unwind.acts a on a.tenant_id = t.tenant_id
    where not ${isSealedSql(tenantId, {
      sealedIds: fragment`s.act_ids`,
      id: fragment`a.act_id`,
      order: fragment`a.commit_order`,
    })}`;
}

export async function findRecordsInNoSeal(
  tx: Tx,
  tenantId: TenantId,
): Promise<readonly Unsealed[]> {
  return tx<Unsealed[]>`
    select
      r.record_id as id, null::timestamptz as at,
      ${isDueSql(fragment`r.commit_order`)} as "isDue"
    from (select ${tenantId}::uuid as tenant_id) t
    ${lastSealSql}
    join unwind.trail_records r on r.tenant_id = t.tenant_id
    where not ${isSealedSql(tenantId, {
      sealedIds: fragment`s.record_ids`,
      id: fragment`r.record_id`,
      order: fragment`r.commit_order`,
    })}`;
}

/** A row of the book, as it is now. */
export interface RecordedRow extends Pick<HashedRow, 'id' | 'at'> {
  readonly bytes: Buffer;
}

/** Rows of a table, of these ids. */
export function findRecordedRows(
  tx: Tx,
  rows: RecordedRows,
  which: { readonly tenantId: TenantId; readonly ids: readonly string[] },
) {
  return tx<RecordedRow[]>`
    select ${rows.id} as id, ${rows.bytes} as bytes, ${rows.recordedAt} as at
    from ${rows.from}
    where ${rows.tenantId} = ${which.tenantId}
      and ${rows.id} = any (${which.ids}::uuid[])`;
}

/** Rows of a table that no record has, so many at most. */
export async function findRowsInNoRecord(
  tx: Tx,
  rows: RecordedRows,
  { tenantId, limit }: { readonly tenantId: TenantId; readonly limit: number },
): Promise<readonly string[]> {
  const found = await tx<{ id: string }[]>`
    select ${rows.id} as id
    from ${rows.from}
    where ${rows.tenantId} = ${tenantId}
      and not exists (
        select
        from (
          select unnest(k.ids) as id
          from unwind.trail_records k
          where k.tenant_id = ${tenantId}
            and k.kind = ${rows.kind}
        ) kept
        where kept.id = ${rows.id}
      )
    limit ${limit}`;
  return found.map(({ id }) => id);
}

export async function findContradictions(
  tx: Tx,
  { contradictions }: RecordedRows,
  { tenantId, limit }: { readonly tenantId: TenantId; readonly limit: number },
): Promise<readonly { readonly id: string; readonly message: string }[]> {
  if (contradictions === undefined) return [];
  return tx<{ id: string; message: string }[]>`
    select c.id, c.message
    from (${contradictions(tenantId)}) c
    limit ${limit}`;
}

/** Hashes of seals of a tenant, by number. */
export async function findSealHashes(
  tx: SqlOrTx,
  tenantId: TenantId,
  numbers: readonly string[],
): Promise<ReadonlyMap<string, Buffer>> {
  const rows = await tx<{ number: string; hash: Buffer }[]>`
    select s.number, s.hash
    from unwind.seals s
    where s.tenant_id = ${tenantId}
      and s.number = any (${numbers}::bigint[])`;
  return new Map(rows.map(({ number, hash }) => [number, hash]));
}
