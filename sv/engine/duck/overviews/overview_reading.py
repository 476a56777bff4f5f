"""Reads an overview: runs its statements share by share, and keeps of their rows what the figures need."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, wait
from typing import Any, Final, NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
from msgspec import Struct
from numpy.typing import NDArray

from sv.engine.duck.keys.key_reading import KeyReader
from sv.engine.duck.overviews import overview_shares, overview_tables
from sv.engine.duck.overviews.overview_keys import KeyedOverviews
from sv.engine.duck.overviews.overview_shares import Hashes, Share
from sv.engine.duck.overviews.overview_sql import Kind, OverviewSource, OverviewSql, of_share
from sv.engine.duck.overviews.overview_tables import Rows
from sv.engine.duck.run import Statements, column_of
from sv.engine.duck.sql import Params
from sv.engine.duck.trends.trend_reading import Relations, TrendReader
from sv.engine.port import SHORTER, Limits, OverviewFigures, OverviewRow, Scope
from sv.model.errors import Unavailable
from sv.model.overview import OverviewFilters, Table
from sv.model.snapshot import Snapshot

KEPT_SHARE: Final = 0.5
"""Of the engine's memory, again as much beside it, for the rows of an overview."""

AHEAD: Final = 1
"""Statements that run, or are planned, while the one before is looked at. With two it was not sooner, and took more processor time."""

_COLUMNS: Final = {
    Kind.VISIT: ("bucket", "is_bounce", "duration_ms"),
    Kind.SEEN: ("person", "bucket", "views"),
    Kind.PAGE: ("person", "page", "views"),
}

Item = TypeVar("Item")
Result = TypeVar("Result")


class Asked(Struct, frozen=True):
    """One overview. source: a select of a snapshot's events between two times."""

    snapshot: Snapshot
    scope: Scope
    filters: OverviewFilters
    starts_ms: Sequence[int]
    tables: Sequence[Table]
    rows: int
    source: Callable[[Snapshot, Params], OverviewSource]
    limits: Limits


class OverviewReader:
    """Thread-safe. memory_bytes: the engine's. workers: for statements and arithmetic beside each other."""

    def __init__(
        self,
        statements: Statements,
        key_reader: KeyReader,
        trends: TrendReader,
        relations: Relations,
        memory_bytes: int,
        workers: Executor,
    ) -> None:
        self._statements = statements
        self._keyed = KeyedOverviews(statements, key_reader, trends, relations, int(memory_bytes * KEPT_SHARE))
        self._most_bytes = int(memory_bytes * KEPT_SHARE)
        self._most_rows = overview_shares.rows_within(memory_bytes)
        self._workers = workers

    def figures(self, asked: Asked) -> OverviewFigures:
        """See the port."""
        visitors = sessions = None
        if not any((asked.filters.events, asked.filters.entry, asked.filters.exit)):
            of_keys = (asked.snapshot, asked.scope, asked.starts_ms, asked.limits)
            visitors = self._keyed.visitor_measures(*of_keys)
            sessions = None if asked.tables else self._keyed.session_measures(*of_keys)
        if visitors is not None and sessions is not None:
            return OverviewFigures(*visitors, *sessions, tables={})
        reading = _Reading(self._statements, asked, self._most_bytes, self._workers, has_visitors=visitors is None)
        self._read(asked, reading)
        return reading.figures(visitors)

    def _read(self, asked: Asked, reading: "_Reading") -> None:
        scope = asked.scope
        parts = asked.snapshot.parts
        cuts = overview_shares.cuts(parts, scope.from_ms, scope.to_ms, self._most_rows)
        pieces = list(overview_shares.pieces(parts, cuts, self._most_rows))
        if len(pieces) == 1:
            reading.read([Share(from_ms=scope.from_ms, to_ms=scope.to_ms)], (Kind.VISIT, *reading.counts))
        else:
            reading.cut(cuts, pieces, self._most_rows)


class _Question(NamedTuple):
    """A statement of a share, and which rows it asks for."""

    share: Share
    kinds: tuple[Kind, ...]


