// Checks of the trail: rows hash to their records, acts and records to their seals, and seals follow each other.
// The owner of the database could change what these read as well: `unwind trail verify` compares with what was
// signed outside of it.

import { fragment } from '../db/sql.ts';
import type { Check } from './check.ts';

export const checksOfTrail: readonly Check[] = [
  {
    name: 'rows_are_as_recorded',
    says: 'Each movement and execution is as the statement that wrote it has recorded it, once.',
    sql: fragment`
      with kept as (
        select
          r.tenant_id, r.kind, i.id,
          substr(r.hashes, ((i.place - 1) * 32 + 1)::integer, 32) as hash
        from unwind_v1.trail_records r
        cross join lateral unnest(r.ids) with ordinality as i (id, place)
      ),
      found as (
        select
          m.tenant_id, 'movement/1' as kind, m.movement_id as id,
          record_send(row(
            m.tenant_id, m.movement_id, m.account_id, m.isin, m.quantity, m.locked, m.cash,
            m.uncovered, m.reason, m.execution_id, m.reference, m.effective_at,
            m.recorded_at
          )) as bytes
        from unwind_v1.movements m
        union all
        select
          e.tenant_id, 'execution/1', e.execution_id,
          record_send(row(
            e.tenant_id, e.execution_id, e.venue, e.venue_execution_id, e.client_order_id, e.order_id,
            e.liquidation_id, e.account_id, e.isin, e.quantity, e.price, e.proceeds, e.currency, e.rate,
            e.rate_as_of, e.executed_at,
            e.recorded_at, e.settlement_date
          ))
        from unwind_v1.executions e
      )
      select
        coalesce(f.tenant_id, k.tenant_id) as tenant_id,
        split_part(coalesce(f.kind, k.kind), '/', 1) as subject,
        coalesce(f.id, k.id)::text as subject_id,
        case when k.id is null then 'a record of it' else 'as it was recorded' end as expected,
        case when f.id is not null then 'another row' end as found,
        case
          when k.id is null then 'no statement of the service has recorded it'
          when f.id is null then 'it was recorded, and is not there any more'
          else 'it is not as it was recorded'
        end as message
      from found f
      full join kept k using (id, tenant_id, kind)
      where sha256(convert_to(f.kind, 'UTF8') || f.bytes) is distinct from k.hash`,
  },
  {
    name: 'sealed_entries_are_as_sealed',
    says: 'Each act and each record is as its seal holds it.',
    sql: fragment`
      with sealed as (
        select
          s.tenant_id, 'act' as what, i.id,
          substr(s.act_hashes, ((i.place - 1) * 32 + 1)::integer, 32) as hash
        from unwind_v1.seals s
        cross join lateral unnest(s.act_ids) with ordinality as i (id, place)
        union all
        select
          s.tenant_id, 'record', i.id,
          substr(s.record_hashes, ((i.place - 1) * 32 + 1)::integer, 32)
        from unwind_v1.seals s
        cross join lateral unnest(s.record_ids) with ordinality as i (id, place)
      ),
      found as (
        select
          a.tenant_id, 'act' as what, a.act_id as id,
          sha256(convert_to(concat('act/1 ', row(
            a.tenant_id, a.commit_order, a.act_id, extract(epoch from a.acted_at), a.kind, a.actor,
            a.role, a.origin, a.operation, a.target, a.reason, a.detail,
            encode(a.request_sha256, 'hex')
          ), ' ' || a.subject), 'UTF8')) as hash
        from unwind_v1.acts a
        union all
        select
          r.tenant_id, 'record', r.record_id,
          sha256(convert_to(concat('record/1 ', row(
            r.tenant_id, r.commit_order, r.record_id, r.kind, r.ids, encode(sha256(r.hashes), 'hex')
          )), 'UTF8'))
        from unwind_v1.trail_records r
      )
      select
        s.tenant_id,
        s.what as subject,
        s.id::text as subject_id,
        encode(s.hash, 'hex') as expected,
        encode(f.hash, 'hex') as found,
        case
          when f.id is null then 'it was sealed, and is not there any more'
          else 'it is not as it was sealed'
        end as message
      from sealed s
      left join found f using (id, tenant_id, what)
      where f.hash is distinct from s.hash`,
  },
  {
    name: 'seals_follow_each_other',
    says: 'The seals of a tenant are numbered from 1 on, each has its own hash and that of the one before.',
    sql: fragment`
      select
        s.tenant_id,
        'seal' as subject,
        s.number::text as subject_id,
        concat(s.place, ', behind ', encode(s.hash_before, 'hex')) as expected,
        concat(s.number, ', behind ', encode(s.previous, 'hex')) as found,
        case
          when s.number <> s.place then 'a seal before it is missing'
          when s.hash <> s.own_hash then 'it is not what its hash says'
          else 'it does not follow the one before it'
        end as message
      from (
        select
          s.tenant_id, s.number, s.previous, s.hash,
          row_number() over chain as place,
          lag(s.hash) over chain as hash_before,
          sha256(convert_to(concat('seal/1 ', row(
            s.tenant_id, s.number, extract(epoch from s.sealed_at), encode(s.previous, 'hex'),
            s.snapshot, s.first_order, s.last_order, s.act_ids, encode(sha256(s.act_hashes), 'hex'),
            s.record_ids, encode(sha256(s.record_hashes), 'hex')
          )), 'UTF8')) as own_hash
        from unwind_v1.seals s
        window chain as (partition by s.tenant_id order by s.number)
      ) s
      where s.number <> s.place
        or s.hash <> s.own_hash
        or s.previous <> s.hash_before`,
  },
];
