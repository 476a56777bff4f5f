"""Parquet's types as JSON values."""

import datetime as dt
import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from imports_rig import NOW, ROW, read, write

from sv.engine.duck import user_parquet
from sv.engine.duck.user_parquet import ParquetFile
from sv.imports.columns import Columns
from sv.imports.files import UserFile
from sv.imports.parquet import ParquetSource
from sv.model.errors import BadFile, InvalidParameter

MOMENT = dt.datetime(1995, 8, 1, 6, 0, 0, 123000)
MOMENT_MS = 807_256_800_123
UTC = dt.UTC


def write_parquet(path: Path, columns: dict[str, Any], **options: Any) -> Path:
    length = next(len(column) for column in columns.values())
    usual = {"event": ["view"] * length, "userId": ["ann"] * length, "timestamp": [NOW] * length}
    pq.write_table(pa.table(usual | columns), path, **options)
    return path


def property_of(path: Path, array: pa.Array) -> Any:
    event = read(write_parquet(path / "f.parquet", {"p": array}), maps=["p=properties.p"]).events[0]
    return event.get("properties", {}).get("p", "absent")


@pytest.mark.parametrize(
    ("array", "value"),
    [
        (pa.array([True]), True),
        (pa.array([-(2**63)]), -(2**63)),
        (pa.array([2**64 - 1], pa.uint64()), 2**64 - 1),
        (pa.array([7], pa.int8()), 7),
        (pa.array([0.1]), 0.1),
        (pa.array([0.5], pa.float32()), 0.5),
        (pa.array([float("nan")]), "absent"),
        (pa.array([float("-inf")]), "absent"),
        (pa.nulls(1), "absent"),
        (pa.array([None], pa.string()), "absent"),
        (pa.array(["a\x00b"]), "a\ufffdb"),
        (pa.array([""]), ""),
        (pa.array(["x"]).dictionary_encode(), "x"),
        (pa.array([b"text"]), "text"),
        (pa.array([b"\xff\x00"]), "/wA="),
        (pa.array([Decimal("12.30")]), 12.3),
        (pa.array([Decimal("12345678901234567890.5")], pa.decimal128(38, 2)), 12345678901234567890.5),
        (pa.array([MOMENT], pa.timestamp("us")), "1995-08-01T06:00:00.123"),
        (pa.array([MOMENT.replace(tzinfo=UTC)], pa.timestamp("us", "Europe/Berlin")), "1995-08-01T06:00:00.123Z"),
        (pa.array([MOMENT], pa.timestamp("ns")), "1995-08-01T06:00:00.123"),
        (pa.array([2**62], pa.timestamp("us")), "148108-07-06T14:00:27.387904"),
        (pa.array([MOMENT.date()]), "1995-08-01"),
        (pa.array([MOMENT.time()]), "06:00:00.123"),
        (pa.array([["a", None, "b"]]), ["a", None, "b"]),
        (pa.array([[]], pa.list_(pa.int64())), []),
        (pa.array([{"a": 1, "b": [{"c": None, "d": "é"}]}]), {"a": 1, "b": [{"c": None, "d": "é"}]}),
        (pa.array([[("k", 1), ("l", None)]], pa.map_(pa.string(), pa.int64())), {"k": 1, "l": None}),
        (pa.array([[(1, "x")]], pa.map_(pa.int64(), pa.string())), {"1": "x"}),
        (pa.array([[float("nan"), 1.0, float("inf")]]), [None, 1.0, None]),
        (pa.array([[MOMENT.replace(tzinfo=UTC)]], pa.list_(pa.timestamp("us", "UTC"))), ["1995-08-01 06:00:00.123+00"]),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else None,
)
def test_a_property_of_any_type_is_json(tmp_path: Path, array: pa.Array, value: Any) -> None:
    found = property_of(tmp_path, array)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("array", "timezone", "ms"),
    [
        *[(pa.array([MOMENT], pa.timestamp(unit)), "UTC", MOMENT_MS) for unit in ("ms", "us", "ns")],
        (pa.array([MOMENT.replace(microsecond=0)], pa.timestamp("s")), "UTC", MOMENT_MS - 123),
        *[
            (pa.array([MOMENT.replace(tzinfo=UTC)], pa.timestamp(unit, "Asia/Kathmandu")), "Europe/Berlin", MOMENT_MS)
            for unit in ("us", "ns")
        ],
        (pa.array([MOMENT], pa.timestamp("us")), "Europe/Berlin", MOMENT_MS - 2 * 3_600_000),
        (pa.array([MOMENT.date()]), "UTC", 807_235_200_000),
        (pa.array([MOMENT.date()]), "Asia/Kathmandu", 807_235_200_000 - 20_700_000),
        (pa.array([MOMENT_MS]), "Europe/Berlin", MOMENT_MS),
        (pa.array([float(MOMENT_MS)]), "UTC", MOMENT_MS),
        (pa.array([Decimal(MOMENT_MS)]), "UTC", MOMENT_MS),
        (pa.array(["1995-08-01 06:00:00.123"]), "UTC", MOMENT_MS),
        (pa.array([None], pa.timestamp("us")), "UTC", NOW),
        (pa.array([MOMENT_MS * 1000 + 999], pa.timestamp("us")), "UTC", MOMENT_MS),
        (pa.array([MOMENT_MS * 1000 + 999], pa.timestamp("us", "UTC")), "UTC", MOMENT_MS),
        (pa.array([MOMENT_MS * 1_000_000 + 999_999], pa.timestamp("ns")), "UTC", MOMENT_MS),
    ],
    ids=str,
)
def test_a_timestamp_has_any_type_that_tells_time(tmp_path: Path, array: pa.Array, timezone: str, ms: int) -> None:
    path = write_parquet(tmp_path / "f.parquet", {"timestamp": array})
    assert read(path, timezone=timezone).events[0]["timestamp"] == ms


