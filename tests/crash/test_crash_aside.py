"""What lies in `aside/` is no hiding-place: persons, projects and what is too old leave it, and whoever asks is told what lies there."""

import errno
import json
import logging
import os
import shutil
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

import pytest
from crash_rig import ROOT, files_aside, numbers_in_files, part_files
from erase_rig import ANN, DAY_MS, erase, event, fill, put
from folder_rig import PROJECT, Folder, now_ms

from sv.meta.jobs import Jobs
from sv.model.access import Actor
from sv.model.batch import VERSION, Batch, encode_batch
from sv.model.errors import Unavailable
from sv.model.jobs import Job
from sv.people.projects import delete_project
from sv.store import files, flush_plan
from sv.store.disk_watch import DiskWatch
from tests import forked

SOMEBODY = Actor("cli", None, "somebody")
BATCH = b'[{"event":"x","timestamp":1,"userId":"bob-1"}]'


def aside_of(path: Path) -> list[str]:
    return [file.name for file in files_aside(path)]


def lay_aside(path: Path, **files: bytes) -> None:
    (path / "aside").mkdir(exist_ok=True)
    for name, content in files.items():
        (path / "aside" / name).write_bytes(content)


def with_one_to_delete(path: Path) -> Folder:
    """Events of the project `gone` and another's, in files."""
    folder = Folder(path)
    folder.server.projects.create("gone", token="sv_pub_gone", now_ms=now_ms(), project_id="gone")
    batch = Batch(VERSION, "gone", now_ms(), 1, "", None, b"", b"", BATCH)
    folder.server.store_now(batch, encode_batch(batch))
    folder.put("another's")
    folder.flush()
    return folder


def last_job(folder: Folder) -> Job:
    return Jobs(folder.server.meta).page(PROJECT, 1 << 62, 1)[0]


def day_of(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).date().isoformat()


def file_of(path: Path, *events: dict[str, object]) -> bytes:
    """An event file of these events of the project, out of a folder of its own."""
    folder = Folder(path)
    put(folder, *events)
    folder.close()
    (file,) = part_files(path)
    return file.read_bytes()


def test_what_lies_aside_of_a_deleted_project_goes_whether_or_not_it_can_be_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = with_one_to_delete(tmp_path / "data")
    others = {
        "batch-0000000000000002-gone_too.json": BATCH,
        f"events__project={PROJECT}__day=mixed__merge-1.parquet": b"PAR1",
        "sv.db.1": b"whatever",
    }
    of_gone = {
        "batch-0000000000000001-gone.json": BATCH,
        "events__project=gone__day=2025-01-01__merge-1.parquet": b"PAR1 and then nothing",
        "events__project=gone__day=mixed__merge-2.parquet.1": b"PAR1",
    }
    lay_aside(folder.path, **others, **of_gone)
    folder.server.maintenance.remove_deleted()
    assert len(files_aside(folder.path)) == 6, "as long as it isn't deleted"
    delete_project(folder.server.people, SOMEBODY, "gone")
    with caplog.at_level(logging.INFO):
        folder.server.maintenance.remove_deleted()
    assert aside_of(folder.path) == sorted(others)
    assert "aside/sv.db.1 may hold events of deleted projects" in caplog.text
    lay_aside(folder.path, **of_gone)  # by a start that found more that was damaged
    folder.server.maintenance.remove_deleted()
    assert aside_of(folder.path) == sorted(others)
    folder.close()
    assert numbers_in_files(folder.path) == Counter(["another's"])


