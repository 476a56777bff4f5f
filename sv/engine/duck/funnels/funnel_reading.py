"""Reads a funnel's entries: as keys or as rows, with the breakdown's values, and the persons of its first step.

For a funnel by person, entries come from key files and from the step cache where these can tell, and by SQL elsewhere; for one by session
see `session_reading`. Where numbers are too large to be packed into keys, they come by SQL alone.
"""

from collections.abc import Collection, Sequence
from concurrent.futures import Executor
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sv.engine.duck.funnels import first_values, funnel_sql, step_keys
from sv.engine.duck.funnels.first_values import Firsts, firsts_in
from sv.engine.duck.funnels.merged_keys import Hit, MergedKeys, Piece, Share, are_many, plan_merge
from sv.engine.duck.funnels.session_reading import SessionReader
from sv.engine.duck.funnels.step_keys import Kept
from sv.engine.duck.funnels.step_reading import StepReader
from sv.engine.duck.keys.key_files import KEY_BITS, MAX_PERSON
from sv.engine.duck.keys.key_reading import KeyReader
from sv.engine.duck.keys.key_values import json_texts
from sv.engine.duck.keys.session_numbers import SessionNumbers
from sv.engine.duck.run import Statements, column_of
from sv.engine.duck.sql import Params, Sql
from sv.engine.duck.trends.trend_reading import Relations
from sv.engine.port import FunnelKeys, FunnelRows, GroupBy, GroupValues, Limits, Matcher, Scope, Uncut
from sv.model.snapshot import Snapshot

Run: TypeAlias = "NDArray[np.uint64] | Uncut"

IN_SQL: Final = "in SQL"
"""Groups have numbers that one statement gave out, and that another one will give out likewise."""


