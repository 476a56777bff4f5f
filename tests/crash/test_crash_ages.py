"""Folders of other releases: older ones are brought up to date and answer as they did, whenever that is cut off; newer ones stay as they are."""

import hashlib
import json
import shutil
import sys
import tarfile
from pathlib import Path

import pytest
from conftest import Serve
from crash_rig import PROJECT, ROOT, wait_for
from folder_rig import Folder, now_ms

from sv.meta import connection as connections
from sv.meta.db import Meta
from sv.meta.migrate import SCHEMA_VERSION, migrate, packaged_migrations
from tests import forked
from tests.fixtures.make_backup import answers

FIXTURES = ROOT / "tests" / "fixtures"


def sv(*words: str) -> tuple[int, str]:
    done = forked.run([sys.executable, "-m", "sv", *words], cwd=ROOT)
    return done.returncode, done.stderr.decode()


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("archive", sorted(FIXTURES.glob("backup_*.tar.xz")), ids=lambda path: path.name.partition(".")[0])
def test_a_backup_of_each_layout_is_restored_and_answers_as_it_did(archive: Path, serve: Serve, tmp_path: Path) -> None:
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path, filter="data")
    name = archive.name.partition(".")[0]
    assert sv("restore", str(tmp_path / name), "--data", str(tmp_path / "data")) == (0, "")
    server = serve(tmp_path / "data").start()
    for what in ("sessions", "persons"):  # which a release may make in another way than the one before
        wait_for(lambda what=what: server.ask("GET", f"{PROJECT}/{what}")[0] == 200, f"{what} to be there")
    assert answers(server) == json.loads((FIXTURES / f"{name}.json").read_text())
    assert "ERROR" not in server.log
    assert server.stop() == 0


@pytest.mark.parametrize("newer", ["schema", "layout"])
def test_a_folder_from_a_newer_release_is_refused_by_every_command_and_untouched(newer: str, tmp_path: Path) -> None:
    folder = Folder(tmp_path / "data")
    folder.put("in a file", at_ms=now_ms())
    folder.flush()
    folder.put("in the log", at_ms=now_ms())
    folder.crash()
    statement = "pragma user_version = 99" if newer == "schema" else "update instance set layout_version = 99"
    with Meta.open(folder.path / "sv.db") as meta, meta.transaction() as writer:
        writer.execute(statement)
    before = digests(folder.path)
    data = ["--data", str(folder.path)]
    for words in (["serve", "--port", "0"], ["dev", "--port", "0"], ["compact"], ["check"], ["backup", str(tmp_path / "copy")]):
        if words[0] in ("check", "backup") and newer == "layout":
            continue  # they read nothing whose layout could have changed
        code, said = sv(*words, *data)
        assert (code, "newer release" in said) == (1, True), (words, said)
        after = digests(folder.path)
        assert {name: after[name] for name in before} == before, words
        # What SQLite makes for reading, and leaves.
        assert after.keys() - before.keys() <= {"sv.db-shm", "sv.db-wal"}, words
        assert not (folder.path / "sv.db-wal").exists() or not (folder.path / "sv.db-wal").stat().st_size


def test_a_migration_that_is_killed_at_any_statement_is_done_at_the_next_start(tmp_path: Path) -> None:
    """At each statement the files are copied as the killed process would have left them, half a transaction in the log included."""
    path = tmp_path / "sv.db"
    first, *later = packaged_migrations()
    writer = connections.connect_writer(path)
    connections.settle_writer(writer)
    migrate(writer, 0, [first])
    writer.execute("insert into projects (id, name, timezone, settings, created_ms) values ('p', 'p', 'UTC', '{}', 0)")
    writer.execute("insert into project_tokens (token, project_id, created_ms) values ('t', 'p', 0)")
    writer.execute("pragma cache_size = 5")
    copies: list[Path] = []

    def copy(_: object, sql: str, __: object) -> bool:
        if not sql.lstrip().lower().startswith("pragma user_version;"):
            copies.append(tmp_path / f"killed-{len(copies)}")
            copies[-1].mkdir()
            for name in ("sv.db", "sv.db-wal"):
                shutil.copy(tmp_path / name, copies[-1] / name)
        return True

    writer.exec_trace = copy
    migrate(writer, 1, [first, *later])
    writer.exec_trace = None
    writer.close()
    with Meta.open(path) as whole:
        schema = whole.rows("select type, name, sql from sqlite_schema order by 1, 2")
    assert len(copies) > 100
    for killed in copies:
        with Meta.open(killed / "sv.db") as meta:
            assert meta.rows("pragma user_version") == [(SCHEMA_VERSION,)]
            assert meta.rows("select type, name, sql from sqlite_schema order by 1, 2") == schema
            assert meta.rows("select token, project_id from project_tokens") == [("t", "p")]
            assert meta.check() == []
        shutil.rmtree(killed)
