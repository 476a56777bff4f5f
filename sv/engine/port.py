"""What the engine promises to those who query: values in, values out, no SQL and no types of a database's own.

A query reads one project's events through a `Snapshot` (which files and buffers) and never sees another's. Several calls that make one
answer take a snapshot from `pin`, so that all see the same events. Methods block; they are called on query threads and obey their
`Limits`. They raise Unavailable (timed out, no memory, no disk), ValidationFailed (a regular expression that doesn't compile, a funnel
of more groups than its keys can hold), `Stopped` (by the limits' stop) and `UnreadablePart` (a damaged file: the caller has it set aside
and asks again).
"""

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, Final, Literal, Protocol

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from sv.engine.stop import Stop
from sv.model.errors import Unavailable
from sv.model.exports import ExportFormat, Piece
from sv.model.filters import Filter
from sv.model.identity import AliasChanges, AliasPlace, Owner
from sv.model.overview import OverviewFilters, Table
from sv.model.smart_events import Rule
from sv.model.snapshot import Snapshot
from sv.model.sql import SqlAnswer, SqlQuery

GroupBy = Literal["person", "session"]
Measure = Literal[
    "total", "unique_persons", "unique_sessions", "per_session",
    "sum", "avg", "min", "max", "median", "p90", "p95", "p99",
]  # fmt: skip


SHORTER: Final = "ask for a shorter range"
TIMEOUT_SETTING: Final = "SV_QUERY_TIMEOUT_SECONDS"


class UnreadablePart(Exception):
    """Some file of the snapshot can't be read."""


class Limits(Struct, frozen=True):
    """How long a query may take.

    timeout_s: in seconds. until_s: when that is over, by the monotonic clock, however many calls the query makes; None gives each
    call its own time. stop: by which somebody else ends it, when its time is up too; None leaves the time to each call. pause: waits where
    it is others' turn.
    """

    timeout_s: float
    until_s: float | None = None
    stop: Stop | None = None
    pause: Callable[[], None] | None = None

    def check(self) -> None:
        """To be called between steps that take long: others may have their turn. Raises Stopped, and Unavailable where the time is up."""
        if self.stop is not None:
            self.stop.check()
        if self.pause is not None:
            self.pause()
            if self.stop is not None:
                self.stop.check()
        if self.until_s is not None and time.monotonic() >= self.until_s:
            raise self.too_long()

    def too_long(self) -> "TooLong":
        """What is raised when the time is up."""
        return TooLong(f"the query took longer than {self.timeout_s:g} s and was stopped; {SHORTER}, or raise {TIMEOUT_SETTING}")


class TooLong(Unavailable):
    """A query was stopped since its time was up."""


class Matcher(Struct, frozen=True):
    """Which events: a name (None for any), filters, all of which must hold, and rules, any of which does (none: they ask for nothing)."""

    event: str | None
    filters: tuple[Filter, ...] = ()
    rules: tuple[Rule, ...] = ()


class Scope(Struct, frozen=True):
    """Which part of a snapshot: a half-open range of event time in Unix ms, filters for all, and whether bots count."""

    from_ms: int
    to_ms: int
    filters: tuple[Filter, ...] = ()
    include_bots: bool = False


class PageKeys(Struct, frozen=True):
    """Where a page starts and how long it is: the newest events strictly older than (before_ms, before_id)."""

    limit: int
    before_ms: int | None = None
    before_id: str | None = None
    distinct_id: str | None = None
    person: int | None = None
    session_id: str | None = None
    event_id: str | None = None


class EventRow(Struct, frozen=True):
    """One event as read.

    distinct_id: of the person that it is attributed to. anonymous_id, user_id: as sent.
    properties: the client's own, as JSON text. enriched: effective values of the typed properties, each of which belongs to the
    event's properties where the client sent no such key. session_id: the client's, else the derived one.
    """

    id: str
    event: str
    timestamp_ms: int
    received_ms: int
    distinct_id: str
    anonymous_id: str | None
    user_id: str | None
    session_id: str
    groups: list[str]
    properties: str
    enriched: dict[str, Any]


class Uncut(Struct, frozen=True, eq=False):
    """Keys that ascend, among which are those that are wanted. wanted: picks these out of any slice of them, ascending and counted as keys
    beside them are; any thread may call it. So nobody has to have all of them in memory once more."""

    keys: NDArray[np.uint64]
    wanted: Callable[[NDArray[np.uint64]], NDArray[np.uint64]]


class FunnelKeys(Struct, frozen=True):
    """A funnel's entries: arrays of keys for each step, each key (group << bits) | (ms - origin_ms). An array of one file is mostly sorted.

    foreign: the keys of the rows that match no step, of the groups that did step 1, also as arrays; None where they were not asked for.
    numbering: what groups got their numbers by, which only the engine can read; None where they are the numbers of persons.
    """

    steps: list[list[NDArray[np.uint64] | Uncut]]
    foreign: list[NDArray[np.uint64]] | None
    bits: int
    origin_ms: int
    numbering: object | None


class FunnelRows(Struct, frozen=True):
    """A funnel's rows: keys as in FunnelKeys, and for each row a mask with bit k-1 set where it matches step k (0: a foreign row)."""

    keys: NDArray[np.uint64]
    masks: NDArray[np.uint32]
    bits: int
    origin_ms: int
    numbering: object | None


class GroupValues(Struct, frozen=True):
    """A value for each group that did step 1: group `groups[i]` (sorted) has `values[codes[i]]`, a JSON text or None for no value.

    Groups are those of the FunnelKeys or FunnelRows of the same snapshot, scope and first step.
    """

    groups: NDArray[np.uint64]
    codes: NDArray[np.int64]
    values: list[str | None]


