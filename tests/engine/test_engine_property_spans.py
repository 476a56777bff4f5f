"""Codes of properties that only some events have: of these events' rows, and meaning the same as codes of all rows."""

import random
from collections.abc import Iterator, Sequence
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest

from sv.engine.duck.keys import key_files, key_writing, property_codes, value_writing
from sv.engine.duck.keys.key_conditions import Answer, Condition, answers_of
from sv.engine.duck.keys.key_files import KeyFile, Reading
from sv.engine.duck.keys.key_numbers import numbers_by_file
from sv.engine.duck.keys.key_values import Valued, values_by_file
from sv.engine.duck.keys.property_codes import Listed, passes
from sv.engine.duck.run import Statements
from sv.engine.port import Matcher, Scope
from sv.insights.funnels import funnel
from sv.insights.trends import trends
from sv.model.filters import Filter, Operator, matches
from sv.model.limits import DAY_MS, MINUTE_MS
from sv.model.part import Part
from sv.model.query_parsing import parse_funnel_query, parse_trends_query
from tests.chance import examples
from tests.engine.rig import LIMITS, NOON, STATES, Event, Rig, State, event

NAMES = ("add", "buy", "check", "drop", "end")
"""In the order of a key file's rows."""

EVERYTHING = Scope(0, NOON + 30 * DAY_MS)


def own_properties(name: str, rng: random.Random) -> dict[str, Any]:
    """Of each event its own, and some of two neighbours, of two far apart, and of all."""
    held: dict[str, Any] = {
        "all": rng.choice(("x", "y", None)),
        f"{name}_text": rng.choice(("red", "green", "blue", 7, True)),
        f"{name}_number": rng.randrange(40) / 4,
        f"{name}_same": "always",
        f"{name}_null": None,
    }
    if name in ("buy", "check"):
        held["near"] = rng.choice(("one", "two"))
        held["near_same"] = 1
    if name in ("add", "drop"):
        held["far"] = rng.choice(("one", "two"))
        held["far_same"] = 1
    if rng.random() < 0.3:
        del held[rng.choice([own for own in held if own != "buy_same"])]
        held[f"{name}_rare"] = rng.choice(("a", "b"))
    return held


def made_events(seed: int, count: int = 200, persons: int = 1) -> list[Event]:
    """In the order of their times, which are all different."""
    rng = random.Random(seed)
    made: list[Event] = []
    for nth in range(count):
        name = rng.choices(NAMES, (8, 4, 3, 2, 1))[0]
        person = f"p{rng.randrange(persons)}"
        made.append(event(name, person, NOON + nth * MINUTE_MS, **own_properties(name, rng)))
    return made


FIELDS = (
    "all", "near", "near_same", "far", "far_same", "absent",
    *(f"{name}_{kind}" for name in NAMES for kind in ("text", "number", "same", "null", "rare")),
)  # fmt: skip
CONDITIONS = (
    (Operator.EXACT, "red"), (Operator.EXACT, ("one", "always", 7)), (Operator.IS_NOT, "red"), (Operator.IS_NOT, ("two", True)),
    (Operator.GT, 4), (Operator.LTE, 2.25), (Operator.ICONTAINS, "E"), (Operator.NOT_ICONTAINS, "e"), (Operator.REGEX, "^[a-o]"),
    (Operator.IS_SET, None), (Operator.IS_NOT_SET, None),
)  # fmt: skip


@pytest.fixture(autouse=True)
def codes_alone() -> Iterator[None]:
    """Properties have no values but their codes, and numbers from ten on are numbers."""
    with patch.object(value_writing, "MAX_BYTES_A_ROW", 0), patch.object(property_codes, "MIN_NUMBERS", 10):
        yield


