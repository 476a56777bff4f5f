"""Credentials and what they allow: making and hashing them, and judging them.

Answers for secrets being unguessable and never kept, and for one place that says who may do what. Imports only
`sv.model`; looks nothing up and stores nothing.
"""
