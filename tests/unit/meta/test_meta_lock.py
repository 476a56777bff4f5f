"""The lock on a data folder: one process at a time, and a second one is told which."""

import errno
import fcntl
import json
import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from meta_rig import NOW

from sv.meta.errors import FolderInUse, FolderUnusable
from sv.meta.lock import LOCK_NAME, FolderLock, find_holder, read_holder

HOLD = """
import sys, time
from pathlib import Path
from sv.meta.lock import FolderLock
lock = FolderLock.acquire(Path(sys.argv[1]), url="http://127.0.0.1:8000")
print("held", flush=True)
time.sleep(60)
"""


@contextmanager
def holding_process(folder: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.communicate()


@contextmanager
def ordinary_user() -> Iterator[int]:
    """As somebody to whom permissions apply: the superuser becomes nobody for a while."""
    was = os.geteuid()
    if was == 0:
        os.seteuid(65534)
    try:
        yield os.geteuid()
    finally:
        os.seteuid(was)


def test_the_folder_is_made_where_there_is_none(tmp_path: Path) -> None:
    with FolderLock.acquire(tmp_path / "a" / "b") as lock:
        assert (lock.folder / LOCK_NAME).exists()


def test_the_name_of_each_folder_that_is_made_is_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[Path] = []
    monkeypatch.setattr("sv.meta.lock.sync_folder", synced.append)
    FolderLock.acquire(tmp_path / "a" / "b").release()
    assert sorted(synced) == [tmp_path, tmp_path / "a"]
    FolderLock.acquire(tmp_path / "a" / "b").release()
    assert len(synced) == 2, "a folder that is there waits for no disk"


def test_a_folder_is_made_in_one_that_can_not_be_read() -> None:
    with tempfile.TemporaryDirectory() as name:  # not pytest's, into which nobody else gets
        Path(name).chmod(0o733)
        with ordinary_user():
            FolderLock.acquire(Path(name) / "a").release()
            with pytest.raises(PermissionError):
                os.listdir(name)
        Path(name).chmod(0o700)


def test_a_second_process_fails_at_once_and_names_the_first(tmp_path: Path) -> None:
    with holding_process(tmp_path) as process, pytest.raises(FolderInUse) as caught:
        FolderLock.acquire(tmp_path)
    holder = f"process {process.pid} on {os.uname().nodename} since 2"
    assert holder in caught.value.message
    assert "answering at http://127.0.0.1:8000" in caught.value.message


def test_the_lock_ends_with_a_killed_process(tmp_path: Path) -> None:
    with holding_process(tmp_path) as process:
        found = find_holder(tmp_path)
        assert found == read_holder(tmp_path)
        assert found is not None
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        assert read_holder(tmp_path) == found, "it had no time to strike itself out"
        assert find_holder(tmp_path) is None
        FolderLock.acquire(tmp_path).release()


def test_who_holds_a_folder_of_another_machine_is_who_it_says(tmp_path: Path) -> None:
    """A lock may not reach from there to here: a container's in a virtual machine, say."""
    with FolderLock.acquire(tmp_path):
        pass
    (tmp_path / LOCK_NAME).write_text('{"pid": 1, "host": "elsewhere", "started_at": "", "url": "http://127.0.0.1:8000"}')
    found = find_holder(tmp_path)
    assert found is not None
    assert found.url == "http://127.0.0.1:8000"


def test_whoever_only_looks_keeps_nobody_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    FolderLock.acquire(tmp_path).release()
    looking = os.open(tmp_path / LOCK_NAME, os.O_RDONLY)
    fcntl.flock(looking, fcntl.LOCK_SH)
    monkeypatch.setattr("sv.meta.lock.time.sleep", lambda _: os.close(looking))
    FolderLock.acquire(tmp_path).release()


def test_the_same_process_cannot_lock_twice_until_it_has_released(tmp_path: Path) -> None:
    with FolderLock.acquire(tmp_path), pytest.raises(FolderInUse):
        FolderLock.acquire(tmp_path)
    lock = FolderLock.acquire(tmp_path)
    lock.release()
    lock.release()
    assert read_holder(tmp_path) is None


def test_the_address_can_be_told_later(tmp_path: Path) -> None:
    with FolderLock.acquire(tmp_path, now_ms=NOW) as lock:
        lock.announce("http://a-much-longer-address.example:8000")
        lock.announce("http://h:1", "127.0.0.1:1")
        assert json.loads((tmp_path / LOCK_NAME).read_text()) == {
            "pid": os.getpid(),
            "host": os.uname().nodename,
            "started_at": "2025-01-31T00:00:00Z",
            "url": "http://h:1",
            "at": "127.0.0.1:1",
        }


def test_a_holder_that_has_not_written_yet_is_another_process(tmp_path: Path) -> None:
    with FolderLock.acquire(tmp_path):
        (tmp_path / LOCK_NAME).write_text("{")
        with pytest.raises(FolderInUse, match="another process"):
            FolderLock.acquire(tmp_path)


def test_removing_the_lock_file_lets_nobody_in(tmp_path: Path) -> None:
    """Two servers on a folder lose half of what they acknowledge."""
    with FolderLock.acquire(tmp_path):
        (tmp_path / LOCK_NAME).unlink()
        for _ in range(2):
            with pytest.raises(FolderInUse, match=f"another process, whose {LOCK_NAME} was removed"):
                FolderLock.acquire(tmp_path)
    FolderLock.acquire(tmp_path).release()


def test_a_folder_that_can_not_be_locked_itself_is_locked_by_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flock = fcntl.flock

    def of_files_alone(descriptor: int, how: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
        flock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", of_files_alone)
    with FolderLock.acquire(tmp_path), pytest.raises(FolderInUse):
        FolderLock.acquire(tmp_path)
    FolderLock.acquire(tmp_path).release()


def test_a_lock_file_removed_while_it_is_being_locked_is_no_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flock = fcntl.flock
    removals = iter([True, False])

    def remove_and_lock(descriptor: int, how: int) -> None:
        if next(removals, False):
            (tmp_path / LOCK_NAME).unlink()
        flock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", remove_and_lock)
    with FolderLock.acquire(tmp_path), pytest.raises(FolderInUse):
        FolderLock.acquire(tmp_path)


def test_children_do_not_inherit_the_lock(tmp_path: Path) -> None:
    lock = FolderLock.acquire(tmp_path)
    child = subprocess.Popen(["sleep", "60"], close_fds=False)
    try:
        lock.release()
        FolderLock.acquire(tmp_path).release()
    finally:
        child.kill()
        child.wait()


def test_a_folder_of_another_user_is_refused_with_the_user_and_the_remedy(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    try:
        with ordinary_user() as uid, pytest.raises(FolderUnusable) as caught:
            FolderLock.acquire(tmp_path)
    finally:
        tmp_path.chmod(0o755)
    assert f"by user {uid}: Permission denied" in caught.value.message
    assert f"chown -R {uid}:" in caught.value.message


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(FolderUnusable, match="A file is in its place"):
            FolderLock.acquire(folder)


def test_a_link_in_the_place_of_the_lock_file_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("precious")
    (tmp_path / LOCK_NAME).symlink_to(tmp_path / "precious")
    with pytest.raises(FolderUnusable):
        FolderLock.acquire(tmp_path)
    assert (tmp_path / "precious").read_text() == "precious"
