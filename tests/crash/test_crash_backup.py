"""`sv backup` beside a running server holds all that was acknowledged before it began, and `sv restore` makes a folder of it again."""

import contextlib
import errno
import json
import os
import random
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from conftest import Serve
from crash_rig import ROOT, now_ms, part_files, wait_for
from folder_rig import PROJECT, Folder
from removal_rig import Eraser
from storm_rig import BUSY, Importer, Writer

from sv.backup import restoring, taking
from sv.backup.manifest import read_manifest
from sv.backup.restoring import restore
from sv.backup.taking import take
from sv.cli import main
from sv.meta.errors import FolderInUse, FolderUnusable
from sv.meta.lock import LOCK_NAME, FolderLock
from sv.model.errors import Unavailable
from sv.recordings.request import UploadRequest
from tests import forked

PATIENCE_S = 600.0
"""For jobs and imports under writers, on a machine that has much other work: an erasure took a minute."""


def sv(*words: str, code: int = 0) -> Any:
    done = forked.run([sys.executable, "-m", "sv", *words, "--json"], cwd=ROOT)
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout) if not code else done.stderr.decode()


def silent(_done: int, _total: int) -> None:
    pass


def copy_of(folder: Path, target: Path) -> taking.Taken:
    return take(folder, target, now_ms, silent)


def test_what_was_acknowledged_before_a_backup_began_is_there_once_in_what_is_restored(serve: Serve, tmp_path: Path) -> None:
    server = serve(**BUSY).start()
    chance = random.Random(1)
    writers = [Writer(f"w{number}", server, chance.getrandbits(64), pause_s=0.05) for number in range(2)]
    importer, eraser = Importer(server, 1, rows_a_file=800), Eraser(server)
    clients = [*writers, importer, eraser]
    for client in clients:
        client.start()
    try:
        wait_for(lambda: importer.files > 0, "an import", PATIENCE_S)
        sv("backup", str(tmp_path / "copy"), "--data", str(server.folder))
        wait_for(lambda: bool(eraser.erased), "an erasure", PATIENCE_S)
        before = set[str]().union(*(client.acknowledged.copy() for client in (*writers, importer)))
        erased = eraser.erased.copy()
        sv("backup", str(tmp_path / "copy"), "--data", str(server.folder))
    finally:
        for client in clients:
            client.is_ending = True
        for client in clients:
            client.join(180)
    assert [client.failure for client in clients if client.failure] == []
    assert server.stop() == 0
    assert "Traceback" not in server.log
    sent = set[str]().union(*(client.sent for client in (*writers, importer)))
    sv("restore", str(tmp_path / "copy"), "--data", str(tmp_path / "restored"))
    restored = serve(tmp_path / "restored").start()
    found = restored.numbers()
    assert before - found.keys() == set()
    assert found.keys() - sent == set()
    assert set(found.values()) == {1}
    persons, by_person = restored.persons_listed(), restored.by_person()
    assert erased & persons.keys() == set()
    others = {name: count for name, count in persons.items() if name != "stays" and not name.startswith("gone")}
    assert others == dict(by_person), "what lists are read from says the same as the events"
    assert "ERROR" not in restored.log, restored.log


@contextlib.contextmanager
def open_folder(path: Path) -> Generator[Folder]:
    folder = Folder(path)
    try:
        yield folder
    finally:
        folder.crash()


def fill(folder: Folder) -> None:
    folder.put("in a file", at_ms=now_ms())
    folder.flush()
    folder.put("in another", at_ms=now_ms())
    folder.flush()
    folder.put("in the log", at_ms=now_ms())


def test_a_second_backup_copies_no_event_file_again_and_a_replaced_one_goes(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "data")
    fill(folder)
    first = copy_of(folder.path, tmp_path / "copy")
    copies = {path: path.stat().st_ino for path in part_files(tmp_path / "copy" / "files")}
    folder.put("later", at_ms=now_ms())
    folder.flush()
    second = copy_of(folder.path, tmp_path / "copy")
    assert len(copies) == 2
    assert {path: path.stat().st_ino for path in copies} == copies
    assert len(part_files(tmp_path / "copy" / "files")) == 3
    assert second.copied_files < first.copied_files + 2
    folder.merge()
    copy_of(folder.path, tmp_path / "copy")
    assert len(part_files(tmp_path / "copy" / "files")) == 1
    folder.crash()
    restore(tmp_path / "copy", tmp_path / "restored", now_ms(), silent)
    again = Folder(tmp_path / "restored")
    assert again.numbers() == {"in a file": 1, "in another": 1, "in the log": 1, "later": 1}
    again.close()


