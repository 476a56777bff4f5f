"""Metadata at rest: one SQLite file, `sv.db`, and the lock on the data folder.

Answers for what is not events: people and what they save, the catalog of parts, the numbers of persons, and the rollups that lists
are read from. Assumes that one process at a time uses the folder (`lock.FolderLock`). The only room that imports apsw; never sees an
event or a secret: callers hash secrets and passwords before they come here. One writer connection, a few readers, a module a table:

    errors       what can be wrong with a data folder, and what SQLite's errors mean to a caller
    connection   how a connection is set up · readers: the bounded pool of those that read
    checkpoint   moves what was committed from SQLite's log into its file, beside the writers
    migrate      the schema and its versions, in `migrations/`
    db           `Meta`, which ties these together
    folder, lock      a data folder before it is opened, and who has it
    instance          what this folder is
    projects, project_tokens, api_tokens, users, login_sessions, audit      people
    saved (smart_events, smart_event_uses, saved_insights, dashboards)      what they save
    parts, persons, ledger, jobs, recordings, recording_tally               events, recordings and work on them, in rows
    rollups/          persons, sessions, definitions and aliases, summed up
    paging, rows, names, ids          what tables have in common
    deleted_projects, deleted_marks, reset, rebuilding, copied      projects that go, and catalogs that are emptied, made anew or copied
"""
