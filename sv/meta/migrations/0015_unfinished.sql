-- Files that are to take the place of live parts, from before they are written until the catalog lists them: a kill in between leaves one
-- whose events are in the parts it was made of. made_of: the numbers of those.
create table unfinished_files (
  path text primary key,
  made_of text not null check (json_type(made_of) = 'array')
) strict, without rowid;