def test_what_can_not_be_deleted_aside_keeps_nothing_else_of_a_deleted_project_from_going(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = with_one_to_delete(tmp_path / "data")
    lay_aside(folder.path, **{"events__project=gone__day=mixed__merge-1.parquet": b"PAR1"})
    (folder.path / "aside" / "batch-0000000000000001-gone.json").mkdir()  # even the superuser can't unlink one
    delete_project(folder.server.people, SOMEBODY, "gone")
    folder.server.maintenance.remove_deleted()
    assert "project gone was deleted, and what was set aside of it stays for now" in caplog.text
    assert [path.name for path in (folder.path / "aside").iterdir()] == ["batch-0000000000000001-gone.json"]
    assert numbers_in_files(folder.path) == Counter(["another's"])
    folder.close()


def test_an_erasure_names_what_lies_aside_and_does_not_say_whose_it_is(tmp_path: Path) -> None:
    """SCAR: the catalog that a repair had replaced held every person, and no erasure said so."""
    folder = fill(tmp_path / "data")
    lay_aside(
        folder.path,
        **{
            "sv.db.1": b"SQLite format 3",
            "sv.db.1-wal": b"whatever",
            "events__project=other__day=mixed__merge-1.parquet": b"PAR1 and then nothing",
            "batch-0000000000000001-other.json": b"no JSON",
        },
    )
    erase(folder)
    assert last_job(folder).left_behind == ("aside/sv.db.1", "aside/sv.db.1-wal")
    assert len(files_aside(folder.path)) == 4
    folder.close()


def test_what_an_erasure_can_not_touch_aside_is_named_and_keeps_no_other_from_being_done(tmp_path: Path) -> None:
    folder = fill(tmp_path / "data")
    name = f"batch-0000000000000001-{PROJECT}.json"
    lay_aside(folder.path)
    (folder.path / "aside" / name).mkdir()  # even the superuser can't read one
    erase(folder)
    assert (last_job(folder).state, last_job(folder).left_behind) == ("done", (f"aside/{name}",))
    folder.close()


def test_names_of_another_project_are_told_to_nobody_else(tmp_path: Path) -> None:
    folder = fill(tmp_path / "data")
    lay_aside(
        folder.path,
        **{
            "events__project=other__day=mixed__merge-1.parquet.bak": b"PAR1",
            "batch-0000000000000001-other.json.old": BATCH,
            "batch-0000000000000002-other.json.tmp": BATCH,
        },
    )
    erase(folder)
    assert last_job(folder).left_behind == ()
    folder.close()


def test_a_merged_file_that_no_start_could_delete_is_named_by_an_erasure_and_never_kept_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A merge is cut off, its file can't be deleted, and what it was made of is rewritten meanwhile."""
    path = tmp_path / "data"
    folder = fill(path)
    ids = [part.part_id for part in folder.server.catalog.parts()]
    superfluous = f"events/project={PROJECT}/day={day_of(now_ms())}/merge-x.parquet"
    folder.server.parts.note_unfinished(superfluous, ids)
    folder.close()
    (path / superfluous).parent.mkdir(exist_ok=True)
    shutil.copy(part_files(path)[0], path / superfluous)
    delete = files.delete_file
    with monkeypatch.context() as patch:
        patch.setattr(files, "delete_file", lambda each: OSError() if str(each).endswith("merge-x.parquet") else delete(each))
        folder = Folder(path)
        assert (path / superfluous).exists()
        erase(folder)
        assert last_job(folder).left_behind == (superfluous,)
        folder.close()
    Folder(path).close()
    assert not (path / superfluous).exists()
    assert files_aside(path) == []


def test_a_file_aside_of_an_erased_person_alone_goes(tmp_path: Path) -> None:
    folder = fill(tmp_path / "data")
    anns = event(ANN, "ann", 0, now_ms())
    number = folder.server.persons.number_persons(PROJECT, json.dumps([ANN])).strip("[]")
    folder.flush()
    alone = Folder(tmp_path / "alone")
    assert alone.server.persons.number_persons(PROJECT, json.dumps([ANN])).strip("[]") == number, "the first of either folder"
    put(alone, anns)
    alone.close()
    (file,) = part_files(alone.path)
    lay_aside(
        folder.path,
        **{
            f"events__project={PROJECT}__day={day_of(now_ms())}__merge-1.parquet": file.read_bytes(),
            f"batch-0000000000000001-{PROJECT}.json": b'[{"event":"x","userId":"%b"}]' % ANN.encode(),
        },
    )
    erase(folder)
    assert (last_job(folder).state, last_job(folder).left_behind) == ("done", ())
    assert files_aside(folder.path) == []
    folder.close()


def test_what_lies_aside_goes_when_it_is_older_than_its_project_keeps_events(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "data")
    old_ms, new_ms = now_ms() - 20 * DAY_MS, now_ms()
    mixed = file_of(tmp_path / "mixed", event("a", "old", 0, new_ms - 1), event("a", "new", 1, new_ms))
    old, new = event("a", "old", 0, old_ms), event("a", "new", 1, new_ms)
    both = Folder(tmp_path / "both")
    put(both, old, new)
    with mock.patch.object(flush_plan, "MAX_FILES_PER_FLUSH", 1):
        both.flush()
    both.close()
    (file,) = part_files(both.path)
    kept = {
        f"events__project={PROJECT}__day={day_of(new_ms)}__flush-1.parquet": mixed,
        f"events__project={PROJECT}__day=mixed__merge-1.parquet": file.read_bytes(),
        f"events__project={PROJECT}__day=mixed__merge-2.parquet": b"PAR1 and then nothing",
        f"events__project=other__day={day_of(old_ms)}__flush-1.parquet": b"PAR1",
        f"batch-0000000000000001-{PROJECT}.json": BATCH,
        "batch-0000000000000003-other.json": BATCH,
    }
    overdue = {
        f"events__project={PROJECT}__day={day_of(old_ms)}__flush-1.parquet": b"PAR1 and then nothing",
        f"batch-0000000000000002-{PROJECT}.json": BATCH,
    }
    lay_aside(folder.path, **kept, **overdue)
    for name in (f"batch-0000000000000002-{PROJECT}.json", "batch-0000000000000003-other.json"):
        os.utime(folder.path / "aside" / name, (old_ms / 1000, old_ms / 1000))
    folder.server.jobs._expiring.look()
    assert folder.server.jobs._rows.next_one() is None, "it keeps everything"
    folder.server.projects.update(PROJECT, settings=b'{"event_retention_days": 5}')
    folder.server.jobs._expiring.look()
    folder.server.jobs.run_all()
    assert last_job(folder).left_behind == (f"aside/events__project={PROJECT}__day=mixed__merge-2.parquet",)
    assert aside_of(folder.path) == sorted(kept)
    only = tmp_path / "only"
    (only / "events").mkdir(parents=True)
    shutil.copy(folder.path / "aside" / f"events__project={PROJECT}__day=mixed__merge-1.parquet", only / "events")
    assert numbers_in_files(only) == Counter(["new1"])
    folder.server.jobs._expiring.look()
    assert folder.server.jobs._rows.next_one() is None, "what can't be read is named once, not every hour"
    folder.close()


def test_the_half_of_a_file_that_a_killed_erasure_left_aside_is_gone_after_the_next_start(tmp_path: Path) -> None:
    Folder(tmp_path / "data").close()
    lay_aside(tmp_path / "data", **{f"events__project={PROJECT}__day=mixed__merge-1.parquet.tmp": b"PAR1"})
    Folder(tmp_path / "data").close()
    assert files_aside(tmp_path / "data") == []


def test_check_and_the_budget_count_what_lies_aside(tmp_path: Path) -> None:
    Folder(tmp_path / "data").close()
    lay_aside(tmp_path / "data", **{"sv.db.1": bytes(200_000)})
    (tmp_path / "data" / "log" / "aside").mkdir()
    (tmp_path / "data" / "log" / "aside" / "00000001.wal.0-9").write_bytes(bytes(9))
    command = [sys.executable, "-m", "sv", "check", "--data", str(tmp_path / "data")]
    told = forked.run([*command, "--json"], cwd=ROOT)
    assert json.loads(told.stdout)["aside"] == {"files": 2, "bytes": 200_009}
    said = forked.run(command, cwd=ROOT).stdout.decode()
    assert "2 files (195 KiB) lie in aside/ and log/aside/" in said
    assert "nothing is wrong" in said
    watch = DiskWatch(tmp_path / "data", 1 << 40, 0, lower=lambda: None)
    watch.look()
    with_it = watch.reading.folder
    (tmp_path / "data" / "aside" / "sv.db.1").unlink()
    less = DiskWatch(tmp_path / "data", 1 << 40, 0, lower=lambda: None)
    less.look()
    assert with_it is not None
    assert less.reading.folder is not None
    assert with_it - less.reading.folder >= 190_000


def test_a_merged_file_whose_sources_are_not_there_is_kept_aside(tmp_path: Path) -> None:
    """An older catalog that was put back knows it as unfinished, and it is the only one that has its events."""
    folder = Folder(tmp_path / "data")
    for number in ("1", "2"):
        folder.put(number)
        folder.flush()
    ids = [part.part_id for part in folder.server.catalog.parts()]
    path = f"events/project={PROJECT}/day={day_of(now_ms())}/merge-x.parquet"
    older = tmp_path / "older"
    folder.server.parts.note_unfinished(path, ids)
    folder.server.meta.empty_log()
    shutil.copy(folder.path / "sv.db", older)
    folder.merge()
    folder.close()
    (merged,) = part_files(folder.path)
    merged.rename(folder.path / path)
    shutil.copy(older, folder.path / "sv.db")
    folder = Folder(folder.path)
    assert folder.server.parts.unfinished() == {}
    folder.close()
    assert aside_of(folder.path) == [path.replace("/", "__")]


def test_a_flushed_file_behind_an_older_catalog_is_kept_aside_where_the_log_was_lost(tmp_path: Path) -> None:
    """Nothing is missing from a log that began anew; and nothing is in it either."""
    folder = Folder(tmp_path / "data")
    folder.put("1")
    folder.flush()
    folder.server.meta.empty_log()
    older = tmp_path / "older"
    shutil.copy(folder.path / "sv.db", older)
    folder.put("2")
    folder.flush()
    folder.close()
    newest = max(part_files(folder.path), key=lambda path: path.name)
    shutil.copy(older, folder.path / "sv.db")
    shutil.rmtree(folder.path / "log")
    folder = Folder(folder.path)
    assert folder.numbers() == {"1": 1}
    folder.close()
    assert aside_of(folder.path) == [str(newest.relative_to(folder.path)).replace("/", "__")]


def test_a_merge_that_failed_is_known_until_its_file_is_gone_for_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A power cut can bring back a file whose folder was not synced, and nobody could account for it then."""
    folder = Folder(tmp_path / "data")
    for number in ("1", "2"):
        folder.put(number)
        folder.flush()

    def refuse(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    def fail(*_: object) -> None:
        raise Unavailable("the disk refuses")

    with monkeypatch.context() as patch:
        patch.setattr(folder.server.parts, "replace_parts", fail)
        with pytest.raises(Unavailable):
            folder.merge()
    (path,) = folder.server.parts.unfinished()
    with monkeypatch.context() as patch:
        patch.setattr(files, "sync_folder", refuse)
        folder.server.maintenance.sweep()
    assert list(folder.server.parts.unfinished()) == [path]
    folder.server.maintenance.sweep()
    assert folder.server.parts.unfinished() == {}
    assert not (folder.path / path).exists()
    folder.close()


def test_a_file_of_an_import_that_was_cut_off_is_told_as_what_it_is(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = Folder(tmp_path / "data")
    folder.put("1")
    folder.flush()
    (part,) = folder.server.catalog.parts()
    folder.close()
    written = folder.path / part.path
    for name in ("import-5f1c-400000-0.parquet", "other.parquet"):
        shutil.copy(written, written.with_name(name))
    caplog.clear()
    folder = Folder(folder.path)
    moved = [record for record in caplog.records if "it is kept as" in record.getMessage()]
    told = {record.getMessage().partition(" (")[2].partition(")")[0]: record.levelname for record in moved}
    assert told == {
        "of an import that was cut off; the same import, run again, brings its events, and then it may be deleted": "WARNING",
        "no catalog row names it": "WARNING",
    }
    assert folder.numbers() == Counter("1")
    assert len(list((folder.path / "aside").iterdir())) == 2
    folder.close()
