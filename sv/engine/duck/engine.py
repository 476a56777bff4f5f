"""`sv.engine.port.Engine` by DuckDB: runs the statements of this package over a snapshot, under limits."""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NoReturn

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sv.engine.duck import funnel, page, trend
from sv.engine.duck.database import Database, lower_own_priority
from sv.engine.duck.relation import relation
from sv.engine.duck.sql import Params, Sql
from sv.engine.port import (
    EventRow,
    FunnelKeys,
    FunnelRows,
    GroupBy,
    GroupValues,
    Limits,
    Matcher,
    Measure,
    PageKeys,
    Scope,
    TrendCells,
    UnreadablePart,
)
from sv.model.errors import Unavailable, ValidationFailed
from sv.model.snapshot import Snapshot

log = logging.getLogger(__name__)

STEP_WORKERS: Final = 4
"""Steps of one funnel read at once; each is a statement that DuckDB spreads over its own threads."""


class DuckEngine:
    """Thread-safe. max_person: an upper bound of the persons' numbers at the time of the call."""

    def __init__(self, database: Database, data_folder: Path, max_person: Callable[[], int]) -> None:
        self._database = database
        self._data_folder = data_folder
        self._max_person = max_person
        self._steps = ThreadPoolExecutor(STEP_WORKERS, "sv-step", initializer=lower_own_priority)

    def close(self) -> None:
        self._steps.shutdown()

    # Lists

    def page(self, snapshot: Snapshot, scope: Scope, matcher: Matcher, keys: PageKeys, limits: Limits) -> list[EventRow]:
        """See the port. The derived sessions of the page's events may reach beyond the scope, so they read the whole snapshot."""
        params = Params()
        needs_all = keys.session_id is not None and keys.session_id.startswith("auto-")
        source = snapshot if needs_all else snapshot.within(scope.from_ms, scope.to_ms)
        with self._cursor(limits) as cursor:
            statement = page.page_sql(self._events(source, params), scope, matcher, keys, params)
            rows = cursor.execute(statement.text, statement.params).fetchall()
            sessions: dict[str, str] = {}
            persons = page.persons_without_session(rows)
            if persons:
                params = Params()
                statement = page.sessions_sql(self._events(snapshot, params), persons, params)
                for event_id, person, started in cursor.execute(statement.text, statement.params).fetchall():
                    sessions[event_id] = page.derived_session_id(person, started)
        return [page.event_row(row, sessions) for row in rows]

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
        """See the port. By person a statement a step, side by side; groups that have to be numbered first take one for all."""
        source = snapshot.within(scope.from_ms, scope.to_ms)
        packing = self._packing(source, scope, window_ms, limits)
        if packing is None:
            nothing = np.empty(0, np.uint64)
            return FunnelKeys([nothing for _ in steps], nothing if with_foreign else None, 1, scope.from_ms)
        if group_by == "session" or not self._fits(packing):
            rows = self.funnel_rows(snapshot, scope, steps, window_ms, group_by, with_foreign, limits)
            by_step = [rows.keys[(rows.masks >> np.uint32(place)) & np.uint32(1) == 1] for place in range(len(steps))]
            foreign = rows.keys[rows.masks == 0] if with_foreign else None
            return FunnelKeys(by_step, foreign, rows.bits, rows.origin_ms)

        def keys_of(build: Callable[[str, Params], Sql]) -> NDArray[np.uint64]:
            params = Params()
            return _column(self._table(build(self._events(source, params), params), limits), "key", np.uint64)

        builds: list[Callable[[str, Params], Sql]] = [
            lambda events, params, step=step: funnel.step_keys_sql(events, scope, step, packing, params) for step in steps
        ]
        if with_foreign:
            builds.append(lambda events, params: funnel.foreign_keys_sql(events, scope, list(steps), packing, params))
        arrays = list(self._steps.map(keys_of, builds))
        return FunnelKeys(arrays[: len(steps)], arrays[len(steps)] if with_foreign else None, packing.bits, packing.origin_ms)

    def funnel_rows(
        self,
        snapshot: Snapshot,
        scope: Scope,
        steps: Sequence[Matcher],
        window_ms: int,
        group_by: GroupBy,
        with_foreign: bool,
        limits: Limits,
    ) -> FunnelRows:
        source = snapshot.within(scope.from_ms, scope.to_ms)
        packing = self._packing(source, scope, window_ms, limits)
        if packing is None:
            return FunnelRows(np.empty(0, np.uint64), np.empty(0, np.uint32), 1, scope.from_ms)
        params = Params()
        events = self._events(source, params)
        is_renumbered = not self._fits(packing)
        statement = funnel.rows_sql(events, scope, list(steps), packing, group_by, with_foreign, is_renumbered, params)
        table = self._table(statement, limits)
        return FunnelRows(_column(table, "key", np.uint64), _column(table, "mask", np.uint32), packing.bits, packing.origin_ms)

    def first_values(
        self, snapshot: Snapshot, scope: Scope, step: Matcher, name: str, group_by: GroupBy, limits: Limits
    ) -> GroupValues:
        source = snapshot.within(scope.from_ms, scope.to_ms)
        packing = self._packing(source, scope, 0, limits)
        params = Params()
        is_renumbered = packing is not None and not self._fits(packing)
        statement = funnel.first_values_sql(self._events(source, params), scope, step, name, group_by, is_renumbered, params)
        table = self._table(statement, limits)
        encoded = pc.dictionary_encode(table.column("value").combine_chunks(), null_encoding="encode")
        if isinstance(encoded, pa.ChunkedArray):
            encoded = encoded.combine_chunks()
        codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        return GroupValues(_column(table, "group", np.uint64), codes, encoded.dictionary.to_pylist())

    def _packing(self, source: Snapshot, scope: Scope, window_ms: int, limits: Limits) -> funnel.Packing | None:
        """How keys are packed for this scope, or None where it holds no event. Uses the catalog's bounds, which may be wider."""
        bounds = [(part.min_ts_ms, part.max_ts_ms) for part in source.parts]
        if source.buffers:
            params = Params()
            in_buffers = self._events(Snapshot(source.project_id, (), source.buffers), params)
            statement = funnel.time_range_sql(in_buffers, scope, params)
            with self._cursor(limits) as cursor:
                row = cursor.execute(statement.text, statement.params).fetchone()
            if row is not None and row[0] is not None:
                bounds.append((row[0], row[1]))
        if not bounds:
            return None
        first = max(min(low for low, _ in bounds), scope.from_ms)
        last = min(max(high for _, high in bounds), scope.to_ms - 1)
        return funnel.packing_of(first, max(last, first), window_ms)

    def _fits(self, packing: funnel.Packing) -> bool:
        return self._max_person().bit_length() + packing.bits <= funnel.KEY_BITS

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
        source = snapshot.within(scope.from_ms, scope.to_ms)
        top: list[str] = []
        if breakdown is not None:
            params = Params()
            events = self._events(source, params)
            statement = trend.top_values_sql(events, scope, matcher, breakdown, breakdown_limit, params)
            top = self._table(statement, limits).column("value").to_pylist()
        has_other = len(top) > breakdown_limit
        top = top[:breakdown_limit]
        params = Params()
        statement = trend.cells_sql(
            self._events(source, params), scope, matcher, measure, number_of, starts_ms, breakdown, top, params
        )
        with self._cursor(limits) as cursor:
            rows = cursor.execute(statement.text, statement.params).fetchall()
        return _trend_cells(rows, top, len(starts_ms), breakdown is not None, has_other)

    def check_regex(self, pattern: str) -> str | None:
        with self._database.cursor() as cursor:
            try:
                cursor.execute("select regexp_matches('', $pattern)", {"pattern": pattern}).fetchall()
            except duckdb.Error as error:
                return str(error).splitlines()[0].removeprefix("Invalid Input Error: ")
        return None

    # Running

    def _events(self, snapshot: Snapshot, params: Params) -> str:
        return relation(snapshot, self._data_folder, params)

    def _table(self, statement: Sql, limits: Limits) -> pa.Table:
        with self._cursor(limits) as cursor:
            return cursor.sql(statement.text, params=statement.params).to_arrow_table()

    @contextmanager
    def _cursor(self, limits: Limits) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor whose statements end when the time is up, with the engine's errors as ours."""
        with self._database.cursor() as cursor:
            timer = threading.Timer(limits.timeout_s, cursor.interrupt)
            timer.daemon = True
            timer.start()
            try:
                yield cursor
            except duckdb.Error as error:
                _translate(error, limits)
            finally:
                timer.cancel()


