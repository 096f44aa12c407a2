-- Subscriptions and the keys that sign deliveries. Owner: webhooks. How far each of them has come is
-- written by the deliverer, all the time, and stands apart: see deliveries.

create table unwind.webhooks (
  tenant_id uuid not null,
  webhook_id uuid not null,
  title text not null,
  url text not null,
  enabled boolean not null,
  types text[] not null,
  -- Kinds that a subscription to all of them leaves out.
  excluded_types text[] not null default '{}',
  delay_s integer,
  max_package_size integer,
  signature_version text not null,
  signature_algorithm text not null,
  -- Deliveries carry the headers of Standard Webhooks as well.
  standard_headers boolean not null default false,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint webhooks_pkey primary key (tenant_id, webhook_id),
  constraint webhooks_tenant foreign key (tenant_id) references unwind.tenants,
  constraint webhooks_title_length check (length(title) between 1 and 100),
  constraint webhooks_url_length check (length(url) between 1 and 1000),
  constraint webhooks_excluded_types check (
    cardinality(excluded_types) = 0
    or ('ALL' = any (types) and not 'ALL' = any (excluded_types))
  ),
  constraint webhooks_delay check (delay_s between 1 and 30),
  constraint webhooks_max_package_size check (max_package_size between 100 and 1048576),
  constraint webhooks_signature check (
    signature_version in ('6', '15', '9421')
    and signature_algorithm in ('ecdsa-p521', 'ed25519')
    and not (signature_version = '9421' and signature_algorithm = 'ecdsa-p521')
  )
);
create index webhooks_enabled on unwind.webhooks (tenant_id) where enabled;

-- What new subscriptions of a tenant get where they do not say.
create table unwind.webhook_defaults (
  tenant_id uuid not null,
  max_package_size integer not null,
  constraint webhook_defaults_pkey primary key (tenant_id),
  constraint webhook_defaults_tenant foreign key (tenant_id) references unwind.tenants,
  constraint webhook_defaults_max_package_size check (max_package_size between 100 and 1048576)
);

-- Keys that sign deliveries; the key file of the service seals the private part. A new key signs from an
-- instant on, and the old one is served until its end, so that what it has signed can still be verified.
create table unwind.signing_keys (
  tenant_id uuid not null,
  key_id uuid not null,
  algorithm text not null,
  public_jwk text not null,
  private_key_sealed bytea not null,
  created_at timestamptz not null,
  signs_from timestamptz not null,
  ends_at timestamptz,
  constraint signing_keys_pkey primary key (tenant_id, key_id),
  constraint signing_keys_tenant foreign key (tenant_id) references unwind.tenants,
  constraint signing_keys_algorithm check (algorithm in ('ecdsa-p521', 'ed25519')),
  constraint signing_keys_end check (ends_at >= signs_from)
);
create unique index signing_keys_one_last
  on unwind.signing_keys (tenant_id, algorithm)
  where ends_at is null;
