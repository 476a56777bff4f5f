-- Whose a recording was before: later chunks of a session may come under another user or visitor, whose ids take the place of those in
-- `recording_sessions`. `id` is either's.
create table recording_persons (
  recording integer not null references recording_sessions (recording) on delete cascade,
  project_id text not null,
  id text not null,
  primary key (recording, id)
) strict, without rowid;

create index recording_persons_by_id on recording_persons (project_id, id);
