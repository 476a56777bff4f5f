"""`sv.engine.port.Engine` by DuckDB: builds the statements of this package over a snapshot and puts their answers into shape."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray

from sv.engine.duck import funnel, step_keys
from sv.engine.duck import page as pages
from sv.engine.duck.aliases import AliasTables
from sv.engine.duck.database import Database, lower_own_priority
from sv.engine.duck.drain import buffer_name
from sv.engine.duck.key_files import KEY_BITS, MAX_PERSON
from sv.engine.duck.key_reading import KeyFiles, KeyReader
from sv.engine.duck.relation import attributed, relation
from sv.engine.duck.run import Statements, column_of
from sv.engine.duck.sql import Params, Sql
from sv.engine.duck.step_keys import Kept, StepCache
from sv.engine.duck.step_reading import StepReader
from sv.engine.duck.trend_reading import Asked, TrendReader
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
    PageKeys,
    Scope,
    TrendCells,
)
from sv.model.limits import DAY_MS
from sv.model.snapshot import Snapshot

STEP_WORKERS: Final = 4
"""Steps of one funnel read at once; each is a statement that DuckDB spreads over its own threads."""

SESSION_REACH_MS: Final = DAY_MS
"""How far before a page's events their derived sessions are first looked for; hardly any session is longer. Each further look reaches
back WIDER times as far."""

WIDER: Final = 8

CACHE_BYTES: Final = 64 << 20
"""Eight million matches."""

ATTRIBUTE_FIRST: Final = "a merged snapshot has to be attributed before persons are counted"


class DuckEngine:
    """Thread-safe. max_person: an upper bound of the persons' numbers at the time of the call. cache_bytes: what may be kept of funnels'
    steps for the next question."""

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
        self._max_person = max_person
        self._cache = StepCache(cache_bytes)
        self._steps = ThreadPoolExecutor(STEP_WORKERS, "sv-step", initializer=lower_own_priority)
        self._key_files = key_files or KeyFiles()
        self._trends = TrendReader(self._statements, KeyReader(self._statements, self._key_files, self._steps), self)
        self._reader = StepReader(self._statements, data_folder, self._key_files, self._cache, self._steps)

    def close(self) -> None:
        self._steps.shutdown()

    @property
    def cached_bytes(self) -> int:
        """What is kept of funnels' steps for the next question."""
        return self._cache.bytes

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

    # Lists

    def page(self, snapshot: Snapshot, scope: Scope, matcher: Matcher, keys: PageKeys, limits: Limits) -> list[EventRow]:
        """See the port. What session an event without one belongs to may hang on events before the scope."""
        derived = pages.derived_session(keys.session_id)
        from_ms = scope.from_ms if derived is None else min(scope.from_ms, derived.known_from_ms)
        params = Params()
        source = snapshot.within(from_ms, scope.to_ms)
        persons = self._persons_of(snapshot, keys.distinct_id)
        wanted = persons if persons is not None else [keys.person] if keys.person is not None else None
        if wanted is not None:
            source = source.with_parts(self._key_files.without(source.parts, wanted))
        events = self.events(source, params)
        rows = self._statements.rows(pages.page_sql(events, scope, matcher, keys, persons, params), limits)
        sessions = self._derive_sessions(snapshot, pages.sessionless(rows), limits)
        anonymous = pages.anonymous_persons(rows) if snapshot.is_merged else []
        owners = self._aliases.owners(snapshot.project_id, anonymous) if anonymous else {}
        return [pages.event_row(row, sessions, owners) for row in rows]

    def _persons_of(self, snapshot: Snapshot, distinct_id: str | None) -> Sequence[int] | None:
        """The numbers whose events are those of a distinct id, where they are not just the events that carry it."""
        if distinct_id is None or not snapshot.is_merged:
            return None
        return self._aliases.numbers_of(snapshot.project_id, distinct_id)

    def _derive_sessions(self, snapshot: Snapshot, wanted: list[pages.Sessionless], limits: Limits) -> dict[str, str]:
        """The ids of these events' sessions. Looks back until each session's start is certain."""
        # What a project's deletion takes away meanwhile is left with a session of its own.
        found = {event.event_id: pages.DerivedSession(event.person, event.timestamp_ms).id for event in wanted}
        reach_ms = SESSION_REACH_MS
        while wanted:
            from_ms = max(min(event.timestamp_ms for event in wanted) - reach_ms, 0)
            params = Params()
            source = snapshot.within(from_ms, max(event.timestamp_ms for event in wanted) + 1)
            persons = sorted({event.person for event in wanted})
            source = source.with_parts(self._key_files.without(source.parts, persons))
            events = self.events(source, params)
            rows = self._statements.rows(pages.sessions_sql(events, wanted, from_ms, params), limits)
            sessions = {event_id: pages.DerivedSession(person, started_ms) for event_id, person, started_ms in rows}
            found |= {event_id: session.id for event_id, session in sessions.items()}
            if from_ms == 0:
                break
            cut_off = {event_id for event_id, session in sessions.items() if session.known_from_ms < from_ms}
            wanted = [event for event in wanted if event.event_id in cut_off]
            reach_ms *= WIDER
        return found

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
        """See the port. By person the steps are read by file, side by side; groups that have to be numbered first take one for all."""
        source = snapshot.within(scope.from_ms, scope.to_ms)
        packing = self._packing(source, scope, window_ms, limits)
        if packing is None or group_by == "session" or not self._fits(packing):
            rows = self.funnel_rows(snapshot, scope, steps, window_ms, group_by, with_foreign, False, limits)
            by_step = [[rows.keys[(rows.masks >> np.uint32(place)) & np.uint32(1) == 1]] for place in range(len(steps))]
            foreign = rows.keys[rows.masks == 0] if with_foreign else None
            return FunnelKeys(by_step, foreign, rows.bits, rows.origin_ms, rows.is_numbered)
        are_files_read = packing.bits <= KEY_BITS and self._max_person() <= MAX_PERSON
        if are_files_read:
            packing = funnel.Packing(packing.origin_ms, KEY_BITS)
        foreign = None
        if with_foreign:
            params = Params()
            statement = funnel.foreign_keys_sql(self.persons_events(source, params), scope, steps, packing, params)
            foreign = self._steps.submit(self._keys, statement, limits)
        found = self._reader.read(source.parts if are_files_read else (), scope, steps, limits)
        users = self._users_of(source, found)

        def keys(place: int) -> list[NDArray[np.uint64]]:
            return self._step_keys(source, found[place], users, scope, packing, limits, steps[place])

        by_step = list(self._steps.map(keys, range(len(steps))))
        return FunnelKeys(by_step, foreign.result() if foreign else None, packing.bits, packing.origin_ms, False)

    def _step_keys(
        self,
        source: Snapshot,
        found: dict[int, Kept],
        users: NDArray[np.uint32] | None,
        scope: Scope,
        packing: funnel.Packing,
        limits: Limits,
        step: Matcher,
    ) -> list[NDArray[np.uint64]]:
        """The keys of all that match the step: of what is found in files, and of the other files and the buffers by a statement."""
        known = [(part, found[part.part_id]) for part in source.parts if part.part_id in found]
        arrays = list(step_keys.keys_of(known, scope, packing.origin_ms, users))
        rest = source.with_parts(tuple(part for part in source.parts if part.part_id not in found))
        if rest.parts or rest.buffers:
            params = Params()
            events = self.persons_events(rest, params)
            arrays.append(self._keys(funnel.step_keys_sql(events, scope, step, packing, params), limits))
        return arrays

    def _users_of(self, snapshot: Snapshot, found: Sequence[dict[int, Kept]]) -> NDArray[np.uint32] | None:
        """Whose each number is among what is found in files, which is kept by the events' own numbers. None: every number is its own."""
        kept = [each.keys for by_part in found for each in by_part.values() if each.keys.size]
        count = max(((int(keys.max()) >> KEY_BITS) + 1 for keys in kept), default=0)
        return self.users(snapshot, count)

    def users(self, snapshot: Snapshot, count: int) -> NDArray[np.uint32] | None:
        """Whose each of the first so many numbers is; None where every number is its own."""
        if not snapshot.is_merged:
            return None
        assert snapshot.aliases is not None, ATTRIBUTE_FIRST
        return self._alias_tables.users(snapshot.project_id, snapshot.aliases, count)

    @property
    def max_person(self) -> int:
        """An upper bound of the persons' numbers."""
        return self._max_person()

    def _keys(self, statement: Sql, limits: Limits) -> NDArray[np.uint64]:
        return column_of(self._statements.table(statement, limits), "key").astype(np.uint64, copy=False)

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
        source = snapshot.within(scope.from_ms, scope.to_ms)
        packing = self._packing(source, scope, window_ms, limits)
        if packing is None:
            return FunnelRows(np.empty(0, np.uint64), np.empty(0, np.uint32), 1, scope.from_ms, False)
        params = Params()
        events = self._groups_events(source, group_by, params)
        is_numbered = group_by == "session" or not self._fits(packing)
        statement = funnel.rows_sql(events, scope, steps, packing, group_by, with_foreign, in_order, is_numbered, params)
        table = self._statements.table(statement, limits)
        keys: NDArray[np.uint64] = column_of(table, "key").astype(np.uint64, copy=False)
        masks: NDArray[np.uint32] = column_of(table, "mask").astype(np.uint32, copy=False)
        return FunnelRows(keys, masks, packing.bits, packing.origin_ms, is_numbered)

    def first_values(
        self,
        snapshot: Snapshot,
        scope: Scope,
        step: Matcher,
        name: str,
        group_by: GroupBy,
        is_numbered: bool,
        limits: Limits,
    ) -> GroupValues:
        """See the port."""
        source = snapshot.within(scope.from_ms, scope.to_ms)
        params = Params()
        events = self._groups_events(source, group_by, params)
        statement = funnel.first_values_sql(events, scope, step, name, group_by, is_numbered, params)
        table = self._statements.table(statement, limits)
        encoded = table.column("value").combine_chunks().dictionary_encode(null_encoding="encode")
        codes: NDArray[np.int64] = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        values = cast("list[str | None]", encoded.dictionary.to_pylist())
        return GroupValues(column_of(table, "group").astype(np.uint64, copy=False), codes, values)

    def funnel_persons(self, snapshot: Snapshot, scope: Scope, step: Matcher, limits: Limits) -> NDArray[np.uint64]:
        """See the port."""
        params = Params()
        events = self.persons_events(snapshot.within(scope.from_ms, scope.to_ms), params)
        table = self._statements.table(funnel.starters_sql(events, scope, step, params), limits)
        return column_of(table, "person").astype(np.uint64, copy=False)

    def _packing(self, source: Snapshot, scope: Scope, window_ms: int, limits: Limits) -> funnel.Packing | None:
        """How keys are packed for this scope, or None where it holds no event. Uses the catalog's bounds, which may be wider."""
        bounds = [(part.min_ts_ms, part.max_ts_ms) for part in source.parts]
        if source.buffers:
            params = Params()
            in_buffers = self.events(source.without_parts(), params)
            ((first, last),) = self._statements.rows(funnel.time_range_sql(in_buffers, scope, params), limits)
            if first is not None:
                bounds.append((first, last))
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
        """See the port."""
        asked = Asked(
            snapshot.within(scope.from_ms, scope.to_ms), scope, matcher, measure, number_of, starts_ms, breakdown, limits
        )
        return self._trends.cells(asked, breakdown_limit)

    def events(self, snapshot: Snapshot, params: Params) -> str:
        """Persons being distinct ids, which is what sessions are derived from."""
        return relation(snapshot, self._data_folder, params)

    def persons_events(self, snapshot: Snapshot, params: Params) -> str:
        """Persons being those that events are attributed to."""
        events = self.events(snapshot, params)
        if not snapshot.is_merged:
            return events
        assert snapshot.aliases is not None, ATTRIBUTE_FIRST
        return attributed(events, self._alias_tables.select(snapshot.project_id, snapshot.aliases))

    def _groups_events(self, snapshot: Snapshot, group_by: GroupBy, params: Params) -> str:
        return self.persons_events(snapshot, params) if group_by == "person" else self.events(snapshot, params)
