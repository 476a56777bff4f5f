"""Statements of ours whose text hardly ever changes, taken apart twice at most.

Parsing the longer ones costs as much as running them on the few rows of an ordinary flush. Not for texts that differ from call to call:
they would push out those that are kept.

SCAR: the engine's binding keeps Python's lock while it takes a text apart to be kept (13 ms for a drain's), and not while it runs a
text. So what is asked for the first time is run as text: a buffer's statement is most often the only one of its kind, and ingest stood
still for it.
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
    """What `execute` of any connection and thread takes for the one statement of `text`."""
    with _lock:
        is_known = text in _kept
        statement = _kept.pop(text, None)
        if is_known and statement is None:
            (statement,) = cursor.extract_statements(text)
        if len(_kept) >= MAX_KEPT:
            del _kept[next(iter(_kept))]
        _kept[text] = statement
        return text if statement is None else statement
