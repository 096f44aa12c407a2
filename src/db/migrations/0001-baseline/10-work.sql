-- What the steps of the engine cannot process. Owner: work.

-- One row for each subject that a step failed on by a mistake of ours. While parked_at is null the step
-- tries again after retry_at; from then on it waits for a person, who resumes it. closed_at: a person has
-- seen to it, and no further try is needed.
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
  -- Who has seen to it, and what they did.
  closed_by text,
  closed_reason text,
  constraint parked_pkey primary key (tenant_id, step, subject),
  constraint parked_step check (step in (
    'release', 'submit', 'answer', 'receive', 'apply', 'advance', 'stop', 'publish', 'correction'
  )),
  constraint parked_subject_length check (length(subject) between 1 and 200),
  constraint parked_reason_length check (length(reason) between 1 and 1000),
  constraint parked_tries check (tries >= 1),
  constraint parked_closed_only_when_parked check (closed_at is null or parked_at is not null),
  constraint parked_closed_says_why check (
    (closed_at is null) = (closed_by is null)
    and (closed_at is null) = (closed_reason is null)
  ),
  constraint parked_closed_by_length check (length(closed_by) between 1 and 100),
  constraint parked_closed_reason_length check (length(closed_reason) between 1 and 500)
);
create index parked_waiting on unwind.parked (parked_at)
  where parked_at is not null and closed_at is null;
