// The statements of acts: recorded in the commit of the change, read by tenant, the newest first.

import type { SqlOrTx } from '../db/connect.ts';
import { type RowOf, thingOf } from '../db/row.ts';
import { type Fragment, fragment } from '../db/sql.ts';
import { newId, type TenantId } from '../ids.ts';
import { type Act, type ActKind, actLengths, allTenants } from './act.ts';

/** SQL: where in the order of commits this transaction stands. */
export const commitOrderSql = fragment`
  pg_current_xact_id()::text::bigint + (select t.order_offset from unwind.trail_chain t)`;

/** SQL: records an act if a select has a row, which says that it is done; nothing for undefined. */
export function actSql(tenantId: TenantId, act: Act | undefined, done: Fragment): Fragment {
  if (act === undefined) return fragment`select`;
  return fragment`
    insert into unwind.acts (
      tenant_id, commit_order, act_id, acted_at, kind, actor, role, origin, operation, target, reason,
      detail, request_sha256, subject
    )
    select
      ${tenantId}, ${commitOrderSql}, ${newId<'act'>()}, ${act.at}, ${act.kind},
      ${cut(act.name, 'actor')}, ${cut(act.role, 'role')}, ${cut(act.origin, 'origin')},
      ${cut(act.operation, 'operation')}, ${cut(act.target, 'target')}, ${cut(act.reason, 'reason')},
      ${cut(act.detail, 'detail')}, ${act.requestSha256 ?? null},
      ${cut(act.subject, 'subject')}
    from (${done}) as done`;
}

function cut(text: string | undefined, name: keyof typeof actLengths): string | null {
  if (text === undefined) return null;
  // Half a character has no UTF-8, and a NUL no place in a text of PostgreSQL.
  return text.slice(0, actLengths[name]).toWellFormed().replaceAll('\0', '');
}

/** Records an act that is done in this transaction; undefined is none. */
export async function recordAct(
  tx: SqlOrTx,
  tenantId: TenantId,
  act: Act | undefined,
): Promise<void> {
  if (act !== undefined) await tx`${actSql(tenantId, act, fragment`select`)}`;
}

/** Which act of its tenant it is: acts ascend by it as they were committed. */
export interface ActPlace {
  readonly order: string;
  readonly id: string;
}

export interface RecordedAct extends Act {
  readonly tenantId: TenantId;
  readonly place: ActPlace;
}

export interface ActFilter {
  readonly kind?: ActKind | undefined;
  readonly actor?: string | undefined;
  readonly operation?: string | undefined;
  readonly target?: string | undefined;
  /** An id in lower case, such as that of an account, in its target or in what it changed. */
  readonly names?: string | undefined;
  /** Inclusive. */
  readonly since?: Date | undefined;
  /** Exclusive. */
  readonly before?: Date | undefined;
}

export interface ActQuery extends ActFilter {
  readonly tenantId: TenantId;
  readonly below: ActPlace | undefined;
  readonly limit: number;
  /** Acts that are looked at for it. */
  readonly lookedMax: number;
}

/**
 * Acts of a tenant, the newest first by the time they were asked for, and the place behind which the list may go on: where a filter lets few
 * through, that is behind the last one that was looked at.
 */
export async function findActs(
  sql: SqlOrTx,
  q: ActQuery,
): Promise<{ readonly acts: readonly RecordedAct[]; readonly next: ActPlace | undefined }> {
  // Where an index has what is asked for all match, so a page looks at no more than it shows.
  const lookedMax = isFiltered(q) ? q.lookedMax : q.limit;
  const rows = await sql<ActRow[]>`
    with looked as materialized (
      select
        a.commit_order, a.act_id, (${isMatchSql(q)}) as is_match,
        row_number() over (order by a.acted_at desc, a.commit_order desc, a.act_id desc) as place
      from unwind.acts a
      where a.tenant_id = ${q.tenantId}
        and ${inIndexSql(q)}
      order by a.acted_at desc, a.commit_order desc, a.act_id desc
      limit ${lookedMax}::bigint + 1
    ),
    shown as (
      (
        select l.*
        from looked l
        where l.place <= ${lookedMax}
          and l.is_match
        order by l.place
        limit ${q.limit}::bigint + 1
      )
      union all
      select l.commit_order, l.act_id, false, l.place
      from looked l
      where l.place = ${lookedMax}
        and exists (
          select
          from looked further
          where further.place > ${lookedMax}
        )
    )
    select s.is_match, ${columns}
    from shown s
    join unwind.acts a
      on a.tenant_id = ${q.tenantId}
      and a.commit_order = s.commit_order
      and a.act_id = s.act_id
    order by s.place`;
  const found = rows.filter((row) => row.is_match);
  const acts = found.slice(0, q.limit).map(toAct);
  const lastLooked = rows.find((row) => !row.is_match);
  const next = found.length > q.limit ? acts.at(-1)?.place : lastLooked && placeOf(lastLooked);
  return { acts, next };
}

