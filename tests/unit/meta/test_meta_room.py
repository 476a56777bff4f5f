"""What a disk gets back of SQLite's log where a transaction found no room: else it would have it for good, and nothing else could go on."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import pytest
from meta_rig import faulty_disk

from sv.meta.connection import connect_reader
from sv.meta.db import Meta, copy_database
from sv.meta.instance import Settings
from sv.meta.rollups.builds import FEWEST_PURGED_ROWS, RollupBuilds
from sv.meta.room import KEPT_BYTES
from sv.model.errors import Unavailable

LARGE = '"' + "x" * 2_000_000 + '"'


@pytest.fixture(autouse=True)
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sv.meta.room.PATIENCE_MS", 1)


@contextmanager
def full_disk(meta: Meta) -> Iterator[None]:
    """The file may not grow any more, and a transaction doesn't stay in memory until its end."""
    with meta.transaction() as writer:
        pages = writer.pragma("page_count")
        writer.execute(f"pragma max_page_count = {pages + 1000}")
        writer.execute("pragma cache_size = 10")
    try:
        yield
    finally:
        with meta.transaction() as writer:
            writer.execute("pragma max_page_count = 1000000")


def fill(meta: Meta) -> None:
    with meta.transaction() as writer:
        writer.execute("create table filling (value)")
        for number in range(1000):
            writer.execute("insert into filling values (?)", (f"{number}" * 2000,))


def fail_for_want_of_room(meta: Meta) -> None:
    with pytest.raises(Unavailable, match="Full"):
        fill(meta)


def log_bytes(path: Path) -> int:
    return path.with_name("sv.db-wal").stat().st_size


def test_a_transaction_that_found_no_room_leaves_little_in_the_log(meta: Meta, path: Path) -> None:
    with full_disk(meta):
        Settings(meta).put("k", "1")
        fail_for_want_of_room(meta)
        assert log_bytes(path) == KEPT_BYTES
        assert Settings(meta).get("k") == "1"
    Settings(meta).put("k", LARGE)
    assert Settings(meta).get("k") == LARGE


def test_the_log_is_cut_behind_its_last_commit_while_somebody_reads(meta: Meta, path: Path, tmp_path: Path) -> None:
    with full_disk(meta):
        Settings(meta).put("k", "1")
        reader = connect_reader(path)
        reader.execute("begin")
        reader.execute("select 1 from sqlite_schema").fetchall()
        Settings(meta).put("k", LARGE)
        before = log_bytes(path)
        fail_for_want_of_room(meta)
        assert KEPT_BYTES < log_bytes(path) <= before
        reader.close()
        copy_database(path, tmp_path / "copy.db")
        Settings(meta).put("l", "3")
        assert meta.check() == []
    with Meta.open(tmp_path / "copy.db") as copy:
        assert Settings(copy).get("k") == LARGE


def test_the_file_is_not_grown_by_the_little_room_that_there_is(meta: Meta, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    meta.empty_log()
    size = path.stat().st_size
    Settings(meta).put("k", LARGE)
    with monkeypatch.context() as patched:
        patched.setattr(os, "statvfs", lambda _: os.statvfs_result((4096, 4096, 9000, 9, 9, 0, 0, 0, 0, 255)))
        meta.give_room_back()
    assert (path.stat().st_size, log_bytes(path) > len(LARGE)) == (size, True)
    meta.give_room_back()
    assert log_bytes(path) == 0 < path.stat().st_size - size
    assert Settings(meta).get("k") == LARGE


@pytest.mark.parametrize("free_pages", [0, 200])
def test_nothing_large_is_committed_that_the_file_has_no_room_for(
    meta: Meta, path: Path, monkeypatch: pytest.MonkeyPatch, free_pages: int
) -> None:
    """Else the log could not be emptied once the rest of the room is gone, and would have it for good."""
    meta.empty_log()
    disk = os.statvfs_result((4096, 4096, 9000, 9, free_pages, 0, 0, 0, 0, 255))
    with monkeypatch.context() as patched:
        patched.setattr(os, "statvfs", lambda _: disk)
        Settings(meta).put("k", "1")
        with pytest.raises(Unavailable, match="Full: database or disk is full"):
            Settings(meta).put("k", LARGE)
        assert Settings(meta).get("k") == "1"
        assert log_bytes(path) <= KEPT_BYTES
        Settings(meta).put("k", "2")
    Settings(meta).put("l", LARGE)
    assert [Settings(meta).get(key) for key in "kl"] == ["2", LARGE]


def test_what_is_cut_off_was_never_committed(meta: Meta, path: Path, tmp_path: Path) -> None:
    """A process that is killed right after it: the log is read anew from its beginning."""
    with full_disk(meta):
        reader = connect_reader(path)
        reader.execute("begin")
        reader.execute("select 1 from sqlite_schema").fetchall()
        for number in range(20):
            Settings(meta).put(f"k{number}", f"{number}")
            if number % 5 == 0:
                fail_for_want_of_room(meta)
        for name in ("sv.db", "sv.db-wal"):
            (tmp_path / f"killed-{name}").write_bytes(path.with_name(name).read_bytes())
        reader.close()
    killed = apsw.Connection(str(tmp_path / "killed-sv.db"))
    assert killed.execute("pragma integrity_check").fetchall() == [("ok",)]
    killed.close()
    with Meta.open(tmp_path / "killed-sv.db") as again:
        assert [Settings(again).get(f"k{number}") for number in range(20)] == [f"{number}" for number in range(20)]


def test_who_changes_nothing_or_needs_no_new_page_is_not_refused_for_what_others_committed(
    meta: Meta, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a start does, on a disk that was full when the server was killed."""
    Settings(meta).put("k", LARGE)  # in the log alone
    monkeypatch.setattr(os, "statvfs", lambda _: os.statvfs_result((4096, 4096, 9000, 9, 0, 0, 0, 0, 0, 255)))
    with meta.together():
        pass
    Settings(meta).put("k", "1")
    assert Settings(meta).get("k") == "1"


def test_lists_that_were_replaced_are_deleted_in_smaller_pieces_where_the_disk_takes_no_larger_ones(path: Path) -> None:
    with faulty_disk() as disk, Meta.open(path) as meta:
        builds = RollupBuilds(meta)
        with meta.transaction() as writer:
            writer.execute("insert into rollup_builds (build, project_id, version, state) values (1, 'dev', 'any', 'dropped')")
            writer.executemany("insert into event_rollups values (1, ?, 0, 0)", ((number,) for number in range(1000)))

        def left() -> object:
            return meta.row("select count(*) from event_rollups")

        disk.error = apsw.FullError("database or disk is full")
        disk.write.add("-wal")
        for _ in range(2):
            with pytest.raises(Unavailable, match="Full"):
                builds.purge()
        disk.write.clear()
        assert (builds.purge(), left()) == (True, (1000 - FEWEST_PURGED_ROWS,))
        while builds.purge():
            pass
        assert (left(), builds.has_dropped()) == ((0,), False)
