-- The field's words, one for each thing in all tables: an order that a venue does not take, or does not take now, is
-- rejected or suspended. The name of a column follows where it was another one. Owners: liquidations, orders, executions,
-- deliveries, batches, venue. Processes of before do not know these words.

alter table unwind.submissions drop constraint submissions_outcome;
update unwind.submissions s
set outcome = case s.outcome when 'refused' then 'rejected' else 'suspended' end
where s.outcome in ('refused', 'postponed');
alter table unwind.submissions add constraint submissions_outcome check (
  outcome is null or outcome in ('filled', 'cancelled', 'rejected', 'suspended')
);
drop index unwind.submissions_refused;
create index submissions_rejected
  on unwind.submissions (tenant_id, venue, updated_at)
  where outcome = 'rejected';

alter table unwind.liquidations drop constraint liquidations_end_reason;
update unwind.liquidations l set end_reason = 'rejected' where l.end_reason = 'refused';
alter table unwind.liquidations add constraint liquidations_end_reason check (
  end_reason is null
  or (status in ('FILLED', 'SETTLED') and end_reason = 'flat')
  or (status = 'CANCELLED' and end_reason in ('client', 'rejected', 'limit', 'abandoned'))
);

alter index unwind.orders_refused rename to orders_cancelled;
alter index unwind.liquidations_to_sift rename to liquidations_due;

alter table unwind.venue_reports drop constraint venue_reports_type;
update unwind.venue_reports r set type = 'suspended' where r.type = 'postponed';
alter table unwind.venue_reports add constraint venue_reports_type check (
  type in ('trade', 'filled', 'cancelled', 'rejected', 'suspended', 'bust')
);

alter table unwind.fix_reports drop constraint fix_reports_type;
update unwind.fix_reports r set type = 'suspended' where r.type = 'postponed';
alter table unwind.fix_reports add constraint fix_reports_type check (
  type in ('trade', 'filled', 'cancelled', 'rejected', 'suspended', 'bust')
);
alter table unwind.fix_orders rename column refusal to rejection;
alter table unwind.fix_orders rename column is_refusal_temporary to is_rejection_temporary;
alter table unwind.fix_orders rename constraint fix_orders_refusal to fix_orders_rejection;
alter table unwind.fix_orders rename constraint fix_orders_refused to fix_orders_rejected;

alter table simulated_venue.reports drop constraint reports_type;
update simulated_venue.reports r set type = 'suspended' where r.type = 'postponed';
alter table simulated_venue.reports add constraint reports_type check (
  type in ('trade', 'filled', 'cancelled', 'rejected', 'suspended', 'bust')
);
update simulated_venue.behaviours b set course = 'rejected' where b.course = 'refused';

alter table simulated_venue.journal
  drop constraint journal_outcome,
  drop constraint journal_refused,
  drop constraint journal_temporary;
update simulated_venue.journal j set outcome = 'rejected' where j.outcome = 'refused';
alter table simulated_venue.journal
  add constraint journal_outcome check (outcome in ('accepted', 'rejected', 'repeated')),
  add constraint journal_rejected check ((outcome = 'rejected') = (reason is not null)),
  add constraint journal_temporary check (not temporary or outcome = 'rejected');

-- What venues have of our orders, as before but for the word.
create or replace view unwind_v1.venue_journal as
select
  j.firm as tenant_id,
  'XSIM'::text as venue,
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
from simulated_venue.journal j
union all
select
  o.tenant_id,
  o.venue,
  o.entry,
  o.client_order_id,
  o.isin,
  'SELL',
  o.quantity,
  case when o.rejection is null then 'accepted' else 'rejected' end,
  -- One that was withdrawn before it was sent never got a name.
  case when o.rejection is null then coalesce(o.venue_order_id, 'NONE') end,
  null,
  o.rejection,
  o.queued_at,
  o.is_rejection_temporary
from unwind.fix_orders o
where o.status in ('WORKING', 'DONE');

-- The body with which a receiver responded; how far a batch was when that was recorded last.
alter table unwind.delivery_attempts rename column answer to response;
alter table unwind.delivery_attempts
  rename constraint delivery_attempts_answer_length to delivery_attempts_response_length;
alter table unwind.batches rename column told to progress;
alter table unwind.batches rename column told_at to progress_at;
