-- What a person at the console asks for: an answer of a receiver that is taken for a failure (owner: deliveries), and
-- acts by time and by person (owner: trail).
-- compatible-from: 19

alter table unwind.webhook_faults add column answered_as integer;
alter table unwind.webhook_faults add constraint webhook_faults_answered_as check (answered_as between 500 and 599);

-- A stretch of time is found without what came after it.
create index acts_by_time on unwind.acts (tenant_id, acted_at, commit_order, act_id);
-- Few among many signed requests.
create index acts_of_people on unwind.acts (tenant_id, acted_at, commit_order, act_id) where kind <> 'client';
