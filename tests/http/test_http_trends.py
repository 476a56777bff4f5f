"""Trends, as anybody can work them out by hand: each math, each interval, breakdowns, timezones, and the echo of the query."""

import json
from typing import Any

import pytest
from http_rig import DAY, HOUR, MINUTE, NOON, Api, event, iso, story

JUNE_15 = NOON - 12 * HOUR
ONE_DAY = {"date_from": "2025-06-15", "date_to": "2025-06-15"}
EMPTY_DAY = [iso(JUNE_15 + hour * HOUR) for hour in range(24)]
WEEK = {"date_from": "2025-06-14", "date_to": "2025-06-16"}


def series_of(api: Api, **body: Any) -> dict[str, Any]:
    """The only series of a query."""
    (series,) = api.trends(**body)["series"]
    return dict(series)


def by_value(api: Api, **body: Any) -> dict[Any, Any]:
    """The totals by the value of the breakdown, each value once."""
    asked = api.trends(**body)["series"]
    values = [series["breakdown_value"] for series in asked]
    assert len(set(map(repr, values))) == len(values)
    return {series["breakdown_value"]: series["total"] for series in asked}


def test_the_answer_has_these_fields_and_echoes_the_query(api: Api) -> None:
    api.send(event("view"))
    answer = api.http.post(api.path("insights/trends"), json={"events": [{"name": "view"}], **WEEK}).json()
    assert isinstance(answer.pop("elapsed_ms"), float | int)
    assert {name: answer[name] for name in ("interval", "date_from", "date_to", "timezone", "labels")} == {
        "interval": "day",
        "date_from": "2025-06-14T00:00:00.000Z",
        "date_to": "2025-06-17T00:00:00.000Z",
        "timezone": "UTC",
        "labels": [iso(JUNE_15 - DAY), iso(JUNE_15), iso(JUNE_15 + DAY)],
    }
    (series,) = answer["series"]
    shown = {name: series[name] for name in ("event", "math", "breakdown_value", "values", "total")}
    assert shown == {"event": "view", "math": "total", "breakdown_value": None, "values": [0, 1, 0], "total": 1}


def test_a_project_without_events_has_buckets_of_nothing(api: Api) -> None:
    for math in ("total", "unique_persons", "unique_sessions", "per_session"):
        series = series_of(api, events=[{"name": "view", "math": math}], **WEEK)
        assert (series["math"], series["values"], series["total"]) == (math, [0, 0, 0], 0)


def test_counts_of_events_persons_and_sessions(api: Api) -> None:
    first, second = {"sessionId": "one"}, {"sessionId": "two"}
    api.send(
        *story("ann: view@-24h, view@0h", **first),
        *story("ann: view@1h; bob: view@2h, view@3h, view@24h", **second),
        *story("bob: other@0h", **first),
    )
    maths = ["total", "unique_persons", "unique_sessions", "per_session"]
    asked = api.trends(events=[{"name": "view", "math": math} for math in maths], **WEEK)
    assert [(series["math"], series["values"], series["total"]) for series in asked["series"]] == [
        ("total", [1, 4, 1], 6),
        ("unique_persons", [1, 2, 1], 2),
        ("unique_sessions", [1, 2, 1], 2),
        ("per_session", [1, 2, 1], 3),
    ]


def test_sessions_that_the_server_derived_count_too(api: Api) -> None:
    api.send(*story("ann: view@0m, view@29m, view@59m, view@90m; bob: view@0m"))
    asked = api.trends(events=[{"name": "view", "math": "unique_sessions"}, {"name": "view", "math": "per_session"}], **ONE_DAY)
    assert [series["total"] for series in asked["series"]] == [3, pytest.approx(5 / 3)]


def test_a_person_is_counted_by_the_user_id_where_there_is_one(api: Api) -> None:
    api.send(event("view", "a1", NOON), event("view", "a1", NOON + 1, userId="u1"), event("view", "a2", NOON + 2, userId="u1"))
    assert series_of(api, events=[{"name": "view", "math": "unique_persons"}], **ONE_DAY)["total"] == 2


NUMBERS = [(0, list(range(0, 101, 10))), (1, [5])]
MATHS = {
    "sum": (550, 5),
    "avg": (50, 5),
    "min": (0, 5),
    "max": (100, 5),
    "median": (50, 5),
    "p90": (90, 5),
    "p95": (95, 5),
    "p99": (99, 5),
}
WHOLE = {"sum": 555, "avg": 46.25, "min": 0, "max": 100, "median": 45}


