-- Persons are numbered in each project by itself: a number that is seen in one tells nothing of how the others grow.
alter table person_projects add column last_number integer not null default 0;
update person_projects set last_number = (select value from counters where name = 'person_number');
delete from counters where name = 'person_number';
