-- Recordings: which chunks a session has.

-- A session that has, or is about to have, a recording. `folder` is its name in the object store. `chunks`, `stored`
-- and `bytes` (of what is promised or stored) are kept with every change, so that lists and limits never count chunks.
create table recording_sessions (
  recording integer primary key,
  project_id text not null,
  session_id text not null,
  folder text not null,
  anonymous_id text,
  user_id text,
  chunks integer not null default 0,
  stored integer not null default 0,
  bytes integer not null default 0,
  unique (project_id, session_id),
  unique (project_id, folder)
) strict;

create index recording_sessions_by_user on recording_sessions (project_id, user_id) where user_id is not null;
create index recording_sessions_by_visitor on recording_sessions (project_id, anonymous_id) where anonymous_id is not null;

-- promised: a URL to upload to was given out. stored: the bytes are there. doomed: to be removed, and nobody sees it any more; the row
-- stays until no URL given out can bring the bytes back.
create table recording_chunks (
  recording integer not null references recording_sessions (recording),
  chunk_index integer not null check (chunk_index >= 0),
  project_id text not null,
  size integer not null check (size >= 0),
  state text not null check (state in ('promised', 'stored', 'doomed')),
  created_ms integer not null,
  url_until_ms integer not null,
  -- When to look next at what became of it; null where there is nothing left to learn.
  check_ms integer,
  primary key (recording, chunk_index)
) strict, without rowid;

create index recording_chunks_by_age on recording_chunks (project_id, created_ms) where state != 'doomed';
create index recording_chunks_to_check on recording_chunks (check_ms) where check_ms is not null;

-- One row: over all projects. `bytes` are those of stored and doomed chunks, which take room until they are gone.
create table recording_totals (
  only_row integer primary key check (only_row = 1),
  promised integer not null default 0,
  bytes integer not null default 0
) strict;

insert into recording_totals (only_row) values (1);
