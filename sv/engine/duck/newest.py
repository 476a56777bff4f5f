"""From when on there are events enough for a page, as key files tell it without any event being decoded.

A page has to decode all columns of each group of rows that may hold one of its events, and sorts them. What is older than the page is
left out of that by its time.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sv.engine.duck.key_files import KEY_BITS
from sv.engine.duck.key_reading import KeyReader, Matched
from sv.engine.port import Limits, Matcher, PageKeys, Scope
from sv.model.part import Part

MIN_ROWS: Final = 20_000
"""Of parts. Fewer are read as quickly as asked about."""

_TIME: Final = np.uint64((1 << KEY_BITS) - 1)

Times = NDArray[np.int64]


class Newest:
    """Thread-safe."""

    def __init__(self, reader: KeyReader) -> None:
        self._reader = reader

    def since_ms(self, parts: Sequence[Part], scope: Scope, matcher: Matcher, keys: PageKeys, limits: Limits) -> int:
        """A moment in the scope from which on at least `keys.limit` events of the parts match that are older than where the page starts;
        the scope's begin where key files don't tell. Looks at no persons, sessions and ids: a page that asks for some is not for this."""
        is_by_time = keys.person is None and keys.distinct_id is None and keys.session_id is None and keys.event_id is None
        if not is_by_time or sum(part.rows for part in parts) < MIN_ROWS:
            return scope.from_ms
        until_ms = scope.to_ms if keys.before_ms is None else min(scope.to_ms, keys.before_ms)

        def newest(_: Part, matched: Matched) -> Times:
            times: Times = (matched.keys & _TIME).astype(np.int64)
            times += matched.origin_ms
            return _largest(times[(times >= scope.from_ms) & (times < until_ms)], keys.limit)

        found = self._reader.reduce(parts, scope, matcher, None, newest, limits, in_order=False)
        times = _largest(np.concatenate([*found.values(), np.empty(0, np.int64)]), keys.limit)
        return scope.from_ms if times.size < keys.limit else int(times.min())


def _largest(times: Times, count: int) -> Times:
    return times if times.size <= count else np.partition(times, times.size - count)[times.size - count :]
