// The statements of seals. A seal holds what was committed since the one before: what the snapshot of its own
// statement sees and that of the seal before did not. So a transaction that commits late is in a later seal, and
// none is passed over.

import { first } from '../assert.ts';
import type { Sql, SqlOrTx } from '../db/connect.ts';
import { type Fragment, fragment } from '../db/sql.ts';
import type { TenantId } from '../ids.ts';
import { allTenants } from './act.ts';
import { noneYet, parseSnapshot, type Snapshot, shifted, snapshotText } from './snapshot.ts';

/** SQL: tenants of the trail, with that of what concerns them all. */
export const trailTenantsSql = fragment`
  select t.tenant_id
  from unwind.tenants t
  union all
  select ${allTenants}::uuid`;

/** SQL: whether something of this order of commits is in a snapshot, or in one before it. */
export function isInSql(order: Fragment, snapshot: Fragment): Fragment {
  return fragment`pg_visible_in_snapshot(${order}::text::xid8, ${snapshot})`;
}

/**
 * SQL: rows of a table of the trail, under its alias, that no seal of their tenant holds yet. By two places in
 * the index, so that a long transaction does not let all be looked through that was committed since it began.
 */
export function unsealedSql(alias: Fragment, snapshot: Fragment): Fragment {
  return fragment`(
    ${alias}.commit_order >= pg_snapshot_xmax(${snapshot})::text::bigint
    or ${alias}.commit_order = any (
      array(select u."order"::text::bigint from pg_snapshot_xip(${snapshot}) u ("order"))
    )
  )`;
}

/** SQL: the same, without what stands ahead of all transactions: that is never sealed. */
function sealableSql(alias: Fragment, snapshot: Fragment): Fragment {
  return fragment`(
    ${unsealedSql(alias, snapshot)}
    and ${alias}.commit_order < (
      select c.order_offset + pg_snapshot_xmax(pg_current_snapshot())::text::bigint
      from unwind.trail_chain c
    )
  )`;
}

/** SQL: the last seal of a tenant `t`, as `last`; its snapshot is never null. */
export const lastSealSql = fragment`
  cross join lateral (
    select coalesce(
      (
        select s.snapshot
        from unwind.seals s
        where s.tenant_id = t.tenant_id
        order by s.number desc
        limit 1
      ),
      ${snapshotText(noneYet)}::pg_snapshot
    ) as snapshot
  ) last`;

/** Tenants of whom something can be sealed, behind one of them. */
export async function findUnsealed(
  sql: Sql,
  { after, limit }: { readonly after: TenantId | undefined; readonly limit: number },
): Promise<readonly TenantId[]> {
  const a = fragment`a`;
  const r = fragment`r`;
  const snapshot = fragment`last.snapshot`;
  const rows = await sql<{ tenant_id: TenantId }[]>`
    select t.tenant_id
    from (${trailTenantsSql}) t
    ${lastSealSql}
    where (${after ?? null}::uuid is null or t.tenant_id > ${after ?? null})
      and (
        exists (
          select
          from unwind.acts a
          where a.tenant_id = t.tenant_id
            and ${sealableSql(a, snapshot)}
        )
        or exists (
          select
          from unwind.trail_records r
          where r.tenant_id = t.tenant_id
            and ${sealableSql(r, snapshot)}
        )
      )
    order by t.tenant_id
    limit ${limit}`;
  return rows.map((row) => row.tenant_id);
}

/** The end of a chain, and what there is behind it. */
export interface ChainEnd {
  readonly number: bigint;
  readonly hash: Buffer;
  readonly sealedAt: Date | undefined;
  readonly snapshot: Snapshot;
  /** What can be sealed now. */
  readonly now: Snapshot;
  /** Order of the first of what is too much for one seal, and of the first of all. */
  readonly cut: { readonly first: bigint; readonly order: bigint } | undefined;
}

