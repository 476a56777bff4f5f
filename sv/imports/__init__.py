"""From a user's file to events at rest: what `sv import` does between the command line and the store.

`files` and `archives` open and name a file, `ndjson`, `delimited` and `parquet` read its rows, `columns` makes an ingest event of a
row (`others/` of what another product exported), `chunks` checks events by the rules of ingest and cuts them into chunks, `running` hands
chunks to a target and keeps count (`report`). Ordinary rows go together (`blocks`, `tables`) and reach a folder as Arrow (`arrays`). A
target is the data folder (`local`) or a server (`remote`), whose side is `receiving`. A chunk is taken in whole and once
(`sv.store.importing`), so that an import that was stopped, by whatever, goes on where it stopped.
"""
