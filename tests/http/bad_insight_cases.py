"""Queries that must be refused: each field of trends and of funnels, and what the two share."""

from collections.abc import Iterator
from typing import Any

from bad_input import Bad, shown

TRENDS = "/api/v1/projects/dev/insights/trends"
FUNNEL = "/api/v1/projects/dev/insights/funnel"
EVENTS = "/api/v1/projects/dev/events"
GOOD: dict[str, dict[str, Any]] = {
    TRENDS: {"events": [{"name": "view"}], "date_from": "2025-06-01", "date_to": "2025-06-30"},
    FUNNEL: {"steps": [{"event": "view"}, {"event": "buy"}], "date_from": "2025-06-01", "date_to": "2025-06-30"},
}
LONG = "n" * 201

BAD_DATES: list[Any] = [
    *("x", "", " ", "7d", "-7", "-7x", "--7d", "-1.5d", "-1e3d", "-d", "+7d", "-99999999d", "2025", "2025-01", "2025-1-1"),
    *("2025-13-01", "2025-02-30", "2023-02-29", "0000-01-01", "01/31/2025", "2025-01-01T25:00:00Z", "2025-01-01T00:60:00Z"),
    *("2025-01-01T00:00:00+99:00", "20250101T", "-7d; drop table events", 5, 1.5, -7, True, [], {}, ["2025-01-01"]),
]
BAD_TIMEZONES: list[Any] = ["", "X/Y", "Berlin", "+01:00", "GMT+25", "../etc/passwd", "/etc/passwd", "z" * 500, 5, True, [], {}]
BAD_WINDOWS: list[Any] = [
    *(
        "",
        "7",
        "d",
        "7y",
        "7mo",
        "7 d",
        " 7d",
        "7d ",
        "7D",
        "-1d",
        "+7d",
        "1.5d",
        "1e3d",
        "0x7d",
        "0s",
        "0d",
        "00w",
        "7dd",
        "1d12h",
    ),
    *("366d", "53w", "8761h", "31536001s", "999999999999999999999s", "P7D", "٧d", "7\u00a0d", 7, 7.0, True, [], ["7d"], {"d": 7}),
]
FILTER = {"property": "plan", "operator": "exact", "value": "pro"}
BAD_FILTERS: list[tuple[str, Any, str]] = [
    ("a number", 5, ""),
    ("a text", "plan", ""),
    ("an object", FILTER, ""),
    ("true", True, ""),
    ("51 of them", [FILTER] * 51, ""),
    ("one a number", [5], "[0]"),
    ("one null", [None], "[0]"),
    ("one a text", [FILTER, "plan"], "[1]"),
    ("one a list", [[FILTER]], "[0]"),
    ("one empty", [{}], "[0].property"),
    ("no property", [{"operator": "exact", "value": 1}], "[0].property"),
    ("property a number", [{**FILTER, "property": 5}], "[0].property"),
    ("property empty", [{**FILTER, "property": ""}], "[0].property"),
    ("property long", [{**FILTER, "property": LONG}], "[0].property"),
    ("operator unknown", [{**FILTER, "operator": "equals"}], "[0].operator"),
    ("operator in capitals", [FILTER, {**FILTER, "operator": "EXACT"}], "[1].operator"),
    ("operator empty", [{**FILTER, "operator": ""}], "[0].operator"),
    ("operator a number", [{**FILTER, "operator": 1}], "[0].operator"),
    ("operator a list", [{**FILTER, "operator": ["exact"]}], "[0].operator"),
    ("no value", [{"property": "plan", "operator": "exact"}], "[0].value"),
    ("value null", [{**FILTER, "value": None}], "[0].value"),
    ("value an object", [{**FILTER, "value": {"a": 1}}], "[0].value"),
    ("value an empty list", [{**FILTER, "value": []}], "[0].value"),
    ("value a list with a list", [{**FILTER, "value": ["a", ["b"]]}], "[0].value[1]"),
    ("value a list with a null", [{**FILTER, "operator": "is_not", "value": [None]}], "[0].value[0]"),
    ("value a list of 1,001", [{**FILTER, "value": list(range(1001))}], "[0].value"),
    ("value a very long text", [{**FILTER, "value": "v" * 100_000}], "[0].value"),
    ("contains a number", [{**FILTER, "operator": "icontains", "value": 5}], "[0].value"),
    ("contains a list", [{**FILTER, "operator": "not_icontains", "value": ["a"]}], "[0].value"),
    ("regex unbalanced", [{**FILTER, "operator": "regex", "value": "(a"}], "[0].value"),
    ("regex unbalanced class", [{**FILTER, "operator": "not_regex", "value": "[a"}], "[0].value"),
    ("regex with nothing to repeat", [{**FILTER, "operator": "regex", "value": "*a"}], "[0].value"),
    ("regex looking ahead", [{**FILTER, "operator": "regex", "value": "(?=a)b"}], "[0].value"),
    ("regex referring back", [{**FILTER, "operator": "regex", "value": r"(a)\1"}], "[0].value"),
    ("regex of too many repeats", [{**FILTER, "operator": "regex", "value": "a{1,100000}"}], "[0].value"),
    ("regex too long", [{**FILTER, "operator": "regex", "value": "a" * 1001}], "[0].value"),
    ("regex a number", [{**FILTER, "operator": "regex", "value": 5}], "[0].value"),
    ("order by a boolean", [{**FILTER, "operator": "gt", "value": True}], "[0].value"),
    ("order by a list", [{**FILTER, "operator": "lte", "value": [1]}], "[0].value"),
    ("order by nothing", [{"property": "plan", "operator": "gte"}], "[0].value"),
    ("set with a value", [{**FILTER, "operator": "is_set"}], "[0].value"),
    ("an unknown field", [{**FILTER, "type": "person"}], "[0].type"),
]
BAD_PROPERTIES: list[tuple[str, Any, str]] = [
    ("a list", [], ""),
    ("a text", "plan", ""),
    ("a number", 5, ""),
    ("51 of them", {f"p{n}": 1 for n in range(51)}, ""),
    ("a null", {"plan": None}, ".plan"),
    ("an object", {"plan": {"operator": "gt"}}, ".plan"),
    ("an empty list", {"plan": []}, ".plan"),
]


