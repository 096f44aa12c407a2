-- The schema as PostgreSQL shows it, so that a reader sees every table whole. Written by
-- `npm run schema`; do not edit. What each table is for stands in src/db/migrations/.

create table simulated_venue.behaviours (
  isin text not null,
  course text,
  loses_answers boolean,
  repeats_reports boolean,
  shuffles_reports boolean,
  delays_reports_ms integer,
  one_in integer not null,
  constraint behaviours_pkey PRIMARY KEY (isin),
  constraint behaviours_delay CHECK (delays_reports_ms >= 0),
  constraint behaviours_one_in CHECK (one_in >= 1)
);

create table simulated_venue.cancels (
  firm uuid not null,
  entry bigint generated always as identity not null,
  client_order_id text not null,
  outcome text not null,
  received_at timestamp with time zone not null,
  constraint cancels_pkey PRIMARY KEY (firm, entry),
  constraint cancels_outcome CHECK (outcome = ANY (ARRAY['accepted'::text, 'too_late'::text, 'not_found'::text]))
);
CREATE INDEX cancels_of_order ON simulated_venue.cancels USING btree (firm, client_order_id);

create table simulated_venue.journal (
  firm uuid not null,
  entry bigint generated always as identity not null,
  client_order_id text not null,
  isin text not null,
  side text not null,
  quantity numeric not null,
  outcome text not null,
  venue_order_id text,
  price numeric,
  reason text,
  received_at timestamp with time zone not null,
  temporary boolean default false not null,
  constraint journal_pkey PRIMARY KEY (firm, entry),
  constraint journal_accepted CHECK ((outcome = 'accepted'::text) = (venue_order_id IS NOT NULL) AND (outcome = 'accepted'::text) = (price IS NOT NULL)),
  constraint journal_outcome CHECK (outcome = ANY (ARRAY['accepted'::text, 'rejected'::text, 'repeated'::text])),
  constraint journal_quantity CHECK (quantity > 0::numeric),
  constraint journal_rejected CHECK ((outcome = 'rejected'::text) = (reason IS NOT NULL)),
  constraint journal_side CHECK (side = 'SELL'::text),
  constraint journal_temporary CHECK (NOT temporary OR outcome = 'rejected'::text)
);
CREATE UNIQUE INDEX journal_client_order_once ON simulated_venue.journal USING btree (firm, client_order_id) WHERE (outcome <> 'repeated'::text);

create table simulated_venue.market (
  only_row boolean default true not null,
  is_down boolean default false not null,
  seed text default ''::text not null,
  constraint market_pkey PRIMARY KEY (only_row),
  constraint market_only_row CHECK (only_row)
);

create table simulated_venue.reports (
  firm uuid not null,
  report uuid not null,
  client_order_id text not null,
  venue_order_id text not null,
  due_at timestamp with time zone not null,
  type text not null,
  venue_execution_id text,
  last_quantity numeric,
  last_price numeric,
  cumulative_quantity numeric not null,
  reason text,
  number bigint,
  transaction_at timestamp with time zone not null,
  copy smallint default 0 not null,
  constraint reports_pkey PRIMARY KEY (firm, report),
  constraint reports_execution CHECK ((type = ANY (ARRAY['trade'::text, 'filled'::text, 'bust'::text])) = (venue_execution_id IS NOT NULL)),
  constraint reports_type CHECK (type = ANY (ARRAY['trade'::text, 'filled'::text, 'cancelled'::text, 'rejected'::text, 'suspended'::text, 'bust'::text]))
);
CREATE INDEX reports_due ON simulated_venue.reports USING btree (due_at, report) WHERE (number IS NULL);
CREATE INDEX reports_of_order ON simulated_venue.reports USING btree (firm, client_order_id);
CREATE UNIQUE INDEX reports_bust_once ON simulated_venue.reports USING btree (firm, venue_execution_id, copy) WHERE (type = 'bust'::text);
CREATE UNIQUE INDEX reports_execution_once ON simulated_venue.reports USING btree (firm, venue_execution_id, copy) WHERE (type = ANY (ARRAY['trade'::text, 'filled'::text]));
CREATE UNIQUE INDEX reports_number_once ON simulated_venue.reports USING btree (number) WHERE (number IS NOT NULL);

create table simulated_venue.session (
  only_row boolean default true not null,
  last_number bigint not null,
  constraint session_pkey PRIMARY KEY (only_row),
  constraint session_only_row CHECK (only_row)
);

create table unwind.access_tokens (
  tenant_id uuid not null,
  token_hash bytea not null,
  secret_hash bytea not null,
  scopes text[] not null,
  created_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  certificate_sha256 bytea,
  constraint access_tokens_pkey PRIMARY KEY (tenant_id, token_hash),
  constraint access_tokens_tenant FOREIGN KEY (tenant_id) REFERENCES unwind.tenants(tenant_id),
  constraint access_tokens_certificate_is_sha256 CHECK (length(certificate_sha256) = 32),
  constraint access_tokens_hash_is_sha256 CHECK (length(token_hash) = 32),
  constraint access_tokens_secret_hash_is_sha256 CHECK (length(secret_hash) = 32)
);
CREATE INDEX access_tokens_expiry ON unwind.access_tokens USING btree (expires_at);

create table unwind.accounts (
  tenant_id uuid not null,
  account_id uuid not null,
  user_id uuid not null,
  status text not null,
  currency text not null,
  version bigint default 0 not null,
  positions_as_of timestamp with time zone,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  type text default 'TRADING'::text not null,
  name text default 'Account'::text not null,
  account_number integer default 1 not null,
  constraint accounts_pkey PRIMARY KEY (tenant_id, account_id),
  constraint accounts_user FOREIGN KEY (tenant_id, user_id) REFERENCES unwind.users(tenant_id, user_id),
  constraint accounts_currency CHECK (currency = 'EUR'::text),
  constraint accounts_name_length CHECK (length(name) >= 1 AND length(name) <= 100),
  constraint accounts_number_positive CHECK (account_number >= 1),
  constraint accounts_status CHECK (status = ANY (ARRAY['PENDING_APPROVAL'::text, 'ACTIVE'::text, 'CLOSING'::text, 'CLOSED'::text, 'LOCKED'::text])),
  constraint accounts_type CHECK (type = ANY (ARRAY['TRADING'::text, 'PORTFOLIO'::text]))
) with (fillfactor=80);
CREATE INDEX accounts_by_creation ON unwind.accounts USING btree (tenant_id, created_at, account_id);
CREATE INDEX accounts_of_user ON unwind.accounts USING btree (tenant_id, user_id);

create table unwind.acts (
  tenant_id uuid not null,
  commit_order bigint not null,
  act_id uuid not null,
  acted_at timestamp with time zone not null,
  kind text not null,
  actor text not null,
  subject text,
  role text,
  origin text,
  operation text not null,
  target text not null,
  reason text,
  detail text,
  request_sha256 bytea,
  constraint acts_pkey PRIMARY KEY (tenant_id, commit_order, act_id),
  constraint acts_kind CHECK (kind = ANY (ARRAY['client'::text, 'person'::text, 'command'::text, 'start'::text]))
);
CREATE INDEX acts_by_time ON unwind.acts USING btree (tenant_id, acted_at, commit_order, act_id);
CREATE INDEX acts_of_people ON unwind.acts USING btree (tenant_id, acted_at, commit_order, act_id) WHERE (kind <> 'client'::text);

create table unwind.approvals (
  tenant_id uuid not null,
  approval_id uuid not null,
  halt_id uuid,
  value numeric,
  value_max numeric not null,
  reason text not null,
  person text not null,
  actor_kind text not null,
  actor text not null,
  asked_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  decision text,
  decided_at timestamp with time zone,
  decided_by text,
  decided_actor_kind text,
  decided_actor text,
  decide_reason text,
  batch_id uuid,
  constraint approvals_pkey PRIMARY KEY (tenant_id, approval_id),
  constraint approvals_decide_reason_length CHECK (length(decide_reason) >= 1 AND length(decide_reason) <= 500),
  constraint approvals_decided CHECK ((decision IS NULL) = (decided_at IS NULL) AND (COALESCE(decision, 'expired'::text) = 'expired'::text) = (decided_by IS NULL) AND (decided_by IS NULL) = (decide_reason IS NULL) AND (decided_by IS NULL) = (decided_actor IS NULL) AND (decided_by IS NULL) = (decided_actor_kind IS NULL)),
  constraint approvals_decided_by_length CHECK (length(decided_by) >= 1 AND length(decided_by) <= 100),
  constraint approvals_decision CHECK (decision = ANY (ARRAY['approved'::text, 'declined'::text, 'expired'::text])),
  constraint approvals_in_time CHECK (decision <> 'approved'::text OR decided_at < expires_at),
  constraint approvals_of_one CHECK (num_nonnulls(halt_id, batch_id) = 1),
  constraint approvals_person_length CHECK (length(person) >= 1 AND length(person) <= 100),
  constraint approvals_reason_length CHECK (length(reason) >= 1 AND length(reason) <= 500),
  constraint approvals_two_persons CHECK (decision <> 'approved'::text OR lower(btrim(decided_by)) <> lower(btrim(person)))
);
CREATE UNIQUE INDEX approvals_of_batch ON unwind.approvals USING btree (tenant_id, batch_id);
CREATE UNIQUE INDEX approvals_open ON unwind.approvals USING btree (tenant_id, halt_id) WHERE (decision IS NULL);

create table unwind.batch_accounts (
  tenant_id uuid not null,
  batch_id uuid not null,
  account_id uuid not null,
  number integer not null,
  user_id uuid,
  status text default 'WAITING'::text not null,
  liquidation_id uuid,
  refusal text,
  running_id uuid,
  decided_at timestamp with time zone,
  constraint batch_accounts_pkey PRIMARY KEY (tenant_id, batch_id, account_id),
  constraint batch_accounts_decided CHECK ((status <> 'WAITING'::text) = (decided_at IS NOT NULL)),
  constraint batch_accounts_liquidation_exactly_when_started CHECK ((status = 'STARTED'::text) = (liquidation_id IS NOT NULL)),
  constraint batch_accounts_number CHECK (number >= 1 AND number <= 100000),
  constraint batch_accounts_refusal CHECK (refusal = ANY (ARRAY['no_such_account'::text, 'account_not_active'::text, 'liquidation_running'::text, 'too_many_positions'::text])),
  constraint batch_accounts_refusal_exactly_when_refused CHECK ((status = 'REFUSED'::text) = (refusal IS NOT NULL)),
  constraint batch_accounts_running_exactly_when_named CHECK ((running_id IS NOT NULL) = (refusal IS NOT NULL AND refusal = 'liquidation_running'::text)),
  constraint batch_accounts_status CHECK (status = ANY (ARRAY['WAITING'::text, 'STARTED'::text, 'REFUSED'::text, 'CANCELLED'::text]))
);
CREATE INDEX batch_accounts_waiting ON unwind.batch_accounts USING btree (tenant_id, batch_id, number) WHERE (status = 'WAITING'::text);

create table unwind.batches (
  tenant_id uuid not null,
  batch_id uuid not null,
  status text not null,
  reason text not null,
  person text not null,
  accounts integer not null,
  rate integer,
  in_progress_max integer,
  start_at timestamp with time zone not null,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  started_at timestamp with time zone,
  ended_at timestamp with time zone,
  started integer default 0 not null,
  refused integer default 0 not null,
  cancelled integer default 0 not null,
  steered_at timestamp with time zone,
  steered_by text,
  steer_reason text,
  paused_at timestamp with time zone,
  paused_ms bigint default 0 not null,
  event_count integer not null,
  next_at timestamp with time zone,
  paced_to timestamp with time zone,
  passed integer default 0 not null,
  progress text,
  progress_at timestamp with time zone,
  value numeric,
  approval_id uuid,
  constraint batches_pkey PRIMARY KEY (tenant_id, batch_id),
  constraint batches_tenant FOREIGN KEY (tenant_id) REFERENCES unwind.tenants(tenant_id),
  constraint batches_accounts CHECK (accounts >= 1 AND accounts <= 100000),
  constraint batches_completed_was_not_cancelled CHECK (status <> 'COMPLETED'::text OR cancelled = 0),
  constraint batches_counts CHECK (started >= 0 AND refused >= 0 AND cancelled >= 0 AND (started + refused + cancelled) <= accounts),
  constraint batches_ended_exactly_when_final CHECK ((status = ANY (ARRAY['CANCELLED'::text, 'COMPLETED'::text])) = (ended_at IS NOT NULL)),
  constraint batches_final_has_decided_all CHECK ((status <> ALL (ARRAY['CANCELLED'::text, 'COMPLETED'::text])) OR (started + refused + cancelled) = accounts),
  constraint batches_in_progress_max CHECK (in_progress_max >= 1 AND in_progress_max <= 100000),
  constraint batches_looked_at_exactly_when_active CHECK ((status = ANY (ARRAY['PENDING_APPROVAL'::text, 'SCHEDULED'::text, 'RUNNING'::text, 'CANCELLING'::text])) = (next_at IS NOT NULL)),
  constraint batches_paused_at CHECK ((status = 'PAUSED'::text) = (paused_at IS NOT NULL)),
  constraint batches_pending_has_approval CHECK (status <> 'PENDING_APPROVAL'::text OR approval_id IS NOT NULL),
  constraint batches_person_length CHECK (length(person) >= 1 AND length(person) <= 100),
  constraint batches_rate CHECK (rate >= 1 AND rate <= 1000000),
  constraint batches_reason_length CHECK (length(reason) >= 1 AND length(reason) <= 500),
  constraint batches_running_has_started CHECK ((status <> ALL (ARRAY['RUNNING'::text, 'COMPLETED'::text])) OR started_at IS NOT NULL),
  constraint batches_scheduled_has_not_started CHECK ((status <> ALL (ARRAY['PENDING_APPROVAL'::text, 'SCHEDULED'::text])) OR started_at IS NULL AND (started + refused + cancelled) = 0),
  constraint batches_status CHECK (status = ANY (ARRAY['PENDING_APPROVAL'::text, 'SCHEDULED'::text, 'RUNNING'::text, 'PAUSED'::text, 'CANCELLING'::text, 'CANCELLED'::text, 'COMPLETED'::text])),
  constraint batches_steer_reason_length CHECK (length(steer_reason) >= 1 AND length(steer_reason) <= 500),
  constraint batches_steered CHECK ((steered_at IS NULL) = (steered_by IS NULL) AND (steered_at IS NULL) = (steer_reason IS NULL)),
  constraint batches_steered_by_length CHECK (length(steered_by) >= 1 AND length(steered_by) <= 100)
) with (fillfactor=50);
CREATE INDEX batches_due ON unwind.batches USING btree (tenant_id, next_at) WHERE (next_at IS NOT NULL);
CREATE INDEX batches_open ON unwind.batches USING btree (batch_id) WHERE (ended_at IS NULL);
CREATE TRIGGER batches_transitions AFTER UPDATE OF status ON unwind.batches FOR EACH ROW WHEN (old.status <> new.status AND (old.status <> 'PENDING_APPROVAL'::text OR new.status <> 'SCHEDULED'::text) AND (old.status <> 'PENDING_APPROVAL'::text OR new.status <> 'CANCELLING'::text) AND (old.status <> 'SCHEDULED'::text OR new.status <> 'RUNNING'::text) AND (old.status <> 'SCHEDULED'::text OR new.status <> 'PAUSED'::text) AND (old.status <> 'SCHEDULED'::text OR new.status <> 'CANCELLING'::text) AND (old.status <> 'RUNNING'::text OR new.status <> 'PAUSED'::text) AND (old.status <> 'RUNNING'::text OR new.status <> 'CANCELLING'::text) AND (old.status <> 'RUNNING'::text OR new.status <> 'COMPLETED'::text) AND (old.status <> 'PAUSED'::text OR new.status <> 'SCHEDULED'::text) AND (old.status <> 'PAUSED'::text OR new.status <> 'RUNNING'::text) AND (old.status <> 'PAUSED'::text OR new.status <> 'CANCELLING'::text) AND (old.status <> 'CANCELLING'::text OR new.status <> 'CANCELLED'::text)) EXECUTE FUNCTION unwind.refuse_transition();

create table unwind.blocked_accounts (
  tenant_id uuid not null,
  webhook_id uuid not null,
  account_id uuid not null,
  acknowledged_offset bigint not null,
  request_id uuid not null,
  up_to bigint not null,
  status text not null,
  attempts integer not null,
  failing_since timestamp with time zone,
  next_attempt_at timestamp with time zone not null,
  last_attempt_at timestamp with time zone,
  last_outcome text,
  constraint blocked_accounts_pkey PRIMARY KEY (tenant_id, webhook_id, account_id),
  constraint blocked_accounts_delivery FOREIGN KEY (tenant_id, webhook_id) REFERENCES unwind.deliveries(tenant_id, webhook_id) ON DELETE CASCADE,
  constraint blocked_accounts_acknowledged_offset CHECK (acknowledged_offset >= 0),
  constraint blocked_accounts_catching_up_without_failures CHECK ((status = 'catching_up'::text) = (attempts = 0)),
  constraint blocked_accounts_failing_exactly_after_attempts CHECK ((attempts > 0) = (failing_since IS NOT NULL)),
  constraint blocked_accounts_status CHECK (status = ANY (ARRAY['blocked'::text, 'catching_up'::text, 'set_aside'::text]))
) with (fillfactor=70);

