"""Events as large as they may be, as many as may wait: whoever has a project's public token can send them, and a flush has to write them with
what memory the engine has."""

import contextlib
import random
import string
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import msgspec
import pytest
from folder_rig import MIB, PROJECT, Folder, now_ms

from sv.engine.duck import files
from sv.model.batch import VERSION, Batch, encode_batch
from sv.model.errors import Unavailable
from sv.settings.memory import MIN_ENGINE_BYTES, engine_bytes
from sv.store.importing import ImportBatch, ImportChunks

LIMIT = 384 * MIB
"""The largest with which the engine has the least that it may have, and the most that may wait for that."""

HELD_BYTES = 50 * MIB
"""As much as may wait at this limit."""

KINDS = {"large among small ones": (60_000, 20), "not quite large": (3_900, 0)}
"""Bytes of each event's properties; small events for each of them."""

TEXT = "".join(random.Random(1).choices(string.ascii_letters, k=200_000))


def properties_of(number: int, size: int) -> dict[str, str]:
    begin = number * 37 % 100_000
    return {"n": str(number), "text": TEXT[begin : begin + size]}


def batches(kind: str, held_bytes: int) -> Iterator[tuple[int, bytes]]:
    """(events, their JSON) of batches of a megabyte, so many bytes in all."""
    size, small = KINDS[kind]
    number = 0
    while number * size < held_bytes:
        events: list[dict[str, object]] = []
        for _ in range(MIB // size):
            at = {"timestamp": now_ms(), "userId": f"user {number % 40}"}
            events.append({"event": "crash", **at, "properties": properties_of(number, size)})
            events += [{"event": "small", **at, "properties": {"n": "small"}} for _ in range(small)]
            number += 1
        yield len(events), msgspec.json.encode(events)


def large_bytes_by_file(folder: Folder) -> list[int]:
    tables = folder.server.store.tables
    return [tables.large_bytes(folder.path / part.path) for part in folder.server.catalog.parts()]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    assert engine_bytes(LIMIT) == MIN_ENGINE_BYTES
    made = Folder(tmp_path / "data", memory_limit=LIMIT)
    yield made
    made.close()


def merge(folder: Folder) -> None:
    """As the server does, which tries again later: how much of a file two threads hold at once differs a little from time to time."""
    for _ in range(2):
        with contextlib.suppress(Unavailable):
            folder.merge()
            return
    folder.merge()


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_may_wait_can_be_written_and_merged(folder: Folder, kind: str) -> None:
    sent = 0
    for count, content in batches(kind, HELD_BYTES):
        batch = Batch(VERSION, PROJECT, now_ms(), count, "", None, b"", b"", content)
        folder.server.store_now(batch, encode_batch(batch))
        sent += count
    assert folder.server.store.held_bytes > 48 * MIB
    folder.flush()
    assert folder.server.store.held_bytes == 0
    parts = folder.server.catalog.parts()
    assert sum(part.rows for part in parts) == sent
    most = MIN_ENGINE_BYTES // 32
    assert max(large_bytes_by_file(folder)) <= most + KINDS[kind][0], "one row may stand over"
    if kind == "not quite large":
        assert len(parts) == 2, "a quarter of the engine's memory each"
    folder.put("0", "0")
    folder.flush()
    merge(folder)
    assert sum(part.rows for part in folder.server.catalog.parts()) == sent + 2
    assert max(large_bytes_by_file(folder)) <= most + KINDS[kind][0]
    assert folder.server.maintenance.fault is None


VALUES = {
    "numbers": [1] * 32_000,
    "lists": [[]] * 21_000,
    "names": {f"{number:x}": 1 for number in range(7_000)},
    "doubles": [1e15] * 3_000,
}
"""Properties of about 64 KiB, which are many values: sixteen bytes of memory each, where they are taken apart."""


@pytest.mark.parametrize("kind", VALUES)
def test_a_request_of_as_many_values_as_it_may_hold_is_taken_in_by_the_smallest_server(folder: Folder, kind: str) -> None:
    count = 10 * MIB // len(msgspec.json.encode(VALUES[kind]))
    ids = [str(UUID(int=number % (count - 1) + 1)) for number in range(count)]  # the last one repeats the first
    events = [
        {"event": "crash", "timestamp": now_ms(), "userId": "ann", "eventId": each, "properties": {"n": each, "x": VALUES[kind]}}
        for each in ids
    ]
    batch = Batch(VERSION, PROJECT, now_ms(), count, "", None, b"", b"", msgspec.json.encode(events))
    folder.server.store_now(batch, encode_batch(batch))
    assert folder.numbers() == Counter(ids[:-1])
    folder.flush()
    assert folder.server.store.held_bytes == 0
    assert folder.numbers() == Counter(ids[:-1])
    assert folder.server.maintenance.fault is None


def test_small_parts_are_merged_beside_large_ones(folder: Folder) -> None:
    for count, content in batches("large among small ones", 9 * MIB):
        batch = Batch(VERSION, PROJECT, now_ms(), count, "", None, b"", b"", content)
        folder.server.store_now(batch, encode_batch(batch))
    folder.flush()
    assert len(folder.server.catalog.parts()) == 3, "four megabytes each, and the rest"
    before = folder.numbers()
    names = [f"late {number}" for number in range(3)]
    for name in names:
        folder.put(name)
        folder.flush()
    folder.merge()
    folder.merge()
    assert len(folder.server.catalog.parts()) == 3, "the late ones and the rest are one"
    assert folder.numbers() == before + Counter(names)


def test_an_import_of_large_events_is_cut_into_files_as_well(folder: Folder) -> None:
    chunk = [ImportBatch("", count, content) for count, content in batches("large among small ones", 9 * MIB)]
    imports = ImportChunks(folder.server.store, folder.server.parts, folder.server.maintenance, now_ms=now_ms)
    taken = imports.store(PROJECT, "import", 0, chunk)
    assert taken == sum(batch.event_count for batch in chunk)
    assert len(folder.server.catalog.parts()) == 3
    large = taken // (KINDS["large among small ones"][1] + 1)
    assert folder.numbers() == Counter({str(number): 1 for number in range(large)}) + Counter({"small": taken - large})


def test_a_part_too_large_to_be_looked_at_is_left_alone_and_others_are_merged(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("old", "new", "newest"):
        folder.put(name)
        folder.flush()
    whole, tables = files.large_bytes, folder.server.store.tables
    old = folder.server.catalog.parts()[0]

    def too_large(cursor: Any, path: Path, memory_bytes: int) -> int:
        if path == folder.path / old.path:
            raise duckdb.OutOfMemoryException("Out of Memory Error")
        return whole(cursor, path, memory_bytes)

    monkeypatch.setattr(files, "large_bytes", too_large)
    assert tables.large_bytes(folder.path / old.path) > tables.most_large_bytes
    folder.merge()
    assert sorted(part.rows for part in folder.server.catalog.parts()) == [1, 2]
    assert folder.numbers() == Counter(["old", "new", "newest"])
