"""Filters of values that have no codes: what is there is always found, what isn't mostly not, and pages are the same with and without them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sv.engine.duck.keys import fingerprints, key_blocks, property_codes
from sv.engine.duck.keys.fingerprints import Fingerprints, filters_of, hashes_of, may_hold, sought
from sv.engine.duck.keys.key_files import KeyFile, Reading
from sv.engine.duck.pages import newest
from sv.engine.duck.schema import COLUMNS
from sv.engine.port import Matcher
from sv.insights.events import list_events
from sv.model.filters import Filter, Operator, matches
from sv.model.queries import EventsQuery
from tests.chance import examples
from tests.engine.filter_rig import BORDERS, FRACTIONS, HOSTILE
from tests.engine.rig import ALL, NOON, Event, Rig, State, event, opened
from tests.engine.test_engine_lists import walk

VALUES = st.one_of(
    st.sampled_from([*HOSTILE, *BORDERS, *FRACTIONS, True, False, "", "true", "1", 1, 1.0, -0.0, 0, 2**63, 10**20, 1e300]),
    st.text(max_size=90),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
)


@pytest.fixture
def no_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Properties with three values and more have none, and blocks are of a few rows."""
    monkeypatch.setattr(property_codes, "MAX_TEXTS", 2)
    monkeypatch.setattr(property_codes, "MAX_NUMBERS", 2)
    for module in (fingerprints, key_blocks):
        monkeypatch.setattr(module, "BLOCK_ROWS", 7)
    monkeypatch.setattr(newest, "MIN_ROWS", 0)


def placed(rig: Rig, sent: Sequence[Event]) -> tuple[KeyFile, list[Any]]:
    """And the values as they are stored, in the order of time."""
    rig.flush(rig.buffer(rig.batch(sent)))
    stored = [msgspec.json.decode(row.properties)["own"] for row in reversed(rig.rows(limit=1000))]
    part = rig.parts.pop()
    rig.index([part])
    ((_, file),) = rig.tables.key_files.of([part])
    return file, stored


@given(values=st.lists(VALUES, min_size=12, max_size=40))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=examples(20))
def test_what_is_there_is_found_in_its_block(shared_rig: Rig, no_codes: None, values: list[Any]) -> None:
    rig = shared_rig
    sent = [event("e", "ann", NOON + nth, own=value) for nth, value in enumerate(values)]
    file, stored = placed(rig, sent)
    prints = file.fingerprints.get("own")
    if prints is None:  # few values after all
        assert file.properties["own"] is not None
        return
    with Reading(file) as reading:
        for value in stored:
            wanted = sought(Filter("own", Operator.EXACT, value))
            if wanted is None:
                continue
            blocks = reading.blocks_with(prints, wanted)
            holders = {
                nth // 7 for nth, held in enumerate(stored) if matches(Filter("own", Operator.EXACT, value), {"own": held})
            }
            assert holders <= blocks, ascii(value)


def hash_of(value: Any) -> Any:
    hashes = hashes_of([value])
    return None if hashes is None else hashes[0]


def test_values_of_different_types_have_different_fingerprints() -> None:
    values = ["1", 1, True, "true", "", 0, False, "false", " ", "\0", "\0\0", "a" * 64, "a" * 65, "a" * 72, "a" * 80]
    hashes = [hash_of(value) for value in values]
    assert len(set(hashes)) == len(values)
    assert hash_of(1) == hash_of(1.0)
    assert hash_of(0) == hash_of(-0.0)
    assert hash_of(10**400) is None


def test_fingerprints_stay_what_they_are() -> None:
    """Key files of all releases hold them."""
    values: list[Any] = ["", "order-1", "ü" * 50, 7, 7.5, -1e300, True, False]
    assert [int(value) for value in map(hash_of, values) if value is not None] == [
        6238072747940578789, 10464571122610978420, 7184612674678325885, 9573706037529482689, 15738027117124211636, 7145550263470099649,
        2870177450012600261, 10309964565302152801,
    ]  # fmt: skip


def test_few_of_those_that_are_not_there_are_found(rig: Rig) -> None:
    with rig.database.cursor() as cursor:
        path = rig.folder / "events" / "many.parquet"
        columns = ", ".join(
            "'{\"own\":\"order ' || i || '\"}' as properties" if name == "properties" else f'null::{kind} as "{name}"'
            for name, kind in COLUMNS.items()
        )
        cursor.execute(f"copy (select {columns} from range(30000) r(i)) to '{path}' (format parquet)")
        (filters,) = filters_of(cursor, path, 30_000, ["own"])
    assert filters.data.size <= 30_000 * 2.2
    prints = Fingerprints(0, filters.blocks, filters.buckets)

    def found(value: str) -> int:
        wanted = hash_of(value)
        assert wanted is not None
        (place,) = prints.places(np.array([wanted]))
        size = fingerprints.BUCKET_BYTES * filters.blocks
        buckets = filters.data[place : place + size].view(np.uint32).reshape(1, filters.blocks, -1)
        return int(may_hold(buckets, np.array([wanted])).sum())

    assert all(found(f"order {nth}") >= 1 for nth in range(0, 30_000, 97))
    assert sum(found(f"no order {nth}") for nth in range(5000)) / (5000 * filters.blocks) < 0.01


