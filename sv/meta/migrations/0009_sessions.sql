-- Rollups of sessions: what lists of them are read from.

-- A session is the client's (`session_id`) or a run of one person's events without one (`owner`). Its own number `n` says nothing; its
-- place in a list is (`started_ms`, `tie`), the latest first, and `tie` never changes.
-- `…_first` and `…_last` are a rank (a byte), an event's id (16 bytes, which order by time) and a value: the smallest or largest counts.
-- `entry_first` has the URL and, after a NUL, its path if it has one.
create table session_rollups (
  n integer primary key autoincrement,
  build integer not null,
  session_id text,
  owner integer,
  tie integer not null,
  started_ms integer not null,
  ended_ms integer not null,
  event_count integer not null,
  pageview_count integer not null,
  other_count integer not null,
  entry_first blob,
  exit_last blob,
  referrer_first blob,
  country_first blob,
  device_type_first blob,
  browser_first blob,
  os_first blob,
  person_last blob not null,
  -- A derived session is named as `sv.engine.duck.pages` names it.
  id text generated always as (coalesce(session_id, 'auto-' || owner || '-' || started_ms)) virtual,
  entry_url text generated always as (
    cast(iif(instr(substr(entry_first, 18), x'00') = 0, substr(entry_first, 18), substr(entry_first, 18, instr(substr(entry_first, 18), x'00') - 1)) as text)
  ) virtual,
  entry_path text generated always as (
    cast(iif(instr(substr(entry_first, 18), x'00') = 0, null, substr(entry_first, 18 + instr(substr(entry_first, 18), x'00'))) as text)
  ) virtual,
  exit_url text generated always as (cast(substr(exit_last, 18) as text)) virtual,
  referrer text generated always as (cast(substr(referrer_first, 18) as text)) virtual,
  country text generated always as (cast(substr(country_first, 18) as text)) virtual,
  device_type text generated always as (cast(substr(device_type_first, 18) as text)) virtual,
  browser text generated always as (cast(substr(browser_first, 18) as text)) virtual,
  os text generated always as (cast(substr(os_first, 18) as text)) virtual,
  person integer generated always as (cast(cast(substr(person_last, 18) as text) as integer)) virtual,
  is_bounce integer generated always as (pageview_count = 1 and other_count = 0) virtual,
  duration_ms integer generated always as (ended_ms - started_ms) virtual,
  -- How many binary digits the duration has, by its hexadecimal ones: 0 and 1 have one, 2^k to 2^(k+1) - 1 have k + 1.
  duration_bits integer generated always as (
    4 * length(printf('%x', ended_ms - started_ms)) - case
      when printf('%x', ended_ms - started_ms) >= '8' then 0
      when printf('%x', ended_ms - started_ms) >= '4' then 1
      when printf('%x', ended_ms - started_ms) >= '2' then 2
      else 3
    end
  ) virtual,
  check ((session_id is null) <> (owner is null))
) strict;

create unique index session_rollups_by_id on session_rollups (build, session_id) where session_id is not null;
create index session_rollups_by_owner on session_rollups (build, owner, started_ms) where owner is not null;
create index session_rollups_by_start on session_rollups (build, started_ms, tie);
create index session_rollups_by_bounce on session_rollups (build, is_bounce, started_ms, tie);
create index session_rollups_by_duration on session_rollups (build, duration_bits, started_ms, tie, duration_ms);
create index session_rollups_by_entry_url on session_rollups (build, entry_url, started_ms, tie) where entry_url is not null;
create index session_rollups_by_entry_path on session_rollups (build, entry_path, started_ms, tie) where entry_path is not null;
create index session_rollups_by_country on session_rollups (build, country, started_ms, tie) where country is not null;
create index session_rollups_by_device_type on session_rollups (build, device_type, started_ms, tie) where device_type is not null;
create index session_rollups_by_browser on session_rollups (build, browser, started_ms, tie) where browser is not null;

-- Who has an event in which session, with the session's place.
create table session_persons (
  n integer not null,
  person integer not null,
  build integer not null,
  started_ms integer not null,
  tie integer not null,
  primary key (n, person)
) strict, without rowid;

create index session_persons_by_person on session_persons (build, person, started_ms, tie);

-- A session that a late event made begin earlier: its place now, and `old_ms`, where it began until the change `change`. `before` is the
-- change that had moved it last, 0 if none had. Whoever began to page through the list at a change from `before` to `change - 1` sees it
-- where it was. Rows hang on no build, since a session's place is the same in each.
create table session_moves (
  move integer primary key,
  project_id text not null,
  tie integer not null,
  started_ms integer not null,
  change integer not null,
  before integer not null,
  old_ms integer not null,
  at_ms integer not null
) strict;

create index session_moves_by_session on session_moves (project_id, tie, started_ms, change);
create index session_moves_by_place on session_moves (project_id, old_ms, tie, change, before, started_ms);
