-- What a database is for. Owner: settings.

-- The mode of the database. The process that migrates it first records the mode, and it stays.
create table unwind.database_mode (
  only_row boolean not null default true,
  mode text not null,
  recorded_at timestamptz not null,
  constraint database_mode_pkey primary key (only_row),
  constraint database_mode_only_row check (only_row),
  constraint database_mode_mode check (mode in ('sandbox', 'live'))
);
