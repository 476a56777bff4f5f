-- Definitions: which events and properties a project has.

-- What owners say of a name, and its number: in the order in which the server first heard of names, which was at `added_ms`. The same for
-- every build of the rollups.
create table event_names (
  id integer primary key autoincrement,
  project_id text not null,
  name text not null,
  added_ms integer not null,
  description text,
  is_verified integer not null default 0 check (is_verified in (0, 1)),
  is_hidden integer not null default 0 check (is_hidden in (0, 1)),
  unique (project_id, name)
) strict;

create table property_names (
  id integer primary key autoincrement,
  project_id text not null,
  name text not null,
  added_ms integer not null,
  description text,
  is_verified integer not null default 0 check (is_verified in (0, 1)),
  is_hidden integer not null default 0 check (is_hidden in (0, 1)),
  unique (project_id, name)
) strict;

create table event_rollups (
  build integer not null,
  event integer not null,
  first_seen_ms integer not null,
  last_seen_ms integer not null,
  primary key (build, event)
) strict, without rowid;

-- Events of one UTC day (days since 1970). Only as many days as volumes are asked of.
create table event_day_rollups (
  build integer not null,
  event integer not null,
  day integer not null,
  event_count integer not null,
  primary key (build, event, day)
) strict, without rowid;

-- How many events have the property, and of its values how many are of each kind. `examples` is a JSON array of texts: eight digits
-- of a hash, by which they are in order, and the value as JSON.
create table property_rollups (
  build integer not null,
  property integer not null,
  event_count integer not null,
  strings integer not null,
  datetimes integer not null,
  numbers integer not null,
  booleans integer not null,
  arrays integer not null,
  objects integer not null,
  examples text not null,
  primary key (build, property)
) strict, without rowid;

-- The same of the events of one name.
create table event_property_rollups (
  build integer not null,
  event integer not null,
  property integer not null,
  event_count integer not null,
  strings integer not null,
  datetimes integer not null,
  numbers integer not null,
  booleans integer not null,
  arrays integer not null,
  objects integer not null,
  examples text not null,
  primary key (build, event, property)
) strict, without rowid;

-- How many rows of `event_property_rollups` a build has, and of what it was given more than are kept.
create table definition_builds (
  build integer primary key,
  pairs integer not null default 0,
  is_full_of_events integer not null default 0,
  is_full_of_properties integer not null default 0,
  is_full_of_pairs integer not null default 0
) strict;