export async function findChainEnd(
  sql: Sql,
  { tenantId, entriesMax }: { readonly tenantId: TenantId; readonly entriesMax: number },
): Promise<ChainEnd> {
  const snapshot = fragment`l.snapshot`;
  const rows = await sql<
    {
      number: string;
      hash: Buffer;
      sealed_at: Date | null;
      snapshot: string;
      now: string;
      order_offset: string;
      first: string | null;
      cut: string | null;
    }[]
  >`
    with l as materialized (
      select
        coalesce(s.number, 0) as number,
        coalesce(s.hash, ${beginningSql(tenantId)}) as hash,
        s.sealed_at,
        coalesce(s.snapshot, ${snapshotText(noneYet)}::pg_snapshot) as snapshot
      from (select) as always
      left join lateral (
        select s.number, s.hash, s.sealed_at, s.snapshot
        from unwind.seals s
        where s.tenant_id = ${tenantId}
        order by s.number desc
        limit 1
      ) s on true
    ),
    entries as materialized (
      select e.commit_order
      from (
        select a.commit_order
        from unwind.acts a, l
        where a.tenant_id = ${tenantId}
          and ${sealableSql(fragment`a`, snapshot)}
        union all
        select r.commit_order
        from unwind.trail_records r, l
        where r.tenant_id = ${tenantId}
          and ${sealableSql(fragment`r`, snapshot)}
      ) e
      order by e.commit_order
      limit ${entriesMax}::bigint + 1
    )
    select
      l.number, l.hash, l.sealed_at, l.snapshot::text as snapshot,
      pg_current_snapshot()::text as now,
      (select c.order_offset from unwind.trail_chain c) as order_offset,
      (select min(e.commit_order) from entries e) as first,
      (select e.commit_order from entries e order by e.commit_order offset ${entriesMax}) as cut
    from l`;
  const row = first(rows);
  return {
    number: BigInt(row.number),
    hash: row.hash,
    sealedAt: row.sealed_at ?? undefined,
    snapshot: parseSnapshot(row.snapshot),
    now: shifted(parseSnapshot(row.now), BigInt(row.order_offset)),
    cut:
      row.first === null || row.cut === null
        ? undefined
        : { first: BigInt(row.first), order: BigInt(row.cut) },
  };
}

/** SQL: what the first seal of a tenant follows: the chain itself. */
function beginningSql(tenantId: TenantId): Fragment {
  return fragment`(
    select sha256(convert_to(concat('chain/1 ', c.chain_id, ' ', ${tenantId}::uuid), 'UTF8'))
    from unwind.trail_chain c
  )`;
}

/** SQL: the text of an act `a` that is hashed. Members are not null, or differ from the empty text. */
export const actTextSql = fragment`
  concat('act/1 ', row(
    a.tenant_id, a.commit_order, a.act_id, extract(epoch from a.acted_at), a.kind, a.actor, a.role,
    a.origin, a.operation, a.target, a.reason, a.detail, encode(a.request_sha256, 'hex')
  ), ' ' || a.subject)`;

/** SQL: the same of a record `r`. */
export const recordTextSql = fragment`
  concat('record/1 ', row(
    r.tenant_id, r.commit_order, r.record_id, r.kind, r.ids, encode(sha256(r.hashes), 'hex')
  ))`;

/** SQL: the same of a seal `s`. */
export const sealTextSql = fragment`
  concat('seal/1 ', row(
    s.tenant_id, s.number, extract(epoch from s.sealed_at), encode(s.previous, 'hex'), s.snapshot,
    s.first_order, s.last_order, s.act_ids, encode(sha256(s.act_hashes), 'hex'), s.record_ids,
    encode(sha256(s.record_hashes), 'hex')
  ))`;

/** SQL: the hash of a text. */
function hashSql(text: Fragment): Fragment {
  return fragment`sha256(convert_to(${text}, 'UTF8'))`;
}

export interface NewSeal {
  readonly tenantId: TenantId;
  readonly end: Pick<ChainEnd, 'number' | 'hash' | 'snapshot'>;
  /** What it holds, together with those before it. */
  readonly snapshot: Snapshot;
  readonly sealedAt: Date;
}

