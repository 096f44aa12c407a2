-- What an order has to keep before it is sent. Owner: controls. The orders that a control has stopped are in
-- unwind.control_stops (0009), since the views of waits read them.

-- Append-only but for replaced_at: what was in force when. The tenant of what holds for all is the nil UUID; of
-- that and of the tenant's own the stricter holds. Null: no limit.
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
  set_at timestamptz not null,
  replaced_at timestamptz,
  constraint controls_pkey primary key (tenant_id, controls_id),
  constraint controls_order_quantity check (order_quantity_max > 0),
  constraint controls_order_value check (order_value_max > 0),
  constraint controls_day_value check (day_value_max > 0),
  constraint controls_price_age check (price_age_max_s > 0),
  constraint controls_price_collar check (price_collar_percent > 0),
  constraint controls_rejections check (rejections_max > 0 and rejections_window_s > 0),
  constraint controls_rejections_window check ((rejections_max is null) = (rejections_window_s is null)),
  constraint controls_reason_length check (length(reason) between 1 and 500),
  constraint controls_person_length check (length(person) between 1 and 100)
);
create unique index controls_in_force on unwind.controls (tenant_id) where replaced_at is null;

-- The last price by which a submission counts for the value of its day, where there is a limit of it.
alter table unwind.submissions add column day_price numeric;
create index submissions_of_day on unwind.submissions (tenant_id, sent_at) where day_price is not null;
create index submissions_refused on unwind.submissions (tenant_id, venue, updated_at) where outcome = 'refused';

create view unwind_v1.controls as
select
  nullif(c.tenant_id, '00000000-0000-0000-0000-000000000000') as tenant_id,
  c.controls_id,
  c.order_quantity_max,
  c.order_value_max,
  c.day_value_max,
  c.price_age_max_s,
  c.price_collar_percent,
  c.rejections_max,
  c.rejections_window_s,
  c.reason,
  c.person,
  c.set_at,
  c.replaced_at
from unwind.controls c;

create view unwind_v1.control_stops as
select
  s.tenant_id,
  s.stop_id,
  s.order_id,
  s.control,
  s.detail,
  s.stopped_at,
  s.cleared_at,
  s.released_at,
  s.released_by,
  s.release_reason
from unwind.control_stops s;
