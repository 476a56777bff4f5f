"""From what a caller sent to a query value: strict, complete about what is wrong, and done with words.

Answers for the fields of `GET events` and of the two insights, their defaults and bounds, and for turning
words (`-7d`, a conversion window, a timezone) into numbers once. Assumes a decoded body or the decoded
pairs of a query string, the project's timezone and the time. Never asks whether an event, a smart event or
a property exists, nor whether a regular expression compiles: the first answer with nothing, the last is the
engine's to say.

Body errors are ValidationFailed with every wrong field by its path; those of a query string are
InvalidParameter naming the parameter. Event names are trimmed as at ingest.
"""

import re
from collections.abc import Iterable
from typing import Final
from zoneinfo import ZoneInfo

from sv.model import limits
from sv.model.calendar import (
    Bucket,
    DateRange,
    Interval,
    buckets,
    parse_insight_range,
    parse_timezone,
)
from sv.model.errors import ValidationFailed
from sv.model.filters import Filter, read_filters, read_properties
from sv.model.list_parsing import Parameters, read_list_dates
from sv.model.queries import (
    COUNTING,
    AggregateBy,
    Breakdown,
    EventsQuery,
    FunnelQuery,
    Math,
    Mode,
    Series,
    Step,
    TrendsQuery,
)
from sv.model.validate import Fields, Problems, read_choice

# ---- GET events ----

EVENTS_PARAMETERS: Final = (
    "limit",
    "cursor",
    "date_from",
    "date_to",
    "event",
    "action_id",
    "distinct_id",
    "session_id",
    "filters",
    "properties",
)


def parse_events_query(
    parameters: Iterable[tuple[str, str]], *, timezone: str, now_ms: int, without: tuple[str, ...] = ()
) -> EventsQuery:
    """A page of events from a query string's pairs, decoded; `filters` and `properties` are JSON.

    timezone: the project's, a name that `parse_timezone` took. without: parameters that this list has not, its path having said them.

    Errors: InvalidParameter for wrong values, unknown parameters and those given twice.
    """
    problems = Problems()
    given = Parameters(parameters, tuple(name for name in EVENTS_PARAMETERS if name not in without), problems)
    zone = ZoneInfo(timezone)
    if given.get("event") is not None and given.get("action_id") is not None:
        problems.add("action_id", "expected either event or action_id, got both")
    query = EventsQuery(
        limit=given.limit(),
        cursor=given.cursor(),
        dates=given.dates(zone, now_ms),
        event=given.text("event", limits.MAX_EVENT_NAME_CHARS, trim=True),
        action_id=given.text("action_id", limits.MAX_ID_CHARS),
        distinct_id=given.text("distinct_id", limits.MAX_ID_CHARS),
        session_id=given.text("session_id", limits.MAX_ID_CHARS),
        filters=_bounded(
            read_filters(given.json("filters"), "filters", problems)
            + read_properties(given.json("properties"), "properties", problems),
            "filters",
            problems,
        ),
    )
    problems.finish_parameters()
    return query


def _bounded(filters: tuple[Filter, ...], path: str, problems: Problems) -> tuple[Filter, ...]:
    """The filters, unless the long and the short form together have too many."""
    if len(filters) > limits.MAX_FILTERS:
        problems.add(path, f"expected at most {limits.MAX_FILTERS} filters, got {len(filters)} with properties")
    return filters


# ---- Insights ----

_COMMON: Final = (
    "date_from",
    "date_to",
    "timezone",
    "breakdown",
    "breakdown_limit",
    "filters",
    "properties",
    "include_bots",
)
TRENDS_FIELDS: Final = ("events", "interval", *_COMMON)
SERIES_FIELDS: Final = ("name", "action_id", "math", "math_property", "filters", "properties")
FUNNEL_FIELDS: Final = ("steps", "conversion_window", "modes", "aggregate_by", *_COMMON)
STEP_FIELDS: Final = ("event", "action_id", "filters", "properties")