def trends(title: str, names: str | None, shows: str | None = None, **body: Any) -> Bad:
    return Bad(f"trends: {title}", "POST", TRENDS, 422, names, shows, {"json": {**GOOD[TRENDS], **body}})


def funnel(title: str, names: str | None, shows: str | None = None, **body: Any) -> Bad:
    return Bad(f"funnel: {title}", "POST", FUNNEL, 422, names, shows, {"json": {**GOOD[FUNNEL], **body}})


def of_field(make: Any, name: str, values: list[Any]) -> Iterator[Bad]:
    for value in values:
        yield make(f"{name} {value!r:.24}", name, shown(value), **{name: value})


def shared() -> Iterator[Bad]:
    for make in (trends, funnel):
        for name in ("date_from", "date_to"):
            yield from of_field(make, name, BAD_DATES)
        yield make("dates the wrong way round", "date_to", "2025-02-01", date_from="2025-02-01", date_to="2025-01-31T12:00:00Z")
        yield make("a range of nothing", "date_to", date_from="2025-02-01T00:00:00Z", date_to="2025-02-01T00:00:00Z")
        yield from of_field(make, "timezone", BAD_TIMEZONES)
        yield from of_field(make, "breakdown", ["", LONG, 5, True, [], ["plan"], {}])
        for value in (0, -1, 1001, 10**30, 1.5, "5", "x", True, [], {}):
            yield make(f"breakdown_limit {value!r:.24}", "breakdown_limit", shown(value), breakdown="plan", breakdown_limit=value)
        for name in ("zz", "date_form", "dateFrom", "projectToken", "limit", "__class__", "event"):
            yield make(f"unknown field {name}", name, **{name: 1})
        yield make("five thousand unknown fields", "k0", "more", **{f"k{n}": n for n in range(5000)})
        yield make("include_bots no boolean", "include_bots", "yes", include_bots="yes")
        yield make("a very long unknown field", None, "é" * 40, **{"é" * 300: 1})
        for title, value, at in BAD_FILTERS:
            yield make(f"filters: {title}", f"filters{at}", filters=value)
        for title, value, at in BAD_PROPERTIES:
            yield make(f"properties: {title}", f"properties{at}", properties=value)


