"""Trends further on: measures of a property in each value of a breakdown and in the rest, and dates relative to now."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from http_rig import DAY, HOUR, NOON, Api, event, iso

ONE_DAY = {"date_from": "2025-06-15", "date_to": "2025-06-15"}
MEASURES = {
    # of 10, 20, 60 (free), of 1 to 4 (the rest) and of 100 (no plan)
    "sum": (90, 10, 100),
    "avg": (30, 2.5, 100),
    "min": (10, 1, 100),
    "max": (60, 4, 100),
    "median": (20, 2.5, 100),
    "p90": (52, 3.7, 100),
    "p95": (56, 3.85, 100),
    "p99": (59.2, 3.97, 100),
}


def paid(person: str, price: Any, **properties: Any) -> dict[str, Any]:
    return event("paid", person, NOON, properties={"price": price, **properties})


@pytest.mark.parametrize("math", MEASURES)
def test_a_measure_is_taken_within_each_value_within_the_rest_and_without_the_property(api: Api, math: str) -> None:
    api.send(*[paid("ann", price, plan="free") for price in (10, 20, 60, "text")])
    api.send(paid("ann", 1, plan="a"), paid("ann", 2, plan="b"), paid("bob", 3, plan="b"), paid("bob", 4, plan=7))
    api.send(paid("ann", 100))
    asked = api.trends(
        events=[{"name": "paid", "math": math, "math_property": "price"}], breakdown="plan", breakdown_limit=1, **ONE_DAY
    )
    found = {series["breakdown_value"]: (series["values"], series["total"]) for series in asked["series"]}
    free, rest, none = (pytest.approx(value) for value in MEASURES[math])
    assert found == {"free": ([free], free), "$other": ([rest], rest), None: ([none], none)}


def test_the_rest_of_a_breakdown_counts_a_person_and_a_session_once(api: Api) -> None:
    for place, plan in enumerate(("much", "much", "much", "a", "b", "c")):
        api.send(event("view", "ann", NOON + place, sessionId=f"s{place % 2}", properties={"plan": plan}))
    maths = ("total", "unique_persons", "unique_sessions", "per_session")
    asked = api.trends(events=[{"name": "view", "math": math} for math in maths], breakdown="plan", breakdown_limit=1, **ONE_DAY)
    rest = {series["math"]: series["total"] for series in asked["series"] if series["breakdown_value"] == "$other"}
    assert rest == {"total": 3, "unique_persons": 1, "unique_sessions": 2, "per_session": 1.5}


def test_a_property_that_is_null_is_absent_in_a_breakdown_and_takes_none_of_its_places(api: Api) -> None:
    plans: list[dict[str, Any]] = [{}, {"plan": None}, {"plan": None}, {"plan": "null"}, {"plan": ""}]
    api.send(*[event("view", "ann", NOON + place, properties=plan) for place, plan in enumerate(plans)])
    asked = api.trends(events=[{"name": "view"}], breakdown="plan", breakdown_limit=2, **ONE_DAY)
    assert {series["breakdown_value"]: series["total"] for series in asked["series"]} == {None: 3, "null": 1, "": 1}
    steps = [{"event": "view"}, {"event": "never"}]
    broken = api.funnel(steps=steps, breakdown="plan", breakdown_limit=1, **ONE_DAY)["breakdowns"]
    assert [(each["breakdown_value"], each["steps"][0]["count"]) for each in broken] == [(None, 1)]


def test_a_percentile_of_the_whole_range_is_not_made_of_those_of_its_days(api: Api) -> None:
    for place, price in enumerate((1, 2, 3, 1000)):
        api.send(event("paid", "ann", NOON + (DAY if place == 3 else 0) + place, properties={"price": price}))
    asked = api.trends(
        events=[{"name": "paid", "math": "median", "math_property": "price"}], date_from="2025-06-15", date_to="2025-06-16"
    )
    assert (asked["series"][0]["values"], asked["series"][0]["total"]) == ([2, 1000], 2.5)


def months_before(day: date, count: int) -> date:
    """The same day of an earlier month, or that month's last one."""
    month = day.year * 12 + day.month - 1 - count
    for last in range(day.day, 0, -1):
        try:
            return date(month // 12, month % 12 + 1, last)
        except ValueError:
            continue
    raise AssertionError


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu", "Pacific/Kiritimati", "America/New_York"])
def test_a_relative_date_is_a_day_of_the_timezone(full: Api, zone: str) -> None:
    def today() -> date:
        return datetime.now(ZoneInfo(zone)).date()

    days = {
        "-0d": lambda day: day, "-1d": lambda day: day - timedelta(1), "-2w": lambda day: day - timedelta(14),
        "-3mo": lambda day: months_before(day, 3), "-1y": lambda day: months_before(day, 12),
    }  # fmt: skip
    for text, of in days.items():
        before = today()
        asked = full.trends(events=[{"name": "x"}], interval="month", date_from=text, timezone=zone)
        possible = {
            iso(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).timestamp() * 1000)
            for day in (of(before), of(today()))
        }
        assert asked["date_from"] in possible, text
        assert asked["timezone"] == zone


@pytest.mark.parametrize(("text", "ago_ms"), [("-24h", 24 * HOUR), ("-30min", HOUR // 2), ("-0h", 0)])
def test_relative_hours_and_minutes_are_instants(full: Api, text: str, ago_ms: int) -> None:
    def instant() -> str:
        return iso(datetime.now(UTC).timestamp() * 1000 - ago_ms)

    before = instant()
    asked = full.trends(events=[{"name": "x"}], interval="hour", date_from=text)
    assert before <= asked["date_from"] <= instant()


def test_what_happened_a_moment_ago_is_within_relative_dates(api: Api) -> None:
    api.send(event("view", timestamp=...))
    for text in ("-1h", "-1d", "-0d", "-1mo"):
        asked = api.trends(events=[{"name": "view"}], interval="hour" if text == "-1h" else "day", date_from=text)
        assert asked["series"][0]["total"] == 1, text
    asked = api.trends(events=[{"name": "view"}], date_from="-3d", date_to="-2d")
    assert (asked["series"][0]["total"], len(asked["labels"])) == (0, 2)
