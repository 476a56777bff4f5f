"""Each step of a flush and a merge fails, or is the last one before a kill: afterwards each event is there once, also in the files.

Each fails in one of two ways in a run, before it is done or after; chance says which begins, and TEST_EXAMPLES=2 has both. SV_CRASH_SEED repeats
a run's choice.
"""

import errno
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from crash_rig import files_aside, numbers_in_files, part_files, temporary_files
from folder_rig import Folder, now_ms
from steps_rig import MOST_STEPS, Killed, Steps, by_turns, watch

from sv.model.errors import Unavailable

DAY_MS = 86_400_000


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two parts of one day, events of three days in the log, and ids that come again."""
    path = tmp_path_factory.mktemp("steps") / "killed"
    folder = Folder(path)
    folder.put("1", "2", with_ids=True)
    folder.flush()
    folder.put("3", "2", with_ids=True)
    folder.flush()
    for number in range(4, 10):
        folder.put(f"{number}", at_ms=now_ms() - number % 3 * DAY_MS)
    folder.put("1", "10", with_ids=True)
    assert folder.numbers() == EVERYTHING
    folder.crash()
    return path


def started(killed: Path, path: Path) -> Folder:
    folder = Folder.like(killed, path)
    assert folder.numbers() == EVERYTHING
    return folder


EVERYTHING = Counter(f"{number}" for number in range(1, 11))


def check_at_rest(path: Path) -> None:
    """After one more start and an ordinary end, everything is in files, once, and nothing else is left."""
    folder = Folder(path)
    assert folder.numbers() == EVERYTHING
    folder.put("1", "5th of November", with_ids=True)
    folder.close()
    assert numbers_in_files(path) == EVERYTHING + Counter(["5th of November"])
    assert temporary_files(path) == []
    assert files_aside(path) == []


@pytest.mark.parametrize("strikes", ["before", "after"])
def test_whichever_step_fails_reading_goes_on_and_the_next_try_succeeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed: Path, strikes: str
) -> None:
    for last in by_turns(strikes):
        path = tmp_path / str(last)
        folder = started(killed, path)
        steps = Steps(last, strikes)
        with monkeypatch.context() as patch:
            watch(steps, folder, patch)
            for action in (folder.flush, folder.merge):
                try:
                    action()
                except (OSError, Unavailable):
                    assert steps.has_struck, steps.taken
                assert folder.numbers() == EVERYTHING, (last, steps.taken)
            folder.flush()
            folder.merge()
            assert folder.numbers() == EVERYTHING, (last, steps.taken)
        assert numbers_in_files(path) == EVERYTHING, (last, steps.taken)
        assert files_aside(path) == [], (last, steps.taken)
        assert len(part_files(path)) == 3, (last, steps.taken)
        if not steps.has_struck:
            print(f"{len(steps.taken)} steps: {' '.join(steps.taken)}")
            assert len(steps.taken) > 25
            folder.close()
            check_at_rest(path)
            return
        folder.crash()
        if last % 8 in (3, 4):
            check_at_rest(path)
    pytest.fail("the steps never end")


def test_a_kill_after_whichever_step_loses_and_doubles_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed: Path
) -> None:
    for last in range(1, MOST_STEPS):
        path = tmp_path / str(last)
        folder = started(killed, path)
        steps = Steps(last, "kill")
        with monkeypatch.context() as patch:
            watch(steps, folder, patch)
            try:
                folder.flush()
                folder.merge()
            except Killed:
                pass
        folder.crash()
        check_at_rest(path)
        if not steps.has_struck:
            assert len(steps.taken) > 25
            return
    pytest.fail("the steps never end")


def test_answers_of_a_flush_that_never_was_committed_do_not_hide_its_batches_from_the_replay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Folder(tmp_path / "data")
    folder.put("1", retry_key=b"k" * 16)
    with monkeypatch.context() as patch:
        patch.setattr(folder.server.parts, "commit_flush", Steps(1, "before").around("commit", print, Unavailable("full")))
        with pytest.raises(Unavailable):
            folder.flush()
    assert list((tmp_path / "data" / "retries").glob("*.answers")), "the answers were written, before the commit"
    assert folder.numbers() == Counter(["1"])
    folder.crash()
    folder = Folder(tmp_path / "data")
    assert folder.numbers() == Counter(["1"])
    assert folder.server.retries.answer_to(b"k" * 16, now_ms()) is not None
    folder.flush()
    folder.crash()
    folder = Folder(tmp_path / "data")
    assert folder.numbers() == Counter(["1"])
    assert folder.server.retries.answer_to(b"k" * 16, now_ms()) is not None
    folder.close()


def test_batches_stay_when_the_engine_can_not_be_opened_or_can_not_take_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SCAR: what was taken to be drained was gone when the buffer's table could not be made, and the flush after it covered its place."""
    folder = Folder(tmp_path / "data")
    folder.put("1")
    tables = folder.server.store.tables
    for name in ("create_buffer", "drain"):
        with monkeypatch.context() as patch:
            patch.setattr(tables, name, Steps(1, "before").around(name, print, Unavailable("no memory")))
            with pytest.raises(Unavailable):
                folder.numbers()
        folder.put(f"after {name}")
    folder.flush()
    folder.crash()
    folder = Folder(tmp_path / "data")
    assert folder.numbers() == Counter(["1", "after create_buffer", "after drain"])
    folder.close()


