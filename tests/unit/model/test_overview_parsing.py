"""What the body of an overview means: which interval suits a range, which period lies before it, what each filter speaks of."""

from typing import Any

import pytest

from sv.model.calendar import DateRange, Interval, iso_ms
from sv.model.errors import ValidationFailed
from sv.model.filters import Filter, Operator
from sv.model.limits import DAY_MS, HOUR_MS
from sv.model.overview import OverviewQuery, Period, Table
from sv.model.overview_parsing import interval_for, parse_overview_query

NOON = 1_749_988_800_000  # 2025-06-15T12:00:00.000Z


def parsed(zone: str = "UTC", /, **body: Any) -> OverviewQuery:
    return parse_overview_query(body, timezone=zone, now_ms=NOON)


def span(period: Period | None) -> tuple[str, str]:
    assert period is not None
    return iso_ms(period.dates.from_ms), iso_ms(period.dates.to_ms)


def wrong(**body: Any) -> list[str]:
    """The fields that are refused."""
    with pytest.raises(ValidationFailed) as caught:
        parsed(**body)
    return [problem.field for problem in caught.value.details]


def test_an_empty_body_asks_for_everything() -> None:
    query = parsed()
    assert (query.tables, query.rows, query.include_bots, query.timezone) == (tuple(Table), 10, False, "UTC")
    assert query.previous is not None
    assert query.period.dates.to_ms > NOON


def test_the_timezone_is_the_projects_unless_the_body_names_one() -> None:
    assert parsed("Europe/Berlin").timezone == "Europe/Berlin"
    assert parsed("Europe/Berlin", timezone="Asia/Tokyo").timezone == "Asia/Tokyo"


@pytest.mark.parametrize(
    ("date_from", "date_to", "interval"),
    [
        ("2025-03-03", "2025-03-03", "hour"),
        ("2025-03-03", "2025-03-04", "hour"),
        ("2025-03-03", "2025-03-05", "day"),
        ("2025-01-01", "2025-04-03", "day"),
        ("2025-01-01", "2025-04-04", "week"),
        ("2023-01-01", "2025-01-01", "week"),
        ("2023-01-01", "2025-01-02", "month"),
    ],
)
def test_the_interval_is_wider_the_longer_the_range(date_from: str, date_to: str, interval: str) -> None:
    assert parsed(date_from=date_from, date_to=date_to).interval == interval
    assert parsed(date_from=date_from, date_to=date_to, interval="week").interval == "week"


def test_days_that_a_clock_change_makes_longer_are_still_days() -> None:
    assert interval_for(DateRange(NOON, NOON + 2 * DAY_MS + HOUR_MS)) is Interval.HOUR
    assert interval_for(DateRange(NOON, NOON + 2 * DAY_MS + HOUR_MS + 1)) is Interval.DAY


def test_the_period_before_has_as_many_days_also_over_a_clock_change() -> None:
    query = parsed("Europe/Berlin", date_from="2025-03-30", date_to="2025-03-31")
    assert span(query.period) == ("2025-03-29T23:00:00.000Z", "2025-03-31T22:00:00.000Z")
    assert span(query.previous) == ("2025-03-27T23:00:00.000Z", "2025-03-29T23:00:00.000Z")


def test_the_period_before_a_range_of_hours_is_as_long() -> None:
    query = parsed(date_from="2025-03-30T10:00:00Z", date_to="2025-03-30T16:30:00Z")
    assert span(query.previous) == ("2025-03-30T03:30:00.000Z", "2025-03-30T10:00:00.000Z")


def test_nothing_lies_before_the_beginning_of_time_or_where_nobody_asks() -> None:
    assert parsed(date_from="1970-01-01", date_to="1970-01-31").previous is None
    assert parsed(compare=False).previous is None
    before = parsed(date_from="1970-01-11", date_to="1970-01-31").previous
    assert span(before) == ("1970-01-01T00:00:00.000Z", "1970-01-11T00:00:00.000Z")


def test_tables_are_those_asked_for_each_once_in_their_order() -> None:
    assert parsed(breakdowns=["os", "pages", "os"]).tables == (Table.OS, Table.PAGES)
    assert parsed(breakdowns=[]).tables == ()


def test_filters_speak_of_events_of_what_a_session_was_entered_by_or_of_where_it_was_left() -> None:
    given = [
        {"property": "plan", "value": "pro"},
        {"property": "$entry_page", "value": "/a"},
        {"property": "$exit_page", "operator": "is_set"},
        {"property": "$country", "value": "DE"},
        {"property": "$current_url", "value": "/b"},
    ]
    query = parsed(filters=given, properties={"utm_source": "news"})
    assert [item.property for item in query.given] == [*(item["property"] for item in given), "utm_source"]
    assert query.filters.events == (Filter("plan", Operator.EXACT, "pro"), Filter("$current_url", Operator.EXACT, "/b"))
    assert query.filters.entry == (
        Filter("$current_url", Operator.EXACT, "/a"),
        Filter("$country", Operator.EXACT, "DE"),
        Filter("utm_source", Operator.EXACT, "news"),
    )
    assert query.filters.exit == (Filter("$current_url", Operator.IS_SET, None),)


def test_every_wrong_field_is_named_at_once() -> None:
    assert wrong(interval="x", compare=1, breakdowns=["pages", "x"], breakdown_limit=0, zz=1) == [
        "zz", "interval", "compare", "breakdowns[1]", "breakdown_limit",
    ]  # fmt: skip
    assert wrong(interval="hour", date_from="1990-01-01") == ["interval"]
    with pytest.raises(ValidationFailed):
        parse_overview_query([], timezone="UTC", now_ms=NOON)
