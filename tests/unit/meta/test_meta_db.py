"""The metadata file: who may write when, what readers see, and which files are refused."""

import os
import shutil
import stat
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import apsw
import pytest
from meta_rig import names, part

from sv.meta.db import Meta, copy_database
from sv.meta.errors import FolderDamaged, FolderFromNewerVersion
from sv.meta.instance import Settings
from sv.meta.parts import Parts
from sv.meta.readers import READERS
from sv.model.errors import Conflict, Unavailable


def counter(meta: Meta) -> int:
    return int(Settings(meta).get("counter") or 0)


def test_a_new_file_is_private_and_says_that_it_is_new(path: Path) -> None:
    with Meta.open(path) as meta:
        assert meta.is_new
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.with_name("sv.db-wal").stat().st_mode) == 0o600
    with Meta.open(path) as meta:
        assert not meta.is_new


def test_what_was_committed_is_there_after_reopening(path: Path) -> None:
    with Meta.open(path) as meta:
        Settings(meta).put("k", '{"a": 1}')
    with Meta.open(path) as meta:
        assert Settings(meta).get("k") == '{"a": 1}'


def test_closing_leaves_one_file_that_holds_everything(path: Path, tmp_path: Path) -> None:
    with Meta.open(path) as meta:
        Parts(meta).commit_flush([part("a")], 1)
    assert os.listdir(tmp_path) == ["sv.db"]


def test_an_exception_rolls_everything_back(meta: Meta) -> None:
    def write_half() -> None:
        with meta.transaction() as writer:
            writer.execute("insert into settings values ('k', '1')")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert Settings(meta).get("k") is None
    Settings(meta).put("k", "2")
    assert Settings(meta).get("k") == "2"


def test_a_transaction_inside_a_transaction_is_refused_at_once(meta: Meta) -> None:
    with meta.transaction(), pytest.raises(RuntimeError), meta.transaction():
        pass


def test_after_changes_within_changes_the_outer_block_still_writes_and_sees_what_it_wrote(meta: Meta) -> None:
    settings = Settings(meta)
    with meta.together():
        with meta.together():
            settings.put("inner", "1")
        settings.put("outer", "2")
        assert [settings.get("inner"), settings.get("outer")] == ["1", "2"]
    assert [settings.get("inner"), settings.get("outer")] == ["1", "2"]
    with meta.transaction(), pytest.raises(RuntimeError), meta.transaction():
        pass


def test_what_inner_changes_wrote_goes_with_the_outer_ones(meta: Meta) -> None:
    def change_and_fail() -> None:
        with meta.together():
            with meta.together():
                Settings(meta).put("k", "1")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        change_and_fail()
    assert Settings(meta).get("k") is None


def test_readers_see_the_newest_commit_and_nothing_uncommitted(meta: Meta) -> None:
    settings = Settings(meta)
    with meta.transaction() as writer:
        writer.execute("insert into settings values ('k', '1')")
        assert settings.get("k") is None
    assert settings.get("k") == "1"


def test_who_has_the_folder_alone_waits_for_the_writer_as_long_as_it_takes(meta: Meta) -> None:
    meta.writer_wait_s = 0.05
    with ThreadPoolExecutor(1) as pool:
        with meta.transaction():
            with pytest.raises(Unavailable, match=r"busy for 0\.05 seconds"):
                pool.submit(Settings(meta).put, "counter", "1").result()
            meta.writer_wait_s = -1
            waiting = pool.submit(Settings(meta).put, "counter", "2")
            time.sleep(0.2)
            assert not waiting.done()
        waiting.result(5)
    assert counter(meta) == 2


def test_readers_cannot_write(meta: Meta) -> None:
    with pytest.raises(Unavailable):
        meta.rows("delete from counters where name = 'wal_covered_seq'")
    assert meta.rows("select value from counters where name = 'wal_covered_seq'") == [(0,)]


def test_text_that_utf8_cannot_carry_is_found_nowhere(meta: Meta) -> None:
    assert Settings(meta).get("\ud800") is None


def test_writers_and_readers_in_many_threads_get_in_each_others_way_nowhere(meta: Meta) -> None:
    def write(_: int) -> None:
        with meta.transaction(durable=False) as writer:
            found = writer.execute("select value from settings where key = 'counter'").fetchall()
            count = int(str(found[0][0])) + 1 if found else 1
            writer.execute("insert or replace into settings values ('counter', ?)", (str(count),))

    def read(_: int) -> list[int]:
        return [counter(meta) for _ in range(100)]

    with ThreadPoolExecutor(16) as pool:
        reads = [pool.submit(read, n) for n in range(3 * READERS)]
        list(pool.map(write, range(200)))
        seen = [task.result() for task in reads]
    assert counter(meta) == 200
    assert all(each == sorted(each) for each in seen)


