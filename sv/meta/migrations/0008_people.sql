-- People: login sessions, and the audit trail.

-- A cookie's secret is kept as its SHA-256 alone. A row that is gone is a session that was ended.
create table login_sessions (
  id text primary key,
  user_id text not null references users (id) on delete cascade,
  hash blob not null unique check (length(hash) = 32),
  created_ms integer not null,
  last_used_ms integer not null,
  expires_ms integer not null,
  address text not null,
  user_agent text not null
) strict;

create index login_sessions_by_user on login_sessions (user_id);
create index login_sessions_by_expiry on login_sessions (expires_ms);

-- Who changed what. Names stand as they were then; ids may be of what is gone since, so nothing refers to other tables.
-- `before` and `after` are JSON objects of what changed, without secrets.
create table audit (
  id integer primary key autoincrement,
  at_ms integer not null,
  actor_kind text not null check (actor_kind in ('user', 'api_token', 'cli')),
  actor_id text,
  actor_name text not null,
  action text not null,
  project_id text,
  target_id text not null,
  target_name text not null,
  before text check (before is null or json_valid(before)),
  after text check (after is null or json_valid(after))
) strict;

create index audit_by_time on audit (at_ms, id);
create index audit_by_project on audit (project_id, at_ms, id);

alter table memberships add column created_ms integer not null default 0;