@pytest.mark.parametrize("math", MATHS)
def test_measures_of_a_numeric_property(api: Api, math: str) -> None:
    for day, values in NUMBERS:
        api.send(*[event("buy", f"p{n}", NOON + day * DAY + n, properties={"price": value}) for n, value in enumerate(values)])
    api.send(
        *[
            event("buy", "odd", NOON, properties=odd)
            for odd in ({}, {"price": "7"}, {"price": None}, {"price": True}, {"price": [7]})
        ]
    )
    series = series_of(
        api, events=[{"name": "buy", "math": math, "math_property": "price"}], date_from="2025-06-15", date_to="2025-06-16"
    )
    assert series["values"] == [pytest.approx(value) for value in MATHS[math]]
    if math in WHOLE:
        assert series["total"] == pytest.approx(WHOLE[math])


def test_a_measure_of_no_numbers_is_null_but_for_a_sum_of_0(api: Api) -> None:
    api.send(event("buy", properties={"price": "text"}))
    maths = ["sum", "avg", "min", "max", "median", "p90", "p95", "p99"]
    asked = api.trends(events=[{"name": "buy", "math": math, "math_property": "price"} for math in maths], **ONE_DAY)
    assert [(series["values"], series["total"]) for series in asked["series"]] == [([0], 0)] + [([None], None)] * 7


def test_measures_take_fractions_and_negative_numbers(api: Api) -> None:
    api.send(*[event("buy", "ann", NOON + n, properties={"price": price}) for n, price in enumerate([-1.5, 0.25, 10])])
    maths = ["sum", "avg", "min", "max", "median"]
    asked = api.trends(events=[{"name": "buy", "math": math, "math_property": "price"} for math in maths], **ONE_DAY)
    assert [series["total"] for series in asked["series"]] == [pytest.approx(value) for value in (8.75, 8.75 / 3, -1.5, 10, 0.25)]


def test_several_events_are_series_in_the_order_of_the_query(api: Api) -> None:
    api.send(*story("ann: view@0h, buy@1h, view@2h"))
    asked = api.trends(
        events=[{"name": "buy"}, {"name": "view"}, {"name": "view", "math": "unique_persons"}, {"name": "none"}], **ONE_DAY
    )
    assert [(series["event"], series["math"], series["total"]) for series in asked["series"]] == [
        ("buy", "total", 1),
        ("view", "total", 2),
        ("view", "unique_persons", 1),
        ("none", "total", 0),
    ]


def test_hours(api: Api) -> None:
    api.send(*story("ann: view@0m, view@59.999m, view@60m, view@-0.001m; bob: view@719.99m, view@720m"))
    asked = api.trends(events=[{"name": "view"}], interval="hour", **ONE_DAY)
    assert asked["labels"] == EMPTY_DAY
    values = [0] * 24
    values[11], values[12], values[13], values[23] = 1, 2, 1, 1
    assert asked["series"][0]["values"] == values


def test_weeks_start_on_monday_and_the_first_begins_with_the_range(api: Api) -> None:
    api.send(*story("ann: view@0d, view@1d, view@7d, view@8d"))
    asked = api.trends(events=[{"name": "view"}], interval="week", date_from="2025-06-09", date_to="2025-06-29")
    assert asked["labels"] == ["2025-06-09T00:00:00.000Z", "2025-06-16T00:00:00.000Z", "2025-06-23T00:00:00.000Z"]
    assert asked["series"][0]["values"] == [1, 2, 1]
    asked = api.trends(events=[{"name": "view"}], interval="week", date_from="2025-06-15", date_to="2025-06-16")
    assert asked["labels"][-1] == "2025-06-16T00:00:00.000Z"
    assert asked["series"][0]["values"] == [1, 1]


def test_months(api: Api) -> None:
    days = ["2024-01-31T23:59:59.999Z", "2024-02-01T00:00:00Z", "2024-02-29T23:59:59.999Z", "2024-03-01", "2024-04-15"]
    api.send(*[event("view", "ann", 0, timestamp=day) for day in days])
    asked = api.trends(events=[{"name": "view"}], interval="month", date_from="2024-01-01", date_to="2024-04-30")
    assert asked["labels"] == [f"2024-0{month}-01T00:00:00.000Z" for month in (1, 2, 3, 4)]
    assert asked["series"][0]["values"] == [1, 2, 1, 1]


