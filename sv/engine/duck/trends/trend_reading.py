"""Reads one series of a trend: from key files where they can tell, and by SQL for the rest, combined.

Counts of events, persons and sessions, and measures of a property's numbers, can be combined exactly from pieces. One statement over
everything is asked where SQL would have to return too many distinct numbers for quantiles, and where most sessions are in no key file.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final, Protocol

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from sv.engine.duck.aliases import AsOf
from sv.engine.duck.funnels.step_keys import covers
from sv.engine.duck.keys.key_files import MAX_PERSON
from sv.engine.duck.keys.key_matching import Matched
from sv.engine.duck.keys.key_reading import KeyReader
from sv.engine.duck.keys.key_values import Valued, json_texts, strings_of, valued_of
from sv.engine.duck.keys.session_codes import digests_of
from sv.engine.duck.keys.session_numbers import SessionNumbers, UnreadableSessions
from sv.engine.duck.run import Statements, column_of
from sv.engine.duck.sql import Params, Sql
from sv.engine.duck.trends import trend_keys, trend_numbers, trend_sql
from sv.engine.duck.trends.trend_keys import Contribution
from sv.engine.port import Limits, Matcher, Measure, Scope, TrendCells
from sv.model.part import Part
from sv.model.snapshot import Snapshot

MAX_VALUES: Final = 10_000
"""Breakdown values of what is not in key files; where there are more, SQL is asked of the whole."""

MAX_REST_ROWS: Final = 1_000_000
"""Of parts that SQL is asked about each number of; where there are more, it is asked for the quantiles of the whole."""

MAX_IN_ORDER: Final = 4_000_000
"""Numbers that are put in order one by one, as of a property of too many for codes: 16 bytes each. Of more, SQL is asked for quantiles."""

_LOW, _HIGH = -4898619.485211566, 1.3840774964442448
"""What is between them comes out differently where a product is rounded before it is added."""

Row = tuple[int, int | None, float | None]
"""(slot, bucket or None for the whole range, measure)."""


class Asked(Struct, frozen=True):
    """One series. `source` has no part that lies beyond the scope's range."""

    source: Snapshot
    scope: Scope
    matcher: Matcher
    measure: Measure
    number_of: str | None
    starts_ms: Sequence[int]
    breakdown: str | None
    limits: Limits


class Relations(Protocol):
    """The engine, as far as it is needed here: what events are in SQL, and who a person's number stands for."""

    def events(self, snapshot: Snapshot, params: Params, /) -> str: ...
    def persons_events(self, snapshot: Snapshot, params: Params, /) -> str: ...
    def users(self, snapshot: Snapshot, count: int, /) -> NDArray[np.uint32] | None: ...
    def users_as_of(self, snapshot: Snapshot, /) -> AsOf | None: ...
    @property
    def max_person(self) -> int: ...


