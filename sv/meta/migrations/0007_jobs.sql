-- Work on a project that takes longer than a request: who is to be erased.

create table jobs (
  n integer primary key autoincrement,
  id text not null unique,
  project_id text not null,
  kind text not null check (kind in ('erase_person')),
  state text not null check (state in ('queued', 'running', 'done', 'failed')),
  -- The distinct id, until all else of the person is gone; what stays is the SHA-256 of the job's id, a NUL and the distinct id.
  subject text,
  subject_hash text,
  -- The numbers that the person had, as a JSON array; null before they were taken away.
  persons text check (json_type(persons) = 'array'),
  files_total integer not null default 0,
  files_done integer not null default 0,
  events_removed integer not null default 0,
  -- Files that could not be read or deleted, as a JSON array.
  left_behind text not null default '[]' check (json_type(left_behind) = 'array'),
  created_ms integer not null,
  started_ms integer,
  finished_ms integer,
  error text
) strict;

create index jobs_by_project on jobs (project_id, n);
create index jobs_to_do on jobs (n) where state in ('queued', 'running');
