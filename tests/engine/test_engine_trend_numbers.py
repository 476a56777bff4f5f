"""Sums, averages, extremes and quantiles of a property are the same to the last bit whatever holds the events, and what plain Python says."""

import json
import math
import random
import struct
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from sv.engine.duck.engine import DuckEngine
from sv.engine.duck.keys import property_codes
from sv.engine.duck.keys.key_numbers import THEMSELVES, Numbers, number_in
from sv.engine.duck.keys.key_reading import Matched
from sv.engine.duck.keys.key_values import NO_VALUES, Dictionary, rows_holding
from sv.engine.duck.properties import Property
from sv.engine.duck.run import Statements
from sv.engine.duck.sql import Params
from sv.engine.duck.trends import trend_numbers, trend_reading
from sv.engine.duck.trends.trend_keys import Slots
from sv.engine.duck.trends.trend_sql import NO_VALUE_SLOT, OTHER_SLOT
from sv.insights.runner import Context
from sv.insights.trends import trends
from sv.model.limits import DAY_MS
from sv.model.part import Part
from sv.model.query_parsing import parse_trends_query
from tests.chance import examples
from tests.engine.rig import LIMITS, NOON, STATES, Event, Rig, State, event, properties_of
from tests.engine.smart_rig import RULES, with_smart
from tests.engine.trend_bodies import trend_bodies

BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
MATHS = ("sum", "avg", "min", "max", "median", "p90", "p95", "p99")
MIXED: tuple[Any, ...] = (
    0.1, 0.2, 0.3, 19.99, 10, 10.0, 1e1, -3, -0.0, 0, 2**53 + 1, 2**64 - 1, 1e300, -1e300, 5e-324, 1e-200, "7", True, None, [1], {"a": 1},
)  # fmt: skip
CENTS = tuple(cents / 100 for cents in range(1, 4000, 7))


def some_events(rng: random.Random, count: int) -> list[Event]:
    """mixed: of all types. cents: of many values, all of them numbers, most of the time. few: whole numbers. text: never a number."""
    made: list[Event] = []
    for number in range(count):
        held: dict[str, Any] = {"plan": rng.choice(("pro", "free", 7, None)), "text": rng.choice("ab")}
        if rng.random() < 0.9:
            held |= {"mixed": rng.choice(MIXED), "few": rng.randrange(4)}
        if rng.random() < 0.9:
            held["cents"] = rng.choice(CENTS)
        if rng.random() < 0.7:
            held["$country"] = rng.choice(("DE", "FR", 'a"\\é'))
        if rng.random() < 0.1:
            held["$browser"] = 12
        at_ms = NOON + number * 9 * DAY_MS // count + rng.randrange(DAY_MS)
        made.append(event(rng.choice(("view", "buy")), rng.choice(("ann", "bob", "cat")), at_ms, **held))
    return made


@pytest.fixture(scope="module")
def rigs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[State, Rig]]:
    """The same events in every form; codes of more than 25 texts are of numbers."""
    made: dict[State, Rig] = {}
    sent = some_events(random.Random(7), 600)
    with patch.object(property_codes, "MAX_TEXTS", 25):
        for state in STATES:
            made[state] = rig = Rig(tmp_path_factory.mktemp(state))
            batches = [
                rig.batch(sent[first : first + 50], user_agent=BOT if first == 100 else "curl") for first in range(0, 600, 50)
            ]
            rig.place(batches, state)
    yield made
    for rig in made.values():
        rig.close()


def ask(rig: Rig, body: dict[str, Any], engine: DuckEngine | None = None) -> Any:
    query = parse_trends_query(body, timezone="UTC", now_ms=NOON + 9 * DAY_MS)
    query = replace(query, series=tuple(map(with_smart, query.series)))
    engine = engine or rig.engine
    return trends(Context(engine, engine.pin(rig.snapshot(), LIMITS), LIMITS, 2), query)


