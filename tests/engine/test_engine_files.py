"""Parts: what a flush and a merge write, that anybody can read it, and that damage is noticed."""

import os
import random
import time
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sv.engine.duck import files
from sv.engine.duck.files import is_readable
from sv.engine.duck.schema import COLUMNS
from sv.engine.port import UnreadablePart
from sv.insights.events import list_events
from sv.model.errors import Unavailable
from sv.model.limits import DAY_MS
from sv.model.queries import EventsQuery
from sv.store.catalog import Catalog
from tests.engine.rig import NOON, RECEIVED, Event, Rig, event, events, opened

MIDNIGHT = NOON + DAY_MS // 2


def spread(count: int, seed: int = 1) -> list[Event]:
    rng = random.Random(seed)
    return [
        event(rng.choice(["view", "buy", "ü"]), f"person-{rng.randrange(40)}", NOON + rng.randrange(3 * DAY_MS), n=n)
        for n in range(count)
    ]


def test_a_flush_writes_a_part_a_project_and_utc_day(rig: Rig) -> None:
    times = [MIDNIGHT - 1, MIDNIGHT, MIDNIGHT + DAY_MS - 1, MIDNIGHT + DAY_MS, 0]
    generation = rig.buffer(
        rig.batch([event("e", "ann", at_ms) for at_ms in times], received_ms=RECEIVED + 5),
        rig.batch([event("e", "ann", MIDNIGHT)], project="q"),
    )
    groups = [(group.project_id, group.day, group.rows) for group in rig.tables.buffer_groups(generation)]
    assert groups == [
        ("p", "2025-06-16", 2), ("p", "1970-01-01", 1), ("p", "2025-06-15", 1), ("p", "2025-06-17", 1), ("q", "2025-06-16", 1),
    ]  # fmt: skip
    rig.flush(generation)
    facts = [(part.project_id, part.day, part.rows, part.min_ts_ms, part.max_ts_ms, part.min_received_ms) for part in rig.parts]
    assert facts[0] == ("p", "2025-06-16", 2, MIDNIGHT, MIDNIGHT + DAY_MS - 1, RECEIVED + 5)
    assert facts[1] == ("p", "1970-01-01", 1, 0, 0, RECEIVED + 5)
    assert [part.bytes for part in rig.parts] == [(rig.folder / part.path).stat().st_size for part in rig.parts]
    assert len(rig.rows()) == 5


def test_several_days_may_share_a_part(rig: Rig) -> None:
    generation = rig.buffer(rig.batch(events("ann: a@0d, b@1d, c@2d, d@3d")))
    (rig.folder / "events").mkdir(exist_ok=True)
    facts = rig.tables.write_buffer_days(
        generation, "p", ["2025-06-15", "2025-06-17", "2025-06-18"], rig.folder / "events" / "many.parquet"
    )
    assert (facts.rows, facts.min_ts_ms, facts.max_ts_ms) == (3, NOON, NOON + 3 * DAY_MS)


def read(path: Path) -> list[dict[str, Any]]:
    return pq.read_table(path).to_pylist()