create table unwind.busts (
  tenant_id uuid not null,
  venue text not null,
  venue_execution_id text not null,
  client_order_id text not null,
  transaction_at timestamp with time zone not null,
  recorded_at timestamp with time zone not null,
  constraint busts_pkey PRIMARY KEY (tenant_id, venue, venue_execution_id)
);

create table unwind.client_changes (
  tenant_id uuid not null,
  change_id uuid not null,
  changed_at timestamp with time zone not null,
  change text not null,
  detail text not null,
  actor text not null,
  reason text not null,
  constraint client_changes_pkey PRIMARY KEY (tenant_id, change_id),
  constraint client_changes_tenant FOREIGN KEY (tenant_id) REFERENCES unwind.tenants(tenant_id),
  constraint client_changes_actor_length CHECK (length(actor) >= 1 AND length(actor) <= 100),
  constraint client_changes_change CHECK (change = ANY (ARRAY['disabled'::text, 'enabled'::text, 'secret_rotated'::text, 'key_added'::text, 'key_revoked'::text, 'scopes_set'::text, 'tokens_revoked'::text, 'contract_set'::text, 'certificates_changed'::text, 'addresses_set'::text])),
  constraint client_changes_reason_length CHECK (length(reason) >= 1 AND length(reason) <= 500)
);

create table unwind.client_keys (
  tenant_id uuid not null,
  key_id uuid not null,
  public_key_pem text not null,
  status text not null,
  created_at timestamp with time zone not null,
  constraint client_keys_pkey PRIMARY KEY (tenant_id, key_id),
  constraint client_keys_tenant FOREIGN KEY (tenant_id) REFERENCES unwind.tenants(tenant_id),
  constraint client_keys_status CHECK (status = ANY (ARRAY['live'::text, 'revoked'::text]))
);

create table unwind.console_audits (
  audit_id uuid not null,
  person text not null,
  status text not null,
  started_at timestamp with time zone not null,
  lease_expires_at timestamp with time zone,
  ended_at timestamp with time zone,
  checks_done integer not null,
  checks_total integer not null,
  differences integer,
  report text,
  failure text,
  constraint console_audits_pkey PRIMARY KEY (audit_id),
  constraint console_audits_failure CHECK ((status = 'FAILED'::text) = (failure IS NOT NULL)),
  constraint console_audits_lease CHECK ((status = 'RUNNING'::text) = (lease_expires_at IS NOT NULL)),
  constraint console_audits_person_length CHECK (length(person) >= 1 AND length(person) <= 200),
  constraint console_audits_report CHECK ((status = 'DONE'::text) = (report IS NOT NULL) AND (status = 'DONE'::text) = (differences IS NOT NULL)),
  constraint console_audits_running CHECK ((status = 'RUNNING'::text) = (ended_at IS NULL)),
  constraint console_audits_status CHECK (status = ANY (ARRAY['RUNNING'::text, 'DONE'::text, 'FAILED'::text]))
);
CREATE UNIQUE INDEX console_audits_one_running ON unwind.console_audits USING btree ((true)) WHERE (status = 'RUNNING'::text);

create table unwind.console_links (
  link_hash bytea not null,
  person text not null,
  role text not null,
  created_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  constraint console_links_pkey PRIMARY KEY (link_hash),
  constraint console_links_hash_is_sha256 CHECK (length(link_hash) = 32),
  constraint console_links_person_length CHECK (length(person) >= 1 AND length(person) <= 200),
  constraint console_links_role CHECK (role = ANY (ARRAY['viewer'::text, 'operator'::text, 'risk'::text]))
);

create table unwind.console_sessions (
  session_hash bytea not null,
  person text not null,
  role text not null,
  tenant_id uuid,
  created_at timestamp with time zone not null,
  seen_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  subject text,
  tenant_ids uuid[],
  id_token bytea,
  constraint console_sessions_pkey PRIMARY KEY (session_hash),
  constraint console_sessions_tenant FOREIGN KEY (tenant_id) REFERENCES unwind.tenants(tenant_id),
  constraint console_sessions_hash_is_sha256 CHECK (length(session_hash) = 32),
  constraint console_sessions_person_length CHECK (length(person) >= 1 AND length(person) <= 200),
  constraint console_sessions_role CHECK (role = ANY (ARRAY['viewer'::text, 'operator'::text, 'risk'::text])),
  constraint console_sessions_subject_length CHECK (length(subject) >= 1 AND length(subject) <= 1000),
  constraint console_sessions_tenants_of_subject CHECK (subject IS NOT NULL OR tenant_ids IS NULL),
  constraint console_sessions_token_of_subject CHECK (subject IS NOT NULL OR id_token IS NULL)
);
CREATE INDEX console_sessions_by_end ON unwind.console_sessions USING btree (expires_at);

create table unwind.control_stops (
  tenant_id uuid not null,
  stop_id uuid not null,
  order_id uuid not null,
  control text not null,
  detail text not null,
  stopped_at timestamp with time zone not null,
  cleared_at timestamp with time zone,
  released_at timestamp with time zone,
  released_by text,
  release_reason text,
  constraint control_stops_pkey PRIMARY KEY (tenant_id, stop_id),
  constraint control_stops_once UNIQUE (tenant_id, order_id, control),
  constraint control_stops_order FOREIGN KEY (tenant_id, order_id) REFERENCES unwind.orders(tenant_id, order_id),
  constraint control_stops_control CHECK (control = ANY (ARRAY['order_quantity'::text, 'order_value'::text, 'day_value'::text, 'price_age'::text, 'price_collar'::text])),
  constraint control_stops_end CHECK (cleared_at IS NULL OR released_at IS NULL),
  constraint control_stops_release_reason_length CHECK (length(release_reason) >= 1 AND length(release_reason) <= 500),
  constraint control_stops_released CHECK ((released_at IS NULL) = (released_by IS NULL) AND (released_at IS NULL) = (release_reason IS NULL)),
  constraint control_stops_released_by_length CHECK (length(released_by) >= 1 AND length(released_by) <= 100)
);
CREATE INDEX control_stops_in_force ON unwind.control_stops USING btree (tenant_id, stop_id) WHERE ((cleared_at IS NULL) AND (released_at IS NULL));

create table unwind.controls (
  tenant_id uuid not null,
  controls_id uuid not null,
  order_quantity_max numeric,
  order_value_max numeric,
  day_value_max numeric,
  price_age_max_s integer,
  price_collar_percent numeric,
  rejections_max integer,
  rejections_window_s integer,
  reason text not null,
  person text not null,
  set_at timestamp with time zone not null,
  replaced_at timestamp with time zone,
  four_eyes_max numeric,
  constraint controls_pkey PRIMARY KEY (tenant_id, controls_id),
  constraint controls_day_value CHECK (day_value_max > 0::numeric),
  constraint controls_four_eyes CHECK (four_eyes_max > 0::numeric),
  constraint controls_order_quantity CHECK (order_quantity_max > 0::numeric),
  constraint controls_order_value CHECK (order_value_max > 0::numeric),
  constraint controls_person_length CHECK (length(person) >= 1 AND length(person) <= 100),
  constraint controls_price_age CHECK (price_age_max_s > 0),
  constraint controls_price_collar CHECK (price_collar_percent > 0::numeric),
  constraint controls_reason_length CHECK (length(reason) >= 1 AND length(reason) <= 500),
  constraint controls_rejections CHECK (rejections_max > 0 AND rejections_window_s > 0),
  constraint controls_rejections_window CHECK ((rejections_max IS NULL) = (rejections_window_s IS NULL))
);
CREATE UNIQUE INDEX controls_in_force ON unwind.controls USING btree (tenant_id) WHERE (replaced_at IS NULL);

create table unwind.database_mode (
  only_row boolean default true not null,
  mode text not null,
  recorded_at timestamp with time zone not null,
  open_until timestamp with time zone,
  constraint database_mode_pkey PRIMARY KEY (only_row),
  constraint database_mode_mode CHECK (mode = ANY (ARRAY['sandbox'::text, 'live'::text])),
  constraint database_mode_only_row CHECK (only_row)
);

create table unwind.deliveries (
  tenant_id uuid not null,
  webhook_id uuid not null,
  settings_at timestamp with time zone not null,
  acknowledged_offset bigint not null,
  blocked_count integer default 0 not null,
  blocked_due_at timestamp with time zone,
  full_offset bigint,
  attempts integer default 0 not null,
  failing_since timestamp with time zone,
  next_attempt_at timestamp with time zone not null,
  last_attempt_at timestamp with time zone,
  last_success_at timestamp with time zone,
  last_outcome text,
  acknowledged_count bigint default 0 not null,
  failed_count bigint default 0 not null,
  gap_after bigint,
  gap_up_to bigint,
  gap_noticed_at timestamp with time zone,
  lease_holder uuid,
  lease_epoch integer default 0 not null,
  lease_expires_at timestamp with time zone,
  recorded_epoch integer default 0 not null,
  replayed_epoch integer,
  replayed_to bigint,
  constraint deliveries_pkey PRIMARY KEY (tenant_id, webhook_id),
  constraint deliveries_webhook FOREIGN KEY (tenant_id, webhook_id) REFERENCES unwind.webhooks(tenant_id, webhook_id) ON DELETE CASCADE,
  constraint deliveries_failing_exactly_after_attempts CHECK ((attempts > 0) = (failing_since IS NOT NULL)),
  constraint deliveries_gap CHECK ((gap_after IS NULL) = (gap_up_to IS NULL) AND (gap_after IS NULL) = (gap_noticed_at IS NULL) AND gap_after < gap_up_to),
  constraint deliveries_lease CHECK ((lease_holder IS NOT NULL) = (lease_expires_at IS NOT NULL)),
  constraint deliveries_recorded CHECK (recorded_epoch <= lease_epoch),
  constraint deliveries_replayed CHECK ((replayed_epoch IS NULL) = (replayed_to IS NULL))
) with (fillfactor=50);

create table unwind.delivery_attempts (
  tenant_id uuid not null,
  webhook_id uuid not null,
  place integer not null,
  attempt_id uuid not null,
  kind text not null,
  attempted_at timestamp with time zone not null,
  duration_ms integer not null,
  outcome text not null,
  status integer,
  response text not null,
  attempt integer not null,
  events integer not null,
  first_event_id uuid,
  last_event_id uuid,
  faults text[] default '{}'::text[] not null,
  constraint delivery_attempts_pkey PRIMARY KEY (tenant_id, webhook_id, place),
  constraint delivery_attempts_delivery FOREIGN KEY (tenant_id, webhook_id) REFERENCES unwind.deliveries(tenant_id, webhook_id) ON DELETE CASCADE,
  constraint delivery_attempts_kind CHECK (kind = ANY (ARRAY['delivery'::text, 'test'::text, 'gap'::text, 'warning'::text])),
  constraint delivery_attempts_response_length CHECK (length(response) <= 1000),
  constraint delivery_attempts_status CHECK (status >= 100 AND status <= 999)
) with (fillfactor=50);

create table unwind.event_heads (
  tenant_id uuid not null,
  "position" bigint not null,
  dropped_to bigint default 0 not null,
  constraint event_heads_pkey PRIMARY KEY (tenant_id),
  constraint event_heads_tenant FOREIGN KEY (tenant_id) REFERENCES unwind.tenants(tenant_id),
  constraint event_heads_dropped CHECK (dropped_to >= 0 AND dropped_to <= "position")
);

create table unwind.event_parts (
  name text not null,
  from_id uuid not null,
  to_id uuid not null,
  given_up_at timestamp with time zone,
  next_try_at timestamp with time zone,
  constraint event_parts_pkey PRIMARY KEY (name),
  constraint event_parts_range CHECK (from_id < to_id)
);

create table unwind.event_retention (
  only_row boolean default true not null,
  dropped_before uuid not null,
  constraint event_retention_pkey PRIMARY KEY (only_row),
  constraint event_retention_only_row CHECK (only_row)
);

create table unwind.events (
  tenant_id uuid not null,
  event_id uuid not null,
  account_id uuid not null,
  liquidation_id uuid not null,
  sequence integer not null,
  number integer not null,
  type text not null,
  object text not null,
  created_at timestamp with time zone not null,
  "position" bigint,
  object_sha256 bytea,
  constraint events_pkey PRIMARY KEY (tenant_id, liquidation_id, number),
  constraint events_position CHECK ("position" > 0),
  constraint events_type CHECK (type = ANY (ARRAY['ACCOUNT_LIQUIDATION.NEW'::text, 'ACCOUNT_LIQUIDATION.PROCESSING'::text, 'ACCOUNT_LIQUIDATION.FILLED'::text, 'ACCOUNT_LIQUIDATION.SETTLED'::text, 'ACCOUNT_LIQUIDATION.CANCELLED'::text, 'BATCH.CREATED'::text, 'BATCH.APPROVED'::text, 'BATCH.STARTED'::text, 'BATCH.PROGRESS'::text, 'BATCH.PAUSED'::text, 'BATCH.RESUMED'::text, 'BATCH.CANCELLING'::text, 'BATCH.CANCELLED'::text, 'BATCH.COMPLETED'::text])) NOT VALID
) partition by RANGE (liquidation_id);
CREATE INDEX events_by_id ON ONLY unwind.events USING btree (tenant_id, event_id);
CREATE INDEX events_by_position ON ONLY unwind.events USING btree (tenant_id, "position") WHERE ("position" IS NOT NULL);
CREATE INDEX events_of_account ON ONLY unwind.events USING btree (tenant_id, account_id, "position") WHERE ("position" IS NOT NULL);
CREATE INDEX events_to_publish ON ONLY unwind.events USING btree (tenant_id, created_at) WHERE ("position" IS NULL);

create table unwind.executions (
  tenant_id uuid not null,
  execution_id uuid not null,
  venue text not null,
  venue_execution_id text not null,
  client_order_id text not null,
  order_id uuid not null,
  liquidation_id uuid not null,
  account_id uuid not null,
  isin text not null,
  quantity numeric not null,
  price numeric not null,
  proceeds numeric not null,
  executed_at timestamp with time zone not null,
  recorded_at timestamp with time zone not null,
  busted_at timestamp with time zone,
  currency text default 'EUR'::text not null,
  rate numeric,
  rate_as_of timestamp with time zone,
  settlement_date date,
  constraint executions_pkey PRIMARY KEY (tenant_id, execution_id),
  constraint executions_venue_once UNIQUE (tenant_id, venue, venue_execution_id),
  constraint executions_order FOREIGN KEY (tenant_id, order_id) REFERENCES unwind.orders(tenant_id, order_id),
  constraint executions_price CHECK (price > 0::numeric AND scale(price) <= 12),
  constraint executions_proceeds CHECK (proceeds >= 0::numeric AND scale(proceeds) <= 2),
  constraint executions_quantity CHECK (quantity > 0::numeric AND scale(quantity) <= 15),
  constraint executions_rate_exactly_when_foreign CHECK ((currency = 'EUR'::text) = (rate IS NULL) AND (rate IS NULL) = (rate_as_of IS NULL))
);
CREATE INDEX executions_of_order ON unwind.executions USING btree (tenant_id, order_id);

create table unwind.fix_messages (
  venue text not null,
  trading_day date not null,
  direction text not null,
  number bigint not null,
  type text not null,
  at timestamp with time zone not null,
  fields bytea not null,
  tenant_id uuid,
  client_order_id text,
  problem text,
  closed_at timestamp with time zone,
  closed_by text,
  closed_reason text,
  constraint fix_messages_pkey PRIMARY KEY (venue, trading_day, direction, number),
  constraint fix_messages_closed CHECK ((closed_at IS NULL) = (closed_by IS NULL) AND (closed_at IS NULL) = (closed_reason IS NULL) AND (closed_at IS NULL OR problem IS NOT NULL)),
  constraint fix_messages_direction CHECK (direction = ANY (ARRAY['in'::text, 'out'::text]))
);
CREATE INDEX fix_messages_by_age ON unwind.fix_messages USING btree (venue, at);
CREATE INDEX fix_messages_problems ON unwind.fix_messages USING btree (venue, at) WHERE ((problem IS NOT NULL) AND (closed_at IS NULL));

