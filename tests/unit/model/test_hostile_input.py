"""Whatever JSON comes: a query value, or the one error that says what is wrong."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sv.model import limits
from sv.model.calendar import DateRange, Interval, buckets, iso_ms, parse_list_range, parse_timezone
from sv.model.cursor import decode_cursor
from sv.model.errors import InvalidParameter, ValidationFailed
from sv.model.filters import matches, parse_filters
from sv.model.queries import TrendsQuery
from sv.model.query_parsing import (
    EVENTS_PARAMETERS,
    FUNNEL_FIELDS,
    SERIES_FIELDS,
    STEP_FIELDS,
    TRENDS_FIELDS,
    parse_events_query,
    parse_funnel_query,
    parse_trends_query,
)

NOW = 1743416430000
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=12)  # lone surrogates and controls too
TEXT = ANY_TEXT | st.sampled_from(["-7d", "2025-01-31", "7d", "day", "sum", "UTC", "strict_order"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
FILTER = st.dictionaries(
    st.sampled_from(["property", "operator", "value"]), JSON | st.sampled_from(["exact", "gt", "p"]), max_size=3
)


def bodies(names: tuple[str, ...], inner: tuple[str, ...], key: str) -> st.SearchStrategy[object]:
    item = st.dictionaries(st.sampled_from(inner), JSON | st.lists(FILTER, max_size=2), max_size=4)
    return st.dictionaries(st.sampled_from(names), JSON | st.lists(item, max_size=4), max_size=6) | st.lists(
        item | st.just({"name": "e", "event": "e"}), min_size=1, max_size=3
    ).map(lambda items: {key: items})


def told(fault: ValidationFailed) -> None:
    """The error can go out as it is: bounded, encodable, with at least one field."""
    assert fault.details
    assert len(fault.message.encode()) < 4000
    assert all(len(d.message.encode()) < 2000 and d.field.encode() for d in fault.details)


def parameter_told(fault: InvalidParameter) -> None:
    assert 0 < len(fault.message.encode()) < 4000


@settings(max_examples=150, deadline=None)
@given(bodies(TRENDS_FIELDS, SERIES_FIELDS, "events"))
def test_any_body_is_a_trend_or_a_validation_error(body: object) -> None:
    try:
        query = parse_trends_query(body, timezone="UTC", now_ms=NOW)
    except ValidationFailed as fault:
        told(fault)
    else:
        assert isinstance(query, TrendsQuery)
        hash(query)


@settings(max_examples=150, deadline=None)
@given(bodies(FUNNEL_FIELDS, STEP_FIELDS, "steps"))
def test_any_body_is_a_funnel_or_a_validation_error(body: object) -> None:
    try:
        hash(parse_funnel_query(body, timezone="UTC", now_ms=NOW))
    except ValidationFailed as fault:
        told(fault)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(EVENTS_PARAMETERS) | TEXT, TEXT), max_size=5))
def test_any_query_string_is_a_list_or_a_parameter_error(pairs: list[tuple[str, str]]) -> None:
    try:
        hash(parse_events_query(pairs, timezone="UTC", now_ms=NOW))
    except InvalidParameter as fault:
        parameter_told(fault)


@settings(max_examples=200, deadline=None)
@given(st.lists(FILTER, max_size=3), st.dictionaries(TEXT | st.just("p"), JSON, max_size=4))
def test_a_filter_that_is_taken_can_be_asked_of_any_event(data: list[object], properties: dict[str, object]) -> None:
    try:
        found = parse_filters(data)
    except ValidationFailed as fault:
        told(fault)
        return
    for item in found:
        if "regex" not in item.operator:
            assert matches(item, properties) in (True, False)


@settings(max_examples=200, deadline=None)
@given(ANY_TEXT)
def test_any_text_is_a_cursor_a_date_and_a_timezone_or_a_parameter_error(text: str) -> None:
    def fault(field: str, message: str) -> InvalidParameter:
        return InvalidParameter(f"{field}: {message}")

    with pytest.raises(InvalidParameter):
        decode_cursor(text)
    for read in (
        lambda: parse_list_range(text, None, zone=ZoneInfo("UTC"), now_ms=NOW, fault=fault),
        lambda: parse_timezone(text, "timezone", fault),
    ):
        try:
            read()
        except InvalidParameter as refused:
            parameter_told(refused)


ZONES = ["UTC", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia", "America/St_Johns", "Africa/Casablanca"]


@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, 4_000_000_000_000),
    st.integers(1, 90 * limits.DAY_MS),
    st.sampled_from(list(Interval)),
    st.sampled_from(ZONES),
)
def test_buckets_rise_cover_the_range_and_do_not_depend_on_where_it_begins(
    start: int, length: int, interval: Interval, name: str
) -> None:
    zone = ZoneInfo(name)
    span = DateRange(start, start + length)
    found = buckets(span, interval, zone, ValidationFailed.at)
    starts = [b.start_ms for b in found]
    assert starts == sorted(set(starts))
    assert starts[0] <= span.from_ms
    assert starts[-1] < span.to_ms
    assert all(at > span.from_ms for at in starts[1:])
    assert [b.label for b in found] == [iso_ms(at) for at in starts]
    middle = DateRange(start + length // 2, span.to_ms)
    later = [b.start_ms for b in buckets(middle, interval, zone, ValidationFailed.at)]
    assert later == starts[-len(later) :]
    if interval is not Interval.HOUR:
        shown = [datetime.fromtimestamp(at / 1000, UTC).astimezone(zone) for at in starts]
        assert interval is not Interval.WEEK or all(clock.weekday() == 0 for clock in shown)
        assert interval is not Interval.MONTH or all(clock.day == 1 for clock in shown)
