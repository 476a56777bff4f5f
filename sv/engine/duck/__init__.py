"""DuckDB, embedded: the only package that imports `duckdb`. Importing it takes a tenth of a second: do so lazily.

The two doors are `engine` (`sv.engine.port.Engine`: questions) and `tables` (`sv.store.ports.Tables`: events on their way to files).

    database, run, sql, parsed      the one database, statements within their time, and how a value gets into one
    schema, relation                the columns of an event, and `events` in SQL: one project's rows of files and buffers
    properties, filters, elements   conditions over a row; what they mean is in `sv.model.filters` and `sv.model.selector`
    drain, batch_parts, column_stage, enrich, aliases     from logged batches or an import's columns to rows of the buffer
    files, slices, inventory        Parquet: written, merged, and what a file says of itself
    summaries/                      what the rollups are folded from
    page, page_reading, newest      lists of events
    funnel, funnel_reading, first_values    what a funnel needs of events
    trend, trend_reading            series
    overview, overview_reading, overview_shares, overview_tables    a site at a glance
    export, export_slices, reading  events out, as files, and rows of a user's files in
    sql_run, sql_child, sql_gate, sql_functions     a user's own statement (`sv sql`); `sql` is not about those

Key files are what makes funnels, trends and pages quick, and are never the only place of anything:

    key_files, key_order, property_codes, fingerprints    what is in one, and how it is made
    key_conditions, key_values, key_numbers, key_blocks   which codes, values and rows a condition or a breakdown is about
    key_reading, step_reading, trend_keys, trend_numbers  answers out of them, and by SQL where they don't tell
    step_keys, merged_keys          what is kept in memory of a funnel's steps between questions
"""
