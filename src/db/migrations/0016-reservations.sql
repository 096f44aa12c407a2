-- What the keeper of the holdings has granted to be sold, and what has become of it. Owner: reservations.

-- ASKING: the keeper is asked, under a lease, until it answers. ANSWERED: so much of it may be sold, in the one
-- round that is written down when its orders are made. CLOSED: nothing more is sold by it, and that is reported.
create table unwind.reservations (
  tenant_id uuid not null,
  reservation_id uuid not null,
  liquidation_id uuid not null,
  account_id uuid not null,
  -- 1, 2, 3 … within the liquidation.
  number integer not null,
  status text not null,
  round integer,
  lease_holder uuid,
  lease_epoch integer not null default 0,
  lease_expires_at timestamptz,
  -- How often it was asked, or its present report sent, without an answer; when that is done next, null: never.
  tries integer not null default 0,
  next_at timestamptz,
  last_outcome text,
  -- Number of the last report that was made; a correction after it makes another.
  report integer not null default 0,
  created_at timestamptz not null,
  answered_at timestamptz,
  closed_at timestamptz,
  reported_at timestamptz,
  constraint reservations_pkey primary key (tenant_id, reservation_id),
  constraint reservations_number_once unique (tenant_id, liquidation_id, number),
  constraint reservations_liquidation
    foreign key (tenant_id, liquidation_id) references unwind.liquidations,
  constraint reservations_status check (status in ('ASKING', 'ANSWERED', 'CLOSED')),
  constraint reservations_asking check ((status = 'ASKING') <= (next_at is not null and answered_at is null)),
  constraint reservations_answered check (status <> 'ANSWERED' or (answered_at is not null and next_at is null)),
  constraint reservations_closed check ((status = 'CLOSED') = (closed_at is not null)),
  constraint reservations_used check (round is null or answered_at is not null),
  constraint reservations_lease check ((lease_holder is null) = (lease_expires_at is null)),
  constraint reservations_outcome_length check (length(last_outcome) between 1 and 500)
);
create index reservations_due on unwind.reservations (tenant_id, next_at) where next_at is not null;

create table unwind.reservation_positions (
  tenant_id uuid not null,
  reservation_id uuid not null,
  isin text not null,
  quantity numeric not null,
  -- Null: not answered.
  granted numeric,
  reason text,
  constraint reservation_positions_pkey primary key (tenant_id, reservation_id, isin),
  constraint reservation_positions_reservation
    foreign key (tenant_id, reservation_id) references unwind.reservations,
  constraint reservation_positions_granted check (granted between 0 and quantity),
  constraint reservation_positions_reason_length check (length(reason) between 1 and 200)
);

-- Whether the keeper is asked, by all processes, whatever the settings of each. No row: it never was.
create table unwind.reservation_duty (
  only_row boolean not null default true,
  began_at timestamptz not null,
  ended_at timestamptz,
  constraint reservation_duty_pkey primary key (only_row),
  constraint reservation_duty_only_row check (only_row)
);

create trigger reservations_transitions
  after update of status on unwind.reservations
  for each row
  when (
    old.status <> new.status
    and (old.status, new.status) not in (
      ('ASKING', 'ANSWERED'),
      ('ASKING', 'CLOSED'),
      ('ANSWERED', 'CLOSED')
    )
  )
  execute function unwind.refuse_transition();

-- While it waits for the keeper it is not looked at.
alter table unwind.liquidations
  add column awaits_reservation boolean not null default false,
  add constraint liquidations_await_only_while_open
    check (not awaits_reservation or status in ('NEW', 'PROCESSING'));
drop index unwind.liquidations_to_release;
create index liquidations_to_release
  on unwind.liquidations (tenant_id, release_at)
  where status = 'NEW' and not awaits_reservation;
drop index unwind.liquidations_to_sift;
create index liquidations_to_sift
  on unwind.liquidations (tenant_id, release_at)
  where status = 'NEW' and not waits_for_venue and not awaits_reservation;
drop index unwind.liquidations_to_advance;
create index liquidations_to_advance
  on unwind.liquidations (tenant_id, advance_at)
  where advance_at is not null and not awaits_reservation;

alter table unwind.parked drop constraint parked_step;
alter table unwind.parked add constraint parked_step check (step in (
  'release', 'submit', 'answer', 'receive', 'apply', 'advance', 'stop', 'settle', 'reserve', 'report',
  'publish', 'correction'
));

-- The keeper that does not answer stands in the way like a try that failed, with a reason of its own.
create or replace view unwind.obstacles as
select distinct on (b.tenant_id, b.subject)
  b.tenant_id, b.subject, b.parked_at, b.first_at, b.retry_at, b.detail, b.rank
from (
  select
    k.tenant_id, k.subject, k.parked_at, k.first_at, k.retry_at,
    concat(k.step, '/', k.subject, ': ', k.reason) as detail,
    case when k.parked_at is null then 14 else 1 end as rank
  from unwind.parked k
  where k.step in ('release', 'submit', 'answer', 'advance', 'stop')
    and (k.parked_at is not null or k.retry_at > now())
  union all
  select
    k.tenant_id, r.client_order_id, k.parked_at, k.first_at, k.retry_at,
    concat(k.step, '/', k.subject, ': ', k.reason),
    case when k.parked_at is null then 14 else 1 end
  from unwind.parked k
  join unwind.venue_reports r
    on r.tenant_id = k.tenant_id
    and r.venue = split_part(k.subject, '/', 1)
    and r.report_id = substr(k.subject, strpos(k.subject, '/') + 1)
  where k.step = 'apply'
    and (k.parked_at is not null or k.retry_at > now())
  union all
  select
    r.tenant_id, r.client_order_id, r.received_at, r.received_at, null,
    concat('report/', r.venue, '/', r.report_id, ': ', r.parked_reason), 1
  from unwind.venue_reports r
  where r.parked_reason is not null
  union all
  select
    r.tenant_id, r.liquidation_id::text, null, r.created_at, r.next_at,
    concat('reservation ', r.reservation_id, ': ', coalesce(
      r.last_outcome,
      case when r.tries = 0 then 'no worker with UNWIND_RESERVATIONS_URL has asked yet' else 'not answered yet' end
    )), 20
  from unwind.reservations r
  where r.status = 'ASKING'
) b
order by b.tenant_id, b.subject, b.parked_at nulls last, b.rank;

create view unwind_v1.reservations as
select
  r.tenant_id,
  r.reservation_id,
  r.liquidation_id,
  r.account_id,
  r.number,
  r.status,
  r.round,
  r.created_at,
  r.answered_at,
  r.closed_at,
  r.report,
  r.reported_at,
  r.next_at,
  r.tries,
  r.last_outcome
from unwind.reservations r;

create view unwind_v1.reservation_positions as
select
  p.tenant_id,
  p.reservation_id,
  p.isin,
  p.quantity,
  p.granted,
  p.reason
from unwind.reservation_positions p;
