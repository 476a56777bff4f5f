"""Summaries of events, a module a kind of rollup: the engine's half of what `sv.meta.rollups` keeps.

A kind has a `summary_sql(rows)`: a select of (project_id, JSON text) over `rows`, a select with the columns of `schema.COLUMNS` and
`project_id`. It may give a project several rows, each with a bounded piece of its items, and must give each item in one of them.
SUMMARIES lists the kinds; `sv.meta.rollups` has the same names, which a test compares.

Whatever a client sent must not make a summary fail: a fold that fails holds up everything behind it.
"""

from collections.abc import Callable
from typing import Final

from sv.engine.duck.summaries import aliases, definitions, persons, sessions

SUMMARIES: Final[dict[str, Callable[[str], str]]] = {
    "persons": persons.summary_sql,
    "definitions": definitions.summary_sql,
    "aliases": aliases.summary_sql,
    "sessions": sessions.summary_sql,
}