create table unwind.fix_orders (
  tenant_id uuid not null,
  client_order_id text not null,
  entry bigint generated always as identity not null,
  venue text not null,
  isin text not null,
  quantity numeric not null,
  status text not null,
  queued_at timestamp with time zone not null,
  sent_on date,
  sent_at timestamp with time zone,
  venue_order_id text,
  cumulative_quantity numeric not null,
  rejection text,
  is_rejection_temporary boolean,
  asked_at timestamp with time zone,
  cancel_requests integer not null,
  cancel_asked_at timestamp with time zone,
  symbol text,
  currency text,
  constraint fix_orders_pkey PRIMARY KEY (tenant_id, client_order_id),
  constraint fix_orders_name_once UNIQUE (venue, client_order_id),
  constraint fix_orders_rejected CHECK (rejection IS NULL OR status = 'DONE'::text),
  constraint fix_orders_rejection CHECK ((rejection IS NULL) = (is_rejection_temporary IS NULL)),
  constraint fix_orders_status CHECK (status = ANY (ARRAY['QUEUED'::text, 'SENT'::text, 'WORKING'::text, 'DONE'::text]))
);
CREATE INDEX fix_orders_open ON unwind.fix_orders USING btree (venue, sent_on) WHERE (status = ANY (ARRAY['SENT'::text, 'WORKING'::text]));

create table unwind.fix_outbox (
  venue text not null,
  entry bigint generated always as identity not null,
  type text not null,
  tenant_id uuid not null,
  client_order_id text not null,
  constraint fix_outbox_pkey PRIMARY KEY (venue, entry),
  constraint fix_outbox_type CHECK (type = ANY (ARRAY['D'::text, 'F'::text, 'H'::text]))
);

create table unwind.fix_reports (
  venue text not null,
  number bigint not null,
  tenant_id uuid not null,
  client_order_id text not null,
  type text not null,
  exec_id text,
  venue_execution_id text,
  last_quantity numeric,
  last_price numeric,
  cumulative_quantity numeric not null,
  reason text,
  transaction_at timestamp with time zone not null,
  currency text,
  constraint fix_reports_pkey PRIMARY KEY (venue, number),
  constraint fix_reports_type CHECK (type = ANY (ARRAY['trade'::text, 'filled'::text, 'cancelled'::text, 'rejected'::text, 'suspended'::text, 'bust'::text]))
);
CREATE INDEX fix_reports_of_order ON unwind.fix_reports USING btree (venue, client_order_id);
CREATE UNIQUE INDEX fix_reports_execution_once ON unwind.fix_reports USING btree (venue, venue_execution_id) WHERE (type = ANY (ARRAY['trade'::text, 'filled'::text]));

create table unwind.fix_sessions (
  venue text not null,
  trading_day date not null,
  is_reset_pending boolean not null,
  next_out bigint not null,
  next_in bigint not null,
  last_report bigint not null,
  status text not null,
  reason text,
  status_at timestamp with time zone not null,
  lease_holder uuid,
  lease_epoch bigint not null,
  lease_expires_at timestamp with time zone,
  constraint fix_sessions_pkey PRIMARY KEY (venue),
  constraint fix_sessions_lease CHECK ((lease_holder IS NULL) = (lease_expires_at IS NULL)),
  constraint fix_sessions_numbers CHECK (next_out >= 1 AND next_in >= 1 AND last_report >= 0),
  constraint fix_sessions_status CHECK (status = ANY (ARRAY['disconnected'::text, 'connecting'::text, 'ready'::text, 'failed'::text]))
);

create table unwind.halts (
  tenant_id uuid not null,
  halt_id uuid not null,
  account_id uuid,
  isin text,
  venue text,
  strength text not null,
  reason text not null,
  person text not null,
  set_at timestamp with time zone not null,
  lifted_at timestamp with time zone,
  lifted_by text,
  lift_reason text,
  lift_value numeric,
  constraint halts_pkey PRIMARY KEY (tenant_id, halt_id),
  constraint halts_isin CHECK (isin ~ '^[A-Z]{2}[A-Z0-9]{9}[0-9]$'::text),
  constraint halts_lift_reason_length CHECK (length(lift_reason) >= 1 AND length(lift_reason) <= 500),
  constraint halts_lifted CHECK ((lifted_at IS NULL) = (lifted_by IS NULL) AND (lifted_at IS NULL) = (lift_reason IS NULL)),
  constraint halts_lifted_by_length CHECK (length(lifted_by) >= 1 AND length(lifted_by) <= 100),
  constraint halts_person_length CHECK (length(person) >= 1 AND length(person) <= 100),
  constraint halts_reason_length CHECK (length(reason) >= 1 AND length(reason) <= 500),
  constraint halts_strength CHECK (strength = ANY (ARRAY['release'::text, 'cancel'::text])),
  constraint halts_venue CHECK (venue ~ '^[A-Z0-9]{4}$'::text)
);
CREATE INDEX halts_in_force ON unwind.halts USING btree (tenant_id) WHERE (lifted_at IS NULL);

create table unwind.idempotency_keys (
  tenant_id uuid not null,
  idempotency_key uuid not null,
  request_hash bytea not null,
  status smallint not null,
  body text not null,
  created_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  constraint idempotency_keys_pkey PRIMARY KEY (tenant_id, idempotency_key),
  constraint idempotency_keys_hash_is_sha256 CHECK (length(request_hash) = 32),
  constraint idempotency_keys_only_success CHECK (status >= 200 AND status <= 299)
);
CREATE INDEX idempotency_keys_expiry ON unwind.idempotency_keys USING btree (expires_at);

create table unwind.instruments (
  tenant_id uuid not null,
  isin text not null,
  instrument_id uuid generated always as (unwind.instrument_id(isin)) stored,
  name text not null,
  trading_status text not null,
  fractional boolean not null,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  constraint instruments_pkey PRIMARY KEY (tenant_id, isin),
  constraint instruments_tenant FOREIGN KEY (tenant_id) REFERENCES unwind.tenants(tenant_id),
  constraint instruments_isin_form CHECK (isin ~ '^[A-Z]{2}[A-Z0-9]{9}[0-9]$'::text),
  constraint instruments_trading_status CHECK (trading_status = ANY (ARRAY['ACTIVE'::text, 'INACTIVE'::text]))
);
CREATE INDEX instruments_by_change ON unwind.instruments USING btree (tenant_id, updated_at, isin);
CREATE INDEX instruments_by_creation ON unwind.instruments USING btree (tenant_id, created_at, isin);
CREATE UNIQUE INDEX instruments_by_id ON unwind.instruments USING btree (tenant_id, instrument_id);

create table unwind.liquidations (
  tenant_id uuid not null,
  liquidation_id uuid not null,
  account_id uuid not null,
  user_id uuid not null,
  sequence integer not null,
  status text not null,
  proceeds numeric default 0 not null,
  cash_amount numeric not null,
  rounds integer default 0 not null,
  open_orders integer default 0 not null,
  event_count integer not null,
  release_at timestamp with time zone not null,
  waits_for_venue boolean default false not null,
  advance_at timestamp with time zone,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  released_at timestamp with time zone,
  ended_at timestamp with time zone,
  end_reason text,
  stop_reason text,
  stop_note text,
  stop_asked_at timestamp with time zone,
  stop_at timestamp with time zone,
  corrected_at timestamp with time zone,
  corrected_proceeds numeric default 0 not null,
  scheduled_at timestamp with time zone,
  opening_of text,
  schedule_reason text,
  waits_for_venues text[],
  end_note text,
  contract text default '2023'::text not null,
  settle_at timestamp with time zone,
  settled_at timestamp with time zone,
  awaits_reservation boolean default false not null,
  batch_id uuid,
  constraint liquidations_pkey PRIMARY KEY (tenant_id, liquidation_id),
  constraint liquidations_sequence_once UNIQUE (tenant_id, account_id, sequence),
  constraint liquidations_account FOREIGN KEY (tenant_id, account_id) REFERENCES unwind.accounts(tenant_id, account_id),
  constraint liquidations_batch FOREIGN KEY (tenant_id, batch_id) REFERENCES unwind.batches(tenant_id, batch_id) NOT VALID,
  constraint liquidations_abandoned_by_somebody CHECK (end_reason IS DISTINCT FROM 'abandoned'::text OR stop_reason IS NOT NULL AND stop_reason = 'abandoned'::text),
  constraint liquidations_amounts CHECK (proceeds >= 0::numeric AND cash_amount >= 0::numeric AND scale(proceeds) <= 2 AND scale(cash_amount) <= 2),
  constraint liquidations_await_only_while_open CHECK (NOT awaits_reservation OR (status = ANY (ARRAY['NEW'::text, 'PROCESSING'::text]))),
  constraint liquidations_contract CHECK (contract = ANY (ARRAY['2023'::text, '2026'::text])),
  constraint liquidations_corrected_only_when_final CHECK (corrected_at IS NULL OR (status = ANY (ARRAY['FILLED'::text, 'SETTLED'::text, 'CANCELLED'::text]))),
  constraint liquidations_corrected_proceeds CHECK ((corrected_at IS NOT NULL OR corrected_proceeds = 0::numeric) AND (proceeds - corrected_proceeds) >= 0::numeric),
  constraint liquidations_end_note CHECK (end_note IS NULL OR length(end_note) <= 500 AND (status = ANY (ARRAY['FILLED'::text, 'SETTLED'::text, 'CANCELLED'::text]))),
  constraint liquidations_end_reason CHECK (end_reason IS NULL OR (status = ANY (ARRAY['FILLED'::text, 'SETTLED'::text])) AND end_reason = 'flat'::text OR status = 'CANCELLED'::text AND (end_reason = ANY (ARRAY['client'::text, 'rejected'::text, 'limit'::text, 'abandoned'::text]))),
  constraint liquidations_ended_exactly_when_final CHECK ((status = ANY (ARRAY['FILLED'::text, 'SETTLED'::text, 'CANCELLED'::text])) = (ended_at IS NOT NULL)),
  constraint liquidations_exact_when_final CHECK ((status <> ALL (ARRAY['FILLED'::text, 'SETTLED'::text, 'CANCELLED'::text])) OR cash_amount = proceeds),
  constraint liquidations_filled CHECK ((status <> ALL (ARRAY['FILLED'::text, 'SETTLED'::text])) OR released_at IS NOT NULL),
  constraint liquidations_looked_at_again_exactly_when_idle CHECK ((advance_at IS NOT NULL) = (status = 'PROCESSING'::text AND open_orders = 0)),
  constraint liquidations_new CHECK (status <> 'NEW'::text OR released_at IS NULL AND rounds = 0),
  constraint liquidations_open_orders CHECK (open_orders >= 0 AND (open_orders = 0 OR status = 'PROCESSING'::text)),
  constraint liquidations_processing CHECK (status <> 'PROCESSING'::text OR released_at IS NOT NULL),
  constraint liquidations_reason_exactly_when_final CHECK ((status = ANY (ARRAY['FILLED'::text, 'SETTLED'::text, 'CANCELLED'::text])) = (end_reason IS NOT NULL)),
  constraint liquidations_schedule CHECK ((scheduled_at IS NULL OR scheduled_at <= release_at) AND (scheduled_at IS NOT NULL OR COALESCE(opening_of, schedule_reason) IS NULL) AND (opening_of IS NULL OR opening_of ~ '^[A-Z0-9]{4}$'::text) AND (schedule_reason IS NULL OR length(schedule_reason) >= 1 AND length(schedule_reason) <= 500)),
  constraint liquidations_settle_exactly_when_filled_by_the_later_contract CHECK ((settle_at IS NOT NULL) = (contract = '2026'::text AND (status = ANY (ARRAY['FILLED'::text, 'SETTLED'::text])))),
  constraint liquidations_settled_exactly_then CHECK ((settled_at IS NOT NULL) = (status = 'SETTLED'::text)),
  constraint liquidations_status CHECK (status = ANY (ARRAY['NEW'::text, 'PROCESSING'::text, 'FILLED'::text, 'SETTLED'::text, 'CANCELLED'::text])),
  constraint liquidations_stop_asked_exactly_with_reason CHECK ((stop_reason IS NULL) = (stop_asked_at IS NULL)),
  constraint liquidations_stop_note_exactly_when_abandoned CHECK ((stop_note IS NOT NULL) = (stop_reason IS NOT NULL AND stop_reason = 'abandoned'::text)),
  constraint liquidations_stop_note_length CHECK (length(stop_note) >= 1 AND length(stop_note) <= 500),
  constraint liquidations_stop_reason CHECK (stop_reason = ANY (ARRAY['limit'::text, 'abandoned'::text])),
  constraint liquidations_stopped_only_while_running CHECK (stop_at IS NULL OR stop_reason IS NOT NULL AND (status = ANY (ARRAY['NEW'::text, 'PROCESSING'::text])))
) with (fillfactor=70);
CREATE INDEX liquidations_by_status ON unwind.liquidations USING btree (tenant_id, status, liquidation_id);
CREATE INDEX liquidations_due ON unwind.liquidations USING btree (tenant_id, release_at) WHERE ((status = 'NEW'::text) AND (NOT waits_for_venue) AND (NOT awaits_reservation));
CREATE INDEX liquidations_of_account ON unwind.liquidations USING btree (tenant_id, account_id, liquidation_id);
CREATE INDEX liquidations_open_in_batch ON unwind.liquidations USING btree (tenant_id, batch_id) WHERE ((batch_id IS NOT NULL) AND (status = ANY (ARRAY['NEW'::text, 'PROCESSING'::text])));
CREATE INDEX liquidations_to_advance ON unwind.liquidations USING btree (tenant_id, advance_at) WHERE ((advance_at IS NOT NULL) AND (NOT awaits_reservation));
CREATE INDEX liquidations_to_release ON unwind.liquidations USING btree (tenant_id, release_at) WHERE ((status = 'NEW'::text) AND (NOT awaits_reservation));
CREATE INDEX liquidations_to_settle ON unwind.liquidations USING btree (settle_at, tenant_id) WHERE ((status = 'FILLED'::text) AND (settle_at IS NOT NULL));
CREATE INDEX liquidations_to_stop ON unwind.liquidations USING btree (tenant_id, stop_at) WHERE (stop_at IS NOT NULL);
CREATE UNIQUE INDEX liquidations_once_in_batch ON unwind.liquidations USING btree (tenant_id, batch_id, account_id) WHERE (batch_id IS NOT NULL);
CREATE UNIQUE INDEX liquidations_one_running ON unwind.liquidations USING btree (tenant_id, account_id) WHERE (status = ANY (ARRAY['NEW'::text, 'PROCESSING'::text]));
CREATE TRIGGER liquidations_transitions AFTER UPDATE OF status ON unwind.liquidations FOR EACH ROW WHEN (old.status <> new.status AND (old.status <> 'NEW'::text OR new.status <> 'PROCESSING'::text) AND (old.status <> 'NEW'::text OR new.status <> 'FILLED'::text) AND (old.status <> 'NEW'::text OR new.status <> 'CANCELLED'::text) AND (old.status <> 'PROCESSING'::text OR new.status <> 'FILLED'::text) AND (old.status <> 'PROCESSING'::text OR new.status <> 'CANCELLED'::text) AND (old.status <> 'FILLED'::text OR new.status <> 'SETTLED'::text)) EXECUTE FUNCTION unwind.refuse_transition();

create table unwind.listings (
  tenant_id uuid not null,
  isin text not null,
  mic text not null,
  symbol text not null,
  currency text not null,
  lot_size numeric not null,
  updated_at timestamp with time zone not null,
  constraint listings_pkey PRIMARY KEY (tenant_id, isin, mic),
  constraint listings_instrument FOREIGN KEY (tenant_id, isin) REFERENCES unwind.instruments(tenant_id, isin),
  constraint listings_currency CHECK (currency ~ '^[A-Z]{3}$'::text),
  constraint listings_lot_size CHECK (lot_size >= 1::numeric AND lot_size = trunc(lot_size) OR lot_size::text ~ '^0\.0{0,14}1$'::text),
  constraint listings_mic CHECK (mic ~ '^[A-Z0-9]{4}$'::text),
  constraint listings_symbol CHECK (symbol ~ '^[ -~]{0,64}$'::text)
);

create table unwind.market_clock (
  only_row boolean default true not null,
  offset_ms bigint not null,
  constraint market_clock_pkey PRIMARY KEY (only_row),
  constraint market_clock_only_row CHECK (only_row)
);

create table unwind.migrations (
  number integer not null,
  name text not null,
  sha256 text not null,
  compatible_from integer not null,
  applied_at timestamp with time zone default clock_timestamp() not null,
  constraint migrations_pkey PRIMARY KEY (number),
  constraint migrations_number_positive CHECK (number > 0),
  constraint migrations_sha256_is_hex CHECK (sha256 ~ '^[0-9a-f]{64}$'::text)
);