def part_of(rig: Rig, sent: Sequence[Event], *, is_sliced: bool) -> tuple[Part, KeyFile]:
    """One part with a key file. is_sliced: whether its rows are in another order than those of the key file."""
    rig.flush(rig.buffer(rig.batch(sent)))
    if is_sliced:
        rig.merge()
    part = rig.parts.pop()
    rig.index([part])
    ((_, file),) = rig.tables.key_files.of([part])
    return part, file


def in_file_order(sent: Sequence[Event]) -> list[Event]:
    """Of one person."""
    return sorted(sent, key=lambda each: (each["event"], each["timestamp"]))


@pytest.mark.parametrize("is_sliced", [False, True])
@pytest.mark.parametrize("at_once", [1, 3, 8])
def test_codes_of_some_rows_say_of_every_row_what_a_filter_means(rig: Rig, is_sliced: bool, at_once: int) -> None:
    sent = made_events(at_once)
    with patch.object(property_codes, "MAX_A_PASS", at_once), patch.object(property_codes, "CELLS_A_PASS", 0):
        part, file = part_of(rig, sent, is_sliced=is_sliced)
    rows = in_file_order(sent)
    cuts = [(0, len(rows)), *map(file.range_of, file.events)]
    rng = random.Random(5)
    cuts += [(low, low + 1 + rng.randrange(len(rows) - low)) for low in (rng.randrange(len(rows)) for _ in range(20))]
    with Reading(file) as reading:
        for name in FIELDS:
            for operator, value in CONDITIONS:
                item = Filter(name, operator, value)
                need = Condition(None, item)
                told = answers_of({need}, [(part, file)], Statements(rig.database), lambda *_: None, LIMITS)[need, file]
                for low, high in cuts:
                    expected = [matches(item, each["properties"]) for each in rows[low:high]]
                    assert told.flags(reading, low, high).tolist() == expected, (item, low, high)
                    of_all = told.of_all(low, high)
                    assert of_all is None or expected == [of_all] * len(expected), (item, low, high)


def test_codes_are_of_the_rows_of_the_events_that_have_the_property(rig: Rig) -> None:
    _, file = part_of(rig, made_events(1), is_sliced=True)
    for name in ("buy_text", "buy_same"):
        column = file.properties[name]
        assert column is not None and column.span == file.range_of("buy")
        assert (column.at is None) is (name == "buy_same")
    near, far, everywhere, null = (file.properties[name] for name in ("near", "far", "all", "buy_null"))
    assert near is not None and near.span == (file.range_of("buy")[0], file.range_of("check")[1])
    assert far is not None and far.span == (0, file.range_of("drop")[1])
    assert everywhere is not None and everywhere.span is None
    assert null is not None and (null.at, null.span) == (None, None)


@pytest.mark.parametrize("is_sliced", [False, True])
def test_breakdowns_and_numbers_are_those_of_the_rows(rig: Rig, is_sliced: bool) -> None:
    sent = made_events(2)
    part, file = part_of(rig, sent, is_sliced=is_sliced)
    rows = in_file_order(sent)
    with Reading(file) as reading:
        for name in FIELDS:
            statements = Statements(rig.database)
            found = values_by_file(Valued(name, is_column=False), [(part, file)], statements, lambda *_: None, LIMITS)[file]
            codes = reading.codes(found.at, 0, len(rows), found.width, found.span)
            places = codes if found.dictionary.places is None else found.dictionary.places[codes]
            values = [found.dictionary.values[place] for place in places]
            held = [each["properties"].get(name) for each in rows]
            shown = {value: None if value is None else f'"{value}"' for value in held if value is None or isinstance(value, str)}
            for value, text in zip(held, values, strict=True):
                if isinstance(value, bool):
                    assert text == "true"
                elif isinstance(value, int | float):
                    assert float(text or "nan") == value
                else:
                    assert text == shown[value]
            numbered = numbers_by_file(name, [(part, file)], lambda *_: None)[file]
            numbers = numbered.numbers.of_codes[reading.codes(numbered.at, 0, len(rows), numbered.width, numbered.span)]
            is_number = [isinstance(value, int | float) and not isinstance(value, bool) for value in held]
            assert (~np.isnan(numbers)).tolist() == is_number
            assert numbers[is_number].tolist() == [value for value, is_one in zip(held, is_number, strict=True) if is_one]