class FunnelReader:
    """Thread-safe."""

    def __init__(
        self,
        statements: Statements,
        key_reader: KeyReader,
        reader: StepReader,
        merged: MergedKeys,
        relations: Relations,
        executor: Executor,
    ) -> None:
        self._statements = statements
        self._key_reader = key_reader
        self._reader = reader
        self._merged = merged
        self._relations = relations
        self._steps = executor
        self._sessions = SessionReader(statements, key_reader, relations)

    def keys(
        self,
        snapshot: Snapshot,
        scope: Scope,
        steps: Sequence[Matcher],
        window_ms: int,
        group_by: GroupBy,
        with_foreign: bool,
        limits: Limits,
    ) -> FunnelKeys:
        """See the port. By person, each file is read for all steps at once, several files in parallel. Groups that have to be numbered
        first take one statement for everything."""
        source = snapshot.within(scope.from_ms, scope.to_ms)
        packing = self._packing(source, scope, window_ms, limits)
        if packing is not None and group_by == "session" and not with_foreign:
            by_session = self._sessions.keys(source, scope, steps, packing, limits)
            if by_session is not None:
                return by_session
        if packing is None or group_by == "session" or not self._fits(packing):
            rows = self.rows(snapshot, scope, steps, window_ms, group_by, with_foreign, False, limits)
            by_step: list[list[Run]] = [
                [rows.keys[(rows.masks >> np.uint32(place)) & np.uint32(1) == 1]] for place in range(len(steps))
            ]
            foreign = [rows.keys[rows.masks == 0]] if with_foreign else None
            return FunnelKeys(by_step, foreign, rows.bits, rows.origin_ms, rows.numbering)
        are_files_read = packing.bits <= KEY_BITS and self._relations.max_person <= MAX_PERSON
        if are_files_read:
            packing = funnel_sql.Packing(packing.origin_ms, KEY_BITS)
        hits: list[Hit | None] = [None for _ in steps]
        if are_files_read:
            users = self._relations.users_as_of(source)
            hits = [self._merged.find(source.parts, scope, step, packing.origin_ms, users) for step in steps]
        known = [hit.part_ids if hit is not None else frozenset[int]() for hit in hits]
        found = self._reader.read(source.parts if are_files_read else (), scope, steps, packing.origin_ms, known, limits)
        rests = [
            source.with_parts(tuple(part for part in source.parts if part.part_id not in of_step and part.part_id not in by_part))
            for of_step, by_part in zip(known, found, strict=True)
        ]
        runs = self._file_keys(source, hits, found, rests, scope, packing, steps, limits)

        def keys(place: int) -> list[Run]:
            limits.check()
            rest = rests[place]
            if not (rest.parts or rest.buffers):
                return runs[place]
            params = Params()
            events = self._relations.persons_events(rest, params)
            return [*runs[place], self._keys(funnel_sql.step_keys_sql(events, scope, steps[place], packing, params), limits)]

        by_step = list(self._steps.map(keys, range(len(steps))))
        foreign = None
        if with_foreign:
            starts = [run.wanted(run.keys) if isinstance(run, Uncut) else run for run in by_step[0]]
            foreign = self._foreign_keys(source, scope, steps, starts, packing, limits, are_files_read=are_files_read)
        return FunnelKeys(by_step, foreign, packing.bits, packing.origin_ms, None)

    def _cut(self, hits: Sequence[Hit]) -> list[list[NDArray[np.uint64]]]:
        """The keys of each hit, cut to the asked range, as runs that each ascend. The steps' pieces are cut in parallel."""
        pieces = [(place, piece) for place, hit in enumerate(hits) for piece in hit.pieces]
        runs: list[list[NDArray[np.uint64]]] = [[] for _ in hits]

        def wanted(of_step: tuple[int, Piece]) -> NDArray[np.uint64]:
            return of_step[1].wanted()

        for (place, _), keys in zip(pieces, self._steps.map(wanted, pieces), strict=True):
            runs[place].append(keys)
        return runs

    def _foreign_keys(
        self,
        source: Snapshot,
        scope: Scope,
        steps: Sequence[Matcher],
        starts: Sequence[NDArray[np.uint64]],
        packing: funnel_sql.Packing,
        limits: Limits,
        *,
        are_files_read: bool,
    ) -> list[NDArray[np.uint64]]:
        """The keys of the rows that match no step, of persons who did step 1. starts: the keys of step 1."""
        bits = np.uint64(packing.bits)
        users = self._relations.users(source, self._relations.max_person + 1)
        is_starter = np.zeros(self._relations.max_person + 1 if are_files_read else 0, np.bool_)

        def keep(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
            persons = keys >> bits
            return keys[np.flatnonzero(is_starter[persons if users is None else users[persons]])]

        found: dict[int, list[Kept]] = {}
        if are_files_read:
            for keys in starts:
                is_starter[keys >> bits] = True
            found = self._key_reader.foreign(source.parts, scope, steps, keep, limits)
        known = [(part, kept) for part in source.parts for kept in found.get(part.part_id, ())]
        arrays = list(step_keys.keys_of(known, scope, packing.origin_ms, users))
        rest = source.with_parts(tuple(part for part in source.parts if part.part_id not in found))
        if rest.parts or rest.buffers:
            params = Params()
            events = self._relations.persons_events(rest, params)
            statement = funnel_sql.foreign_keys_sql(events, scope, steps, packing, params, of_starters=not found)
            keys = self._keys(statement, limits)
            arrays.append(keys[np.flatnonzero(is_starter[keys >> bits])] if found else keys)
        return arrays

    def _file_keys(
        self,
        source: Snapshot,
        hits: Sequence[Hit | None],
        found: Sequence[dict[int, Kept]],
        rests: Sequence[Snapshot],
        scope: Scope,
        packing: funnel_sql.Packing,
        steps: Sequence[Matcher],
        limits: Limits,
    ) -> list[list[Run]]:
        """For each step, the keys that were kept merged from earlier questions and those found in files. The latter are merged where that
        pays, for this question and the next. rests: the parts for which neither has an answer. `found` is empty afterwards."""
        users = self._users_of(source, found)
        of_files: list[list[NDArray[np.uint64]]] = []
        for by_part in found:
            of_step = [(part, by_part[part.part_id]) for part in source.parts if part.part_id in by_part]
            of_files.append(list(step_keys.keys_of(of_step, scope, packing.origin_ms, users)))
            by_part.clear()
        many = [place for place, runs in enumerate(of_files) if are_many(runs)]
        to_cut = [(place, hit) for place, hit in enumerate(hits) if hit is not None and place in many]
        cut = dict(zip((place for place, _ in to_cut), self._cut([hit for _, hit in to_cut]), strict=True))
        worth = [place for place in many if self._merged.is_room_for([*cut.get(place, ()), *of_files[place]])]
        plans = list(self._steps.map(plan_merge, [[*cut.get(place, ()), *of_files[place]] for place in worth]))

        def merge(share: Share) -> None:
            limits.check()
            share.merge()

        for _ in self._steps.map(merge, [share for _, shares in plans for share in shares]):
            pass
        all_runs: list[list[Run]] = [
            [*cut.get(place, [] if hit is None else [hit.run]), *runs]
            for place, (hit, runs) in enumerate(zip(hits, of_files, strict=True))
        ]
        for place, (keys, _) in zip(worth, plans, strict=True):
            missing = {part.part_id for part in rests[place].parts}
            parts = [part for part in source.parts if part.part_id not in missing]
            self._merged.keep(parts, scope, steps[place], packing.origin_ms, keys, self._relations.users_as_of(source))
            all_runs[place] = [keys]
        return all_runs

    def _users_of(self, snapshot: Snapshot, found: Sequence[dict[int, Kept]]) -> NDArray[np.uint32] | None:
        """An array that maps the persons found in files, who are kept by their events' own numbers, to their users. None: every number
        stands for itself."""
        kept = [each.keys for by_part in found for each in by_part.values() if each.keys.size]
        count = max(((int(keys.max()) >> KEY_BITS) + 1 for keys in kept), default=0)
        return self._relations.users(snapshot, count)

    def _keys(self, statement: Sql, limits: Limits) -> NDArray[np.uint64]:
        return column_of(self._statements.table(statement, limits), "key").astype(np.uint64, copy=False)

    def rows(
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
            return FunnelRows(np.empty(0, np.uint64), np.empty(0, np.uint32), 1, scope.from_ms, None)
        params = Params()
        events = self._events_of(source, group_by, params)
        is_numbered = group_by == "session" or not self._fits(packing)
        statement = funnel_sql.rows_sql(events, scope, steps, packing, group_by, with_foreign, in_order, is_numbered, params)
        table = self._statements.table(statement, limits)
        keys: NDArray[np.uint64] = column_of(table, "key").astype(np.uint64, copy=False)
        masks: NDArray[np.uint32] = column_of(table, "mask").astype(np.uint32, copy=False)
        return FunnelRows(keys, masks, packing.bits, packing.origin_ms, IN_SQL if is_numbered else None)

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
        source = snapshot.within(scope.from_ms, scope.to_ms)

        def in_sql(some: Snapshot) -> Firsts:
            params = Params()
            events = self._events_of(some, group_by, params)
            statement = funnel_sql.first_values_sql(events, scope, step, name, group_by, numbering is not None, params)
            table = self._statements.table(statement, limits)
            return firsts_in(table, column_of(table, "group").astype(np.int64))

        def rest_of(found: Collection[int]) -> Firsts | None:
            rest = source.with_parts(tuple(part for part in source.parts if part.part_id not in found))
            return in_sql(rest) if rest.parts or rest.buffers else None

        def texts(values: Collection[str]) -> dict[str, str]:
            return json_texts(values, self._statements, limits)

        if isinstance(numbering, SessionNumbers):
            return self._sessions.first_values(source, scope, step, name, numbering, texts, limits)
        most = self._relations.max_person
        if group_by == "person" and numbering is None and most <= first_values.MAX_NUMBER:
            users = self._relations.users(source, most + 1)
            asked = first_values.Asked(source, scope, step, name, limits, users, rest_of, texts)
            found = first_values.first_values(self._key_reader, asked)
            if found is not None:
                return found
        return in_sql(source).values()

    def persons(self, snapshot: Snapshot, scope: Scope, step: Matcher, limits: Limits) -> NDArray[np.uint64]:
        """See the port."""
        params = Params()
        events = self._relations.persons_events(snapshot.within(scope.from_ms, scope.to_ms), params)
        table = self._statements.table(funnel_sql.starters_sql(events, scope, step, params), limits)
        return column_of(table, "person").astype(np.uint64, copy=False)

    def _packing(self, source: Snapshot, scope: Scope, window_ms: int, limits: Limits) -> funnel_sql.Packing | None:
        """How keys are packed for this scope, or None where it holds no event. Uses the catalog's bounds, which may be wider."""
        bounds = [(part.min_ts_ms, part.max_ts_ms) for part in source.parts]
        if source.buffers:
            params = Params()
            in_buffers = self._relations.events(source.without_parts(), params)
            ((first, last),) = self._statements.rows(funnel_sql.time_range_sql(in_buffers, scope, params), limits)
            if first is not None:
                bounds.append((first, last))
        if not bounds:
            return None
        first = max(min(low for low, _ in bounds), scope.from_ms)
        last = min(max(high for _, high in bounds), scope.to_ms - 1)
        return funnel_sql.packing_of(first, max(last, first), window_ms)

    def _fits(self, packing: funnel_sql.Packing) -> bool:
        return self._relations.max_person.bit_length() + packing.bits <= funnel_sql.KEY_BITS

    def _events_of(self, snapshot: Snapshot, group_by: GroupBy, params: Params) -> str:
        return (
            self._relations.persons_events(snapshot, params) if group_by == "person" else self._relations.events(snapshot, params)
        )
