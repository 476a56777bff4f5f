"""Records of CSV, good and bad, and what their columns hold."""

import csv
import io
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from imports_rig import read, write, write_csv

from sv.imports import delimited
from sv.imports.delimited import CsvSource
from sv.imports.files import UserFile
from sv.imports.rows import BadRow, Row
from sv.model.errors import InvalidParameter

HEADER = "event,userId,timestamp,p\n"
GOOD = "view,ann,1700000000000,x\n"


def values_of(tmp_path: Path, values: list[str]) -> list[Any]:
    """What a property's column of these values becomes."""
    rows = [["view", "ann", "1700000000000", value] for value in values]
    events = read(write_csv(tmp_path / "f.csv", HEADER.strip().split(","), rows)).events
    return [event.get("properties", {}).get("p") for event in events]


def properties_of(tmp_path: Path, content: str | bytes) -> tuple[list[Any], list[tuple[int, str]]]:
    kept = read(write(tmp_path / "f.csv", content if isinstance(content, bytes) else content.encode()))
    return [event.get("properties", {}).get("p") for event in kept.events], kept.rejected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1", "-2", "0"], [1, -2, 0]),
        (["1", "2.5"], [1.0, 2.5]),
        (["1", "", "3"], [1, None, 3]),
        (["1e3", "-0.5E-2"], [1000.0, -0.005]),
        (["0.30000000000000004"], [0.30000000000000004]),
        (["true", "False", "TRUE"], [True, False, True]),
        (["1", "x"], ["1", "x"]),
        (["x", "1"], ["x", "1"]),
        (["true", "1"], ["true", "1"]),
        (["1", "true"], ["1", "true"]),
        (["007", "8"], ["007", "8"]),
        (["+1"], ["+1"]),
        ([" 1"], [" 1"]),
        (["1."], ["1."]),
        (["NaN", "1"], ["NaN", "1"]),
        (["inf"], ["inf"]),
        (["1e999"], ["1e999"]),
        (["1_000"], ["1_000"]),
        (["١"], ["١"]),
        (["9007199254740993123"], ["9007199254740993123"]),
        (["2024-01-05"], ["2024-01-05"]),
        (["NULL"], ["NULL"]),
        (['{"a": 1}'], ['{"a": 1}']),
        (["", ""], [None, None]),
        (["yes", "no"], ["yes", "no"]),
    ],
)
def test_a_column_is_typed_where_every_value_is_written_as_json_writes_it(
    tmp_path: Path, values: list[str], expected: list[Any]
) -> None:
    found = values_of(tmp_path, values)
    assert found == expected
    assert list(map(type, found)) == list(map(type, expected))


def test_one_word_at_the_end_of_a_long_column_keeps_it_text(tmp_path: Path) -> None:
    assert values_of(tmp_path, [*map(str, range(30_000)), "x"])[:2] == ["0", "1"]


def test_ids_stay_text_whatever_they_look_like(tmp_path: Path) -> None:
    header = ["event", "userId", "anonymous_id", "sessionId", "timestamp"]
    event = read(write_csv(tmp_path / "f.csv", header, [["1", "007", "1e5", "42", "1700000000000"]])).events[0]
    assert event == {"event": "1", "userId": "007", "anonymousId": "1e5", "sessionId": "42", "timestamp": 1_700_000_000_000}


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".csv.gz", ".csv.zst"])
def test_the_header_tells_the_delimiter(tmp_path: Path, delimiter: str, suffix: str) -> None:
    row = ["view", "ann", "1700000000000", 'a,b;c\td|e "q" \r\n z']
    path = write_csv(tmp_path / "plain", HEADER.strip().split(","), [row], delimiter=delimiter)
    events = read(write(tmp_path / f"f{suffix}", path.read_bytes())).events
    assert [event["properties"]["p"] for event in events] == [row[3]]


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ("view,ann\n", "expected 4 fields"),
        ("view,ann,1,2,3\n", "expected 4 fields"),
        ('view,ann,1700000000000,"x" y\n', "no CSV record"),
        ('view,ann,1700000000000,"x\\" y"\n', "no CSV record"),
        (f"view,ann,1700000000000,{'x' * 140_000}\n", "field larger than"),
    ],
)
def test_a_bad_record_costs_itself_alone(tmp_path: Path, record: str, message: str) -> None:
    kept = read(write(tmp_path / "f.csv", (HEADER + GOOD + record + GOOD).encode()))
    assert kept.rejected == [(3, "UNREADABLE")]
    assert message in kept.chunks[0].rejections[0].message
    assert len(kept.events) == 2


