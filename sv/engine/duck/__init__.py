"""DuckDB, embedded: the only package that imports `duckdb`. Importing it takes a tenth of a second: do so lazily.

The two doors are `engine` (`sv.engine.port.Engine`: questions) and `tables` (`sv.store.ports.Tables`: events on their way to files).

    database, run, sql, parsed      the one database, statements within their time, and how a value gets into one
    schema, relation                the columns of an event, and `events` in SQL: one project's rows of files and buffers
    properties, filters, elements   conditions over a row; what they mean is in `sv.model.filters` and `sv.model.selector`
    aliases                         whose each anonymous id is
    buffer/                         from logged batches or an import's columns to rows of the buffer
    files, slices, inventory        Parquet: written, merged, and what a file says of itself
    keys/                           key files, which make funnels, trends and pages quick
    summaries/                      what the rollups are folded from
    funnels/, trends/, overviews/, pages/    what each kind of question needs of events
    exports/, user_parquet          events out, as files, and rows of a user's files in
    user_sql/                       a user's own statement (`sv sql`)
"""