@pytest.fixture(scope="module")
def rigs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[State, Rig]]:
    """The same events in every form."""
    made: dict[State, Rig] = {state: Rig(tmp_path_factory.mktemp(state)) for state in STATES}
    with patch.object(value_writing, "MAX_BYTES_A_ROW", 0), patch.object(property_codes, "MIN_NUMBERS", 10):
        for state, rig in made.items():
            rig.place_events(made_events(3, 400, 25), state)
    yield made
    for rig in made.values():
        rig.close()


def random_question(rng: random.Random) -> tuple[Any, dict[str, Any]]:
    def asked(most: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for _ in range(rng.randrange(most + 1)):
            operator, value = rng.choice(CONDITIONS)
            value = list(value) if isinstance(value, tuple) else value
            found.append({"property": rng.choice(FIELDS), "operator": operator, **({} if value is None else {"value": value})})
        return found

    scope = {"date_from": "2025-06-15", "date_to": "2025-06-17", "timezone": "UTC", "filters": asked(1)}
    if rng.random() < 0.5:
        steps = [{"event": rng.choice(NAMES), "filters": asked(2)} for _ in range(rng.randrange(2, 4))]
        modes = rng.choice(([], ["strict_order"], ["strict_increase"]))
        return funnel, {**scope, "steps": steps, "modes": modes, **rng.choice(({}, {"breakdown": rng.choice(FIELDS)}))}
    math = rng.choice(("total", "unique_persons", "sum", "avg", "min", "max", "p90"))
    series = {"name": rng.choice(NAMES), "math": math, "filters": asked(2)}
    if math not in ("total", "unique_persons"):
        series["math_property"] = rng.choice(FIELDS)
    return trends, {**scope, "events": [series], "interval": "hour", **rng.choice(({}, {"breakdown": rng.choice(FIELDS)}))}


@pytest.mark.parametrize("seed", range(examples(8)))
def test_answers_are_the_same_in_every_state(rigs: dict[State, Rig], seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(6):
        insight, body = random_question(rng)
        parse = parse_funnel_query if insight is funnel else parse_trends_query
        answers = {
            state: repr(insight(rig.context(), parse(body, timezone="UTC", now_ms=NOON + 3 * DAY_MS)))
            for state, rig in rigs.items()
        }
        assert set(answers.values()) == {answers["buffer"]}, body


def test_events_that_never_have_a_property_are_told_without_a_look(rigs: dict[State, Rig]) -> None:
    rig = rigs["merged"]
    reader = rig.engine._key_reader
    held = [each for each in made_events(3, 400, 25) if each["event"] == "buy"]
    for item in (
        Filter("end_text", Operator.EXACT, "red"),
        Filter("end_text", Operator.IS_NOT, "red"),
        Filter("end_same", Operator.IS_SET),
    ):
        counts = reader.counts(rig.parts, EVERYTHING, Matcher("buy", (item,)), LIMITS)
        assert sum(counts.values()) == sum(matches(item, each["properties"]) for each in held)
        assert counts.keys() == {part.part_id for part in rig.parts}


def listed_with(*sizes: int) -> list[Listed]:
    return [Listed(f"p{nth}", "a", "b", (0, size)) for nth, size in enumerate(sizes)]


def test_what_has_codes_is_what_there_is_room_for() -> None:
    """What doesn't fit leaves its room to those after it."""
    with patch.object(property_codes, "MAX_CODES_A_ROW", 2):
        chosen = property_codes._chosen(listed_with(100, 60, 50, 30, 20, 11, 10), 100)
        assert [each.name for each in chosen] == ["p0", "p1", "p3", "p6"]
    with patch.object(property_codes, "MAX_PROPERTIES", 3):
        assert len(property_codes._chosen(listed_with(*[1] * 9), 100)) == 3


def test_a_part_has_codes_of_its_first_properties_in_all_rows(rig: Rig) -> None:
    """As many as had codes when codes were always of all rows."""
    names = [f"n{nth:03}" for nth in range(40)]
    _, file = part_of(rig, [event("e", "ann", NOON + nth, **dict.fromkeys(names, nth % 3)) for nth in range(30)], is_sliced=False)
    assert [name for name, column in file.properties.items() if column is not None] == names[:32]


def test_hundreds_of_properties_have_codes_where_each_is_of_one_event(rig: Rig) -> None:
    sent = [
        event(f"e{nth % 24:02}", "ann", NOON + nth, **{f"{nth % 24:02}_{own}": (nth // 24 + own) % 3 for own in range(10)})
        for nth in range(24 * 6)
    ]
    part, file = part_of(rig, sent, is_sliced=True)
    assert len(file.properties) == 240
    assert all(file.properties.values())
    size = sum(column.span[1] - column.span[0] for column in file.properties.values() if column is not None and column.span)
    assert size == 10 * part.rows


def test_passes_take_what_is_of_the_same_rows_together() -> None:
    listed = [
        Listed(name, "", "", span)
        for name, span in (("a", (0, 90)), ("b", (0, 10)), ("c", (0, 10)), ("d", (10, 20)), ("e", (30, 40)), ("f", (0, 90)))
    ]
    assert [[each.name for each in some] for some in passes(listed)] == [["b", "c", "a", "f", "d", "e"]]
    with patch.object(property_codes, "CELLS_A_PASS", 50):
        assert [[each.name for each in some] for some in passes(listed[1:5])] == [["b", "c"], ["d"], ["e"]]
    with patch.object(property_codes, "CELLS_A_PASS", 60):
        assert [[each.name for each in some] for some in passes(listed[1:5])] == [["b", "c", "d"], ["e"]]
    with patch.object(property_codes, "MAX_A_PASS", 2), patch.object(property_codes, "CELLS_A_PASS", 0):
        assert [[each.name for each in some] for some in passes(listed)] == [["b", "c"], ["a", "f"], ["d"], ["e"]]
    with patch.object(property_codes, "PASS_BYTES", 200):
        assert [[each.name for each in some] for some in passes(listed)] == [["b", "c"], ["a"], ["f", "d"], ["e"]]


def test_files_of_the_layout_before_have_codes_in_all_rows_and_are_used(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = made_events(4)
    with monkeypatch.context() as patched:
        patched.setattr(key_writing, "MAGIC", b"SVKEYS01")
        patched.setattr(key_writing, "LAYOUT", 2)
        patched.setattr(key_writing, "_ranges", lambda names: dict.fromkeys((name for name, _ in names), (0, len(sent))))
        part, file = part_of(rig, sent, is_sliced=True)
    assert (rig.folder / part.keys_path).read_bytes()[-8:] == b"SVKEYS01"
    assert not file.is_current
    column = file.properties["buy_text"]
    assert column is not None and column.span is None
    item = Filter("buy_text", Operator.EXACT, "red")
    need = Condition(None, item)
    told = answers_of({need}, [(part, file)], Statements(rig.database), lambda *_: None, LIMITS)[need, file]
    assert isinstance(told, Answer)
    with Reading(file) as reading:
        assert told.flags(reading, 0, part.rows).tolist() == [matches(item, each["properties"]) for each in in_file_order(sent)]


def test_who_knows_earlier_layouts_alone_takes_no_file_of_this_one(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    part, file = part_of(rig, made_events(4), is_sliced=False)
    path = rig.folder / part.keys_path
    assert file.is_current
    monkeypatch.setattr(key_files, "MAGICS", (b"SVKEYS01",))
    assert key_files.open_key_file(path, part, is_checked=True) is None
