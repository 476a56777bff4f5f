"""Trends through the whole insight, against plain SQL in ClickHouse over the same random events. TRENDS_SEED repeats a run's."""

import json
import math
import random
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from sv.insights.trends import trends
from sv.model.calendar import iso_ms
from sv.model.filters import parse_filters
from sv.model.limits import DAY_MS, HOUR_MS, MINUTE_MS
from sv.model.query_parsing import parse_trends_query
from tests import chance
from tests.engine.reference import Row, holds, in_scope, rows_of, session_ids
from tests.engine.rig import NOON, Event, Rig, State, event, events, opened, opened_in_all_states

if TYPE_CHECKING:
    from tests.engine.funnel.clickhouse import ClickHouse

SEED = chance.seed("TRENDS_SEED")
SPRING = 1_743_206_400_000  # 2025-03-29T00:00:00Z, the day before Berlin's clocks go forward
AUTUMN = 1_761_350_400_000  # 2025-10-25T00:00:00Z, the day before they go back
BOT = "Googlebot/2.1"
COUNTING = ["total", "unique_persons", "unique_sessions", "per_session"]
NUMERIC = ["sum", "avg", "min", "max", "median", "p90", "p95", "p99"]
IN_CLICKHOUSE = {
    "total": "count()",
    "unique_persons": "uniqExact(person)",
    "unique_sessions": "uniqExact(session)",
    "per_session": "count() / uniqExact(session)",
    "sum": "sum(price)",
    "avg": "avg(price)",
    "min": "min(price)",
    "max": "max(price)",
    "median": "quantileExactInclusive(0.5)(price)",
    "p90": "quantileExactInclusive(0.9)(price)",
    "p95": "quantileExactInclusive(0.95)(price)",
    "p99": "quantileExactInclusive(0.99)(price)",
}
STARTS = {
    "hour": "toUnixTimestamp(toStartOfHour(t))",
    "day": "toUnixTimestamp(toStartOfDay(t))",
    "week": "toUnixTimestamp(toDateTime(toMonday(t), '{zone}'))",
    "month": "toUnixTimestamp(toDateTime(toStartOfMonth(t), '{zone}'))",
}
PLANS: list[Any] = ["pro", "free", "team", "trial", 'od"d', None, 10, 10.0, "10", True, 0.5, ["a"], {"a": 1}]
PRICES: list[Any] = [0, 1, -3, 0.25, 12.5, 100, "7", None, True, [5], 2**40]


def random_events(seed: int, count: int) -> list[Event]:
    """Around both changes of Berlin's clock, a third of them at edges of hours, some from bots."""
    rng = random.Random(seed)
    made: list[Event] = []
    for _ in range(count):
        at_ms = rng.choice([SPRING, AUTUMN]) + rng.randrange(4 * DAY_MS)
        if rng.random() < 0.3:
            at_ms = at_ms // (15 * MINUTE_MS) * 15 * MINUTE_MS - rng.choice([0, 1])
        held: dict[str, Any] = {"$is_bot": True} if rng.random() < 0.1 else {}
        if rng.random() < 0.8:
            held["plan"] = rng.choice(PLANS)
        if rng.random() < 0.8:
            held["price"] = rng.choice(PRICES)
        name = rng.choice(["view", "view", "buy"])
        made.append(event(name, f"person-{rng.randrange(9)}", at_ms, session=rng.choice([None, None, "s1", "s2", "s3"]), **held))
    return made


@pytest.fixture(scope="module")
def rigs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[State, Rig]]:
    with opened_in_all_states(tmp_path_factory, random_events(SEED, 500)) as made:
        yield made


def ask(rig: Rig, body: dict[str, Any], timezone: str = "UTC") -> dict[str, Any]:
    return trends(rig.context(), parse_trends_query(body, timezone=timezone, now_ms=NOON))


def canonical(value: Any) -> str | None:
    """A breakdown value as text, equal for equal numbers."""
    if type(value) is float and value.is_integer():
        value = int(value)
    return None if value is None else json.dumps(value, separators=(",", ":"), ensure_ascii=False)