@pytest.mark.parametrize(
    ("date", "hours", "skipped"),
    [("2025-03-30", 23, "2025-03-30T01:00:00.000Z"), ("2025-10-26", 25, None), ("2025-06-15", 24, None)],
)
def test_a_day_of_berlin_has_23_24_or_25_hours(api: Api, date: str, hours: int, skipped: str | None) -> None:
    asked: dict[str, Any] = {"date_from": date, "date_to": date, "timezone": "Europe/Berlin"}
    labels = api.trends(events=[{"name": "view"}], interval="hour", **asked)["labels"]
    assert len(labels) == len(set(labels)) == hours
    api.send(*[event("view", "ann", 0, timestamp=label) for label in labels])
    by_hour = api.trends(events=[{"name": "view"}], interval="hour", **asked)
    assert by_hour["series"][0]["values"] == [1] * hours
    by_day = api.trends(events=[{"name": "view"}], **asked)
    assert by_day["labels"] == [labels[0]]
    assert by_day["series"][0]["values"] == [hours]
    assert by_day["timezone"] == "Europe/Berlin"


def test_days_follow_the_timezone(api: Api) -> None:
    api.send(
        event("view", "ann", 0, timestamp="2025-06-14T18:14:59.999Z"), event("view", "ann", 0, timestamp="2025-06-14T18:15:00Z")
    )
    asked = api.trends(events=[{"name": "view"}], date_from="2025-06-14", date_to="2025-06-15", timezone="Asia/Kathmandu")
    assert asked["labels"] == ["2025-06-13T18:15:00.000Z", "2025-06-14T18:15:00.000Z"]
    assert asked["series"][0]["values"] == [1, 1]
    assert (asked["date_from"], asked["date_to"]) == ("2025-06-13T18:15:00.000Z", "2025-06-15T18:15:00.000Z")


def test_weeks_and_months_follow_the_timezone_over_the_change_of_clocks(api: Api) -> None:
    asked = api.trends(
        events=[{"name": "view"}], interval="week", date_from="2025-03-24", date_to="2025-04-06", timezone="Europe/Berlin"
    )
    assert asked["labels"] == ["2025-03-23T23:00:00.000Z", "2025-03-30T22:00:00.000Z"]
    asked = api.trends(
        events=[{"name": "view"}], interval="month", date_from="2025-03-01", date_to="2025-04-30", timezone="Europe/Berlin"
    )
    assert asked["labels"] == ["2025-02-28T23:00:00.000Z", "2025-03-31T22:00:00.000Z"]


def test_instants_cut_the_first_and_the_last_bucket(api: Api) -> None:
    api.send(*story("ann: view@-1m, view@0m, view@59m, view@60m"))
    asked = api.trends(events=[{"name": "view"}], date_from="2025-06-15T12:00:00Z", date_to="2025-06-15T15:00:00+02:00")
    assert (asked["date_from"], asked["date_to"]) == (iso(NOON), iso(NOON + HOUR))
    assert asked["series"][0]["total"] == 2


def test_without_dates_the_last_thirty_days_are_meant_and_today(api: Api) -> None:
    api.send(event("view", timestamp=...))
    asked = api.trends(events=[{"name": "view"}])
    assert asked["series"][0]["total"] == asked["series"][0]["values"][-1] == 1
    assert len(asked["labels"]) == 31


def test_filters_hold_for_all_series_and_for_one(api: Api) -> None:
    api.send(
        *story("ann: view@0h, buy@1h", properties={"plan": "pro"}), *story("bob: view@0h, buy@1h", properties={"plan": "free"})
    )
    pro = {"property": "plan", "operator": "exact", "value": "pro"}
    both = api.trends(events=[{"name": "view"}, {"name": "buy"}], filters=[pro], **ONE_DAY)
    assert [series["total"] for series in both["series"]] == [1, 1]
    one = api.trends(events=[{"name": "view", "filters": [pro]}, {"name": "buy"}], **ONE_DAY)
    assert [series["total"] for series in one["series"]] == [1, 2]
    short = api.trends(
        events=[{"name": "view", "properties": {"plan": "pro"}}, {"name": "buy"}], properties={"plan": "free"}, **ONE_DAY
    )
    assert [series["total"] for series in short["series"]] == [0, 1]


