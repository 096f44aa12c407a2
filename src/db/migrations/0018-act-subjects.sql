-- Who has acted beyond doubt: names at an identity provider may be edited, and shared. Owners: trail, console.
-- Older code would seal acts without it.

alter table unwind.acts
  -- Of a person who signed in through a provider: its issuer, a space, its own id of the person.
  add column subject text;

create or replace view unwind_v1.acts as
select
  a.tenant_id, a.act_id, a.commit_order, a.acted_at, a.kind, a.actor, a.role, a.origin, a.operation,
  a.target, a.reason, a.detail, a.request_sha256, a.subject
from unwind.acts a;

-- With the issuer, as an act has it.
alter table unwind.console_sessions
  drop constraint console_sessions_subject_length,
  add constraint console_sessions_subject_length check (length(subject) between 1 and 1000);