series = st.fixed_dictionaries(
    {
        "name": st.sampled_from(("view", "buy", "never", *RULES)),
        "math": st.sampled_from(MATHS),
        "math_property": st.sampled_from(("mixed", "cents", "few", "text", "absent", "$browser", "$is_bot")),
    },
    optional={"properties": st.sampled_from(({"$country": "DE"}, {"plan": "pro"}, {"few": 2}, {"mixed": 10}))},
)


@settings(max_examples=examples(12), deadline=None)
@given(trend_bodies(series, (None, "$country", "$browser", "plan", "mixed", "few", "cents", "$is_bot", "absent")))
def test_measures_of_numbers_are_the_same_in_every_state(
    rigs: dict[State, Rig],
    body: dict[str, Any],
) -> None:
    answers = {state: repr(ask(rig, body)) for state, rig in rigs.items()}
    assert set(answers.values()) == {answers["buffer"]}
    with patch.object(trend_reading, "MAX_REST_ROWS", 0):
        assert repr(ask(rigs["small"], body)) == answers["buffer"]
    with patch.object(trend_numbers, "ROWS_A_NUMBER", 0):
        assert repr(ask(rigs["merged"], body)) == answers["buffer"]


def told(math_name: str, numbers: list[float]) -> float | None:
    """The measure in plain Python, of numbers in any order."""
    if not numbers:
        return 0.0 if math_name == "sum" else None
    exact = sum(map(Fraction, numbers))
    if math_name in ("sum", "avg"):
        return float(exact if math_name == "sum" else exact / len(numbers))
    if math_name in ("min", "max"):
        return min(numbers) if math_name == "min" else max(numbers)
    position = (len(numbers) - 1) * {"median": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}[math_name]
    low, high = sorted(numbers)[math.floor(position)], sorted(numbers)[math.ceil(position)]
    part = Fraction(position) - math.floor(position)
    return float(Fraction(low) * (1 - part) + Fraction(high) * part)


