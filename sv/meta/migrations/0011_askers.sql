-- Who asked for a job (`sv.model.access.Actor` as JSON), for the audit trail's entry at its end; null then, and where nobody asked.
alter table jobs add column asked_by text check (asked_by is null or json_valid(asked_by));
