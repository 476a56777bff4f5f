"""Values in key files, row by row, say of every row what the definition of filters says of it, and answer without a part being read."""

import random
from collections.abc import Iterator, Sequence
from typing import Any
from unittest.mock import patch

import duckdb
import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sv.engine.duck.keys import fingerprints, property_codes, value_blocks, value_conditions, value_writing
from sv.engine.duck.keys.key_conditions import Condition, answers_of
from sv.engine.duck.keys.key_files import KeyFile, Reading, identity_of
from sv.engine.duck.keys.value_blocks import Block, Described, block_ends, described, number_column, packed, unpacked
from sv.engine.duck.run import Statements
from sv.engine.port import Matcher, Scope
from sv.insights.funnels import funnel
from sv.insights.trends import trends
from sv.model.filters import Filter, Operator, matches
from sv.model.limits import DAY_MS, MINUTE_MS
from sv.model.query_parsing import parse_funnel_query, parse_trends_query
from sv.model.smart_events import Rule
from tests.chance import examples
from tests.engine.filter_rig import BORDERS, FRACTIONS, HOSTILE, filters, values
from tests.engine.rig import LIMITS, NOON, STATES, Event, Rig, State, event

NAMES = HOSTILE[:8]
OPERATORS = [Operator.EXACT, Operator.IS_NOT, Operator.GT, Operator.GTE, Operator.LT, Operator.LTE]


@pytest.fixture(scope="module", autouse=True)
def no_codes() -> Iterator[None]:
    """No property has codes, and blocks are of a few rows."""
    with (
        patch.object(property_codes, "MAX_PROPERTIES", 0),
        patch.object(value_blocks, "BLOCK_ROWS", 9),
        patch.object(value_blocks, "SMALL_ROWS", 4),
        patch.object(value_conditions, "BYTES_ASKED", 200),
        patch.object(value_conditions, "ROWS_A_TASK", 20),
        patch.object(value_writing, "READ_ROWS", 7),
        patch.object(value_writing, "MAX_BYTES_A_ROW", 4096),
    ):
        yield


def file_of(rig: Rig, sent: Sequence[dict[str, Any]]) -> tuple[Any, KeyFile]:
    """One part with a key file, of one event, whose rows are in the order of what was sent."""
    rig.flush(rig.buffer(rig.batch([event("e", "ann", NOON + nth, **held) for nth, held in enumerate(sent)])))
    part = rig.parts.pop()
    rig.index([part])
    ((_, file),) = rig.tables.key_files.of([part])
    return part, file


def flags(rig: Rig, part: Any, file: KeyFile, item: Filter, low: int, high: int) -> list[bool] | None:
    """What the key file says of these rows; None where it doesn't."""
    need = Condition(None, item)
    told = answers_of({need}, [(part, file)], Statements(rig.database), lambda *_: None, LIMITS).get((need, file))
    if told is None:
        return None
    of_all = told.of_all(low, high)
    if of_all is not None:
        return [of_all] * (high - low)
    with Reading(file) as reading:
        return told.flags(reading, low, high).tolist()


