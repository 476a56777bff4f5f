"""`sv import` into a data folder, from the outside: what it says, its exit codes, and what a `kill -9` leaves."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from imports_cli import finish, kill_when, numbers, run, run_json, shop_rows, start
from imports_rig import ROW, opened, ordered, write_csv, write_ndjson
from other_products_rig import write_zip

from sv.exports.journal import Journal, save
from sv.exports.sources import Plan

INTERRUPTED = """
import os, signal
from sv.store.importing import ImportChunks
begin, begun = ImportChunks.begin, []
def interrupted(*given):
    begun.append(given)
    if len(begun) == 5:
        os.kill(os.getpid(), signal.SIGINT)
    return begin(*given)
ImportChunks.begin = interrupted
"""
"""An import that is told to end while it begins its fifth chunk; the first one is in by then, as no more than three are under way."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the projects p1 and p2, and no server on it."""
    path = tmp_path_factory.mktemp("cli") / "data"
    with opened(path) as folder:
        folder.new_project()
        folder.new_project()
    return path


@pytest.fixture
def into(data: Path) -> list[object]:
    return ["--data", data, "--project", "p1"]


def test_it_says_what_became_of_each_file_and_nothing_new_the_second_time(into: list[object], tmp_path: Path) -> None:
    good = write_ndjson(tmp_path / "good.ndjson", shop_rows(20))
    mixed = write_csv(
        tmp_path / "mixed.csv", ["event", "user_id", "timestamp"], [["a", "b", "2024-01-05"], ["a", "", "2024-01-05"], ["a"]]
    )
    code, out, err = run(good, mixed, *into)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].startswith(f"{good}: 20 rows read, 20 taken in, 0 rejected (")
    assert lines[1] == "  events from 2023-11-14T22:13:20.000Z to 2023-11-14T22:32:20.000Z"
    assert lines[2].startswith(f"{mixed}: 3 rows read, 1 taken in, 2 rejected (")
    assert f"    {mixed}:3: expected a userId or an anonymousId, got neither" in lines
    assert f"    {mixed}:4: expected 3 fields, as in the header, got 1" in lines
    code, out, _ = run(good, mixed, *into)
    assert code == 0
    assert [line.partition(" (")[0] for line in out.splitlines()] == [
        f"{good}: nothing new; all of it was taken in before, up to line 20",
        f"{mixed}: nothing new; all of it was taken in before, up to line 4",
    ]


def test_strict_makes_rejected_rows_a_failure(into: list[object], tmp_path: Path) -> None:
    path = write_ndjson(tmp_path / "f.ndjson", [ROW, b"bad"])
    assert run(path, *into, "--dry-run")[0] == 0
    assert run(path, *into, "--dry-run", "--strict")[0] == 1


def test_a_dry_run_takes_nothing_in_and_needs_no_folder(tmp_path: Path) -> None:
    path = write_ndjson(tmp_path / "f.ndjson", [ROW, b"bad"])
    answer = run_json(path, "--project", "p", "--data", tmp_path / "none", "--dry-run")
    assert (answer["dry_run"], answer["taken"], answer["rejected"]) == (True, 1, 1)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(("is_finished", "said"), [(True, "notes in it what it wrote"), (False, "the same `sv export` goes on")])
def test_what_an_export_notes_beside_its_files_is_left_out(tmp_path: Path, is_finished: bool, said: str) -> None:
    events = write_ndjson(tmp_path / "events-2026-01-01.ndjson", [ROW])
    journal = tmp_path / "export.json"
    save(journal, Journal(1, "p1", [], Plan("", 1, []), is_finished=is_finished))
    code, out, err = run(events, journal, "--project", "p1", "--dry-run", "--json")
    found = json.loads(out)
    assert (code, found["taken"], found["rejected"], len(found["files"])) == (0, 1, 0, 1)
    assert err.startswith(f"sv: {journal} is left out: ") and said in err
    members = {f"x/{path.name}": path.read_bytes() for path in (events, journal)} | {"y/export.json": json.dumps(ROW)}
    archive = write_zip(tmp_path / "export.zip", members)
    code, out, err = run(archive, "--project", "p1", "--dry-run", "--json")
    found = json.loads(out)
    assert (code, found["taken"], found["rejected"]) == (0, 2, 0)
    assert err.startswith(f"sv: {archive}:x/export.json is left out: ") and said in err and len(err.splitlines()) == 1


def test_json_has_the_counts_the_reasons_and_the_import(into: list[object], tmp_path: Path) -> None:
    path = write_ndjson(tmp_path / "f.ndjson", [ROW | {"userId": "json"}, b"bad"])
    answer = run_json(path, *into)
    (report,) = answer["files"]
    assert report["file"] == str(path)
    assert (report["rows"], report["taken"], report["rejected"], report["already_up_to"]) == (2, 1, 1, 0)
    assert report["rejections"][0]["code"] == "UNREADABLE"
    assert report["rejections"][0]["examples"][0]["line"] == 2
    again = run_json(path, *into)["files"][0]
    assert (again["rows"], again["taken"], again["already_up_to"], again["import_id"]) == (0, 0, 2, report["import_id"])