create table unwind.movements (
  tenant_id uuid not null,
  movement_id uuid not null,
  account_id uuid not null,
  isin text not null,
  quantity numeric not null,
  locked numeric not null,
  cash numeric not null,
  uncovered numeric default 0 not null,
  reason text not null,
  execution_id uuid,
  reference text,
  effective_at timestamp with time zone not null,
  recorded_at timestamp with time zone not null,
  constraint movements_pkey PRIMARY KEY (tenant_id, movement_id),
  constraint movements_account FOREIGN KEY (tenant_id, account_id) REFERENCES unwind.accounts(tenant_id, account_id),
  constraint movements_bust_returns CHECK (reason <> 'bust'::text OR quantity >= 0::numeric AND uncovered <= 0::numeric AND quantity > uncovered AND locked = 0::numeric AND cash <= 0::numeric),
  constraint movements_credit_brings_units CHECK (reason <> 'credit'::text OR quantity > 0::numeric AND locked = 0::numeric AND cash = 0::numeric),
  constraint movements_execution_exactly_when_executed CHECK ((reason = ANY (ARRAY['execution'::text, 'bust'::text])) = (execution_id IS NOT NULL)),
  constraint movements_execution_sells CHECK (reason <> 'execution'::text OR quantity <= 0::numeric AND uncovered >= 0::numeric AND quantity < uncovered AND locked = 0::numeric AND cash >= 0::numeric),
  constraint movements_import_moves_no_cash CHECK (reason <> 'import'::text OR cash = 0::numeric),
  constraint movements_lock_locks CHECK (reason <> 'lock'::text OR quantity = 0::numeric AND locked > 0::numeric AND cash = 0::numeric),
  constraint movements_reason CHECK (reason = ANY (ARRAY['import'::text, 'execution'::text, 'bust'::text, 'credit'::text, 'lock'::text, 'unlock'::text])),
  constraint movements_reference_exactly_of_deltas CHECK ((reason = ANY (ARRAY['credit'::text, 'lock'::text, 'unlock'::text])) = (reference IS NOT NULL)),
  constraint movements_reference_length CHECK (length(reference) >= 1 AND length(reference) <= 100),
  constraint movements_uncovered_only_of_executions CHECK (uncovered = 0::numeric OR (reason = ANY (ARRAY['execution'::text, 'bust'::text]))),
  constraint movements_unlock_unlocks CHECK (reason <> 'unlock'::text OR quantity = 0::numeric AND locked < 0::numeric AND cash = 0::numeric)
);
CREATE INDEX movements_of_account ON unwind.movements USING btree (tenant_id, account_id, effective_at);
CREATE UNIQUE INDEX movements_execution_once ON unwind.movements USING btree (tenant_id, execution_id, reason) WHERE (execution_id IS NOT NULL);
CREATE UNIQUE INDEX movements_reference_once ON unwind.movements USING btree (tenant_id, reference) WHERE (reference IS NOT NULL);

create table unwind.orders (
  tenant_id uuid not null,
  order_id uuid not null,
  liquidation_id uuid not null,
  account_id uuid not null,
  isin text not null,
  round integer not null,
  quantity numeric not null,
  status text not null,
  filled_quantity numeric default 0 not null,
  proceeds numeric default 0 not null,
  submissions integer default 0 not null,
  submit_at timestamp with time zone,
  cancellation_reason text,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  status_at timestamp with time zone not null,
  ended_at timestamp with time zone,
  corrected_quantity numeric default 0 not null,
  venue text,
  symbol text,
  currency text default 'EUR'::text not null,
  constraint orders_pkey PRIMARY KEY (tenant_id, order_id),
  constraint orders_liquidation FOREIGN KEY (tenant_id, liquidation_id) REFERENCES unwind.liquidations(tenant_id, liquidation_id),
  constraint orders_cancelled_is_less CHECK (status <> 'CANCELLED'::text OR (filled_quantity - corrected_quantity) < quantity),
  constraint orders_ended_exactly_when_final CHECK ((status = ANY (ARRAY['FILLED'::text, 'CANCELLED'::text])) = (ended_at IS NOT NULL)),
  constraint orders_filled_is_all CHECK (status <> 'FILLED'::text OR (filled_quantity - corrected_quantity) = quantity),
  constraint orders_filled_quantity CHECK (filled_quantity >= 0::numeric AND (filled_quantity - corrected_quantity) >= 0::numeric AND (filled_quantity - corrected_quantity) <= quantity),
  constraint orders_final_is_not_submitted CHECK ((status <> ALL (ARRAY['FILLED'::text, 'CANCELLED'::text])) OR submit_at IS NULL),
  constraint orders_new CHECK (status <> 'NEW'::text OR submissions = 0 AND filled_quantity = 0::numeric AND submit_at IS NOT NULL),
  constraint orders_proceeds CHECK (proceeds >= 0::numeric AND scale(proceeds) <= 2),
  constraint orders_quantity CHECK (quantity > 0::numeric AND scale(quantity) <= 15),
  constraint orders_reason_exactly_when_cancelled CHECK ((status = 'CANCELLED'::text) = (cancellation_reason IS NOT NULL)),
  constraint orders_sent CHECK ((status <> ALL (ARRAY['PROCESSING'::text, 'FILLED'::text])) OR submissions > 0),
  constraint orders_status CHECK (status = ANY (ARRAY['NEW'::text, 'PROCESSING'::text, 'FILLED'::text, 'CANCELLED'::text]))
) with (fillfactor=70);
CREATE INDEX orders_cancelled ON unwind.orders USING btree (tenant_id, liquidation_id, isin) WHERE (status = 'CANCELLED'::text);
CREATE INDEX orders_of_account ON unwind.orders USING btree (tenant_id, account_id, order_id);
CREATE INDEX orders_of_liquidation ON unwind.orders USING btree (tenant_id, liquidation_id, order_id);
CREATE INDEX orders_to_submit ON unwind.orders USING btree (venue, tenant_id, submit_at) WHERE (submit_at IS NOT NULL);
CREATE UNIQUE INDEX orders_one_open_per_instrument ON unwind.orders USING btree (tenant_id, liquidation_id, isin) WHERE (status = ANY (ARRAY['NEW'::text, 'PROCESSING'::text]));
CREATE TRIGGER orders_transitions AFTER UPDATE OF status ON unwind.orders FOR EACH ROW WHEN (old.status <> new.status AND (old.status <> 'NEW'::text OR new.status <> 'PROCESSING'::text) AND (old.status <> 'NEW'::text OR new.status <> 'CANCELLED'::text) AND (old.status <> 'PROCESSING'::text OR new.status <> 'FILLED'::text) AND (old.status <> 'PROCESSING'::text OR new.status <> 'CANCELLED'::text)) EXECUTE FUNCTION unwind.refuse_transition();

create table unwind.parked (
  tenant_id uuid not null,
  step text not null,
  subject text not null,
  reason text not null,
  tries integer not null,
  first_at timestamp with time zone not null,
  last_at timestamp with time zone not null,
  retry_at timestamp with time zone not null,
  parked_at timestamp with time zone,
  closed_at timestamp with time zone,
  closed_by text,
  closed_reason text,
  constraint parked_pkey PRIMARY KEY (tenant_id, step, subject),
  constraint parked_closed_by_length CHECK (length(closed_by) >= 1 AND length(closed_by) <= 100),
  constraint parked_closed_only_when_parked CHECK (closed_at IS NULL OR parked_at IS NOT NULL),
  constraint parked_closed_reason_length CHECK (length(closed_reason) >= 1 AND length(closed_reason) <= 500),
  constraint parked_closed_says_why CHECK ((closed_at IS NULL) = (closed_by IS NULL) AND (closed_at IS NULL) = (closed_reason IS NULL)),
  constraint parked_reason_length CHECK (length(reason) >= 1 AND length(reason) <= 1000),
  constraint parked_step CHECK (step = ANY (ARRAY['release'::text, 'submit'::text, 'answer'::text, 'receive'::text, 'apply'::text, 'advance'::text, 'stop'::text, 'settle'::text, 'reserve'::text, 'report'::text, 'publish'::text, 'correction'::text, 'start'::text])),
  constraint parked_subject_length CHECK (length(subject) >= 1 AND length(subject) <= 200),
  constraint parked_tries CHECK (tries >= 1)
);
CREATE INDEX parked_waiting ON unwind.parked USING btree (parked_at) WHERE ((parked_at IS NOT NULL) AND (closed_at IS NULL));

create table unwind.positions (
  tenant_id uuid not null,
  account_id uuid not null,
  isin text not null,
  quantity numeric not null,
  locked numeric not null,
  held numeric default 0 not null,
  constraint positions_pkey PRIMARY KEY (tenant_id, account_id, isin),
  constraint positions_account FOREIGN KEY (tenant_id, account_id) REFERENCES unwind.accounts(tenant_id, account_id),
  constraint positions_instrument FOREIGN KEY (tenant_id, isin) REFERENCES unwind.instruments(tenant_id, isin),
  constraint positions_covered CHECK ((locked + held) <= quantity),
  constraint positions_held CHECK (held >= 0::numeric),
  constraint positions_locked CHECK (locked >= 0::numeric AND scale(locked) <= 15),
  constraint positions_quantity CHECK (quantity >= 0::numeric AND scale(quantity) <= 15)
) with (fillfactor=70);

create table unwind.prices (
  tenant_id uuid not null,
  isin text not null,
  price numeric not null,
  currency text not null,
  updated_at timestamp with time zone not null,
  constraint prices_pkey PRIMARY KEY (tenant_id, isin),
  constraint prices_instrument FOREIGN KEY (tenant_id, isin) REFERENCES unwind.instruments(tenant_id, isin),
  constraint prices_currency CHECK (currency = 'EUR'::text),
  constraint prices_positive CHECK (price > 0::numeric AND scale(price) <= 12)
);

create table unwind.rates (
  tenant_id uuid not null,
  currency text not null,
  as_of timestamp with time zone not null,
  rate numeric not null,
  updated_at timestamp with time zone not null,
  constraint rates_pkey PRIMARY KEY (tenant_id, currency, as_of),
  constraint rates_tenant FOREIGN KEY (tenant_id) REFERENCES unwind.tenants(tenant_id),
  constraint rates_currency CHECK (currency ~ '^[A-Z]{3}$'::text AND currency <> 'EUR'::text),
  constraint rates_positive CHECK (rate > 0::numeric AND scale(rate) <= 12)
);

create table unwind.reservation_duty (
  only_row boolean default true not null,
  began_at timestamp with time zone not null,
  ended_at timestamp with time zone,
  constraint reservation_duty_pkey PRIMARY KEY (only_row),
  constraint reservation_duty_only_row CHECK (only_row)
);

create table unwind.reservation_positions (
  tenant_id uuid not null,
  reservation_id uuid not null,
  isin text not null,
  quantity numeric not null,
  granted numeric,
  reason text,
  constraint reservation_positions_pkey PRIMARY KEY (tenant_id, reservation_id, isin),
  constraint reservation_positions_reservation FOREIGN KEY (tenant_id, reservation_id) REFERENCES unwind.reservations(tenant_id, reservation_id),
  constraint reservation_positions_granted CHECK (granted >= 0::numeric AND granted <= quantity),
  constraint reservation_positions_reason_length CHECK (length(reason) >= 1 AND length(reason) <= 200)
);

create table unwind.reservations (
  tenant_id uuid not null,
  reservation_id uuid not null,
  liquidation_id uuid not null,
  account_id uuid not null,
  number integer not null,
  status text not null,
  round integer,
  lease_holder uuid,
  lease_epoch integer default 0 not null,
  lease_expires_at timestamp with time zone,
  tries integer default 0 not null,
  next_at timestamp with time zone,
  last_outcome text,
  report integer default 0 not null,
  created_at timestamp with time zone not null,
  answered_at timestamp with time zone,
  closed_at timestamp with time zone,
  reported_at timestamp with time zone,
  constraint reservations_pkey PRIMARY KEY (tenant_id, reservation_id),
  constraint reservations_number_once UNIQUE (tenant_id, liquidation_id, number),
  constraint reservations_liquidation FOREIGN KEY (tenant_id, liquidation_id) REFERENCES unwind.liquidations(tenant_id, liquidation_id),
  constraint reservations_answered CHECK (status <> 'ANSWERED'::text OR answered_at IS NOT NULL AND next_at IS NULL),
  constraint reservations_asking CHECK ((status = 'ASKING'::text) <= (next_at IS NOT NULL AND answered_at IS NULL)),
  constraint reservations_closed CHECK ((status = 'CLOSED'::text) = (closed_at IS NOT NULL)),
  constraint reservations_lease CHECK ((lease_holder IS NULL) = (lease_expires_at IS NULL)),
  constraint reservations_outcome_length CHECK (length(last_outcome) >= 1 AND length(last_outcome) <= 500),
  constraint reservations_status CHECK (status = ANY (ARRAY['ASKING'::text, 'ANSWERED'::text, 'CLOSED'::text])),
  constraint reservations_used CHECK (round IS NULL OR answered_at IS NOT NULL)
);
CREATE INDEX reservations_due ON unwind.reservations USING btree (tenant_id, next_at) WHERE (next_at IS NOT NULL);
CREATE TRIGGER reservations_transitions AFTER UPDATE OF status ON unwind.reservations FOR EACH ROW WHEN (old.status <> new.status AND (old.status <> 'ASKING'::text OR new.status <> 'ANSWERED'::text) AND (old.status <> 'ASKING'::text OR new.status <> 'CLOSED'::text) AND (old.status <> 'ANSWERED'::text OR new.status <> 'CLOSED'::text)) EXECUTE FUNCTION unwind.refuse_transition();

create table unwind.seals (
  tenant_id uuid not null,
  number bigint not null,
  sealed_at timestamp with time zone not null,
  previous bytea not null,
  snapshot pg_snapshot not null,
  first_order bigint not null,
  last_order bigint not null,
  act_ids uuid[] not null,
  act_hashes bytea not null,
  record_ids uuid[] not null,
  record_hashes bytea not null,
  hash bytea not null,
  constraint seals_pkey PRIMARY KEY (tenant_id, number),
  constraint seals_form CHECK (number > 0 AND length(previous) = 32 AND length(hash) = 32 AND length(act_hashes) = (32 * cardinality(act_ids)) AND length(record_hashes) = (32 * cardinality(record_ids)) AND (cardinality(act_ids) + cardinality(record_ids)) > 0)
);

create table unwind.signature_replays (
  tenant_id uuid not null,
  base_sha256 bytea not null,
  expires_at timestamp with time zone not null,
  constraint signature_replays_pkey PRIMARY KEY (tenant_id, base_sha256),
  constraint signature_replays_is_sha256 CHECK (length(base_sha256) = 32)
);
CREATE INDEX signature_replays_expiry ON unwind.signature_replays USING btree (expires_at);

create table unwind.signing_keys (
  tenant_id uuid not null,
  key_id uuid not null,
  algorithm text not null,
  public_jwk text not null,
  private_key_sealed bytea not null,
  created_at timestamp with time zone not null,
  signs_from timestamp with time zone not null,
  ends_at timestamp with time zone,
  constraint signing_keys_pkey PRIMARY KEY (tenant_id, key_id),
  constraint signing_keys_tenant FOREIGN KEY (tenant_id) REFERENCES unwind.tenants(tenant_id),
  constraint signing_keys_algorithm CHECK (algorithm = ANY (ARRAY['ecdsa-p521'::text, 'ed25519'::text])),
  constraint signing_keys_end CHECK (ends_at >= signs_from)
);
CREATE UNIQUE INDEX signing_keys_one_last ON unwind.signing_keys USING btree (tenant_id, algorithm) WHERE (ends_at IS NULL);

