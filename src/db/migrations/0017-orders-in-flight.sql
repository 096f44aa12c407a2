-- What is with a venue without its end is counted before more is sent.
create index submissions_in_flight
  on unwind.submissions (venue)
  where status <> 'DONE';