def test_a_breakdown_has_a_series_a_value_and_null_for_events_without_it(api: Api) -> None:
    for plan, count in (("pro", 3), ("free", 2), (None, 1)):
        own = {"plan": plan} if plan else {}
        api.send(*[event("view", f"{plan} {n}", NOON + n * DAY, properties=own) for n in range(count)])
    asked = api.trends(events=[{"name": "view"}], breakdown="plan", date_from="2025-06-15", date_to="2025-06-17")
    assert asked["breakdown"] == "plan"
    values = {series["breakdown_value"]: series["values"] for series in asked["series"]}
    assert values == {"pro": [1, 1, 1], "free": [1, 1, 0], None: [1, 0, 0]}


def test_beyond_the_limit_the_rest_of_a_breakdown_is_summed(api: Api) -> None:
    for place, plan in enumerate("abcde"):
        api.send(*[event("view", f"p{n % 2}", NOON + n, properties={"plan": plan}) for n in range(5 - place)])
    asked: dict[str, Any] = {"breakdown": "plan", **ONE_DAY}
    assert by_value(api, events=[{"name": "view"}], breakdown_limit=2, **asked) == {"a": 5, "b": 4, "$other": 6}
    assert by_value(api, events=[{"name": "view"}], breakdown_limit=5, **asked) == {"a": 5, "b": 4, "c": 3, "d": 2, "e": 1}
    persons = by_value(api, events=[{"name": "view", "math": "unique_persons"}], breakdown_limit=1, **asked)
    assert persons["$other"] == 2


def test_a_breakdown_shows_twenty_five_values_unless_told_otherwise(api: Api) -> None:
    api.send(*[event("view", "ann", NOON + n, properties={"n": f"v{n // 2}"}) for n in range(60)])
    values = by_value(api, events=[{"name": "view"}], breakdown="n", **ONE_DAY)
    assert len(values) == 26
    assert values["$other"] == 10


def test_a_value_that_is_called_other_is_not_the_rest(api: Api) -> None:
    for value, count in (("$other", 3), ("b", 2), ("c", 1)):
        api.send(*[event("view", "ann", NOON + n, properties={"p": value}) for n in range(count)])
    asked = api.trends(events=[{"name": "view"}], breakdown="p", breakdown_limit=2, **ONE_DAY)
    assert sorted(series["total"] for series in asked["series"]) == [1, 2, 3]


KINDS: list[Any] = ["", "ünï 😀", "null", "true", "10", 10, 10.5, -1, 2**63, True, False, "a" * 300, [1, "a"], {"a": [1]}]


def test_a_breakdown_tells_values_apart_by_their_json_type(api: Api) -> None:
    api.send(*[event("view", "ann", NOON + place, properties={"p": value}) for place, value in enumerate(KINDS)])
    asked = api.trends(events=[{"name": "view"}], breakdown="p", **ONE_DAY)
    found = [json.dumps(series["breakdown_value"]) for series in asked["series"]]
    assert sorted(found) == sorted(map(json.dumps, KINDS))
    assert {series["total"] for series in asked["series"]} == {1}
    api.send(event("view", "bob", NOON, properties={"p": 10.0}))
    assert by_value(api, events=[{"name": "view", "filters": [{"property": "p", "value": 10}]}], breakdown="p", **ONE_DAY) == {
        10: 2
    }


@pytest.mark.parametrize("name", ["$.*", "a/b", "a~b", "a.b", "quote'\"", "with space", "0", "ünï", "$current_url"])
def test_a_property_may_have_any_name(api: Api, name: str) -> None:
    api.send(event("view", properties={name: 5, "other": {"b": 1}}))
    assert by_value(api, events=[{"name": "view"}], breakdown=name, **ONE_DAY) == {5: 1}
    series = series_of(api, events=[{"name": "view", "math": "sum", "math_property": name}], **ONE_DAY)
    assert series["total"] == 5


def test_decades_can_be_asked_for_by_the_month(api: Api) -> None:
    api.send(event("view", timestamp="1995-01-01"), event("view", timestamp="2025-01-01"))
    asked = api.trends(events=[{"name": "view"}], interval="month", date_from="1990-01-01", date_to="2025-12-31")
    assert len(asked["labels"]) == 36 * 12
    assert asked["series"][0]["total"] == sum(asked["series"][0]["values"]) == 2
    assert asked["labels"][60] == "1995-01-01T00:00:00.000Z"
    assert asked["series"][0]["values"][60] == 1


def test_minutes_of_the_rig_are_minutes() -> None:
    assert [each["timestamp"] for each in story("ann: a@1m, b@1h")] == [NOON + MINUTE, NOON + HOUR]