class Expected:
    """The events of one series in ClickHouse, asked for its answers."""

    def __init__(self, clickhouse: "ClickHouse", rows: list[Row], chosen: list[Row], zone: str) -> None:
        sessions = session_ids(rows)
        prices = [row.properties.get("price") for row in chosen]
        held = pa.table(  # noqa: F841  # pyright: ignore[reportUnusedVariable] - ClickHouse reads it by its name
            {
                "at_ms": pa.array([row.at_ms for row in chosen], pa.int64()),
                "person": pa.array([row.person for row in chosen], pa.int64()),
                "session": [sessions[row.id] for row in chosen],
                "value": pa.array([canonical(row.properties.get("plan")) for row in chosen], pa.string()),
                "price": pa.array(
                    [float(p) if isinstance(p, int | float) and not isinstance(p, bool) else None for p in prices], pa.float64()
                ),
            }
        )
        self._session = clickhouse.session
        self._zone = zone
        run = clickhouse.session.query
        run("drop table if exists events")
        run(
            "create table events (at_ms Int64, person Int64, session String, value Nullable(String), price Nullable(Float64)) engine = Memory"
        )
        run("insert into events select * from Python(held)")

    def ask(self, select: str) -> list[list[Any]]:
        answered = str(self._session.query(select, "JSONCompactEachRow"))
        return [json.loads(line) for line in answered.splitlines()]

    def cells(self, math: str, interval: str, where: str) -> dict[str, float]:
        """The measure by the label of each bucket that has one."""
        start = STARTS[interval].format(zone=self._zone)
        rows = self.ask(
            f"select {start} as start, {IN_CLICKHOUSE[math]} "
            f"from (select *, fromUnixTimestamp64Milli(at_ms, '{self._zone}') as t from events where {where}) group by start"
        )
        return {iso_ms(int(start) * 1000): value for start, value in rows}

    def total(self, math: str, where: str) -> float | None:
        rows = self.ask(f"select {IN_CLICKHOUSE[math]} from events where {where} having count() > 0")
        return rows[0][0] if rows else None

    def top(self, where: str, limit: int) -> tuple[list[str], bool]:
        """The most frequent values, and whether there are more."""
        rows = self.ask(
            f"select value from events where value is not null and {where} group by value order by count() desc, value"
        )
        return [row[0] for row in rows[:limit]], len(rows) > limit


def quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def check_line(line: dict[str, Any], answer: dict[str, Any], expected: Expected, where: str) -> None:
    """One series or value of a breakdown."""
    empty = 0 if line["math"] in [*COUNTING, "sum"] else None
    cells = expected.cells(line["math"], answer["interval"], where)
    assert cells.keys() <= set(answer["labels"])
    for label, value in zip(answer["labels"], line["values"], strict=True):
        close(value, cells.get(label, empty), (line["math"], label))
    total = expected.total(line["math"], where)
    close(line["total"], empty if total is None else total, (line["math"], "total"))


def close(found: Any, wanted: Any, what: object) -> None:
    if found is None or wanted is None:
        assert found is wanted, what
    else:
        assert math.isclose(found, float(wanted), rel_tol=1e-12), (what, found, wanted)


def series(names: list[str], **more: Any) -> list[dict[str, Any]]:
    return [{"name": "view", "math": name, **({"math_property": "price"} if name in NUMERIC else {}), **more} for name in names]


def measured(name: str) -> str:
    return "price is not null" if name in NUMERIC else "1"


RANGES = {
    "spring": ("2025-03-29", "2025-04-01"),
    "autumn": ("2025-10-25", "2025-10-28"),
    "cut": ("2025-03-29T10:20:30Z", "2025-10-26T01:30:00Z"),
}


