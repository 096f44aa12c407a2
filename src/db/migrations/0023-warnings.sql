-- The delivery log also holds a note for each day that nothing was taken.

alter table unwind.webhook_attempts
  drop constraint webhook_attempts_kind,
  add constraint webhook_attempts_kind check (kind in ('delivery', 'test', 'gap', 'warning'));
