-- Problems in messages of FIX venues wait for a person, who closes them. Owner: venue/fix.
-- compatible-from: 7

alter table unwind.fix_messages
  add column closed_at timestamptz,
  add column closed_by text,
  add column closed_reason text,
  add constraint fix_messages_closed check (
    (closed_at is null) = (closed_by is null)
    and (closed_at is null) = (closed_reason is null)
    and (closed_at is null or problem is not null)
  );

create index fix_messages_problems
  on unwind.fix_messages (venue, at)
  where problem is not null and closed_at is null;
