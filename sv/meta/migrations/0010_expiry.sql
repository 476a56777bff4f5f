-- Events that are older than a project keeps them are taken away by a job of a kind of its own.

create table jobs_now (
  n integer primary key autoincrement,
  id text not null unique,
  project_id text not null,
  kind text not null check (kind in ('erase_person', 'expire_events')),
  state text not null check (state in ('queued', 'running', 'done', 'failed')),
  -- The distinct id, until all else of the person is gone, or a word where events expire; what stays is the SHA-256 of the job's id, a NUL and the distinct id.
  subject text,
  subject_hash text,
  -- The numbers that the person had, as a JSON array; null before they were taken away.
  persons text check (json_type(persons) = 'array'),
  -- All of the person's distinct ids, as a JSON array; null before, and once all else of the person is gone.
  distinct_ids text check (json_type(distinct_ids) = 'array'),
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

insert into jobs_now (n, id, project_id, kind, state, subject, subject_hash, persons, files_total, files_done, events_removed, left_behind,
  created_ms, started_ms, finished_ms, error)
select n, id, project_id, kind, state, subject, subject_hash, persons, files_total, files_done, events_removed, left_behind,
  created_ms, started_ms, finished_ms, error
from jobs;
drop table jobs;
alter table jobs_now rename to jobs;

create index jobs_by_project on jobs (project_id, n);
create index jobs_to_do on jobs (n) where state in ('queued', 'running');
