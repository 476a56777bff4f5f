"""Slices of time, by which a large file's rows are ordered before anything else.

A page of events, a session's or a person's are of one moment. In a file that is ordered by event and person alone they lie in groups of
rows all over it, and of each the wide columns are decompressed; in one of slices they lie in the few groups of a slice.
"""

from typing import Any, Final

import duckdb

GROUP_ROWS: Final = 10_240
"""Of a row group. Scans of 5,120 to 122,880 rows measure alike, and bytes within two hundredths; one person's events take a tenth of the
time, since of each group with one of them the wide columns are decompressed."""

SLICE_ROWS: Final = 2 * GROUP_ROWS
"""Whole groups. With four a page costs half as much again, and one event's rows, which lie in each slice, a fifth less to scan."""

MAX_SLICES: Final = 200


def slice_of(cursor: duckdb.DuckDBPyConnection, source: str) -> str | None:
    """An expression that numbers the slices of these rows, which are a select, in ascending time; None where they are few."""
    rows = int(_one(cursor, f"select count(*) from ({source})"))
    size = max(SLICE_ROWS, -(-rows // MAX_SLICES // GROUP_ROWS) * GROUP_ROWS)
    firsts = range(size, rows, size)
    if rows < 2 * size:
        return None
    # The time at each of these places, by time: half a row more keeps it from being taken for the place before.
    shares = ", ".join(repr((first + 0.5) / rows) for first in firsts)
    bounds: list[int] = _one(cursor, f"select quantile_disc(epoch_ms(timestamp), [{shares}]) from ({source})")
    cases = " ".join(f"when timestamp < make_timestamp_ms({bound:d}) then {nth:d}" for nth, bound in enumerate(bounds))
    return f"case {cases} else {len(bounds):d} end::utinyint"


def _one(cursor: duckdb.DuckDBPyConnection, statement: str) -> Any:
    row = cursor.execute(statement).fetchone()
    assert row is not None
    return row[0]
