-- Dashboards: saved insights side by side.

create table dashboards (
  id text primary key,
  project_id text not null references projects (id),
  name text not null,
  description text not null,
  version integer not null default 1,
  created_ms integer not null,
  updated_ms integer not null
) strict;

create index dashboards_by_project on dashboards (project_id, created_ms, id);

-- place: in the order in which they were sent. title: null for the insight's own name. x to h: on a grid of twelve columns.
create table dashboard_tiles (
  dashboard_id text not null references dashboards (id),
  place integer not null,
  insight_id text not null references saved_insights (id),
  title text,
  x integer not null,
  y integer not null,
  w integer not null,
  h integer not null,
  primary key (dashboard_id, place)
) strict, without rowid;

create index dashboard_tiles_by_insight on dashboard_tiles (insight_id);
