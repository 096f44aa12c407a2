-- What binds a client besides its secret and its keys: certificates that a proxy in front has verified, and the networks it
-- may call from. Owner: auth.

-- SHA-256 of the DER of each certificate (x5t#S256 of RFC 8705), and addresses or networks. Empty: not bound.
alter table unwind.tenants add column certificates bytea[] not null default '{}';
alter table unwind.tenants add column networks text[] not null default '{}';
alter table unwind.tenants add constraint tenants_certificates_few check (cardinality(certificates) <= 10);
alter table unwind.tenants add constraint tenants_networks_few check (cardinality(networks) <= 50);

-- The certificate for which a token was issued; with that it ends. Null: for none.
alter table unwind.access_tokens add column certificate_sha256 bytea;
alter table unwind.access_tokens add constraint access_tokens_certificate_is_sha256 check (
  length(certificate_sha256) = 32
);

alter table unwind.client_changes drop constraint client_changes_change;
alter table unwind.client_changes add constraint client_changes_change check (change in (
  'disabled', 'enabled', 'secret_rotated', 'key_added', 'key_revoked', 'scopes_set', 'tokens_revoked',
  'contract_set', 'certificates_changed', 'addresses_set'
));