def of_events() -> Iterator[Bad]:
    """The list of events of a trends query."""
    value: Any
    for value in (None, 5, "view", True, {}, {"name": "view"}, [], [{"name": "view"}] * 11):
        yield trends(f"events {value!r:.24}", "events", events=value)
    yield Bad("trends: no events", "POST", TRENDS, 422, "events", None, {"json": {}})
    for value in (None, 5, "view", ["view"], []):
        yield trends(f"event {value!r:.24}", "events[1]", events=[{"name": "view"}, value])
    yield trends("an empty event", "events[0].name", events=[{}])
    for value in ("", LONG, 5, True, [], {}, ["view"]):
        yield trends(f"name {value!r:.24}", "events[0].name", shown(value), events=[{"name": value}])
    for value in ("", "count", "TOTAL", "p50", "p100", "uniquePersons", 5, True, [], {}):
        yield trends(f"math {value!r:.24}", "events[0].math", shown(value), events=[{"name": "view", "math": value}])
    for math in ("sum", "avg", "min", "max", "median", "p90", "p95", "p99"):
        yield trends(f"{math} of nothing", "events[0].math_property", math, events=[{"name": "view", "math": math}])
    for value in ("", LONG, 5, True, [], {}):
        one = {"name": "view", "math": "sum", "math_property": value}
        yield trends(f"math_property {value!r:.24}", "events[0].math_property", shown(value), events=[one])
    yield trends("a count of a property", "events[0].math_property", events=[{"name": "view", "math_property": "price"}])
    yield trends("both name and smart event", "events[0].action_id", events=[{"name": "view", "action_id": "x"}])
    for value in (5, "", [], {}, LONG):
        yield trends(f"action_id {value!r:.24}", "events[0].action_id", shown(value), events=[{"action_id": value}])
    for name in ("event", "zz", "Math"):
        yield trends(f"event's unknown field {name}", f"events[1].{name}", events=[{"name": "view"}, {"name": "view", name: "x"}])
    for title, value, at in BAD_FILTERS:
        yield trends(f"event's filters: {title}", f"events[0].filters{at}", events=[{"name": "view", "filters": value}])
    for title, value, at in BAD_PROPERTIES:
        yield trends(f"event's properties: {title}", f"events[0].properties{at}", events=[{"name": "view", "properties": value}])
    yield from of_field(trends, "interval", ["", "minute", "DAY", "days", "quarter", 5, True, [], ["day"], {}])
    yield trends("more buckets than a chart can hold", "interval", "hour", interval="hour", date_from="1990-01-01")
    for name in ("steps", "conversion_window", "modes", "aggregate_by", "math"):
        yield trends(f"a field of others: {name}", name, **{name: "x"})


