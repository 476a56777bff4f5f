"""Parquet files: writing a buffer's rows as parts, merging parts, and reading what a file says of itself.

Every file is zstd-compressed, sorted by `schema.SORT_KEY`, a large merged one by slices of time before that, carries the layout's version
in its metadata, and is opened as it is by the DuckDB command line, polars and pandas.
"""

import errno
import logging
import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import duckdb
from msgspec import Struct

from sv.engine.duck.buffer.drain import buffer_name
from sv.engine.duck.database import ENGINE_FAULTS, MISTAKES
from sv.engine.duck.schema import COLUMN_LIST, COLUMNS, SCHEMA_VERSION, SORT_KEY
from sv.engine.duck.slices import GROUP_ROWS, slice_of
from sv.model.redaction import redacted
from sv.model.unwanted import Unwanted

log = logging.getLogger(__name__)

ROW_GROUP_BYTES: Final = 12_000_000
"""Of a group's rows in memory; ordinary ones have half of that. SCAR: 10,240 events of 4 KB were one group, and one in each of two threads
was more than a small server's engine may take: it flushed no more."""

FLUSHED_LEVEL: Final = 3
MERGED_LEVEL: Final = 7
"""Of zstd. A merged file is there for long, and 5 to 12 hundredths smaller for 1 to 2 µs of an event and merge, in the background; level 9
makes one hundredth of difference for twice that. Reading costs the same."""

LARGE_ROWS: Final = 32_768
"""Rows of which so many would be the engine's whole memory are large: of 4 KiB where it has 128 MiB."""

LARGE_SHARE: Final = 32
"""Of its memory: one of these is how much a file may have of large rows. To write it takes four times that, to take JSON apart fourteen."""

ORDINARY_WEIGHT: Final = 8
"""Bytes of ordinary rows that weigh as much as one of large ones: together a buffer's file may have no more than LARGE_SHARE says.

SCAR: 50 MiB of rows of 3,900 bytes, just not large ones, were one file. Where the buffer and both threads' runs met in the 128 MiB of a
small engine, one flush in twenty ran out of them.
"""

_OF_THE_MACHINE: Final = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EACCES)
"""Why a file can't be opened that may be whole."""

BATCH_ROWS: Final = 122_880
"""Of a part that is read in a stream, at a time."""


class FileFacts(Struct, frozen=True):
    """What the catalog wants to know of a file just written. Times are Unix milliseconds."""

    rows: int
    bytes: int
    min_ts_ms: int
    max_ts_ms: int
    min_received_ms: int
    max_received_ms: int


class BufferGroup(Struct, frozen=True):
    """The rows of one project and one UTC day in a buffer. `day` is ISO, as in `2026-01-31`. weight: see ORDINARY_WEIGHT."""

    project_id: str
    day: str
    rows: int
    weight: int


Span = tuple[int, int]
"""The first and the last of some rows of a buffer."""


def is_large(memory_bytes: int) -> str:
    """The condition that a row is so large that a file may only have few of them.

    SCAR: the engine works on 2,048 rows at a time, and writes 10,240. A thousand rows of 60 KB in one file took more memory than there was,
    at each try anew. So a project whose token everybody knows could keep the server from ever flushing again.
    """
    return f"strlen(properties) >= {memory_bytes // LARGE_ROWS:d}"


def _weight(memory_bytes: int) -> str:
    return f"case when {is_large(memory_bytes)} then strlen(properties) else strlen(properties) // {ORDINARY_WEIGHT} end"


def buffer_groups(cursor: duckdb.DuckDBPyConnection, generation: int, memory_bytes: int) -> list[BufferGroup]:
    """What a flush of this buffer has to write, the largest groups first."""
    rows = cursor.execute(
        f"""
        select project_id, day::varchar, n, weight
        from (
          select project_id, timestamp::date as day, count(*) as n, coalesce(sum({_weight(memory_bytes)}), 0)::bigint as weight
          from {buffer_name(generation)}
          group by project_id, day
        )
        order by n desc, project_id, day
        """
    ).fetchall()
    return [BufferGroup(*row) for row in rows]


def buffer_spans(
    cursor: duckdb.DuckDBPyConnection, generation: int, project_id: str, days: Sequence[str], memory_bytes: int
) -> list[Span]:
    """Cuts one project's rows of these days into spans, none of which weighs more than a file may; other projects' rows may lie between
    them."""
    rows = cursor.execute(
        f"""
        select min(place), max(place)
        from (
          select place, sum(weight) over (order by place) // {memory_bytes // LARGE_SHARE:d} as span
          from (
            select rowid as place, {_weight(memory_bytes)} as weight
            from {buffer_name(generation)}
            where {_of_days(project_id, days)}
          )
        )
        group by span
        order by span
        """
    ).fetchall()
    return [(low, high) for low, high in rows]