def _translate(error: duckdb.Error, limits: Limits) -> NoReturn:
    message = str(error).splitlines()[0]
    if isinstance(error, duckdb.InterruptException):
        raise Unavailable(f"the query took longer than {limits.timeout_s:g} s; ask for a shorter range") from error
    if isinstance(error, duckdb.OutOfMemoryException):
        raise Unavailable("the query needs more memory than the server may use; ask for a shorter range") from error
    if "regex" in message.lower() or "missing )" in message or "no argument for repetition" in message:
        raise ValidationFailed.at("filters", message) from error
    if isinstance(error, duckdb.IOException | duckdb.InvalidInputException | duckdb.SerializationException):
        raise UnreadablePart(message) from error
    raise error


def _column(table: pa.Table, name: str, kind: type[np.generic]) -> Any:
    """A column without nulls as a numpy array."""
    column = table.column(name)
    if column.num_chunks == 0:
        return np.empty(0, kind)
    return column.combine_chunks().to_numpy(zero_copy_only=False).astype(kind, copy=False)


def _trend_cells(rows: list[tuple[Any, ...]], top: list[str], buckets: int, is_broken_down: bool, has_other: bool) -> TrendCells:
    """Spread (slot, bucket, measure) rows over a matrix; what no row names stays nan."""
    cells = np.full((len(top) + 2, buckets), np.nan)
    totals = np.full(len(top) + 2, np.nan)
    for slot, bucket, measure in rows:
        value = np.nan if measure is None else measure
        if bucket is None:
            totals[slot + 1] = value
        else:
            cells[slot + 1, bucket] = value
    # Row 0 is "no value" (or everything, without a breakdown), row 1 is "other", then the top values.
    has_null = not is_broken_down or any(slot == trend.NO_VALUE_SLOT for slot, _, _ in rows)
    order = [*range(2, len(top) + 2), *([0] if has_null else [])]
    values: list[str | None] = [*top, *([None] if has_null else [])]
    other = cells[1] if has_other else None
    return TrendCells(values, cells[order], totals[order], other, float(totals[1]))
