"""`sv check` names what is wrong with a folder, and `sv check --repair` makes a lost catalog anew: all events answer as before."""

import json
import os
import shutil
import sqlite3
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from conftest import Serve
from crash_rig import PROJECT, ROOT, Server, body_of, dated, event, files_aside, now_ms, numbers_in_files, part_files, wait_for
from folder_rig import Folder, batch_of

from sv.engine.duck.inventory import Inventory
from sv.meta.db import Meta
from sv.meta.deleted_marks import marked_deleted
from sv.meta.errors import FolderDamaged
from sv.meta.instance import Settings
from sv.meta.project_tokens import ProjectTokens
from sv.model.access import Actor
from sv.model.batch import encode_batch
from sv.model.errors import NotFound, Unavailable
from sv.people.projects import delete_project
from sv.repair import repairing
from tests import forked

DAY_MS = 86_400_000
SOMEBODY = Actor("cli", None, "somebody")


def check(folder: Path, *words: str, code: int = 0) -> Any:
    command = [sys.executable, "-m", "sv", "check", "--data", str(folder), "--json", *words]
    done = forked.run(command, cwd=ROOT)
    assert done.returncode == code, (done.stdout, done.stderr)
    return json.loads(done.stdout)


def delete(path: Path) -> None:
    path.unlink()


