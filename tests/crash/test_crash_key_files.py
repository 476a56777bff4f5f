"""Key files beside the parts: made in the background, gone with their part, made anew where damaged, and never needed."""

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from crash_rig import temporary_files
from folder_rig import Folder, now_ms

from sv.cli import main
from sv.engine.duck.keys import key_files, key_writing
from sv.store import indexing

DAY_MS = 86_400_000


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Folder]:
    """A folder in which the smallest part gets a key file."""
    monkeypatch.setattr(key_files, "MIN_ROWS", 1)
    opened = Folder(tmp_path / "data")
    yield opened
    opened.close()


def filled(folder: Folder, flushes: int = 3) -> None:
    """Two days of events, in so many flushes."""
    for nth in range(flushes):
        folder.put(f"a{nth}", f"b{nth}", at_ms=now_ms() - nth % 2 * DAY_MS)
        folder.flush()


def key_paths(folder: Folder) -> list[str]:
    return sorted(str(path.relative_to(folder.path)) for path in (folder.path / "keys").rglob("*") if path.is_file())


def expected(folder: Folder) -> list[str]:
    return sorted(part.keys_path for part in folder.server.catalog.parts())


def used(folder: Folder) -> int:
    """How many parts queries use the key files of."""
    tables = folder.server._open_tables()
    return len(tables.key_files.of(folder.server.catalog.parts()))


def test_every_part_has_its_key_file_and_a_merge_takes_those_of_its_sources_along(folder: Folder) -> None:
    filled(folder)
    folder.server.maintenance.index()
    assert key_paths(folder) == expected(folder)
    assert used(folder) == 3
    assert folder.merge() == 1
    folder.server.maintenance.index()
    assert len(expected(folder)) == 2
    assert key_paths(folder) == expected(folder)
    assert used(folder) == 2


def test_the_command_that_merges_makes_the_key_files_of_what_it_merged(folder: Folder) -> None:
    filled(folder)
    folder.close()
    assert main(["compact", "--data", str(folder.path)]) == 0
    merged = Folder(folder.path)
    assert len(expected(merged)) == 2
    assert key_paths(merged) == expected(merged)
    merged.close()


def test_deleting_all_events_deletes_their_keys(folder: Folder) -> None:
    filled(folder)
    folder.server.maintenance.index()
    folder.server.maintenance.reset(
        lambda covered: folder.server.parts.replace_parts([part.part_id for part in folder.server.catalog.parts()], [])
    )
    assert key_paths(folder) == []
    assert used(folder) == 0


def test_a_start_uses_whole_key_files_makes_damaged_ones_anew_and_deletes_strangers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_files, "MIN_ROWS", 1)
    folder = Folder(tmp_path / "data")
    filled(folder)
    folder.server.maintenance.index()
    names = expected(folder)
    folder.crash()
    whole, damaged, missing = (folder.path / name for name in names)
    content = {name: (folder.path / name).read_bytes() for name in names}
    made_at = whole.stat().st_mtime_ns
    damaged.write_bytes(content[names[1]][:-1] + b"?")
    missing.unlink()
    (whole.parent / "stranger.keys").write_bytes(b"?")
    (whole.parent / "cut-off.keys.tmp").write_bytes(b"?")
    again = Folder(folder.path)
    assert used(again) == 0
    again.server.maintenance.index()
    assert used(again) == 0, "the engine was opened for it"
    again.numbers()
    again.server.maintenance.index()
    assert key_paths(again) == names
    assert whole.stat().st_mtime_ns == made_at
    assert {name: (again.path / name).read_bytes() for name in names} == content
    assert used(again) == 3
    assert again.numbers() == Counter({f"{letter}{nth}": 1 for letter in "ab" for nth in range(3)})
    again.close()


