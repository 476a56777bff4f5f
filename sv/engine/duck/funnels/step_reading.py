"""Finds what matches a funnel's steps in its files: from key files, from the cache, and by reading the files where neither can tell.

Never reads a file twice for what one statement can tell. Steps that look at narrow columns alone are read together, since opening a file
and decoding its times costs more than one more comparison. Steps that look into the JSON are read apart, so that only their events' JSON is
decoded; steps of the same event are read together.
"""

from collections.abc import Collection, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Final

import numpy as np
from msgspec import Struct

from sv.engine.duck.funnels import funnel_sql, step_keys
from sv.engine.duck.funnels.step_keys import Kept, StepCache
from sv.engine.duck.keys.key_files import KEY_BITS
from sv.engine.duck.keys.key_reading import KeyReader
from sv.engine.duck.run import Statements, column_of
from sv.engine.duck.sql import Params
from sv.engine.port import Limits, Matcher, Scope
from sv.model.part import Part

MIN_HALF_ROWS: Final = 2_000_000
"""Below, a second statement costs more than it saves."""

_NARROW: Final = ("narrow", None)


class Look(Struct, frozen=True):
    """One statement: these steps (places in the funnel) in these files."""

    parts: tuple[Part, ...]
    places: tuple[int, ...]


class StepReader:
    """Thread-safe."""

    def __init__(
        self, statements: Statements, data_folder: Path, key_reader: KeyReader, cache: StepCache, executor: Executor
    ) -> None:
        self._statements = statements
        self._key_reader = key_reader
        self._data_folder = data_folder
        self._cache = cache
        self._executor = executor

    def read(
        self,
        parts: Sequence[Part],
        scope: Scope,
        steps: Sequence[Matcher],
        origin_ms: int,
        known: Sequence[Collection[int]],
        limits: Limits,
    ) -> list[dict[int, Kept]]:
        """For each step, what matches it in each part, at whatever time. Covers all parts that lie within the scope's range, and of the
        others those for which key files or the cache tell: reading these whole would cost more than reading what is in the range.

        origin_ms: where times are best counted from, not after any time in the scope. known: for each step, the parts that needn't be read.
        """
        found = self._key_reader.read(parts, scope, steps, origin_ms, known, limits)
        for step, by_part, of_step in zip(steps, found, known, strict=True):
            unread = [part for part in parts if part.part_id not in by_part and part.part_id not in of_step]
            by_part |= self._cache.find(unread, scope, step)
        told = [{*by_part, *of_step} for by_part, of_step in zip(found, known, strict=True)]
        looks = plan_looks([part for part in parts if step_keys.covers(scope, part)], steps, told)

        def look(asked: Look) -> dict[int, dict[int, Kept]]:
            return self._look(asked, scope, [steps[place] for place in asked.places], limits)

        for by_place in self._executor.map(look, looks):
            for place, matched in by_place.items():
                found[place] |= matched
        return found

    def _look(self, asked: Look, scope: Scope, steps: Sequence[Matcher], limits: Limits) -> dict[int, dict[int, Kept]]:
        params = Params()
        paths = [self._data_folder / part.path for part in asked.parts]
        packing = funnel_sql.Packing(min(part.min_ts_ms for part in asked.parts), KEY_BITS)
        table = self._statements.table(funnel_sql.file_matches_sql(paths, scope, steps, packing, params), limits)
        keys, tags = (column_of(table, name) for name in ("key", "tag"))
        matched = step_keys.split_by_file(asked.parts, len(steps), keys.astype(np.uint64, copy=False), tags, packing.origin_ms)
        for step, by_part in zip(steps, matched, strict=True):
            self._cache.keep(by_part, scope, step)
        return dict(zip(asked.places, matched, strict=True))


def plan_looks(parts: Sequence[Part], steps: Sequence[Matcher], found: Sequence[Collection[int]]) -> list[Look]:
    """The statements that read what is missing: steps that miss the same files are read together, unless that reads more of the files."""
    groups: dict[tuple[tuple[Part, ...], object], list[int]] = {}
    for place, step in enumerate(steps):
        missing = tuple(part for part in parts if part.part_id not in found[place])
        if missing:
            kind = ("wide", step.event or place) if funnel_sql.reads_properties(step) else _NARROW
            groups.setdefault((missing, kind), []).append(place)
    return [Look(files, tuple(places)) for (missing, _), places in groups.items() for files in _halves(missing)]


def _halves(parts: tuple[Part, ...]) -> list[tuple[Part, ...]]:
    """Many rows are read by two statements, so that one's answer is processed while the other reads."""
    if len(parts) < 2 or sum(part.rows for part in parts) < 2 * MIN_HALF_ROWS:
        return [parts]
    return [parts[: len(parts) // 2], parts[len(parts) // 2 :]]