class TrendReader:
    """Thread-safe."""

    def __init__(self, statements: Statements, key_reader: KeyReader, relations: Relations) -> None:
        self._statements = statements
        self._key_reader = key_reader
        self._relations = relations
        self._fused: bool | None = None

    def cells(self, asked: Asked, breakdown_limit: int) -> TrendCells:
        """The series' cells. With a breakdown the most frequent values are found first."""
        values = self._top_values(asked, breakdown_limit) if asked.breakdown is not None else []
        has_other = len(values) > breakdown_limit
        top = values[:breakdown_limit]
        rows = self._rows(asked, top)
        return _trend_cells(rows, top, len(asked.starts_ms), asked.breakdown is not None, has_other)

    def _top_values(self, asked: Asked, limit: int) -> list[str]:
        """The values of most events, most first, at most limit + 1, as JSON texts."""
        counts: Counter[str] = Counter()
        rest = asked.source
        if _is_counted(asked):
            found = self._key_reader.reduce(
                asked.source.parts,
                asked.scope,
                asked.matcher,
                _valued(asked),
                lambda part, matched: trend_keys.value_counts(
                    trend_numbers.measured(trend_keys.in_range(part, matched, asked.scope))
                ),
                asked.limits,
                number_of=asked.number_of,
            )
            counts = trend_keys.summed(found.values())
            if _is_of_column(asked):
                counts = Counter(
                    {text: counts[value] for value, text in json_texts(list(counts), self._statements, asked.limits).items()}
                )
            if found:
                rest = _without(asked.source, found)
        rows = self._value_rows(asked, rest, MAX_VALUES if rest is not asked.source else limit)
        if rest is not asked.source and len(rows) > MAX_VALUES:
            return [value for value, _ in self._value_rows(asked, asked.source, limit)]
        for value, count in rows:
            counts[value] += count
        return sorted(counts, key=lambda value: (-counts[value], value))[: limit + 1]

    def _value_rows(self, asked: Asked, source: Snapshot, limit: int) -> list[tuple[str, int]]:
        if not source.parts and not source.buffers:
            return []
        assert asked.breakdown is not None
        params = Params()
        events = self._relations.events(source, params)
        statement = trend_sql.top_values_sql(events, asked.scope, asked.matcher, asked.number_of, asked.breakdown, limit, params)
        return self._statements.rows(statement, asked.limits)

    def _rows(self, asked: Asked, top: Sequence[str]) -> list[Row]:
        if asked.number_of is not None:
            return self._number_rows(asked, asked.number_of, top)
        if not _is_counted(asked):
            return self._sql_rows(asked, asked.source, top)
        if trend_sql.needs_sessions(asked.measure):
            return self._session_rows(asked, top)
        of_persons = asked.measure == "unique_persons"
        if of_persons and self._relations.max_person > MAX_PERSON:
            return self._sql_rows(asked, asked.source, top)
        users = self._relations.users(asked.source, self._relations.max_person + 1) if of_persons else None
        counted = {} if of_persons or asked.breakdown is not None else self._whole_counts(asked)
        found = counted | self._of_keys(asked, _without(asked.source, counted), top, users, with_persons=of_persons)
        rest = _without(asked.source, found)
        if not found:
            return self._sql_rows(asked, asked.source, top)
        contributions = list(found.values())
        if rest.parts or rest.buffers:
            contributions.append(self._persons_of(asked, rest, top) if of_persons else self._counts_of(asked, rest, top))
        return list(trend_keys.measures(contributions, asked.measure, asked.limits.check))

    def _of_keys(
        self,
        asked: Asked,
        source: Snapshot,
        top: Sequence[str],
        users: NDArray[np.uint32] | None,
        *,
        with_persons: bool,
        sessions: SessionNumbers | None = None,
    ) -> dict[int, Contribution]:
        """What each of these parts contributes whose key file can tell. users, with_persons: as of `contribution`. sessions: in the place
        of persons."""
        slots = self._slots(asked, top)

        def contribution(part: Part, matched: Matched) -> Contribution:
            within = trend_keys.in_range(part, matched, asked.scope)
            return trend_keys.contribution(part, within, asked.starts_ms, slots, users, with_persons=with_persons)

        return self._key_reader.reduce(
            source.parts, asked.scope, asked.matcher, _valued(asked), contribution, asked.limits, sessions=sessions
        )

    def _session_rows(self, asked: Asked, top: Sequence[str]) -> list[Row]:
        try:
            sessions = self._key_reader.sessions_of(asked.source.parts)
            if sessions is not None:
                return self._numbered_rows(asked, sessions, top)
        except UnreadableSessions:
            pass
        return self._sql_rows(asked, asked.source, top)

    def _numbered_rows(self, asked: Asked, sessions: SessionNumbers, top: Sequence[str]) -> list[Row]:
        """As `_session_rows`. Raises UnreadableSessions."""
        found = self._of_keys(asked, asked.source, top, None, with_persons=True, sessions=sessions)
        contributions = list(found.values())
        beyond = sessions.beyond(asked.source, found)
        if beyond is not None:
            params = Params()
            events = beyond.events(self._relations.events, params)
            statement = trend_sql.pieces_sql(
                events, asked.scope, asked.matcher, asked.starts_ms, asked.breakdown, top, params, of="sessions"
            )
            table: Any = self._statements.table(statement, asked.limits)
            slot, bucket, count = (column_of(table, name) for name in ("slot", "bucket", "events"))
            numbers = sessions.of_rows(digests_of(table.column("digest").combine_chunks()))
            contributions.append(trend_keys.contribution_of([slot, bucket, numbers, count]))
        return list(trend_keys.measures(contributions, asked.measure, asked.limits.check))

    def _number_rows(self, asked: Asked, number_of: str, top: Sequence[str]) -> list[Row]:
        slots = self._slots(asked, top)
        found: dict[int, list[trend_numbers.Piece]] = {}
        form = trend_numbers.form_of(asked.measure)
        is_left = trend_numbers.Allowance(MAX_IN_ORDER if form == "quantiles" else None)

        def pieces_of(part: Part, matched: Matched) -> list[trend_numbers.Piece] | None:
            within = trend_keys.in_range(part, matched, asked.scope)
            if not is_left.take(within):
                return None
            return trend_numbers.pieces_of(
                trend_numbers.tally(part, within, asked.starts_ms, slots, asked.measure), asked.measure
            )

        if _is_counted(asked):
            found = self._key_reader.reduce(
                asked.source.parts,
                asked.scope,
                asked.matcher,
                _valued(asked),
                pieces_of,
                asked.limits,
                in_order=False,
                number_of=number_of,
            )
        if is_left.is_over:
            return self._sql_rows(asked, asked.source, top)
        rest = _without(asked.source, found)
        if form == "quantiles" and (not found or sum(part.rows for part in rest.parts) > MAX_REST_ROWS):
            return self._sql_rows(asked, asked.source, top)
        pieces = [piece for of_part in found.values() for piece in of_part]
        if rest.parts or rest.buffers:
            pieces += self._number_pieces(asked, number_of, rest, top)
        is_fused = form == "quantiles" and self._is_fused(asked.limits)
        return [*trend_numbers.measures(pieces, asked.measure, asked.limits.check, is_fused=is_fused)]

    def _number_pieces(self, asked: Asked, number_of: str, rest: Snapshot, top: Sequence[str]) -> list[trend_numbers.Piece]:
        params = Params()
        statement = trend_sql.number_pieces_sql(
            self._relations.events(rest, params),
            asked.scope, asked.matcher, asked.measure, number_of, asked.starts_ms, asked.breakdown, top, params,
        )  # fmt: skip
        match trend_numbers.form_of(asked.measure):
            case "sums":
                found = self._statements.rows(statement, asked.limits)
                return [
                    ((slot, bucket), (total << (trend_numbers.SCALE - trend_sql.scaled_by(band)), count))
                    for slot, bucket, band, total, count in found
                ]
            case "extremes":
                return [((slot, bucket), number) for slot, bucket, number in self._statements.rows(statement, asked.limits)]
            case "quantiles":
                table: Any = self._statements.table(statement, asked.limits)
                columns = [column_of(table, name) for name in ("slot", "bucket", "number", "events")]
                return trend_numbers.pieces_of(trend_numbers.tally_of(*columns), asked.measure)

    def _is_fused(self, limits: Limits) -> bool:
        """Whether the engine multiplies and adds in one rounding step when it interpolates."""
        is_fused = self._fused
        if is_fused is None:
            asked = f"select quantile_cont(number, 0.9) from (values ({_LOW!r}::double), ({_HIGH!r}::double)) as pair(number)"
            ((found,),) = self._statements.rows(Params().sql(asked), limits)
            self._fused = is_fused = found == trend_numbers.between(_LOW, _HIGH, 0.9, is_fused=True)
        return is_fused

    def _slots(self, asked: Asked, top: Sequence[str]) -> trend_keys.Slots | None:
        """None without a breakdown."""
        if asked.breakdown is None:
            return None
        strings = strings_of(top, self._statements, asked.limits) if _is_of_column(asked) else {}
        named = [(strings.get(text, text), place) for place, text in enumerate(top, start=1)]
        return trend_keys.Slots({value: place for value, place in named if value is not None})

    def _whole_counts(self, asked: Asked) -> dict[int, Contribution]:
        """Of files that lie in one bucket, and of which it is known without reading them how many of their events count."""
        bucket_of: dict[int, int] = {}
        for part in asked.source.parts:
            first, last = (bisect_right(asked.starts_ms, at_ms) - 1 for at_ms in (part.min_ts_ms, part.max_ts_ms))
            if first == last and covers(asked.scope, part):
                bucket_of[part.part_id] = first
        parts = [part for part in asked.source.parts if part.part_id in bucket_of]
        counts = self._key_reader.counts(parts, asked.scope, asked.matcher, asked.limits)
        cells = {part_id: {(trend_sql.NO_VALUE_SLOT, bucket_of[part_id]): count} for part_id, count in counts.items()}
        return {part_id: Contribution(of_part if any(of_part.values()) else {}, {}) for part_id, of_part in cells.items()}

    def _sql_rows(self, asked: Asked, source: Snapshot, top: Sequence[str]) -> list[Row]:
        params = Params()
        by_person = asked.measure == "unique_persons"
        events = self._relations.persons_events(source, params) if by_person else self._relations.events(source, params)
        statement = trend_sql.cells_sql(
            events, asked.scope, asked.matcher, asked.measure, asked.number_of, asked.starts_ms, asked.breakdown, top, params
        )
        return self._statements.rows(statement, asked.limits)

    def _counts_of(self, asked: Asked, rest: Snapshot, top: Sequence[str]) -> Contribution:
        rows = self._statements.rows(self._pieces(asked, rest, top, of_persons=False), asked.limits)
        return Contribution({(slot, bucket): count for slot, bucket, count in rows}, {})

    def _persons_of(self, asked: Asked, rest: Snapshot, top: Sequence[str]) -> Contribution:
        table: Any = self._statements.table(self._pieces(asked, rest, top, of_persons=True), asked.limits)
        return trend_keys.contribution_of([column_of(table, name) for name in ("slot", "bucket", "person")])

    def _pieces(self, asked: Asked, rest: Snapshot, top: Sequence[str], *, of_persons: bool) -> Sql:
        params = Params()
        events = (self._relations.persons_events if of_persons else self._relations.events)(rest, params)
        return trend_sql.pieces_sql(
            events,
            asked.scope,
            asked.matcher,
            asked.starts_ms,
            asked.breakdown,
            top,
            params,
            of="persons" if of_persons else "events",
        )


