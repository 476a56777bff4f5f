"""Batches that are too large for the engine's memory come in part by part, as they would have in one go, entirely or not at all."""

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest

from sv.engine.duck.buffer import batch_parts
from sv.engine.duck.buffer import drain as draining
from sv.model.batch import StoredBatch
from tests.engine.rig import NOON, BadBatch, Event, Rig, event, opened


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches are taken apart a kilobyte at a time."""
    monkeypatch.setattr(batch_parts, "PART_SHARE", 1 << 40)
    monkeypatch.setattr(batch_parts, "MIN_PART_BYTES", 1000)


def many(count: int) -> list[Event]:
    """Events of different sizes, two of each id."""
    return [
        event("e" if number % 3 else "f", f"p{number % 7}", NOON + number, n=number, text="x" * (number * 131 % 1700))
        | {"eventId": str(uuid.UUID(int=number // 2 + 1))}
        for number in range(count)
    ]


def test_what_is_drained_in_parts_is_the_same_as_in_one_go(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    found: list[list[dict[str, Any]]] = []
    for name in ("whole", "parts"):
        if name == "parts":
            request.getfixturevalue("small_parts")
        with opened(tmp_path / name) as rig:
            sent = [rig.batch(many(60), seq=7), rig.batch(many(3), seq=8), rig.batch([event("late", "ann", NOON)], seq=9)]
            assert batch_parts.are_large(sent, batch_parts.part_bytes(rig.tables.memory_bytes)) == (name == "parts")
            assert rig.tables.drain(rig.buffer(), sent) == 31
            found.append(rig.table("* exclude (person)"))  # persons have their numbers in the order in which they come
    assert found[0] == found[1]
    assert len({row["id"] for row in found[0]}) == 31


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("end", [b",5]", b',{"event":null}]', b""])
def test_of_what_is_drained_in_parts_nothing_stays_where_one_is_bad(rig: Rig, end: bytes) -> None:
    large = rig.batch(many(40))
    spoilt = msgspec.structs.replace(large.batch, events=large.batch.events[:-1] + end, event_count=41)
    generation = rig.buffer(rig.batch([event("before", "ann", NOON)]))
    with pytest.raises(BadBatch):
        rig.tables.drain(generation, [StoredBatch(large.seq, spoilt)])
    assert [row["event"] for row in rig.table("event")] == ["before"]
    assert rig.tables.drain(generation, [large]) == 20, "nor are its event ids remembered"


@pytest.mark.usefixtures("small_parts")
def test_parts_that_take_too_much_memory_are_tried_in_smaller_ones(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    large = rig.batch(many(40))
    generation = rig.buffer()
    tried: list[int] = []
    staged = draining.stage_batches

    def refuse(cursor: Any, batches: Sequence[StoredBatch], *others: Any) -> Any:
        tried.append(sum(stored.batch.event_count for stored in batches))
        if len(tried) == 2:
            raise duckdb.OutOfMemoryException("no more")
        return staged(cursor, batches, *others)

    monkeypatch.setattr(draining, "stage_batches", refuse)
    assert rig.tables.drain(generation, [large]) == 20
    assert sum(tried[2:]) == 40
    assert len(tried) > 40 * 3 // 4, "an event each, but for the smallest"
    assert len(rig.table("id")) == 20