@pytest.mark.parametrize(
    ("zone", "interval", "span", "numeric"),
    [
        ("Europe/Berlin", "hour", "spring", ["sum", "p99"]),
        ("Europe/Berlin", "hour", "autumn", ["avg", "median"]),
        ("Europe/Berlin", "day", "spring", ["max", "sum"]),
        ("Europe/Berlin", "day", "autumn", ["min", "p90"]),
        ("Europe/Berlin", "week", "cut", ["max", "p95"]),
        ("Europe/Berlin", "month", "cut", NUMERIC),
        ("Asia/Kathmandu", "hour", "spring", ["sum", "median"]),
        ("Asia/Kathmandu", "day", "cut", ["avg", "p99"]),
        ("Asia/Kathmandu", "week", "autumn", []),
        ("Asia/Kathmandu", "month", "cut", ["min", "p95"]),
    ],
)
def test_every_math_is_what_plain_sql_says(
    rigs: dict[State, Rig], clickhouse: "ClickHouse", zone: str, interval: str, span: str, numeric: list[str]
) -> None:
    print(f"TRENDS_SEED={SEED}")
    date_from, date_to = RANGES[span]
    body = {"interval": interval, "timezone": zone, "date_from": date_from, "date_to": date_to}
    asked = [names for names in (COUNTING, numeric) if names]
    answers = [[ask(rig, body | {"events": series(names)}) for names in asked] for rig in rigs.values()]
    assert all(answer == answers[0] for answer in answers)
    query = parse_trends_query(body | {"events": series(COUNTING)}, timezone="UTC", now_ms=NOON)
    rows = rows_of(rigs["buffer"])
    chosen = [row for row in rows if in_scope(row, query.dates.from_ms, query.dates.to_ms) and holds(row, (), "view")]
    assert chosen
    expected = Expected(clickhouse, rows, chosen, zone)
    for answer in answers[0]:
        assert answer["labels"] == [bucket.label for bucket in query.buckets]
        for line in answer["series"]:
            assert (line["event"], line["breakdown_value"]) == ("view", None)
            check_line(line, answer, expected, measured(line["math"]))


@pytest.mark.parametrize("limit", [1, 3, 50])
def test_a_breakdown_has_the_most_frequent_values_the_others_together_and_those_without(
    rigs: dict[State, Rig], clickhouse: "ClickHouse", limit: int
) -> None:
    print(f"TRENDS_SEED={SEED}")
    names = ["total", "unique_persons", "unique_sessions", "per_session", "sum", "median"]
    filters = [{"property": "price", "operator": "is_set"}]
    body = {
        "events": series(names, filters=[{"property": "plan", "operator": "is_not", "value": "team"}]),
        "interval": "day", "timezone": "Europe/Berlin", "date_from": "2025-03-29", "date_to": "2025-10-28",
        "breakdown": "plan", "breakdown_limit": limit, "filters": filters, "include_bots": True,
    }  # fmt: skip
    answers = [ask(rig, body) for rig in rigs.values()]
    assert all(answer == answers[0] for answer in answers)
    query = parse_trends_query(body, timezone="UTC", now_ms=NOON)
    rows = rows_of(rigs["buffer"])
    chosen = [
        row
        for row in rows
        if in_scope(row, query.dates.from_ms, query.dates.to_ms, parse_filters(filters), include_bots=True)
        and holds(row, query.series[0].filters, "view")
    ]
    expected = Expected(clickhouse, rows, chosen, "Europe/Berlin")
    by_math: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in answers[0]["series"]:
        by_math[line["math"]].append(line)
    assert list(by_math) == names
    for name, lines in by_math.items():
        where = measured(name)
        top, has_other = expected.top(where, limit)
        wanted = [(json.loads(text), f"value = {quoted(text)}") for text in top] + [(None, "value is null")]
        if has_other:
            wanted.append(("$other", f"value is not null and value not in ({', '.join(map(quoted, top))})"))
        assert [repr(line["breakdown_value"]) for line in lines] == [repr(value) for value, _ in wanted]
        for line, (_, condition) in zip(lines, wanted, strict=True):
            check_line(line, answers[0], expected, f"{where} and {condition}")