@pytest.fixture(scope="module")
def views(rigs: dict[State, Rig]) -> dict[State, list[tuple[int, dict[str, Any]]]]:
    """The day and the properties of each."""
    return {
        state: [(row.timestamp_ms // DAY_MS, properties_of(row)) for row in rig.rows() if row.event == "view"]
        for state, rig in rigs.items()
    }


@pytest.mark.parametrize("name", ["mixed", "cents", "few"])
@pytest.mark.parametrize("math_name", MATHS)
def test_measures_of_numbers_are_what_python_says(
    rigs: dict[State, Rig], views: dict[State, list[tuple[int, dict[str, Any]]]], state: State, name: str, math_name: str
) -> None:
    rig = rigs[state]
    held: dict[Any, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for day, found in views[state]:
        number = found.get(name)
        if isinstance(number, int | float) and not isinstance(number, bool):
            held[found.get("plan")][day].append(float(number))
    body = {
        "events": [{"name": "view", "math": math_name, "math_property": name}],
        "date_from": "2025-06-14", "date_to": "2025-06-26", "breakdown": "plan", "include_bots": True,
    }  # fmt: skip
    answer = ask(rig, body)
    lines = {line["breakdown_value"]: line for line in answer["series"]}
    assert lines.keys() == held.keys()
    first = NOON // DAY_MS - 1
    for value, line in lines.items():
        of_days = [held[value][first + day] for day in range(len(line["values"]))]
        of_all = [number for numbers in of_days for number in numbers]
        for got, numbers in zip([*line["values"], line["total"]], [*of_days, of_all], strict=True):
            wanted = told(math_name, numbers)
            if math_name in ("sum", "avg", "min", "max") or wanted is None:
                assert got == wanted
            else:  # the engine rounds on the way
                assert abs(got - wanted) <= 1e-15 * max(map(abs, numbers))


@pytest.mark.parametrize("breakdown", [None, "$country", "plan", "absent"])
def test_a_measure_of_numbers_over_key_files_reads_no_part(rig: Rig, breakdown: str | None) -> None:
    for person in ("ann", "bob"):
        sent = [
            event("view", person, NOON + day * DAY_MS, **{"$country": "DE", "plan": 7, "price": price})
            for day in range(3)
            for price in (1.5, 1.5, "x", 4)
        ]
        rig.flush(rig.buffer(rig.batch(sent)))
    rig.index(rig.parts)
    dates = {"date_from": "2025-06-15", "date_to": "2025-06-18"} | ({} if breakdown is None else {"breakdown": breakdown})
    bodies = {
        name: {"events": [{"name": "view", "math": name, "math_property": of} for of in ("price", "never")], **dates}
        for name in MATHS
    }
    before = {name: ask(rig, body) for name, body in bodies.items()}
    for name, answer in before.items():
        assert answer["series"][0]["total"] == told(name, [1.5, 1.5, 4] * 6), name
    for part in rig.parts:
        (rig.folder / part.path).unlink()
    for name, body in bodies.items():
        assert ask(rig, body) == before[name], name


def test_events_without_a_number_make_no_value_of_a_breakdown_the_most_frequent(rig: Rig, state: State) -> None:
    sent = [event("view", "ann", NOON + place, plan="often", price="none") for place in range(9)]
    sent += [event("view", "ann", NOON + 50 + place, plan=plan, price=2) for place, plan in enumerate(("rare", "rare", "once"))]
    rig.place_events(sent, state)
    body = {
        "events": [{"name": "view", "math": "sum", "math_property": "price"}],
        "date_from": "2025-06-15", "date_to": "2025-06-15", "breakdown": "plan", "breakdown_limit": 1,
    }  # fmt: skip
    assert [(line["breakdown_value"], line["total"]) for line in ask(rig, body)["series"]] == [("rare", 4.0), ("$other", 2.0)]


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("math_name", MATHS)
def test_however_codes_are_counted_the_numbers_are_those_of_the_rows(seed: int, math_name: Any) -> None:
    """Of cells with many and few rows for each number, with codes in the numbers' order or not, of rows that all have a number or don't."""
    rng = np.random.default_rng(seed)
    count, rows = int(rng.choice([3, 40, 300])), int(rng.choice([1, 30, 900]))
    numbers = np.concatenate(([np.nan], np.unique(np.round(rng.normal(0, 50, count), 2))))
    codes = rng.integers(seed % 2, numbers.size, rows).astype(np.uint16)
    of_codes, ascending = numbers, slice(1, None)
    if seed % 3 == 2:  # as of texts, some of which are no numbers
        of_codes = rng.permutation(np.concatenate((numbers, [np.nan])))
        ascending = np.argsort(of_codes)[: numbers.size - 1]
        codes = codes % of_codes.size
    starts = [0] if seed % 4 == 0 else [0, 500, 1000]
    keys = np.sort(rng.integers(0, 1500, rows)).astype(np.uint64)
    of_values = rng.integers(0, 3, rows).astype(np.uint8)
    slots = None if seed % 5 == 0 else Slots({"a": 0})
    matched = Matched(keys, 0, of_values, Dictionary((None, "a", "b")), codes, Numbers(of_codes, ascending))
    part = Part(
        part_id=1, project_id="p", path="events/1", day=None, rows=rows, bytes=1, min_ts_ms=0, max_ts_ms=1500,
        min_received_ms=0, max_received_ms=0,
    )  # fmt: skip
    expected: dict[tuple[int, int | None], list[float]] = defaultdict(list)
    for key, value, number in zip(keys.tolist(), of_values.tolist(), of_codes[codes].tolist(), strict=True):
        if not math.isnan(number):
            slot = NO_VALUE_SLOT if slots is None else (NO_VALUE_SLOT, 0, OTHER_SLOT)[value]
            expected[slot, bisect_right(starts, key) - 1].append(number)
            expected[slot, None].append(number)
    for a_number, dense in ((0, 4), (0, 0), (10**9, 4), (trend_numbers.ROWS_A_NUMBER, trend_numbers.DENSE)):
        with patch.object(trend_numbers, "ROWS_A_NUMBER", a_number), patch.object(trend_numbers, "DENSE", dense):
            pieces = trend_numbers.pieces_of(trend_numbers.tally(part, matched, starts, slots, math_name), math_name)
        found = {
            (slot, bucket): figure
            for slot, bucket, figure in trend_numbers.measures(pieces, math_name, lambda: None, is_fused=True)
        }
        assert found.keys() == expected.keys()
        for cell, figure in found.items():
            wanted = told(math_name, expected[cell])
            assert wanted is not None
            assert figure == wanted or abs(figure - wanted) <= 1e-15 * max(map(abs, expected[cell])), cell


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(-1e15, 1e15), st.integers(1, 1 << 22)), min_size=1, max_size=20), st.booleans())
def test_sums_of_millions_of_rows_are_exact(held: list[tuple[float, int]], are_of_two: bool) -> None:
    """Slices have fewer bits then."""
    numbers, counts = np.array([number for number, _ in held]), np.array([count for _, count in held])
    places = np.arange(numbers.size) % 2 if are_of_two else None
    tally = trend_numbers.Tally([(1, 0), (2, 0)] if are_of_two else [(1, 0)], places, numbers, counts)
    pieces = trend_numbers.pieces_of(tally, "sum")
    for place in range(2 if are_of_two and numbers.size > 1 else 1):
        chosen = held[place::2] if are_of_two else held
        total, events = pieces[place][1]
        assert events == sum(count for _, count in chosen)
        assert Fraction(total, 1 << trend_numbers.SCALE) == sum(Fraction(number) * count for number, count in chosen)


