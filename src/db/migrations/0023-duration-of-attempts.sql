-- How long the attempts of deliveries took, for those who read views: attempts are recorded, and overwritten, in the
-- order in which they ended, and the audit has to know which were. Owner: deliveries.
-- compatible-from: 21

create or replace view unwind_v1.delivery_attempts as
select
  a.tenant_id,
  a.webhook_id,
  a.attempt_id,
  a.kind,
  a.attempted_at,
  a.outcome,
  a.status,
  a.events,
  a.first_event_id,
  a.last_event_id,
  a.duration_ms
from unwind.delivery_attempts a;