def test_a_quote_that_is_never_closed_takes_the_rest_and_says_which_lines(tmp_path: Path) -> None:
    kept = read(write(tmp_path / "f.csv", (HEADER + GOOD + 'view,"ann,1700000000000,x\n' + GOOD * 3).encode()))
    assert len(kept.events) == 1
    assert "(lines 3 to 6)" in kept.chunks[0].rejections[0].message


def test_a_quote_that_is_never_closed_in_a_long_file_takes_a_bounded_piece(tmp_path: Path) -> None:
    kept = read(write(tmp_path / "f.csv", (HEADER + 'view,"ann,1700000000000,x\n' + GOOD * 20_000).encode()))
    assert len(kept.rejected) == 1
    assert 14_000 < len(kept.events) < 20_000


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_in_any_way_also_mixed(tmp_path: Path, end: str) -> None:
    content = (
        HEADER + GOOD.replace("\n", end) + 'view,ann,1700000000000,"a\r\nb"\n' + GOOD.replace("\n", end) + "\n\r\n" + GOOD.strip()
    )
    assert properties_of(tmp_path, content) == (["x", "a\r\nb", "x", "x"], [])


def test_a_record_is_found_at_its_first_line(tmp_path: Path) -> None:
    kept = read(write(tmp_path / "f.csv", (HEADER + 'view,ann,1700000000000,"a\nb\nc"\n' + "view,,1700000000000,x\n").encode()))
    assert kept.rejected == [(5, "MISSING_IDENTITY")]


def test_a_nul_and_a_byte_order_mark(tmp_path: Path) -> None:
    content = b"\xef\xbb\xbf" + HEADER.encode() + b"view,ann,1700000000000,a\x00b\n"
    assert properties_of(tmp_path, content) == (["a\ufffdb"], [])


def test_an_empty_field_is_no_value_quoted_or_not(tmp_path: Path) -> None:
    kept = read(write(tmp_path / "f.csv", b'event,userId,anonymousId,timestamp,p\nview,"",a,1700000000000,""\n'))
    assert kept.events == [{"event": "view", "anonymousId": "a", "timestamp": 1_700_000_000_000}]


@pytest.mark.parametrize(
    "content", ["", "\n", '"event,userId\nx,y\n', "event,userId,p,p\nv,a,1,2\n", "event,,userId\nv,1,a\n", ",\n"]
)
def test_a_file_without_a_header_of_different_names_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(InvalidParameter, match=r"first line|more than once"):
        read(write(tmp_path / "f.csv", content.encode()))


def test_a_column_without_a_name_is_told_by_its_place(tmp_path: Path) -> None:
    with pytest.raises(InvalidParameter, match=r"the column in place 1 has no name.*index=False"):
        read(write(tmp_path / "f.csv", b",event,userId\n0,view,ann\n"))


def test_a_header_alone_has_no_rows(tmp_path: Path) -> None:
    assert read(write(tmp_path / "f.csv", HEADER.strip().encode())).chunks == []


