"""Events at rest: the pending batches, the in-memory buffer, flushes to Parquet parts, the catalog of parts, compaction.

`ports.py` states what this room needs of the engine (tables and files) and of the metadata (the catalog's rows). It speaks no SQL and
reads no request. `event_store.py` is the door: `accept` batches that the log has made durable, take a `snapshot` to query.
"""