def test_quantiles_are_the_engine_s_own_to_the_last_bit(rig: Rig) -> None:
    rng = random.Random(11)
    is_fused = rig.engine._trends._is_fused(LIMITS)
    with rig.database.cursor() as cursor:
        for trial in range(150):
            spread = [
                rng.choice((-1, 1)) * rng.uniform(0, 10) * 10.0 ** rng.randint(-5, 9) for _ in range(rng.choice((1, 2, 3, 50)))
            ]
            numbers = rng.choices(spread, k=rng.choice((1, 2, 3, 10, 80)))
            columns = ", ".join(f"quantile_cont(x, {fraction})" for fraction in trend_numbers.QUANTILES.values())
            (wanted,) = cursor.execute(f"select {columns} from (select unnest($1::double[]) as x)", [numbers]).fetchall()
            cut = rng.randrange(len(numbers))
            held = [np.unique(piece, return_counts=True) for piece in (numbers[:cut], numbers[cut:]) if piece]
            pieces = [((1, 0), (values, np.cumsum(counts))) for values, counts in held]
            for measure, value in zip(("median", "p90", "p95", "p99"), wanted, strict=True):
                found = trend_numbers.measures(pieces, measure, lambda: None, is_fused=is_fused)
                assert found == [(1, 0, value), (1, None, value)], (trial, measure)


@pytest.mark.parametrize("seed", range(60))
def test_a_quantile_of_many_pieces_is_that_of_all_their_numbers(seed: int) -> None:
    """Pieces alike and far apart, of one number and of many, some of which have nearly all the weight."""
    rng = np.random.default_rng(seed)
    pieces: list[trend_numbers.Piece] = []
    everything: list[float] = []
    for _ in range(int(rng.integers(1, 9))):
        numbers = np.unique(
            np.round(rng.normal(float(rng.integers(-3, 4)) * (seed % 3), 1.0, int(rng.integers(1, 60))), seed % 4)
        )
        counts = rng.integers(1, (2, 50, 2000)[int(rng.integers(3))], numbers.size)
        pieces.append(((-1, 0), (numbers, np.cumsum(counts))))
        everything += np.repeat(numbers, counts).tolist()
    everything.sort()
    for measure in ("median", "p90", "p95", "p99"):
        (_, (_, _, found)) = trend_numbers.measures(pieces, measure, lambda: None, is_fused=False)
        position = (len(everything) - 1) * trend_numbers.QUANTILES[measure]
        low, high = everything[math.floor(position)], everything[math.ceil(position)]
        part = position - math.floor(position)
        assert found == (trend_numbers.between(low, high, part, is_fused=False) if part else low), measure


