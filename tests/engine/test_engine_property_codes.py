"""A property's codes in key files say of every row what the definition of filters says of it, and take no more room than they may."""

from typing import Any
from unittest.mock import patch

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sv.engine.duck.keys import key_conditions, key_values, property_codes, value_writing
from sv.engine.duck.keys.key_conditions import Answer, Condition, answers_of
from sv.engine.duck.keys.key_files import Footer, KeyFile, Reading
from sv.engine.duck.keys.key_values import Valued, values_by_file
from sv.engine.duck.properties import Property
from sv.engine.duck.relation import relation
from sv.engine.duck.run import Statements
from sv.engine.duck.sql import Params
from sv.model.filters import Filter, Operator, matches
from sv.model.part import Part
from tests.chance import examples
from tests.engine.filter_rig import BORDERS, FRACTIONS, HOSTILE, filters, properties
from tests.engine.rig import LIMITS, NOON, Rig, event

NUMBERS = [*range(-20, 20), *(place / 8 for place in range(-40, 40)), *FRACTIONS, *(n for n in BORDERS if float(n) == n)]


@pytest.fixture
def failed() -> list[Part]:
    """The parts whose key files could not be read."""
    return []


@pytest.fixture(autouse=True)
def no_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """Key files have codes alone."""
    monkeypatch.setattr(value_writing, "MAX_BYTES_A_ROW", 0)


def place(rig: Rig, sent: list[dict[str, Any]]) -> tuple[Part, KeyFile, list[dict[str, Any]]]:
    """One part with a key file, and its rows' properties in its order."""
    rig.flush(rig.buffer(rig.batch([event("e", "ann", NOON + nth, **held) for nth, held in enumerate(sent)])))
    part = rig.parts.pop()
    rig.index([part])
    ((_, file),) = rig.tables.key_files.of([part])
    return part, file, sent


def answer(rig: Rig, part: Part, file: KeyFile, item: Filter, failed: list[Part]) -> Answer | None:
    need = Condition(None, item)
    statements = Statements(rig.database)
    return answers_of({need}, [(part, file)], statements, lambda part, *_: failed.append(part), LIMITS).get((need, file))


def by_row(file: KeyFile, answer: Answer, rows: int) -> list[bool]:
    if answer.at is None:
        assert answer.table.size == 1
        return [bool(answer.table[0])] * rows
    with Reading(file) as reading:
        found: list[bool] = answer.table[reading.codes(answer.at, 0, rows, answer.width)].tolist()
        return found


def check(rig: Rig, sent: list[dict[str, Any]], items: list[Filter]) -> None:
    failed: list[Part] = []
    part, file, held = place(rig, sent)
    for item in items:
        expected = [matches(item, each) for each in held]
        for few, asked in ((key_conditions.FEW_TEXTS, key_conditions.BYTES_TAKEN), (0, 1)):
            with patch.object(key_conditions, "FEW_TEXTS", few), patch.object(key_conditions, "BYTES_TAKEN", asked):
                told = answer(rig, part, file, item, failed)
            assert told is not None, item
            assert by_row(file, told, len(held)) == expected, item
    assert not failed


NAMES = HOSTILE[: property_codes.MAX_CODES_A_ROW]
plain = filters().filter(lambda item: item.property in NAMES)
some = properties.map(lambda held: {name: value for name, value in held.items() if name in NAMES})


@settings(
    max_examples=examples(6),
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(some, min_size=20, max_size=40), st.lists(plain, min_size=25, max_size=25))
def test_every_filter_means_in_codes_what_it_is_defined_to_mean(
    shared_rig: Rig, sent: list[dict[str, Any]], items: list[Filter]
) -> None:
    check(shared_rig, sent, items)


