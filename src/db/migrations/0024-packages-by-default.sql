-- What new subscriptions of a client collect events to, where they do not say; absent: one event a
-- request.

alter table unwind.tenants
  add column package_size_default integer,
  add constraint tenants_package_size_default
    check (package_size_default between 100 and 1048576);
