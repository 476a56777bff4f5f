-- Rollups of events, persons first: what lists are read from.

-- A build is one whole set of a project's rollups. A rebuild fills a new one beside the live one and takes its place in one step; what is
-- dropped is deleted little by little. `version` says which summaries it was made of.
create table rollup_builds (
  build integer primary key autoincrement,
  project_id text not null,
  version text not null,
  state text not null check (state in ('building', 'live', 'dropped'))
) strict;

create index rollup_builds_by_project on rollup_builds (project_id, state);

-- `rolled_seq`: the log position up to which events are in the rollups. `rollup_changes`: how often the rollups have changed.
insert into counters (name, value) values ('rolled_seq', 0), ('rollup_changes', 0);

-- `…_last` is an event's id (16 bytes, which order by time) and then a value: the largest one is the latest event's.
create table person_rollups (
  build integer not null,
  number integer not null,
  distinct_id text not null,
  is_user integer not null check (is_user in (0, 1)),
  first_seen_ms integer not null,
  last_seen_ms integer not null,
  event_count integer not null,
  country_last blob,
  device_type_last blob,
  browser_last blob,
  -- The distinct id and the traits `email` and `name`, in lower case, with a NUL between them.
  search_text text not null,
  country text generated always as (cast(substr(country_last, 17) as text)) virtual,
  device_type text generated always as (cast(substr(device_type_last, 17) as text)) virtual,
  browser text generated always as (cast(substr(browser_last, 17) as text)) virtual,
  primary key (build, number)
) strict, without rowid;

-- The further columns let two filters at once be looked at without reading the rows.
create index person_rollups_by_country on person_rollups (build, country, number, device_type, browser, is_user);
create index person_rollups_by_device_type on person_rollups (build, device_type, number, country, browser, is_user);
create index person_rollups_by_browser on person_rollups (build, browser, number, country, device_type, is_user);
create index person_rollups_by_user on person_rollups (build, is_user, number, country, device_type, browser);

-- `rowid` is build × 2^40 + number. The texts themselves are in `person_rollups`.
create virtual table person_search using fts5 (
  search_text, content = '', contentless_delete = 1, detail = none, tokenize = 'trigram case_sensitive 1'
);

-- `set_last` and `once_first` are an event's id, a rank within it (one digit), and the value as JSON.
create table person_traits (
  build integer not null,
  number integer not null,
  key text not null,
  set_last blob,
  once_first blob,
  -- In lower case, for the search; of the two values above, where they are strings and searched at all.
  set_folded text,
  once_folded text,
  value text generated always as (cast(substr(coalesce(set_last, once_first), 18) as text)) virtual,
  folded text generated always as (iif(set_last is null, once_folded, set_folded)) virtual,
  primary key (build, number, key)
) strict, without rowid;
