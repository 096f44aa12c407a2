-- Who may call. Owner: auth.
--
-- Rules of all files: tenant_id leads every primary and unique key. Ids are UUIDv7 and come from the
-- service. Every instant comes from the service too, never from a default: market time for release_at,
-- advance_at, submit_at and executed_at, wall-clock time for the rest. Money and quantities are numeric.
-- Constraints have names, and mirror the state machines.

-- A tenant is an API client.
create table unwind.tenants (
  tenant_id uuid not null,
  name text not null,
  secret_hash bytea not null,
  scopes text[] not null,
  signature_policy text not null,
  created_at timestamptz not null,
  -- Access withdrawn: the client is disabled, or its old secret works until a stated time.
  disabled_at timestamptz,
  old_secret_hash bytea,
  old_secret_ends_at timestamptz,
  constraint tenants_pkey primary key (tenant_id),
  constraint tenants_name_length check (length(name) between 1 and 100),
  constraint tenants_secret_hash_is_sha256 check (length(secret_hash) = 32),
  constraint tenants_signature_policy check (signature_policy in ('strict', 'compatible')),
  constraint tenants_old_secret_hash_is_sha256 check (length(old_secret_hash) = 32),
  constraint tenants_old_secret_ends
    check ((old_secret_hash is null) = (old_secret_ends_at is null))
);

-- What an operator changed of a client: when, what, who and why.
create table unwind.client_changes (
  tenant_id uuid not null,
  change_id uuid not null,
  changed_at timestamptz not null,
  change text not null,
  detail text not null,
  actor text not null,
  reason text not null,
  constraint client_changes_pkey primary key (tenant_id, change_id),
  constraint client_changes_tenant foreign key (tenant_id) references unwind.tenants,
  constraint client_changes_change check (
    change in (
      'disabled', 'enabled', 'secret_rotated', 'key_added', 'key_revoked', 'scopes_set',
      'tokens_revoked'
    )
  ),
  constraint client_changes_actor_length check (length(actor) between 1 and 100),
  constraint client_changes_reason_length check (length(reason) between 1 and 500)
);

-- In a live database no client gets the scope that moves the market.
create function unwind.refuse_test_scopes() returns trigger
  language plpgsql
as $$
begin
  if 'tests:admin' = any (new.scopes)
    and exists (select from unwind.database_mode where mode = 'live')
  then
    raise exception 'tests:admin is a scope of sandboxes, and this database is live'
      using errcode = 'check_violation', constraint = 'tenants_no_test_scopes_in_live';
  end if;
  return new;
end
$$;

create trigger tenants_no_test_scopes_in_live
  before insert or update of scopes on unwind.tenants
  for each row execute function unwind.refuse_test_scopes();

-- Public keys that verify a client's requests.
create table unwind.client_keys (
  tenant_id uuid not null,
  key_id uuid not null,
  public_key_pem text not null,
  status text not null,
  created_at timestamptz not null,
  constraint client_keys_pkey primary key (tenant_id, key_id),
  constraint client_keys_tenant foreign key (tenant_id) references unwind.tenants,
  constraint client_keys_status check (status in ('live', 'revoked'))
);

-- Tokens that the service has issued; only their hashes are kept. A token ends with the secret for which it
-- was issued.
create table unwind.access_tokens (
  tenant_id uuid not null,
  token_hash bytea not null,
  secret_hash bytea not null,
  scopes text[] not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  constraint access_tokens_pkey primary key (tenant_id, token_hash),
  constraint access_tokens_tenant foreign key (tenant_id) references unwind.tenants,
  constraint access_tokens_hash_is_sha256 check (length(token_hash) = 32),
  constraint access_tokens_secret_hash_is_sha256 check (length(secret_hash) = 32)
);
create index access_tokens_expiry on unwind.access_tokens (expires_at);

-- A signature counts once: one row for each accepted signature base of a changing request.
create table unwind.signature_replays (
  tenant_id uuid not null,
  base_sha256 bytea not null,
  expires_at timestamptz not null,
  constraint signature_replays_pkey primary key (tenant_id, base_sha256),
  constraint signature_replays_is_sha256 check (length(base_sha256) = 32)
);
create index signature_replays_expiry on unwind.signature_replays (expires_at);

-- The stored response of a successful command, byte for byte (text, since jsonb reorders).
create table unwind.idempotency_keys (
  tenant_id uuid not null,
  idempotency_key uuid not null,
  request_hash bytea not null,
  status smallint not null,
  body text not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  constraint idempotency_keys_pkey primary key (tenant_id, idempotency_key),
  constraint idempotency_keys_only_success check (status between 200 and 299),
  constraint idempotency_keys_hash_is_sha256 check (length(request_hash) = 32)
);
create index idempotency_keys_expiry on unwind.idempotency_keys (expires_at);