create table unwind.submissions (
  tenant_id uuid not null,
  client_order_id text not null,
  order_id uuid not null,
  liquidation_id uuid not null,
  venue text not null,
  quantity numeric not null,
  status text not null,
  lease_holder uuid,
  lease_epoch integer not null,
  lease_expires_at timestamp with time zone,
  sent_at timestamp with time zone not null,
  venue_order_id text,
  executed_quantity numeric default 0 not null,
  busted_quantity numeric default 0 not null,
  final_quantity numeric,
  outcome text,
  reason text,
  updated_at timestamp with time zone not null,
  halt_cancel_at timestamp with time zone,
  day_price numeric,
  constraint submissions_pkey PRIMARY KEY (tenant_id, client_order_id),
  constraint submissions_order FOREIGN KEY (tenant_id, order_id) REFERENCES unwind.orders(tenant_id, order_id),
  constraint submissions_busted CHECK (busted_quantity >= 0::numeric),
  constraint submissions_done_adds_up CHECK (status <> 'DONE'::text OR outcome IS NOT NULL AND (executed_quantity + busted_quantity) >= final_quantity),
  constraint submissions_executed CHECK (executed_quantity >= 0::numeric AND executed_quantity <= quantity),
  constraint submissions_final CHECK ((outcome IS NULL) = (final_quantity IS NULL)),
  constraint submissions_id_length CHECK (length(client_order_id) >= 1 AND length(client_order_id) <= 20),
  constraint submissions_leased_exactly_when_sending CHECK ((status = 'SENDING'::text) = (lease_holder IS NOT NULL) AND (status = 'SENDING'::text) = (lease_expires_at IS NOT NULL)),
  constraint submissions_outcome CHECK (outcome IS NULL OR (outcome = ANY (ARRAY['filled'::text, 'cancelled'::text, 'rejected'::text, 'suspended'::text]))),
  constraint submissions_quantity CHECK (quantity > 0::numeric),
  constraint submissions_status CHECK (status = ANY (ARRAY['SENDING'::text, 'WORKING'::text, 'DONE'::text]))
) with (fillfactor=70);
CREATE INDEX submissions_in_flight ON unwind.submissions USING btree (venue) WHERE (status <> 'DONE'::text);
CREATE INDEX submissions_leased ON unwind.submissions USING btree (tenant_id, lease_expires_at) WHERE (status = 'SENDING'::text);
CREATE INDEX submissions_of_day ON unwind.submissions USING btree (tenant_id, sent_at) WHERE (day_price IS NOT NULL);
CREATE INDEX submissions_of_order ON unwind.submissions USING btree (tenant_id, order_id);
CREATE INDEX submissions_rejected ON unwind.submissions USING btree (tenant_id, venue, updated_at) WHERE (outcome = 'rejected'::text);
CREATE TRIGGER submissions_transitions AFTER UPDATE OF status ON unwind.submissions FOR EACH ROW WHEN (old.status <> new.status AND (old.status <> 'SENDING'::text OR new.status <> 'WORKING'::text) AND (old.status <> 'SENDING'::text OR new.status <> 'DONE'::text) AND (old.status <> 'WORKING'::text OR new.status <> 'DONE'::text)) EXECUTE FUNCTION unwind.refuse_transition();

create table unwind.tenants (
  tenant_id uuid not null,
  name text not null,
  secret_hash bytea not null,
  scopes text[] not null,
  signature_policy text not null,
  created_at timestamp with time zone not null,
  disabled_at timestamp with time zone,
  old_secret_hash bytea,
  old_secret_ends_at timestamp with time zone,
  contract text default '2023'::text not null,
  certificates bytea[] default '{}'::bytea[] not null,
  networks text[] default '{}'::text[] not null,
  constraint tenants_pkey PRIMARY KEY (tenant_id),
  constraint tenants_certificates_few CHECK (cardinality(certificates) <= 10),
  constraint tenants_contract CHECK (contract = ANY (ARRAY['2023'::text, '2026'::text])),
  constraint tenants_name_length CHECK (length(name) >= 1 AND length(name) <= 100),
  constraint tenants_networks_few CHECK (cardinality(networks) <= 50),
  constraint tenants_old_secret_ends CHECK ((old_secret_hash IS NULL) = (old_secret_ends_at IS NULL)),
  constraint tenants_old_secret_hash_is_sha256 CHECK (length(old_secret_hash) = 32),
  constraint tenants_secret_hash_is_sha256 CHECK (length(secret_hash) = 32),
  constraint tenants_signature_policy CHECK (signature_policy = ANY (ARRAY['strict'::text, 'compatible'::text]))
);
CREATE TRIGGER tenants_no_test_scopes_in_live BEFORE INSERT OR UPDATE OF scopes ON unwind.tenants FOR EACH ROW EXECUTE FUNCTION unwind.refuse_test_scopes();

create table unwind.trading (
  only_row boolean default true not null,
  venues text[] not null,
  currencies text[] not null,
  rate_age_max interval not null,
  recorded_at timestamp with time zone not null,
  constraint trading_pkey PRIMARY KEY (only_row),
  constraint trading_only_row CHECK (only_row),
  constraint trading_venues CHECK (cardinality(venues) >= 1 AND cardinality(venues) <= 20 AND cardinality(currencies) = cardinality(venues))
);

create table unwind.trail_chain (
  only_row boolean default true not null,
  chain_id uuid default gen_random_uuid() not null,
  began_at timestamp with time zone default now() not null,
  order_offset bigint default 0 not null,
  constraint trail_chain_pkey PRIMARY KEY (only_row),
  constraint trail_chain_only_row CHECK (only_row)
);

create table unwind.trail_records (
  tenant_id uuid not null,
  commit_order bigint not null,
  record_id uuid not null,
  kind text not null,
  ids uuid[] not null,
  hashes bytea not null,
  constraint trail_records_pkey PRIMARY KEY (tenant_id, commit_order, record_id),
  constraint trail_records_form CHECK ((kind = ANY (ARRAY['movement/1'::text, 'execution/1'::text])) AND length(hashes) = (32 * cardinality(ids)))
);

create table unwind.tunnel_requests (
  tenant_id uuid not null,
  tunnel_id uuid not null,
  request_id uuid not null,
  headers text not null,
  body text not null,
  bytes integer not null,
  received_at timestamp with time zone not null,
  constraint tunnel_requests_pkey PRIMARY KEY (tenant_id, tunnel_id, request_id),
  constraint tunnel_requests_tunnel FOREIGN KEY (tenant_id, tunnel_id) REFERENCES unwind.tunnels(tenant_id, tunnel_id) ON DELETE CASCADE,
  constraint tunnel_requests_bytes CHECK (bytes >= 0)
);

create table unwind.tunnels (
  tenant_id uuid not null,
  tunnel_id uuid not null,
  created_at timestamp with time zone not null,
  polled_at timestamp with time zone not null,
  constraint tunnels_pkey PRIMARY KEY (tenant_id, tunnel_id),
  constraint tunnels_tenant FOREIGN KEY (tenant_id) REFERENCES unwind.tenants(tenant_id)
);

create table unwind.users (
  tenant_id uuid not null,
  user_id uuid not null,
  created_at timestamp with time zone not null,
  profile text,
  status text default 'ACTIVE'::text not null,
  updated_at timestamp with time zone,
  constraint users_pkey PRIMARY KEY (tenant_id, user_id),
  constraint users_tenant FOREIGN KEY (tenant_id) REFERENCES unwind.tenants(tenant_id),
  constraint users_profile_size CHECK (octet_length(profile) <= 32768),
  constraint users_status CHECK (status = ANY (ARRAY['ACTIVE'::text, 'INACTIVE'::text, 'OFFBOARDING'::text, 'OFFBOARDED'::text]))
);
CREATE INDEX users_by_creation ON unwind.users USING btree (tenant_id, created_at, user_id);

create table unwind.venue_cursors (
  venue text not null,
  "position" bigint not null,
  constraint venue_cursors_pkey PRIMARY KEY (venue)
);

create table unwind.venue_halts (
  venue text not null,
  isin text not null,
  halted_at timestamp with time zone not null,
  constraint venue_halts_pkey PRIMARY KEY (venue, isin)
);

create table unwind.venue_holidays (
  venue text not null,
  day date not null,
  closes time without time zone,
  name text not null,
  constraint venue_holidays_pkey PRIMARY KEY (venue, day),
  constraint venue_holidays_venue FOREIGN KEY (venue) REFERENCES unwind.venues(venue) ON DELETE CASCADE
);

create table unwind.venue_hours (
  venue text not null,
  weekday smallint not null,
  opens time without time zone not null,
  closes time without time zone not null,
  constraint venue_hours_pkey PRIMARY KEY (venue, weekday, opens),
  constraint venue_hours_venue FOREIGN KEY (venue) REFERENCES unwind.venues(venue) ON DELETE CASCADE,
  constraint venue_hours_order CHECK (opens < closes),
  constraint venue_hours_weekday CHECK (weekday >= 1 AND weekday <= 7)
);

create table unwind.venue_reports (
  tenant_id uuid not null,
  venue text not null,
  report_id text not null,
  client_order_id text not null,
  type text not null,
  venue_execution_id text,
  last_quantity numeric,
  last_price numeric,
  cumulative_quantity numeric not null,
  reason text,
  transaction_at timestamp with time zone not null,
  received_at timestamp with time zone not null,
  parked_reason text,
  currency text,
  constraint venue_reports_pkey PRIMARY KEY (tenant_id, venue, report_id),
  constraint venue_reports_execution CHECK ((type = ANY (ARRAY['trade'::text, 'filled'::text, 'bust'::text])) = (venue_execution_id IS NOT NULL)),
  constraint venue_reports_trade CHECK ((type = ANY (ARRAY['trade'::text, 'filled'::text])) = (last_quantity IS NOT NULL) AND (last_quantity IS NULL) = (last_price IS NULL)),
  constraint venue_reports_type CHECK (type = ANY (ARRAY['trade'::text, 'filled'::text, 'cancelled'::text, 'rejected'::text, 'suspended'::text, 'bust'::text]))
);
CREATE INDEX venue_reports_parked ON unwind.venue_reports USING btree (tenant_id) WHERE (parked_reason IS NOT NULL);
CREATE INDEX venue_reports_to_apply ON unwind.venue_reports USING btree (tenant_id, received_at, report_id) WHERE (parked_reason IS NULL);

create table unwind.venues (
  venue text not null,
  time_zone text default 'UTC'::text not null,
  status text,
  settlement_days smallint,
  constraint venues_pkey PRIMARY KEY (venue),
  constraint venues_mic CHECK (venue ~ '^[A-Z0-9]{4}$'::text),
  constraint venues_settlement_days CHECK (settlement_days >= 0 AND settlement_days <= 10),
  constraint venues_status CHECK (status = ANY (ARRAY['open'::text, 'closed'::text]))
);

create table unwind.webhook_defaults (
  tenant_id uuid not null,
  max_package_size integer not null,
  constraint webhook_defaults_pkey PRIMARY KEY (tenant_id),
  constraint webhook_defaults_tenant FOREIGN KEY (tenant_id) REFERENCES unwind.tenants(tenant_id),
  constraint webhook_defaults_max_package_size CHECK (max_package_size >= 100 AND max_package_size <= 1048576)
);

create table unwind.webhook_faults (
  tenant_id uuid not null,
  webhook_id uuid not null,
  since timestamp with time zone not null,
  ends_at timestamp with time zone not null,
  late_s integer,
  burst_s integer,
  silent_until timestamp with time zone,
  twice boolean not null,
  signature text,
  stall_s integer,
  one_in integer not null,
  answered_as integer,
  constraint webhook_faults_pkey PRIMARY KEY (tenant_id, webhook_id),
  constraint webhook_faults_delivery FOREIGN KEY (tenant_id, webhook_id) REFERENCES unwind.deliveries(tenant_id, webhook_id) ON DELETE CASCADE,
  constraint webhook_faults_answered_as CHECK (answered_as >= 500 AND answered_as <= 599),
  constraint webhook_faults_burst CHECK (burst_s >= 1 AND burst_s <= 3600),
  constraint webhook_faults_end CHECK (ends_at > since),
  constraint webhook_faults_late CHECK (late_s >= 1 AND late_s <= 3600),
  constraint webhook_faults_one_in CHECK (one_in >= 1 AND one_in <= 1000),
  constraint webhook_faults_signature CHECK (signature = ANY (ARRAY['wrong'::text, 'old_key'::text])),
  constraint webhook_faults_silent CHECK (silent_until <= ends_at),
  constraint webhook_faults_stall CHECK (stall_s >= 1 AND stall_s <= 60)
);

create table unwind.webhooks (
  tenant_id uuid not null,
  webhook_id uuid not null,
  title text not null,
  url text not null,
  enabled boolean not null,
  types text[] not null,
  excluded_types text[] default '{}'::text[] not null,
  delay_s integer,
  max_package_size integer,
  signature_version text not null,
  signature_algorithm text not null,
  standard_headers boolean default false not null,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  constraint webhooks_pkey PRIMARY KEY (tenant_id, webhook_id),
  constraint webhooks_tenant FOREIGN KEY (tenant_id) REFERENCES unwind.tenants(tenant_id),
  constraint webhooks_delay CHECK (delay_s >= 1 AND delay_s <= 30),
  constraint webhooks_excluded_types CHECK (cardinality(excluded_types) = 0 OR ('ALL'::text = ANY (types)) AND NOT ('ALL'::text = ANY (excluded_types))),
  constraint webhooks_max_package_size CHECK (max_package_size >= 100 AND max_package_size <= 1048576),
  constraint webhooks_signature CHECK ((signature_version = ANY (ARRAY['6'::text, '15'::text, '9421'::text])) AND (signature_algorithm = ANY (ARRAY['ecdsa-p521'::text, 'ed25519'::text])) AND NOT (signature_version = '9421'::text AND signature_algorithm = 'ecdsa-p521'::text)),
  constraint webhooks_title_length CHECK (length(title) >= 1 AND length(title) <= 100),
  constraint webhooks_url_length CHECK (length(url) >= 1 AND length(url) <= 1000)
);
CREATE INDEX webhooks_enabled ON unwind.webhooks USING btree (tenant_id) WHERE enabled;

CREATE OR REPLACE FUNCTION unwind.account_object(the_account uuid, the_user uuid, the_status text, the_type text, the_name text, the_number integer, was_created_at timestamp with time zone, was_updated_at timestamp with time zone)
 RETURNS text
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN concat('{"account_group_id":"', the_user, '","account_number":', the_number, ',"created_at":"', unwind.instant(was_created_at), '","id":"', the_account, '","name":', (to_json(the_name))::text, ',"status":"', the_status, '","type":"', the_type, '","updated_at":"', unwind.instant(was_updated_at), '","users":[{"id":"', the_user, '","type":"OWNER"}]}');

CREATE OR REPLACE FUNCTION unwind.account_object(the_account uuid, the_user uuid, the_status text, was_created_at timestamp with time zone, was_updated_at timestamp with time zone)
 RETURNS text
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN concat('{"account_group_id":"', the_user, '","account_number":1,"created_at":"', unwind.instant(was_created_at), '","id":"', the_account, '","name":"Account","status":"', the_status, '","type":"TRADING","updated_at":"', unwind.instant(was_updated_at), '","users":[{"id":"', the_user, '","type":"OWNER"}]}');

CREATE OR REPLACE FUNCTION unwind.cancelled_by(order_ended_at timestamp with time zone, stop_asked_at timestamp with time zone, stop_reason text)
 RETURNS text
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN CASE WHEN ((stop_asked_at IS NULL) OR (order_ended_at < stop_asked_at)) THEN 'CANCELLED_BY_TRADING_PARTNER'::text WHEN (stop_reason = 'abandoned'::text) THEN 'CANCELLED_BY_UPVEST_OPERATIONS'::text ELSE 'CANCELLED_BY_UPVEST_PLATFORM'::text END;

CREATE OR REPLACE FUNCTION unwind.day_begins(the_venue text, the_day date)
 RETURNS timestamp with time zone
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN ((the_day)::timestamp without time zone AT TIME ZONE COALESCE((SELECT v.time_zone FROM unwind.venues v WHERE (v.venue = day_begins.the_venue)), 'UTC'::text));

CREATE OR REPLACE FUNCTION unwind.execution_object(the_execution uuid, the_order uuid, quantity numeric, price numeric, proceeds numeric, was_executed_at timestamp with time zone, was_busted_at timestamp with time zone)
 RETURNS text
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN concat('{"cash_amount":"', round(proceeds, 2), '","currency":"EUR","id":"', the_execution, '","order_id":"', the_order, '","price":"', trim_scale(price), '","share_quantity":"', trim_scale(quantity), '","side":"SELL","status":"', CASE WHEN (was_busted_at IS NULL) THEN 'FILLED'::text ELSE 'CANCELLED'::text END, '","taxes":[],"transaction_time":"', unwind.instant(was_executed_at), '"}');

CREATE OR REPLACE FUNCTION unwind.execution_object(the_execution uuid, the_order uuid, quantity numeric, price numeric, proceeds numeric, was_executed_at timestamp with time zone, was_busted_at timestamp with time zone, settles_on date)
 RETURNS text
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN concat('{"cash_amount":"', round(proceeds, 2), '","currency":"EUR","id":"', the_execution, '","order_id":"', the_order, '","price":"', trim_scale(price), CASE WHEN (settles_on IS NOT NULL) THEN concat('","settlement_date":"', settles_on) ELSE NULL::text END, '","share_quantity":"', trim_scale(quantity), '","side":"SELL","status":"', CASE WHEN (was_busted_at IS NULL) THEN 'FILLED'::text ELSE 'CANCELLED'::text END, '","taxes":[],"transaction_time":"', unwind.instant(was_executed_at), '"}');

CREATE OR REPLACE FUNCTION unwind.first_id_at(at timestamp with time zone)
 RETURNS uuid
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN ((lpad(to_hex(((EXTRACT(epoch FROM at) * (1000)::numeric))::bigint), 12, '0'::text) || repeat('0'::text, 20)))::uuid;

