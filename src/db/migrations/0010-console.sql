-- Who is signed in at the console, and the links by which people sign in. Owner: console.
-- A session reaches every tenant, one at a time, so no tenant leads these keys.
-- compatible-from: 1

create table unwind.console_links (
  link_hash bytea not null,
  person text not null,
  role text not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  constraint console_links_pkey primary key (link_hash),
  constraint console_links_hash_is_sha256 check (length(link_hash) = 32),
  constraint console_links_person_length check (length(person) between 1 and 200),
  constraint console_links_role check (role in ('viewer', 'operator', 'risk'))
);

create table unwind.console_sessions (
  session_hash bytea not null,
  person text not null,
  role text not null,
  -- The tenant that is looked at; null: there was none when the session began.
  tenant_id uuid,
  created_at timestamptz not null,
  seen_at timestamptz not null,
  expires_at timestamptz not null,
  constraint console_sessions_pkey primary key (session_hash),
  constraint console_sessions_tenant foreign key (tenant_id) references unwind.tenants,
  constraint console_sessions_hash_is_sha256 check (length(session_hash) = 32),
  constraint console_sessions_person_length check (length(person) between 1 and 200),
  constraint console_sessions_role check (role in ('viewer', 'operator', 'risk'))
);

create index console_sessions_by_end on unwind.console_sessions (expires_at);