@pytest.mark.parametrize(
    "array",
    [
        pa.array([2**62], pa.timestamp("us")),
        pa.array([-(2**62)], pa.timestamp("us")),
        pa.array([2**63 - 1], pa.timestamp("us")),
        pa.array([-(2**63) + 1], pa.timestamp("us", "UTC")),
        pa.array([2**31 - 1], pa.date32()),
        pa.array([MOMENT.time()]),
        pa.array([-400], pa.timestamp("us")),
        pa.array([float("inf")]),
        pa.array([float("nan")], pa.float32()),
        pa.array([True]),
        pa.array([["1995-08-01"]]),
    ],
    ids=lambda array: str(array.type),
)
@pytest.mark.parametrize("timezone", ["UTC", "Europe/Berlin"])
def test_a_time_that_cannot_be_is_rejected_and_never_becomes_now(tmp_path: Path, array: pa.Array, timezone: str) -> None:
    kept = read(write_parquet(tmp_path / "f.parquet", {"timestamp": array}), timezone=timezone)
    assert kept.events == []
    assert len(kept.rejected) == 1


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (pa.array([42]), "42"),
        (pa.array([2**64 - 1], pa.uint64()), str(2**64 - 1)),
        (pa.array([42.0]), "42"),
        (pa.array([Decimal("12345678901234567890")]), "12345678901234567890"),
        (pa.array([b"ann"]), "ann"),
        (pa.array(["007"]).dictionary_encode(), "007"),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else None,
)
def test_an_id_of_any_type_is_its_text(tmp_path: Path, array: pa.Array, text: str) -> None:
    assert read(write_parquet(tmp_path / "f.parquet", {"userId": array})).events[0]["userId"] == text


@pytest.mark.parametrize(
    "properties",
    [
        pa.array(['{"a": [1, null]}']),
        pa.array([{"a": [1, None]}]),
        pa.array([[("a", [1, None])]], pa.map_(pa.string(), pa.list_(pa.int64()))),
    ],
    ids=["text", "struct", "map"],
)
def test_properties_are_a_struct_a_map_or_json_text(tmp_path: Path, properties: pa.Array) -> None:
    groups = pa.array([["x", "y"]])
    path = write_parquet(tmp_path / "f.parquet", {"properties": properties, "groups": groups, "plan": ["pro"]})
    event = read(path).events[0]
    assert (event["properties"], event["groups"]) == ({"plan": "pro", "a": [1, None]}, ["x", "y"])


def test_a_uuid_an_enum_and_json_of_duckdb_are_understood(tmp_path: Path) -> None:
    path = tmp_path / "f.parquet"
    with duckdb.connect() as connection:
        connection.execute(f"""
            copy (
              select 'view'::enum('view', 'buy') as event, 'ann' as userId, timestamptz '1995-08-01 06:00:00.123Z' as timestamp,
                uuid '0193a1e0-0000-7000-8000-000000000001' as event_id, '{{"a": "\\u00e9", "b": [1e2]}}'::json as properties,
                interval '1 day' as span, 12345678901234567890123::hugeint as huge
            ) to '{path}'
            """)
    assert read(path).events == [
        {
            "event": "view",
            "userId": "ann",
            "timestamp": MOMENT_MS,
            "eventId": "0193a1e0-0000-7000-8000-000000000001",
            "properties": {"span": "1 day", "huge": 12345678901234567890123.0, "a": "é", "b": [100.0]},
        }
    ]