def check(rig: Rig, sent: Sequence[dict[str, Any]], items: Sequence[Filter]) -> KeyFile:
    part, file = file_of(rig, sent)
    cuts = [(0, len(sent)), (len(sent) // 3, len(sent) // 2), (len(sent) - 1, len(sent))]
    for item in items:
        expected = [matches(item, held) for held in sent]
        for low, high in cuts:
            assert flags(rig, part, file, item, low, high) == expected[low:high], (item, low, high)
    return file


plain = st.builds(lambda item, name: Filter(name, item.operator, item.value), filters(), st.sampled_from(NAMES))
some = st.dictionaries(st.sampled_from(NAMES), values, max_size=5)


@settings(
    max_examples=examples(3),
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(some, min_size=20, max_size=40), st.lists(plain, min_size=25, max_size=25))
def test_every_filter_means_in_values_what_it_is_defined_to_mean(
    shared_rig: Rig, sent: list[dict[str, Any]], items: list[Filter]
) -> None:
    check(shared_rig, sent, items)


TEXTS = ["plain", "Plain", "lain", 'a "quote"', "back\\slash", "\\n", "\n", "é", "É", "\u2028", "\U0001f600", "", "1", "true", "null", "İ", "\u212a", "k", "[1]"]  # fmt: skip
OTHERS: list[Any] = [1, 1.0, -0.0, 0, 1e2, 2**53 + 1, 2**64 - 1, 10**30, True, False, None, ["plain"], {"plain": 1}]


def test_texts_mean_the_same_whether_a_statement_is_asked_or_not(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    items = [Filter("p", operator, value) for operator in OPERATORS for value in ("plain", "", "é", "\u212a", 1, 2**53 + 1)]
    items += [Filter("p", operator, value) for operator in OPERATORS[:2] for value in ((*TEXTS[3:9], 1, True), ())]
    items += [Filter("p", Operator.ICONTAINS, value) for value in ("LAIN", "k", "\u212a", "i", "é", '"', "1")]
    items += [Filter("p", Operator.NOT_ICONTAINS, "LAIN"), Filter("p", Operator.REGEX, "^.$"), Filter("p", Operator.IS_SET)]
    items += [
        Filter("p", operator, value)
        for operator in (Operator.REGEX, Operator.NOT_REGEX)
        for value in ("la[in]+", "^Pla.*n$", "ck", "ru?e", "é$")
    ]
    ascii_texts = [{"p": text} for text in TEXTS if text.isascii()]
    placed = [file_of(rig, sent) for sent in ([{}, *ascii_texts], [{"p": value} for value in (*TEXTS, *OTHERS)])]
    told = [[flags(rig, part, file, item, 0, part.rows) for item in items] for part, file in placed]
    assert all("p" in file.values for _, file in placed)
    monkeypatch.setattr(value_conditions, "BYTES_ASKED", 1 << 20)
    monkeypatch.setattr(value_conditions, "_is_plain", lambda *_: False)
    assert [[flags(rig, part, file, item, 0, part.rows) for item in items] for part, file in placed] == told
    assert told[1] == [[matches(item, {"p": value}) for value in (*TEXTS, *OTHERS)] for item in items]


def test_an_escaped_text_is_the_text(rig: Rig) -> None:
    """What clients write as escapes is written otherwise or not in the JSON at rest; texts are without them in any case."""
    held = pa.table({"place": [0, 1], "properties": ['{"p":"\\u0041\\/b"}', '{"p":"A/b"}']})
    with rig.database.cursor() as cursor:
        cursor.register("held", held)
        found = cursor.sql("select distinct json_extract_string(properties, '/p') from held").fetchall()
    assert found == [("A/b",)]


def test_plain_texts_are_compared_without_a_statement(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    part, file = file_of(rig, [{"p": f"Text {nth}"} for nth in range(30)])
    monkeypatch.setattr(Statements, "_run", lambda *_: pytest.fail("a statement was run"))
    for item in (
        Filter("p", Operator.IS_NOT, "Text 3"),
        Filter("p", Operator.ICONTAINS, "T 7"),
        Filter("p", Operator.LT, "Text 2"),
    ):
        assert flags(rig, part, file, item, 0, 30) == [matches(item, {"p": f"Text {nth}"}) for nth in range(30)]


def test_numbers_compare_exactly(rig: Rig) -> None:
    numbers = [*range(-5, 5), *(place / 8 for place in range(-9, 9)), *FRACTIONS, *(n for n in BORDERS if float(n) == n)]
    sent: list[dict[str, Any]] = [{"n": number} for number in numbers]
    sent[7:7] = [{}, {"n": None}]
    items = [Filter("n", operator, value) for operator in OPERATORS for value in (*BORDERS, *FRACTIONS, 2**64, -(10**30), "1")]
    items += [Filter("n", operator, value) for operator in OPERATORS[:2] for value in (True, (1, "x", 2.5, -3, 2**53 + 1), ())]
    items += [Filter("n", operator) for operator in (Operator.IS_SET, Operator.IS_NOT_SET)]
    items += [Filter("n", operator, "1") for operator in (Operator.ICONTAINS, Operator.NOT_ICONTAINS, Operator.REGEX)]
    file = check(rig, sent, items)
    assert set(file.numbers) == {"n"}
    assert not file.values


@pytest.mark.parametrize("first", [0, -7, 2**53 - 3, -(2**53), 1_700_000_000_000, 2**60, 1e300])
@pytest.mark.parametrize("spread", [1, 2**32 - 2, 2**32])
def test_whole_numbers_close_together_take_four_bytes(first: float, spread: int) -> None:
    near = [float(first), float(first) + spread]
    numbers = np.array([near[0], np.nan, near[1], *([np.nextafter(near[0], np.inf)] * (first > 2**53))])
    written: list[Any] = []
    column = number_column(numbers, lambda data: written.append(data) or 0)
    assert np.array_equal(column.numbers(written[0].view(np.uint8)), numbers, equal_nan=True)
    assert column.width == (4 if np.nanmax(numbers) - np.nanmin(numbers) < 2**32 - 1 else 8)


def test_whole_numbers_answer_as_others_do(rig: Rig) -> None:
    sent: list[dict[str, Any]] = [{"n": 1_700_000_000_000 + nth * 37} for nth in range(30)]
    sent[7:7] = [{}, {"n": None}]
    items = [Filter("n", operator, 1_700_000_000_000 + bound) for operator in OPERATORS for bound in (0, 36, 37, 37.5, -1, 2**32)]
    file = check(rig, sent, [*items, Filter("n", Operator.IS_SET), Filter("n", Operator.IS_NOT_SET)])
    assert file.numbers["n"].base == 1_700_000_000_000


@pytest.mark.parametrize("other", [2**53 + 1, -(2**63) + 1, "1", True, [1]])
def test_numbers_that_doubles_do_not_say_and_values_that_are_none_make_texts_of_all(rig: Rig, other: Any) -> None:
    items = [Filter("n", operator, value) for operator in OPERATORS for value in (2**53, 2**53 + 1, 3, "1")]
    file = check(rig, [*({"n": nth} for nth in range(20)), {"n": other}], items)
    assert set(file.values) == {"n"}
    assert not file.numbers


def random_events(seed: int) -> list[Event]:
    """Of a few large events and many small ones, at few moments, many at one of them."""
    rng = random.Random(seed)
    made: list[Event] = []
    for _ in range(260):
        held: dict[str, Any] = {
            "search": rng.choice((*TEXTS, *OTHERS, None, f"text {rng.randrange(99)}")),
            "n": rng.choice((*FRACTIONS, rng.randrange(90) / 8, rng.randrange(4))),
            "plan": rng.choice("ab"),
        }
        if rng.random() < 0.3:
            del held[rng.choice(("search", "n", "plan"))]
        if rng.random() < 0.2:
            held["$is_bot"] = True
        name = rng.choice(("view", "view", "buy", "buy", f"rare {rng.randrange(40)}"))
        made.append(
            event(name, f"p{rng.randrange(25)}", NOON + rng.randrange(9) * 7 * MINUTE_MS + rng.randrange(2) * DAY_MS, **held)
        )
    return made


@pytest.fixture(scope="module")
def rigs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[State, Rig]]:
    """The same events in every form. The property of two values has codes."""
    made: dict[State, Rig] = {state: Rig(tmp_path_factory.mktemp(state)) for state in STATES}
    with (
        patch.object(property_codes, "MAX_PROPERTIES", 8),
        patch.object(property_codes, "MAX_TEXTS", 3),
        patch.object(property_codes, "MAX_NUMBERS", 3),
    ):
        for state, rig in made.items():
            rig.place_events(random_events(3), state)
    for _, file in made["merged"].tables.key_files.of(made["merged"].parts):
        assert (file.values.keys(), file.numbers.keys(), file.properties["plan"] is None) == ({"search"}, {"n"}, False)
    yield made
    for rig in made.values():
        rig.close()


FIELDS = ("search", "n", "plan", "absent")


def random_filters(rng: random.Random, most: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for _ in range(rng.randrange(most + 1)):
        operator = rng.choice(list(Operator))
        value: Any = rng.choice((*TEXTS, 1, 100, 2.5, 2**53 + 1))
        if operator in (Operator.ICONTAINS, Operator.NOT_ICONTAINS, Operator.REGEX, Operator.NOT_REGEX):
            value = rng.choice(("LAIN", "text 1", "é", "1", "k"))
        if operator in OPERATORS[:2] and rng.random() < 0.4:
            value = [value, True, "text 5"]
        asked = {"property": rng.choice(FIELDS), "operator": operator}
        found.append(asked if operator in (Operator.IS_SET, Operator.IS_NOT_SET) else {**asked, "value": value})
    return found


RANGE = {"date_from": "2025-06-15T12:20:00Z", "date_to": "2025-06-17", "timezone": "UTC"}


def random_question(rng: random.Random) -> tuple[Any, dict[str, Any]]:
    scope = {**RANGE, "include_bots": rng.random() < 0.5, "filters": random_filters(rng, 1)}
    if rng.random() < 0.5:
        steps = [
            {"event": rng.choice(("view", "buy", "rare 3")), "filters": random_filters(rng, 3)}
            for _ in range(rng.randrange(2, 4))
        ]
        modes = rng.choice(([], ["strict_order"], ["strict_increase"]))
        return funnel, {**scope, "steps": steps, "modes": modes, **rng.choice(({}, {"breakdown": rng.choice(FIELDS)}))}
    math = rng.choice(("total", "unique_persons", "sum", "avg", "min", "max", "p90"))
    asked = {"name": rng.choice(("view", "buy")), "math": math, "filters": random_filters(rng, 2)}
    if math not in ("total", "unique_persons"):
        asked["math_property"] = rng.choice(FIELDS)
    return trends, {**scope, "events": [asked], "interval": "day", **rng.choice(({}, {"breakdown": rng.choice(FIELDS)}))}


def ask(rig: Rig, insight: Any, body: dict[str, Any]) -> Any:
    parse = parse_funnel_query if insight is funnel else parse_trends_query
    return insight(rig.context(), parse(body, timezone="UTC", now_ms=NOON + 3 * DAY_MS))


@pytest.mark.parametrize("seed", range(examples(6)))
def test_answers_are_the_same_in_every_state(rigs: dict[State, Rig], seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(4):
        insight, body = random_question(rng)
        answers = {state: repr(ask(rig, insight, body)) for state, rig in rigs.items()}
        assert set(answers.values()) == {answers["buffer"]}, body


def test_values_of_many_files_are_asked_about_in_one_statement(rigs: dict[State, Rig], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    table = Statements.table
    monkeypatch.setattr(value_conditions, "BYTES_ASKED", 1 << 20)
    monkeypatch.setattr(value_conditions, "ROWS_A_TASK", 1 << 20)
    monkeypatch.setattr(Statements, "table", lambda *given, **named: asked.append(named) or table(*given, **named))
    found: dict[State, int] = {}
    for state in ("days", "merged"):
        everything, matcher = Scope(0, NOON + 3 * DAY_MS), Matcher("view", (Filter("search", Operator.REGEX, "te.t"),))
        keys = rigs[state].engine._key_reader.read(rigs[state].parts, everything, [matcher], 0, [()], LIMITS)[0]
        assert len(keys) == len(rigs[state].parts)
        found[state] = sum(kept.keys.size for kept in keys.values())
    assert len(rigs["days"].parts) > 1
    assert found["days"] == found["merged"] > 0
    assert [named.keys() for named in asked] == [{"held"}] * 2


@pytest.mark.parametrize("state", ["days", "merged"])
def test_rules_and_several_filters_find_the_rows_that_sql_finds(rigs: dict[State, Rig], state: State) -> None:
    rig, rng = rigs[state], random.Random(11)
    everything = Scope(NOON - DAY_MS, NOON + 3 * DAY_MS)
    for _ in range(8):
        items = [
            tuple(Filter(each["property"], each["operator"], _value(each)) for each in random_filters(rng, 2)) for _ in range(3)
        ]
        rules = (Rule(event="view", filters=items[0]), Rule(filters=items[1]))
        matcher = Matcher(rng.choice((None, "buy")), items[2], rules)
        (found,) = rig.engine._key_reader.read(rig.parts, everything, [matcher], NOON - DAY_MS, [()], LIMITS)
        assert found.keys() == {part.part_id for part in rig.parts}
        rows = rig.rows(everything, matcher, limit=1000)
        assert sum(kept.keys.size for kept in found.values()) == len(rows), matcher


def _value(asked: dict[str, Any]) -> Any:
    value = asked.get("value")
    return tuple(value) if isinstance(value, list) else value


def test_funnels_and_trends_by_values_read_no_part(rig: Rig) -> None:
    sent = [event("view" if nth % 3 else "buy", f"p{nth % 9}", NOON + nth, search=f"é {nth}", n=nth / 7) for nth in range(80)]
    rig.place_events(sent, "merged")
    search = {"property": "search", "operator": "icontains", "value": "É 1"}
    number = {"property": "n", "operator": "gt", "value": 2}
    questions: list[tuple[Any, dict[str, Any]]] = [
        (funnel, {"steps": [{"event": "view", "filters": [search]}, {"event": "buy", "filters": [number, search]}]}),
        (trends, {"events": [{"name": "view", "math": "unique_persons", "filters": [search, number]}]}),
        *((trends, {"events": [{"name": "buy", "math": math, "math_property": "n"}]}) for math in ("sum", "max", "p95")),
    ]
    within = {"date_from": "2025-06-15", "date_to": "2025-06-16"}
    before = [ask(rig, insight, body | within) for insight, body in questions]
    assert before[0]["steps"][0]["count"] > 0
    assert before[2]["series"][0]["total"] > 0
    for part in rig.parts:
        (rig.folder / part.path).unlink()
    assert [ask(rig, insight, body | within) for insight, body in questions] == before


def test_too_many_numbers_to_be_put_in_order_are_asked_of_sql(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    from sv.engine.duck.trends import trend_reading

    rig.place_events([event("view", "ann", NOON + nth, n=nth / 7) for nth in range(80)], "merged")
    body = {"events": [{"name": "view", "math": "p95", "math_property": "n"}], "date_from": "2025-06-15", "date_to": "2025-06-16"}
    before = ask(rig, trends, body)
    monkeypatch.setattr(trend_reading, "MAX_IN_ORDER", 79)
    assert ask(rig, trends, body) == before
    for part in rig.parts:
        (rig.folder / part.path).unlink()
    with pytest.raises(Exception, match=r"No files found|No such file|can.t|Cannot"):
        ask(rig, trends, body)


def damage(file: KeyFile, places: Sequence[int]) -> None:
    """As a disk does it, of which nobody notices anything."""
    with file.path.open("r+b") as held:
        for place in places:
            held.seek(place)
            held.write(bytes(8))
        held.flush()
        file.identity = identity_of(held.fileno())


def test_a_file_without_values_and_one_with_damaged_ones_cost_no_answer(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    body = {
        "steps": [
            {"event": "view", "filters": [{"property": "search", "operator": "icontains", "value": "text"}]},
            {"event": "buy"},
        ],
        "date_from": "2025-06-15",
        "date_to": "2025-06-18",
    }
    rig.place_events(random_events(5), "merged")
    before = ask(rig, funnel, body)
    ((part, file),) = rig.tables.key_files.of(rig.parts)
    with Reading(file) as reading:
        blocks = Described(reading.bytes_at(file.values["search"].at, file.values["search"].bytes).tobytes())
    damage(file, [blocks.place_of(block)[0] for block in blocks.within(0, part.rows)])
    assert ask(rig, funnel, body) == before
    assert not rig.tables.key_files.of([part])
    monkeypatch.setattr(value_writing, "MAX_BYTES_A_ROW", 0)
    rig.index([part])
    ((_, file),) = rig.tables.key_files.of([part])
    assert not file.values
    assert not file.numbers
    assert ask(rig, funnel, body) == before


def test_a_damaged_file_among_others_costs_no_answer(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(value_conditions, "BYTES_ASKED", 1 << 20)
    monkeypatch.setattr(value_conditions, "ROWS_A_TASK", 1 << 20)
    rig.place_events(random_events(5), "days")
    body = {"events": [{"name": "view", "math": "total"}], "date_from": "2025-06-15", "date_to": "2025-06-18", "interval": "day"}
    bodies = [
        {**body, "filters": [{"property": "search", "operator": operator, "value": "te"}]} for operator in ("icontains", "regex")
    ]
    before = [ask(rig, trends, body) for body in bodies]
    files = rig.tables.key_files.of(rig.parts)
    part, file = max(files, key=lambda each: each[0].rows)
    with Reading(file) as reading:
        blocks = Described(reading.bytes_at(file.values["search"].at, file.values["search"].bytes).tobytes())
    damage(file, [blocks.place_of(blocks.within(*file.range_of("view"))[0])[0]])
    assert [ask(rig, trends, body) for body in bodies] == before
    assert [each[0] for each in rig.tables.key_files.of(rig.parts)] == [each[0] for each in files if each[0] is not part]


def test_long_texts_and_too_many_bytes_have_no_values(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = [{"long": "x" * (1025 if nth == 7 else nth), "fits": "ü" * 512, "n": nth} for nth in range(20)]
    assert file_of(rig, sent)[1].values.keys() == {"fits"}
    monkeypatch.setattr(value_writing, "MAX_BYTES_A_ROW", 100)
    _, file = file_of(rig, sent)
    assert (file.values.keys(), file.numbers.keys()) == (set(), {"n"})
    monkeypatch.setattr(fingerprints, "MAX_PROPERTIES", 1)
    assert not file_of(rig, sent)[1].numbers


def test_a_part_whose_texts_can_not_be_sorted_has_a_key_file_without_them(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def out_of_memory(*_: object) -> Any:
        raise duckdb.OutOfMemoryException("out of memory")

    monkeypatch.setattr(value_writing, "_read", out_of_memory)
    part, file = file_of(rig, [{"p": f"text {nth}", "n": nth} for nth in range(20)])
    assert (file.values.keys(), file.numbers.keys(), file.rows) == (set(), {"n"}, 20)
    assert flags(rig, part, file, Filter("n", Operator.GT, 18), 0, 20) == [False] * 19 + [True]
    assert "no memory to put the texts" in caplog.text


@given(st.lists(st.one_of(st.none(), st.text(max_size=40)), min_size=1, max_size=60), st.integers(1, 200), st.booleans())
@settings(max_examples=examples(60), deadline=None)
def test_what_is_packed_comes_out_again(texts: list[str | None], most: int, is_mixed: bool) -> None:
    kinds = np.array([0 if text is None else 1 + nth % 3 * is_mixed for nth, text in enumerate(texts)], np.uint8)
    with patch.object(value_blocks, "BLOCK_BYTES", most):
        blocks = list(packed(kinds, pa.array(texts, pa.string())))
    place, placed = 0, []
    for block in blocks:
        placed.append((place, block))
        place += len(block.data)
    held = Described(described(placed).tobytes())
    data = np.frombuffer(b"".join(block.data for block in blocks), np.uint8)
    given_blocks: list[Block] = []
    found: list[str | None] = []
    for nth, block in enumerate(blocks):
        at, size = held.place_of(nth)
        given_blocks.append(held.block(nth, data[at : at + size]))
        rows = unpacked(given_blocks[-1:])
        assert held.traits_of(nth)[1] is all(map(str.isascii, rows.texts.to_pylist()))
        low, high = held.rows_of(nth)
        assert high - low == block.rows
        assert (
            (rows.kinds if isinstance(rows.kinds, int) else rows.kinds[rows.is_there]) == kinds[low:high][rows.is_there]
        ).all()
        found += [text if is_there else None for text, is_there in zip(rows.texts.to_pylist(), rows.is_there, strict=True)]
    assert found == texts
    together = unpacked(given_blocks)
    assert [
        text if is_there else None for text, is_there in zip(together.texts.to_pylist(), together.is_there, strict=True)
    ] == texts
    told = np.full(len(texts), together.kinds) if isinstance(together.kinds, int) else together.kinds
    assert (told == kinds)[together.is_there].all()
    for low in range(0, len(texts), 7):
        within = held.within(low, low + 1)
        assert [held.rows_of(nth)[0] <= low < held.rows_of(nth)[1] for nth in range(len(blocks))] == [
            nth in within for nth in range(len(blocks))
        ]


@given(st.data(), st.integers(1, 6), st.booleans())
@settings(max_examples=examples(60), deadline=None)
def test_a_text_is_sought_within_rows_alone(data: st.DataObject, width: int, is_even: bool) -> None:
    """Of texts that all are of one length, where a row follows from a place, and of others."""
    sizes = {"min_size": width if is_even else 0, "max_size": width}
    texts = data.draw(st.lists(st.text("ab", **sizes), min_size=1, max_size=40))
    blocks = [*packed(np.ones(len(texts), np.uint8), pa.array(texts, pa.string()))]
    held = Described(described([(0, block) for block in blocks]).tobytes())
    rows = unpacked([held.block(nth, np.frombuffer(block.data, np.uint8)) for nth, block in enumerate(blocks)])
    assert rows.width == (len(texts[0]) if len(set(map(len, texts))) == 1 else 0)
    sought = data.draw(st.text("ab", min_size=1, max_size=4))
    found = value_conditions._containing(rows, sought.encode(), is_folded=False)
    assert found.tolist() == [sought in text for text in texts]


@given(st.lists(st.integers(1, 40), min_size=1, max_size=30))
@settings(max_examples=examples(60), deadline=None)
def test_blocks_have_one_event_or_small_ones(counts: list[int]) -> None:
    ends = block_ends(counts)
    sizes = np.diff(ends, prepend=0)
    assert ends[-1] == sum(counts)
    assert (sizes > 0).all()
    assert (sizes <= value_blocks.BLOCK_ROWS).all()
    assert len(ends) <= sum(counts) // value_blocks.SMALL_ROWS + len([count for count in counts if count >= 4]) + 1
    borders = np.cumsum([0, *counts])
    for count, low in zip(counts, borders.tolist(), strict=False):
        if count >= value_blocks.SMALL_ROWS:
            assert low in (0, *ends)


def test_the_footer_of_before_has_no_values(rig: Rig) -> None:
    from sv.engine.duck.keys.key_files import Footer

    part, file = file_of(rig, [{"p": f"text {nth}"} for nth in range(20)])
    footer = {"rows": 20, "origin_ms": file.origin_ms, "names": ["e"], "counts": [20], "columns": {}, "persons": file.persons, "properties": {"p": None}}  # fmt: skip
    old = KeyFile(file.path, msgspec.msgpack.decode(msgspec.msgpack.encode(footer), type=Footer), file.identity)
    assert flags(rig, part, old, Filter("p", Operator.IS_SET), 0, 20) is None
