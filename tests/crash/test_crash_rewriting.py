"""A person's events are taken out of the files: whichever step fails or is the last, the next try ends it, and nobody else loses any."""

import contextlib
from collections import Counter
from pathlib import Path

import duckdb
import pytest
from crash_rig import files_aside, numbers_in_files, part_files, temporary_files
from folder_rig import PROJECT, Folder, now_ms
from steps_rig import MOST_STEPS, Killed, Steps, by_turns, watch

from sv.model.errors import Unavailable
from sv.model.limits import MAX_TIMESTAMP_MS
from sv.model.part import NewPart, Part
from sv.model.unwanted import Unwanted
from sv.store.rewriting import Rewriting

DAY_MS = 86_400_000
OTHERS = Counter(["2", "4", "6"])


class Counted:
    """Records in the catalog, and how many events went."""

    def __init__(self, folder: Folder) -> None:
        self._parts = folder.server.parts
        self.removed = 0

    def __call__(self, old_ids: list[int], new_parts: list[NewPart], removed: int) -> list[Part]:
        parts = self._parts.replace_parts(old_ids, new_parts)
        self.removed += removed
        return parts


def fill(path: Path) -> Folder:
    """Three files: one of both persons, one of ann alone, one of bob alone."""
    folder = Folder(path)
    folder.put("1")
    folder.put("2", user="bob")
    folder.put("3", at_ms=now_ms() - DAY_MS)
    folder.put("4", "6", user="bob", at_ms=now_ms() - 2 * DAY_MS)
    folder.flush()
    return folder


def remove(folder: Folder, unwanted: Unwanted) -> tuple[int, list[tuple[int, int]]]:
    """(events removed, progress as it was told)"""
    server = folder.server
    told: list[tuple[int, int]] = []
    record = Counted(folder)
    rewriting = Rewriting(server.store, server.maintenance, now_ms)
    assert rewriting.remove(PROJECT, unwanted, record, lambda done, total: told.append((done, total)), lambda: False)
    assert rewriting.wait_until_gone(PROJECT, lambda seconds: False)
    return record.removed, told


def ann(folder: Folder) -> Unwanted:
    return Unwanted(persons=(int(folder.server.persons.number_persons(PROJECT, '["ann"]').strip("[]")),))


def is_anywhere(path: Path, user: str) -> bool:
    """Whether a person's events are in any event file."""
    files = [str(file) for file in part_files(path)]
    with duckdb.connect() as connection:
        sql = "select count(*) from read_parquet($files, hive_partitioning = false) where distinct_id = $user"
        found = connection.execute(sql, {"files": files, "user": user}).fetchall()
    return bool(found[0][0])


def test_a_persons_events_leave_every_file_and_those_of_others_stay(tmp_path: Path) -> None:
    folder = fill(tmp_path / "data")
    before = part_files(folder.path)
    removed, told = remove(folder, ann(folder))
    assert removed == 2
    assert [done for done, _ in told] == [1, 2, 3, 4], "the file that is written anew is looked at too"
    assert told[2:] == [(3, 4), (4, 4)], "and is among those to do before it comes to it"
    after = part_files(folder.path)
    assert len(before) == 3
    assert len(after) == 2
    assert len(set(before) & set(after)) == 1, "a file without the person is left as it is"
    assert folder.numbers() == numbers_in_files(folder.path) == OTHERS
    assert remove(folder, ann(folder))[0] == 0
    folder.close()


def test_events_before_a_moment_leave_every_file(tmp_path: Path) -> None:
    folder = fill(tmp_path / "data")
    folder.merge()
    assert remove(folder, Unwanted(before_ms=now_ms() - DAY_MS - 3_600_000))[0] == 2
    assert folder.numbers() == numbers_in_files(folder.path) == Counter(["1", "2", "3"])
    assert remove(folder, Unwanted(before_ms=MAX_TIMESTAMP_MS))[0] == 3
    assert part_files(folder.path) == []
    assert folder.numbers() == Counter()
    folder.close()


def test_a_file_that_a_query_reads_stays_until_that_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sv.store.rewriting.REREADS", 3)
    folder = fill(tmp_path / "data")
    rewriting = Rewriting(folder.server.store, folder.server.maintenance, now_ms)
    with folder.server.store.snapshot(PROJECT, 0, MAX_TIMESTAMP_MS + 1):
        assert rewriting.remove(PROJECT, ann(folder), Counted(folder), lambda done, total: None, lambda: False)
        assert not rewriting.wait_until_gone(PROJECT, lambda seconds: True)
        waits: list[float] = []
        with pytest.raises(Unavailable, match="still being read"):  # a slow export may last for hours, and other jobs wait
            rewriting.wait_until_gone(PROJECT, lambda seconds: bool(waits.append(seconds)))
        assert len(waits) == 3
        assert is_anywhere(folder.path, "ann")
    assert rewriting.wait_until_gone(PROJECT, lambda seconds: True)
    assert not is_anywhere(folder.path, "ann")
    folder.close()


def test_it_can_be_stopped_between_two_files(tmp_path: Path) -> None:
    folder = fill(tmp_path / "data")
    rewriting = Rewriting(folder.server.store, folder.server.maintenance, now_ms)
    done: list[int] = []
    record = Counted(folder)
    assert not rewriting.remove(PROJECT, ann(folder), record, lambda n, total: done.append(n), lambda: len(done) == 1)
    assert done == [1]
    assert remove(folder, ann(folder))[0] + record.removed == 2
    folder.close()


@pytest.mark.parametrize("strikes", ["before", "after"])
def test_whichever_step_fails_the_next_try_removes_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, strikes: str
) -> None:
    for last in by_turns(strikes):
        folder = fill(tmp_path / str(last))
        unwanted = ann(folder)
        steps = Steps(last, strikes)
        with monkeypatch.context() as patch:
            watch(steps, folder, patch)
            try:
                remove(folder, unwanted)
            except (OSError, Unavailable):
                assert steps.has_struck, steps.taken
            assert folder.numbers() - Counter(["1", "3"]) == OTHERS, (last, steps.taken)
            remove(folder, unwanted)
        assert folder.numbers() == numbers_in_files(folder.path) == OTHERS, (last, steps.taken)
        assert temporary_files(folder.path) == []
        folder.crash()
        if not steps.has_struck:
            assert len(steps.taken) > 8, steps.taken
            return
    pytest.fail("the steps never end")


def test_a_kill_after_whichever_step_loses_nothing_of_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for last in range(1, MOST_STEPS):
        folder = fill(tmp_path / str(last))
        unwanted = ann(folder)
        steps = Steps(last, "kill")
        with monkeypatch.context() as patch:
            watch(steps, folder, patch)
            with contextlib.suppress(Killed):
                remove(folder, unwanted)
        folder.crash()
        folder = Folder(folder.path)
        assert folder.numbers() - Counter(["1", "3"]) == OTHERS, (last, steps.taken)
        remove(folder, unwanted)
        assert folder.numbers() == numbers_in_files(folder.path) == OTHERS, (last, steps.taken)
        assert files_aside(folder.path) == [], (last, steps.taken)
        folder.close()
        if not steps.has_struck:
            return
    pytest.fail("the steps never end")