@pytest.mark.parametrize(
    "name", ["a*b.parquet", "[a].parquet", "a?b.parquet", "o'neil.parquet", 'q"q.parquet', "day=2024/f.parquet", "é 😀.pq"]
)
def test_a_file_is_found_under_any_name(tmp_path: Path, name: str) -> None:
    (tmp_path / "day=2024").mkdir()
    for other in ("aXb.parquet", "a.parquet"):
        write_parquet(tmp_path / other, {"p": ["other"]})
    assert [event["properties"] for event in read(write_parquet(tmp_path / name, {"p": ["own"]})).events] == [{"p": "own"}]


def test_columns_of_any_name_are_properties(tmp_path: Path) -> None:
    names = ['"', "select", "a.b", "", "é", "x" * 300, "$current_url", "A", "a"]
    path = tmp_path / "f.parquet"
    table = pa.table(
        [pa.array([value]) for value in ["view", "ann", NOW, *range(len(names))]], ["event", "userId", "timestamp", *names]
    )
    pq.write_table(table, path)
    found = read(path).events[0]["properties"]
    assert sorted(found.values()) == list(range(len(names)))
    assert {'"', "select", "a.b", "é", "$current_url"} <= found.keys()


def test_columns_that_differ_in_case_alone_are_told_apart(tmp_path: Path) -> None:
    nested = pa.array([{"userid": {"USERID": "x"}, "b": [1]}])
    table = pa.table({"UserId": ["no id"], "event": ["view"], "Event": ["e"], "o": nested, "userId": ["ann"], "timestamp": [NOW]})
    pq.write_table(table, tmp_path / "f.parquet")
    (event,) = read(tmp_path / "f.parquet").events
    assert (event["event"], event["userId"]) == ("view", "ann")
    assert event["properties"] == {"UserId": "no id", "Event": "e", "o": {"userid": {"USERID": "x"}, "b": [1]}}


def test_a_column_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    arrays = [pa.array(["view"]), pa.array(["ann"]), pa.array(["bob"])]
    pq.write_table(pa.table(arrays, names=["event", "userId", "userId"]), tmp_path / "f.parquet")
    with pytest.raises(InvalidParameter, match="'userId' are there more than once"):
        read(tmp_path / "f.parquet")


@pytest.mark.parametrize("suffix", [".parquet", ".parquet.gz", ".parquet.zst"])
@pytest.mark.parametrize("after", [0, 1, 4999, 5000, 19_999, 20_000])
def test_rows_come_in_the_files_order_after_any_row(tmp_path: Path, suffix: str, after: int) -> None:
    plain = write_parquet(tmp_path / "plain", {"n": list(range(20_000))}, row_group_size=700)
    file = UserFile(write(tmp_path / f"f{suffix}", plain.read_bytes()))
    source = ParquetSource(file, Columns({}), UTC)
    try:
        rows = list(source.rows(after))
        assert [row.end for row in rows] == list(range(after + 1, 20_001))
        assert [row.fields["n"] for row in rows if hasattr(row, "fields")] == list(range(after, 20_000))  # type: ignore[union-attr]
    finally:
        source.close()


def test_a_table_without_rows_is_fine(tmp_path: Path) -> None:
    assert read(write_parquet(tmp_path / "f.parquet", {"p": pa.array([], pa.string())})).chunks == []


@pytest.mark.parametrize("damage", [b"", b"PAR1", b"no parquet at all", b"PAR1" + b"x" * 100 + b"PAR1"])
def test_a_file_that_is_no_parquet_is_refused(tmp_path: Path, damage: bytes) -> None:
    with pytest.raises(BadFile, match="Parquet"):
        read(write(tmp_path / "f.parquet", damage))


def test_a_file_that_is_damaged_inside_is_refused(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "f.parquet", {"p": [f"{nth:064x}" for nth in range(5000)]})
    content = bytearray(path.read_bytes())
    content[1000:60_000] = b"\xff" * 59_000
    path.write_bytes(content)
    with pytest.raises(BadFile, match="Parquet"):
        read(path)