@pytest.mark.parametrize("operator", list(Operator))
def test_only_what_has_to_equal_a_value_is_sought(operator: Operator) -> None:
    assert (sought(Filter("own", operator, "x")) is not None) is (operator is Operator.EXACT)
    assert sought(None) is None


def crowd() -> list[Event]:
    return [
        event(
            "view" if nth % 3 else "buy",
            f"person-{nth % 7}",
            NOON + nth % 50 * 1000,
            order=f"order {nth}",
            amount=nth / 8,
            plan=nth % 2,
        )
        for nth in range(240)
    ]


def test_pages_of_one_value_are_the_same_in_every_state(rig: Rig, state: State, no_codes: None) -> None:
    sent = crowd()
    rig.place_events(sent, state)
    for item in (
        Filter("order", Operator.EXACT, "order 17"),
        Filter("order", Operator.EXACT, ("order 3", "order 200", "nothing")),
        Filter("amount", Operator.EXACT, 3),
        Filter("amount", Operator.EXACT, "3"),
        Filter("order", Operator.EXACT, "nothing"),
        Filter("order", Operator.IS_NOT, "order 17"),
        Filter("nobody's", Operator.EXACT, "order 17"),
    ):
        expected = [held["properties"] for held in sent if matches(item, held["properties"])]
        for name in (None, "buy"):
            shown = walk(rig, 100, filters=(item,), event=name)
            found = [{key: value for key, value in row["properties"].items() if not key.startswith("$")} for row in shown]
            wanted = [
                each
                for each, held in ((held["properties"], held) for held in sent)
                if each in expected and name in (None, held["event"])
            ]
            assert sorted(found, key=str) == sorted(wanted, key=str), (item, name)


def test_a_value_that_no_file_has_is_known_without_reading_one(rig: Rig, no_codes: None, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.place_events(crowd(), "merged")
    (part,) = rig.parts
    absent = next(f"none {nth}" for nth in range(100) if not _rows(rig, f"none {nth}")[part.part_id])
    (rig.folder / part.path).unlink()
    assert list_events(rig.context(), EventsQuery(filters=(Filter("order", Operator.EXACT, absent),)))["data"] == []


def test_a_value_is_read_in_the_blocks_that_may_hold_it(rig: Rig, no_codes: None) -> None:
    rig.place_events(crowd(), "days")
    (part,) = rig.parts
    rows = _rows(rig, "order 17")[part.part_id]
    assert 1 <= len(rows) < 4
    assert all(high - low == 7 for low, high in rows)


@pytest.mark.parametrize("limit", [1, 10, 49, 50, 100])
def test_a_short_page_of_one_value_in_one_block_is_answered(rig: Rig, no_codes: None, limit: int) -> None:
    rig.place_events(crowd(), "days")
    order = next(f"order {nth}" for nth in range(240) if sum(map(len, _rows(rig, f"order {nth}").values())) == 1)
    query = EventsQuery(filters=(Filter("order", Operator.EXACT, order),), limit=limit)
    assert [row["properties"]["order"] for row in list_events(rig.context(), query)["data"]] == [order]


def _rows(rig: Rig, order: str) -> dict[int, Any]:
    item = Filter("order", Operator.EXACT, order)
    return dict(rig.engine._key_reader.rows(rig.parts, ALL, Matcher(None, (item,))))


def test_a_key_file_of_before_has_none_and_answers_as_ever(rig: Rig, no_codes: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fingerprints, "MAX_PROPERTIES", 0)
    rig.place_events(crowd(), "merged")
    ((_, file),) = rig.tables.key_files.of(rig.parts)
    assert not file.fingerprints
    shown = list_events(rig.context(), EventsQuery(filters=(Filter("order", Operator.EXACT, "order 17"),)))["data"]
    assert [row["properties"]["order"] for row in shown] == ["order 17"]


def test_a_file_that_is_gone_is_told_of_and_the_part_is_read(rig: Rig, no_codes: None) -> None:
    rig.place_events(crowd(), "merged")
    ((part, file),) = rig.tables.key_files.of(rig.parts)
    file.path.unlink()
    assert len(rig.rows(ALL, Matcher(None, (Filter("order", Operator.EXACT, "order 17"),)), limit=10)) == 1
    assert not rig.tables.key_files.of([part])


def test_values_of_wide_events_are_read_in_the_memory_of_a_small_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A function for each of the eight properties took three times the engine's memory."""
    monkeypatch.setattr(property_codes, "MAX_PROPERTIES", 0)
    others: dict[str, Any] = {"other": list(range(400))}  # of as many events, and later in the alphabet
    values = [f"a {nth}" for nth in range(fingerprints.MAX_PROPERTIES)]
    with opened(tmp_path, memory_bytes=64 << 20) as rig:
        sent = [event("e", "ann", NOON + nth, **dict.fromkeys(values, f"{nth}"), **others) for nth in range(800)]
        rig.place_events(sent, "days")
        ((_, file),) = rig.tables.key_files.of(rig.parts)
        assert sorted(file.fingerprints) == sorted(file.values) == values
