-- A key of deliveries can be replaced: the new one signs from an instant on, and the old one is served
-- until its end, so that what it has signed can be verified that long.
alter table unwind.signing_keys
  add column signs_from timestamptz,
  add column ends_at timestamptz,
  drop constraint signing_keys_one_each;
update unwind.signing_keys set signs_from = created_at;
alter table unwind.signing_keys
  alter column signs_from set not null,
  add constraint signing_keys_end check (ends_at >= signs_from);
create unique index signing_keys_one_last
  on unwind.signing_keys (tenant_id, algorithm)
  where ends_at is null;