def test_numbers_of_64_bits_stay_apart_in_a_breakdown_and_equal_ones_together(rig: Rig) -> None:
    numbers = [2**53, 2**53 + 1, 2**63, 2**64 - 1, 1e16, 10**16, -(2.0**63), -(2**63), 0, -0.0, 0.0, 1e300, 2.0**64]
    rig.buffer(rig.batch([event("view", "ann", NOON, n=number) for number in numbers]))
    answer = ask(rig, {"events": [{"name": "view"}], "date_from": "2025-06-15", "date_to": "2025-06-15", "breakdown": "n"})
    totals = {repr(line["breakdown_value"]): line["total"] for line in answer["series"]}
    assert totals == {
        repr(2**53): 1, repr(2**53 + 1): 1, repr(2**63): 1, repr(2**64 - 1): 1, repr(10**16): 2, repr(-(2**63)): 2, "0": 3,
        repr(1e300): 1, repr(2.0**64): 1,
    }  # fmt: skip


def test_typed_and_enriched_properties_break_down_by_their_effective_values(rig: Rig, state: State) -> None:
    own: list[dict[str, Any]] = [{}, {"$browser": "Chrome"}, {"$browser": 5}, {"$browser": None}, {"$is_bot": True}]
    sent = [event("view", "ann", NOON, **held) for held in own]
    rig.place([rig.batch(sent[:3]), rig.batch(sent[3:]), rig.batch(sent[:1], user_agent=BOT)], state)
    body = {"events": [{"name": "view"}], "date_from": "2025-06-15", "date_to": "2025-06-15", "include_bots": True}
    found = {
        name: [(line["breakdown_value"], line["total"]) for line in ask(rig, body | {"breakdown": name})["series"]]
        for name in ("$browser", "$is_bot")
    }
    assert found == {"$browser": [("Chrome", 3), (5, 1), (None, 2)], "$is_bot": [(True, 2), (None, 4)]}


def test_empty_buckets_are_zero_where_something_is_counted_and_null_where_nothing_has_a_value(rig: Rig, state: State) -> None:
    rig.place_events(events('ann: view{"price": 2}@0d, view{"price": "x"}@2d'), state)
    body = {"events": series([*COUNTING, *NUMERIC])[:10], "date_from": "2025-06-14", "date_to": "2025-06-17"}
    answer = ask(rig, body)
    assert answer["labels"] == [f"2025-06-{day}T00:00:00.000Z" for day in (14, 15, 16, 17)]
    lines = {line["math"]: (line["values"], line["total"]) for line in answer["series"]}
    assert lines["total"] == ([0, 1, 0, 1], 2)
    assert lines["unique_persons"] == ([0, 1, 0, 1], 1)
    assert lines["per_session"] == ([0.0, 1.0, 0.0, 1.0], 1.0)
    assert lines["sum"] == ([0.0, 2.0, 0.0, 0.0], 2.0)
    assert lines["avg"] == lines["median"] == ([None, 2.0, None, None], 2.0)
    assert all(type(value) is int for value in lines["unique_sessions"][0])
    assert {key: answer[key] for key in ("interval", "date_from", "date_to", "timezone", "breakdown")} == {
        "interval": "day", "date_from": "2025-06-14T00:00:00.000Z", "date_to": "2025-06-18T00:00:00.000Z", "timezone": "UTC", "breakdown": None,
    }  # fmt: skip
    assert set(answer) == {"interval", "date_from", "date_to", "timezone", "breakdown", "labels", "series"}


def test_a_range_without_events_is_zeros_and_with_a_breakdown_nothing(rig: Rig, state: State) -> None:
    body = {"events": [{"name": "view"}], "date_from": "2020-01-01", "date_to": "2020-01-02"}
    for _ in range(2):
        assert ask(rig, body)["series"] == [
            {"event": "view", "math": "total", "math_property": None, "breakdown_value": None, "values": [0, 0], "total": 0}
        ]
        assert ask(rig, body | {"breakdown": "plan"})["series"] == []
        rig.place_events(events("ann: view@0m"), state, batches=1)


