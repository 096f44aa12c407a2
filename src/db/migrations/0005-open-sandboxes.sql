-- Whether clients of a sandbox come from beyond its machine. Owner: settings.
-- compatible-from: 4

-- A process of a sandbox that is reached from elsewhere says here until when that is so; as long as one is, none
-- of them delivers to loopback addresses.
alter table unwind.database_mode add column open_until timestamptz;
