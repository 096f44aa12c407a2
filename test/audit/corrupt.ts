// Corrupts one row of a database by plain SQL, as a mistake in the code or a careless hand would.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { Sql, Tx } from '../../src/db/connect.ts';
import { raw } from '../../src/db/sql.ts';

/** One kind of corruption and what the audit must say of it. */
export interface Corruption {
  readonly what: string;
  /** SQL: rows it may hit, in an order that the same history repeats. */
  readonly victims: string;
  /** SQL: what is done to the victim `v`, as data-modifying statements that see the same. */
  readonly change: string | readonly string[];
  /** The check that must fail. */
  readonly check: string;
  /** SQL over the victim `v`: the id of the subject that the check must name. */
  readonly subject: string;
}

/** What a corruption hit: the tenant and the subject that the audit must name. */
export interface Hit {
  readonly tenant_id: string;
  readonly subject: string;
}

/** The columns that tell rows of a table apart, and put them in the order in which they came. */
const keys = {
  'unwind.accounts': ['account_id'],
  'unwind.positions': ['account_id', 'isin'],
  'unwind.movements': ['movement_id'],
  'unwind.executions': ['execution_id'],
  'unwind.orders': ['order_id'],
  'unwind.submissions': ['sent_at', 'client_order_id'],
  'unwind.liquidations': ['liquidation_id'],
  'unwind.halts': ['halt_id'],
  'unwind.events': ['event_id'],
  'unwind.reservations': ['liquidation_id', 'number'],
  'unwind.reservation_positions': ['reservation_id', 'isin'],
  'unwind.batches': ['batch_id'],
  'unwind.approvals': ['approval_id'],
  'unwind.batch_accounts': ['batch_id', 'account_id'],
  'unwind.busts': ['venue_execution_id'],
  'unwind.event_heads': ['tenant_id'],
  'unwind.parked': ['step', 'subject'],
  'unwind.acts': ['act_id'],
  'unwind.trail_records': ['record_id'],
  'unwind.seals': ['tenant_id', 'number'],
  'unwind.deliveries': ['webhook_id'],
  'unwind.blocked_accounts': ['account_id'],
  'unwind.venue_reports': ['report_id', 'tenant_id'],
  'unwind.venue_cursors': ['venue'],
  'simulated_venue.journal': ['entry'],
  'simulated_venue.reports': ['report'],
} as const;

export type Table = keyof typeof keys;

export const itsPosition = "concat(v.account_id, '/', v.isin)";
export const itsMovement = 'v.movement_id::text';
export const itsExecution = 'v.execution_id::text';
export const itsOrder = 'v.order_id::text';
export const itsSubmission = 'v.client_order_id';
export const itsLiquidation = 'v.liquidation_id::text';
export const itsAccount = 'v.account_id::text';
export const itsEvent = 'v.event_id::text';

/** SQL: an id that nothing has. */
export const stranger = 'gen_random_uuid()';

/** SQL: victims are all rows of a table, or those for which something holds. */
export function all(table: Table, where = 'true'): string {
  return `select * from ${table} where ${where} order by ${keys[table].join(', ')}`;
}

/** SQL: the victim, as `t`, gets other values. */
export function set(table: Table, assignments: string): string {
  return `update ${table} t set ${assignments} from v where ${isVictim(table)}`;
}

/** SQL: the victim is gone. */
export function remove(table: Table): string {
  return `delete from ${table} t using v where ${isVictim(table)}`;
}

function isVictim(table: Table): string {
  return keys[table].map((column) => `t.${column} = v.${column}`).join(' and ');
}

/** Takes away every constraint and trigger that stands in the way of corruption. */
export async function dropConstraints(sql: Sql): Promise<void> {
  await sql.script(`
    do $$
    declare
      dropped record;
    begin
      for dropped in
        select c.conrelid::regclass as relation, c.conname as name
        from pg_constraint c
        where c.connamespace in ('unwind'::regnamespace, 'simulated_venue'::regnamespace)
          and c.conrelid <> 0
          and c.contype in ('c', 'f', 'p', 'u')
          and c.coninhcount = 0
        order by c.contype = 'f' desc
      loop
        execute format('alter table %s drop constraint %I', dropped.relation, dropped.name);
      end loop;
      for dropped in
        select i.indexrelid::regclass as relation
        from pg_index i
        join pg_class c on c.oid = i.indrelid
        where c.relnamespace in ('unwind'::regnamespace, 'simulated_venue'::regnamespace)
          and i.indisunique
          and not c.relispartition
      loop
        execute format('drop index %s', dropped.relation);
      end loop;
      alter table unwind.liquidations disable trigger user;
      alter table unwind.orders disable trigger user;
      alter table unwind.submissions disable trigger user;
      alter table unwind.reservations disable trigger user;
      alter table unwind.batches disable trigger user;
    end $$`);
}

/** Corrupts one victim, which the seed chooses. */
export async function corrupt(tx: Tx, corruption: Corruption, seed: string): Promise<Hit> {
  const { what, victims, change, subject } = corruption;
  const [counted] = await tx<{ count: string }[]>`
    select count(*) as count
    from (${raw(victims)}) v`;
  const count = Number(counted?.count ?? 0);
  assert.ok(count > 0, `the history has no victim for: ${what}`);
  const digest = createHash('sha256').update(`${seed}/${what}`).digest();
  const place = digest.readUInt32BE(0) % count;
  const changes = [change].flat();
  const steps = changes.map((one, i) => `changed_${i} as (${one} returning 1)`).join(', ');
  const counts = changes.map((_, i) => `(select count(*) from changed_${i})`).join(', ');
  const hits = await tx<(Hit & { changed: string })[]>`
    with v as materialized (${raw(victims)} offset ${place} limit 1),
    ${raw(steps)}
    select v.tenant_id, ${raw(subject)} as subject, least(${raw(counts)}) as changed
    from v`;
  const [hit] = hits;
  assert.ok(hit !== undefined && Number(hit.changed) > 0, `nothing was changed by: ${what}`);
  return hit;
}