CREATE OR REPLACE FUNCTION unwind.has_rate(the_tenant uuid, the_currency text, at timestamp with time zone, age_max interval)
 RETURNS boolean
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN (EXISTS (SELECT FROM unwind.rates r WHERE ((r.tenant_id = has_rate.the_tenant) AND (r.currency = has_rate.the_currency) AND ((r.as_of >= (has_rate.at - has_rate.age_max)) AND (r.as_of <= has_rate.at)))));

CREATE OR REPLACE FUNCTION unwind.in_lots(quantity numeric, fractional boolean, lot_size numeric)
 RETURNS numeric
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN (lot_size IS NULL) THEN unwind.sellable(quantity, fractional) ELSE (quantity - mod(quantity, CASE WHEN fractional THEN lot_size ELSE GREATEST(lot_size, (1)::numeric) END)) END;

CREATE OR REPLACE FUNCTION unwind.indicative_values(the_tenant uuid, the_account uuid, the_liquidation uuid)
 RETURNS TABLE(value numeric)
 LANGUAGE sql
 STABLE PARALLEL SAFE
BEGIN ATOMIC
 SELECT COALESCE(sum(unwind.to_cents((r.price * unwind.sellable(p.quantity, i.fractional)))), (0)::numeric) AS "coalesce"
    FROM ((unwind.positions p
      JOIN unwind.instruments i ON (((i.tenant_id = p.tenant_id) AND (i.isin = p.isin))))
      JOIN unwind.prices r ON (((r.tenant_id = p.tenant_id) AND (r.isin = p.isin))))
   WHERE ((p.tenant_id = indicative_values.the_tenant) AND (p.account_id = indicative_values.the_account) AND (p.quantity > (0)::numeric) AND (NOT (EXISTS ( SELECT
            FROM unwind.orders o
           WHERE ((o.tenant_id = indicative_values.the_tenant) AND (o.liquidation_id = indicative_values.the_liquidation) AND (o.isin = p.isin) AND (o.status = 'CANCELLED'::text))))));
END;