_WINDOW = re.compile(r"([0-9]{1,9})([smhdw])", re.ASCII)
_WINDOW_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def parse_trends_query(body: object, *, timezone: str, now_ms: int) -> TrendsQuery:
    """A trends query from a decoded body. `timezone` is the project's, for a body that names none.

    Errors: ValidationFailed.
    """
    problems = Problems()
    fields = Fields(body, "", TRENDS_FIELDS, problems)
    if not isinstance(body, dict):
        problems.finish()
    series = tuple(_read_series(item, path, problems) for path, item in fields.items("events", 1, limits.MAX_SERIES))
    interval = fields.choice("interval", Interval, Interval.DAY)
    zone, dates = read_dates(fields, timezone, now_ms, interval)
    spans: tuple[Bucket, ...] = ()
    try:
        spans = buckets(dates, interval, zone, ValidationFailed.at)
    except ValidationFailed as fault:
        problems.take(fault)
    query = TrendsQuery(
        series=series,
        interval=interval,
        dates=dates,
        timezone=zone.key,
        buckets=spans,
        breakdown=_read_breakdown(fields),
        filters=read_all_filters(fields),
        include_bots=fields.flag("include_bots", False),
    )
    values = len(series) * len(spans) * (query.breakdown.limit + 2 if query.breakdown else 1)
    if values > limits.MAX_TREND_VALUES:
        expected = f"at most {limits.MAX_TREND_VALUES:,} values (series × breakdown values × buckets)"
        problems.add("interval", f"expected {expected}, got up to {values:,}")
    problems.finish()
    return query


def parse_funnel_query(body: object, *, timezone: str, now_ms: int) -> FunnelQuery:
    """A funnel query from a decoded body. `timezone` is the project's, for a body that names none.

    Errors: ValidationFailed.
    """
    problems = Problems()
    fields = Fields(body, "", FUNNEL_FIELDS, problems)
    if not isinstance(body, dict):
        problems.finish()
    query = read_funnel_query(fields, timezone=timezone, now_ms=now_ms)
    problems.finish()
    return query


def read_funnel_query(fields: Fields, *, timezone: str, now_ms: int) -> FunnelQuery:
    """A funnel query out of FUNNEL_FIELDS; what is wrong is noted among their problems."""
    problems = fields.problems
    steps = tuple(_read_step(item, path, problems) for path, item in fields.items("steps", limits.MIN_STEPS, limits.MAX_STEPS))
    zone, dates = read_dates(fields, timezone, now_ms, None)
    word, window_ms = _read_window(fields)
    return FunnelQuery(
        steps=steps,
        dates=dates,
        timezone=zone.key,
        conversion_window=word,
        window_ms=window_ms,
        modes=_read_modes(fields),
        aggregate_by=fields.choice("aggregate_by", AggregateBy, AggregateBy.PERSON),
        breakdown=_read_breakdown(fields),
        filters=read_all_filters(fields),
        include_bots=fields.flag("include_bots", False),
    )


def read_dates(fields: Fields, timezone: str, now_ms: int, interval: Interval | None) -> tuple[ZoneInfo, DateRange]:
    """The zone and the range; after noting a problem, the project's zone or the first hour of 1970."""
    problems = fields.problems
    zone = ZoneInfo(timezone)
    date_from, date_to = fields.get("date_from"), fields.get("date_to")
    try:
        if fields.get("timezone") is not None:
            zone = parse_timezone(fields.get("timezone"), fields.at("timezone"), ValidationFailed.at)
    except ValidationFailed as fault:
        problems.take(fault)
    try:
        span = parse_insight_range(date_from, date_to, zone=zone, now_ms=now_ms, interval=interval, fault=ValidationFailed.at)
    except ValidationFailed as fault:
        problems.take(fault)
        if date_from is not None and date_to is not None and fault.details[0].field == "date_to":
            read_list_dates(date_from, None, zone, now_ms, problems)
        span = DateRange(0, limits.HOUR_MS)
    return zone, span


