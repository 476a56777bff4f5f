"""From a request's bytes to accepted, durable events.

`body` makes text of bytes (inflates), `decode` makes events of text (each event stands alone; `one_by_one` where that takes long),
`retries` knows the bodies that were answered lately, `rates` what a sender may send, `capture` runs these in order, writes the batch to the
log and answers when it is on disk. `replay` brings back, at the start, what the log has. `enrich/` has what is known of User-Agents,
addresses and URLs. Nothing here
knows HTTP beyond header values, and nothing here knows DuckDB.
"""
