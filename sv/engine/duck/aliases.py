"""Which user each anonymous id belongs to, as a table beside the events: what merged identity joins with.

Keeps the tables up to date with the rollup of aliases, and lets each query see them as of one moment, however many statements it makes.
Assumes that versions and numbers only grow. Never decides to whom an id belongs.

A table keeps history: each row holds for the refreshes [since, until). A change closes one row and opens another, so that a query that
reads as of an earlier refresh still sees the old row. A closed row is deleted once no query can be that old.
"""

import itertools
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

import duckdb
import numpy as np
from numpy.typing import NDArray

from sv.engine.duck.database import Database
from sv.model.identity import AliasChanges, AliasPlace
from sv.model.limits import MAX_ALIAS_TABLES, MAX_QUERY_S

OPEN: Final = 2**62
"""`until` of what still holds."""

_NUMBERS: Final = itertools.count(1)
"""Of tables, of which two engines on one database must not share one."""

AsOf = tuple[str, int]
"""A table and a refresh of it: where these are the same, each id has the same user."""

NOWHERE: Final = AliasPlace()
"""Before anything is told."""


class AliasRows(Protocol):
    """The rollup, as far as this module reads it."""

    def changes(self, project_id: str, after: AliasPlace) -> AliasChanges: ...


@dataclass(slots=True)
class _Table:
    """place: up to where the rollup was read. refreshes: those that changed something. closed: which of them closed rows, and when.
    used_s: when it was last asked for."""

    name: str
    place: AliasPlace = NOWHERE
    refreshes: int = 0
    used_s: float = 0.0
    closed: deque[tuple[float, int]] = field(default_factory=deque[tuple[float, int]])


class AliasTables:
    """Thread-safe. One table per project, made when it is first needed. Keeps MAX_ALIAS_TABLES of them, and those that a query may still
    read."""

    def __init__(self, database: Database, rows: AliasRows, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._rows = rows
        self._monotonic_s = monotonic_s
        self._lock = threading.Lock()
        self._tables: dict[str, _Table] = {}
        self._users: tuple[AsOf, NDArray[np.uint32]] | None = None

    def refresh(self, project_id: str) -> int:
        """Take in what has changed in the rollup. Returns the refresh to pass to `as_of`."""
        with self._lock, self._database.cursor() as cursor:
            table = self._tables.get(project_id)
            changes = self._rows.changes(project_id, table.place if table is not None else NOWHERE)
            if table is None:
                table = self._create(cursor, project_id)
            if changes.place != table.place:
                self._take_in(cursor, project_id, table, changes)
            table.used_s = self._monotonic_s()
            self._drop_unused(cursor)
            return table.refreshes

    def as_of(self, project_id: str, refresh: int) -> AsOf:
        """What stands for everybody's user as of a refresh."""
        return self._tables[project_id].name, refresh

    def select(self, as_of: AsOf) -> str:
        """A select of (person, user_person) with one row per alias."""
        name, refresh = as_of
        return f"select person, user_person from {name} where since <= {refresh:d} and {refresh:d} < until"

    def users(self, as_of: AsOf, count: int) -> NDArray[np.uint32]:
        """An array that maps each person number below `count` to its user's number (itself where it has none). The last array is kept: 4
        bytes per number."""
        kept = self._users
        if kept is not None and kept[0] == as_of and kept[1].size >= count:
            return kept[1]
        with self._database.cursor() as cursor:
            found = cursor.execute(f"{self.select(as_of)} and person < {count:d}").fetchnumpy()
        users = np.arange(count, dtype=np.uint32)
        users[found["person"]] = found["user_person"]
        self._users = (as_of, users)
        return users

    def _create(self, cursor: duckdb.DuckDBPyConnection, project_id: str) -> _Table:
        table = _Table(f"aliases_{next(_NUMBERS):d}")
        cursor.execute(f"create table {table.name} (person bigint, user_person bigint, since bigint, until bigint)")
        self._tables[project_id] = table
        return table

    def _take_in(self, cursor: duckdb.DuckDBPyConnection, project_id: str, table: _Table, changes: AliasChanges) -> None:
        """Apply all changes from these on, as one refresh. When the rollup was rebuilt, everything known is void, and the new build is read
        from its start."""
        refresh, place = table.refreshes + 1, table.place
        now_s = self._monotonic_s()
        unseen = [closed_by for closed_s, closed_by in table.closed if closed_s < now_s - MAX_QUERY_S]
        closed = 0
        cursor.begin()
        try:
            if unseen:
                cursor.execute(f"delete from {table.name} where until <= $unseen", {"unseen": unseen[-1]})
            while changes.place != place:
                if changes.place.build != place.build:
                    closed += _count(cursor.execute(_CLOSE_ALL.format(table=table.name), {"refresh": refresh}))
                if changes.count:
                    values = {"refresh": refresh, "changes": changes.rows}
                    closed += _count(cursor.execute(_CLOSE.format(table=table.name), values))
                    cursor.execute(_OPEN_ROWS.format(table=table.name), values)
                place = changes.place
                changes = self._rows.changes(project_id, place)
            cursor.commit()
        except BaseException:
            cursor.rollback()
            raise
        table.refreshes, table.place = refresh, place
        for _ in unseen:
            table.closed.popleft()
        if closed:
            table.closed.append((now_s, refresh))

    def _drop_unused(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Drop tables beyond MAX_ALIAS_TABLES, those unused for longest first, unless a query may still be reading them."""
        by_use = sorted(self._tables.items(), key=lambda item: item[1].used_s)
        for project_id, table in by_use[: max(len(by_use) - MAX_ALIAS_TABLES, 0)]:
            if table.used_s < self._monotonic_s() - MAX_QUERY_S:
                cursor.execute(f"drop table {table.name}")
                del self._tables[project_id]


_CHANGES: Final = """(select change[1] as person, change[2] as user_person from (
  select unnest(from_json($changes, '[["BIGINT"]]')) as change
))"""

_CLOSE_ALL: Final = f"update {{table}} set until = $refresh where until = {OPEN}"

_CLOSE: Final = f"""
update {{table}} set until = $refresh
from {_CHANGES} as changes
where {{table}}.person = changes.person and until = {OPEN}
"""

_OPEN_ROWS: Final = f"""
insert into {{table}}
select person, user_person, $refresh, {OPEN} from {_CHANGES} where person <> user_person
"""


def _count(answered: duckdb.DuckDBPyConnection) -> int:
    row = answered.fetchone()
    assert row is not None
    return int(row[0])
