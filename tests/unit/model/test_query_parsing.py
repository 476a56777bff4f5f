"""Queries: what a caller may send, what it becomes, and the name of what is wrong."""

import itertools
import json
from datetime import UTC, datetime

import pytest

from sv.model import limits
from sv.model.calendar import ALL_TIME, DateRange, Interval
from sv.model.cursor import Cursor, encode_cursor
from sv.model.errors import InvalidParameter, ValidationFailed
from sv.model.filters import Filter, Operator
from sv.model.queries import (
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
from sv.model.query_parsing import parse_events_query, parse_funnel_query, parse_trends_query

ID = "0194bcbf-0d00-7000-8000-0123456789ab"


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


NOW = ms("2025-03-31T10:20:30")


def trends(body: object) -> TrendsQuery:
    return parse_trends_query(body, timezone="Europe/Berlin", now_ms=NOW)


def funnel(body: object) -> FunnelQuery:
    return parse_funnel_query(body, timezone="Europe/Berlin", now_ms=NOW)


def events(*pairs: tuple[str, str]) -> EventsQuery:
    return parse_events_query(pairs, timezone="Europe/Berlin", now_ms=NOW)


# ---- Trends ----


def test_the_references_trend_is_read() -> None:
    query = trends(
        {
            "events": [{"name": "$pageview", "math": "unique_persons"}],
            "interval": "day",
            "date_from": "2025-01-01",
            "date_to": "2025-01-31",
            "breakdown": "$browser",
        }
    )
    assert query.series == (Series("$pageview", math=Math.UNIQUE_PERSONS),)
    assert query.interval is Interval.DAY
    assert query.dates == DateRange(ms("2024-12-31T23:00"), ms("2025-01-31T23:00"))
    assert query.breakdown == Breakdown("$browser", 25)
    assert len(query.buckets) == 31
    assert query.buckets[0].label == "2024-12-31T23:00:00.000Z"
    assert (query.timezone, query.filters, query.include_bots) == ("Europe/Berlin", (), False)


def test_a_trend_of_one_name_has_defaults_for_all_else() -> None:
    query = trends({"events": [{"name": " signup "}]})
    assert query.series == (Series("signup"),)
    assert query.dates == DateRange(ms("2025-02-28T23:00"), ms("2025-03-31T22:00"))
    assert len(query.buckets) == 31
    assert query == trends(
        {
            "events": [{"name": "signup", "math": None, "math_property": None, "filters": None, "properties": None}],
            **dict.fromkeys(("interval", "date_from", "date_to", "timezone", "breakdown", "breakdown_limit", "filters")),
            "include_bots": None,
        }
    )
    assert hash(query) == hash(trends({"events": [{"name": "signup"}]}))


def test_a_trend_takes_everything_at_once() -> None:
    query = trends(
        {
            "events": [
                {"name": "buy", "math": "sum", "math_property": "price", "properties": {"plan": ["a", "b"]}},
                {"action_id": "act_1", "math": "per_session", "filters": [{"property": "n", "operator": "gt", "value": 1}]},
            ],
            "interval": "hour",
            "date_from": "-24h",
            "timezone": "Asia/Kathmandu",
            "breakdown": "plan",
            "breakdown_limit": 3.0,
            "filters": [{"property": "x", "operator": "is_set"}],
            "properties": {"y": True},
            "include_bots": True,
        }
    )
    assert query.series == (
        Series("buy", None, Math.SUM, "price", (Filter("plan", Operator.EXACT, ("a", "b")),)),
        Series(None, "act_1", Math.PER_SESSION, None, (Filter("n", Operator.GT, 1),)),
    )
    assert query.dates == DateRange(ms("2025-03-30T10:20:30"), ms("2025-03-31T11:15"))
    assert query.buckets[0].label == "2025-03-30T10:15:00.000Z"
    assert query.breakdown == Breakdown("plan", 3)
    assert query.filters == (Filter("x", Operator.IS_SET), Filter("y", Operator.EXACT, True))
    assert query.include_bots
    assert query.timezone == "Asia/Kathmandu"


@pytest.mark.parametrize("math", list(Math))
def test_every_math_is_read_with_a_property_where_it_needs_one(math: Math) -> None:
    counting = math in (Math.TOTAL, Math.UNIQUE_PERSONS, Math.UNIQUE_SESSIONS, Math.PER_SESSION)
    series = {"name": "e", "math": math.value}
    with_property = series | {"math_property": "price"}
    assert trends({"events": [series if counting else with_property]}).series[0].math is math
    with pytest.raises(ValidationFailed, match=r"^events\[0\]\.math_property: "):
        trends({"events": [with_property if counting else series]})


ONE = {"events": [{"name": "e"}]}

BAD_TRENDS: list[tuple[object, str]] = [
    (None, "body"),
    ([], "body"),
    ("", "body"),
    (7, "body"),
    ({}, "events"),
    ({"events": None}, "events"),
    ({"events": {}}, "events"),
    ({"events": "e"}, "events"),
    ({"events": []}, "events"),
    ({"events": [{"name": "e"}] * 11}, "events"),
    ({"events": ["e"]}, "events[0]"),
    ({"events": [None]}, "events[0]"),
    ({"events": [{}]}, "events[0].name"),
    ({"events": [{"name": None}]}, "events[0].name"),
    ({"events": [{"name": ""}]}, "events[0].name"),
    ({"events": [{"name": "  "}]}, "events[0].name"),
    ({"events": [{"name": "e" * 201}]}, "events[0].name"),
    ({"events": [{"name": 7}]}, "events[0].name"),
    ({"events": [{"name": ["e"]}]}, "events[0].name"),
    ({"events": [{"name": "e"}, {"name": {}}]}, "events[1].name"),
    ({"events": [{"event": "e", "name": "e"}]}, "events[0].event"),
    ({"events": [{"name": "e", "action_id": "a"}]}, "events[0].action_id"),
    ({"events": [{"action_id": 7}]}, "events[0].action_id"),
    ({"events": [{"action_id": ""}]}, "events[0].action_id"),
    ({"events": [{"action_id": "a" * 201}]}, "events[0].action_id"),
    ({"events": [{"name": "e", "math": "mean"}]}, "events[0].math"),
    ({"events": [{"name": "e", "math": "Total"}]}, "events[0].math"),
    ({"events": [{"name": "e", "math": 1}]}, "events[0].math"),
    ({"events": [{"name": "e", "math": "sum", "math_property": ""}]}, "events[0].math_property"),
    ({"events": [{"name": "e", "math": "sum", "math_property": 7}]}, "events[0].math_property"),
    ({"events": [{"name": "e", "math": "sum", "math_property": "p" * 201}]}, "events[0].math_property"),
    ({"events": [{"name": "e", "filters": {}}]}, "events[0].filters"),
    ({"events": [{"name": "e", "filters": [{"property": "p"}]}]}, "events[0].filters[0].value"),
    ({"events": [{"name": "e", "properties": []}]}, "events[0].properties"),
    ({"events": [{"name": "e", "properties": {"p": None}}]}, "events[0].properties.p"),
    (ONE | {"interval": "minute"}, "interval"),
    (ONE | {"interval": "Day"}, "interval"),
    (ONE | {"interval": 1}, "interval"),
    (ONE | {"interval": "hour", "date_from": "2020-01-01"}, "interval"),
    (ONE | {"interval": "day", "date_from": "1970-01-01"}, "interval"),
    (ONE | {"interval": "hour", "date_from": "1970-01-01", "date_to": "9999-12-31"}, "interval"),
    (ONE | {"date_from": "yesterday"}, "date_from"),
    (ONE | {"date_from": 20250101}, "date_from"),
    (ONE | {"date_from": "2025-02-30"}, "date_from"),
    (ONE | {"date_from": "2025-04-02"}, "date_from"),
    (ONE | {"date_to": "2025-1-1"}, "date_to"),
    (ONE | {"date_to": []}, "date_to"),
    (ONE | {"date_from": "2025-02-01", "date_to": "2025-01-01"}, "date_to"),
    (ONE | {"timezone": "../../etc/passwd"}, "timezone"),
    (ONE | {"timezone": "localtime"}, "timezone"),
    (ONE | {"timezone": ""}, "timezone"),
    (ONE | {"timezone": "a" * 5000}, "timezone"),
    (ONE | {"timezone": 1}, "timezone"),
    (ONE | {"breakdown": ""}, "breakdown"),
    (ONE | {"breakdown": 7}, "breakdown"),
    (ONE | {"breakdown": ["$browser"]}, "breakdown"),
    (ONE | {"breakdown": "b" * 201}, "breakdown"),
    (ONE | {"breakdown_limit": 0}, "breakdown_limit"),
    (ONE | {"breakdown_limit": 1001}, "breakdown_limit"),
    (ONE | {"breakdown_limit": -1}, "breakdown_limit"),
    (ONE | {"breakdown_limit": "25"}, "breakdown_limit"),
    (ONE | {"breakdown_limit": 2.5}, "breakdown_limit"),
    (ONE | {"breakdown_limit": True}, "breakdown_limit"),
    (ONE | {"breakdown_limit": 10**400}, "breakdown_limit"),
    (ONE | {"breakdown_limit": 1e300}, "breakdown_limit"),
    (ONE | {"filters": "x"}, "filters"),
    (ONE | {"filters": [{"property": "p", "operator": "~", "value": 1}]}, "filters[0].operator"),
    (ONE | {"filters": [{"property": "p", "value": 1}] * 40, "properties": {str(i): 1 for i in range(11)}}, "filters"),
    (ONE | {"properties": "x"}, "properties"),
    (ONE | {"include_bots": 1}, "include_bots"),
    (ONE | {"include_bots": "true"}, "include_bots"),
    (ONE | {"unknown": 1}, "unknown"),
    (ONE | {"steps": []}, "steps"),
    (ONE | {"dateFrom": "2025-01-01"}, "dateFrom"),
    ({"events": [{"name": "e"}] * 10, "interval": "hour", "date_from": "-300d", "breakdown": "b"}, "interval"),
]


@pytest.mark.parametrize(("body", "field"), BAD_TRENDS, ids=lambda v: repr(v)[:60])
def test_a_bad_trend_is_refused_by_the_path_of_what_is_wrong(body: object, field: str) -> None:
    with pytest.raises(ValidationFailed) as caught:
        trends(body)
    assert [d.field for d in caught.value.details] == [field]
    assert caught.value.message.startswith(f"{field}: ")
    assert len(caught.value.message) < 700
    caught.value.message.encode()


# ---- Funnels ----

STEPS = [{"event": "a"}, {"event": "b"}]


def test_the_references_funnel_is_read() -> None:
    query = funnel(
        {
            "steps": [
                {"event": "$pageview", "properties": {"$current_url": "/pricing"}},
                {"event": "checkout_started"},
                {"event": "purchase_completed"},
            ],
            "conversion_window": "7d",
            "date_from": "2025-01-01",
            "date_to": "2025-01-31",
        }
    )
    assert query == FunnelQuery(
        steps=(
            Step("$pageview", None, (Filter("$current_url", Operator.EXACT, "/pricing"),)),
            Step("checkout_started"),
            Step("purchase_completed"),
        ),
        dates=DateRange(ms("2024-12-31T23:00"), ms("2025-01-31T23:00")),
        timezone="Europe/Berlin",
        conversion_window="7d",
        window_ms=7 * limits.DAY_MS,
    )


def test_a_funnel_of_two_steps_has_defaults_for_all_else() -> None:
    query = funnel({"steps": STEPS})
    assert (query.conversion_window, query.window_ms) == ("7d", 604_800_000)
    assert (query.modes, query.aggregate_by, query.breakdown) == (frozenset(), AggregateBy.PERSON, None)
    assert query.dates == DateRange(ms("2025-02-28T23:00"), ms("2025-03-31T22:00"))
    assert hash(query) == hash(funnel({"steps": STEPS, "modes": None, "conversion_window": None}))


@pytest.mark.parametrize(
    ("word", "seconds"),
    [
        ("1s", 1),
        ("90s", 90),
        ("30m", 1800),
        ("1h", 3600),
        ("24h", 86400),
        ("14d", 1209600),
        ("2w", 1209600),
        ("365d", 31536000),
        ("007d", 604800),
    ],
)
def test_a_conversion_window_is_a_number_and_a_unit(word: str, seconds: int) -> None:
    query = funnel({"steps": STEPS, "conversion_window": word})
    assert (query.conversion_window, query.window_ms) == (word, seconds * 1000)


ALL_MODES = [mode.value for mode in Mode]
SUBSETS = [list(chosen) for size in range(6) for chosen in itertools.combinations(ALL_MODES, size)]


@pytest.mark.parametrize("modes", SUBSETS, ids=lambda modes: "+".join(modes) or "none")
def test_of_the_sets_of_modes_those_are_read_that_clickhouse_takes(modes: list[str]) -> None:
    if "allow_reentry" in modes and "strict_order" not in modes:
        with pytest.raises(ValidationFailed, match=r"^modes: expected strict_order with allow_reentry"):
            funnel({"steps": STEPS, "modes": modes})
    else:
        assert funnel({"steps": STEPS, "modes": [*modes, *modes]}).modes == frozenset(modes)


def test_steps_may_be_32_and_smart_events() -> None:
    query = funnel({"steps": [{"action_id": f"act_{i}"} for i in range(32)], "aggregate_by": "session", "breakdown": "$os"})
    assert query.steps[31] == Step(None, "act_31")
    assert query.aggregate_by is AggregateBy.SESSION
    assert query.breakdown == Breakdown("$os", 25)


F = {"steps": STEPS}

BAD_FUNNELS: list[tuple[object, str]] = [
    (None, "body"),
    ([STEPS], "body"),
    ({}, "steps"),
    ({"steps": None}, "steps"),
    ({"steps": {}}, "steps"),
    ({"steps": []}, "steps"),
    ({"steps": [{"event": "a"}]}, "steps"),
    ({"steps": [{"event": "a"}] * 33}, "steps"),
    ({"steps": [{"event": "a"}, "b"]}, "steps[1]"),
    ({"steps": [{"event": "a"}, None]}, "steps[1]"),
    ({"steps": [{"event": "a"}, {}]}, "steps[1].event"),
    ({"steps": [{"event": "a"}, {"event": ""}]}, "steps[1].event"),
    ({"steps": [{"event": "a"}, {"event": "\t"}]}, "steps[1].event"),
    ({"steps": [{"event": "a"}, {"event": 7}]}, "steps[1].event"),
    ({"steps": [{"event": "a"}, {"event": "b" * 201}]}, "steps[1].event"),
    ({"steps": [{"event": "a"}, {"event": "b", "action_id": "x"}]}, "steps[1].action_id"),
    ({"steps": [{"event": "a"}, {"action_id": True}]}, "steps[1].action_id"),
    ({"steps": [{"event": "a"}, {"event": "b", "name": "b"}]}, "steps[1].name"),
    ({"steps": [{"event": "a"}, {"event": "b", "math": "total"}]}, "steps[1].math"),
    ({"steps": [{"event": "a"}, {"event": "b", "filters": {"p": 1}}]}, "steps[1].filters"),
    (
        {"steps": [{"event": "a"}, {"event": "b", "filters": [{"property": "p", "operator": "no", "value": 1}]}]},
        "steps[1].filters[0].operator",
    ),
    ({"steps": [{"event": "a"}, {"event": "b", "properties": 7}]}, "steps[1].properties"),
    ({"steps": [{"event": "a"}, {"event": "b", "properties": {"p": [[]]}}]}, "steps[1].properties.p[0]"),
    (F | {"conversion_window": ""}, "conversion_window"),
    (F | {"conversion_window": "7"}, "conversion_window"),
    (F | {"conversion_window": 7}, "conversion_window"),
    (F | {"conversion_window": True}, "conversion_window"),
    (F | {"conversion_window": ["7d"]}, "conversion_window"),
    (F | {"conversion_window": "d"}, "conversion_window"),
    (F | {"conversion_window": "7 d"}, "conversion_window"),
    (F | {"conversion_window": "7D"}, "conversion_window"),
    (F | {"conversion_window": "7y"}, "conversion_window"),
    (F | {"conversion_window": "7days"}, "conversion_window"),
    (F | {"conversion_window": "-7d"}, "conversion_window"),
    (F | {"conversion_window": "1.5h"}, "conversion_window"),
    (F | {"conversion_window": "٧d"}, "conversion_window"),
    (F | {"conversion_window": "7d\n"}, "conversion_window"),
    (F | {"conversion_window": "0s"}, "conversion_window"),
    (F | {"conversion_window": "366d"}, "conversion_window"),
    (F | {"conversion_window": "999999999w"}, "conversion_window"),
    (F | {"conversion_window": "9" * 5000 + "d"}, "conversion_window"),
    (F | {"modes": "strict_order"}, "modes"),
    (F | {"modes": {}}, "modes"),
    (F | {"modes": ["strict"]}, "modes[0]"),
    (F | {"modes": [None]}, "modes[0]"),
    (F | {"modes": ["strict_order", 7]}, "modes[1]"),
    (F | {"modes": ["strict_order"] * 33}, "modes"),
    (F | {"modes": ["allow_reentry"]}, "modes"),
    (F | {"aggregate_by": "user"}, "aggregate_by"),
    (F | {"aggregate_by": 1}, "aggregate_by"),
    (F | {"aggregate_by": ["person"]}, "aggregate_by"),
    (F | {"date_from": "-7"}, "date_from"),
    (F | {"date_to": "soon"}, "date_to"),
    (F | {"timezone": "Mars/Base"}, "timezone"),
    (F | {"breakdown": {}}, "breakdown"),
    (F | {"breakdown_limit": "all"}, "breakdown_limit"),
    (F | {"filters": [7]}, "filters[0]"),
    (F | {"include_bots": 0}, "include_bots"),
    (F | {"interval": "day"}, "interval"),
    (F | {"mode": "strict_order"}, "mode"),
]


@pytest.mark.parametrize(("body", "field"), BAD_FUNNELS, ids=lambda v: repr(v)[:60])
def test_a_bad_funnel_is_refused_by_the_path_of_what_is_wrong(body: object, field: str) -> None:
    with pytest.raises(ValidationFailed) as caught:
        funnel(body)
    assert [d.field for d in caught.value.details] == [field]
    assert caught.value.message.startswith(f"{field}: ")
    assert len(caught.value.message) < 700


def test_everything_wrong_is_named_at_once() -> None:
    with pytest.raises(ValidationFailed) as caught:
        funnel(
            {
                "steps": [{"event": ""}, {"event": "b", "filters": [{"property": 1, "operator": "x"}]}],
                "conversion_window": "1y",
                "date_from": "x",
                "date_to": "y",
                "timezone": "z",
                "modes": ["m"],
                "aggregate_by": "g",
                "breakdown": 1,
                "breakdown_limit": 0,
                "include_bots": "no",
                "extra": None,
            }
        )
    assert {d.field for d in caught.value.details} == {
        "steps[0].event",
        "steps[1].filters[0].property",
        "steps[1].filters[0].operator",
        "conversion_window",
        "date_from",
        "date_to",
        "timezone",
        "modes[0]",
        "aggregate_by",
        "breakdown",
        "breakdown_limit",
        "include_bots",
        "extra",
    }
    assert len(caught.value.details) == 13


# ---- Lists of events ----


def test_a_list_without_parameters_is_the_newest_hundred_of_all_time() -> None:
    assert events() == EventsQuery(limit=100, cursor=None, dates=ALL_TIME)


def test_a_list_takes_everything_at_once() -> None:
    query = events(
        ("limit", "1000"),
        ("cursor", encode_cursor(Cursor(5, ID))),
        ("date_from", "2025-01-01"),
        ("date_to", "2025-01-31T12:00:00 01:00"),
        ("event", " signup "),
        ("distinct_id", " ann "),
        ("session_id", "s1"),
        ("filters", json.dumps([{"property": "plan", "operator": "is_not", "value": "pro"}])),
        ("properties", '{"n": [1, "1"]}'),
    )
    assert query == EventsQuery(
        limit=1000,
        cursor=Cursor(5, ID),
        dates=DateRange(ms("2024-12-31T23:00"), ms("2025-01-31T11:00")),
        event="signup",
        distinct_id=" ann ",
        session_id="s1",
        filters=(Filter("plan", Operator.IS_NOT, "pro"), Filter("n", Operator.EXACT, (1, "1"))),
    )


BAD_PARAMETERS: list[tuple[str, str, str]] = [
    ("limit", "", "limit"),
    ("limit", "0", "limit"),
    ("limit", "1001", "limit"),
    ("limit", "-1", "limit"),
    ("limit", "+1", "limit"),
    ("limit", "1.0", "limit"),
    ("limit", "1_0", "limit"),
    ("limit", " 10", "limit"),
    ("limit", "٣", "limit"),
    ("limit", "ten", "limit"),
    ("limit", "9" * 5000, "limit"),
    ("cursor", "", "cursor"),
    ("cursor", "eyJ0cyI6", "cursor"),
    ("cursor", "../../etc/passwd", "cursor"),
    ("date_from", "", "date_from"),
    ("date_from", "-7", "date_from"),
    ("date_from", "9999-12-31", "date_from"),
    ("date_to", "tomorrow", "date_to"),
    ("date_to", "1970-01-01T00:00:00Z", "date_to"),
    ("event", "", "event"),
    ("event", "   ", "event"),
    ("event", "e" * 201, "event"),
    ("distinct_id", "", "distinct_id"),
    ("distinct_id", "d" * 201, "distinct_id"),
    ("session_id", "", "session_id"),
    ("session_id", "s" * 201, "session_id"),
    ("filters", "", "filters"),
    ("filters", "x", "filters"),
    ("filters", "[", "filters"),
    ("filters", "[" * 20_000, "filters"),
    ("filters", "[" * 70_000, "filters"),
    ("filters", "{}", "filters"),
    ("filters", "7", "filters"),
    ("filters", '"\ud800"', "filters"),
    ("filters", "[1e999]", "filters"),
    ("filters", "[NaN]", "filters"),
    ("filters", "[{}]", "filters[0].property"),
    ("filters", '[{"property": "p", "operator": "like", "value": 1}]', "filters[0].operator"),
    ("filters", '[{"property": "p", "value": {}}]', "filters[0].value"),
    ("properties", "[]", "properties"),
    ("properties", '{"p": null}', "properties.p"),
    ("properties", "{'p': 1}", "properties"),
    ("offset", "10", "offset"),
    ("Limit", "10", "Limit"),
    ("filters[0]", "x", "filters[0]"),
    ("", "x", ""),
    ("p" * 5000, "x", "p" * 100 + "…"),
    ("\x00\n", "x", "'\\ufffd\\n'"),
    ("project_id", "other", "project_id"),
    ("timezone", "UTC", "timezone"),
]


@pytest.mark.parametrize(("name", "value", "field"), BAD_PARAMETERS, ids=lambda v: repr(v)[:40])
def test_a_bad_parameter_is_refused_by_its_name(name: str, value: str, field: str) -> None:
    with pytest.raises(InvalidParameter) as caught:
        events((name, value))
    assert caught.value.message.startswith(f"{field}: " if field else "unknown parameter")
    assert len(caught.value.message) < 900
    caught.value.message.encode()


def test_a_parameter_that_is_given_twice_is_refused() -> None:
    with pytest.raises(InvalidParameter, match=r'^limit: expected once, got "1" and "2"$'):
        events(("limit", "1"), ("limit", "2"))


def test_a_query_string_of_too_many_parameters_is_refused_without_reading_them_all() -> None:
    def endless() -> "itertools.repeat[tuple[str, str]]":
        return itertools.repeat(("event", "e"))

    with pytest.raises(InvalidParameter, match="event: expected once"):
        parse_events_query(endless(), timezone="UTC", now_ms=NOW)


def test_both_dates_of_a_list_are_named_where_both_are_wrong() -> None:
    with pytest.raises(InvalidParameter, match=r"^date_to: .*; date_from: "):
        events(("date_from", "x"), ("date_to", "y"))


def test_what_clients_name_with_nul_and_lone_surrogates_is_asked_for_as_it_is_stored() -> None:
    assert events(("event", "a\x00")).event == "a\ufffd"
    assert funnel({"steps": [{"event": "\ud800x"}, {"event": "b"}]}).steps[0].event == "\ufffdx"
