"""Reading an overview: its statements share by share, and what of their rows is kept until the figures are made of it."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, wait
from typing import Any, Final, NamedTuple, TypeVar

import numpy as np
from msgspec import Struct

from sv.engine.duck import overview_shares, overview_tables
from sv.engine.duck.overview import OverviewSource, OverviewSql, of_share
from sv.engine.duck.overview_shares import Hashes, Share
from sv.engine.duck.overview_tables import Rows
from sv.engine.duck.run import Statements, column_of
from sv.engine.duck.sql import Params, Sql
from sv.engine.port import SHORTER, Limits, OverviewFigures, OverviewRow, Scope
from sv.model.errors import Unavailable
from sv.model.overview import OverviewFilters, Table
from sv.model.snapshot import Snapshot

KEPT_SHARE: Final = 0.5
"""Of the engine's memory, again as much beside it, for the rows of an overview."""

AHEAD: Final = 1
"""Statements that run, or are planned, while the one before is looked at. With two it was not sooner, and took more processor time."""

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

    def __init__(self, statements: Statements, memory_bytes: int, workers: Executor) -> None:
        self._statements = statements
        self._most_bytes = int(memory_bytes * KEPT_SHARE)
        self._most_rows = overview_shares.rows_within(memory_bytes)
        self._workers = workers

    def figures(self, asked: Asked) -> OverviewFigures:
        """See the port."""
        reading = _Reading(self._statements, asked, self._most_bytes, self._workers)
        scope = asked.scope
        cuts = overview_shares.cuts(asked.snapshot.parts, scope.from_ms, scope.to_ms, self._most_rows)
        if len(cuts) == 1:
            whole = [Share(from_ms=scope.from_ms, to_ms=scope.to_ms)]
            reading.read(reading.visits(whole) + reading.counts(whole))
        else:
            reading.cut(cuts, self._most_rows)
        return reading.figures()


class _Question(NamedTuple):
    """A statement of a share, and where its rows go."""

    kept: Rows
    share: Share
    statement: Callable[[OverviewSql], Sql]


class _Reading:
    """What has been read of one overview."""

    def __init__(self, statements: Statements, asked: Asked, most_bytes: int, workers: Executor) -> None:
        self._statements = statements
        self._asked = asked
        self._left_bytes = most_bytes
        self._workers = workers
        self._visits, self._seen, self._pages = Rows(), Rows(), Rows()

    def visits(self, shares: Iterable[Share]) -> list[_Question]:
        """Which sessions there are."""

        def statement(sql: OverviewSql) -> Sql:
            return sql.visits(self._asked.tables)

        return [_Question(self._visits, share, statement) for share in shares]

    def counts(self, shares: Sequence[Share]) -> list[_Question]:
        """Who saw how many pages."""
        questions = [_Question(self._seen, share, OverviewSql.seen) for share in shares]
        if Table.PAGES in self._asked.tables:
            questions += [_Question(self._pages, share, OverviewSql.pages) for share in shares]
        return questions

    def read(self, questions: Iterable[_Question]) -> Hashes:
        """Keeps what the answers say. Answers with the hashes of all sessions of cut shares, kept or not, once for each share."""
        hashes: list[Hashes] = [np.empty(0, np.uint64)]
        for question, rows in beside(self._workers, questions, self._ask):
            if question.kept is self._visits:
                if question.share.is_cut:
                    hashes.append(column_of(rows, "session_hash"))
                    rows = rows.filter(rows.column("is_kept"))
                else:
                    rows = rows.drop_columns(["session_hash"])
                rows = rows.drop_columns(["is_kept"])
            self._left_bytes -= question.kept.add(rows)
            if self._left_bytes < 0:
                raise Unavailable(f"the overview needs more memory than the server may use; {SHORTER}")
        return np.concatenate(hashes)

    def cut(self, cuts: Sequence[tuple[int, int]], most_rows: int) -> None:
        """Reads pieces of the range one by one, then the sessions that have events in several, then those that no client gave an id."""
        scope, filters = self._asked.scope, self._asked.filters
        pieces = [Share(from_ms=low, to_ms=high, has_derived=False, is_cut=True) for low, high in cuts]
        hashes = overview_shares.of_several(self.read(self.visits(pieces)))
        self._visits.drop(hashes)
        rest = [
            *overview_shares.of_cut_sessions(hashes, scope.from_ms, scope.to_ms),
            *overview_shares.of_derived(self._count_derived(), scope.from_ms, scope.to_ms, most_rows),
        ]
        self.read(self.visits(rest))
        if filters.entry or filters.exit:
            self.read(self.counts(pieces))
            self._seen.drop(hashes)
            self._pages.drop(hashes)
            self.read(self.counts(rest))
        else:
            self.read(self.counts([Share(from_ms=low, to_ms=high) for low, high in cuts]))

    def figures(self) -> OverviewFigures:
        """The arithmetic."""
        asked = self._asked
        buckets = len(asked.starts_ms)
        tables = dict(beside(self._workers, asked.tables, self._table))
        return OverviewFigures(
            *overview_tables.visitor_measures(self._seen, buckets),
            *overview_tables.session_measures(self._visits, buckets),
            tables=tables,
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
            return overview_tables.pages_table(self._pages, self._asked.rows)
        return overview_tables.sessions_table(self._visits, table, self._asked.rows)

    def _ask(self, question: _Question) -> Any:
        asked, share, params = self._asked, question.share, Params()
        source = asked.source(asked.snapshot.within(share.from_ms, share.to_ms), params)
        sql = OverviewSql(source, share, asked.filters, asked.starts_ms, params, include_bots=asked.scope.include_bots)
        return self._statements.table(question.statement(sql), asked.limits)


def beside(workers: Executor, items: Iterable[Item], work: Callable[[Item], Result]) -> Iterator[tuple[Item, Result]]:
    """Each item with what work makes of it, in order; while one is looked at, the next AHEAD ones are worked at.

    Whatever ends it, nothing is worked at any more afterwards.
    """
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
