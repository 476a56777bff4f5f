"""An overview's figures without tables out of key files: visitors and pageviews as trends, and sessions by when each began and ended, how
many pages it saw and whether anything was done in it. What key files don't tell is asked of SQL, and put together with them by session.

For overviews without filters alone: with one, whether a session counts hangs on single events of it.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from sv.engine.duck.funnels.step_keys import OFFSETS
from sv.engine.duck.keys.key_matching import Matched
from sv.engine.duck.keys.key_order import KEY_BITS, Keys
from sv.engine.duck.keys.key_reading import KeyReader
from sv.engine.duck.keys.session_codes import digest_sql, digests_of
from sv.engine.duck.keys.session_numbers import SessionNumbers, UnreadableSessions
from sv.engine.duck.overviews.overview_sql import IS_LOUD, IS_VIEW
from sv.engine.duck.relation import in_range, in_scope, keyed_sessions
from sv.engine.duck.run import Statements, column_of
from sv.engine.duck.sql import Params, Sql
from sv.engine.duck.summaries.sessions import QUIET_EVENTS
from sv.engine.duck.trends import trend_keys, trend_reading
from sv.engine.duck.trends.trend_reading import Relations, TrendReader
from sv.engine.port import Limits, Matcher, Measure, Scope
from sv.model.part import Part
from sv.model.snapshot import Snapshot

PAGEVIEW: Final = "$pageview"

BYTES_A_SESSION: Final = 80
"""What one takes at most, while those of all files are put together."""

Numbers = NDArray[np.int64]

Found = TypeVar("Found")

_ANY: Final = Matcher(None)
_NEVER: Final = np.iinfo(np.int64).max


class Counts(NamedTuple):
    """Of some sessions, each once, as parallel arrays: number, and events."""

    numbers: NDArray[np.uint32]
    events: NDArray[np.uint32]


class Spans(NamedTuple):
    """As `Counts`, and each session's first and last time in Unix ms."""

    counts: Counts
    began_ms: Numbers
    ended_ms: Numbers


class KeyedOverviews:
    """Thread-safe. most_bytes: for the sessions of one overview."""

    def __init__(
        self, statements: Statements, key_reader: KeyReader, trends: TrendReader, relations: Relations, most_bytes: int
    ) -> None:
        self._statements = statements
        self._key_reader = key_reader
        self._trends = trends
        self._relations = relations
        self._most_sessions = most_bytes // BYTES_A_SESSION

    def visitor_measures(self, source: Snapshot, scope: Scope, starts_ms: Sequence[int], limits: Limits) -> Numbers:
        """Visitors and pageviews, of each bucket and of all."""

        def measure(matcher: Matcher, measure: Measure) -> Numbers:
            asked = trend_reading.Asked(source, scope, matcher, measure, None, starts_ms, None, limits)
            found = self._trends.cells(asked, 0)
            return np.nan_to_num(np.append(found.cells[0], found.totals[0])).astype(np.int64)

        return np.stack([measure(_ANY, "unique_persons"), measure(Matcher(PAGEVIEW), "total")])

    def session_measures(self, source: Snapshot, scope: Scope, starts_ms: Sequence[int], limits: Limits) -> Numbers | None:
        """Sessions, bounces and duration in ms, of each bucket and of all. None where key files tell too little, or there are too many
        sessions."""
        try:
            sessions = self._key_reader.sessions_of(source.parts)
            if sessions is None or sessions.count > self._most_sessions:
                return None
            return self._measures(source, scope, starts_ms, sessions, limits)
        except UnreadableSessions:
            return None

    def _measures(
        self, source: Snapshot, scope: Scope, starts_ms: Sequence[int], sessions: SessionNumbers, limits: Limits
    ) -> Numbers:
        def of_parts(matcher: Matcher, parts: Sequence[Part], of: Callable[[Keys, int], Found]) -> dict[int, Found]:
            def work(part: Part, matched: Matched) -> Found:
                within = trend_keys.in_range(part, matched, scope)
                return of(within.keys, within.origin_ms)

            return self._key_reader.reduce(parts, scope, matcher, None, work, limits, in_order=False, sessions=sessions)

        whole = of_parts(_ANY, source.parts, spans_of)
        parts = [part for part in source.parts if part.part_id in whole]
        of_names = {name: of_parts(Matcher(name), parts, counts_of) for name in QUIET_EVENTS}
        told = set(whole).intersection(*of_names.values())
        rest = self._rest(source, scope, told, sessions, limits)
        count = sessions.count  # by now with those of the rest
        began, ended = np.full(count, _NEVER), np.full(count, -1, np.int64)
        views, loud = np.zeros(count, np.int64), np.zeros(count, np.int64)
        for part_id in told:
            found = whole[part_id]
            _widen(began, ended, found.counts.numbers, found.began_ms, found.ended_ms)
            loud[found.counts.numbers] += found.counts.events
            for name, by_part in of_names.items():
                numbers, events = by_part[part_id]
                loud[numbers] -= events
                if name == PAGEVIEW:
                    views[numbers] += events
        if rest is not None:
            _widen(began, ended, rest.numbers, rest.began_ms, rest.ended_ms)
            views[rest.numbers] += rest.views
            loud[rest.numbers] += rest.is_loud
        seen = np.flatnonzero(ended >= 0)
        bucket = np.searchsorted(np.array(starts_ms[1:], np.int64), began[seen], "right")
        is_bounce = (views[seen] == 1) & (loud[seen] == 0)
        durations = np.zeros(len(starts_ms), np.int64)
        np.add.at(durations, bucket, ended[seen] - began[seen])
        by_bucket = [np.bincount(some, minlength=len(starts_ms)) for some in (bucket, bucket[is_bounce])]
        return np.stack([np.append(figures, figures.sum()) for figures in (*by_bucket, durations)])

    def _rest(self, source: Snapshot, scope: Scope, told: set[int], sessions: SessionNumbers, limits: Limits) -> "_Rest | None":
        beyond = sessions.beyond(source, told)
        if beyond is None:
            return None
        params = Params()
        table: Any = self._statements.table(_rest_sql(beyond.events(self._relations.events, params), scope, params), limits)
        numbers = sessions.of_rows(digests_of(table.column("digest").combine_chunks())).view(np.int64)
        return _Rest(numbers, *(column_of(table, name).astype(np.int64) for name in ("began_ms", "ended_ms", "views", "is_loud")))