def large_bytes(cursor: duckdb.DuckDBPyConnection, path: Path, memory_bytes: int) -> int:
    """Bytes of a file's large properties."""
    row = cursor.execute(
        f"select coalesce(sum(strlen(properties)), 0)::bigint from ({read_files([path])}) where {is_large(memory_bytes)}"
    ).fetchone()
    assert row is not None
    return int(row[0])


def count_bots(cursor: duckdb.DuckDBPyConnection, generation: int) -> int:
    """The buffer's rows that are marked `$is_bot`."""
    row = cursor.execute(f"select count(*) from {buffer_name(generation)} where is_bot").fetchone()
    assert row is not None
    return int(row[0])


def write_buffer_days(
    cursor: duckdb.DuckDBPyConnection, generation: int, project_id: str, days: Sequence[str], span: Span | None, target: Path
) -> FileFacts:
    """Write one project's rows of these days, or of a span of them, into a new file at `target`. The caller syncs and renames it."""
    source = f"select {COLUMN_LIST} from {buffer_name(generation)} where {_of_days(project_id, days)}"
    if span is not None:
        source += f" and rowid between {span[0]:d} and {span[1]:d}"
    _copy_sorted(cursor, source, SORT_KEY, target, FLUSHED_LEVEL)
    return file_facts(cursor, target)


def merge_files(cursor: duckdb.DuckDBPyConnection, sources: Sequence[Path], target: Path) -> FileFacts:
    """Write the rows of all sources into one file at `target`, in `merged_order`."""
    _copy_merged(cursor, f"select {COLUMN_LIST} from ({read_files(sources)})", target)
    return file_facts(cursor, target)


def session_ids(cursor: duckdb.DuckDBPyConnection, path: Path, persons: Sequence[int]) -> list[str]:
    """The clients' session ids of these persons' rows."""
    rows = cursor.execute(
        f"select distinct session_id from ({read_files([path])}) where session_id is not null and person in (select unnest($1::bigint[]))",
        [list(persons)],
    ).fetchall()
    return [session_id for (session_id,) in rows]


def count_unwanted(cursor: duckdb.DuckDBPyConnection, path: Path, unwanted: Unwanted) -> int:
    """How many rows of a file are to be removed. Reads two columns, and of those only the row groups that statistics don't rule out."""
    row = cursor.execute(f"select count(*) from ({read_files([path])}) where {_is_unwanted(unwanted)}").fetchone()
    assert row is not None
    count: int = row[0]
    return count


def write_without(cursor: duckdb.DuckDBPyConnection, source: Path, unwanted: Unwanted, target: Path) -> FileFacts:
    """Write the other rows of `source`, of which there must be some, into a new file at `target`."""
    _copy_merged(cursor, f"select {COLUMN_LIST} from ({read_files([source])}) where not ({_is_unwanted(unwanted)})", target)
    return file_facts(cursor, target)


def _of_days(project_id: str, days: Sequence[str]) -> str:
    """SCAR: not by `timestamp::date`, for which no scan can skip rows: every row was read with all columns, once for each file that a
    buffer becomes."""
    ranges = _ranges(days)
    within = _within(ranges[0][0], ranges[-1][1])
    either = f" and ({' or '.join(_within(*each) for each in ranges)})" if len(ranges) > 1 else ""
    return f"project_id = {_literal(project_id)} and {within}{either}"


def _ranges(days: Sequence[str]) -> list[tuple[date, date]]:
    """The days in order, those that follow each other together, as the first one and the one after the last."""
    ranges: list[tuple[date, date]] = []
    for day in sorted(map(date.fromisoformat, days)):
        first = ranges.pop()[0] if ranges and ranges[-1][1] == day else day
        ranges.append((first, day + timedelta(days=1)))
    return ranges


def _within(first: date, end: date) -> str:
    return f"timestamp >= timestamp '{first}' and timestamp < timestamp '{end}'"


def _is_unwanted(unwanted: Unwanted) -> str:
    """The condition, with numbers written into the text: `copy` takes no parameters."""
    listed = ", ".join(f"{number:d}" for number in unwanted.persons)
    is_theirs = f"person in ({listed})" if listed else "false"
    return f"{is_theirs} or timestamp < make_timestamp_ms({unwanted.before_ms:d})"


