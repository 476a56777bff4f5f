"""How rows are cut into chunks and batches."""

import json
from pathlib import Path
from typing import Any

import pytest
from imports_rig import FIREFOX, ROW, Kept, read, take, write_ndjson

from sv.imports import chunks
from sv.model.errors import InvalidParameter
from sv.model.limits import FOLD_ROWS


def rows(count: int, **more: Any) -> list[dict[str, Any]]:
    return [ROW | {"timestamp": ROW["timestamp"] + nth} | more for nth in range(count)]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 10)


@pytest.mark.usefixtures("small")
def test_a_chunk_ends_after_so_many_rows_good_or_bad_and_is_numbered_by_its_last_line(tmp_path: Path) -> None:
    lines: list[Any] = [*rows(4), b"bad", b"", *rows(20)]
    kept = read(write_ndjson(tmp_path / "f.ndjson", lines))
    assert [(chunk.number, chunk.rows, chunk.event_count) for chunk in kept.chunks] == [(11, 10, 9), (21, 10, 10), (26, 5, 5)]
    assert kept.events == [*rows(4), *rows(20)]


def test_a_chunk_has_no_more_rows_than_one_transaction_may_fold(tmp_path: Path) -> None:
    kept = read(write_ndjson(tmp_path / "f.ndjson", rows(30_000)))
    assert [chunk.event_count for chunk in kept.chunks] == [25_000, 5000]
    assert max(chunk.event_count for chunk in kept.chunks) <= FOLD_ROWS


def test_a_chunk_for_a_folder_at_rest_is_larger_as_far_as_its_engine_has_memory(tmp_path: Path) -> None:
    sizes = [chunks.size_at_rest(memory << 20) for memory in (128, 512, 4096)]
    assert [(size.rows, size.bytes >> 20) for size in sizes] == [(400_000, 16), (400_000, 32), (400_000, 128)]
    kept = Kept(sizes[0])
    take(write_ndjson(tmp_path / "f.ndjson", rows(30_000)), kept)
    assert [chunk.event_count for chunk in kept.chunks] == [30_000]


def test_a_chunk_ends_after_so_many_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "CHUNK_BYTES", 5000)
    kept = read(write_ndjson(tmp_path / "f.ndjson", rows(30, x="y" * 1000)))
    assert [chunk.rows for chunk in kept.chunks] == [5, 5, 5, 5, 5, 5]


@pytest.mark.usefixtures("small")
def test_a_chunk_whose_rows_are_all_bad_is_a_chunk_too(tmp_path: Path) -> None:
    kept = read(write_ndjson(tmp_path / "f.ndjson", [b"bad"] * 12))
    assert [(chunk.number, chunk.batches, len(chunk.rejections)) for chunk in kept.chunks] == [(10, [], 10), (12, [], 2)]


def test_a_batch_has_one_user_agent_and_at_most_as_many_events_as_an_ingest_request(tmp_path: Path) -> None:
    agents = [FIREFOX, "curl/8", None]
    lines = [row | {"user_agent": agents[nth % 3]} for nth, row in enumerate(rows(9000))]
    chunk = read(write_ndjson(tmp_path / "f.ndjson", lines)).chunks[0]
    assert sorted((batch.user_agent, len(batch.places)) for batch in chunk.batches) == sorted(
        [(agent or "", size) for agent in agents for size in (2000, 1000)]
    )
    for batch in chunk.batches:
        for place, event in zip(batch.places, json.loads(batch.events), strict=True):
            assert event["timestamp"] == ROW["timestamp"] + place - 1
            assert (event["properties"]["user_agent"] or "") == batch.user_agent


def test_each_of_many_user_agents_is_cut_where_ingest_cuts_it(tmp_path: Path) -> None:
    lines = [row | {"user_agent": f"{'x' * 600}{nth}"} for nth, row in enumerate(rows(3))]
    chunk = read(write_ndjson(tmp_path / "f.ndjson", lines)).chunks[0]
    assert [(batch.user_agent, len(batch.places)) for batch in chunk.batches] == [("x" * 512, 3)]


def test_places_are_right_where_ingests_rules_reject_rows_among_others(tmp_path: Path) -> None:
    lines: list[dict[str, Any]] = rows(5000)
    bad = {7: "INVALID_EVENT_NAME", 1999: "MISSING_IDENTITY", 2000: "PROPERTIES_TOO_LARGE", 4999: "INVALID_TIMESTAMP"}
    lines[7] |= {"event": " "}
    lines[1999] |= {"userId": None}
    lines[2000] |= {"x": "y" * 70_000}
    lines[4999] |= {"timestamp": "never"}
    kept = read(write_ndjson(tmp_path / "f.ndjson", lines))
    assert kept.rejected == [(nth + 1, code) for nth, code in bad.items()]
    places = [place for batch in kept.chunks[0].batches for place in batch.places]
    assert places == [nth + 1 for nth in range(5000) if nth not in bad]
    assert [event["timestamp"] for event in kept.events] == [ROW["timestamp"] + place - 1 for place in places]


def test_the_first_and_last_time_are_of_the_events_that_are_taken(tmp_path: Path) -> None:
    lines = [
        ROW | {"timestamp": "2999-01-01"},
        ROW | {"timestamp": 5000.9},
        ROW | {"timestamp": "1970-01-01"},
        ROW,
        ROW | {"event": "", "timestamp": 0},
    ]
    chunk = read(write_ndjson(tmp_path / "f.ndjson", lines)).chunks[0]
    assert (chunk.first_ms, chunk.last_ms) == (0, ROW["timestamp"])


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("done", [0, 1, 2, 3])
def test_the_chunks_after_a_stop_are_those_of_a_run_without_one(tmp_path: Path, done: int) -> None:
    path = write_ndjson(tmp_path / "f.ndjson", [*rows(13), b"bad", *rows(11)])
    whole = read(path).chunks

    class Resumed(Kept):
        def taken_up_to(self, import_id: str) -> int:
            return whole[done - 1].number if done else 0

    resumed = Resumed()
    take(path, resumed)
    assert resumed.chunks == whole[done:]


@pytest.mark.parametrize(
    "name", ["event", "timestamp", "userId", "sessionId", "groups", "eventId", "properties", "other", "user_agent"]
)
@pytest.mark.parametrize("levels", [33, 300, 900])
def test_a_row_that_nests_deeply_anywhere_costs_itself_alone(tmp_path: Path, name: str, levels: int) -> None:
    deep = json.loads("[" * levels + "]" * levels)
    value = {"k": deep} if name == "properties" else deep
    kept = read(write_ndjson(tmp_path / "f.ndjson", [*rows(40), ROW | {name: value}, *rows(40)]))
    assert [at for at, _ in kept.rejected] == [41]
    assert len(kept.events) == 80


def test_a_row_by_which_ingest_would_refuse_a_whole_request_is_found_and_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decode = chunks.decode

    def picky(body: bytes, now_ms: int) -> Any:
        if b"poison" in body:
            raise InvalidParameter("no")
        return decode(body, now_ms)

    monkeypatch.setattr(chunks, "decode", picky)
    poison = ROW | {"event": "poison"}
    by_itself = {"x": 1}  # a property as a column: no block takes such a row
    lines = [row | by_itself for row in (*rows(1500), poison, *rows(700), poison)]
    kept = read(write_ndjson(tmp_path / "f.ndjson", lines))
    assert kept.rejected == [(1501, "UNREADABLE"), (2202, "UNREADABLE")]
    assert len(kept.events) == 2200
