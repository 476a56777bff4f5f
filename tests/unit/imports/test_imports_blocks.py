"""Rows in blocks: as quick as they are, they are what they would be one by one."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from imports_rig import ROW, Folder, Kept, read, take, write_csv, write_ndjson

from sv.imports import blocks, chunks, tables
from sv.imports.chunks import ChunkSize
from sv.imports.local import LocalTarget

VALUES: list[Any] = [
    None, True, False, 1, -1, 1.5, 1e300, -0.0, 10**19, 10**25, "", " a ", "x" * 201, "é😀", "\0", "\ud800", [], {},
    [[[[[[[1]]]]]]], {"a": {"b": [1, {"c": None}]}}, "2023-11-14T22:13:20Z", "2023-11-14T22:13:20.123456789+02:00", "1700000000000",
    "2023-11-14", "2023-11-14 10:00:00 UTC", "yesterday", 1_700_000_000_000, 1_700_000_000_000.7, 10**15, "{}", ["a", "b"], ["a", 1],
    "3f2504e0-4f89-41d3-9a0c-0305e82c3301", "3F2504E04F8941D39A0C0305E82C3301", "y" * 70_000,
]  # fmt: skip
COLUMNS = [
    "event",
    "timestamp",
    "anonymousId",
    "userId",
    "sessionId",
    "properties",
    "groups",
    "eventId",
    "user_agent",
    "user_id",
    "x",
]
BROKEN: list[Callable[[bytes], bytes]] = [
    lambda line: line + line,
    lambda line: line + b"," + line,
    lambda line: line + b" {",
    lambda line: line[: len(line) // 2],
    lambda line: line[:-1],
    lambda line: b"," + line[1:],
    lambda line: line + b"\r",
    lambda line: b" " + line,
    lambda line: b"\xef\xbb\xbf" + line,
    lambda line: line.replace(b"view", b"\\ud800"),
    lambda line: line.replace(b"view", b"a\\"),
    lambda line: line.replace(b"view", b"a\tb"),
    lambda line: line.replace(b"userId", b"event"),
    lambda line: line.replace(b"1700", b"1e999"),
    lambda _: b"",
    lambda _: b"null",
]


def test_a_block_gives_what_its_rows_give_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(6):
        draw = random.Random(seed)
        path = write_ndjson(
            tmp_path / f"{seed}.ndjson", [odd_line(draw) if draw.random() < 0.02 else line(draw) for _ in range(3000)]
        )
        with monkeypatch.context() as patched:
            patched.setattr(chunks, "CHUNK_ROWS", draw.choice([25_000, 2500, 77]))
            together = told(read(path))
            patched.setattr(blocks.LineBlock, "events", lambda *_: None)
            assert together == told(read(path)), seed


TEXTS = [
    "", "a", " a ", "x" * 201, "é😀", "a\0b", "007", "1e5", "true", '"', "{}", '{"x":1}', '{"x":[[[[[[[1]]]]]]]}', '{"x":NaN}', '{"x":\n2}', "[1]",
    "null", '{"x":"\\ud800\\u0000"}', '{"x":1}\n{"x":2}', '{"x":"', '"}', '{"x":%s}' % 10**25, "2023-11-14T22:13:20Z", "1700000000000", "never",
    "3f2504e0-4f89-41d3-9a0c-0305e82c3301", "y" * 70_000, "\\u0000", ",", "\r\n",
]  # fmt: skip
TABLES = [
    ("event", "timestamp", "userId", "sessionId", "properties"),
    ("event", "user_id", "anonymous_id", "timestamp", "properties", "groups", "event_id", "plan", "price"),
    ("event", "userId", "plan", "price", "timestamp"),
    ("event", "userId", "timestamp", "user_agent"),
]
ORDINARY = {
    "event": "view",
    "userId": "ann",
    "user_id": "ann",
    "timestamp": "2023-11-14T22:13:20.5Z",
    "properties": '{"a":[1],"plan":"pro"}',
}


def row_of(draw: random.Random, columns: tuple[str, ...]) -> list[str]:
    row = [ORDINARY.get(name) or draw.choice(["", "1.5", "007"]) * (name in ("plan", "price")) for name in columns]
    if draw.random() < 0.02:
        row[draw.randrange(len(row))] = draw.choice(TEXTS)
    return row


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_block_of_a_table_gives_what_its_rows_give_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    for seed in range(8):
        draw = random.Random(seed)
        columns = TABLES[seed % 4]
        rows = [row_of(draw, columns) for _ in range(2500)]
        path = tmp_path / f"{seed}.{kind}"
        if kind == "csv":
            write_csv(path, columns, rows)
        else:
            pq.write_table(as_parquet(draw, columns, rows), path)
        with monkeypatch.context() as patched:
            patched.setattr(chunks, "CHUNK_ROWS", draw.choice([25_000, 1000, 77]))
            together = told(read(path, timezone="Europe/Berlin"))
            patched.setattr(tables.TableBlock, "events", lambda *_: None)
            assert together == told(read(path, timezone="Europe/Berlin")), seed


def as_parquet(draw: random.Random, columns: tuple[str, ...], rows: list[list[str]]) -> pa.Table:
    """Values that are absent, times of each kind, numbers."""
    table = pa.table({name: [None if value == "" and draw.random() < 0.9 else value for value in values]
                      for name, values in zip(columns, zip(*rows, strict=True), strict=True)})  # fmt: skip
    kinds = [pa.timestamp("us"), pa.timestamp("ms", "UTC"), pa.int64(), pa.float64(), None]
    kind = draw.choice(kinds)
    if kind is not None:
        times = [draw.choice([None, -5, 1_700_000_000_000, 1_700_000_000_001]) for _ in rows]
        moments = (
            pa.array(times, pa.int64()).cast(pa.timestamp("ms")) if pa.types.is_timestamp(kind) else pa.array(times, pa.int64())
        )
        cast = moments.cast("int64").cast(pa.timestamp("ms", "UTC")) if kind == pa.timestamp("ms", "UTC") else moments.cast(kind)
        table = table.set_column(columns.index("timestamp"), "timestamp", cast)
    if "price" in columns:
        numbers = pa.array([draw.choice([None, 1.5, float("inf"), -0.0, 1e300]) for _ in rows], pa.float64())
        table = table.set_column(columns.index("price"), "price", numbers)
    return table


def told(kept: Kept) -> Any:
    raw = msgspec.json.Decoder(list[msgspec.Raw])
    return [
        (chunk.number, chunk.rows, chunk.rejections, chunk.first_ms, chunk.last_ms, chunk.undated, events)
        for chunk in kept.chunks
        for events in [
            sorted(
                (place, bytes(event))
                for batch in chunk.batches
                for place, event in zip(batch.places, raw.decode(batch.events), strict=True)
            )
        ]
    ]


def line(draw: random.Random) -> bytes:
    moment = draw.choice([1_700_000_000_000 + draw.randrange(10**6), "2023-11-14T22:13:20.5Z", None])
    return json.dumps(ROW | {"timestamp": moment, "properties": {"a": draw.choice(VALUES[:9])}}).encode()


def plain_line(draw: random.Random) -> bytes:
    moment = draw.choice([1_700_000_000_000 + draw.randrange(10**6), "2023-11-14T22:13:20.5Z"])
    urls = ["https://shop.example/a?utm_source=x", "/b", "nothing"]
    properties = {"x": draw.choice(VALUES[1:8]), "$current_url": draw.choice(urls)} | draw.choice([{}, {"$browser": "Lynx"}])
    groups = draw.choice([{}, {}, {"groups": ["acme", "é"]}, {"groups": []}, {"groups": None}])
    return json.dumps(ROW | {"timestamp": moment, "properties": properties} | groups).encode()


def odd_line(draw: random.Random) -> bytes:
    if draw.random() < 0.3:
        return draw.choice(BROKEN)(json.dumps(ROW).encode())
    event = ROW | {"properties": {name: draw.choice(VALUES) for name in "ab"}, draw.choice(COLUMNS): draw.choice(VALUES)}
    return json.dumps(event, ensure_ascii=draw.random() < 0.5).encode("utf-8", "replace")


def test_lines_that_are_json_only_together_are_none(tmp_path: Path) -> None:
    good = json.dumps(ROW).encode()
    pairs = [
        [good + good, good[:-1], b"}"],
        [b'{"event":"view","userId":"a","properties":{"x":1}', b',"sessionId":"s"}'],
        [b'{"event":"view","userId":"a","properties":{"x":"}', b'{"}}'],
        [b'{"event":"view","userId":"a"}{', b'"event":"view","userId":"a"}'],
    ]
    for nth, broken in enumerate(pairs):
        kept = read(write_ndjson(tmp_path / f"{nth}.ndjson", [good] * 40 + broken + [good] * 40))
        assert [at for at, _ in kept.rejected] == [41 + place for place in range(len(broken))]
        assert len(kept.events) == 80


def test_ordinary_rows_are_not_read_one_by_one_and_one_that_is_not_costs_few(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone: list[int] = []
    add = chunks._Builder.add  # pyright: ignore[reportPrivateUsage]
    monkeypatch.setattr(
        chunks._Builder,  # pyright: ignore[reportPrivateUsage]
        "add",
        lambda self, row, event, agent: (alone.append(row.at), add(self, row, event, agent)),
    )
    lines: list[Any] = [ROW | {"timestamp": "2023-11-14T22:13:20Z", "properties": {"a": [1]}} for _ in range(10_000)]
    read(write_ndjson(tmp_path / "f.ndjson", lines))
    assert alone == [1]  # the first row's columns are looked at
    alone.clear()
    lines[5000] |= {"x": 1}
    kept = read(write_ndjson(tmp_path / "g.ndjson", lines))
    assert 5001 in alone
    assert len(alone) < 100
    assert len(kept.events) == 10_000
    assert kept.events[5000]["properties"] == {"x": 1, "a": [1]}


@pytest.mark.parametrize("maps", [(), ("x=properties.x",)], ids=["plain", "mapped"])
@pytest.mark.parametrize("seed", range(4))
def test_what_a_folder_at_rest_takes_in_columns_is_what_it_takes_as_json(
    folder: Folder, tmp_path: Path, seed: int, maps: Any
) -> None:
    draw = random.Random(seed)
    rows = [odd_line(draw) if draw.random() < 0.004 * seed else plain_line(draw) for _ in range(300)]
    path = write_ndjson(tmp_path / "f.ndjson", rows)
    kept = Kept(ChunkSize(125, 1 << 20, in_columns=True))
    take(path, kept, maps=maps)
    assert any(batch.columns is not None for chunk in kept.chunks for batch in chunk.batches)
    told: list[Any] = []
    for size in (None, ChunkSize(125, 1 << 20), ChunkSize(125, 1 << 20, in_columns=True)):
        project = folder.new_project()
        target = LocalTarget(folder.chunks, project, lambda: None, size)
        report = take(path, target, project_id=project, maps=maps)
        enriched = sorted(
            (row["timestamp"], row["event"], row["current_url"] or "", row["browser"] or "", str(row["groups"]))
            for row in folder.events(project)
        )
        told.append((folder.wire_events(project), enriched, report.taken, report.rejected, report.first_ms, report.last_ms))
    assert told[0] == told[1] == told[2]
    assert told[0][2] > 100


GROUPS: tuple[list[str] | None, ...] = (None, [], ["acme"], ["ü", "a,b", ""], ["x" * 200] * 9)


@pytest.mark.parametrize("kind", ["csv", "parquet", "ndjson"])
def test_groups_cost_no_rows_their_columns_and_stay_as_they_were(folder: Folder, tmp_path: Path, kind: str) -> None:
    rows = [("view", 1_700_000_000_000 + nth, "ann", GROUPS[nth * 7 % 11 % 5] if nth % 3 == 0 else None) for nth in range(6000)]
    path = tmp_path / f"f.{kind}"
    names = ("event", "timestamp", "userId", "groups")
    if kind == "csv":
        write_csv(path, names, [(*row[:3], "" if row[3] is None else json.dumps(row[3])) for row in rows])
    elif kind == "parquet":
        pq.write_table(pa.table(dict(zip(names, zip(*rows, strict=True), strict=True))), path)
    else:
        write_ndjson(path, [{name: value for name, value in zip(names, row, strict=True) if value is not None} for row in rows])
    kept = Kept(ChunkSize(25_000, 1 << 24, in_columns=True))
    take(path, kept)
    in_columns = [batch for chunk in kept.chunks for batch in chunk.batches if batch.columns is not None]
    assert sum(len(batch.places) for batch in in_columns) == 6000
    project = folder.new_project()
    take(path, LocalTarget(folder.chunks, project, lambda: None, ChunkSize(25_000, 1 << 24, in_columns=True)), project_id=project)
    found = {event["timestamp"]: event.get("groups", []) for event in folder.wire_events(project)}
    assert found == {row[1]: row[3] or [] for row in rows}


@pytest.mark.parametrize("group", ['"acme', '["a\\u0000b"]', "[1]", '["a"],["b"]', "acme", "[[]]", '["' + "x" * 201 + '"]'])
def test_a_text_of_groups_that_is_no_plain_list_is_judged_by_itself(tmp_path: Path, group: str) -> None:
    rows = [["view", "1700000000000", "ann", '["acme"]'] for _ in range(3000)]
    rows[2500][3] = group
    path = write_csv(tmp_path / "f.csv", ("event", "timestamp", "userId", "groups"), rows)
    blocks_read, rows_read = Kept(ChunkSize(25_000, 1 << 24)), Kept(ChunkSize(25_000, 1 << 24))
    take(path, blocks_read)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(tables.TableBlock, "events", lambda *_: None)
        take(path, rows_read)
    assert blocks_read.events == rows_read.events
    assert blocks_read.rejected == rows_read.rejected


@pytest.mark.parametrize("kind", ["csv", "parquet", "ndjson"])
@pytest.mark.parametrize("field", ["event", "userId", "anonymousId", "sessionId", "plan"])
def test_a_nul_is_repaired_in_whatever_row_and_field_it_stands(folder: Folder, tmp_path: Path, kind: str, field: str) -> None:
    names = ("event", "timestamp", "userId", "anonymousId", "sessionId", "plan")
    rows = [("view", "2023-11-14T22:13:20Z", "ann", "a-1", "s-1", "pro") for _ in range(2600)]
    at = names.index(field)
    rows[2500] = (*rows[2500][:at], "a\0b", *rows[2500][at + 1 :])  # in the second block: the first is read row by row
    path = tmp_path / f"f.{kind}"
    if kind == "csv":
        write_csv(path, names, rows)
    elif kind == "parquet":
        pq.write_table(pa.table(dict(zip(names, zip(*rows, strict=True), strict=True))), path)
    else:
        fields = [dict(zip(names, row, strict=True)) for row in rows]
        write_ndjson(path, [{**row, "properties": {"plan": row.pop("plan")}} for row in fields])
    project = folder.new_project()
    size = ChunkSize(25_000, 1 << 24, in_columns=True)
    take(path, LocalTarget(folder.chunks, project, lambda: None, size), project_id=project)
    found = [event["properties"] | event for event in folder.wire_events(project)]
    assert sum(event[field] == "a\ufffdb" for event in found) == 1
    assert sum(event[field] == rows[0][at] for event in found) == 2599
