"""Running the summaries over buffers and files."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import duckdb

from sv.engine.duck.drain import buffer_name
from sv.engine.duck.files import read_files
from sv.engine.duck.schema import COLUMN_LIST
from sv.engine.duck.summaries import SUMMARIES
from sv.model.rollup import Summary

FETCHED_PIECES: Final = 4
"""Pieces that a reading of a file holds at once."""


def summarise_buffers(
    cursor: duckdb.DuckDBPyConnection, generations: Sequence[int], after_seq: int, up_to_seq: int, project_id: str | None
) -> list[Summary]:
    """The summaries of the buffers' rows of log positions above `after_seq`, up to `up_to_seq`; of one project or of all."""
    if not generations:
        return []
    condition = "seq > $after and seq <= $up_to" + ("" if project_id is None else " and project_id = $project_id")
    selects = [f"select {COLUMN_LIST}, project_id from {buffer_name(each)} where {condition}" for each in generations]
    params = {"after": after_seq, "up_to": up_to_seq} | ({} if project_id is None else {"project_id": project_id})
    found: list[Summary] = []
    for kind, summary_sql in SUMMARIES.items():
        rows = cursor.execute(summary_sql(" union all ".join(selects)), params).fetchall()
        found += [Summary(kind, project, content) for project, content in rows]
    return found


def position_after(cursor: duckdb.DuckDBPyConnection, generations: Sequence[int], after_seq: int, rows: int) -> int | None:
    """The log position of the row that comes `rows` rows after `after_seq` in the buffers; None where there are not so many."""
    selects = [f"select seq from {buffer_name(each)} where seq > $after" for each in generations]
    text = f"select seq from ({' union all '.join(selects)}) order by seq limit 1 offset {rows:d}"
    found = cursor.execute(text, {"after": after_seq}).fetchone() if generations else None
    return None if found is None else found[0]


def summarise_file(cursor: duckdb.DuckDBPyConnection, path: Path, project_id: str) -> Iterator[Summary]:
    """The summaries of a file's rows, a piece at a time: grouping happens in the engine, which spills what it can't hold."""
    rows = f"select *, $project_id as project_id from ({read_files([path])})"
    for kind, summary_sql in SUMMARIES.items():
        answer = cursor.execute(summary_sql(rows), {"project_id": project_id})
        while pieces := answer.fetchmany(FETCHED_PIECES):
            yield from (Summary(kind, project, content) for project, content in pieces)
