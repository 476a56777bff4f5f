"""Lines of JSON, good and bad."""

import json
from pathlib import Path
from typing import Any

import pytest
from imports_rig import ROW, read, write, write_ndjson

from sv.imports import ndjson
from sv.imports.files import UserFile
from sv.imports.ndjson import NdjsonSource
from sv.imports.rows import BadRow
from sv.model.errors import InvalidParameter

GOOD = json.dumps(ROW).encode()


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"not json", "UNREADABLE"),
        (b'{"event":"view"', "UNREADABLE"),
        (GOOD + GOOD, "UNREADABLE"),
        (GOOD + b"," + GOOD, "UNREADABLE"),
        (b"{'event':'view'}", "UNREADABLE"),
        (b'{"event":"view","userId":"a","properties":{"x":NaN}}', "UNREADABLE"),
        (b"[1,2]", "WRONG_TYPE"),
        (b'"view"', "WRONG_TYPE"),
        (b"null", "WRONG_TYPE"),
        (b"7", "WRONG_TYPE"),
        (b"{}", "INVALID_EVENT_NAME"),
        (b'{"event":"","userId":"a"}', "INVALID_EVENT_NAME"),
        (b'{"event":5,"userId":"a"}', "INVALID_EVENT_NAME"),
        (b'{"event":"%s","userId":"a"}' % (b"x" * 201), "INVALID_EVENT_NAME"),
        (b'{"event":"view"}', "MISSING_IDENTITY"),
        (b'{"event":"view","userId":true}', "INVALID_ID"),
        (b'{"event":"view","userId":"%s"}' % (b"x" * 201), "INVALID_ID"),
        (b'{"event":"view","userId":"a","timestamp":"yesterday"}', "INVALID_TIMESTAMP"),
        (b'{"event":"view","userId":"a","timestamp":-1}', "INVALID_TIMESTAMP"),
        (b'{"event":"view","userId":"a","timestamp":"2999-01-01"}', "TIMESTAMP_IN_FUTURE"),
        (b'{"event":"view","userId":"a","eventId":"x"}', "INVALID_EVENT_ID"),
        (b'{"event":"view","userId":"a","groups":"x"}', "WRONG_TYPE"),
        (b'{"event":"view","userId":"a","properties":"{}"}', "WRONG_TYPE"),
        (b'{"event":"view","userId":"a","properties":{"x":"%s"}}' % (b"x" * 65_536), "PROPERTIES_TOO_LARGE"),
        (b'{"event":"view","userId":"a","x":' + b"[" * 40 + b"]" * 40 + b"}", "NESTED_TOO_DEEP"),
        (b'{"event":"view","userId":"a","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "NESTED_TOO_DEEP"),
    ],
)
def test_a_bad_line_costs_itself_alone_and_is_found_by_its_number(tmp_path: Path, line: bytes, code: str) -> None:
    kept = read(write_ndjson(tmp_path / "f.ndjson", [GOOD, line, b"", GOOD]))
    assert kept.rejected == [(2, code)]
    assert len(kept.events) == 2
    assert kept.chunks[0].number == 4


def test_json_is_kept_exactly(tmp_path: Path) -> None:
    properties: dict[str, Any] = {
        "": 0,
        "null": None,
        "float": 1.5,
        "tiny": 5e-324,
        "zero": -0.0,
        "int": 2**53 + 1,
        "unsigned": 2**64 - 1,
        "text": 'é "\\\n\u2028 😀',
        "deep": [{"a": [[], {}, [None, True, False]]}],
        "$browser": "own",
    }
    assert read(write_ndjson(tmp_path / "f.ndjson", [ROW | {"properties": properties}])).events == [
        ROW | {"properties": properties}
    ]


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        (b"a\\u0000b", "a\ufffdb"),
        (b"a\\ud800b", "a\ufffdb"),
        (b"\\ud83d\\ude00", "😀"),
        (b"\\\\u0000", "\\u0000"),
    ],
)
def test_text_that_cannot_be_stored_is_repaired_as_in_ingest(tmp_path: Path, sent: bytes, stored: str) -> None:
    line = b'{"event":"view","userId":"%s","x":"%s"}' % (sent, sent)
    event = read(write_ndjson(tmp_path / "f.ndjson", [line])).events[0]
    assert (event["userId"], event["properties"]["x"]) == (stored, stored)


@pytest.mark.parametrize(
    "content",
    [GOOD, GOOD + b"\n", GOOD + b"\r\n", b"\xef\xbb\xbf" + GOOD, b"\n\n  " + GOOD + b"\t\n\n", b"\xef\xbb\xbf\n" + GOOD],
)
def test_line_ends_blank_lines_and_a_byte_order_mark_are_no_matter(tmp_path: Path, content: bytes) -> None:
    assert read(write(tmp_path / "f.ndjson", content)).events == [ROW]


def test_an_empty_file_has_no_rows(tmp_path: Path) -> None:
    assert read(write(tmp_path / "f.ndjson", b"")).chunks == []


def test_a_json_array_is_told_how_to_become_lines(tmp_path: Path) -> None:
    with pytest.raises(InvalidParameter, match=r"jq -c '\.\[\]'"):
        read(write(tmp_path / "f.json", b"[\n" + GOOD + b"\n]"))


@pytest.mark.parametrize("over", [-1, 0, 1, 5000])
def test_a_line_that_is_too_long_is_read_over(tmp_path: Path, over: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ndjson, "MAX_LINE_BYTES", 2000)
    monkeypatch.setattr(ndjson, "READ_BYTES", 512)
    line = json.dumps(ROW | {"properties": {"x": ""}}).encode()
    long = line.replace(b'"x": ""', b'"x": "%s"' % (b"x" * (2000 + over - len(line))))
    kept = read(write_ndjson(tmp_path / "f.ndjson", [GOOD, long, GOOD, long]))
    is_long = over > 0
    assert kept.rejected == ([(2, "UNREADABLE"), (4, "UNREADABLE")] if is_long else [])
    assert len(kept.events) == (2 if is_long else 4)


@pytest.mark.parametrize("block", [1, 7, 64, 4096])
def test_lines_are_the_same_however_they_are_read(tmp_path: Path, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ndjson, "READ_BYTES", block)
    rows = [ROW | {"timestamp": ROW["timestamp"] + nth} for nth in range(20)]
    assert read(write_ndjson(tmp_path / "f.ndjson.gz", rows)).events == rows


@pytest.mark.parametrize("after", range(6))
def test_reading_goes_on_after_any_line(tmp_path: Path, after: int) -> None:
    source = NdjsonSource(UserFile(write_ndjson(tmp_path / "f.ndjson", [GOOD, b"bad", b"", GOOD, GOOD])))
    rows = list(source.rows(after))
    assert [row.at for row in rows] == [at for at in (1, 2, 4, 5) if at > after]
    assert [row.at for row in rows if isinstance(row, BadRow)] == [2][: after < 2]
