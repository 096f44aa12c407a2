-- Users and accounts that a sandbox makes by request. What an import brings has no profile, and the type,
-- name and number that every account had before. Owner: book.
-- compatible-from: 1

alter table unwind.users
  -- What the client said of the user, a JSON object in canonical form. Null: of an import.
  add column profile text,
  add column status text not null default 'ACTIVE',
  -- Null: never changed since created_at.
  add column updated_at timestamptz,
  add constraint users_status check (status in ('ACTIVE', 'INACTIVE', 'OFFBOARDING', 'OFFBOARDED')),
  add constraint users_profile_size check (octet_length(profile) <= 32768);
create index users_by_creation on unwind.users (tenant_id, created_at, user_id);

alter table unwind.accounts
  add column type text not null default 'TRADING',
  add column name text not null default 'Account',
  -- Within the accounts of the user.
  add column account_number integer not null default 1,
  add constraint accounts_type check (type in ('TRADING', 'PORTFOLIO')),
  add constraint accounts_name_length check (length(name) between 1 and 100),
  add constraint accounts_number_positive check (account_number >= 1);
create index accounts_of_user on unwind.accounts (tenant_id, user_id);

-- The user as responses carry it: what the client said, and what the book knows, by name.
create function unwind.user_object(
  the_user uuid,
  the_status text,
  the_profile text,
  was_created_at timestamptz,
  was_updated_at timestamptz
) returns text
  language sql stable parallel safe
  return (
    select concat('{', string_agg(concat('"', m.name, '":', m.value), ',' order by m.name collate "C"), '}')
    from (
      select e.key as name, e.value::text as value
      from json_each(the_profile::json) as e
      union all
      select k.name, concat('"', k.value, '"')
      from (
        values
          ('id', the_user::text),
          ('status', the_status),
          ('created_at', unwind.instant(was_created_at)),
          ('updated_at', unwind.instant(coalesce(was_updated_at, was_created_at)))
      ) as k (name, value)
    ) as m
  );

-- Beside the one of five parameters, which code of the schema before still calls.
create function unwind.account_object(
  the_account uuid,
  the_user uuid,
  the_status text,
  the_type text,
  the_name text,
  the_number integer,
  was_created_at timestamptz,
  was_updated_at timestamptz
) returns text
  language sql stable parallel safe
  return concat(
    '{"account_group_id":"', the_user,
    '","account_number":', the_number,
    ',"created_at":"', unwind.instant(was_created_at),
    '","id":"', the_account,
    '","name":', to_json(the_name)::text,
    ',"status":"', the_status,
    '","type":"', the_type,
    '","updated_at":"', unwind.instant(was_updated_at),
    '","users":[{"id":"', the_user, '","type":"OWNER"}]}'
  );
