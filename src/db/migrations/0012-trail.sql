-- The trail: what people and clients have changed, which rows of the book were recorded, and the seals over
-- both, chained by hash for each tenant (decision 40). Owner: trail.

-- One row. Another chain has another id: of a database that was made anew, as by a reset of a sandbox.
create table unwind.trail_chain (
  only_row boolean not null default true,
  chain_id uuid not null default gen_random_uuid(),
  began_at timestamptz not null default now(),
  -- What is added to transaction ids: a dump that is restored elsewhere meets a server that counts anew.
  order_offset bigint not null default 0,
  constraint trail_chain_pkey primary key (only_row),
  constraint trail_chain_only_row check (only_row)
);
insert into unwind.trail_chain default values;

-- What somebody has changed, a row each, in the commit of the change. commit_order is the transaction's id:
-- by it the sealing step finds what was committed since the last seal. The tenant of what concerns all of
-- them is the nil UUID. Each constraint costs a request time: there is one.
create table unwind.acts (
  tenant_id uuid not null,
  commit_order bigint not null,
  act_id uuid not null,
  acted_at timestamptz not null,
  kind text not null,
  -- The key of a client, the name of a person, the user of a command.
  actor text not null,
  -- Of a person who signed in through a provider, whose names may be edited and shared: its issuer, a space, its
  -- own id of the person.
  subject text,
  -- At the console.
  role text,
  -- The address of a request; user and machine of a command or a start.
  origin text,
  operation text not null,
  target text not null,
  reason text,
  -- What changed, where neither target nor operation say it.
  detail text,
  -- Of a request: SHA-256 of method, path and body.
  request_sha256 bytea,
  constraint acts_pkey primary key (tenant_id, commit_order, act_id),
  constraint acts_kind check (kind in ('client', 'person', 'command', 'start'))
);

-- Which rows of the book a statement recorded, and the hash of each as it was then: kind says which table
-- and which form of the bytes that are hashed. ids and hashes (32 bytes each) are in one order.
create table unwind.trail_records (
  tenant_id uuid not null,
  commit_order bigint not null,
  record_id uuid not null,
  kind text not null,
  ids uuid[] not null,
  hashes bytea not null,
  constraint trail_records_pkey primary key (tenant_id, commit_order, record_id),
  constraint trail_records_form check (
    kind in ('movement/1', 'execution/1') and length(hashes) = 32 * cardinality(ids)
  )
);
-- Hashes cannot be compressed.
alter table unwind.trail_records alter column hashes set storage external;

-- The seals of a tenant: each holds the acts and records that were committed since the one before, and the
-- hash of that one. snapshot says which transactions are in this seal or an earlier one.
create table unwind.seals (
  tenant_id uuid not null,
  number bigint not null,
  sealed_at timestamptz not null,
  previous bytea not null,
  snapshot pg_snapshot not null,
  -- Of its acts and records.
  first_order bigint not null,
  last_order bigint not null,
  act_ids uuid[] not null,
  act_hashes bytea not null,
  record_ids uuid[] not null,
  record_hashes bytea not null,
  hash bytea not null,
  constraint seals_pkey primary key (tenant_id, number),
  constraint seals_form check (
    number > 0
    and length(previous) = 32
    and length(hash) = 32
    and length(act_hashes) = 32 * cardinality(act_ids)
    and length(record_hashes) = 32 * cardinality(record_ids)
    and cardinality(act_ids) + cardinality(record_ids) > 0
  )
);
alter table unwind.seals alter column act_hashes set storage external;
alter table unwind.seals alter column record_hashes set storage external;

-- What was recorded before there was a trail begins it. Older processes that write at this moment come first:
-- from here on each row is recorded by the statement that writes it, which they do not do.
lock table unwind.movements, unwind.executions in share row exclusive mode;

insert into unwind.trail_records (tenant_id, commit_order, record_id, kind, ids, hashes)
select
  r.tenant_id, pg_current_xact_id()::text::bigint, gen_random_uuid(), 'movement/1',
  array_agg(r.movement_id order by r.movement_id),
  string_agg(sha256(convert_to('movement/1', 'UTF8') || r.bytes), ''::bytea order by r.movement_id)
from (
  select
    m.tenant_id, m.movement_id,
    record_send(row(
      m.tenant_id, m.movement_id, m.account_id, m.isin, m.quantity, m.locked, m.cash, m.uncovered,
      m.reason, m.execution_id, m.reference, m.effective_at,
      m.recorded_at
    )) as bytes,
    (row_number() over (partition by m.tenant_id order by m.movement_id) - 1) / 1000 as slice
  from unwind.movements m
) r
group by r.tenant_id, r.slice;

insert into unwind.trail_records (tenant_id, commit_order, record_id, kind, ids, hashes)
select
  r.tenant_id, pg_current_xact_id()::text::bigint, gen_random_uuid(), 'execution/1',
  array_agg(r.execution_id order by r.execution_id),
  string_agg(sha256(convert_to('execution/1', 'UTF8') || r.bytes), ''::bytea order by r.execution_id)
from (
  select
    e.tenant_id, e.execution_id,
    record_send(row(
      e.tenant_id, e.execution_id, e.venue, e.venue_execution_id, e.client_order_id, e.order_id,
      e.liquidation_id, e.account_id, e.isin, e.quantity, e.price, e.proceeds, e.currency, e.rate,
      e.rate_as_of, e.executed_at,
      e.recorded_at, e.settlement_date
    )) as bytes,
    (row_number() over (partition by e.tenant_id order by e.execution_id) - 1) / 1000 as slice
  from unwind.executions e
) r
group by r.tenant_id, r.slice;

create view unwind_v1.acts as
select
  a.tenant_id, a.act_id, a.commit_order, a.acted_at, a.kind, a.actor, a.role, a.origin, a.operation,
  a.target, a.reason, a.detail, a.request_sha256, a.subject
from unwind.acts a;

create view unwind_v1.trail_records as
select r.tenant_id, r.record_id, r.commit_order, r.kind, r.ids, r.hashes
from unwind.trail_records r;

create view unwind_v1.seals as
select
  s.tenant_id, s.number, s.sealed_at, s.previous, s.snapshot, s.first_order, s.last_order, s.act_ids,
  s.act_hashes, s.record_ids, s.record_hashes, s.hash
from unwind.seals s;
