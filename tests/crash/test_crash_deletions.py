"""`kill -9` in the middle of a project's deletion: once the catalog has it, the project never comes back, also where the catalog is lost."""

import json
import signal
import sys
from collections import Counter
from pathlib import Path

import pytest
from conftest import Serve
from crash_rig import ROOT, Server, dated, numbers_in_files, numbers_meanwhile, wait_for
from fault_rig import injected
from folder_rig import catalog_at_rest

from sv.meta.deleted_marks import marked_deleted
from tests import forked

KILL_S = 30.0
PATH = "/api/v1/projects/gone"

# (the calls and the file; whether the catalog has the deletion after a kill there)
MOMENTS = {
    "the mark is made": ("openat:signal=SIGKILL:when=1", "deleted/gone", False),
    "the mark's name is on the disk": ("fsync:signal=SIGKILL:when=1", "deleted", False),
    "the deletion is written": ("pwrite64:signal=SIGKILL:when=1", "sv.db-wal", False),
    "the deletion is synced": ("fdatasync,fsync:signal=SIGKILL:when={of_commit}", "sv.db-wal", True),
}


def began(serve: Serve) -> Server:
    """A server with two projects, one event each in a file."""
    server = serve().start()
    made = server.ask("POST", "/api/v1/projects", {"id": "gone", "name": "Gone"})
    assert made[0] == 201, made
    server.store(dated("another's"))
    body = {"projectToken": made[2]["project_token"], "events": [{"event": "crash", "userId": "ann", "properties": {"n": "its"}}]}
    server.store(json.dumps(body).encode())
    assert server.stop() == 0
    assert numbers_in_files(server.folder) == Counter(["another's", "its"])
    # Another project was deleted before: the folder of marks is there, and the first call on it is this deletion's.
    (server.folder / "deleted").mkdir(mode=0o700, exist_ok=True)
    return server.start()


def kill_while_deleting(server: Server, trace: Path, rule: str, file: str) -> None:
    log = server.folder / "sv.db-wal"
    has_head = log.exists() and log.stat().st_size > 0  # the first sync of a log without one is of that alone
    with injected(server, trace, [rule.format(of_commit=1 if has_head else 2)], [server.folder / file]):
        with pytest.raises(ConnectionError):
            server.ask("DELETE", PATH)
        wait_for(lambda: server.process.poll() is not None, "the kill", KILL_S)
    assert server.process.returncode == -signal.SIGKILL


def has_deletion(folder: Path) -> bool:
    """What the killed server's catalog says."""
    with catalog_at_rest(folder) as meta:
        return meta.rows("select deleted_ms is not null from projects where id = 'gone'") == [(1,)]


@pytest.mark.parametrize(("rule", "file", "is_in_catalog"), MOMENTS.values(), ids=MOMENTS)
def test_a_project_whose_deletion_a_kill_cut_off_is_deleted_or_not_as_the_catalog_says(
    serve: Serve, tmp_path: Path, rule: str, file: str, is_in_catalog: bool
) -> None:
    server = began(serve)
    kill_while_deleting(server, tmp_path / "calls", rule, file)
    assert has_deletion(server.folder) == is_in_catalog
    server.start()
    assert server.ask("GET", PATH)[0] == (404 if is_in_catalog else 200)
    assert marked_deleted(server.folder) == ({"gone"} if is_in_catalog else frozenset())
    left = Counter(["another's"]) if is_in_catalog else Counter(["another's", "its"])
    wait_for(lambda: numbers_meanwhile(server.folder) == left, "what the catalog says")
    assert server.stop() == 0


@pytest.mark.parametrize(("rule", "file", "is_in_catalog"), MOMENTS.values(), ids=MOMENTS)
def test_a_deletion_that_the_catalog_had_before_it_was_lost_is_not_undone_by_a_repair(
    serve: Serve, tmp_path: Path, rule: str, file: str, is_in_catalog: bool
) -> None:
    server = began(serve)
    kill_while_deleting(server, tmp_path / "calls", rule, file)
    is_marked = marked_deleted(server.folder) == {"gone"}
    assert is_marked or not is_in_catalog
    for lost in server.folder.glob("sv.db*"):
        lost.unlink()
    done = forked.run([sys.executable, "-m", "sv", "check", "--data", str(server.folder), "--repair", "--json"], cwd=ROOT)
    repaired = json.loads(done.stdout)["repaired"]
    assert (list(repaired["project_tokens"]), repaired["deleted_projects"]) == (
        (["dev"], ["gone"]) if is_marked else (["dev", "gone"], [])
    )