def zero(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def answers(server: Server) -> Any:
    """What the queries and the lists say."""
    persons, sessions = server.persons_listed(), server.sessions_listed()
    return server.numbers(), server.total(), server.persons(), persons, sessions, server.by_person()


def have_fixed_credentials(folder: Path) -> None:
    """Tokens are among what doesn't come back."""
    with Meta.open(folder / "sv.db") as meta:
        Settings(meta).put("made_by", '"dev"')
        ProjectTokens(meta).rotate("dev", "sv_pub_dev", now_ms())


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """The folder of a server that was killed, with flushed, merged and imported events, and some in the log alone; and what it answered."""
    folder = tmp_path_factory.mktemp("killed") / "data"
    lines = tmp_path_factory.mktemp("lines") / "lines.ndjson"
    lines.write_text(
        "".join(json.dumps(event(f"imported {nth}", at_ms=now_ms(), user=f"user {nth}")) + "\n" for nth in range(30))
    )
    server = Server(folder).start()
    try:
        for day in range(2):
            at_ms = now_ms() - day * DAY_MS
            server.store(body_of([event(f"{day}-{nth}", at_ms=at_ms, user=f"user {nth}") for nth in range(20)]))
            assert server.stop() == 0
            server.start()
        assert server.stop() == 0
        assert forked.run([sys.executable, "-m", "sv", "compact", "--data", str(folder)], cwd=ROOT).returncode == 0
        words = ["import", str(lines), "--project", "dev", "--data", str(folder)]
        assert forked.run([sys.executable, "-m", "sv", *words], cwd=ROOT).returncode == 0
        server.start()
        server.store(dated("flushed", user="somebody new"))
        assert server.stop() == 0
        server.start()
        server.store(dated("in the log", user="user 1"))
        before = answers(server)
    finally:
        server.close()
    return folder, before


@pytest.mark.parametrize("damage", [delete, zero, truncate])
def test_a_lost_catalog_is_made_anew_and_all_events_answer_as_before(
    killed: tuple[Path, Any], damage: Callable[[Path], None], serve: Serve, tmp_path: Path
) -> None:
    folder, before = tmp_path / "data", killed[1]
    shutil.copytree(killed[0], folder)
    for file in (folder / "sv.db-wal", folder / "sv.db-shm"):
        file.unlink(missing_ok=True)
    parts = {path: path.read_bytes() for path in part_files(folder)}
    damage(folder / "sv.db")
    assert [finding["kind"] for finding in check(folder, code=1)["findings"]][:1] == ["catalog"]
    report = check(folder, "--repair")
    assert list(report["repaired"]["project_tokens"]) == ["dev"]
    assert {path: path.read_bytes() for path in part_files(folder)} | parts == parts, "no event file was changed"
    have_fixed_credentials(folder)
    server = serve(folder).start()
    wait_for(lambda: server.ask("GET", f"{PROJECT}/sessions")[0] == 200, "lists to be made anew")
    assert answers(server) == before
    server.store(dated("later"))
    assert server.stop() == 0
    assert check(folder)["findings"] == []


def filled(path: Path) -> Folder:
    folder = Folder(path)
    for number in ("one", "two"):
        folder.put(number, at_ms=now_ms(), user=number)
        folder.flush()
    return folder


def repaired(folder: Path) -> Counter[str]:
    (folder / "sv.db").unlink()
    for file in (folder / "sv.db-wal", folder / "sv.db-shm"):
        file.unlink(missing_ok=True)
    check(folder, "--repair")
    again = Folder(folder)
    try:
        return again.numbers()
    finally:
        again.crash()


def test_a_flush_that_was_cut_off_before_its_commit_is_taken_from_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = filled(tmp_path / "data")
    numbers = [f"new {nth}" for nth in range(10)]
    folder.put(*numbers, at_ms=now_ms())
    kept = folder.server.store.keep_persons

    def cut() -> None:
        raise OSError("cut off")

    monkeypatch.setattr(folder.server.store, "keep_persons", cut)
    with pytest.raises(OSError, match="cut off"):
        folder.flush()
    monkeypatch.setattr(folder.server.store, "keep_persons", kept)
    folder.crash()
    assert len(part_files(tmp_path / "data")) == 3
    assert check(tmp_path / "data")["findings"] == []  # the next start does it again
    stranger = part_files(tmp_path / "data")[0].with_name("flush-00000000000000ff-0.parquet")
    shutil.copy(part_files(tmp_path / "data")[0], stranger)
    assert [finding["path"] for finding in check(tmp_path / "data", code=1)["findings"]] == [
        str(stranger.relative_to(tmp_path / "data"))
    ]
    stranger.unlink()
    assert repaired(tmp_path / "data") == Counter(["one", "two", *numbers])
    assert len([path for path in files_aside(tmp_path / "data") if path.suffix == ".parquet"]) == 1


@pytest.mark.parametrize("is_begun", [False, True])
def test_a_catalog_with_nothing_in_it_is_not_taken_for_a_new_one(is_begun: bool, tmp_path: Path) -> None:
    """A start on it would set every event file aside. Begun is what it is of a young server, copied without `sv.db-wal`."""
    filled(tmp_path / "data").crash()
    before = part_files(tmp_path / "data")
    (tmp_path / "data" / "sv.db").write_bytes(b"")
    for file in (tmp_path / "data" / "sv.db-wal", tmp_path / "data" / "sv.db-shm"):
        file.unlink(missing_ok=True)
    if is_begun:
        sqlite3.connect(tmp_path / "data" / "sv.db").execute("pragma journal_mode = wal").connection.close()
    for _ in range(2):  # the first one brings the schema up to date
        with pytest.raises(FolderDamaged, match="sv check --repair"):
            Folder(tmp_path / "data")
    assert part_files(tmp_path / "data") == before
    assert [finding["kind"] for finding in check(tmp_path / "data", code=1)["findings"]] == ["catalog"]
    assert repaired(tmp_path / "data") == Counter(["one", "two"])


def test_a_folder_whose_events_are_in_the_log_alone_lacks_its_catalog_too(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "data")
    folder.put("in the log", at_ms=now_ms())
    folder.crash()
    (tmp_path / "data" / "sv.db").unlink()
    assert [finding["kind"] for finding in check(tmp_path / "data", code=1)["findings"]] == ["catalog"]
    assert not (tmp_path / "data" / "sv.db").exists(), "looking changes nothing"


def put_in(folder: Folder, project_id: str, number: str) -> None:
    batch = msgspec.structs.replace(batch_of([number], at_ms=now_ms()), project_id=project_id)
    folder.server.store_now(batch, encode_batch(batch))


def test_a_project_whose_events_are_all_in_the_log_comes_back_with_a_new_token(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "data")
    folder.put("in a file")
    folder.flush()
    folder.server.projects.create("young", token="sv_pub_young", now_ms=now_ms(), project_id="young")
    put_in(folder, "young", "in the log")
    folder.crash()
    (tmp_path / "data" / "sv.db").unlink()
    tokens = check(tmp_path / "data", "--repair")["repaired"]["project_tokens"]
    assert tokens.keys() == {"dev", "young"}
    again = Folder(tmp_path / "data")
    assert again.numbers() == Counter(["in a file"])
    assert again.server.projects.get("young").id == "young"
    again.close()
    assert numbers_in_files(tmp_path / "data") == Counter(["in a file", "in the log"])


def test_a_deleted_project_does_not_come_back_and_its_events_go_with_the_next_start(tmp_path: Path) -> None:
    data = tmp_path / "data"
    folder = Folder(data)
    folder.put("another's")
    folder.server.projects.create("gone", token="sv_pub_gone", now_ms=now_ms(), project_id="gone")
    put_in(folder, "gone", "in a file")
    folder.flush()
    put_in(folder, "gone", "in the log")
    delete_project(folder.server.people, SOMEBODY, "gone")
    folder.crash()
    (data / "deleted" / ".DS_Store").touch()
    (data / "sv.db").unlink()
    report = check(data, "--repair")["repaired"]
    assert (list(report["project_tokens"]), report["deleted_projects"]) == (["dev"], ["gone"])
    again = Folder(data)
    assert [project.id for project in again.server.projects.list_all()] == ["dev"]
    again.server.maintenance.remove_deleted()
    assert again.numbers() == Counter(["another's"])
    again.close()
    assert numbers_in_files(data) == Counter(["another's"])


def test_marks_of_deleted_projects_are_what_the_catalog_says_after_each_start(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "data")
    folder.server.projects.create("gone", token="sv_pub_gone", now_ms=now_ms(), project_id="gone")
    delete_project(folder.server.people, SOMEBODY, "gone")
    folder.crash()
    marks = tmp_path / "data" / "deleted"
    assert marked_deleted(tmp_path / "data") == {"gone"}
    (marks / "gone").rename(marks / "dev")  # of a folder of before there were marks; and an older catalog's project
    (marks / "long-gone").touch()
    Folder(tmp_path / "data").crash()
    assert marked_deleted(tmp_path / "data") == {"gone", "long-gone"}


def test_a_project_that_can_not_be_marked_as_deleted_is_not(tmp_path: Path) -> None:
    data = tmp_path / "data"
    folder = Folder(data)
    folder.server.projects.create("gone", token="sv_pub_gone", now_ms=now_ms(), project_id="gone")
    (data / "deleted").touch()  # where the folder would be
    with pytest.raises(Unavailable, match="and isn't"):
        delete_project(folder.server.people, SOMEBODY, "gone")
    assert {project.id for project in folder.server.projects.list_all()} == {"gone", "dev"}  # both of one millisecond, it may be
    (data / "deleted").unlink()
    delete_project(folder.server.people, SOMEBODY, "gone")
    assert marked_deleted(data) == {"gone"}
    folder.crash()


def test_a_deletion_that_the_catalog_refuses_leaves_no_mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Folder(tmp_path / "data")
    folder.server.projects.create("gone", token="sv_pub_gone", now_ms=now_ms(), project_id="gone")

    def refuse(project_id: str, at_ms: int) -> None:
        assert marked_deleted(folder.path) == {project_id}, "marked before the catalog has it"
        raise Unavailable("full")

    with monkeypatch.context() as patch:
        patch.setattr(folder.server.people.projects, "delete", refuse)
        with pytest.raises(Unavailable, match="full"):
            delete_project(folder.server.people, SOMEBODY, "gone")
    assert marked_deleted(folder.path) == frozenset()
    with pytest.raises(NotFound):
        delete_project(folder.server.people, SOMEBODY, "nobody")
    assert marked_deleted(folder.path) == frozenset()
    delete_project(folder.server.people, SOMEBODY, "gone")
    with pytest.raises(NotFound):
        delete_project(folder.server.people, SOMEBODY, "gone")
    assert marked_deleted(folder.path) == {"gone"}
    folder.crash()


def test_of_two_deletions_at_once_the_one_that_fails_leaves_the_other_ones_mark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Folder(tmp_path / "data")
    people = folder.server.people
    folder.server.projects.create("gone", token="sv_pub_gone", now_ms=now_ms(), project_id="gone")
    delete = people.projects.delete
    other = threading.Thread(target=delete_project, args=(people, SOMEBODY, "gone"))

    def refuse(project_id: str, at_ms: int) -> None:
        monkeypatch.setattr(people.projects, "delete", delete)
        other.start()
        time.sleep(0.3)  # until it waits for this one
        raise Unavailable("full")

    monkeypatch.setattr(people.projects, "delete", refuse)
    with pytest.raises(Unavailable, match="full"):
        delete_project(people, SOMEBODY, "gone")
    other.join()
    assert people.projects.find("gone") is None
    assert marked_deleted(folder.path) == {"gone"}
    folder.crash()


def test_a_folder_whose_events_are_all_in_the_log_is_made_anew(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "data")
    folder.put("one", "two")
    folder.crash()
    (tmp_path / "data" / "sv.db").unlink()
    assert check(tmp_path / "data", "--repair")["repaired"]["project_tokens"].keys() == {"dev"}
    again = Folder(tmp_path / "data")
    assert again.numbers() == Counter(["one", "two"])
    again.close()


def test_files_that_a_merge_replaced_and_did_not_get_to_delete_count_once(tmp_path: Path) -> None:
    folder = filled(tmp_path / "data")
    before = {path: path.read_bytes() for path in part_files(tmp_path / "data")}
    times = {path: path.stat().st_mtime_ns for path in before}
    folder.merge()
    folder.put("three", at_ms=now_ms(), user="three")
    folder.crash()
    for path, data in before.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        os.utime(path, ns=(times[path], times[path]))
    assert repaired(tmp_path / "data") == Counter(["one", "two", "three"])
    assert len([path for path in files_aside(tmp_path / "data") if path.suffix == ".parquet"]) == 2


def test_a_file_that_a_flush_and_a_merge_have_in_common_says_that_the_flush_was_committed(tmp_path: Path) -> None:
    """The log still has the flush's records, and they are not stored a second time."""
    folder = filled(tmp_path / "data")
    folder.merge()
    folder.crash()
    assert repaired(tmp_path / "data") == Counter(["one", "two"])


def test_a_damaged_file_under_a_sound_catalog_is_named_and_set_aside_when_asked(tmp_path: Path) -> None:
    folder = filled(tmp_path / "data")
    folder.close()
    damaged = part_files(tmp_path / "data")[0]
    damaged.write_bytes(damaged.read_bytes()[:-40] + bytes(40))
    report = check(tmp_path / "data", code=1)
    assert [(finding["kind"], finding["path"]) for finding in report["findings"]] == [
        ("damaged", str(damaged.relative_to(tmp_path / "data")))
    ]
    assert damaged.exists()
    assert check(tmp_path / "data", "--repair")["findings"] == []
    assert not damaged.exists()
    assert len(files_aside(tmp_path / "data")) == 1
    again = Folder(tmp_path / "data")
    assert sum(again.numbers().values()) == 1
    again.close()


def test_files_that_nobody_lists_and_damage_in_the_log_are_named(tmp_path: Path) -> None:
    folder = filled(tmp_path / "data")
    folder.put("x" * 200, at_ms=now_ms())
    folder.put("y" * 200, at_ms=now_ms())
    folder.crash()
    part = part_files(tmp_path / "data")[0]
    shutil.copy(part, part.with_name("merge-0123456789abcdef.parquet"))
    for path in (tmp_path / "data" / "log").glob("0*.wal"):
        path.write_bytes(path.read_bytes().replace(b"x" * 200, b"z" * 200))
    kinds = Counter(finding["kind"] for finding in check(tmp_path / "data", code=1)["findings"])
    assert kinds == {"unlisted": 1, "log": 2}


def test_a_repair_that_is_cut_off_is_begun_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = filled(tmp_path / "data")
    folder.crash()
    zero(tmp_path / "data" / "sv.db")

    class CutOff(Exception):
        pass

    def cut(_: Path) -> None:
        raise CutOff

    inventory = Inventory(tmp_path / "data", 256 << 20, 2)
    monkeypatch.setattr(repairing, "_put_in_place", cut)
    with pytest.raises(CutOff):
        repairing.repair(tmp_path / "data", inventory, now_ms(), lambda *_: None)
    inventory.close()
    assert repaired(tmp_path / "data") == Counter(["one", "two"])