def test_a_json_text_s_number_is_the_one_that_sql_has_of_it(rig: Rig) -> None:
    rng = random.Random(5)
    numbers: list[Any] = [struct.unpack("d", rng.randbytes(8))[0] for _ in range(1000)]
    numbers = [number for number in numbers if math.isfinite(number)] + [rng.randrange(-(2**63), 2**64) for _ in range(1000)]
    texts = [json.dumps(value) for value in (*numbers, *MIXED, "", "-1", "1e5", 10**25)] + ["1E5", "1.50", "1e+300"]
    params = Params()
    asked = f"select text, {Property('n', params).number()} from ({rows_holding('n', {None, *texts}, params)})"
    found = dict(Statements(rig.database).rows(params.sql(asked), LIMITS))
    assert {text: None if math.isnan(number := number_in(text)) else number for text in found} == found
    assert set(found) == {None, *texts}


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=30), st.integers(0, 30))
def test_sums_of_any_doubles_are_exact(numbers: list[float], cut: int) -> None:
    tallies = [
        trend_numbers.Tally([(1, 0)], np.zeros(values.size, np.int64), values, counts)
        for piece in (numbers[:cut], numbers[cut:])
        for values, counts in [np.unique(np.array(piece, np.float64), return_counts=True)]
    ]
    pieces = [piece for tally in tallies for piece in trend_numbers.pieces_of(tally, "sum")]
    ((_, _, total), _) = trend_numbers.measures(pieces, "sum", lambda: None, is_fused=False)
    ((_, _, average), _) = trend_numbers.measures(pieces, "avg", lambda: None, is_fused=False)
    exact = sum(map(Fraction, numbers))
    assert average == float(exact / len(numbers))
    try:
        assert total == float(exact)
    except OverflowError:
        assert total == (math.inf if exact > 0 else -math.inf)


def test_sums_of_any_doubles_are_exact_in_sql(rig: Rig) -> None:
    rng = random.Random(3)
    numbers = [struct.unpack("d", rng.randbytes(8))[0] for _ in range(400)]
    numbers = [number for number in numbers if abs(number) < 1e306] + [5e-324, 1.5e-5, 1.6e-5, 2.0**24, 2.0**-16]
    numbers += [rng.choice((-1, 1)) * 2.0 ** rng.randint(-1074, 1000) for _ in range(200)]
    rig.buffer(rig.batch([event("view", "ann", NOON, n=number) for number in numbers]))
    for some in (1e-300, 1e-100, 1.0, 1e20, 1e306):
        chosen = [number for number in numbers if abs(number) < some]
        filters = [{"property": "n", "operator": "lt", "value": some}, {"property": "n", "operator": "gt", "value": -some}]
        body = {
            "events": [{"name": "view", "math": name, "math_property": "n", "filters": filters} for name in ("sum", "avg")],
            "date_from": "2025-06-15", "date_to": "2025-06-15",
        }  # fmt: skip
        assert [line["total"] for line in ask(rig, body)["series"]] == [told("sum", chosen), told("avg", chosen)]


def test_rows_that_all_have_a_number_are_not_copied() -> None:
    """Of four million of them in one file the copies took 64 MiB more."""
    numbers = np.array([1.5, -0.0, 2.0])
    matched = Matched(np.arange(3, dtype=np.uint64), 0, None, NO_VALUES, numbers, THEMSELVES)
    assert trend_numbers.measured(matched) is matched
    numbers[1] = np.nan
    found = trend_numbers.measured(matched)
    assert (found.keys.tolist(), found.number_codes) == ([0, 2], pytest.approx([1.5, 2.0]))