def read_files(
    paths: Sequence[Path | str], *, with_index: bool = False, with_place: bool = False, has_numbers: bool = False
) -> str:
    """A select over these files with every column of the schema. All are of this layout, so none need be opened to plan it.

    with_index: and `file_index`, each row's place in `paths`. with_place: and `place`, each row's number in its file.
    has_numbers: a condition may name `file_row_number`.

    SCAR: DuckDB 2.0 has that as a virtual column anyhow, but then its planner fails within itself (`LateMaterialization`) where the select
    is the only one of a statement that orders its rows and takes fifty or fewer of them.
    """
    listed = ", ".join(_literal(str(path)) for path in paths)
    columns = ", ".join([COLUMN_LIST] + ["file_index"] * with_index + ["file_row_number as place"] * with_place)
    numbers = ", file_row_number = true" * has_numbers
    return f"select {columns} from read_parquet([{listed}], union_by_name = false, hive_partitioning = false{numbers})"


def file_facts(cursor: duckdb.DuckDBPyConnection, path: Path) -> FileFacts:
    """Read a file's facts back from the file itself, which also shows that it can be read."""
    row = cursor.execute(
        f"""
        select count(*), epoch_ms(min(timestamp)), epoch_ms(max(timestamp)), epoch_ms(min(received_at)), epoch_ms(max(received_at))
        from read_parquet([{_literal(str(path))}], hive_partitioning = false)
        """
    ).fetchone()
    assert row is not None
    return FileFacts(row[0], path.stat().st_size, row[1], row[2], row[3], row[4])


def is_readable(cursor: duckdb.DuckDBPyConnection, path: Path) -> bool:
    """Whether every column of every row can be read: the file is decoded from end to end.

    Raises OSError where the file can't be opened for reasons that are not its own, such as too many open files; DuckDB's
    OutOfMemoryException where memory doesn't suffice to tell, ENGINE_FAULTS where the engine itself is at fault, and MISTAKES.
    """
    # SCAR: a plain count of a column is answered from the file's statistics, and read not one byte of damaged rows.
    columns = ", ".join(f'bit_xor(hash("{name}"))' for name in COLUMNS)
    statement = f"select {columns} from ({read_files([path])})"
    try:
        cursor.execute(statement).fetchall()
    except (duckdb.OutOfMemoryException, duckdb.InterruptException, duckdb.ConnectionException, *MISTAKES):
        raise
    except ENGINE_FAULTS:
        # SCAR: an engine that had failed for another reason found every file unreadable, and all that a merge looked at were set aside.
        if _can_run(statement):
            raise
        return False
    except (duckdb.Error, UnicodeDecodeError) as error:  # the latter where a message quotes the file
        _raise_what_is_the_machines(error)
        with suppress(FileNotFoundError), path.open("rb"):
            pass
        if not _can_run(statement):
            return False
        log.warning("%s could be read only by another engine: %s", path, redacted(error))
    return True


def _raise_what_is_the_machines(error: Exception) -> None:
    """SCAR: who only tried to open the file afterwards was told that it can be, where another had given a file back meanwhile."""
    for number in _OF_THE_MACHINE:
        if isinstance(error, duckdb.IOException) and os.strerror(number) in str(error):
            raise OSError(number, os.strerror(number)) from error


def _can_run(statement: str) -> bool:
    """Whether an engine that is opened just for this test works."""
    with duckdb.connect(":memory:") as other:
        try:
            other.execute(statement).fetchall()
        except (duckdb.Error, UnicodeDecodeError):
            return False
    return True


def _copy_merged(cursor: duckdb.DuckDBPyConnection, source: str, target: Path) -> None:
    _copy_sorted(cursor, source, merged_order(cursor, source), target, MERGED_LEVEL)


def _copy_sorted(cursor: duckdb.DuckDBPyConnection, source: str, order: str, target: Path, zstd_level: int) -> None:
    cursor.execute(f"copy ({source} order by {order}) to {_literal(str(target))} ({parquet_options(zstd_level)})")


def merged_order(cursor: duckdb.DuckDBPyConnection, source: str) -> str:
    """The `order by` of a merged file. rows: a select of its rows."""
    number = slice_of(cursor, source)
    return SORT_KEY if number is None else f"{number}, {SORT_KEY}"


def parquet_options(zstd_level: int) -> str:
    """How `copy … to` has to write an event file."""
    return (
        f"format parquet, compression zstd, compression_level {zstd_level:d}, row_group_size {GROUP_ROWS},"
        f" row_group_size_bytes {ROW_GROUP_BYTES}, parquet_version v2,"
        f" kv_metadata {{sv_schema: '{SCHEMA_VERSION}'}}"
    )


def _literal(text: str) -> str:
    """An SQL string literal. For paths, project ids and days alone: all of the server's own making."""
    return "'" + text.replace("'", "''") + "'"