class _Rest(NamedTuple):
    """What SQL says of sessions, each once."""

    numbers: Numbers
    began_ms: Numbers
    ended_ms: Numbers
    views: Numbers
    is_loud: Numbers


def _rest_sql(events: str, scope: Scope, params: Params) -> Sql:
    columns = {"is_view": IS_VIEW, "is_loud": IS_LOUD}
    rows = keyed_sessions("events", columns, in_range(scope, params), f"({in_scope(scope, params)})")
    return params.sql(f"""
        with events as not materialized ({events})
        select {digest_sql("session_key")} as digest, epoch_ms(min(timestamp)) as began_ms, epoch_ms(max(timestamp)) as ended_ms,
          count(*) filter (where is_view) as views, bool_or(is_loud)::integer as is_loud
        from ({rows})
        group by session_key
        """)


def counts_of(keys: Keys, _: int) -> Counts:
    """The sessions of these keys, which are put in order in their place."""
    return _counts(keys)[0]


def spans_of(keys: Keys, origin_ms: int) -> Spans:
    """The same with their times, which are counted from `origin_ms`."""
    counts, firsts = _counts(keys)
    lasts = firsts + counts.events - 1
    began, ended = ((keys[places] & OFFSETS).view(np.int64) + origin_ms for places in (firsts, lasts))
    return Spans(counts, began, ended)


def _counts(keys: Keys) -> tuple[Counts, Numbers]:
    """Also where each session's keys begin."""
    keys.sort()
    numbers = (keys >> np.uint64(KEY_BITS)).astype(np.uint32)
    is_first = np.ones(keys.size, np.bool_)
    np.not_equal(numbers[1:], numbers[:-1], out=is_first[1:])
    firsts = np.flatnonzero(is_first)
    return Counts(numbers[firsts], np.diff(firsts, append=keys.size).astype(np.uint32)), firsts


def _widen(began: Numbers, ended: Numbers, numbers: NDArray[Any], first_ms: Numbers, last_ms: Numbers) -> None:
    """Each number is there once."""
    began[numbers] = np.minimum(began[numbers], first_ms)
    ended[numbers] = np.maximum(ended[numbers], last_ms)
