-- Times are Unix milliseconds. Ids are short random text, so that nobody can count projects or users by them.

-- One row: what this data folder is.
create table instance (
  only_row integer primary key check (only_row = 1),
  folder_id text not null,
  layout_version integer not null,
  id_salt integer not null check (id_salt between 0 and 1048575),
  created_ms integer not null
) strict;

create table settings (
  key text primary key,
  value text not null check (json_valid(value))
) strict, without rowid;

-- Whole numbers that only grow: how far the log is covered by parts, and the last number given to a person.
create table counters (
  name text primary key,
  value integer not null check (value >= 0)
) strict, without rowid;

insert into counters (name, value) values ('wal_covered_seq', 0), ('person_number', 0);

-- A deleted project keeps its row, so that its id is never given out again.
create table projects (
  id text primary key,
  name text not null,
  timezone text not null,
  settings text not null check (json_type(settings) = 'object'),
  created_ms integer not null,
  deleted_ms integer
) strict;

-- Project tokens are public (they stand in web pages), so they are kept as they are. A project may have several.
create table project_tokens (
  token text primary key,
  project_id text not null references projects (id),
  created_ms integer not null,
  expires_ms integer,
  revoked_ms integer
) strict;

create index project_tokens_by_project on project_tokens (project_id);

-- API tokens are secret: only the SHA-256 of one is here. No project means all of them.
create table api_tokens (
  id text primary key,
  name text not null,
  hash blob not null unique check (length(hash) = 32),
  prefix text not null,
  scopes text not null,
  project_id text references projects (id),
  created_ms integer not null,
  expires_ms integer,
  revoked_ms integer,
  last_used_ms integer
) strict;

create table users (
  id text primary key,
  email text not null,
  -- The address folded to one case and one form, which SQLite's own `nocase` does for ASCII alone.
  email_key text not null unique,
  password_hash text not null,
  is_instance_admin integer not null check (is_instance_admin in (0, 1)),
  created_ms integer not null
) strict;

create table memberships (
  user_id text not null references users (id) on delete cascade,
  project_id text not null references projects (id),
  role text not null check (role in ('viewer', 'editor', 'admin')),
  primary key (user_id, project_id)
) strict, without rowid;

create index memberships_by_project on memberships (project_id);

-- The catalog. `autoincrement`, so that a part's number is never given out twice.
-- No reference to `projects`: a flush must not fail for good because of one project. A part of nobody is harmless.
create table parts (
  part_id integer primary key autoincrement,
  project_id text not null,
  path text not null unique,
  day text,
  rows integer not null,
  bytes integer not null,
  min_ts_ms integer not null,
  max_ts_ms integer not null,
  min_received_ms integer not null,
  max_received_ms integer not null,
  level integer not null,
  schema_version integer not null,
  created_ms integer not null,
  state text not null default 'live' check (state in ('live', 'dropped'))
) strict;

create index parts_by_state on parts (state, project_id);

-- Which chunks of which import have been taken in, so that one restarted takes none twice.
create table import_chunks (
  import_id text not null,
  chunk_no integer not null,
  project_id text,
  primary key (import_id, chunk_no)
) strict, without rowid;

-- Projects that have persons, as small integers for the keys of `person_numbers`.
create table person_projects (
  project integer primary key autoincrement,
  project_id text not null unique
) strict;

-- One tree, read and written by key alone. `id` is the distinct id; a UUID in its usual form is kept as its 16 bytes,
-- which halves the tree of the commonest kind of id.
create table person_numbers (
  project integer not null,
  id any not null,
  number integer not null,
  primary key (project, id)
) strict, without rowid;
