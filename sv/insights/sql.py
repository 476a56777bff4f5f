"""A user's statement over the project's events, as an answer of the API."""

from typing import Any

from sv.insights.runner import Context
from sv.model.sql import SqlQuery


def sql(context: Context, query: SqlQuery) -> dict[str, Any]:
    """The columns with their types and the rows, each a list. Raises ValidationFailed for a statement that may not run, or that fails."""
    found = context.engine.sql(context.snapshot, query, context.threads, context.limits)
    return {
        "columns": [{"name": column.name, "type": column.type} for column in found.columns],
        "rows": found.rows,
        "has_more": found.has_more,
    }