def of_steps() -> Iterator[Bad]:
    """The list of steps, and what only a funnel has."""
    value: Any
    view = {"event": "view"}
    for value in (None, 5, "view", True, {}, [], [view], [view] * 33):
        yield funnel(f"steps {value!r:.24}", "steps", steps=value)
    yield Bad("funnel: no steps", "POST", FUNNEL, 422, "steps", None, {"json": {}})
    for value in (None, 5, "view", ["view"], []):
        yield funnel(f"step {value!r:.24}", "steps[1]", steps=[view, value])
    yield funnel("an empty step", "steps[1].event", steps=[view, {}])
    for value in ("", LONG, 5, True, [], {}, ["view"]):
        yield funnel(f"event {value!r:.24}", "steps[1].event", shown(value), steps=[view, {"event": value}])
    yield funnel("both event and smart event", "steps[0].action_id", steps=[{"event": "view", "action_id": "x"}, view])
    for value in (5, "", [], {}, LONG):
        yield funnel(f"action_id {value!r:.24}", "steps[0].action_id", shown(value), steps=[{"action_id": value}, view])
    for name in ("name", "math", "zz"):
        yield funnel(f"step's unknown field {name}", f"steps[0].{name}", steps=[{"event": "view", name: "x"}, view])
    for title, value, at in BAD_FILTERS:
        yield funnel(f"step's filters: {title}", f"steps[1].filters{at}", steps=[view, {"event": "buy", "filters": value}])
    for title, value, at in BAD_PROPERTIES:
        yield funnel(
            f"step's properties: {title}", f"steps[0].properties{at}", steps=[{"event": "view", "properties": value}, view]
        )
    yield from of_field(funnel, "conversion_window", BAD_WINDOWS)
    yield from of_field(funnel, "aggregate_by", ["", "persons", "Session", "user", 5, True, [], ["person"], {}])
    for value in (5, "strict_order", True, {}):
        yield funnel(f"modes {value!r:.24}", "modes", modes=value)
    for value in ("", "strict", "STRICT_ORDER", "strict order", 5, None, [], {}):
        yield funnel(f"mode {value!r:.24}", "modes[1]", shown(value), modes=["strict_order", value])
    for others in ([], ["strict_increase"], ["strict_deduplication"], ["strict_once"], ["strict_once", "strict_increase"]):
        modes = [*others, "allow_reentry"]
        yield funnel(f"allow_reentry with {others} and not strict_order", "modes", "allow_reentry", modes=modes)
    for name in ("events", "interval", "math", "window"):
        yield funnel(f"a field of others: {name}", name, **{name: "day"})


def smart_events() -> Iterator[Bad]:
    for value in ("x", "0198b0aa-0000-7000-8000-000000000000", "' or 1=1 --"):
        one = {"json": {"events": [{"action_id": value}]}}
        yield Bad(f"trends: smart event {value}", "POST", TRENDS, 422, "events[0].action_id", value, one)
        two = {"json": {"steps": [{"event": "view"}, {"action_id": value}]}}
        yield Bad(f"funnel: smart event {value}", "POST", FUNNEL, 422, "steps[1].action_id", value, two)


def bodies() -> Iterator[Bad]:
    for path in (TRENDS, FUNNEL):
        route = path.rpartition("/")[2]
        for content in (
            b"",
            b" ",
            b"{",
            b"nonsense",
            b"{'a':1}",
            b'{"a":NaN}',
            b"\xff\xfe",
            b"\0",
            b"[" * 100_000,
            b'{"a":"\xff"}',
        ):
            yield Bad(f"{route}: body {content[:12]!r}", "POST", path, 400, "body", None, {"content": content})
        for content in (b"[]", b"[[]]", b'"x"', b"5", b"null", b"true"):
            yield Bad(f"{route}: body {content!r}", "POST", path, 422, None, None, {"content": content})
        too_large = b'{"filters":"' + b"x" * 2_000_000 + b'"}'
        yield Bad(f"{route}: a body of 2 MB", "POST", path, 413, "body", None, {"content": too_large})
        deep = b'{"filters":' + b"[" * 20_000 + b"]" * 20_000 + b"}"
        yield Bad(f"{route}: a body 20,000 deep", "POST", path, 400, "body", None, {"content": deep})


def cases() -> Iterator[Bad]:
    for group in (shared, of_events, of_steps, smart_events, bodies):
        yield from group()
