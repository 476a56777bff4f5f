"""Statements of ours whose text hardly ever changes, taken apart once.

Parsing the longer ones costs as much as running them on the few rows of an ordinary flush. Not for texts that differ from call to call:
they would push out those that are kept.
"""

import threading
from typing import Final

import duckdb

MAX_KEPT: Final = 64
"""Those that were not asked for longest go. There are a dozen whose text never changes, and one for each buffer that rows are put into."""

_kept: Final[dict[str, duckdb.Statement]] = {}
_lock: Final = threading.Lock()


def parsed(cursor: duckdb.DuckDBPyConnection, text: str) -> duckdb.Statement:
    """The one statement of `text`, for `execute` of any connection and thread."""
    with _lock:
        statement = _kept.pop(text, None)
        if statement is None:
            (statement,) = cursor.extract_statements(text)
            if len(_kept) >= MAX_KEPT:
                del _kept[next(iter(_kept))]
        _kept[text] = statement
        return statement
