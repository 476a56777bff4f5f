"""Queries as values: what is asked of events, with everything resolved that can be.

Answers for the shape of a query and for nothing else: `sv.model.query_parsing` makes them out of what a
caller sent. Assumes that their maker kept to the bounds of `sv.model.limits`. Frozen and hashable, so that
a query can key a cache.
"""

from enum import StrEnum
from typing import Final

from msgspec import Struct

from sv.model import limits
from sv.model.calendar import ALL_TIME, Bucket, DateRange, Interval
from sv.model.cursor import Cursor
from sv.model.filters import Filter
from sv.model.smart_events import Rule, SmartEvent


class Math(StrEnum):
    """What a series measures in each bucket."""

    TOTAL = "total"
    UNIQUE_PERSONS = "unique_persons"
    UNIQUE_SESSIONS = "unique_sessions"
    PER_SESSION = "per_session"
    SUM = "sum"
    AVG = "avg"
    MIN = "min"
    MAX = "max"
    MEDIAN = "median"
    P90 = "p90"
    P95 = "p95"
    P99 = "p99"


COUNTING: Final = frozenset({Math.TOTAL, Math.UNIQUE_PERSONS, Math.UNIQUE_SESSIONS, Math.PER_SESSION})
"""The maths that count; all others take the numeric values of a `math_property`."""


class Mode(StrEnum):
    """The modes of ClickHouse's `windowFunnel`."""

    STRICT_DEDUPLICATION = "strict_deduplication"
    STRICT_ORDER = "strict_order"
    STRICT_INCREASE = "strict_increase"
    STRICT_ONCE = "strict_once"
    ALLOW_REENTRY = "allow_reentry"


class AggregateBy(StrEnum):
    """Whose funnel it is."""

    PERSON = "person"
    SESSION = "session"


class Breakdown(Struct, frozen=True):
    """Splits an insight by a property's values: the `limit` most frequent ones, the rest together."""

    property: str
    limit: int = limits.BREAKDOWN_LIMIT_DEFAULT


class Series(Struct, frozen=True):
    """One line of a trend. Either `event` or `action_id` is set; then `smart` is who has that id (`sv.model.smart_queries`).

    math_property: set for the maths that aren't COUNTING, and only for them.
    """

    event: str | None
    action_id: str | None = None
    math: Math = Math.TOTAL
    math_property: str | None = None
    filters: tuple[Filter, ...] = ()
    smart: SmartEvent | None = None


class Step(Struct, frozen=True):
    """One step of a funnel. Either `event` or `action_id` is set; then `smart` is who has that id (`sv.model.smart_queries`)."""

    event: str | None
    action_id: str | None = None
    filters: tuple[Filter, ...] = ()
    smart: SmartEvent | None = None


class Outcome(StrEnum):
    """What became of persons at a step of a funnel."""

    CONVERTED = "converted"
    DROPPED_OFF = "dropped_off"


class EventsQuery(Struct, frozen=True):
    """A page of events, newest first. Absent dates are open ends; bots are included. Of `event` and `action_id` one at most is set.

    person: a number, where that is known of a person. rules: any of which must hold: the smart event's.
    """

    limit: int = limits.LIST_LIMIT_DEFAULT
    cursor: Cursor | None = None
    dates: DateRange = ALL_TIME
    event: str | None = None
    action_id: str | None = None
    distinct_id: str | None = None
    person: int | None = None
    session_id: str | None = None
    filters: tuple[Filter, ...] = ()
    rules: tuple[Rule, ...] = ()


class TrendsQuery(Struct, frozen=True):
    """Series over time. `buckets` cover `dates`; `filters` hold for every series besides its own."""

    series: tuple[Series, ...]
    interval: Interval
    dates: DateRange
    timezone: str
    buckets: tuple[Bucket, ...]
    breakdown: Breakdown | None = None
    filters: tuple[Filter, ...] = ()
    include_bots: bool = False


class FunnelQuery(Struct, frozen=True):
    """A funnel. `conversion_window` is the caller's word for `window_ms`.

    filters: which events it sees at all; in a strict mode, one that they shut out ends no chain.
    """

    steps: tuple[Step, ...]
    dates: DateRange
    timezone: str
    conversion_window: str
    window_ms: int
    modes: frozenset[Mode] = frozenset()
    aggregate_by: AggregateBy = AggregateBy.PERSON
    breakdown: Breakdown | None = None
    filters: tuple[Filter, ...] = ()
    include_bots: bool = False


class FunnelPersonsQuery(Struct, frozen=True):
    """A page of the persons whom a funnel counts at a step, newest first.

    breakdown_value: one value's persons alone, as JSON text (`"$other"` for all beyond the breakdown's limit); None for everybody's.
    before: the number that the page before ended with.
    """

    funnel: FunnelQuery
    step: int
    outcome: Outcome
    breakdown_value: str | None = None
    limit: int = limits.LIST_LIMIT_DEFAULT
    before: int | None = None
