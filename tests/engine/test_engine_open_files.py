"""Of key files no more is kept in memory than may be; what was left out is read again when it is asked for."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from sv.engine.duck.keys import open_files
from sv.engine.duck.keys.key_files import KeyFile, open_key_file
from sv.engine.duck.keys.open_files import KeyFiles
from sv.model.part import Part
from tests.engine.rig import NOON, Rig, event, opened


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Four parts alike."""
    with opened(tmp_path_factory.mktemp("open")) as rig:
        for number in range(4):
            rig.flush(rig.buffer(rig.batch([event("view", f"person {place}", NOON + number) for place in range(300)])))
        rig.index(rig.parts)
        yield rig


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The parts whose key files were read again."""
    found: list[int] = []

    def look(path: Path, part: Part, *, is_checked: bool) -> KeyFile | None:
        found.append(part.part_id)
        return open_key_file(path, part, is_checked=is_checked)

    monkeypatch.setattr(open_files, "open_key_file", look)
    return found


def added(rig: Rig, room_for: int) -> tuple[KeyFiles, list[Part]]:
    """The parts' key files, added in the order of the parts, with room for so many."""
    parts = list(rig.parts)
    opened_files = [file for _, file in rig.tables.key_files.of(parts)]
    most = max(file.held_bytes for file in opened_files)
    files = KeyFiles(room_for * most)
    for part, file in zip(parts, opened_files, strict=True):
        files.add(part.part_id, file)
        assert 0 < files.bytes <= room_for * most
    return files, parts


def test_what_was_added_first_stays_and_the_rest_is_read_again(rig: Rig, looks: list[int]) -> None:
    files, parts = added(rig, 2)
    held = files.bytes
    assert [part for part, _ in files.of(parts[:2])] == parts[:2]
    assert looks == []
    for _ in range(2):
        ((_, again),) = files.of(parts[3:])
        assert (again.rows, list(again.events)) == (300, ["view"])
    assert looks == [parts[3].part_id]
    assert [part for part, _ in files.of(parts)] == parts
    assert files.bytes <= held
    assert files.without(parts, [10**6]) == ()
    assert files.without(parts, [1]) == tuple(parts)


def test_what_was_asked_for_longest_ago_goes_first(rig: Rig, looks: list[int]) -> None:
    files, parts = added(rig, 2)
    files.of(parts[:1])
    files.of(parts[2:3])
    looks.clear()
    files.of([parts[0], parts[2]])
    assert looks == []
    files.of(parts[1:2])
    assert looks == [parts[1].part_id]


def test_one_that_can_not_be_read_again_is_given_up(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    files, parts = added(rig, 2)
    path = rig.folder / parts[3].keys_path
    whole = path.read_bytes()
    path.unlink()
    with caplog.at_level(logging.WARNING):
        assert files.of(parts[3:]) == []
    assert "queries on that part are slower" in caplog.text
    path.write_bytes(whole)
    assert files.of(parts[3:]) == []


def test_one_that_is_forgotten_is_used_no_more_whether_or_not_it_was_in_memory(rig: Rig) -> None:
    files, parts = added(rig, 2)
    gone: list[int] = []
    files.when_gone = gone.append
    for part in parts:
        files.forget(part.part_id)
    assert files.of(parts) == []
    assert gone == [part.part_id for part in parts]
    assert files.bytes == 0