/** Acts of all tenants, or of one, the newest first, however long it takes to find them. */
export async function findActsOfAll(
  sql: SqlOrTx,
  q: ActFilter & { readonly tenantId: TenantId | undefined; readonly limit: number },
): Promise<readonly RecordedAct[]> {
  const rows = await sql<ActRow[]>`
    select a.*
    from (
      select t.tenant_id
      from unwind.tenants t
      union all
      select ${allTenants}::uuid
    ) t
    cross join lateral (
      select true as is_match, ${columns}
      from unwind.acts a
      where a.tenant_id = t.tenant_id
        and ${isMatchSql(q)}
      order by a.commit_order desc, a.act_id desc
      limit ${q.limit}
    ) a
    where ${q.tenantId ?? null}::uuid is null
      or t.tenant_id = ${q.tenantId ?? null}
    order by a.commit_order desc, a.act_id desc
    limit ${q.limit}`;
  return rows.map(toAct);
}

/** One act by its id, of whichever tenant. */
export async function findAct(sql: SqlOrTx, id: string): Promise<RecordedAct | undefined> {
  const rows = await sql<ActRow[]>`
    select true as is_match, ${columns}
    from unwind.acts a
    where a.act_id = ${id}`;
  return rows[0] && toAct(rows[0]);
}

const columns = fragment`
  a.tenant_id, a.commit_order, a.act_id, a.acted_at as at, a.kind, a.actor as name, a.role, a.origin,
  a.operation, a.target, a.reason, a.detail, a.request_sha256, a.subject`;

/** SQL: the part of a query whose acts stand together in an index. */
function inIndexSql({ tenantId, below, kind, since, before }: ActQuery): Fragment {
  const all = fragment`true`;
  return fragment`
    ${kind === undefined || kind === 'client' ? all : fragment`a.kind <> 'client'`}
    and ${since === undefined ? all : fragment`a.acted_at >= ${since}`}
    and ${before === undefined ? all : fragment`a.acted_at < ${before}`}
    and ${
      below === undefined
        ? all
        : fragment`
            (a.acted_at, a.commit_order, a.act_id) < (
              (
                select b.acted_at
                from unwind.acts b
                where b.tenant_id = ${tenantId}
                  and b.commit_order = ${below.order}
                  and b.act_id = ${below.id}
              ),
              ${below.order}, ${below.id}
            )`
    }`;
}

function isFiltered({ kind, actor, operation, target, names }: ActFilter): boolean {
  return [kind, actor, operation, target, names].some((one) => one !== undefined);
}

function isMatchSql({ kind, actor, operation, target, names, since, before }: ActFilter): Fragment {
  return fragment`
    (${kind ?? null}::text is null or a.kind = ${kind ?? null})
    and (${actor ?? null}::text is null or a.actor = ${actor ?? null})
    and (${operation ?? null}::text is null or a.operation = ${operation ?? null})
    and (${target ?? null}::text is null or a.target = ${target ?? null})
    and (
      ${names ?? null}::text is null
      or position(${names ?? null} in lower(concat(a.target, ' ', a.detail))) > 0
    )
    and (${since ?? null}::timestamptz is null or a.acted_at >= ${since ?? null})
    and (${before ?? null}::timestamptz is null or a.acted_at < ${before ?? null})`;
}

type ActRow = RowOf<Omit<RecordedAct, 'place'>> & {
  readonly is_match: boolean;
  readonly commit_order: string;
  readonly act_id: string;
};

function placeOf({ commit_order: order, act_id: id }: ActRow): ActPlace {
  return { order, id };
}

function toAct({ is_match, commit_order: order, act_id: id, ...row }: ActRow): RecordedAct {
  return { ...thingOf<Omit<RecordedAct, 'place'>>(row), place: { order, id } };
}