@pytest.mark.parametrize("passed", [1, 3])
def test_numbers_in_order_compare_exactly(rig: Rig, monkeypatch: pytest.MonkeyPatch, passed: int) -> None:
    monkeypatch.setattr(property_codes, "MAX_TEXTS", 10)
    monkeypatch.setattr(property_codes, "MAX_A_PASS", passed)
    monkeypatch.setattr(property_codes, "CELLS_A_PASS", 0)
    sent = [{"n": number, "m": -number, "few": nth % 3} for nth, number in enumerate(NUMBERS)]
    sent[7:7] = [{}, {"n": None}, {"few": "x"}]
    operators = [Operator.EXACT, Operator.IS_NOT, Operator.GT, Operator.GTE, Operator.LT, Operator.LTE]
    items = [
        Filter(name, operator, value)
        for name in "nm"
        for operator in operators
        for value in (*BORDERS, *FRACTIONS, 2**64, -(10**30))
    ]
    items += [Filter("n", operator, value) for operator in operators[:2] for value in (True, "1", (1, "x", 2.5, -3))]
    items += [Filter("n", operator) for operator in (Operator.IS_SET, Operator.IS_NOT_SET)]
    items += [
        Filter("n", operator, "1") for operator in (Operator.ICONTAINS, Operator.NOT_ICONTAINS, Operator.REGEX, Operator.GT)
    ]
    items += [Filter("few", Operator.EXACT, 2), Filter("absent", Operator.IS_NOT_SET), Filter("absent", Operator.GT, 0)]
    check(rig, sent, items)


AWKWARD = [
    "plain",
    'a "quote"',
    "back\\slash",
    "\\n",
    "\n",
    "é",
    "\u2028",
    "\U0001f600",
    "",
    "1",
    "true",
    "null",
    '"plain"',
    "[1]",
]


def test_strings_are_equal_however_json_writes_them(rig: Rig) -> None:
    sent: list[dict[str, Any]] = [
        {"p": value} for value in (*AWKWARD, *AWKWARD, 1, True, None, ["plain"], {"a": "back\\slash"}, 1.0)
    ]
    sent.append({})
    items = [
        Filter("p", operator, value) for operator in (Operator.EXACT, Operator.IS_NOT) for value in (*AWKWARD, tuple(AWKWARD))
    ]
    items += [Filter("p", operator, ()) for operator in (Operator.EXACT, Operator.IS_NOT)]
    check(rig, sent, items)


def test_strings_without_escapes_are_compared_without_a_statement(
    rig: Rig, failed: list[Part], monkeypatch: pytest.MonkeyPatch
) -> None:
    part, file, _ = place(rig, [{"p": value} for value in ("one", "zwölf", 3)])
    item = Filter("p", Operator.IS_NOT, ("zwölf", "three"))
    monkeypatch.setattr(Statements, "rows", lambda *_: pytest.fail("a statement was run"))
    told = answer(rig, part, file, item, failed)
    assert told is not None
    assert by_row(file, told, 3) == [True, False, True]


