-- Audits that people ran at the console, with what they found. Owner: console.
-- compatible-from: 13

create table unwind.console_audits (
  audit_id uuid not null,
  person text not null,
  status text not null,
  started_at timestamptz not null,
  -- Until when the process that runs it is believed to live.
  lease_expires_at timestamptz,
  ended_at timestamptz,
  checks_done integer not null,
  checks_total integer not null,
  -- How many things differ; null: not known.
  differences integer,
  -- What it found, as JSON text.
  report text,
  -- Why nothing is known.
  failure text,
  constraint console_audits_pkey primary key (audit_id),
  constraint console_audits_person_length check (length(person) between 1 and 200),
  constraint console_audits_status check (status in ('RUNNING', 'DONE', 'FAILED')),
  constraint console_audits_running check ((status = 'RUNNING') = (ended_at is null)),
  constraint console_audits_lease check ((status = 'RUNNING') = (lease_expires_at is not null)),
  constraint console_audits_report check (
    (status = 'DONE') = (report is not null) and (status = 'DONE') = (differences is not null)
  ),
  constraint console_audits_failure check ((status = 'FAILED') = (failure is not null))
);

-- One at a time: each reads whole tables.
create unique index console_audits_one_running
  on unwind.console_audits ((true))
  where status = 'RUNNING';
