"""Keeps our own statements parsed, where their text hardly ever changes.

Parsing a long statement costs as much as running it on the few rows of an ordinary flush. Not for texts that differ from call to call: they
would push out the others.

SCAR: preparing a statement to be kept holds Python's lock (13 ms for a drain's), while running it as text doesn't. So a statement is run as
text the first time: a buffer's statement is usually the only one of its kind, and ingest stood still for it.
"""

import threading
from typing import Final

import duckdb

MAX_KEPT: Final = 64
"""Those that were not asked for longest go. There are a dozen whose text never changes, and one for each buffer that rows are put into."""

_kept: Final[dict[str, duckdb.Statement | None]] = {}
"""None for a text that was asked for once."""

_lock: Final = threading.Lock()


def parsed(cursor: duckdb.DuckDBPyConnection, text: str) -> duckdb.Statement | str:
    """What to pass to `execute` for `text`, which is one statement: on any connection, from any thread."""
    with _lock:
        is_known = text in _kept
        statement = _kept.pop(text, None)
        if is_known and statement is None:
            (statement,) = cursor.extract_statements(text)
        if len(_kept) >= MAX_KEPT:
            del _kept[next(iter(_kept))]
        _kept[text] = statement
        return text if statement is None else statement
