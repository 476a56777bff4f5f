"""Slices of time, by which a large file's rows are ordered before anything else.

A page of events, a session or a person is about one moment. In a file ordered by event and person alone, the rows of one moment lie in row
groups all over the file, and the wide columns of each of these have to be decompressed. In a file with slices they lie in the few row
groups of one slice.
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
    """An expression that numbers the slices, in ascending time. rows: a select of the file's rows. None where there are few rows."""
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
