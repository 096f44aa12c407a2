-- What a step cannot do: rows whose processing fails by a mistake of ours, one row each. While
-- parked_at is null it is tried again after retry_at; from then on it waits for a person, who resumes
-- it. closed_at: a person has seen to what needed no further try.
create table unwind.parked (
  tenant_id uuid not null,
  step text not null,
  subject text not null,
  reason text not null,
  tries integer not null,
  first_at timestamptz not null,
  last_at timestamptz not null,
  retry_at timestamptz not null,
  parked_at timestamptz,
  closed_at timestamptz,
  constraint parked_pkey primary key (tenant_id, step, subject),
  constraint parked_step check (step in (
    'release', 'submit', 'answer', 'receive', 'apply', 'advance', 'stop', 'publish', 'correction'
  )),
  constraint parked_subject_length check (length(subject) between 1 and 200),
  constraint parked_reason_length check (length(reason) between 1 and 1000),
  constraint parked_tries check (tries >= 1),
  constraint parked_closed_only_when_parked check (closed_at is null or parked_at is not null)
);
create index parked_waiting on unwind.parked (parked_at)
  where parked_at is not null and closed_at is null;

-- Counted whenever somebody asks whether the service is ready.
create index venue_reports_parked on unwind.venue_reports (tenant_id)
  where parked_reason is not null;

-- Everything that waits for a person, with the id that `unwind parked` knows it by.
create view unwind_v1.parked as
select
  p.tenant_id,
  p.step || '/' || p.subject as parked_id,
  p.step,
  p.subject,
  p.reason,
  p.tries,
  p.first_at,
  p.parked_at
from unwind.parked p
where p.parked_at is not null
  and p.closed_at is null
union all
select
  r.tenant_id,
  concat('report/', r.venue, '/', r.report_id),
  'report',
  concat(r.venue, '/', r.report_id),
  concat(r.parked_reason, ' (client order id ', r.client_order_id, ')'),
  1,
  r.received_at,
  r.received_at
from unwind.venue_reports r
where r.parked_reason is not null;