def test_use_after_closing_is_refused_and_closing_twice_is_fine(path: Path) -> None:
    meta = Meta.open(path)
    meta.close()
    meta.close()
    with pytest.raises(Unavailable, match="shutting down"):
        meta.rows("select 1")
    with pytest.raises(Unavailable, match="shutting down"), meta.transaction():
        pass


def test_closing_waits_for_a_transaction_under_way(path: Path) -> None:
    meta = Meta.open(path)
    inside, closing = threading.Event(), threading.Event()

    def write() -> None:
        with meta.transaction() as writer:
            inside.set()
            assert closing.wait(10)
            writer.execute("insert into settings values ('k', '1')")

    with ThreadPoolExecutor(2) as pool:
        written = pool.submit(write)
        assert inside.wait(10)
        closed = pool.submit(meta.close)
        closing.set()
        written.result(10)
        closed.result(10)
    with Meta.open(path) as again:
        assert Settings(again).get("k") == "1"


def test_the_log_stays_bounded_under_commits_without_a_pause(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Meta.open(path):
        pass  # so that the log has nothing in it of making the tables
    monkeypatch.setattr("sv.meta.db.RESTART_PAGES", 50)
    Meta.open(path).close()  # what a new file's tables take is no matter of commits
    with Meta.open(path) as meta:
        for n in range(60):
            Settings(meta).put(f"k{n}", '"' + "x" * 40_000 + '"')
        assert path.with_name("sv.db-wal").stat().st_size < 70 * 4200


def test_who_reads_for_long_is_waited_for_once_and_not_by_each_commit(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with Meta.open(path):
        pass  # so that the log has nothing in it of making the tables
    monkeypatch.setattr("sv.meta.db.RESTART_PAGES", 50)
    monkeypatch.setattr("sv.meta.connection.BUSY_TIMEOUT_MS", 1)
    with Meta.open(path) as meta:
        with closing(apsw.Connection(str(path))) as backup, backup:
            backup.execute("select count(*) from counters").fetchall()
            for n in range(14):
                Settings(meta).put(f"k{n}", '"' + "x" * 40_000 + '"')
        waits = [line for line in caplog.messages if "could not start over" in line]
        assert len(waits) == 2, "at 50 pages, and when there were twice as many"
        for n in range(40):
            Settings(meta).put(f"k{n}", '"' + "x" * 40_000 + '"')
        assert path.with_name("sv.db-wal").stat().st_size < 300 * 4200, "it starts over once nobody reads any more"


def test_a_checkpoint_moves_the_log_into_the_file_beside_the_writers(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sv.meta.checkpoint.PASSIVE_PAGES", 20)
    with Meta.open(path) as meta:
        Settings(meta).put("k", '"' + "x" * 400_000 + '"')
        deadline_s = time.monotonic() + 10
        while path.stat().st_size < 400_000 and time.monotonic() < deadline_s:
            time.sleep(0.005)
        assert path.stat().st_size > 400_000


# ---- Files that are refused ----


def test_a_file_of_a_newer_release_is_refused_and_untouched(path: Path) -> None:
    with Meta.open(path) as meta, meta.transaction() as writer:
        writer.execute("pragma user_version = 99")
    before = path.read_bytes()
    with pytest.raises(FolderFromNewerVersion, match="schema 99"):
        Meta.open(path)
    assert path.read_bytes() == before


def test_a_newer_file_whose_log_was_left_by_a_crash_is_untouched_too(path: Path, tmp_path: Path) -> None:
    crashed = tmp_path / "crashed"
    crashed.mkdir()
    with Meta.open(path) as meta:
        with meta.transaction() as writer:
            writer.execute("pragma user_version = 99")
        for file in ("sv.db", "sv.db-wal"):
            shutil.copy(tmp_path / file, crashed / file)
    before = {file.name: file.read_bytes() for file in crashed.iterdir()}
    with pytest.raises(FolderFromNewerVersion):
        Meta.open(crashed / "sv.db")
    assert {name: (crashed / name).read_bytes() for name in before} == before


@pytest.mark.parametrize("content", [b"not a database, but long enough to be read as one " * 40, b"x"])
def test_a_file_that_is_no_database_is_refused_with_what_to_do(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(FolderDamaged, match="make a new one of the last backup"):
        Meta.open(path)
    assert path.read_bytes() == content


def test_somebody_elses_database_is_refused_and_untouched(path: Path) -> None:
    other = apsw.Connection(str(path))
    other.execute("create table theirs (x)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(FolderDamaged, match="not Session Vision's"):
        Meta.open(path)
    assert path.read_bytes() == before


def test_damage_in_the_middle_is_named_as_damage(path: Path) -> None:
    with Meta.open(path) as meta:
        Parts(meta).commit_flush([part(f"p{n}") for n in range(2000)], 1)
    data = bytearray(path.read_bytes())
    for start in range(len(data) // 16384 * 3 * 4096, len(data), 4096):  # where the rows are, and not what tables there are
        data[start : start + 200] = b"\xff" * 200
    path.write_bytes(data)
    with Meta.open(path) as meta:
        with pytest.raises(FolderDamaged, match="make a new one of the last backup"):
            Parts(meta).live_parts()
        assert meta.check()


def test_a_value_that_cannot_be_right_is_named_as_damage(meta: Meta) -> None:
    Parts(meta).commit_flush([part("a")], 1)
    with meta.transaction() as writer:
        writer.execute("update parts set path = '../../etc/passwd'")
    with pytest.raises(FolderDamaged, match="path"):
        Parts(meta).live_parts()


def test_checking_a_sound_file_finds_nothing(meta: Meta) -> None:
    Parts(meta).commit_flush([part("a")], 1)
    assert meta.check() == []


# ---- Backup ----


def test_a_backup_is_one_private_file_with_everything_committed(meta: Meta, tmp_path: Path) -> None:
    Parts(meta).commit_flush([part("a")], 7)
    (tmp_path / "backup").mkdir()
    target = tmp_path / "backup" / "sv.db"
    copy_database(meta.path, target)
    Parts(meta).commit_flush([part("b")], 8)
    assert os.listdir(target.parent) == ["sv.db"]
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    with Meta.open(target) as copy:
        assert names(Parts(copy)) == ["a"]
        assert Parts(copy).covered_seq() == 7


def test_a_backup_overwrites_nothing(meta: Meta, tmp_path: Path) -> None:
    target = tmp_path / "there"
    target.write_text("precious")
    with pytest.raises(Conflict):
        copy_database(meta.path, target)
    assert target.read_text() == "precious"


def test_a_backup_that_cannot_be_written_leaves_nothing(meta: Meta, tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        copy_database(meta.path, tmp_path / "nowhere" / "sv.db")
    assert not (tmp_path / "nowhere").exists()


def test_a_backup_amid_writers_is_one_moment(meta: Meta, tmp_path: Path) -> None:
    parts, is_done = Parts(meta), threading.Event()

    def flush() -> None:
        seq = 0
        while not is_done.is_set():
            seq += 1
            parts.commit_flush([part(f"p{seq}")], seq)

    with ThreadPoolExecutor(1) as pool:
        task = pool.submit(flush)
        for n in range(3):
            copy_database(meta.path, tmp_path / f"copy{n}")
        is_done.set()
        task.result(10)
    for n in range(3):
        with Meta.open(tmp_path / f"copy{n}") as copy:
            assert len(names(Parts(copy))) == Parts(copy).covered_seq()


def test_what_is_free_in_the_file_goes_back_to_the_disk_where_it_is_worth_it(meta: Meta, tmp_path: Path) -> None:
    def fill(low: int) -> None:
        with meta.transaction() as writer:
            rows = [(f"key {number}", f'"{"x" * 1000}"') for number in range(low, low + 3000)]
            writer.executemany("insert into settings (key, value) values (?, ?)", rows)

    fill(0)
    meta.empty_log()
    assert not meta.shrink(tmp_path)
    full = meta.path.stat().st_size
    with meta.transaction() as writer:
        writer.execute("delete from settings where value like '%x%' and key <> 'key 7'")
    meta.empty_log()
    assert meta.path.stat().st_size == full
    assert meta.shrink(tmp_path)
    assert meta.path.stat().st_size < full / 4
    assert meta.row("select count(*) from settings where key = 'key 7'") == (1,)
    assert meta.check() == []
    fill(10)
    assert meta.row("select count(*) from settings where key like 'key %'") == (3001,)
    assert sorted(path.name for path in tmp_path.rglob("etilqs*")) == []