def _is_counted(asked: Asked) -> bool:
    """Whether the answer can be combined from pieces, and key files may have some of them."""
    return asked.breakdown is None or _valued(asked) is not None


def _valued(asked: Asked) -> Valued | None:
    """Where key files have the breakdown's values; None where they don't."""
    return None if asked.breakdown is None else valued_of(asked.breakdown)


def _is_of_column(asked: Asked) -> bool:
    """Whether values come as strings, not as JSON texts."""
    valued = _valued(asked)
    return valued is not None and valued.is_column


def _without(source: Snapshot, found: dict[int, Any]) -> Snapshot:
    return source.with_parts(tuple(part for part in source.parts if part.part_id not in found))


def _trend_cells(rows: Sequence[Row], top: Sequence[str], buckets: int, is_broken_down: bool, has_other: bool) -> TrendCells:
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
    has_null = not is_broken_down or any(slot == trend_sql.NO_VALUE_SLOT for slot, _, _ in rows)
    order = [*range(2, len(top) + 2), *([0] if has_null else [])]
    values: list[str | None] = [*top, *([None] if has_null else [])]
    other = cells[1] if has_other else None
    cells += 0.0  # of -0.0 and 0.0 none is the lesser
    totals += 0.0
    return TrendCells(values, cells[order], totals[order], other, float(totals[1]))
