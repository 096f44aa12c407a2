-- What was changed beside the service shows: an event keeps the digest of its object as it was recorded,
-- and a correction that was closed says who closed it and why.

-- SHA-256 of the object in UTF-8. The audit compares; an event without one differs.
alter table unwind.events add column object_sha256 bytea;
update unwind.events e
set object_sha256 = sha256(convert_to(e.object, 'UTF8'));

create or replace view unwind_v1.events as
select
  e.tenant_id,
  e.event_id,
  e.account_id,
  e.liquidation_id,
  e.sequence,
  e.number,
  e.type,
  e.object,
  e.created_at,
  e.position,
  e.object_sha256
from unwind.events e;

alter table unwind.parked
  add column closed_by text,
  add column closed_reason text;
update unwind.parked k
set
  closed_by = 'unknown',
  closed_reason = 'closed before a reason was asked for'
where k.closed_at is not null;
alter table unwind.parked
  add constraint parked_closed_says_why check (
    (closed_at is null) = (closed_by is null)
    and (closed_at is null) = (closed_reason is null)
  ),
  add constraint parked_closed_by_length check (length(closed_by) between 1 and 100),
  add constraint parked_closed_reason_length check (length(closed_reason) between 1 and 500);

-- Fills and busts after the end. They stay, open or closed.
create view unwind_v1.corrections as
select
  p.tenant_id,
  p.step || '/' || p.subject as parked_id,
  p.subject,
  p.reason,
  p.parked_at as raised_at,
  p.closed_at,
  p.closed_by,
  p.closed_reason
from unwind.parked p
where p.step = 'correction';
