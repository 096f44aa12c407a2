-- Kinds of events that a subscription to all of them leaves out.

alter table unwind.webhooks
  add column excluded_types text[] not null default '{}',
  add constraint webhooks_excluded_types check (
    cardinality(excluded_types) = 0
    or ('ALL' = any (types) and not 'ALL' = any (excluded_types))
  );
