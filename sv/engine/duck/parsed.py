"""Statements of ours whose text never changes, taken apart once.

Parsing the longer ones costs as much as running them on the few rows of an ordinary flush. Only for constant texts: whatever is given is
kept for the life of the process.
"""

import threading
from typing import Final

import duckdb

_kept: Final[dict[str, duckdb.Statement]] = {}
_lock: Final = threading.Lock()


def parsed(cursor: duckdb.DuckDBPyConnection, text: str) -> duckdb.Statement:
    """The one statement of `text`, for `execute` of any connection and thread."""
    with _lock:
        statement = _kept.get(text)
        if statement is None:
            (statement,) = cursor.extract_statements(text)
            _kept[text] = statement
        return statement
