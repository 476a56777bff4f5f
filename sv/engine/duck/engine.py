"""`sv.engine.port.Engine` by DuckDB: builds the statements of this package over a snapshot and puts their answers into shape."""

import contextlib
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sv.engine.duck.aliases import AliasTables, AsOf
from sv.engine.duck.buffer.drain import buffer_name
from sv.engine.duck.database import Database
from sv.engine.duck.exports import export
from sv.engine.duck.exports.export_slices import ExportSlices
from sv.engine.duck.funnels.funnel_reading import FunnelReader
from sv.engine.duck.funnels.merged_keys import MergedKeys
from sv.engine.duck.funnels.step_keys import StepCache
from sv.engine.duck.funnels.step_reading import StepReader
from sv.engine.duck.keys.key_reading import KeyReader
from sv.engine.duck.keys.open_files import KeyFiles
from sv.engine.duck.keys.session_numbers import Numberings
from sv.engine.duck.overviews.overview_reading import Asked as OverviewAsked
from sv.engine.duck.overviews.overview_reading import OverviewReader
from sv.engine.duck.overviews.overview_sql import OverviewSource
from sv.engine.duck.pages.page_reading import PageReader
from sv.engine.duck.relation import attributed, relation
from sv.engine.duck.run import Statements
from sv.engine.duck.sql import Params, Sql
from sv.engine.duck.trends.trend_reading import Asked, TrendReader
from sv.engine.duck.user_sql.sql_run import run_sql
from sv.engine.port import (
    Aliases,
    EventRow,
    FunnelKeys,
    FunnelRows,
    GroupBy,
    GroupValues,
    Limits,
    Matcher,
    Measure,
    OverviewFigures,
    PageKeys,
    Scope,
    TrendCells,
)
from sv.engine.prefetch import PREFETCH_BYTES, Prefetch
from sv.engine.priority import lower_own_priority
from sv.model.exports import ExportFormat, Piece
from sv.model.filters import Filter
from sv.model.limits import EXPORT_BLOCK_EVENTS
from sv.model.overview import OverviewFilters, Table
from sv.model.snapshot import Snapshot
from sv.model.sql import SqlAnswer, SqlQuery

MAX_STEP_WORKERS: Final = 4
"""How many steps or files of questions are read at once, all questions together; each is a statement that DuckDB spreads over its own
threads, or a key file. No more than those threads are: with four on two cores no question was answered sooner, and who held the
interpreter's lock waited for the processor behind all of them, and ingest with it (`ingest_under_queries_bench`)."""

CACHE_BYTES: Final = 128 << 20
"""Fourteen million matches, eight of them merged, and what tells two million sessions apart that lie in several files."""

SESSIONS_SHARE: Final = 2
"""Of the engine's memory: one of these is what sessions may take at most while they are told apart. SQL would take more."""

READY_S: Final = 60.0
"""For the statement that nobody waits for."""

ATTRIBUTE_FIRST: Final = "a merged snapshot has to be attributed before persons are counted"


