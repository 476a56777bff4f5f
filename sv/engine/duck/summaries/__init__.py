"""Summaries of events, a module a kind of rollup: the engine's half of what `sv.meta.rollups` keeps.

A kind has a function of a cursor, `rows`, what they bind and what is known of them (`known`), which yields (project_id, JSON text). `rows`
is a select with the columns of `schema.COLUMNS`, `project_id` and `referrer`, the client's own where it is a text. It may give a project
several texts, each with a bounded piece of its items, and must give each item in one of them. SUMMARIES lists the kinds;
`sv.meta.rollups` has the same names, which a test compares.

Whatever a client sent must not make a summary fail: a fold that fails holds up everything behind it.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

import duckdb

from sv.engine.duck.parsed import parsed
from sv.engine.duck.summaries import aliases, definitions, persons, sessions
from sv.engine.duck.summaries.known import Known
from sv.engine.duck.summaries.pieces import Row, fetched

Summarise = Callable[[duckdb.DuckDBPyConnection, str, dict[str, Any], Known], Iterator[Row]]


def _by(summary_sql: Callable[[str, Known], str | None]) -> Summarise:
    """In one statement, or none."""

    def summarise(cursor: duckdb.DuckDBPyConnection, rows: str, params: dict[str, Any], known: Known) -> Iterator[Row]:
        text = summary_sql(rows, known)
        return iter(()) if text is None else fetched(cursor.execute(parsed(cursor, text), params))

    return summarise


SUMMARIES: Final[dict[str, Summarise]] = {
    "persons": _by(persons.summary_sql),
    "definitions": definitions.summarise,
    "aliases": _by(aliases.summary_sql),
    "sessions": _by(sessions.summary_sql),
}