/**
 * Seals what is in a snapshot and in no seal yet.
 * @returns how many acts and records; 0 where there is none, or another process was first.
 */
export async function insertSeal(sql: Sql, seal: NewSeal): Promise<number> {
  const { tenantId, end, sealedAt } = seal;
  const before = fragment`${snapshotText(end.snapshot)}::pg_snapshot`;
  const until = fragment`${snapshotText(seal.snapshot)}::pg_snapshot`;
  const rows = await sql<{ count: number }[]>`
    with acts as materialized (
      select a.commit_order, a.act_id as id, ${hashSql(actTextSql)} as hash
      from unwind.acts a
      where a.tenant_id = ${tenantId}
        and ${unsealedSql(fragment`a`, before)}
        and ${isInSql(fragment`a.commit_order`, until)}
    ),
    records as materialized (
      select r.commit_order, r.record_id as id, ${hashSql(recordTextSql)} as hash
      from unwind.trail_records r
      where r.tenant_id = ${tenantId}
        and ${unsealedSql(fragment`r`, before)}
        and ${isInSql(fragment`r.commit_order`, until)}
    ),
    orders as (
      select a.commit_order from acts a
      union all
      select r.commit_order from records r
    )
    insert into unwind.seals (
      tenant_id, number, sealed_at, previous, snapshot, first_order, last_order, act_ids, act_hashes,
      record_ids, record_hashes, hash
    )
    select s.*, ${hashSql(sealTextSql)}
    from (
      select
        ${tenantId}::uuid as tenant_id,
        ${end.number}::bigint + 1 as number,
        ${sealedAt}::timestamptz as sealed_at,
        ${end.hash}::bytea as previous,
        ${until} as snapshot,
        (select min(o.commit_order) from orders o) as first_order,
        (select max(o.commit_order) from orders o) as last_order,
        ${idsOf(fragment`acts`)} as act_ids,
        ${hashesOf(fragment`acts`)} as act_hashes,
        ${idsOf(fragment`records`)} as record_ids,
        ${hashesOf(fragment`records`)} as record_hashes
    ) s
    where s.first_order is not null
    on conflict (tenant_id, number) do nothing
    returning cardinality(act_ids) + cardinality(record_ids) as count`;
  return rows[0]?.count ?? 0;
}

function idsOf(entries: Fragment): Fragment {
  return fragment`array(select e.id from ${entries} e order by e.commit_order, e.id)`;
}

function hashesOf(entries: Fragment): Fragment {
  return fragment`coalesce(
    (select string_agg(e.hash, ''::bytea order by e.commit_order, e.id) from ${entries} e),
    ''::bytea
  )`;
}

/** What is not sealed yet, of all tenants: how many acts, so many of each at most, and since when. */
export async function findUnsealedAge(
  sql: SqlOrTx,
  limit: number,
): Promise<{ readonly acts: number; readonly since: Date | undefined }> {
  const rows = await sql<{ acts: number; since: Date | null }[]>`
    select count(*)::integer as acts, min(a.acted_at) as since
    from (${trailTenantsSql}) t
    ${lastSealSql}
    cross join lateral (
      select a.acted_at
      from unwind.acts a
      where a.tenant_id = t.tenant_id
        and ${unsealedSql(fragment`a`, fragment`last.snapshot`)}
      limit ${limit}
    ) a`;
  const row = first(rows);
  return { acts: row.acts, since: row.since ?? undefined };
}

/** The ends of all chains. */
export async function findHeads(
  sql: SqlOrTx,
): Promise<ReadonlyMap<TenantId, { readonly number: string; readonly hash: string }>> {
  const rows = await sql<{ tenant_id: TenantId; number: string; hash: string }[]>`
    select t.tenant_id, s.number, encode(s.hash, 'hex') as hash
    from (${trailTenantsSql}) t
    cross join lateral (
      select s.number, s.hash
      from unwind.seals s
      where s.tenant_id = t.tenant_id
      order by s.number desc
      limit 1
    ) s`;
  return new Map(rows.map(({ tenant_id: id, number, hash }) => [id, { number, hash }]));
}
