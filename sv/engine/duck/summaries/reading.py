"""Running the summaries over buffers and files, in slices of so many bytes of JSON that the engine's memory suffices.

SCAR: taking JSON apart costs fourteen times its bytes at once. 270 events of 60 KB took a quarter of a gigabyte, so that a server with
half as much could flush no more.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import duckdb

from sv.engine.duck.buffer.drain import buffer_name
from sv.engine.duck.files import read_files
from sv.engine.duck.parsed import parsed
from sv.engine.duck.schema import COLUMN_LIST
from sv.engine.duck.summaries import SUMMARIES
from sv.engine.duck.summaries.known import look
from sv.engine.duck.summaries.sessions import REFERRER
from sv.model.rollup import Summary

SLICES: Final = 64
"""Of the engine's memory: one of these is how many bytes of properties a summary looks at in one go."""

MIN_SLICE_BYTES: Final = 1 << 20


def summarise_buffers(
    cursor: duckdb.DuckDBPyConnection,
    generations: Sequence[int],
    after_seq: int,
    up_to_seq: int,
    project_id: str | None,
    memory_bytes: int,
) -> list[Summary]:
    """The summaries of the buffers' rows of log positions above `after_seq`, up to `up_to_seq`; of one project or of all."""
    condition = "seq > $after and seq <= $up_to" + ("" if project_id is None else " and project_id = $project_id")
    params: dict[str, int | str] = {"after": after_seq, "up_to": up_to_seq}
    params |= {} if project_id is None else {"project_id": project_id}
    rows = f"select {COLUMN_LIST}, project_id, referrer, place from summarised where {condition}"
    found: list[Summary] = []
    for generation in generations:
        # Under a name that never changes, so that the statements don't either.
        cursor.execute(f"create or replace temp view summarised as select *, rowid as place from {buffer_name(generation)}")
        for low, high, count, size in _slices(cursor, rows, params, memory_bytes):
            found += _summarise(cursor, rows, params | {"low": low, "high": high}, count, size)
    return found


def position_after(cursor: duckdb.DuckDBPyConnection, generations: Sequence[int], after_seq: int, rows: int) -> int | None:
    """The log position of the row that comes `rows` rows after `after_seq` in the buffers; None where there are not so many."""
    selects = [f"select seq from {buffer_name(each)} where seq > $after" for each in generations]
    text = f"select seq from ({' union all '.join(selects)}) order by seq limit 1 offset {rows:d}"
    found = cursor.execute(text, {"after": after_seq}).fetchone() if generations else None
    return None if found is None else found[0]


def summarise_file(cursor: duckdb.DuckDBPyConnection, path: Path, project_id: str, memory_bytes: int) -> Iterator[Summary]:
    """The summaries of a file's rows, a piece at a time: grouping happens in the engine, which spills what it can't hold."""
    rows = f"select *, $project_id as project_id, {REFERRER} as referrer from ({read_files([path], with_place=True)})"
    params: dict[str, int | str] = {"project_id": project_id}
    for low, high, count, size in _slices(cursor, rows, params, memory_bytes):
        yield from _summarise(cursor, rows, params | {"low": low, "high": high}, count, size)


def _summarise(
    cursor: duckdb.DuckDBPyConnection, rows: str, params: dict[str, int | str], count: int, size: int
) -> Iterator[Summary]:
    """The summaries of a slice of the rows, in which there are so many, of so many bytes of properties."""
    of_slice = f"select * from ({rows}) where place between $low and $high"
    known = look(cursor, of_slice, params, count, size)
    without_place = f"select * exclude (place) from ({of_slice})"
    for kind, summarise in SUMMARIES.items():
        yield from (Summary(kind, project, content) for project, content in summarise(cursor, without_place, params, known))


def _slices(
    cursor: duckdb.DuckDBPyConnection, rows: str, params: dict[str, int | str], memory_bytes: int
) -> list[tuple[int, int, int, int]]:
    """The first and the last place of each slice of the rows, how many it has, and how many bytes of properties; none where there are no
    rows."""
    most = max(memory_bytes // SLICES, MIN_SLICE_BYTES)
    sizes = f"select place, strlen(properties) as bytes from ({rows})"
    told = "min(place), max(place), count(*), sum(bytes)"
    (found,) = cursor.execute(parsed(cursor, f"select {told} from ({sizes})"), params).fetchall()
    low, _, _, total = found
    if low is None or total <= most:
        return [] if low is None else [found]
    cut = f"select *, sum(bytes) over (order by place) // {most:d} as slice from ({sizes})"
    return cursor.execute(f"select {told} from ({cut}) group by slice order by slice", params).fetchall()