class DuckEngine:
    """Thread-safe. max_person: an upper bound of the persons' numbers at the time of the call. cache_bytes: how much of funnels' steps may
    be kept for later questions."""

    def __init__(
        self,
        database: Database,
        data_folder: Path,
        max_person: Callable[[], int],
        aliases: Aliases,
        cache_bytes: int = CACHE_BYTES,
        key_files: KeyFiles | None = None,
    ) -> None:
        self._statements = Statements(database)
        self._aliases = aliases
        self._alias_tables = AliasTables(database, aliases)
        self._data_folder = data_folder
        self._memory_bytes = database.memory_bytes
        self._max_person = max_person
        self._cache = StepCache(cache_bytes * 3 // 8)
        self._merged = MergedKeys(cache_bytes // 2)
        self._steps = ThreadPoolExecutor(min(database.threads, MAX_STEP_WORKERS), "sv-step", initializer=lower_own_priority)
        self._key_files = key_files or KeyFiles()
        self._key_files.when_gone = self._cache.forget
        self._numberings = Numberings(self._key_files.give_up, cache_bytes // 8, database.memory_bytes // SESSIONS_SHARE)
        self._key_reader = KeyReader(self._statements, self._key_files, self._steps, self._numberings)
        self._pages = PageReader(self._statements, data_folder, self._key_files, self._key_reader, aliases)
        self._export_slices = ExportSlices(self._statements, data_folder, database.memory_bytes, self.events)
        self._trends = TrendReader(self._statements, self._key_reader, self)
        self._overviews = OverviewReader(
            self._statements, self._key_reader, self._trends, self, database.memory_bytes, self._steps
        )
        reader = StepReader(self._statements, data_folder, self._key_reader, self._cache, self._steps)
        self._funnels = FunnelReader(self._statements, self._key_reader, reader, self._merged, self, self._steps)

    def close(self) -> None:
        self._steps.shutdown()

    def get_ready(self) -> None:
        """Pay what the first query of a process would pay: the imports on the way from statements to Arrow, and numpy's masked arrays,
        which the first call of `unique` imports in 13 ms."""
        self._statements.table(Sql("select 1 as one", {}), Limits(READY_S))
        np.unique(np.zeros(1))

    @property
    def cached_bytes(self) -> int:
        """What is kept of funnels' steps, and of sessions, for the next question."""
        return self._cache.bytes + self._merged.bytes + self._numberings.bytes

    def pin(self, snapshot: Snapshot, limits: Limits) -> Snapshot:
        """See the port. Drains are transactions in log order, so that the last position in the buffers tells what is in them."""
        if not snapshot.buffers:
            return snapshot
        seqs = " union all ".join(f"select seq from {buffer_name(generation)}" for generation in snapshot.buffers)
        rows = self._statements.rows(Sql(f"select max(seq) from ({seqs})", {}), limits)
        return snapshot.pinned(rows[0][0] or 0)

    def attribute(self, snapshot: Snapshot) -> Snapshot:
        """See the port."""
        return snapshot.attributed(self._alias_tables.refresh(snapshot.project_id)) if snapshot.is_merged else snapshot

    def check_regex(self, pattern: str) -> str | None:
        """See the port."""
        return self._statements.check_regex(pattern)

    def sql(self, snapshot: Snapshot, query: SqlQuery, threads: int, limits: Limits) -> SqlAnswer:
        """See the port."""
        return run_sql(self._statements, snapshot, self._data_folder, query, self._memory_bytes, threads, limits)

    # Lists

    def page(self, snapshot: Snapshot, scope: Scope, matcher: Matcher, keys: PageKeys, limits: Limits) -> list[EventRow]:
        """See the port."""
        return self._pages.rows(snapshot, scope, matcher, keys, limits)

    def fitting(
        self, snapshot: Snapshot, scope: Scope, matcher: Matcher, keys: PageKeys, most_bytes: int, limits: Limits
    ) -> tuple[int, bool]:
        """See the port."""
        return self._pages.fitting(snapshot, scope, matcher, keys, most_bytes, limits)

    def holding(self, snapshot: Snapshot, keys: PageKeys) -> Snapshot:
        """See the port."""
        return self._pages.holding(snapshot, keys)

    # Funnels

    def funnel_keys(
        self,
        snapshot: Snapshot,
        scope: Scope,
        steps: Sequence[Matcher],
        window_ms: int,
        group_by: GroupBy,
        with_foreign: bool,
        limits: Limits,
    ) -> FunnelKeys:
        """See the port."""
        return self._funnels.keys(snapshot, scope, steps, window_ms, group_by, with_foreign, limits)

    def funnel_rows(
        self,
        snapshot: Snapshot,
        scope: Scope,
        steps: Sequence[Matcher],
        window_ms: int,
        group_by: GroupBy,
        with_foreign: bool,
        in_order: bool,
        limits: Limits,
    ) -> FunnelRows:
        """See the port."""
        return self._funnels.rows(snapshot, scope, steps, window_ms, group_by, with_foreign, in_order, limits)

    def first_values(
        self,
        snapshot: Snapshot,
        scope: Scope,
        step: Matcher,
        name: str,
        group_by: GroupBy,
        numbering: object | None,
        limits: Limits,
    ) -> GroupValues:
        """See the port."""
        return self._funnels.first_values(snapshot, scope, step, name, group_by, numbering, limits)

    def funnel_persons(self, snapshot: Snapshot, scope: Scope, step: Matcher, limits: Limits) -> NDArray[np.uint64]:
        """See the port."""
        return self._funnels.persons(snapshot, scope, step, limits)

    def users(self, snapshot: Snapshot, count: int) -> NDArray[np.uint32] | None:
        """An array that maps each number to its user's; None where every number stands for itself."""
        as_of = self.users_as_of(snapshot)
        return None if as_of is None else self._alias_tables.users(as_of, count)

    def users_as_of(self, snapshot: Snapshot) -> AsOf | None:
        """As of when each number stands for its user; None where every number stands for itself."""
        if not snapshot.is_merged:
            return None
        assert snapshot.aliases is not None, ATTRIBUTE_FIRST
        return self._alias_tables.as_of(snapshot.project_id, snapshot.aliases)

    @property
    def max_person(self) -> int:
        """An upper bound of the persons' numbers."""
        return self._max_person()

    # Trends

    def trend(
        self,
        snapshot: Snapshot,
        scope: Scope,
        matcher: Matcher,
        measure: Measure,
        number_of: str | None,
        starts_ms: Sequence[int],
        breakdown: str | None,
        breakdown_limit: int,
        limits: Limits,
    ) -> TrendCells:
        """See the port."""
        asked = Asked(
            snapshot.within(scope.from_ms, scope.to_ms), scope, matcher, measure, number_of, starts_ms, breakdown, limits
        )
        return self._trends.cells(asked, breakdown_limit)

    # Overviews

    def overview(
        self,
        snapshot: Snapshot,
        scope: Scope,
        filters: OverviewFilters,
        starts_ms: Sequence[int],
        tables: Sequence[Table],
        rows: int,
        limits: Limits,
    ) -> OverviewFigures:
        """See the port."""

        def source(some: Snapshot, params: Params) -> OverviewSource:
            return OverviewSource(self.events(some, params), self._aliases_of(snapshot))

        within = snapshot.within(scope.from_ms, scope.to_ms)
        return self._overviews.figures(OverviewAsked(within, scope, filters, starts_ms, tables, rows, source, limits))

    # Exports

    def newest_received_ms(self, snapshot: Snapshot, limits: Limits) -> int | None:
        """See the port."""
        found = [part.max_received_ms for part in snapshot.parts]
        if snapshot.buffers:
            params = Params()
            text = f"select epoch_ms(max(received_at)) from ({self.events(snapshot.without_parts(), params)})"
            ((newest,),) = self._statements.rows(params.sql(text), limits)
            found += [] if newest is None else [newest]
        return max(found, default=None)

    def export_days(
        self, snapshot: Snapshot, scope: Scope, matcher: Matcher, received_before_ms: int, limits: Limits
    ) -> list[tuple[int, int]]:
        """See the port."""
        within = snapshot.within(scope.from_ms, scope.to_ms)
        days, known, rest = export.known_days(within, scope, matcher, received_before_ms)
        if known:
            footers = export.rows_of_files_sql([self._data_folder / part.path for part in known])
            if self._statements.rows(footers, limits)[0][0] != days.total():  # these are other files than the catalog's
                days, rest = Counter[int](), within
        if rest.parts or rest.buffers:
            params = Params()
            counted = export.days_sql(self.events(rest, params), scope, matcher, received_before_ms, params)
            for day, count in self._statements.rows(counted, limits):
                days[day] += count
        return sorted(days.items())

    def export(
        self,
        snapshot: Snapshot,
        pieces: Sequence[Piece],
        filters: tuple[Filter, ...],
        matcher: Matcher,
        received_before_ms: int,
        form: ExportFormat,
    ) -> Generator[bytes]:
        """See the port."""
        batches = self._export_batches(snapshot, pieces, filters, matcher, received_before_ms, form)
        with contextlib.closing(batches):
            is_parquet = form is ExportFormat.PARQUET
            yield from export.parquet_of(batches, self._memory_bytes) if is_parquet else export.lines_of(batches, form)

    def _export_batches(
        self,
        snapshot: Snapshot,
        pieces: Sequence[Piece],
        filters: tuple[Filter, ...],
        matcher: Matcher,
        received_before_ms: int,
        form: ExportFormat,
    ) -> Generator[Any]:
        def begin(number: int) -> Generator[Any]:
            piece = pieces[number]

            def condition(params: Params, from_ms: int = piece.from_ms, to_ms: int = piece.to_ms) -> str:
                scope = Scope(from_ms, to_ms, filters, include_bots=True)
                return export.condition(scope, matcher, received_before_ms, params)

            for part in self._export_slices.of(piece, snapshot.within(piece.from_ms, piece.to_ms), condition):
                params = Params()
                events = self.events(snapshot.within(part.from_ms, part.to_ms), params)
                wanted = condition(params, part.from_ms, part.to_ms)
                statement = export.rows_sql(events, wanted, form, part.is_ordered, params)
                with contextlib.closing(self._statements.batches(statement, EXPORT_BLOCK_EVENTS)) as batches:
                    yield from batches

        readings = Prefetch(begin, len(pieces), is_wanted=self._memory_bytes >= PREFETCH_BYTES)
        with contextlib.closing(readings):
            for number in range(len(pieces)):
                with contextlib.closing(readings.read(number)) as batches:
                    yield from batches

    def events(self, snapshot: Snapshot, params: Params) -> str:
        """Persons being distinct ids, which is what sessions are derived from."""
        return relation(snapshot, self._data_folder, params)

    def persons_events(self, snapshot: Snapshot, params: Params) -> str:
        """Persons being those that events are attributed to."""
        events = self.events(snapshot, params)
        aliases = self._aliases_of(snapshot)
        return events if aliases is None else attributed(events, aliases)

    def _aliases_of(self, snapshot: Snapshot) -> str | None:
        """A select of whose each anonymous id is; None where every id is its own."""
        as_of = self.users_as_of(snapshot)
        return None if as_of is None else self._alias_tables.select(as_of)
