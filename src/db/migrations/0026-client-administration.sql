-- Access that can be withdrawn: a client may be disabled, its secret replaced while the old one works
-- until a stated time, and a token ends with the secret it was issued for. What an operator changed of
-- a client is a row: when, what, who and why.

alter table unwind.tenants
  add column disabled_at timestamptz,
  add column old_secret_hash bytea,
  add column old_secret_ends_at timestamptz,
  add constraint tenants_old_secret_hash_is_sha256 check (length(old_secret_hash) = 32),
  add constraint tenants_old_secret_ends
    check ((old_secret_hash is null) = (old_secret_ends_at is null));

-- The hash of the secret for which a token was issued.
alter table unwind.access_tokens
  add column secret_hash bytea;

update unwind.access_tokens a
set secret_hash = t.secret_hash
from unwind.tenants t
where t.tenant_id = a.tenant_id;

alter table unwind.access_tokens
  alter column secret_hash set not null,
  add constraint access_tokens_secret_hash_is_sha256 check (length(secret_hash) = 32);

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