CREATE OR REPLACE FUNCTION unwind.instant(at timestamp with time zone)
 RETURNS text
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN to_char((at AT TIME ZONE 'UTC'::text), 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'::text);

CREATE OR REPLACE FUNCTION unwind.instrument_id(isin text)
 RETURNS uuid
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN (SELECT (encode(set_byte(set_byte(d.digest, 6, ((get_byte(d.digest, 6) & 15) | 128)), 8, ((get_byte(d.digest, 8) & 63) | 128)), 'hex'::text))::uuid AS encode FROM (SELECT SUBSTRING(sha256(('\x7891729857ae409285eecfa8447349dd'::bytea || convert_to(instrument_id.isin, 'UTF8'::name))) FROM 1 FOR 16) AS digest) d);

CREATE OR REPLACE FUNCTION unwind.instrument_object(the_instrument uuid, the_isin text, the_name text, is_fractional boolean, the_trading_status text, was_created_at timestamp with time zone, was_updated_at timestamp with time zone)
 RETURNS text
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN concat('{"created_at":"', unwind.instant(was_created_at), '","fractional_trading":', (is_fractional)::text, ',"id":"', the_instrument, '","isin":"', the_isin, '","name":', to_json("left"(the_name, 100)), ',"trading_status":"', the_trading_status, '","updated_at":"', unwind.instant(was_updated_at), '"}');

CREATE OR REPLACE FUNCTION unwind.liquidation_objects(the_tenant uuid, the_liquidation uuid, the_account uuid, the_user uuid, the_contract text, the_status text, the_cash_amount numeric, was_created_at timestamp with time zone, was_updated_at timestamp with time zone)
 RETURNS TABLE(object text)
 LANGUAGE sql
 STABLE PARALLEL SAFE
BEGIN ATOMIC
 SELECT concat('{"account_id":"', liquidation_objects.the_account,
         CASE
             WHEN (liquidation_objects.the_contract = '2026'::text) THEN '","business_id":null,"cash_amount":"'::text
             ELSE '","cash_amount":"'::text
         END, round(liquidation_objects.the_cash_amount, 2), '","created_at":"', unwind.instant(liquidation_objects.was_created_at), '","currency":"EUR",',
         CASE
             WHEN (liquidation_objects.the_contract = '2026'::text) THEN '"fee_collection_id":null,'::text
             ELSE NULL::text
         END, '"id":"', liquidation_objects.the_liquidation, '","orders":[', string_agg(concat('{"id":"', o.order_id, '","side":"SELL","status":"', o.status, '"}'), ','::text ORDER BY o.order_id), '],"status":"', liquidation_objects.the_status, '","updated_at":"', unwind.instant(GREATEST(liquidation_objects.was_updated_at, max(o.status_at))), '","user_id":"', liquidation_objects.the_user, '"}') AS concat
    FROM unwind.orders o
   WHERE ((o.tenant_id = liquidation_objects.the_tenant) AND (o.liquidation_id = liquidation_objects.the_liquidation));
END;

CREATE OR REPLACE FUNCTION unwind.liquidation_objects(the_tenant uuid, the_liquidation uuid, the_account uuid, the_user uuid, the_status text, the_cash_amount numeric, was_created_at timestamp with time zone, was_updated_at timestamp with time zone)
 RETURNS TABLE(object text)
 LANGUAGE sql
 STABLE PARALLEL SAFE
BEGIN ATOMIC
 SELECT concat('{"account_id":"', liquidation_objects.the_account, '","cash_amount":"', round(liquidation_objects.the_cash_amount, 2), '","created_at":"', unwind.instant(liquidation_objects.was_created_at), '","currency":"EUR","id":"', liquidation_objects.the_liquidation, '","orders":[', string_agg(concat('{"id":"', o.order_id, '","side":"SELL","status":"', o.status, '"}'), ','::text ORDER BY o.order_id), '],"status":"', liquidation_objects.the_status, '","updated_at":"', unwind.instant(GREATEST(liquidation_objects.was_updated_at, max(o.status_at))), '","user_id":"', liquidation_objects.the_user, '"}') AS concat
    FROM unwind.orders o
   WHERE ((o.tenant_id = liquidation_objects.the_tenant) AND (o.liquidation_id = liquidation_objects.the_liquidation));
END;

CREATE OR REPLACE FUNCTION unwind.make_event_part(month date)
 RETURNS boolean
 LANGUAGE plpgsql
AS $function$
declare
  part text := concat('events_', to_char(month, 'YYYY_MM'));
  first_id uuid := unwind.first_id_at(month::timestamp at time zone 'UTC');
  next_id uuid := unwind.first_id_at((month + interval '1 month')::timestamp at time zone 'UTC');
begin
  insert into unwind.event_parts (name, from_id, to_id)
  values (part, first_id, next_id)
  on conflict (name) do nothing;
  if not found then
    return false;
  end if;
  execute format(
    'create table unwind.%I (like unwind.events including defaults including constraints)'
      ' with (fillfactor = 100, autovacuum_freeze_min_age = 0)',
    part
  );
  execute format(
    'alter table unwind.events attach partition unwind.%I for values from (%L) to (%L)',
    part, first_id, next_id
  );
  return true;
end
$function$;

CREATE OR REPLACE FUNCTION unwind.market_time(wall timestamp with time zone)
 RETURNS timestamp with time zone
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN (wall + (SELECT ((c.offset_ms)::double precision * '00:00:00.001'::interval) FROM unwind.market_clock c));

CREATE OR REPLACE FUNCTION unwind.next_changes(the_tenant uuid, the_liquidation uuid, last_changed_at timestamp with time zone, now timestamp with time zone)
 RETURNS TABLE(at timestamp with time zone)
 LANGUAGE sql
 STABLE PARALLEL SAFE
BEGIN ATOMIC
 SELECT GREATEST(next_changes.now, (next_changes.last_changed_at + '00:00:00.001'::interval), (max(o.status_at) + '00:00:00.001'::interval)) AS "greatest"
    FROM unwind.orders o
   WHERE ((o.tenant_id = next_changes.the_tenant) AND (o.liquidation_id = next_changes.the_liquidation));
END;

CREATE OR REPLACE FUNCTION unwind.order_object(the_tenant uuid, the_order uuid)
 RETURNS text
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN (SELECT concat('{"account_id":"', o.account_id, CASE WHEN (o.status = 'CANCELLED'::text) THEN ('","cancellation_reason":"'::text || unwind.cancelled_by(o.ended_at, l.stop_asked_at, l.stop_reason)) ELSE NULL::text END, '","cash_amount":"0","client_reference":"', o.liquidation_id, '","created_at":"', unwind.instant(o.created_at), '","currency":"EUR","execution_flow":"STRAIGHT_THROUGH","executions":[', (SELECT string_agg(unwind.execution_object(e.execution_id, e.order_id, e.quantity, (e.price * COALESCE(e.rate, (1)::numeric)), e.proceeds, e.executed_at, e.busted_at, CASE WHEN (l.contract = '2026'::text) THEN e.settlement_date ELSE NULL::date END), ','::text ORDER BY e.execution_id) AS string_agg FROM (SELECT e_1.tenant_id, e_1.execution_id, e_1.venue, e_1.venue_execution_id, e_1.client_order_id, e_1.order_id, e_1.liquidation_id, e_1.account_id, e_1.isin, e_1.quantity, e_1.price, e_1.proceeds, e_1.executed_at, e_1.recorded_at, e_1.busted_at, e_1.currency, e_1.rate, e_1.rate_as_of, e_1.settlement_date FROM unwind.executions e_1 WHERE ((e_1.tenant_id = o.tenant_id) AND (e_1.order_id = o.order_id)) ORDER BY e_1.execution_id LIMIT 5000) e), '],"fee":"0","id":"', o.order_id, '","initiation_flow":"ACCOUNT_LIQUIDATION","instrument_id":"', o.isin, '","instrument_id_type":"ISIN","limit_price":"","order_type":"MARKET","quantity":"', trim_scale(o.quantity), '","side":"SELL","status":"', o.status, '","stop_price":"","updated_at":"', unwind.instant(GREATEST(o.updated_at, o.status_at)), '","user_id":"', l.user_id, '"}') AS concat FROM (unwind.orders o JOIN unwind.liquidations l ON (((l.tenant_id = o.tenant_id) AND (l.liquidation_id = o.liquidation_id)))) WHERE ((o.tenant_id = order_object.the_tenant) AND (o.order_id = order_object.the_order)));

CREATE OR REPLACE FUNCTION unwind.position_object(the_account uuid, the_isin text, quantity numeric, locked numeric, reserved numeric)
 RETURNS text
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN concat('{"account_id":"', the_account, '","available_for_trading":"', trim_scale(((quantity - locked) - reserved)), '","instrument":{"isin":"', the_isin, '","uuid":"', unwind.instrument_id(the_isin), '"},"locked_for_trading":"', trim_scale(reserved), '","pending_settlement":"0","quantity":"', trim_scale(quantity), '"}');

CREATE OR REPLACE FUNCTION unwind.refuse_test_scopes()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if 'tests:admin' = any (new.scopes)
    and exists (select from unwind.database_mode where mode = 'live')
  then
    raise exception 'tests:admin is a scope of sandboxes, and this database is live'
      using errcode = 'check_violation', constraint = 'tenants_no_test_scopes_in_live';
  end if;
  return new;
end
$function$;

CREATE OR REPLACE FUNCTION unwind.refuse_transition()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  raise exception using
    errcode = 'check_violation',
    schema = tg_table_schema,
    table = tg_table_name,
    constraint = tg_name,
    message = format('a row of %I cannot go from %s to %s', tg_table_name, old.status, new.status);
end $function$;

CREATE OR REPLACE FUNCTION unwind.routes(the_tenant uuid, the_isin text, the_venues text[])
 RETURNS TABLE(venue text, symbol text, currency text, lot_size numeric)
 LANGUAGE sql
 STABLE PARALLEL SAFE
BEGIN ATOMIC
 SELECT COALESCE(l.mic,
         CASE
             WHEN ((cardinality(routes.the_venues) = 1) AND (NOT k.is_listed)) THEN (routes.the_venues)[1]
             ELSE NULL::text
         END) AS "coalesce",
     NULLIF(l.symbol, ''::text) AS "nullif",
     l.currency,
     l.lot_size
    FROM (( SELECT (EXISTS ( SELECT
                    FROM unwind.listings x
                   WHERE ((x.tenant_id = routes.the_tenant) AND (x.isin = routes.the_isin)))) AS is_listed) k
      LEFT JOIN LATERAL ( SELECT x.mic,
             x.symbol,
             x.currency,
             x.lot_size
            FROM unwind.listings x
           WHERE (k.is_listed AND (x.tenant_id = routes.the_tenant) AND (x.isin = routes.the_isin) AND (x.mic = ANY (routes.the_venues)))
           ORDER BY (array_position(routes.the_venues, x.mic))
          LIMIT 1) l ON (true));
END;

CREATE OR REPLACE FUNCTION unwind.sellable(quantity numeric, fractional boolean)
 RETURNS numeric
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN fractional THEN quantity ELSE trunc(quantity) END;

CREATE OR REPLACE FUNCTION unwind.settlement_date(the_venue text, traded_on date)
 RETURNS date
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN (SELECT CASE WHEN (c.days = 0) THEN settlement_date.traded_on ELSE COALESCE((SELECT t.day FROM (SELECT (settlement_date.traded_on + g.ahead) AS day FROM generate_series(1, 366) g(ahead)) t WHERE CASE WHEN (NOT c.has_hours) THEN (EXTRACT(isodow FROM t.day) < (6)::numeric) ELSE (EXISTS (SELECT FROM (unwind.venue_hours h LEFT JOIN unwind.venue_holidays x ON (((x.venue = h.venue) AND (x.day = t.day)))) WHERE ((h.venue = settlement_date.the_venue) AND ((h.weekday)::numeric = EXTRACT(isodow FROM t.day)) AND ((x.day IS NULL) OR (x.closes > h.opens))))) END ORDER BY t.day OFFSET (c.days - 1) LIMIT 1), (settlement_date.traded_on + 366)) END AS "coalesce" FROM (SELECT COALESCE(((SELECT v.settlement_days FROM unwind.venues v WHERE (v.venue = settlement_date.the_venue)))::integer, CASE WHEN (settlement_date.the_venue = 'XSIM'::text) THEN 0 ELSE 2 END) AS days, (EXISTS (SELECT FROM unwind.venue_hours h WHERE (h.venue = settlement_date.the_venue))) AS has_hours) c);

CREATE OR REPLACE FUNCTION unwind.settles_at(the_tenant uuid, the_liquidation uuid)
 RETURNS timestamp with time zone
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN (SELECT max(unwind.day_begins(x.venue, x.day)) AS max FROM (SELECT e.venue, max(COALESCE(e.settlement_date, unwind.settlement_date(e.venue, unwind.trade_date(e.venue, e.executed_at)))) AS day FROM (unwind.orders o JOIN unwind.executions e ON (((e.tenant_id = o.tenant_id) AND (e.order_id = o.order_id)))) WHERE ((o.tenant_id = settles_at.the_tenant) AND (o.liquidation_id = settles_at.the_liquidation) AND (e.busted_at IS NULL)) GROUP BY e.venue) x);

CREATE OR REPLACE FUNCTION unwind.to_cents(amount numeric)
 RETURNS numeric
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN ((mod((amount * (100)::numeric), (1)::numeric) = 0.5) AND (mod(trunc((amount * (100)::numeric)), (2)::numeric) = (0)::numeric)) THEN trunc(amount, 2) ELSE round(amount, 2) END;

CREATE OR REPLACE FUNCTION unwind.trade_date(the_venue text, at timestamp with time zone)
 RETURNS date
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN ((at AT TIME ZONE COALESCE((SELECT v.time_zone FROM unwind.venues v WHERE (v.venue = trade_date.the_venue)), 'UTC'::text)))::date;

CREATE OR REPLACE FUNCTION unwind.user_object(the_user uuid, the_status text, the_profile text, was_created_at timestamp with time zone, was_updated_at timestamp with time zone)
 RETURNS text
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN (SELECT concat('{', string_agg(concat('"', m.name, '":', m.value), ','::text ORDER BY (m.name COLLATE "C")), '}') AS concat FROM (SELECT e.key AS name, (e.value)::text AS value FROM json_each((user_object.the_profile)::json) e(key, value) UNION ALL SELECT k.name, concat('"', k.value, '"') AS concat FROM (VALUES ('id'::text,(user_object.the_user)::text), ('status'::text,user_object.the_status), ('created_at'::text,unwind.instant(user_object.was_created_at)), ('updated_at'::text,unwind.instant(COALESCE(user_object.was_updated_at, user_object.was_created_at)))) k(name, value)) m);

CREATE OR REPLACE FUNCTION unwind.venue_is_open(the_venue text, at timestamp with time zone)
 RETURNS boolean
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN COALESCE((SELECT (v.status = 'open'::text) FROM unwind.venues v WHERE (v.venue = venue_is_open.the_venue)), (SELECT (s.opens_at <= venue_is_open.at) FROM unwind.venue_session(venue_is_open.the_venue, venue_is_open.at) s(opens_at, closes_at)), (NOT (EXISTS (SELECT FROM unwind.venue_hours h WHERE (h.venue = venue_is_open.the_venue)))));

CREATE OR REPLACE FUNCTION unwind.venue_session(the_venue text, at timestamp with time zone)
 RETURNS TABLE(opens_at timestamp with time zone, closes_at timestamp with time zone)
 LANGUAGE sql
 STABLE PARALLEL SAFE
BEGIN ATOMIC
 SELECT s.opens_at,
     s.closes_at
    FROM (((((unwind.venues v
      CROSS JOIN LATERAL ( SELECT ((venue_session.at AT TIME ZONE v.time_zone))::date AS today) t)
      CROSS JOIN generate_series(0, 31) d(ahead))
      JOIN unwind.venue_hours h ON (((h.venue = v.venue) AND ((h.weekday)::numeric = EXTRACT(isodow FROM (t.today + d.ahead))))))
      LEFT JOIN unwind.venue_holidays x ON (((x.venue = v.venue) AND (x.day = (t.today + d.ahead)))))
      CROSS JOIN LATERAL ( SELECT (((t.today + d.ahead) + h.opens) AT TIME ZONE v.time_zone) AS opens_at,
             (((t.today + d.ahead) + LEAST(h.closes, x.closes)) AT TIME ZONE v.time_zone) AS closes_at) s)
   WHERE ((v.venue = venue_session.the_venue) AND ((x.day IS NULL) OR (x.closes > h.opens)) AND (s.closes_at > venue_session.at))
   ORDER BY s.opens_at
  LIMIT 1;
END;

CREATE OR REPLACE FUNCTION unwind.wait_reason(rank integer)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN (ARRAY['parked'::text, 'stopping'::text, 'rejected'::text, 'fraction'::text, 'odd_lot'::text, 'sent_unanswered'::text, 'inactive'::text, 'unlisted'::text, 'locked'::text, 'halted'::text, 'control'::text, 'no_rate'::text, 'venue_closed'::text, 'retrying'::text, 'release_delay'::text, 'due_later'::text, 'at_venue'::text, 'next_round'::text, 'due'::text, 'reservation'::text])[rank];

CREATE OR REPLACE FUNCTION unwind_v1.liquidation_object(the_tenant uuid, the_liquidation uuid)
 RETURNS text
 LANGUAGE sql
 STABLE PARALLEL SAFE SECURITY DEFINER
 SET search_path TO ''
RETURN (SELECT o.object FROM (unwind.liquidations l CROSS JOIN LATERAL unwind.liquidation_objects(l.tenant_id, l.liquidation_id, l.account_id, l.user_id, l.contract, l.status, l.cash_amount, l.created_at, l.updated_at) o(object)) WHERE ((l.tenant_id = liquidation_object.the_tenant) AND (l.liquidation_id = liquidation_object.the_liquidation)));

CREATE OR REPLACE FUNCTION unwind_v1.market_at()
 RETURNS timestamp with time zone
 LANGUAGE sql
 STABLE PARALLEL SAFE SECURITY DEFINER
 SET search_path TO ''
RETURN unwind.market_time(now());

CREATE OR REPLACE FUNCTION unwind_v1.venues_now()
 RETURNS TABLE(venue text, is_open boolean, opens_at timestamp with time zone)
 LANGUAGE sql
 STABLE PARALLEL SAFE SECURITY DEFINER
 SET search_path TO ''
BEGIN ATOMIC
 SELECT v.venue,
     unwind.venue_is_open(v.venue, m.at) AS venue_is_open,
         CASE
             WHEN (v.status IS NULL) THEN s.opens_at
             ELSE NULL::timestamp with time zone
         END AS "case"
    FROM ((( SELECT unwind.market_time(now()) AS at) m
      CROSS JOIN unwind.venues v)
      LEFT JOIN LATERAL unwind.venue_session(v.venue, m.at) s(opens_at, closes_at) ON (true));
END;

create view unwind.obstacles as
 SELECT DISTINCT ON (tenant_id, subject) tenant_id,
    subject,
    parked_at,
    first_at,
    retry_at,
    detail,
    rank
   FROM ( SELECT k.tenant_id,
            k.subject,
            k.parked_at,
            k.first_at,
            k.retry_at,
            concat(k.step, '/', k.subject, ': ', k.reason) AS detail,
                CASE
                    WHEN k.parked_at IS NULL THEN 14
                    ELSE 1
                END AS rank
           FROM unwind.parked k
          WHERE (k.step = ANY (ARRAY['release'::text, 'submit'::text, 'answer'::text, 'advance'::text, 'stop'::text])) AND (k.parked_at IS NOT NULL OR k.retry_at > now())
        UNION ALL
         SELECT k.tenant_id,
            r.client_order_id,
            k.parked_at,
            k.first_at,
            k.retry_at,
            concat(k.step, '/', k.subject, ': ', k.reason) AS concat,
                CASE
                    WHEN k.parked_at IS NULL THEN 14
                    ELSE 1
                END AS "case"
           FROM unwind.parked k
             JOIN unwind.venue_reports r ON r.tenant_id = k.tenant_id AND r.venue = split_part(k.subject, '/'::text, 1) AND r.report_id = substr(k.subject, strpos(k.subject, '/'::text) + 1)
          WHERE k.step = 'apply'::text AND (k.parked_at IS NOT NULL OR k.retry_at > now())
        UNION ALL
         SELECT r.tenant_id,
            r.client_order_id,
            r.received_at,
            r.received_at,
            NULL::timestamp with time zone,
            concat('report/', r.venue, '/', r.report_id, ': ', r.parked_reason) AS concat,
            1
           FROM unwind.venue_reports r
          WHERE r.parked_reason IS NOT NULL
        UNION ALL
         SELECT r.tenant_id,
            r.liquidation_id::text AS liquidation_id,
            NULL::timestamp with time zone,
            r.created_at,
            r.next_at,
            concat('reservation ', r.reservation_id, ': ', COALESCE(r.last_outcome,
                CASE
                    WHEN r.tries = 0 THEN 'no worker with UNWIND_RESERVATIONS_URL has asked yet'::text
                    ELSE 'not answered yet'::text
                END)) AS concat,
            20
           FROM unwind.reservations r
          WHERE r.status = 'ASKING'::text) b
  ORDER BY tenant_id, subject, parked_at, rank;

create view unwind.waits as
 SELECT l.tenant_id,
    l.liquidation_id,
    l.account_id,
    l.status,
    p.isin,
    p.quantity,
    c.isin IS NOT NULL AS priced,
    r.own_rank,
        CASE r.own_rank
            WHEN 1 THEN k.parked_at
            WHEN 2 THEN l.stop_asked_at
            WHEN 10 THEN g.set_at
            WHEN 14 THEN k.first_at
            WHEN 20 THEN k.first_at
            WHEN 15 THEN l.created_at
            WHEN 19 THEN COALESCE(l.advance_at, l.release_at)
            ELSE NULL::timestamp with time zone
        END AS own_since,
        CASE r.own_rank
            WHEN 14 THEN k.retry_at
            WHEN 20 THEN k.retry_at
            WHEN 15 THEN l.release_at
            WHEN 16 THEN l.advance_at
            ELSE NULL::timestamp with time zone
        END AS own_until,
        CASE r.own_rank
            WHEN 1 THEN k.detail
            WHEN 2 THEN COALESCE(l.stop_note, l.stop_reason)
            WHEN 10 THEN concat('halted by ', g.person, ': ', g.reason)
            WHEN 14 THEN k.detail
            WHEN 15 THEN
            CASE
                WHEN l.scheduled_at IS NOT NULL THEN concat('scheduled', ' for the opening of '::text || l.opening_of, ': '::text || l.schedule_reason)
                ELSE NULL::text
            END
            WHEN 20 THEN k.detail
            WHEN 16 THEN 'the liquidation is looked at again then'::text
            ELSE NULL::text
        END AS own_detail,
    r.rank,
        CASE r.rank
            WHEN 1 THEN COALESCE(ko.parked_at, ks.parked_at)
            WHEN 3 THEN o.ended_at
            WHEN 6 THEN s.sent_at
            WHEN 10 THEN COALESCE(h.halted_at, gp.set_at, g.set_at)
            WHEN 11 THEN d.stopped_at
            WHEN 14 THEN COALESCE(ko.first_at, ks.first_at)
            WHEN 16 THEN s.sent_at
            WHEN 17 THEN s.sent_at
            WHEN 19 THEN COALESCE(o.submit_at, o.updated_at, l.advance_at, l.release_at)
            WHEN 20 THEN k.first_at
            ELSE NULL::timestamp with time zone
        END AS since,
        CASE r.rank
            WHEN 13 THEN v.opens_at
            WHEN 14 THEN COALESCE(ko.retry_at, ks.retry_at)
            WHEN 16 THEN o.submit_at
            WHEN 20 THEN k.retry_at
            ELSE NULL::timestamp with time zone
        END AS until,
        CASE r.rank
            WHEN 1 THEN COALESCE(ks.detail, ko.detail)
            WHEN 3 THEN o.cancellation_reason
            WHEN 4 THEN 'only whole units of the instrument are sold'::text
            WHEN 5 THEN concat('orders at ', x.venue, ' are multiples of ', trim_scale(x.lot_size), ' units')
            WHEN 6 THEN concat('client order id ', s.client_order_id, ' at ', s.venue)
            WHEN 8 THEN
            CASE
                WHEN q.venue IS NOT NULL THEN concat('the service does not trade at ', q.venue)
                WHEN x.listed IS NULL THEN 'no listing says where it trades'::text
                ELSE concat('listed at ', x.listed, ', where the service does not trade')
            END
            WHEN 9 THEN concat(trim_scale(p.locked), ' of ', trim_scale(p.quantity), ' units are locked')
            WHEN 10 THEN
            CASE
                WHEN h.isin IS NULL THEN concat('halted by ', COALESCE(gp.person, g.person), ': ', COALESCE(gp.reason, g.reason))
                ELSE NULL::text
            END
            WHEN 11 THEN d.detail
            WHEN 12 THEN
            CASE
                WHEN y.as_of IS NULL THEN concat('there is no rate for ', u.currency)
                ELSE concat('the last rate for ', u.currency, ' is of ', unwind.instant(y.as_of))
            END
            WHEN 13 THEN
            CASE
                WHEN cardinality(t.venues) > 1 THEN concat(q.venue, ' is closed')
                ELSE NULL::text
            END
            WHEN 14 THEN COALESCE(ks.detail, ko.detail)
            WHEN 16 THEN s.reason
            WHEN 17 THEN concat('client order id ', s.client_order_id, ' at ', s.venue)
            WHEN 18 THEN 'the open orders of the liquidation have to end first'::text
            WHEN 20 THEN k.detail
            ELSE NULL::text
        END AS detail
   FROM unwind.liquidations l
     CROSS JOIN unwind_v1.market_at() m(at)
     CROSS JOIN unwind.trading t
     LEFT JOIN unwind.obstacles k ON k.tenant_id = l.tenant_id AND k.subject = l.liquidation_id::text
     LEFT JOIN unwind.positions p ON p.tenant_id = l.tenant_id AND p.account_id = l.account_id
     LEFT JOIN unwind.instruments i ON i.tenant_id = p.tenant_id AND i.isin = p.isin
     LEFT JOIN unwind.prices c ON c.tenant_id = p.tenant_id AND c.isin = p.isin
     LEFT JOIN unwind.orders o ON o.tenant_id = l.tenant_id AND o.liquidation_id = l.liquidation_id AND o.isin = p.isin AND o.status <> 'FILLED'::text
     LEFT JOIN LATERAL ( SELECT s_1.client_order_id,
            s_1.venue,
            s_1.status,
            s_1.sent_at,
            s_1.reason
           FROM unwind.submissions s_1
          WHERE s_1.tenant_id = o.tenant_id AND s_1.order_id = o.order_id AND o.status = 'PROCESSING'::text
          ORDER BY s_1.sent_at DESC, s_1.client_order_id
         LIMIT 1) s ON true
     LEFT JOIN unwind.obstacles ko ON ko.tenant_id = o.tenant_id AND ko.subject = o.order_id::text
     LEFT JOIN unwind.obstacles ks ON ks.tenant_id = o.tenant_id AND ks.subject = s.client_order_id
     LEFT JOIN LATERAL ( SELECT (array_agg(y_1.mic ORDER BY (array_position(t.venues, y_1.mic))) FILTER (WHERE y_1.mic = ANY (t.venues)))[1] AS venue,
            (array_agg(y_1.lot_size ORDER BY (array_position(t.venues, y_1.mic))) FILTER (WHERE y_1.mic = ANY (t.venues)))[1] AS lot_size,
            (array_agg(y_1.currency ORDER BY (array_position(t.venues, y_1.mic))) FILTER (WHERE y_1.mic = ANY (t.venues)))[1] AS currency,
            string_agg(y_1.mic, ', '::text ORDER BY y_1.mic) AS listed
           FROM unwind.listings y_1
          WHERE y_1.tenant_id = p.tenant_id AND y_1.isin = p.isin) x ON true
     CROSS JOIN LATERAL ( SELECT COALESCE(o.venue, x.venue,
                CASE
                    WHEN x.listed IS NULL AND cardinality(t.venues) = 1 THEN t.venues[1]
                    ELSE NULL::text
                END) AS venue) q
     LEFT JOIN unwind_v1.venues_now() v(venue, is_open, opens_at) ON v.venue = q.venue
     CROSS JOIN LATERAL ( SELECT COALESCE(
                CASE
                    WHEN o.order_id IS NOT NULL THEN o.currency
                    ELSE NULL::text
                END, x.currency, t.currencies[array_position(t.venues, q.venue)], 'EUR'::text) AS currency) u
     LEFT JOIN LATERAL ( SELECT y_1.as_of
           FROM unwind.rates y_1
          WHERE u.currency <> 'EUR'::text AND y_1.tenant_id = l.tenant_id AND y_1.currency = u.currency AND y_1.as_of <= m.at
          ORDER BY y_1.as_of DESC
         LIMIT 1) y ON true
     LEFT JOIN LATERAL ( SELECT y_1.set_at,
            y_1.person,
            y_1.reason
           FROM unwind.halts y_1
          WHERE y_1.lifted_at IS NULL AND (y_1.tenant_id = ANY (ARRAY[l.tenant_id, '00000000-0000-0000-0000-000000000000'::uuid])) AND (y_1.account_id IS NULL OR y_1.account_id = l.account_id) AND y_1.isin IS NULL AND y_1.venue IS NULL
          ORDER BY y_1.set_at
         LIMIT 1) g ON true
     LEFT JOIN LATERAL ( SELECT y_1.set_at,
            y_1.person,
            y_1.reason
           FROM unwind.halts y_1
          WHERE y_1.lifted_at IS NULL AND (y_1.tenant_id = ANY (ARRAY[l.tenant_id, '00000000-0000-0000-0000-000000000000'::uuid])) AND (y_1.account_id IS NULL OR y_1.account_id = l.account_id) AND COALESCE(y_1.isin, y_1.venue) IS NOT NULL AND (y_1.isin IS NULL OR y_1.isin = p.isin) AND (y_1.venue IS NULL OR y_1.venue = q.venue)
          ORDER BY y_1.set_at
         LIMIT 1) gp ON true
     LEFT JOIN LATERAL ( SELECT min(z.stopped_at) AS stopped_at,
            string_agg(concat(z.control, ': ', z.detail), '; '::text ORDER BY z.control) AS detail
           FROM unwind.control_stops z
          WHERE z.tenant_id = o.tenant_id AND z.order_id = o.order_id AND z.cleared_at IS NULL AND z.released_at IS NULL AND (o.submit_at IS NOT NULL OR s.status = 'SENDING'::text)) d ON true
     LEFT JOIN unwind.venue_halts h ON h.venue = q.venue AND h.isin = p.isin
     CROSS JOIN LATERAL ( SELECT
                CASE
                    WHEN k.parked_at IS NOT NULL THEN 1
                    WHEN l.stop_reason IS NOT NULL THEN 2
                    WHEN g.set_at IS NOT NULL AND l.open_orders = 0 THEN 10
                    WHEN k.rank = 20 THEN 20
                    WHEN k.retry_at IS NOT NULL THEN 14
                    WHEN l.status = 'NEW'::text AND l.release_at > m.at THEN 15
                    WHEN l.advance_at > m.at THEN 16
                    ELSE 19
                END AS own_rank,
                CASE
                    WHEN p.quantity = 0::numeric AND (o.order_id IS NULL OR o.status = 'CANCELLED'::text) THEN NULL::integer
                    WHEN p.isin IS NULL THEN NULL::integer
                    WHEN COALESCE(ko.parked_at, ks.parked_at) IS NOT NULL THEN 1
                    WHEN o.status = 'CANCELLED'::text THEN 3
                    WHEN o.order_id IS NULL AND unwind.sellable(p.quantity, i.fractional) = 0::numeric THEN 4
                    WHEN o.order_id IS NULL AND unwind.in_lots(p.quantity, i.fractional, x.lot_size) = 0::numeric THEN 5
                    WHEN s.status = 'SENDING'::text AND d.stopped_at IS NULL THEN 6
                    WHEN l.status = 'PROCESSING'::text AND o.order_id IS NULL AND i.trading_status = 'INACTIVE'::text THEN 7
                    WHEN l.status = 'PROCESSING'::text AND (q.venue IS NULL OR (q.venue <> ALL (t.venues))) THEN 8
                    WHEN l.status = 'PROCESSING'::text AND o.order_id IS NULL AND unwind.in_lots(p.quantity - p.locked - p.held, i.fractional, x.lot_size) = 0::numeric THEN 9
                    WHEN l.status = 'PROCESSING'::text AND h.isin IS NOT NULL THEN 10
                    WHEN l.status = 'PROCESSING'::text AND (g.set_at IS NOT NULL OR gp.set_at IS NOT NULL) AND (o.order_id IS NULL OR o.submit_at IS NOT NULL) THEN 10
                    WHEN d.stopped_at IS NOT NULL THEN 11
                    WHEN l.status = 'PROCESSING'::text AND (o.order_id IS NULL OR o.submit_at IS NOT NULL) AND u.currency <> 'EUR'::text AND (y.as_of IS NULL OR y.as_of < (m.at - t.rate_age_max)) THEN 12
                    WHEN NOT v.is_open AND COALESCE(v.opens_at, 'infinity'::timestamp with time zone) > COALESCE(
                    CASE l.status
                        WHEN 'NEW'::text THEN l.release_at
                        ELSE o.submit_at
                    END, '-infinity'::timestamp with time zone) THEN 13
                    WHEN COALESCE(ko.retry_at, ks.retry_at) IS NOT NULL THEN 14
                    WHEN o.submit_at > m.at THEN 16
                    WHEN s.status = 'WORKING'::text THEN 17
                    WHEN o.order_id IS NULL AND l.open_orders > 0 THEN 18
                    WHEN k.rank = 20 THEN 20
                    ELSE 19
                END AS rank) r
  WHERE l.status = ANY (ARRAY['NEW'::text, 'PROCESSING'::text]);

create view unwind_v1.accounts as
 SELECT tenant_id,
    account_id,
    user_id,
    status,
    currency
   FROM unwind.accounts a;

create view unwind_v1.acts as
 SELECT tenant_id,
    act_id,
    commit_order,
    acted_at,
    kind,
    actor,
    role,
    origin,
    operation,
    target,
    reason,
    detail,
    request_sha256,
    subject
   FROM unwind.acts a;

create view unwind_v1.approvals as
 SELECT NULLIF(tenant_id, '00000000-0000-0000-0000-000000000000'::uuid) AS tenant_id,
    approval_id,
    halt_id,
    value,
    value_max,
    reason,
    person,
    actor_kind,
    actor,
    asked_at,
    expires_at,
    decision,
    decided_at,
    decided_by,
    decided_actor_kind,
    decided_actor,
    decide_reason,
    batch_id
   FROM unwind.approvals a;

create view unwind_v1.batch_accounts as
 SELECT tenant_id,
    batch_id,
    account_id,
    number,
    user_id,
    status,
    liquidation_id,
    refusal,
    running_id,
    decided_at
   FROM unwind.batch_accounts a;

create view unwind_v1.batch_liquidations as
 SELECT tenant_id,
    batch_id,
    account_id,
    liquidation_id,
    status,
    created_at
   FROM unwind.liquidations l
  WHERE batch_id IS NOT NULL;

create view unwind_v1.batches as
 SELECT tenant_id,
    batch_id,
    status,
    reason,
    person,
    accounts,
    rate,
    in_progress_max,
    start_at,
    created_at,
    updated_at,
    started_at,
    ended_at,
    started,
    refused,
    cancelled,
    steered_at,
    steered_by,
    steer_reason,
    event_count,
    value,
    approval_id
   FROM unwind.batches b;

create view unwind_v1.blocked_accounts as
 SELECT tenant_id,
    webhook_id,
    account_id,
    acknowledged_offset,
    status,
    attempts,
    failing_since,
    next_attempt_at,
    last_outcome
   FROM unwind.blocked_accounts b;

create view unwind_v1.busts as
 SELECT tenant_id,
    venue,
    venue_execution_id,
    client_order_id,
    transaction_at,
    recorded_at
   FROM unwind.busts b;

create view unwind_v1.control_stops as
 SELECT tenant_id,
    stop_id,
    order_id,
    control,
    detail,
    stopped_at,
    cleared_at,
    released_at,
    released_by,
    release_reason
   FROM unwind.control_stops s;

create view unwind_v1.controls as
 SELECT NULLIF(tenant_id, '00000000-0000-0000-0000-000000000000'::uuid) AS tenant_id,
    controls_id,
    order_quantity_max,
    order_value_max,
    day_value_max,
    price_age_max_s,
    price_collar_percent,
    rejections_max,
    rejections_window_s,
    reason,
    person,
    set_at,
    replaced_at,
    four_eyes_max
   FROM unwind.controls c;

create view unwind_v1.corrections as
 SELECT tenant_id,
    (step || '/'::text) || subject AS parked_id,
    subject,
    reason,
    parked_at AS raised_at,
    closed_at,
    closed_by,
    closed_reason
   FROM unwind.parked p
  WHERE step = 'correction'::text;

create view unwind_v1.deliveries as
 SELECT tenant_id,
    webhook_id,
    settings_at,
    acknowledged_offset,
    blocked_count,
    attempts,
    failing_since,
    next_attempt_at,
    last_attempt_at,
    last_success_at,
    last_outcome,
    acknowledged_count,
    failed_count,
    gap_after,
    gap_up_to,
    recorded_epoch,
    replayed_epoch,
    replayed_to
   FROM unwind.deliveries d;

create view unwind_v1.delivery_attempts as
 SELECT tenant_id,
    webhook_id,
    attempt_id,
    kind,
    attempted_at,
    outcome,
    status,
    events,
    first_event_id,
    last_event_id,
    duration_ms
   FROM unwind.delivery_attempts a;

create view unwind_v1.event_heads as
 SELECT tenant_id,
    "position",
    dropped_to
   FROM unwind.event_heads h;

create view unwind_v1.event_retention as
 SELECT dropped_before
   FROM unwind.event_retention r;

create view unwind_v1.events as
 SELECT tenant_id,
    event_id,
    account_id,
    liquidation_id,
    sequence,
    number,
    type,
    object,
    created_at,
    "position",
    object_sha256
   FROM unwind.events e;

create view unwind_v1.executions as
 SELECT tenant_id,
    execution_id,
    venue,
    venue_execution_id,
    client_order_id,
    order_id,
    liquidation_id,
    account_id,
    isin,
    quantity,
    price,
    proceeds,
    currency,
    executed_at,
    recorded_at,
    busted_at,
    rate,
    rate_as_of,
    settlement_date
   FROM unwind.executions e;

create view unwind_v1.halts as
 SELECT NULLIF(tenant_id, '00000000-0000-0000-0000-000000000000'::uuid) AS tenant_id,
    halt_id,
    account_id,
    isin,
    venue,
    strength,
    reason,
    person,
    set_at,
    lifted_at,
    lifted_by,
    lift_reason,
    lift_value
   FROM unwind.halts h;

create view unwind_v1.instruments as
 SELECT tenant_id,
    isin,
    name,
    trading_status,
    fractional,
    updated_at,
    instrument_id
   FROM unwind.instruments i;

create view unwind_v1.liquidation_waits as
 SELECT DISTINCT ON (w.tenant_id, w.liquidation_id) w.tenant_id,
    w.liquidation_id,
    w.account_id,
    w.status,
    unwind.wait_reason(LEAST(f.rank, w.own_rank)) AS reason,
        CASE
            WHEN f.rank <= w.own_rank THEN w.isin
            ELSE NULL::text
        END AS isin,
        CASE
            WHEN f.rank <= w.own_rank THEN w.since
            ELSE w.own_since
        END AS since,
        CASE
            WHEN f.rank <= w.own_rank THEN w.until
            ELSE w.own_until
        END AS until,
        CASE
            WHEN f.rank <= w.own_rank THEN w.detail
            ELSE w.own_detail
        END AS detail,
    LEAST(f.rank, w.own_rank) AS precedence
   FROM unwind.waits w
     CROSS JOIN LATERAL ( SELECT
                CASE
                    WHEN w.rank <> ALL (ARRAY[3, 4, 5]) THEN w.rank
                    ELSE NULL::integer
                END AS rank) f
  ORDER BY w.tenant_id, w.liquidation_id, (LEAST(f.rank, w.own_rank)), f.rank, w.isin;

create view unwind_v1.liquidations as
 SELECT tenant_id,
    liquidation_id,
    account_id,
    user_id,
    sequence,
    status,
    proceeds,
    cash_amount,
    rounds,
    open_orders,
    event_count,
    created_at,
    updated_at,
    released_at,
    ended_at,
    end_reason,
    unwind_v1.liquidation_object(tenant_id, liquidation_id) AS object,
    corrected_at,
    corrected_proceeds,
    stop_reason,
    stop_note,
    stop_asked_at,
    end_note,
    release_at,
    scheduled_at,
    opening_of,
    schedule_reason,
    contract,
    settle_at,
    settled_at
   FROM unwind.liquidations l;

create view unwind_v1.listings as
 SELECT tenant_id,
    isin,
    mic,
    symbol,
    currency,
    lot_size,
    updated_at
   FROM unwind.listings l;

create view unwind_v1.movements as
 SELECT tenant_id,
    movement_id,
    account_id,
    isin,
    quantity,
    locked,
    cash,
    reason,
    execution_id,
    effective_at,
    recorded_at,
    reference,
    uncovered
   FROM unwind.movements m;

create view unwind_v1.orders as
 SELECT tenant_id,
    order_id,
    liquidation_id,
    account_id,
    isin,
    'SELL'::text AS side,
    round,
    quantity,
    filled_quantity,
    proceeds,
    status,
    cancellation_reason,
    submissions,
    submit_at,
    created_at,
    updated_at,
    status_at,
    ended_at,
    corrected_quantity,
    venue,
    currency
   FROM unwind.orders o;

create view unwind_v1.parked as
 SELECT p.tenant_id,
    (p.step || '/'::text) || p.subject AS parked_id,
    p.step,
    p.subject,
    p.reason,
    p.tries,
    p.first_at,
    p.parked_at
   FROM unwind.parked p
  WHERE p.parked_at IS NOT NULL AND p.closed_at IS NULL
UNION ALL
 SELECT r.tenant_id,
    concat('report/', r.venue, '/', r.report_id) AS parked_id,
    'report'::text AS step,
    concat(r.venue, '/', r.report_id) AS subject,
    concat(r.parked_reason, ' (client order id ', r.client_order_id, ')') AS reason,
    1 AS tries,
    r.received_at AS first_at,
    r.received_at AS parked_at
   FROM unwind.venue_reports r
  WHERE r.parked_reason IS NOT NULL;

create view unwind_v1.parked_reports as
 SELECT tenant_id,
    venue,
    report_id,
    client_order_id,
    type,
    venue_execution_id,
    last_quantity,
    last_price,
    cumulative_quantity,
    reason,
    transaction_at,
    received_at,
    parked_reason
   FROM unwind.venue_reports r
  WHERE parked_reason IS NOT NULL;

create view unwind_v1.position_waits as
 SELECT tenant_id,
    liquidation_id,
    account_id,
    isin,
    quantity,
    unwind.wait_reason(LEAST(rank, own_rank)) AS reason,
        CASE
            WHEN rank <= own_rank THEN since
            ELSE own_since
        END AS since,
        CASE
            WHEN rank <= own_rank THEN until
            ELSE own_until
        END AS until,
        CASE
            WHEN rank <= own_rank THEN detail
            ELSE own_detail
        END AS detail,
    priced,
    LEAST(rank, own_rank) AS precedence
   FROM unwind.waits w
  WHERE rank IS NOT NULL;

create view unwind_v1.positions as
 SELECT tenant_id,
    account_id,
    isin,
    quantity,
    locked,
    held,
    quantity - locked - held AS available
   FROM unwind.positions p;

create view unwind_v1.rates as
 SELECT tenant_id,
    currency,
    as_of,
    rate,
    updated_at
   FROM unwind.rates r;

create view unwind_v1.reservation_positions as
 SELECT tenant_id,
    reservation_id,
    isin,
    quantity,
    granted,
    reason
   FROM unwind.reservation_positions p;

create view unwind_v1.reservations as
 SELECT tenant_id,
    reservation_id,
    liquidation_id,
    account_id,
    number,
    status,
    round,
    created_at,
    answered_at,
    closed_at,
    report,
    reported_at,
    next_at,
    tries,
    last_outcome
   FROM unwind.reservations r;

create view unwind_v1.seals as
 SELECT tenant_id,
    number,
    sealed_at,
    previous,
    snapshot,
    first_order,
    last_order,
    act_ids,
    act_hashes,
    record_ids,
    record_hashes,
    hash
   FROM unwind.seals s;

create view unwind_v1.submissions as
 SELECT tenant_id,
    client_order_id,
    order_id,
    liquidation_id,
    venue,
    quantity,
    status,
    sent_at,
    venue_order_id,
    executed_quantity,
    final_quantity,
    outcome,
    reason,
    busted_quantity,
    halt_cancel_at
   FROM unwind.submissions s;

create view unwind_v1.tenants as
 SELECT tenant_id,
    name,
    created_at,
    contract
   FROM unwind.tenants t;

create view unwind_v1.trail_records as
 SELECT tenant_id,
    record_id,
    commit_order,
    kind,
    ids,
    hashes
   FROM unwind.trail_records r;

create view unwind_v1.venue_cancels as
 SELECT firm AS tenant_id,
    'XSIM'::text AS venue,
    entry,
    client_order_id,
    outcome,
    received_at
   FROM simulated_venue.cancels c;

create view unwind_v1.venue_cursors as
 SELECT venue,
    "position"
   FROM unwind.venue_cursors c;

create view unwind_v1.venue_journal as
 SELECT j.firm AS tenant_id,
    'XSIM'::text AS venue,
    j.entry,
    j.client_order_id,
    j.isin,
    j.side,
    j.quantity,
    j.outcome,
    j.venue_order_id,
    j.price,
    j.reason,
    j.received_at,
    j.temporary
   FROM simulated_venue.journal j
UNION ALL
 SELECT o.tenant_id,
    o.venue,
    o.entry,
    o.client_order_id,
    o.isin,
    'SELL'::text AS side,
    o.quantity,
        CASE
            WHEN o.rejection IS NULL THEN 'accepted'::text
            ELSE 'rejected'::text
        END AS outcome,
        CASE
            WHEN o.rejection IS NULL THEN COALESCE(o.venue_order_id, 'NONE'::text)
            ELSE NULL::text
        END AS venue_order_id,
    NULL::numeric AS price,
    o.rejection AS reason,
    o.queued_at AS received_at,
    o.is_rejection_temporary AS temporary
   FROM unwind.fix_orders o
  WHERE o.status = ANY (ARRAY['WORKING'::text, 'DONE'::text]);

create view unwind_v1.venue_reports as
 SELECT r.firm AS tenant_id,
    'XSIM'::text AS venue,
    r.number,
    r.client_order_id,
    r.venue_order_id,
    r.type,
    r.venue_execution_id,
    r.last_quantity,
    r.last_price,
    r.cumulative_quantity,
    r.reason,
    r.transaction_at,
    r.copy
   FROM simulated_venue.reports r
  WHERE r.number IS NOT NULL
UNION ALL
 SELECT r.tenant_id,
    r.venue,
    r.number,
    r.client_order_id,
    COALESCE(o.venue_order_id, 'NONE'::text) AS venue_order_id,
    r.type,
    r.venue_execution_id,
    r.last_quantity,
    r.last_price,
    r.cumulative_quantity,
    r.reason,
    r.transaction_at,
    0::smallint AS copy
   FROM unwind.fix_reports r
     LEFT JOIN unwind.fix_orders o ON o.tenant_id = r.tenant_id AND o.client_order_id = r.client_order_id;

create view unwind_v1.waiting_reports as
 SELECT tenant_id,
    venue,
    report_id,
    client_order_id,
    type,
    venue_execution_id,
    last_quantity,
    last_price,
    cumulative_quantity,
    reason,
    transaction_at,
    received_at
   FROM unwind.venue_reports r
  WHERE parked_reason IS NULL;