def test_a_copy_of_a_restored_folder_is_told_from_one_of_the_first_by_more_than_names(tmp_path: Path) -> None:
    """Log positions, and with them names of files, come again in a folder that was restored."""
    folder = Folder(tmp_path / "data")
    fill(folder)
    copy_of(folder.path, tmp_path / "copy")
    folder.put("of the first", at_ms=now_ms())
    folder.flush()
    copy_of(folder.path, tmp_path / "newer")
    folder.crash()
    restore(tmp_path / "copy", tmp_path / "restored", now_ms(), silent)
    second = Folder(tmp_path / "restored")
    second.put("of the second, and longer", at_ms=now_ms())
    second.flush()
    copy_of(second.path, tmp_path / "newer")
    second.crash()
    restore(tmp_path / "newer", tmp_path / "third", now_ms(), silent)
    third = Folder(tmp_path / "third")
    assert third.numbers() == {"in a file": 1, "in another": 1, "in the log": 1, "of the second, and longer": 1}
    third.close()


def test_a_backup_that_is_cut_off_anywhere_leaves_the_one_before_it_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Folder(tmp_path / "data")
    fill(folder)
    copy_of(folder.path, tmp_path / "copy")
    folder.merge()
    folder.put("later", at_ms=now_ms())
    written = Path.rename
    for nth in range(1, 20):
        calls = 0

        def cut(path: Path, target: Path, nth: int = nth) -> Path:
            nonlocal calls
            calls += 1
            if calls == nth:
                raise OSError("cut off")
            return written(path, target)

        monkeypatch.setattr(Path, "rename", cut)
        try:
            copy_of(folder.path, tmp_path / "copy")
            break
        except Unavailable:
            monkeypatch.setattr(Path, "rename", written)
            restore(tmp_path / "copy", tmp_path / f"restored-{nth}", now_ms(), silent)
            with open_folder(tmp_path / f"restored-{nth}") as again:
                assert again.numbers() == {"in a file": 1, "in another": 1, "in the log": 1}
    assert nth > 4, "it was cut off in each of its steps"
    folder.crash()


def test_records_that_only_the_rollups_have_by_then_are_copied_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between copies of log and catalog a record comes, and a list is read: the catalog's rollups then know more than the first copy of the log."""
    folder = Folder(tmp_path / "data")
    folder.put("before", at_ms=now_ms())
    copy_metadata = taking.copy_metadata

    def after_more(source: Path, target: Path) -> Any:
        folder.put("meanwhile", at_ms=now_ms())
        folder.server.rollups.catch_up()
        return copy_metadata(source, target)

    monkeypatch.setattr(taking, "copy_metadata", after_more)
    taken = copy_of(folder.path, tmp_path / "copy")
    folder.crash()
    assert taken.missing_records == 0
    restore(tmp_path / "copy", tmp_path / "restored", now_ms(), silent)
    with open_folder(tmp_path / "restored") as again:
        assert again.numbers() == {"before": 1, "meanwhile": 1}
        assert again.server.log.damage.missing_records == 0


