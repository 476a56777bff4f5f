"""A disk that refuses: callers hear Unavailable, nothing is half stored, and nothing is built on a failed sync."""

import os
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest
from meta_rig import Faults, faulty_disk, names, part

from sv.meta.db import Meta, copy_database
from sv.meta.errors import FolderDamaged, translate
from sv.meta.instance import Settings
from sv.meta.parts import Parts
from sv.meta.persons import Persons
from sv.model.errors import DiskRefuses, Unavailable


@pytest.fixture
def disk() -> Iterator[Faults]:
    with faulty_disk() as faults:
        yield faults


def test_a_full_disk_is_unavailable_and_passes_without_reopening(meta: Meta) -> None:
    settings = Settings(meta)
    with meta.transaction(durable=False) as writer:
        pages = writer.execute("pragma page_count").fetchall()[0][0]
        writer.execute(f"pragma max_page_count = {pages}")
    with pytest.raises(Unavailable, match="Full"):
        settings.put("k", '"' + "x" * 100_000 + '"')
    assert settings.get("k") is None
    with meta.transaction() as writer:
        writer.execute("pragma max_page_count = 1000000")
    settings.put("k", "1")
    assert settings.get("k") == "1"


def test_a_folder_without_room_for_the_files_beside_it_is_said_to_be_on_a_full_disk(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite takes it for a broken one."""
    fault = apsw.IOError("disk I/O error")
    assert "full" not in str(translate(fault, path))
    monkeypatch.setattr(os, "statvfs", lambda _: os.statvfs_result((4096, 4096, 9000, 9, 9, 0, 0, 0, 0, 255)))
    assert str(translate(fault, path)).endswith("IO: disk I/O error. Its disk is full: make room on it")


def test_what_seems_damaged_on_a_disk_that_does_not_even_give_the_file_is_the_disks_fault(path: Path) -> None:
    """SQLite may have read zeros of it."""
    fault = apsw.CorruptError("database disk image is malformed")
    log = path.with_name("sv.db-wal")
    for make in (lambda: None, log.touch):
        make()
        assert isinstance(translate(fault, path), FolderDamaged)
    log.unlink()
    log.mkdir()
    gone = translate(fault, path)
    assert isinstance(gone, DiskRefuses)
    assert str(gone) == f"the metadata in {path} can't be read: Is a directory"


@pytest.mark.parametrize("call", ["write", "sync"])
def test_a_commit_that_the_disk_refuses_is_unavailable_and_not_there(disk: Faults, path: Path, call: str) -> None:
    with Meta.open(path) as meta:
        parts = Parts(meta)
        parts.commit_flush([part("a")], 1)
        getattr(disk, call).add("-wal")
        with pytest.raises(Unavailable, match="injected"):
            parts.commit_flush([part("b")], 2)
        assert (names(parts), parts.covered_seq()) == (["a"], 1)
        getattr(disk, call).clear()
        parts.commit_flush([part("b")], 2)
        assert (names(parts), parts.covered_seq()) == (["a", "b"], 2)


def test_after_a_failed_sync_nothing_is_committed_before_everything_is_in_the_file(disk: Faults, path: Path) -> None:
    with Meta.open(path) as meta:
        persons, parts = Persons(meta), Parts(meta)
        assert persons.number_persons("dev", '["ann"]') == "[1]"
        disk.sync.add("-wal")
        with pytest.raises(Unavailable):
            parts.commit_flush([part("a")], 1)
        disk.sync.clear()
        disk.sync.add("sv.db")
        with pytest.raises(Unavailable):
            parts.commit_flush([part("a")], 1)
        with pytest.raises(Unavailable):
            persons.number_persons("dev", '["bob"]')
        disk.sync.clear()
        parts.commit_flush([part("a")], 1)
        # The log before that commit is not needed any more: its frames may never have reached the disk.
        assert b"ann" in path.read_bytes()
        assert b"ann" not in path.with_name("sv.db-wal").read_bytes()


def test_reading_goes_on_while_the_disk_refuses_writes(disk: Faults, path: Path) -> None:
    with Meta.open(path) as meta:
        Parts(meta).commit_flush([part("a")], 1)
        disk.write.update(("-wal", "sv.db"))
        with pytest.raises(Unavailable):
            Parts(meta).commit_flush([part("b")], 2)
        assert names(Parts(meta)) == ["a"]
        disk.write.clear()


def test_known_persons_are_numbered_while_the_disk_refuses_writes(disk: Faults, path: Path) -> None:
    with Meta.open(path) as meta:
        persons = Persons(meta)
        persons.number_persons("dev", '["ann"]')
        disk.write.add("-wal")
        assert persons.number_persons("dev", '["ann"]') == "[1]"
        with pytest.raises(Unavailable):
            persons.number_persons("dev", '["bob"]')
        disk.write.clear()
        assert persons.number_persons("dev", '["bob"]') == "[2]"


def test_only_a_durable_transaction_waits_for_a_sync(disk: Faults, path: Path) -> None:
    with Meta.open(path) as meta:
        Settings(meta).put("k", "1")
        disk.sync.add("-wal")
        assert Persons(meta).number_persons("dev", '["ann"]') == "[1]"
        with pytest.raises(Unavailable):
            Settings(meta).put("k", "2")
        disk.sync.clear()
        assert Settings(meta).get("k") == "1"
        assert Persons(meta).number_persons("dev", '["ann"]') == "[1]"


def test_a_checkpoint_that_fails_costs_no_commit_and_is_made_up_for(
    disk: Faults, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sv.meta.db.RESTART_PAGES", 1)
    with Meta.open(path) as meta:
        disk.write.add("sv.db")
        Settings(meta).put("k", "1")
        with pytest.raises(Unavailable):
            Settings(meta).put("k", "2")
        disk.write.clear()
        Settings(meta).put("k", "3")
        assert Settings(meta).get("k") == "3"


def test_a_file_that_cannot_be_opened_for_reading_is_unavailable(path: Path) -> None:
    with Meta.open(path) as meta:
        path.rename(path.with_name("elsewhere"))
        with pytest.raises(Unavailable, match="CantOpen"):
            meta.rows("select 1 from counters")
        path.with_name("elsewhere").rename(path)
        assert meta.rows("select 1 from counters where name = 'wal_covered_seq'") == [(1,)]


def test_a_folder_that_cannot_take_the_file_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        Meta.open(tmp_path / "nowhere" / "sv.db")


@pytest.mark.parametrize(
    ("error", "reason"), [(apsw.FullError("full"), "the disk is full"), (apsw.IOError("injected"), "injected")]
)
def test_a_copy_that_a_disk_refuses_is_not_said_to_be_the_fault_of_what_is_copied(
    disk: Faults, meta: Meta, tmp_path: Path, error: apsw.Error, reason: str
) -> None:
    disk.error = error
    disk.write.add("copy.db.tmp")
    with pytest.raises(Unavailable, match=f"^the backup .*/copy.db can't be written: .*{reason}"):
        copy_database(meta.path, tmp_path / "copy.db")
    assert list(tmp_path.glob("copy.db*")) == []