@pytest.mark.parametrize("how", ["flush", "merge"])
def test_a_part_is_sorted_from_its_first_row_to_its_last_and_opens_elsewhere(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(files, "GROUP_ROWS", 2048)  # so that several threads write several groups
    sent = spread(9000)
    if how == "flush":
        rig.buffer(*[rig.batch(sent[start : start + 1500]) for start in range(0, len(sent), 1500)])
    else:
        for start in range(0, len(sent), 1500):
            rig.flush(rig.buffer(rig.batch(sent[start : start + 1500])))
    held = rig.table("*")
    if how == "flush":
        (rig.folder / "events").mkdir(exist_ok=True)
        path = rig.folder / "events" / "all.parquet"
        days = [group.day for group in rig.tables.buffer_groups(rig.buffers[0])]
        rig.tables.write_buffer_days(rig.buffers[0], "p", days, path)
    else:
        path = rig.folder / "events" / "all.parquet"  # of too few rows for slices of time
        rig.tables.merge_files([rig.folder / part.path for part in rig.parts], path)
    file = pq.ParquetFile(path)
    assert file.num_row_groups > 2
    assert file.schema_arrow.names == list(COLUMNS)
    assert (file.metadata.metadata or {})[b"sv_schema"] == b"1"
    assert {file.metadata.row_group(0).column(n).compression for n in range(len(COLUMNS))} == {"ZSTD"}
    rows = read(path)
    keys = [(row["event"].encode(), row["person"], row["timestamp"], row["id"]) for row in rows]
    assert keys == sorted(keys)
    ours = {str(row["id"]): row["properties"] for row in held}
    theirs = {str(row["id"] if not isinstance(row["id"], bytes) else _uuid(row["id"])): row["properties"] for row in rows}
    assert theirs == ours


def _uuid(raw: bytes) -> str:
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


@pytest.mark.parametrize("name", ["we[i]rd", "st*r", "q?", "[", "it's", "sp ce", "ü", "b\\s", "a{b,c}", "semi;--"])
def test_a_data_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    with opened(tmp_path / name) as rig:
        for _ in range(2):
            rig.flush(rig.buffer(rig.batch(events("ann: e@0m"))))
        assert len(rig.rows()) == 2
        rig.merge()
        assert len(rig.rows()) == 2
        assert rig.tables.is_readable(rig.folder / rig.parts[0].path)


# ---- Damage ----


def damage(path: Path, how: str) -> None:
    """Break a file of a few KB. It keeps its length where that can be."""
    raw = path.read_bytes()
    footer = int.from_bytes(raw[-8:-4], "little") + 8
    random_bytes = random.Random(1).randbytes
    path.write_bytes(
        {
            "gone": raw,
            "empty": b"",
            "cut": raw[: len(raw) // 2],
            "cut by a byte": raw[:-1],
            "zeroed": bytes(len(raw)),
            "zeroed rows": bytes(len(raw) - footer) + raw[-footer:],
            "zeroed footer": raw[:-footer] + bytes(footer - 8) + raw[-8:],
            "garbage": random_bytes(len(raw)),
            "garbage rows": raw[:4] + random_bytes(len(raw) - footer - 4) + raw[-footer:],
            "garbage footer": raw[:-footer] + random_bytes(footer - 8) + raw[-8:],
            "long footer": raw[:-8] + b"\xff\xff\xff\x7f" + raw[-4:],
        }[how]
    )
    # As any later write would; DuckDB looks at the time before it uses what it remembers of a file.
    os.utime(path, (time.time() + 60, time.time() + 60))
    if how == "gone":
        path.unlink()


DAMAGES = [
    "gone", "empty", "cut", "cut by a byte", "zeroed", "zeroed rows", "zeroed footer", "garbage", "garbage rows", "garbage footer", "long footer",
]  # fmt: skip


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_part_is_noticed_by_queries_and_by_the_check(rig: Rig, how: str) -> None:
    rig.flush(rig.buffer(rig.batch(spread(300))))
    rig.buffer(rig.batch(events("ann: e@0m", start_ms=NOON + 9 * DAY_MS)))
    path = rig.folder / rig.parts[0].path
    assert rig.tables.is_readable(path)
    damage(path, how)
    with pytest.raises(UnreadablePart):
        list_events(rig.context(), EventsQuery(limit=1000))
    assert not rig.tables.is_readable(path)
    assert all(rig.tables.is_readable(rig.folder / part.path) for part in rig.parts[1:])
    # The others can still be read, and so can the buffer.
    rig.parts = rig.parts[1:]
    assert len(list_events(rig.context(), EventsQuery(limit=1000))["data"]) == sum(part.rows for part in rig.parts) + 1


@pytest.mark.parametrize("column", ["id", "event", "timestamp", "person", "properties", "is_bot"])
def test_damage_in_one_column_is_noticed_by_the_check(rig: Rig, column: str) -> None:
    rig.flush(rig.buffer(rig.batch(spread(300))))
    path = rig.folder / rig.parts[0].path
    chunk = pq.ParquetFile(path).metadata.row_group(0).column(list(COLUMNS).index(column))
    broken = bytearray(path.read_bytes())
    start = min(chunk.dictionary_page_offset or chunk.data_page_offset, chunk.data_page_offset)
    broken[start : start + chunk.total_compressed_size] = bytes(chunk.total_compressed_size)
    victim = path.with_name("broken.parquet")
    victim.write_bytes(broken)
    assert not rig.tables.is_readable(victim)


def test_random_damage_never_brings_the_engine_down(rig: Rig) -> None:
    rig.flush(rig.buffer(rig.batch(spread(300))))
    path = rig.folder / rig.parts[0].path
    whole = path.read_bytes()
    rng = random.Random(2)
    noticed = 0
    for number in range(60):
        broken = bytearray(whole)
        # Most of it in the footer, where lengths and offsets are.
        for _ in range(rng.choice([1, 1, 5])):
            place = (
                rng.randrange(len(whole))
                if rng.random() < 0.4
                else len(whole) - 9 - rng.randrange(int.from_bytes(whole[-8:-4], "little"))
            )
            broken[place] = rng.randrange(256)
        victim = path.with_name(f"broken-{number}.parquet")
        victim.write_bytes(broken)
        noticed += not rig.tables.is_readable(victim)
        victim.unlink()
    assert noticed > 20
    assert rig.tables.is_readable(path)
    assert len(rig.rows()) == 300


def test_a_machine_out_of_file_handles_says_nothing_about_a_file(rig: Rig) -> None:
    import resource

    rig.flush(rig.buffer(rig.batch(spread(20))))
    path = rig.folder / rig.parts[0].path
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (1, hard))
        with pytest.raises(Unavailable):
            rig.tables.is_readable(path)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert rig.tables.is_readable(path)


def test_a_merge_over_a_damaged_part_says_that_it_can_t(rig: Rig) -> None:
    for _ in range(2):
        rig.flush(rig.buffer(rig.batch(events("ann: e@0m"))))
    damage(rig.folder / rig.parts[0].path, "garbage")
    with pytest.raises(Exception, match=r"(?i)parquet"):
        rig.merge()


class Failing:
    """A cursor whose engine is at fault."""

    def __init__(self, error: duckdb.Error) -> None:
        self._error = error

    def execute(self, *_: object) -> None:
        raise self._error


@pytest.mark.parametrize("error", [duckdb.FatalException, duckdb.InternalException, duckdb.ConnectionException])
def test_an_engine_that_failed_says_nothing_about_a_whole_file(rig: Rig, error: type[duckdb.Error]) -> None:
    rig.flush(rig.buffer(rig.batch(spread(20))))
    path = rig.folder / rig.parts[0].path
    with pytest.raises(error):
        is_readable(Failing(error("the database has been invalidated")), path)  # type: ignore[arg-type]
    content = path.read_bytes()
    path.write_bytes(content[:200] + bytes(len(content) - 400) + content[-200:])
    if error is not duckdb.ConnectionException:
        assert not is_readable(Failing(error("of the file")), path)  # type: ignore[arg-type]


def test_what_another_engine_can_read_is_not_damaged(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    rig.flush(rig.buffer(rig.batch(spread(20))))
    path = rig.folder / rig.parts[0].path
    assert is_readable(Failing(duckdb.InvalidInputException("of this engine alone")), path)  # type: ignore[arg-type]
    assert "only by another engine" in caplog.text
    with pytest.raises(duckdb.PermissionException):
        is_readable(Failing(duckdb.PermissionException("a mistake of ours")), path)  # type: ignore[arg-type]
    path.write_bytes(path.read_bytes()[:-1])
    assert not is_readable(Failing(duckdb.InvalidInputException("of the file")), path)  # type: ignore[arg-type]
    # Another thread gave a handle back by the time somebody looks again.
    for words in ("Too many open files", "Permission denied"):
        with pytest.raises(OSError, match=words):
            is_readable(Failing(duckdb.IOException(f"IO Error: Cannot open file: {words}")), path)  # type: ignore[arg-type]


def with_a_negative_size(content: bytes) -> bytes:
    """A file one bit of whose footer, in a column's size, is the other way round. DuckDB takes it for a fault within itself."""
    number = pq.ParquetFile(pa.BufferReader(content)).metadata.row_group(0).column(0).total_compressed_size * 2  # thrift's zigzag
    at = content.rindex(bytes([number & 127 | 128, number >> 7 & 127 | (128 if number >> 14 else 0)]))
    return content[:at] + bytes([content[at] | 1]) + content[at + 1 :]


def test_a_file_at_which_the_engine_fails_is_found_by_the_next_one_that_is_opened(tmp_path: Path) -> None:
    catalog = Catalog([])
    with opened(tmp_path, on_fault=catalog.note_suspects) as rig:
        for n in range(3):
            rig.flush(rig.buffer(rig.batch(spread(100, seed=n))))
        parts = {part.part_id: part for part in rig.parts}
        catalog.replace(by=rig.parts)
        path = rig.folder / rig.parts[1].path
        path.write_bytes(with_a_negative_size(path.read_bytes()))
        read = catalog.take("p", rig.parts[1].min_ts_ms, rig.parts[1].max_ts_ms + 1)
        with pytest.raises(Unavailable, match="engine failed"):
            list_events(rig.context(), EventsQuery(limit=1000))
        catalog.release(read)
        assert rig.database.fault is not None
        assert {part.part_id for part in catalog.suspects()[0]} == {part.part_id for part in read.parts}
        assert [part.path for part in parts.values() if not rig.tables.is_readable(rig.folder / part.path)] == [rig.parts[1].path]


@pytest.mark.parametrize("is_lasting", [False, True])
def test_an_error_of_the_engine_is_a_fault_where_it_refuses_everything_after_it(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, is_lasting: bool
) -> None:
    if is_lasting:
        monkeypatch.setattr(rig.database, "_root", FailedRoot(rig.database._root))  # pyright: ignore[reportPrivateUsage]
    with pytest.raises(Unavailable, match="the engine failed"), rig.database.cursor():
        raise duckdb.InternalException("INTERNAL Error: size mismatch\nstack")
    assert rig.database.fault == ("INTERNAL Error: size mismatch" if is_lasting else None)


class FailedRoot:
    def __init__(self, root: duckdb.DuckDBPyConnection) -> None:
        self.cursor = root.cursor
        self.close = root.close

    def execute(self, *_: object) -> None:
        raise duckdb.FatalException("FATAL Error: the database has been invalidated")
