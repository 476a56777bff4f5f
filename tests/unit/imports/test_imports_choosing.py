"""Which files are read as another product's, which are not, and what is said of it."""

import json
from pathlib import Path

import pytest
from imports_cli import run, run_json
from imports_rig import ROW, read_file, write_csv, write_ndjson
from other_products_rig import (
    AMPLITUDE,
    MIXPANEL,
    PLAUSIBLE,
    POSTHOG,
    UMAMI,
    UMAMI_HEADER,
    read_as,
    write_amplitude_zip,
    write_lines,
    write_zip,
)

from sv.imports.archives import files_at
from sv.imports.columns import Columns
from sv.imports.other_products.amplitude import country_codes
from sv.imports.other_products.choosing import choose
from sv.model.errors import InvalidParameter


@pytest.mark.parametrize(("name", "rows"), [("posthog", POSTHOG), ("mixpanel", MIXPANEL), ("amplitude", AMPLITUDE)])
def test_lines_are_known_by_what_is_in_them_and_stay_as_they_are_where_that_is_asked(
    tmp_path: Path, name: str, rows: list[dict[str, object]]
) -> None:
    path = write_lines(tmp_path / "any.ndjson", rows)
    names, events, rejected = read_as(path)
    assert (names, len(events), rejected) == ([name], len(rows), [])
    (as_it_stands,), _ = choose(files_at(path, None), "sv", Columns.parse([]))
    assert as_it_stands.reader is None


def test_files_of_ones_own_are_nobody_elses(tmp_path: Path) -> None:
    own = [
        ROW,
        {"event": "view", "properties": {"time": 1}, "userId": "ann"},
        {"event": "view", "distinct_id": "x", "userId": "u"},
    ]
    for place, row in enumerate(own):
        assert read_as(write_ndjson(tmp_path / f"{place}.ndjson", [row]))[0] == ["sv"]
    table = write_csv(tmp_path / "imported_x.csv", ["event", "user_id", "timestamp", "visitors"], [["a", "b", "2024-01-05", "1"]])
    assert read_as(table)[0] == ["sv"]


def test_rows_that_lack_what_ingest_needs_are_rejected_with_its_reasons(tmp_path: Path) -> None:
    bad = [
        {"event": "a", "properties": {"time": 1740823200, "distinct_id": None}},
        {"event": "a", "properties": {"time": None, "distinct_id": "u"}},
        {"event": "", "properties": {"time": 1740823200, "distinct_id": "u"}},
        {"event": "a", "properties": [1]},
    ]
    _, events, rejected = read_as(write_lines(tmp_path / "e.json", MIXPANEL[:1] + bad))
    assert len(events) == 1
    assert rejected == ["MISSING_IDENTITY", "INVALID_TIMESTAMP", "INVALID_EVENT_NAME", "WRONG_TYPE"]


def test_a_reader_refuses_a_file_that_is_not_of_its_kind(tmp_path: Path) -> None:
    table = write_csv(tmp_path / "t.csv", ["event", "user_id", "timestamp"], [["a", "b", "2024-01-05"]])
    with pytest.raises(InvalidParameter, match=r"is not an Umami export: it has no column created_at, event_name, event_type"):
        read_as(table, "umami")
    with pytest.raises(InvalidParameter, match="a Mixpanel export is ndjson, and the file is csv"):
        read_as(table, "mixpanel")
    with pytest.raises(InvalidParameter, match="--map is for files of one's own"):
        choose(files_at(table, None), "umami", Columns.parse(["a=userId"]))


def test_what_no_reader_knows_in_an_archive_is_left_out_and_named(tmp_path: Path) -> None:
    path = write_zip(
        tmp_path / "umami.zip",
        {"website_event.csv": UMAMI, "event_data.csv": "website_id,data_key\nw-1,k\n", "readme.txt": "hello"},
    )
    chosen, left_out = choose(files_at(path, None), "auto", Columns.parse([]))
    assert [each.file.name for each in chosen] == [f"{path}:website_event.csv"]
    assert [file.name for file in left_out] == [f"{path}:event_data.csv"]
    answer = run_json(path, "--project", "p", "--data", tmp_path / "none", "--dry-run")
    assert [(file["read_as"], file["taken"]) for file in answer["files"]] == [("umami", 2)]


def test_files_in_an_archive_may_be_compressed_themselves(tmp_path: Path) -> None:
    names = ["1.ndjson", "2.ndjson.gz", "3.ndjson.zst"]
    members = {name: write_ndjson(tmp_path / name, [ROW | {"userId": f"u{nth}"}]).read_bytes() for nth, name in enumerate(names)}
    (file,) = files_at(write_zip(tmp_path / "f.zip", members), None)
    kept = read_file(file)
    assert [event["userId"] for event in kept.events] == ["u0", "u1", "u2"]
    assert kept.rejected == []


def test_where_lines_of_several_files_are_rejected_it_is_said_how_they_are_counted(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "f.zip", {"b.ndjson": b"bad", "a.ndjson": json.dumps(ROW).encode() + b"\nbad"})
    code, out, _ = run(path, "--project", "p", "--data", tmp_path / "none", "--dry-run")
    assert code == 0
    assert "lines are counted through the 2 files in it" in out
    assert [f"{path}:{line}: " in out for line in (1, 2, 3)] == [False, True, True]


def test_archives_without_such_files_and_damaged_ones_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidParameter, match="none of the 1 files in it"):
        files_at(write_zip(tmp_path / "a.zip", {"readme.txt": "hello"}), None)
    (tmp_path / "b.zip").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(InvalidParameter, match="can't be read as a zip"):
        files_at(tmp_path / "b.zip", None)


def test_a_dry_run_says_whose_export_it_is_and_what_would_not_come_in(tmp_path: Path) -> None:
    path = write_lines(
        tmp_path / "export.json", [*MIXPANEL, {"event": "a", "properties": {"time": 1740823200, "distinct_id": ""}}]
    )
    code, out, _ = run(path, "--project", "p", "--data", tmp_path / "none", "--dry-run")
    lines = out.splitlines()
    assert code == 0
    assert lines[0].startswith(f"{path}: 5 rows read, 4 would be taken in, 1 rejected")
    assert lines[1] == "  read as a Mixpanel export; --from sv reads it as it stands"
    assert f"    {path}:5: expected a userId or an anonymousId, got neither" in lines


def test_a_zip_is_known_again_and_its_rows_are_found_by_their_line(tmp_path: Path) -> None:
    path = write_amplitude_zip(tmp_path / "export.zip")
    first = run_json(path, "--project", "p", "--data", tmp_path / "none", "--dry-run")["files"][0]
    moved = path.rename(tmp_path / "other.zip")
    second = run_json(moved, "--project", "p", "--data", tmp_path / "none", "--dry-run", "--from", "amplitude")["files"][0]
    assert (first["import_id"], first["rows"]) == (second["import_id"], 2)


def test_single_tables_of_a_zip_are_told_by_their_names(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "p.zip", PLAUSIBLE | {"__MACOSX/x.csv": "a\n", ".hidden.csv": "a\n"})
    assert read_as(path)[0] == ["plausible"] * 3
    (tmp_path / "website_event.csv").write_text(UMAMI_HEADER + "\n")
    assert read_as(tmp_path / "website_event.csv") == (["umami"], [], [])


def test_countries_are_known_by_their_names() -> None:
    wanted = {
        "United States": "US",
        "United Kingdom": "GB",
        "Germany": "DE",
        "South Korea": "KR",
        "Netherlands": "NL",
        "Brazil": "BR",
    }
    assert {name: country_codes().get(name) for name in wanted} == wanted