def test_a_chunk_of_a_recording_is_copied_if_the_copied_catalog_knows_it_whatever_its_file_s_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One comes between the copy's beginning and the catalog's moment, one after that; of one the file is from before the clock was put back."""
    folder = Folder(tmp_path / "data")
    recordings, store = folder.server.recordings.recordings, folder.server.recordings.own
    assert store is not None

    def come(index: int, in_ms: int) -> None:
        asked = UploadRequest("sv_pub_dev", "s-1", index, 2, None, None)
        key = recordings.promise(PROJECT, asked, "").key
        upload = store.begin(key)
        upload.write(b"[]")
        recordings.store(key, 2, upload.finish)
        os.utime(folder.path / "objects" / key, ns=(0, (now_ms() + in_ms) * 1_000_000))

    copy_metadata = taking.copy_metadata

    def between_others(source: Path, target: Path) -> Any:
        come(1, 1000)
        copied = copy_metadata(source, target)
        come(2, 2000)
        return copied

    come(0, 86_400_000)
    monkeypatch.setattr(taking, "copy_metadata", between_others)
    copy_of(folder.path, tmp_path / "copy")
    folder.crash()
    restore(tmp_path / "copy", tmp_path / "restored", now_ms(), silent)
    with open_folder(tmp_path / "restored") as again:
        listed = [chunk["index"] for chunk in again.server.recordings.recordings.list_chunks(PROJECT, "s-1", "")]
        lie = sorted(path.name for path in again.path.rglob("chunk_*"))
    assert (listed, lie) == ([0, 1], ["chunk_000000.json", "chunk_000001.json"])


def test_what_is_flushed_and_merged_away_while_it_is_copied_is_copied_as_it_is_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Folder(tmp_path / "data")
    fill(folder)
    steps: list[Callable[[], object]] = [folder.merge, folder.flush]
    copy_file = taking.copy_file

    def after_a_step(source: Path, target: Path) -> Any:
        if steps:
            steps.pop()()
        return copy_file(source, target)

    monkeypatch.setattr(taking, "copy_file", after_a_step)
    assert copy_of(folder.path, tmp_path / "copy").missing == ()
    folder.crash()
    restore(tmp_path / "copy", tmp_path / "restored", now_ms(), silent)
    with open_folder(tmp_path / "restored") as again:
        assert again.numbers() == {"in a file": 1, "in another": 1, "in the log": 1}


def test_a_file_that_the_folder_has_lost_is_named_and_the_others_are_copied(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "data")
    fill(folder)
    lost = part_files(folder.path)[0]
    lost.unlink()
    taken = copy_of(folder.path, tmp_path / "copy")
    assert taken.missing == (str(lost.relative_to(folder.path)),)
    assert "isn't there" in sv("backup", str(tmp_path / "copy"), "--data", str(folder.path), code=1)
    folder.crash()


def test_what_a_failing_disk_does_not_give_keeps_nothing_else_from_being_copied_or_restored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Folder(tmp_path / "data")
    fill(folder)
    copy_of(folder.path, tmp_path / "copy")
    failing: Path | None = None

    def read(reading: Any, source: Path) -> bytes:
        return failing_piece(FailingDisk() if source == failing else reading, source)

    class FailingDisk:
        def read(self, _: int) -> bytes:
            raise OSError(errno.EIO, "Input/output error")

    failing_piece = taking._next_piece
    monkeypatch.setattr(taking, "_next_piece", read)
    failing = part_files(folder.path)[0]
    assert copy_of(folder.path, tmp_path / "copy").unreadable == (), "a copy of before has it"
    taken = copy_of(folder.path, tmp_path / "new")
    folder.crash()
    assert taken.unreadable == (str(failing.relative_to(folder.path)),)
    assert len(part_files(tmp_path / "new" / "files")) == 1
    failing = part_files(tmp_path / "copy" / "files")[0]
    with pytest.raises(Unavailable, match="is not as the backup was"):
        restore(tmp_path / "copy", tmp_path / "half", now_ms(), silent)
    restored = restore(tmp_path / "copy", tmp_path / "restored", now_ms(), silent, without_damaged=True)
    assert restored.damaged == (str(failing.relative_to(tmp_path / "copy" / "files")),)


def test_the_only_file_of_a_folder_without_events_is_told_of_in_the_singular(tmp_path: Path) -> None:
    Folder(tmp_path / "data").crash()
    copy, restored = tmp_path / "copy", tmp_path / "restored"
    for words, where in (
        (["backup", copy, "--data", tmp_path / "data"], copy),
        (["restore", copy, "--data", restored], restored),
    ):
        done = forked.run([sys.executable, "-m", "sv", *map(str, words)], cwd=ROOT, text=True)
        assert done.stdout.startswith(f"{where}: 1 file, "), done.stderr


def test_a_damaged_copy_is_not_restored_unless_that_is_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = Folder(tmp_path / "data")
    fill(folder)
    copy_of(folder.path, tmp_path / "copy")
    folder.crash()
    damaged = part_files(tmp_path / "copy" / "files")[0]
    damaged.write_bytes(bytes(damaged.stat().st_size))
    with pytest.raises(Unavailable, match="is not as the backup was"):
        restore(tmp_path / "copy", tmp_path / "half", now_ms(), silent)
    half = str(tmp_path / "half")
    for words in (["compact"], ["check", "--repair"], ["backup", str(tmp_path / "of half")], ["restore", str(tmp_path / "copy")]):
        assert "is half restored: empty it and restore again" in sv(*words, "--data", half, code=1), (
            "or a part is taken for the whole"
        )
    restored = restore(tmp_path / "copy", tmp_path / "restored", now_ms(), silent, without_damaged=True)
    assert restored.damaged == (str(damaged.relative_to(tmp_path / "copy" / "files")),)
    words = ["restore", tmp_path / "copy", "--data", tmp_path / "told", "--without-damaged", "--json"]
    assert main([str(word) for word in words]) == 1
    sizes = [path.stat().st_size for path in (tmp_path / "told").rglob("*") if path.is_file() and path.name != LOCK_NAME]
    told = json.loads(capsys.readouterr().out)
    assert (told["files"], told["bytes"]) == (len(sizes), sum(sizes)), "what is there, without what was left out"
    with open_folder(tmp_path / "restored") as again:
        assert sum(again.numbers().values()) == 2


def test_a_backup_that_is_replaced_while_it_is_restored_is_not_taken_for_a_damaged_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Folder(tmp_path / "data")
    fill(folder)
    copy_of(folder.path, tmp_path / "copy")
    folder.merge()
    copy_file = restoring.copy_file

    def after_the_next_backup(*words: Any) -> Any:
        monkeypatch.setattr(restoring, "copy_file", copy_file)
        copy_of(folder.path, tmp_path / "copy")
        return copy_file(*words)

    monkeypatch.setattr(restoring, "copy_file", after_the_next_backup)
    with pytest.raises(
        Unavailable, match=r"a newer backup took the place of the one in .*copy meanwhile\. Empty .*half and restore"
    ):
        restore(tmp_path / "copy", tmp_path / "half", now_ms(), silent, without_damaged=True)
    folder.crash()
    restore(tmp_path / "copy", tmp_path / "restored", now_ms(), silent)
    with open_folder(tmp_path / "restored") as again:
        assert sum(again.numbers().values()) == 3


@pytest.mark.parametrize("kind", ["a link", "a device", "a longer file", "a pipe"])
def test_what_is_no_file_of_the_backup_s_is_not_followed_and_not_read_without_end(tmp_path: Path, kind: str) -> None:
    folder = Folder(tmp_path / "data")
    fill(folder)
    copy_of(folder.path, tmp_path / "copy")
    folder.crash()
    spoilt = part_files(tmp_path / "copy" / "files")[0]
    content = spoilt.read_bytes()
    spoilt.unlink()
    match kind:
        case "a link":
            (tmp_path / "elsewhere").write_bytes(content)
            spoilt.symlink_to(tmp_path / "elsewhere")
        case "a device":
            spoilt.symlink_to("/dev/zero")
        case "a pipe":
            os.mkfifo(spoilt)
        case _:
            spoilt.write_bytes(content + bytes(64 << 20))
    with pytest.raises(Unavailable, match="is not as the backup was"):
        restore(tmp_path / "copy", tmp_path / "half", now_ms(), silent)
    assert sum(file.stat().st_size for file in (tmp_path / "half").rglob("*")) < 32 << 20


def test_a_folder_that_holds_something_is_neither_copied_into_nor_restored_onto(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "data")
    fill(folder)
    copy_of(folder.path, tmp_path / "copy")
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "letters").write_text("precious")
    for target in (mine, tmp_path, folder.path / "copy"):
        with pytest.raises(FolderUnusable):
            copy_of(folder.path, target)
    with pytest.raises(FolderUnusable, match="not empty"):
        restore(tmp_path / "copy", mine, now_ms(), silent)
    with pytest.raises(Unavailable, match=r"the copy can't be taken: File exists \(.*letters\)"):
        copy_of(folder.path, mine / "letters")
    with pytest.raises(Unavailable, match=r"letters can't be restored: Not a directory \(.*letters\)"):
        restore(tmp_path / "copy", mine / "letters", now_ms(), silent)
    assert [path.name for path in mine.iterdir()] == ["letters"]
    for inside in (tmp_path / "copy" / "data", tmp_path / "copy" / "files" / "data"):  # the next backup would clear it away
        with pytest.raises(FolderUnusable, match="lie in the backup"):
            restore(tmp_path / "copy", inside, now_ms(), silent)
        assert not inside.exists()
    with (
        FolderLock.acquire(tmp_path / "copy"),
        pytest.raises(FolderInUse, match=r"another backup into .*copy is being taken, by process \d+"),
    ):
        copy_of(folder.path, tmp_path / "copy")
    (tmp_path / "locked" / "sv.lock").mkdir(parents=True)
    with pytest.raises(Unavailable, match=r"the copy can't be taken: Is a directory \(.*sv.lock\)"):
        copy_of(folder.path, tmp_path / "locked")
    other = Folder(tmp_path / "other")
    with pytest.raises(FolderUnusable, match="another data folder"):
        copy_of(other.path, tmp_path / "copy")
    other.crash()
    folder.crash()
    manifest = read_manifest(tmp_path / "copy")
    assert manifest is not None
    restore(tmp_path / "copy", tmp_path / "restored", now_ms(), silent)