class _Reading:
    """What has been read of one overview. counts: the kinds of rows that are asked for beside sessions. has_visitors: whether visitors and
    pageviews are to be read too."""

    def __init__(self, statements: Statements, asked: Asked, most_bytes: int, workers: Executor, *, has_visitors: bool) -> None:
        self._statements = statements
        self._asked = asked
        self._left_bytes = most_bytes
        self._workers = workers
        self._kept = {kind: Rows() for kind in Kind}
        self._filters_sessions = bool(asked.filters.entry or asked.filters.exit)
        wanted = {Kind.SEEN: has_visitors, Kind.PAGE: Table.PAGES in asked.tables}
        self.counts = tuple(kind for kind, is_wanted in wanted.items() if is_wanted)

    def read(self, shares: Iterable[Share], kinds: tuple[Kind, ...]) -> Hashes:
        """Keep the rows of these shares. Returns, for each share that is cut, the hashes of all its sessions, whether or not these count.
        Where there are filters on sessions one statement finds the sessions for all kinds of rows; otherwise each kind has a statement of
        its own."""
        asked_at_once = [kinds] if self._filters_sessions else [(kind,) for kind in kinds]
        questions = (_Question(share, some) for some in asked_at_once for share in shares)
        hashes: list[Hashes] = [np.empty(0, np.uint64)]
        for question, rows in beside(self._workers, questions, self._ask):
            self._asked.limits.check()  # here, since those who help don't pause
            for kind in question.kinds:
                found = rows.filter(pa.array(column_of(rows, "kind") == kind)) if len(question.kinds) > 1 else rows
                if kind is Kind.VISIT and question.share.is_cut:
                    hashes.append(column_of(found, "session_hash"))
                    found = found.filter(found.column("is_kept"))
                self._keep(kind, question.share, found)
        return np.concatenate(hashes)

    def cut(self, cuts: Sequence[tuple[int, int]], pieces: Sequence[Share], most_rows: int) -> None:
        """Reads the range piece by piece, then the sessions that have events in several pieces, then the sessions without a client's id."""
        scope = self._asked.scope
        kinds = (Kind.VISIT, *self.counts) if self._filters_sessions else (Kind.VISIT,)
        hashes = overview_shares.of_several(self.read(pieces, kinds))
        for kept in self._kept.values():
            kept.drop(hashes)
        rest = [
            *overview_shares.of_cut_sessions(hashes, scope.from_ms, scope.to_ms),
            *overview_shares.of_derived(self._count_derived(), scope.from_ms, scope.to_ms, most_rows),
        ]
        self.read(rest, kinds)
        if not self._filters_sessions:
            self.read([Share(from_ms=low, to_ms=high) for low, high in cuts], self.counts)

    def figures(self, visitors: NDArray[np.int64] | None) -> OverviewFigures:
        """The arithmetic. visitors: visitors and pageviews, where they are known already."""
        asked = self._asked
        buckets = len(asked.starts_ms)
        return OverviewFigures(
            *(overview_tables.visitor_measures(self._kept[Kind.SEEN], buckets) if visitors is None else visitors),
            *overview_tables.session_measures(self._kept[Kind.VISIT], buckets),
            tables=dict(beside(self._workers, asked.tables, self._table)),
        )

    def _count_derived(self) -> int:
        """Events without a session id."""
        scope, params = self._asked.scope, Params()
        share = Share(from_ms=scope.from_ms, to_ms=scope.to_ms, has_clients=False)
        events = self._asked.source(self._asked.snapshot, params).events
        statement = params.sql(f"select count(*) from ({events}) where {of_share(share, params)}")
        return self._statements.rows(statement, self._asked.limits)[0][0]

    def _table(self, table: Table) -> list[OverviewRow]:
        self._asked.limits.check()
        if table is Table.PAGES:
            return overview_tables.pages_table(self._kept[Kind.PAGE], self._asked.rows)
        return overview_tables.sessions_table(self._kept[Kind.VISIT], table, self._asked.rows)

    def _ask(self, question: _Question) -> Any:
        asked, share, params = self._asked, question.share, Params()
        source = asked.source(asked.snapshot.within(share.from_ms, share.to_ms), params)
        sql = OverviewSql(source, share, asked.filters, asked.starts_ms, params, include_bots=asked.scope.include_bots)
        return self._statements.table(sql.rows(question.kinds, asked.tables), asked.limits)

    def _keep(self, kind: Kind, share: Share, rows: Any) -> None:
        is_hashed = share.is_cut and (kind is Kind.VISIT or self._filters_sessions)
        names = [*_COLUMNS[kind], *(["session_hash"] if is_hashed else [])]
        if kind is Kind.VISIT:
            values = [table.value for table in self._asked.tables if table is not Table.PAGES]
            names += ["person", *values] if values else []
        self._left_bytes -= self._kept[kind].add(rows.select(names))
        if self._left_bytes < 0:
            raise Unavailable(f"the overview needs more memory than the server may use; {SHORTER}")


def beside(workers: Executor, items: Iterable[Item], work: Callable[[Item], Result]) -> Iterator[tuple[Item, Result]]:
    """Yields each item with the result of `work` for it, in order. While one is looked at, the next AHEAD ones are worked on; when the
    generator ends, for whatever reason, so does all work."""
    waiting: deque[tuple[Item, Future[Result]]] = deque()
    try:
        for item in items:
            waiting.append((item, workers.submit(work, item)))
            if len(waiting) > AHEAD:
                first, made = waiting.popleft()
                yield first, made.result()
        while waiting:
            first, made = waiting.popleft()
            yield first, made.result()
    finally:
        for _, made in waiting:
            made.cancel()
        wait([made for _, made in waiting])
