-- Which user an anonymous id came to be, of the ids that some event names together with a user id. Persons are numbers.
--   user_person: whose the id is; the id's own number where it is a user id itself.
--   event_id: of the earliest event that says so (16 bytes, which order by time); empty for a user id, which comes before all of them.
--   version: the change of the rollups by which the row became what it is; 0 while a build is being made.
create table person_aliases (
  build integer not null,
  person integer not null,
  user_person integer not null,
  event_id blob not null,
  version integer not null,
  primary key (build, person)
) strict, without rowid;

create index person_aliases_by_user on person_aliases (build, user_person);
create index person_aliases_by_version on person_aliases (build, version, person);
