-- Lists of the liquidations of a tenant, the newest first, of one status; and the release that a client has asked
-- for. Owner: liquidations.
-- compatible-from: 1
create index liquidations_by_status on unwind.liquidations (tenant_id, status, liquidation_id);

-- When its client wants it released: at a time of the market clock, also where that is the next opening of a
-- venue; release_at is no earlier. Null: as soon as its delay is over.
alter table unwind.liquidations add column scheduled_at timestamptz;
alter table unwind.liquidations add column opening_of text;
alter table unwind.liquidations add column schedule_reason text;
alter table unwind.liquidations add constraint liquidations_schedule check (
  (scheduled_at is null or scheduled_at <= release_at)
  and (scheduled_at is not null or coalesce(opening_of, schedule_reason) is null)
  and (opening_of is null or opening_of ~ '^[A-Z0-9]{4}$')
  and (schedule_reason is null or length(schedule_reason) between 1 and 500)
);
