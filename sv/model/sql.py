"""A statement of a user's own over one project's events, and its answer.

Answers for the request's shape alone: what a statement may do is the engine's to say (`sv.engine.duck.user_sql.sql_gate`).
"""

from typing import Any, Final

from msgspec import Struct

from sv.model.validate import Fields, Problems

SQL_FIELDS: Final = ("query", "limit")

MAX_SQL_CHARS: Final = 20_000
"""Of a statement. A page of SQL has two thousand."""

MAX_SQL_ROWS: Final = 10_000
"""Of an answer, which is built in memory; more are an export."""

SQL_ROWS_DEFAULT: Final = 1_000

MAX_SQL_ANSWER_BYTES: Final = 16 << 20
"""Of an answer's values as JSON, likewise."""

MAX_SQL_MEMORY_BYTES: Final = 1 << 30
"""For a statement's own work, on top of which it may have a quarter of the engine's at most: it runs in a process of its own, and spills
nothing."""


class SqlQuery(Struct, frozen=True):
    """limit: rows to answer at most."""

    query: str
    limit: int = SQL_ROWS_DEFAULT


class SqlColumn(Struct, frozen=True):
    """type: as the engine names it."""

    name: str
    type: str


class SqlAnswer(Struct, frozen=True):
    """has_more: there were more rows than the limit."""

    columns: list[SqlColumn]
    rows: list[list[Any]]
    has_more: bool


def parse_sql_query(body: object) -> SqlQuery:
    """Raises ValidationFailed."""
    problems = Problems()
    fields = Fields(body, "", SQL_FIELDS, problems)
    fields.require("query", "a select statement")
    query = None if fields.get("query") is None else fields.text("query", MAX_SQL_CHARS)
    limit = fields.whole("limit", 1, MAX_SQL_ROWS, SQL_ROWS_DEFAULT)
    problems.finish()
    return SqlQuery(query or "", limit)