def test_the_options_of_the_mapping_reach_the_events(data: Path, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "odd.txt", ["what", "who", "at", "ip"], [["view", "7", "1995-08-01 06:00:00", "192.0.2.1"]])
    maps = [word for text in ("what=event", "who=userId", "at=timestamp", "ip=") for word in ("--map", text)]
    run_json(path, "--data", data, "--project", "p2", "--format", "csv", "--timezone", "Europe/Berlin", *maps)
    with opened(data) as folder:
        assert folder.wire_events("p2") == [{"event": "view", "userId": "7", "timestamp": 807_249_600_000, "properties": {}}]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["{file}", "--project", "p9", "--data", "{data}"], 1, "no project 'p9' in"),
        (["{file}", "--project", "p1", "--data", "{data}/none"], 1, "is no data folder yet"),
        (["{data}/sv.db", "--project", "p1", "--data", "{data}"], 2, "--format"),
        (["none.csv", "--project", "p1", "--data", "{data}"], 1, "none.csv can't be read: No such file or directory"),
        (["{file}", "none.csv", "--project", "p1", "--data", "{data}"], 1, "none.csv can't be read"),
        (["{file}", "--project", "p1", "--map", "x"], 2, "--map"),
        (["{file}", "--project", "p1", "--timezone", "Nowhere"], 2, "--timezone"),
        (["{file}", "--project", "p1", "--format", "xml"], 2, "--format"),
        (["{file}"], 2, "--project"),
        (["--project", "p1"], 2, "FILE"),
        (["{file}", "--project", "p1", "--url", "http://127.0.0.1:1"], 2, "--api-token or SV_API_TOKEN"),
        (["{file}", "--project", "p1", "--url", "127.0.0.1", "--api-token", "x"], 2, "--url"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(data: Path, tmp_path: Path, words: list[str], code: int, said: str) -> None:
    file = write_ndjson(tmp_path / "f.ndjson", [ROW])
    found, out, err = run(*[word.format(file=file, data=data) for word in words])
    assert (found, out) == (code, "")
    assert said in err
    assert "Traceback" not in err
    with opened(data) as folder:
        assert not any("f.ndjson" in path for path in folder.parts("p1"))


def test_a_folder_that_a_server_has_is_told_with_the_way_in(data: Path, tmp_path: Path) -> None:
    file = write_ndjson(tmp_path / "f.ndjson", [ROW])
    with opened(data) as folder:
        folder.server.lock.announce("http://127.0.0.1:8123")
        code, _, err = run(file, "--project", "p1", "--data", data)
    assert code == 1
    assert "is in use by process" in err
    assert "--url http://127.0.0.1:8123 --api-token TOKEN" in err


def test_a_fault_in_the_second_file_leaves_the_first_one_in(data: Path, tmp_path: Path) -> None:
    first = write_ndjson(tmp_path / "first.ndjson", [ROW | {"event": "first"}])
    second = write_ndjson(tmp_path / "second.json", [b"[", b"]"])
    code, out, err = run(first, second, "--project", "p1", "--data", data, "--json")
    answer = json.loads(out)
    assert (code, answer["taken"], len(answer["files"])) == (1, 1, 1)
    assert "JSON array" in answer["error"]
    assert "JSON array" in err


@pytest.mark.parametrize("name", ["shop.ndjson", "shop.csv"])
def test_an_import_killed_at_any_moment_and_started_again_takes_each_row_once(tmp_path: Path, name: str) -> None:
    data = tmp_path / "data"
    with opened(data) as folder:
        project = folder.new_project()
    rows = shop_rows(2500)
    if name.endswith("csv"):
        cells = [[*list(row.values())[:3], json.dumps(row["properties"])] for row in rows]
        path = write_csv(tmp_path / name, list(rows[0]), cells)
    else:
        path = write_ndjson(tmp_path / name, rows)
    words = (path, "--project", project, "--data", data)
    kills = 0
    for files in (0, 1, 2, 5, 9):
        process = start(*words, rows=100)
        before = len(list(data.glob("events/**/import-*")))
        kills += kill_when(process, lambda more=files, before=before: len(list(data.glob("events/**/import-*"))) >= before + more)
    answer = run_json(*words, rows=100)
    assert kills >= 4
    assert answer["files"][0]["already_up_to"] > 0, "the killed runs had come somewhere"
    with opened(data) as folder:
        assert numbers(folder.events(project)) == list(range(2500))
        assert folder.wire_events(project) == ordered(rows)
    assert run_json(*words, rows=100)["taken"] == 0


def test_an_interrupt_says_that_the_same_command_goes_on(data: Path, tmp_path: Path) -> None:
    path = write_ndjson(tmp_path / "shop.ndjson", shop_rows(600))
    words = (path, "--project", "p2", "--data", data)
    code, _, err = finish(start(*words, rows=50, before=INTERRUPTED))
    assert code == 130
    assert "the same command goes on from there" in err
    assert run_json(*words, rows=50)["files"][0]["already_up_to"] > 0
    with opened(data) as folder:
        assert numbers(event for event in folder.events("p2") if "n" in event["properties"]) == list(range(600))


@pytest.fixture(autouse=True)
def _no_leftovers(data: Path) -> Iterator[None]:
    yield
    assert list(data.glob("events/**/*.tmp")) == []
