-- Faults that a client of a sandbox asks of its deliveries. Owner: deliveries.
-- compatible-from: 5

create table unwind.webhook_faults (
  tenant_id uuid not null,
  webhook_id uuid not null,
  since timestamptz not null,
  ends_at timestamptz not null,
  late_s integer,
  burst_s integer,
  silent_until timestamptz,
  twice boolean not null,
  signature text,
  stall_s integer,
  -- One of so many requests is sent twice, signed wrongly or stalled.
  one_in integer not null,
  constraint webhook_faults_pkey primary key (tenant_id, webhook_id),
  constraint webhook_faults_delivery
    foreign key (tenant_id, webhook_id) references unwind.deliveries on delete cascade,
  constraint webhook_faults_end check (ends_at > since),
  constraint webhook_faults_silent check (silent_until <= ends_at),
  constraint webhook_faults_late check (late_s between 1 and 3600),
  constraint webhook_faults_burst check (burst_s between 1 and 3600),
  constraint webhook_faults_stall check (stall_s between 1 and 60),
  constraint webhook_faults_one_in check (one_in between 1 and 1000),
  constraint webhook_faults_signature check (signature in ('wrong', 'old_key'))
);

-- Which faults an attempt had, in a sandbox.
alter table unwind.delivery_attempts add column faults text[] not null default '{}';