def test_what_is_plain_of_a_value_is_told_without_a_statement(
    rig: Rig, failed: list[Part], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of one that is a list, and of one that is absent."""
    values = [1, 2.5, -3, "x", 'a "b"', True, [1], None, 10**17, 1e-7, -0.0, 0]
    part, file, held = place(rig, [{"p": value} for value in values])
    rows = Statements.rows
    monkeypatch.setattr(Statements, "rows", lambda *_: pytest.fail("a statement was run"))
    orders = (Operator.GT, Operator.GTE, Operator.LT, Operator.LTE)
    items = [Filter("p", operator, bound) for operator in orders for bound in (2, 2.5, 0, 10**17, -(2**63), 2**64, 1e-7, 0.1)]
    for item in (*items, Filter("p", Operator.IS_SET), Filter("p", Operator.IS_NOT_SET)):
        told = answer(rig, part, file, item, failed)
        assert told is not None
        assert by_row(file, told, len(held)) == [matches(item, each) for each in held], item
    asked: list[Any] = []
    monkeypatch.setattr(Statements, "rows", lambda *given: asked.append(given) or rows(*given))
    long = place(rig, [{"p": value} for value in (2**63, 2**63 - 1, 2**53 + 1, 1.2345678901234567e-300, 1)])
    for bound in (2**63 - 1, 2**53, 0):
        item = Filter("p", Operator.GT, bound)
        told = answer(rig, long[0], long[1], item, failed)
        assert told is not None
        assert by_row(long[1], told, 5) == [matches(item, each) for each in long[2]], item
    assert len(asked) == 3


UNFIT: dict[str, list[Any]] = {
    "too many texts": [f"text {nth}" for nth in range(30)],
    "many numbers and a text": [*range(30), "x"],
    "many numbers, one of which is no double": [*range(30), 2**53 + 1],
    "more numbers than codes": list(range(60)),
    "a long text": ["x" * 2000],
}


@pytest.mark.parametrize("values", UNFIT.values(), ids=UNFIT)
def test_a_property_that_codes_can_not_say_is_left_to_the_part(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, failed: list[Part], values: list[Any]
) -> None:
    monkeypatch.setattr(property_codes, "MAX_TEXTS", 10)
    monkeypatch.setattr(property_codes, "MAX_NUMBERS", 50)
    part, file, _ = place(rig, [{"unfit": value, "fit": 1} for value in values])
    assert answer(rig, part, file, Filter("unfit", Operator.IS_SET), failed) is None
    assert answer(rig, part, file, Filter("fit", Operator.IS_SET), failed) is not None
    assert answer(rig, part, file, Filter("absent", Operator.IS_SET), failed) is not None


def test_of_more_names_than_are_kept_an_absent_one_is_not_known(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, failed: list[Part]
) -> None:
    monkeypatch.setattr(property_codes, "MAX_LISTED", 5)
    monkeypatch.setattr(property_codes, "MAX_PROPERTIES", 2)
    part, file, _ = place(rig, [dict.fromkeys("abcdef"[: 1 + nth % 6], nth % 2) for nth in range(12)])
    known = [name for name in "abcdefg" if answer(rig, part, file, Filter(name, Operator.IS_SET), failed) is not None]
    assert known == ["a", "b"]


def test_texts_of_several_files_are_asked_about_some_at_a_time(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, failed: list[Part]
) -> None:
    sent = [[{"p": f"{file}-{nth}" if nth % 3 else nth} for nth in range(20 + file)] for file in range(5)]
    placed = [place(rig, each) for each in sent]
    files = [(part, file) for part, file, _ in placed]
    for item in (
        Filter("p", Operator.REGEX, "[13]-.*[278]"),
        Filter("p", Operator.NOT_ICONTAINS, "3-1"),
        Filter("p", Operator.LT, 9),
    ):
        need = Condition(None, item)
        for taken, few in ((1, 0), (400, 2048), (9999, 0)):  # each file by itself, some together, all
            monkeypatch.setattr(key_conditions, "BYTES_TAKEN", taken)
            monkeypatch.setattr(key_conditions, "FEW_TEXTS", few)
            told = answers_of({need}, files, Statements(rig.database), lambda part, *_: failed.append(part), LIMITS)
            for _, file, held in placed:
                one = told[need, file]
                assert isinstance(one, Answer)
                assert by_row(file, one, len(held)) == [matches(item, each) for each in held]
    assert not failed


@pytest.mark.parametrize("odd", [2**53 + 1, "x", None, 2.5])
def test_numbers_from_some_on_are_kept_in_order_where_doubles_hold_them(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, failed: list[Part], odd: Any
) -> None:
    monkeypatch.setattr(property_codes, "MIN_NUMBERS", 12)
    part, file, held = place(rig, [{"n": number, "few": nth % 11} for nth, number in enumerate((*range(30, 18, -1), odd))])
    assert file.properties["n"].is_numeric is (odd is None or odd == 2.5)
    assert not file.properties["few"].is_numeric
    for item in (Filter("n", Operator.GT, 20), Filter("n", Operator.IS_NOT, 25), Filter("n", Operator.IS_SET)):
        told = answer(rig, part, file, item, failed)
        assert told is not None
        assert by_row(file, told, len(held)) == [matches(item, each) for each in held]


def test_files_with_the_same_values_share_what_is_made_of_them_and_equal_numbers_are_one_value(
    rig: Rig, failed: list[Part]
) -> None:
    values = ["b", None, 10, 10.0, "a", {"c": [1]}]
    some, others = ([{"p": each} for each in rows] for rows in (values * 4, [*reversed(values)] * 3))
    files = [(part, file) for part, file, _ in (place(rig, some), place(rig, others))]
    found = values_by_file(
        Valued("p", is_column=False), files, Statements(rig.database), lambda part, *_: failed.append(part), LIMITS
    )
    first, second = (found[file] for _, file in files)
    assert first.dictionary is second.dictionary
    assert sorted(map(str, first.dictionary.values)) == ['"a"', '"b"', "10", "None", '{"c":[1]}']
    for (_, file), held, sent in zip(files, (first, second), (some, others), strict=True):
        assert held.at is not None
        assert held.dictionary.places is not None
        with Reading(file) as reading:
            codes = held.dictionary.places[reading.codes(held.at, 0, len(sent), held.width)]
        assert [held.dictionary.values[code] == '"b"' for code in codes] == [each == {"p": "b"} for each in sent]
        assert [held.dictionary.values[code] == "10" for code in codes] == [each == {"p": 10} for each in sent]


def test_numbers_in_order_are_shown_as_those_of_rows(rig: Rig, failed: list[Part], monkeypatch: pytest.MonkeyPatch) -> None:
    sent = [{"n": number} for number in (*NUMBERS, *(1e-5 / 3, 1e16 + 2, 1 / 3, 123456789.125, 1e-7, 1e22, -5e-324))] * 2
    sent[3:3] = [{}, {"n": None}]
    params = Params()
    rig.buffer(rig.batch([event("e", "ann", NOON + nth, **held) for nth, held in enumerate(sent)]))
    text = Property("n", params).json()
    source = relation(rig.snapshot(), rig.folder, params)
    with rig.database.cursor() as cursor:
        expected = [row[0] for row in cursor.execute(f"select {text} from ({source}) order by id", params.values).fetchall()]
    monkeypatch.setattr(property_codes, "MAX_TEXTS", 10)
    part, file, _ = place(rig, sent)
    found = values_by_file(
        Valued("n", is_column=False), [(part, file)], Statements(rig.database), lambda part, *_: failed.append(part), LIMITS
    )[file]
    assert found.at is not None
    with Reading(file) as reading:
        codes = reading.codes(found.at, 0, len(sent), found.width)
    places = codes if found.dictionary.places is None else found.dictionary.places[codes]
    assert [found.dictionary.values[code] for code in places] == expected
    monkeypatch.setattr(key_values, "MAX_ASKED", 50)
    assert not values_by_file(Valued("n", is_column=False), [(part, file)], Statements(rig.database), lambda *_: None, LIMITS)


def test_a_columns_values_are_in_one_order_in_all_files_so_that_files_share_what_is_made_of_them(
    rig: Rig, failed: list[Part]
) -> None:
    sent: list[dict[str, Any]] = [*({"$country": each} for each in ("FR", "DE", "US")), {}]
    some, others = sent * 6, [*reversed(sent)] * 5
    files = [(part, file) for part, file, _ in (place(rig, some), place(rig, others))]
    found = values_by_file(
        Valued("country", is_column=True), files, Statements(rig.database), lambda part, *_: failed.append(part), LIMITS
    )
    first, second = (found[file] for _, file in files)
    assert first.dictionary is second.dictionary
    assert first.dictionary.values == (None, "DE", "FR", "US")
    for (_, file), held, rows in zip(files, (first, second), (some, others), strict=True):
        assert held.at is not None
        with Reading(file) as reading:
            codes = reading.codes(held.at, 0, len(rows), held.width)
        assert [held.dictionary.values[code] for code in codes] == [each.get("$country") for each in rows]


def test_a_file_that_is_gone_is_told_of(rig: Rig, failed: list[Part]) -> None:
    part, file, _ = place(rig, [{"n": nth} for nth in range(20)])
    (rig.folder / part.keys_path).unlink()
    assert answer(rig, part, file, Filter("n", Operator.GT, 3), failed) is None
    assert failed == [part]


def test_a_key_file_of_before_properties_had_codes_still_answers(rig: Rig, failed: list[Part]) -> None:
    part, file, _ = place(rig, [{"n": nth, "$country": "DE"} for nth in range(20)])
    footer = {
        "rows": 20, "origin_ms": file.origin_ms, "names": ["e"], "counts": [20], "columns": file.columns, "persons": file.persons,
    }  # fmt: skip
    old = KeyFile(file.path, msgspec.msgpack.decode(msgspec.msgpack.encode(footer), type=Footer), file.identity)
    assert answer(rig, part, old, Filter("n", Operator.GT, 3), failed) is None
    need = Condition("country", Filter("$country", Operator.EXACT, "DE"))
    told = answers_of({need}, [(part, old)], Statements(rig.database), lambda *_: None, LIMITS)[need, old]
    assert told.of_all(0, 20) is True
