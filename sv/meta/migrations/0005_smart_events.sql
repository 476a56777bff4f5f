-- Smart events: names for sets of rules; what is saved of insights; and which of what is saved names which smart event.

-- rules: a JSON list, as answers show it.
create table smart_events (
  id text primary key,
  project_id text not null references projects (id),
  name text not null,
  description text not null,
  rules text not null check (json_type(rules) = 'array'),
  is_archived integer not null default 0 check (is_archived in (0, 1)),
  version integer not null default 1,
  created_ms integer not null,
  updated_ms integer not null
) strict;

create index smart_events_by_project on smart_events (project_id, created_ms, id);

-- An archived one leaves its name to another.
create unique index smart_events_by_name on smart_events (project_id, name) where is_archived = 0;

-- query: the insight's body as it was sent, so that relative dates stay relative.
create table saved_insights (
  id text primary key,
  project_id text not null references projects (id),
  name text not null,
  description text not null,
  kind text not null check (kind in ('trends', 'funnel')),
  query text not null check (json_type(query) = 'object'),
  version integer not null default 1,
  created_ms integer not null,
  updated_ms integer not null
) strict;

create index saved_insights_by_project on saved_insights (project_id, created_ms, id);

-- Whoever keeps the id of a smart event says so here, in the transaction in which it does: by_kind is what it is, in words.
create table smart_event_uses (
  smart_event_id text not null references smart_events (id),
  by_kind text not null,
  by_id text not null,
  by_name text not null,
  primary key (smart_event_id, by_kind, by_id)
) strict, without rowid;

create index smart_event_uses_by_user on smart_event_uses (by_kind, by_id);
