-- What became of every event (`sv.model.ledger`). What is stored is the sum over the live parts; a folder from before begins with those.
insert into counters (name, value)
select 'events_ingested', coalesce(sum(rows), 0) from parts where state = 'live';
insert into counters (name, value)
values ('events_imported', 0), ('events_set_aside', 0), ('events_repeated', 0), ('events_removed', 0), ('events_bots', 0);
