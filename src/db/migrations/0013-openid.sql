-- People who sign in at the console through an identity provider: its own id of them, which no two have, and the
-- clients they may look at. Owner: console. Older code would show them every client.

alter table unwind.console_sessions
  -- Null: signed in by a link. As an act has it (0012).
  add column subject text,
  -- Null: every client.
  add column tenant_ids uuid[],
  -- Sealed; signing out shows it to the provider.
  add column id_token bytea,
  add constraint console_sessions_subject_length check (length(subject) between 1 and 1000),
  add constraint console_sessions_tenants_of_subject check (subject is not null or tenant_ids is null),
  add constraint console_sessions_token_of_subject check (subject is not null or id_token is null);
