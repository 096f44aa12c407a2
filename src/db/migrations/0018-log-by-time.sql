-- Where in the log a time is: events are written about in the order of their times.
create index events_by_time
  on unwind.events using brin (created_at)
  with (pages_per_range = 32, autosummarize = on);
