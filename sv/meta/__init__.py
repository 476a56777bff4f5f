"""Metadata at rest: one SQLite file, `sv.db`, and the lock on the data folder.

Answers for projects, tokens, users, the catalog of parts and the numbers of persons. Assumes that one process at a
time uses the folder (`lock.FolderLock`). The only room that imports apsw; never sees an event or a secret: callers
hash secrets and passwords before they come here. One writer connection, a few readers, a module a table:

    errors       what can be wrong with a data folder, and what SQLite's errors mean to a caller
    connection   how a connection is set up · readers: the bounded pool of those that read
    checkpoint   moves what was committed from SQLite's log into its file, beside the writers
    migrate      the schema and its versions
    db           `Meta`, which ties these together
    instance, projects, project_tokens, api_tokens, users, parts, persons, reset
"""