def test_key_files_that_are_damaged_or_deleted_under_a_running_server_are_made_anew(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(folder)
    folder.server.maintenance.index()
    names = expected(folder)
    content = {name: (folder.path / name).read_bytes() for name in names}
    _, damaged, missing = (folder.path / name for name in names)
    damaged.write_bytes(content[names[1]][:-1] + b"?")
    missing.unlink()
    parts = folder.server.catalog.parts()
    assert len(folder.server._open_tables().key_files.without(parts, (0, 1, 2))) == 3, "asked what can't be read"
    assert used(folder) == 1
    folder.server.maintenance.index()
    assert used(folder) == 1, "tried again at once"
    later_s = time.monotonic() + indexing.TRY_AGAIN_S + 1
    monkeypatch.setattr(folder.server.maintenance._indexing, "_monotonic_s", lambda: later_s)
    folder.server.maintenance.index()
    assert used(folder) == 3
    assert {name: (folder.path / name).read_bytes() for name in names} == content


def test_key_files_of_an_earlier_layout_are_used_until_they_are_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_files, "MIN_ROWS", 1)
    folder = Folder(tmp_path / "data")
    filled(folder)
    with monkeypatch.context() as patched:
        patched.setattr(key_writing, "LAYOUT", 1)
        folder.server.maintenance.index()
    names = expected(folder)
    folder.crash()
    again = Folder(folder.path)
    again.numbers()
    made_at = {name: (folder.path / name).stat().st_mtime_ns for name in names}
    write, used_before = key_writing.write_key_file, list[int]()

    def noted(*asked: Any) -> None:
        used_before.append(used(again))
        write(*asked)

    monkeypatch.setattr(key_writing, "write_key_file", noted)
    again.server.maintenance.index()
    assert used_before == [3, 3, 3]
    assert key_paths(again) == names
    assert used(again) == 3
    assert all((folder.path / name).stat().st_mtime_ns > at_ns for name, at_ns in made_at.items())
    again.server.maintenance.index()
    assert used_before == [3, 3, 3], "made anew once more"
    assert again.numbers().total() == 6
    again.close()


def test_a_disk_that_refuses_key_files_costs_nothing_else(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    filled(folder)

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(key_writing, "write_key_file", refuse)
        folder.server.maintenance.index()
    assert caplog.text.count("can't make the key file") == 3
    assert key_paths(folder) == []
    assert temporary_files(folder.path) == []
    folder.server.maintenance.index()
    assert key_paths(folder) == [], "tried again at once"
    assert sum(folder.numbers().values()) == 6
    folder.put("later")
    folder.flush()
    folder.server.maintenance.index()
    assert len(key_paths(folder)) == 1


def test_a_part_that_can_have_none_is_not_tried_again_and_leaves_no_file(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(folder)
    monkeypatch.setattr(key_writing, "MAX_SPAN_MS", -1)
    folder.server.maintenance.index()
    assert key_paths(folder) == []
    monkeypatch.undo()
    folder.server.maintenance.index()
    assert key_paths(folder) == []


def test_a_server_that_ends_begins_no_further_key_file(folder: Folder) -> None:
    filled(folder)
    folder.server.maintenance.end_soon()
    folder.server.maintenance.index()
    assert key_paths(folder) == []
    folder.put("last")
    folder.close()
    assert Folder(folder.path).numbers().total() == 7


def test_parts_that_come_and_go_are_looked_after_without_going_through_all_of_them_each_time(folder: Folder) -> None:
    looks = folder.server.maintenance._indexing
    filled(folder, 4)
    with mock.patch.object(folder.server.catalog, "parts", side_effect=folder.server.catalog.parts) as asked:
        folder.server.maintenance.index()
        assert asked.call_count == 1
        assert looks.next_part() is None
        assert asked.call_count == 1
        folder.put("more")
        folder.flush()
        before = asked.call_count
        assert looks.next_part() is not None
        assert asked.call_count == before + 1
    folder.server.maintenance.index()
    folder.merge()
    folder.server.maintenance.index()
    assert key_paths(folder) == expected(folder)
    assert used(folder) == len(folder.server.catalog.parts())
