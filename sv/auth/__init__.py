"""Credentials and what they allow: making and hashing them, and judging them.

Answers for secrets being unguessable and never kept, and for one place that says who may do what. Stores nothing,
and but for `live_tokens`, which ingest asks, it looks nothing up.
"""