def test_signs_of_any_kind_never_stop_more_than_a_record(tmp_path: Path) -> None:
    noise = "".join(map(chr, range(256))).encode() * 40
    kept = read(write(tmp_path / "f.csv", HEADER.encode() + noise + b"\n" + GOOD.encode()))
    assert all(code == "UNREADABLE" for _, code in kept.rejected)
    assert len(kept.events) <= 1


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("block", [1, 7, 120, 299])
def test_a_line_that_is_too_long_is_read_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int, end: str) -> None:
    monkeypatch.setattr(delimited, "MAX_LINE_CHARS", 300)
    monkeypatch.setattr(delimited, "READ_BYTES", block)
    exact = "view,ann,1700000000000,"
    fits, long, longer = (exact + "y" * (length - len(exact)) + "\n" for length in (300, 301, 900))
    kept = read(write(tmp_path / "f.csv", (HEADER + fits + long + GOOD + longer + GOOD).replace("\n", end).encode()))
    assert kept.rejected == [(3, "UNREADABLE"), (5, "UNREADABLE")]
    assert len(kept.events) == 3


def test_a_record_with_a_line_that_is_too_long_says_so_and_from_where_to_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delimited, "MAX_LINE_CHARS", 300)
    monkeypatch.setattr(delimited, "READ_BYTES", 100)
    long = f'view,ann,1700000000000,"\n{"y" * 400}\n"\n'
    source = CsvSource(
        UserFile(write(tmp_path / "f.csv", (HEADER + GOOD + long + GOOD).encode())), lambda _: True, lambda _: None
    )
    _, bad, last = source.rows(0)
    assert isinstance(bad, BadRow)
    assert (bad.at, bad.end, last.at) == (3, 5, 6)
    assert bad.message == "expected at most 300 characters a line, got more (lines 3 to 5)"


class OneByOne:
    """What a file's records are, a record at a time and all of its text at once."""

    def __init__(self, text: str, width: int) -> None:
        self.rows: list[tuple[int, int, list[str] | None]] = []
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        next(reader)
        while True:
            at = reader.line_num + 1
            try:
                values = next(reader, None)
            except csv.Error:
                self.rows.append((at, reader.line_num, None))
                continue
            if values is None:
                return
            if values:
                self.rows.append((at, reader.line_num, values if len(values) == width else None))


fields = st.sampled_from(
    ["", "1", "é", "a b", 'a"b', '"', '"a"', '"a""b"', '"a,b"', '"a"b', '"\n"', '"\r\r\n"', '"a\nb\n\r"', '"x']
)


@given(
    records=st.lists(st.tuples(st.lists(fields, max_size=3), st.sampled_from(["\n", "\r\n", "\r", "\n\n"])), max_size=12),
    block=st.integers(1, 40),
    after=st.integers(0, 20),
)
@settings(max_examples=300, deadline=None)
def test_records_are_what_they_are_one_by_one_wherever_the_reading_is_cut(
    records: list[tuple[list[str], str]], block: int, after: int
) -> None:
    text = "a,b\n" + "".join(",".join(values) + end for values, end in records)
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patched:
        patched.setattr(delimited, "READ_BYTES", block)
        source = CsvSource(UserFile(write(Path(folder) / "f.csv", text.encode())), lambda _: True, lambda _: None)
        found = list(source.rows(after))
    expected = [row for row in OneByOne(text, 2).rows if row[1] > after]
    assert [(row.at, row.end) for row in found] == [(at, end) for at, end, _ in expected]
    for row, (_, _, values) in zip(found, expected, strict=True):
        if values is None:
            assert isinstance(row, BadRow)
        else:
            assert isinstance(row, Row)
            assert row.fields == {name: value for name, value in zip("ab", values, strict=True) if value}


@pytest.mark.parametrize("after", range(8))
def test_reading_goes_on_after_any_line(tmp_path: Path, after: int) -> None:
    content = HEADER + GOOD + "bad\n" + 'view,ann,1,"a\nb"\n' + "\n" + GOOD
    source = CsvSource(UserFile(write(tmp_path / "f.csv", content.encode())), lambda _: False, lambda _: None)
    rows = list(source.rows(after))
    assert [row.end for row in rows] == [end for end in (2, 3, 5, 7) if end > after]
    assert sum(isinstance(row, BadRow) for row in rows) == (after < 3)
