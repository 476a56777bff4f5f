"""From a user's file to events at rest: what `sv import` does between the command line and the store.

    files, archives               open a file, and tell its format
    ndjson, delimited, parquet    read its rows; `rows` says what they are
    columns, other_products/      make an ingest event of a row: of our own columns, and of another product's export
    chunks                        checks events by the rules of ingest and cuts them into chunks
    running                       hands the chunks to a target, and counts (`report`)
    blocks, tables, arrays        the quick way for ordinary rows: many at a time, and as Arrow into a folder at rest
    targets, local, remote        a target is the data folder or a server, whose own side is `receiving`

A chunk is taken in as a whole and once (`sv.store.importing`), so that an import that was stopped, for whatever reason, goes on where it
stopped.
"""
