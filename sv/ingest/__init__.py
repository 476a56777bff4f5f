"""From a request's bytes to accepted, durable events.

`body` makes text of bytes (inflates, repairs), `decode` makes events of text (each event stands alone), `retries` knows the bodies
that were answered lately, `capture` runs these in order, writes the batch to the log and answers when it is on disk. Nothing here
knows HTTP beyond header values, and nothing here knows DuckDB.
"""