def test_persons_that_were_numbered_while_the_catalog_could_not_be_written_keep_their_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Folder(tmp_path / "data")
    persons = folder.server.persons
    assert persons.number_persons("dev", '["ann"]') == "[1]"

    def refuse(**_: Any) -> Any:
        raise Unavailable("full")

    with monkeypatch.context() as patch:
        patch.setattr(folder.server.meta, "transaction", refuse)
        assert persons.number_persons("dev", '["zoe", "ann", "bob", "zoe"]') == "[2,1,3,2]"
        assert persons.number_persons("other", '["zoe"]') == "[1]", "a person is one of its project"
        assert persons.number_persons("dev", '["bob", "eve"]') == "[3,4]"
        assert persons.max_number() == 4
        folder.put("1")
        assert folder.numbers() == Counter(["1"])
        with pytest.raises(Unavailable):
            folder.flush()
        with pytest.raises(ValueError, match="array"):
            persons.number_persons("dev", "{}")
    folder.flush()
    assert persons.number_persons("dev", '["eve", "fay", "zoe"]') == "[4,5,2]"
    folder.crash()
    folder = Folder(tmp_path / "data")
    assert folder.server.persons.number_persons("dev", '["zoe", "bob", "eve", "ann", "fay"]') == "[2,3,4,1,5]"
    assert folder.server.persons.number_persons("other", '["zoe"]') == "[1]"
    assert folder.numbers() == Counter(["1"])
    folder.close()


def test_a_batch_at_fault_costs_itself_alone_even_when_the_disk_refuses_halfway(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SCAR: what was drained before the disk refused was drained again, and there twice."""
    from sv.store.ports import BadBatch

    folder = Folder(tmp_path / "data")
    tables = folder.server.store.tables
    drain = tables.drain

    def refuse_the_third(generation: int, batches: Any, **options: Any) -> int:
        if any(stored.seq == 3 for stored in batches):
            raise BadBatch("a batch that nobody can read")
        return drain(generation, batches, **options)

    for number in range(1, 6):
        folder.put(f"{number}")
    monkeypatch.setattr(tables, "drain", refuse_the_third)
    with monkeypatch.context() as patch:
        full = OSError(errno.ENOSPC, "full")
        patch.setattr("sv.store.event_store.write_durably", Steps(1, "before").around("write", print, full))
        with pytest.raises(Unavailable):
            folder.numbers()
    assert folder.numbers() == Counter(["1", "2", "4", "5"])
    assert [path.name for path in files_aside(folder.path)] == ["batch-0000000000000003-dev.json"]
    folder.flush()
    assert numbers_in_files(folder.path) == Counter(["1", "2", "4", "5"])
    folder.close()
