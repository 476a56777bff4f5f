"""What event files say about themselves: facts, log positions, persons, and rows shared with other files. For checking a catalog, or
rebuilding one.

An event's id says which record of the log it came in (`drain.py`), so a file tells how far the log is in it.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from msgspec import structs

from sv.engine.duck.database import Database
from sv.engine.duck.files import FileFacts, file_facts, is_readable, read_files

PAIRS: Final = 10_000
"""Persons handed out at a time."""

_HALF: Final = "18446744073709551616::uhugeint"
_SEQ: Final = "((high & 4095) << 33) | (((low >> 48) & 16383) << 19) | ((low >> 29) & 524287)"
_IMPORTED: Final = 1 << 44


class Contents(FileFacts, frozen=True):
    """A file that can be read. min_seq, max_seq: of the log's records that its events came in, 0 where all were imported."""

    imported_rows: int
    min_seq: int
    max_seq: int
    salt: int


class Inventory:
    """Reads event files below a folder. Raises Unavailable's causes as DuckDB's own errors where memory doesn't suffice."""

    def __init__(self, data: Path, memory_bytes: int, threads: int) -> None:
        self._data = data
        self._database = Database(
            events_folder=data / "events", spill_folder=data / "spill", memory_bytes=memory_bytes, threads=threads
        )

    def interrupt(self) -> None:
        """End what it is at. Others may call it."""
        self._database.interrupt()

    def close(self) -> None:
        self._database.close()

    def contents(self, path: str) -> Contents | None:
        """None for a file that can't be read from end to end. Raises PermissionError for one that we may not read."""
        file = self._data / path
        try:
            os.close(os.open(file, os.O_RDONLY | os.O_CLOEXEC))
        except PermissionError:
            raise
        except OSError:
            return None
        with self._database.cursor() as cursor:
            if not is_readable(cursor, file):
                return None
            facts = file_facts(cursor, file)
            row = cursor.execute(
                f"""
                with halves as (
                  select (id::uhugeint // {_HALF})::ubigint as high, (id::uhugeint % {_HALF})::ubigint as low from ({read_files([file])})
                ), numbered as (
                  select {_SEQ} as seq, low & 262143 as salt from halves
                )
                select
                  count(*) filter (where seq >= {_IMPORTED}),
                  coalesce(min(seq) filter (where seq < {_IMPORTED}), 0),
                  coalesce(max(seq) filter (where seq < {_IMPORTED}), 0),
                  coalesce(max(salt), 0)
                from numbered
                """
            ).fetchone()
            assert row is not None
            return Contents(*structs.astuple(facts), *row) if facts.rows else None

    def persons(self, path: str) -> Iterator[list[tuple[str, int]]]:
        """The file's distinct ids with their numbers, some at a time."""
        with self._database.cursor() as cursor:
            cursor.execute(f"select distinct distinct_id, person from ({read_files([self._data / path])})")
            while rows := cursor.fetchmany(PAIRS):
                yield [(str(distinct_id), int(person)) for distinct_id, person in rows]

    def sharing(self, paths: Sequence[str]) -> list[tuple[str, ...]]:
        """Sets of these files that have an event in common."""
        if len(paths) < 2:
            return []
        with self._database.cursor() as cursor:
            source = read_files([self._data / path for path in paths], with_index=True)
            rows = cursor.execute(
                f"""
                select distinct places
                from (select list_sort(list(file_index)) as places from ({source}) group by id having count(*) > 1)
                order by places
                """
            ).fetchall()
        return [tuple(str(paths[place]) for place in sorted(set(places))) for (places,) in rows]