def _read_named(fields: Fields, name: str) -> tuple[str | None, str | None]:
    """An event by name, or a smart event by id: one of the two."""
    event = fields.text(name, limits.MAX_EVENT_NAME_CHARS, trim=True)
    action_id = fields.text("action_id", limits.MAX_ID_CHARS)
    given = [key for key in (name, "action_id") if fields.get(key) is not None]
    if not given:
        fields.problems.add(fields.at(name), "required: an event's name, or the action_id of a smart event")
    elif len(given) == 2:
        fields.problems.add(fields.at("action_id"), f"expected either {name} or action_id, got both")
    return event, action_id


def _read_series(item: object, path: str, problems: Problems) -> Series:
    fields = Fields(item, path, SERIES_FIELDS, problems)
    if not isinstance(item, dict):
        return Series("")
    event, action_id = _read_named(fields, "name")
    math = fields.choice("math", Math, Math.TOTAL)
    math_property = fields.text("math_property", limits.MAX_PROPERTY_NAME_CHARS)
    has_property = fields.get("math_property") is not None
    if math in COUNTING and has_property:
        problems.add(fields.at("math_property"), f"expected none with {math}: it counts events, not a property")
    elif math not in COUNTING and not has_property:
        problems.add(fields.at("math_property"), f"required with {math}: the property whose numbers it takes")
    return Series(event, action_id, math, math_property, read_all_filters(fields))


def _read_step(item: object, path: str, problems: Problems) -> Step:
    fields = Fields(item, path, STEP_FIELDS, problems)
    if not isinstance(item, dict):
        return Step("")
    event, action_id = _read_named(fields, "event")
    return Step(event, action_id, read_all_filters(fields))


def read_all_filters(fields: Fields) -> tuple[Filter, ...]:
    """Those of `filters` and `properties`; what is wrong is noted among the fields' problems."""
    problems = fields.problems
    found = read_filters(fields.get("filters"), fields.at("filters"), problems)
    found += read_properties(fields.get("properties"), fields.at("properties"), problems)
    return _bounded(found, fields.at("filters"), problems)


def _read_breakdown(fields: Fields) -> Breakdown | None:
    limit = fields.whole("breakdown_limit", 1, limits.BREAKDOWN_LIMIT_MAX, limits.BREAKDOWN_LIMIT_DEFAULT)
    name = fields.text("breakdown", limits.MAX_PROPERTY_NAME_CHARS)
    return None if name is None else Breakdown(name, limit)


def _read_window(fields: Fields) -> tuple[str, int]:
    """The conversion window as it was written, and in milliseconds."""
    word = fields.get("conversion_window")
    if word is None:
        word = limits.CONVERSION_WINDOW_DEFAULT
    found = _WINDOW.fullmatch(word) if isinstance(word, str) else None
    if not isinstance(word, str) or found is None:
        fields.problems.unexpected("conversion_window", "a number and one of s, m, h, d, w, as in 7d", word)
        return limits.CONVERSION_WINDOW_DEFAULT, 0
    seconds = int(found[1]) * _WINDOW_UNIT_S[found[2]]
    if not limits.MIN_CONVERSION_WINDOW_S <= seconds <= limits.MAX_CONVERSION_WINDOW_S:
        bounds = f"{limits.MIN_CONVERSION_WINDOW_S} to {limits.MAX_CONVERSION_WINDOW_S:,} seconds (365d)"
        fields.problems.unexpected("conversion_window", bounds, word)
    return word, seconds * limits.SECOND_MS


def _read_modes(fields: Fields) -> frozenset[Mode]:
    """The modes as a set.

    Of the 32 sets ClickHouse 26.9 takes 24: it refuses `allow_reentry` without `strict_order`, and nothing
    else.
    """
    items = fields.items("modes", 0, limits.MAX_MODES)
    found = (read_choice(item, path, Mode, fields.problems) for path, item in items)
    modes = frozenset(mode for mode in found if mode is not None)
    if Mode.ALLOW_REENTRY in modes and Mode.STRICT_ORDER not in modes:
        fields.problems.add(fields.at("modes"), "expected strict_order with allow_reentry, got allow_reentry without it")
    return modes