class TrendCells(Struct, frozen=True):
    """One series of a trend, by breakdown value: `values[i]` (a JSON text, None for no value) has `cells[i]`, a measure a bucket,
    and `totals[i]` over the whole range. `other` sums up the values beyond the limit. An empty measure is nan."""

    values: list[str | None]
    cells: NDArray[np.float64]
    totals: NDArray[np.float64]
    other_cells: NDArray[np.float64] | None
    other_total: float


class OverviewRow(Struct, frozen=True):
    """A row of one of an overview's tables. `pages` has pageviews, the other tables have what is of sessions; the rest is 0."""

    value: str | None
    visitors: int
    pageviews: int
    sessions: int
    bounces: int
    duration_ms: int


class OverviewFigures(Struct, frozen=True):
    """An overview of one period: each array has a number a bucket, and the whole range's behind them.

    duration_ms: of all sessions together. A session is in the bucket of its first event in the range.
    """

    visitors: NDArray[np.int64]
    pageviews: NDArray[np.int64]
    sessions: NDArray[np.int64]
    bounces: NDArray[np.int64]
    duration_ms: NDArray[np.int64]
    tables: dict[Table, list[OverviewRow]]


class Aliases(Protocol):
    """What the engine needs to know of merged identity. Persons are numbers. Everything may raise Unavailable."""

    def changes(self, project_id: str, after: AliasPlace) -> AliasChanges:
        """The first of the changes beyond a place."""
        ...

    def owners(self, project_id: str, persons: Sequence[int]) -> Mapping[int, Owner]:
        """The users of those among these that are anonymous ids with a user."""
        ...

    def numbers_of(self, project_id: str, distinct_id: str) -> Sequence[int]:
        """The numbers of all ids of the person that this distinct id belongs to; none for an unknown id."""
        ...


class Engine(Protocol):
    """The queries that lists and insights are made of.

    Where a snapshot is merged, the person of an event is its user, also where it carries an anonymous id alone. Sessions are what they
    are: who somebody is found to be later never moves an event from one to another.
    """

    def pin(self, snapshot: Snapshot, limits: Limits) -> Snapshot:
        """The snapshot without what arrives from now on: every call with it sees the same events."""
        ...

    def attribute(self, snapshot: Snapshot) -> Snapshot:
        """The snapshot with who is whose settled: every call with it tells the same persons apart.

        To be called once before `funnel_keys`, `funnel_rows`, `funnel_persons`, `first_values`, `trend` and `overview`. Costs nothing
        where the snapshot isn't merged.
        """
        ...

    def holding(self, snapshot: Snapshot, keys: PageKeys) -> Snapshot:
        """The snapshot without those files of which it is known at once that they hold nothing of the person that is asked for."""
        ...

    def page(self, snapshot: Snapshot, scope: Scope, matcher: Matcher, keys: PageKeys, limits: Limits) -> list[EventRow]:
        """Events of the scope that match, newest first, at most `keys.limit`. Order: (timestamp, id), descending."""
        ...

    def fitting(
        self, snapshot: Snapshot, scope: Scope, matcher: Matcher, keys: PageKeys, most_bytes: int, limits: Limits
    ) -> tuple[int, bool]:
        """How many of a page's first events have properties of up to `most_bytes` together, and whether these are all of its events."""
        ...

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
        """A key for each event and each step that it matches."""
        ...

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
        """Every row of a group that did step 1 and that matches some step; with_foreign: also those that match none.

        in_order: rows come by time, and within a millisecond in the order of arrival; else in any order.
        """
        ...

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
        """The property's value on each group's first event (by time, then arrival) that matched the step.

        numbering: as the keys or rows say whose groups are meant.
        """
        ...

    def funnel_persons(self, snapshot: Snapshot, scope: Scope, step: Matcher, limits: Limits) -> NDArray[np.uint64]:
        """The persons' numbers of a funnel by person whose groups are numbered: group `i` is person `[i]`. Step: the first one."""
        ...

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
        """A measure for each bucket (from its start to the next one's) and each of the most frequent breakdown values."""
        ...

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
        """Visitors, pageviews and sessions by bucket, and the first rows of tables. The scope has no filters of its own."""
        ...

    def newest_received_ms(self, snapshot: Snapshot, limits: Limits) -> int | None:
        """When the snapshot's newest event was received, in Unix ms: later than now where a clock was put back. None without any."""
        ...

    def export_days(
        self, snapshot: Snapshot, scope: Scope, matcher: Matcher, received_before_ms: int, limits: Limits
    ) -> list[tuple[int, int]]:
        """(start of a UTC day in Unix ms, events) of each day that has events received before then, ascending."""
        ...

    def export(
        self,
        snapshot: Snapshot,
        pieces: Sequence[Piece],
        filters: tuple[Filter, ...],
        matcher: Matcher,
        received_before_ms: int,
        form: ExportFormat,
    ) -> Generator[bytes]:
        """A file's content, block by block as it is read: the events of each piece, of which those that are ordered come by time and id.

        Has no time limit, and holds few blocks in memory. To be closed where it isn't read to its end.
        """
        ...

    def sql(self, snapshot: Snapshot, query: SqlQuery, threads: int, limits: Limits) -> SqlAnswer:
        """One select of a user's own over the snapshot's events, which gets at nothing else. Raises ValidationFailed for any other
        statement, for one that fails, and for an answer that is too large."""
        ...

    def check_regex(self, pattern: str) -> str | None:
        """None for a regular expression (RE2) that compiles, else what is wrong with it."""
        ...