def test_what_a_filter_leaves_out_opens_no_gap_in_a_derived_session(rig: Rig, state: State) -> None:
    rig.place_events(
        events('ann: view@0m, other@20m, view@40m, view{"$is_bot": true}@60m, view@80m, view@111m; bob: view@0m'), state
    )
    body = {"events": series(["unique_sessions", "per_session"]), "date_from": "2025-06-15", "date_to": "2025-06-15"}
    sessions, per_session = ask(rig, body)["series"]
    assert (sessions["total"], per_session["total"]) == (3, 5 / 3)
    filtered = body | {"filters": [{"property": "$browser", "value": "Chrome"}]}
    assert [line["total"] for line in ask(rig, filtered)["series"]] == [3, 5 / 3]
    # A range that begins within a session has the rest of it.
    cut = body | {"date_from": "2025-06-15T12:10:00Z", "date_to": "2025-06-15T13:25:00Z"}
    assert ask(rig, cut)["series"][0]["total"] == 1


def test_one_session_of_two_persons_is_one_and_a_client_s_id_is_never_a_derived_one(rig: Rig) -> None:
    sent = events("ann: view#s1@0m, view@1m; bob: view#s1@2m")
    rig.buffer(rig.batch(sent))
    ann = rig.persons.numbers["p", "ann"]
    rig.buffer(
        rig.batch(
            [
                event("view", "cid", NOON, session=f"{ann}-{NOON + MINUTE_MS}"),
                event("view", "cid", NOON, session=f"auto-{ann}-{NOON + MINUTE_MS}"),
            ]
        )
    )
    body = {"events": series(["unique_sessions"]), "date_from": "2025-06-15", "date_to": "2025-06-15"}
    assert ask(rig, body)["series"][0]["total"] == 4


@pytest.mark.parametrize("interval", ["day", "week", "month"])
def test_a_series_of_many_years_is_counted_by_the_clock_of_the_zone(rig: Rig, interval: str) -> None:
    """Of weeks and months the first begins before the range does."""
    rng = random.Random(5)
    times = [AUTUMN + rng.randrange(3 * DAY_MS) - rng.randrange(9) * 364 * DAY_MS for _ in range(300)]
    rig.buffer(rig.batch([event("view", "ann", at_ms) for at_ms in times]))
    dates = {"timezone": "Europe/Berlin", "date_from": "2014-01-15", "date_to": "2025-10-29"}
    answer = ask(rig, {"events": [{"name": "view"}], "interval": interval, **dates})
    starts = [round(datetime.fromisoformat(label).timestamp() * 1000) for label in answer["labels"]]
    counts = Counter(bisect_right(starts, at_ms) - 1 for at_ms in times)
    assert answer["series"][0]["values"] == [counts[place] for place in range(len(starts))]


def test_sums_beyond_any_double_are_no_error(rig: Rig) -> None:
    rig.buffer(rig.batch([event("view", "ann", NOON, price=1.7e308) for _ in range(4)]))
    body = {"events": series(["sum", "avg", "max"]), "date_from": "2025-06-15", "date_to": "2025-06-15"}
    assert [line["total"] for line in ask(rig, body)["series"]] == [None, 1.7e308, 1.7e308]


def test_hours_follow_the_clock_of_the_zone(tmp_path: Path) -> None:
    with opened(tmp_path) as rig:
        change = SPRING + DAY_MS + HOUR_MS  # 2025-03-30T01:00Z, 02:00 becoming 03:00 in Berlin
        rig.buffer(rig.batch([event("view", "ann", change + offset) for offset in (-1, 0, 1)]))
        body = {
            "events": [{"name": "view"}],
            "interval": "hour",
            "date_from": "2025-03-30",
            "date_to": "2025-03-30",
            "timezone": "Europe/Berlin",
        }
        answer = ask(rig, body)
        assert len(answer["labels"]) == 23
        filled = {label: value for label, value in zip(answer["labels"], answer["series"][0]["values"], strict=True) if value}
        assert filled == {iso_ms(change - HOUR_MS): 1, iso_ms(change): 2}