def test_what_is_no_parquet_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "f.parquet.gz"
    path.write_bytes(gzip.compress(bytes(1 << 20)))
    with pytest.raises(InvalidParameter, match="what is compressed in it is no Parquet file"):
        read(path)


@pytest.mark.parametrize("cut", [1, 100])
@pytest.mark.parametrize("suffix", [".ndjson.gz", ".csv.zst", ".parquet.gz"])
def test_a_compressed_file_that_ends_too_early_is_refused_before_a_row_is_taken(tmp_path: Path, suffix: str, cut: int) -> None:
    path = write(tmp_path / f"f{suffix}", b'{"event":"view","userId":"a"}\n' * 5000 + gzip.compress(bytes(range(256)) * 9))
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(InvalidParameter, match=r"damaged|read"):
        read(path)


def test_the_row_is_read_as_it_is_in_other_formats(tmp_path: Path) -> None:
    pq.write_table(pa.table({name: [value] for name, value in ROW.items()}), tmp_path / "f.pq")
    assert read(tmp_path / "f.pq").events == [ROW]


TEXT = "x" * 20_000
LARGE: dict[str, Any] = {
    "Event": ["a", "b", None],
    "properties": [json.dumps({"text": f"{nth}{TEXT}"}) for nth in range(3)],
    "at": pa.array([MOMENT, None, MOMENT], pa.timestamp("ms")),
    "at_utc": pa.array([MOMENT.replace(tzinfo=UTC)] * 3, pa.timestamp("us", "Europe/Berlin")),
    "plan": pa.array(["free", None, "pro"]).dictionary_encode(),
    "tags": [["a"], [], None],
    "nested": [{"a": 1, "b": [0.5]}, None, {"a": None, "b": []}],
    "price": [Decimal("12.30"), Decimal("0.01"), None],
    "ratio": [0.5, float("nan"), -1e300],
    "raw": [b"text", b"\xff\x00", None],
    "day": [dt.date(2024, 2, 29), None, dt.date(1970, 1, 1)],
    "count": pa.array([2**64 - 1, 0, None], pa.uint64()),
    "is_in": [True, False, None],
}
"""Of types that Arrow's reader has as the engine has them."""


def blocks(path: Path, after: int = 0) -> list[list[Any]]:
    file = ParquetFile(path, path.name)
    try:
        return list(file.blocks(after, {"userId": "id", "timestamp": "moment", "at": "moment"}))
    finally:
        file.close()


def by_the_engine(path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    with monkeypatch.context() as patch:
        patch.setattr(user_parquet, "LARGE_ROW_BYTES", 1 << 40)
        return [row for block in blocks(path) for row in block]


def test_large_rows_are_read_few_at_a_time_and_have_the_same_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(user_parquet, "LARGE_BLOCK_BYTES", 60_000)
    monkeypatch.setattr(user_parquet, "MIN_BLOCK_ROWS", 1)
    path = write_parquet(
        tmp_path / "f.parquet",
        {name: pa.concat_arrays([pa.array(column)] * 6) for name, column in LARGE.items()},
        row_group_size=7,
        use_dictionary=False,
    )
    found = blocks(path)
    assert {len(block) for block in found} == {2}
    rows = by_the_engine(path, monkeypatch)
    assert [row for block in found for row in block] == rows
    assert len(rows) == 18
    for after in (1, 7, 8, 17, 18):
        assert [row for block in blocks(path, after) for row in block] == rows[after:]


@pytest.mark.parametrize(
    "column", [pa.array([MOMENT] * 3, pa.timestamp("ns")), pa.nulls(3), pa.array([b"a", b"b", b"c"], pa.binary(1))]
)
def test_what_arrow_reads_otherwise_the_engine_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, column: pa.Array) -> None:
    path = write_parquet(tmp_path / "f.parquet", LARGE | {"p": column})
    rows = [row for block in blocks(path) for row in block]
    assert rows == by_the_engine(path, monkeypatch)
    assert len(rows) == 3


def test_a_large_row_that_is_damaged_is_told_as_any_other(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "f.parquet", {"p": [TEXT, "y" + TEXT]}, compression="none", use_dictionary=False)
    path.write_bytes(path.read_bytes().replace(b"y" + TEXT.encode(), b"\xff" + TEXT.encode()))
    with pytest.raises(InvalidParameter, match=r"f\.parquet can't be read as Parquet: .*UTF-?8"):
        blocks(path)
