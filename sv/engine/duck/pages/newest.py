"""Finds where the events of a page lie, from key files and without decoding any event.

A page has to decode all columns of each row group that may hold one of its events, and sort them. This spares it what is older than the
page, and files without an event for it.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from sv.engine.duck.keys.key_files import KEY_BITS
from sv.engine.duck.keys.key_matching import Matched
from sv.engine.duck.keys.key_reading import KeyReader
from sv.engine.duck.relation import Cut, Cuts
from sv.engine.port import Limits, Matcher, PageKeys, Scope
from sv.model.part import Part

MIN_ROWS: Final = 20_000
"""Of parts. Fewer are read as quickly as asked about."""

_TIME: Final = np.uint64((1 << KEY_BITS) - 1)

Times = NDArray[np.int64]


class Found(Struct, frozen=True):
    """since_ms: from here on there are enough events for the page. cuts: where the page's events lie, in those parts for which that is
    known."""

    since_ms: int
    cuts: Cuts = {}


class Newest:
    """Thread-safe."""

    def __init__(self, reader: KeyReader) -> None:
        self._reader = reader

    def find(
        self, parts: Sequence[Part], scope: Scope, matcher: Matcher, keys: PageKeys, persons: Sequence[int] | None, limits: Limits
    ) -> Found:
        """Where the newest `keys.limit` events of these parts lie that match, are in scope and are older than the start of the page.
        persons: whose events alone. Not for pages of a session, of an event's id, or of a distinct id without a person, since key files
        know nothing of these."""
        if (
            keys.session_id is not None
            or keys.event_id is not None
            or (keys.distinct_id is not None and persons is None)
            or sum(part.rows for part in parts) < MIN_ROWS
        ):
            return Found(scope.from_ms)
        # Of events at the very moment where the page starts their ids decide, so that they may be in it, and count for nothing.
        until_ms = scope.to_ms if keys.before_ms is None else min(scope.to_ms, keys.before_ms)
        last_ms = until_ms if until_ms < scope.to_ms else until_ms - 1
        numbers = None if persons is None else np.array(persons, np.uint64)

        def newest(_: Part, matched: Matched) -> tuple[Times, int | None]:
            found = matched.keys
            if numbers is not None:
                whose = found >> np.uint64(KEY_BITS)
                found = found[whose == numbers[0] if numbers.size == 1 else np.isin(whose, numbers)]
            times: Times = (found & _TIME).astype(np.int64)
            times += matched.origin_ms
            times = times[(times >= scope.from_ms) & (times <= last_ms)]
            return _largest(times[times < until_ms], keys.limit), int(times.max()) if times.size else None

        found = self._reader.reduce(parts, scope, matcher, None, newest, limits, in_order=False, spares_prints=True)
        times = _largest(np.concatenate([*(times for times, _ in found.values()), np.empty(0, np.int64)]), keys.limit)
        since_ms = scope.from_ms if times.size < keys.limit else int(times.min())
        cuts: dict[int, Sequence[Cut]] = {
            part_id: _cuts(times, newest_ms, since_ms) for part_id, (times, newest_ms) in found.items()
        }
        for part_id, ranges in self._reader.rows([part for part in parts if part.part_id not in cuts], scope, matcher).items():
            cuts[part_id] = [Cut(low, high, is_time=False) for low, high in ranges]
        return Found(since_ms, cuts)


def _largest(times: Times, count: int) -> Times:
    return times if times.size <= count else np.partition(times, times.size - count)[times.size - count :]


def _cuts(times: Times, newest_ms: int | None, since_ms: int) -> Sequence[Cut]:
    """From `since_ms` on. newest_ms: of all, as the last of `times` is but where the page starts at a moment that has more."""
    if newest_ms is None or newest_ms < since_ms:
        return ()
    times = times[times >= since_ms]
    return (Cut(int(times.min()) if times.size else newest_ms, newest_ms + 1, is_time=True),)
