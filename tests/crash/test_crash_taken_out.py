"""Killed between the commit that takes files out and their leaving the disk: the next start removes them for good, and keeps none aside."""

import json
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Serve
from crash_rig import (
    PROJECT,
    QUIET,
    ROOT,
    Server,
    body_of,
    closing_all,
    event,
    files_aside,
    now_ms,
    numbers_in_files,
    numbers_meanwhile,
    part_files,
    wait_for,
)
from fault_rig import injected
from folder_rig import catalog_at_rest

DAY_MS = 86_400_000
GONE_S = 30.0
AT_THE_FIRST_FILE = "unlink,unlinkat:signal=SIGKILL:when=1"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two files of one day, and one of long ago, of two persons; and one of another project."""
    folder = tmp_path_factory.mktemp("filled") / "data"
    with closing_all([Server(folder, QUIET, output=folder.parent)]) as (server,):
        fill(server)
    return folder


def fill(server: Server) -> None:
    for nth in range(2):
        server.start()
        at_ms = now_ms()
        server.store(
            body_of(
                [
                    event(f"ann{nth}", at_ms=at_ms, user="ann"),
                    event(f"bob{nth}", at_ms=at_ms, user="bob"),
                    *([event("old", at_ms=at_ms - 40 * DAY_MS, user="bob")] if nth else []),
                ]
            )
        )
        assert server.stop() == 0
    server.start()
    status, _, made = server.ask("POST", "/api/v1/projects", {"id": "other", "name": "Other"})
    assert status == 201, made
    other = {"projectToken": made["project_token"], "events": [event("other", at_ms=now_ms())]}
    server.store(json.dumps(other).encode())
    assert server.stop() == 0
    assert len(part_files(server.folder)) == 4


def taken_out(folder: Path) -> set[str]:
    """The files that the killed process's catalog lists no more, and that lie there still."""
    with catalog_at_rest(folder) as meta:
        live = {str(path) for (path,) in meta.rows("select path from parts where state = 'live'")}
    return {str(path.relative_to(folder)) for path in part_files(folder)} - live


def merge(server: Server) -> None:
    files = [word for path in part_files(server.folder) for word in ("-P", str(path))]
    strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=unlink,unlinkat", "-e", f"inject={AT_THE_FIRST_FILE}"]
    command = [*strace, *files, sys.executable, "-m", "sv", "compact", "--data", str(server.folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL), done.stderr


def asking(method: str, path: str, body: object, status: int) -> Callable[[Server], None]:
    """Killed at the first event file that goes because of this request."""

    def act(server: Server) -> None:
        server.start()
        trace = server.output / "calls"
        with injected(server, trace, [AT_THE_FIRST_FILE], part_files(server.folder)):
            assert server.ask(method, f"/api/v1/projects/{path}", body)[0] == status
            wait_for(lambda: server.process.poll() is not None, "the kill", GONE_S)

    return act


def expire(server: Server) -> None:
    server.start()
    assert server.ask("PATCH", PROJECT, {"settings": {"event_retention_days": 30}})[0] == 200
    assert server.stop() == 0
    files = [word for path in part_files(server.folder) for word in ("-P", str(path))]
    server.wrapper = [
        "strace",
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        "trace=unlink,unlinkat",
        "-e",
        f"inject={AT_THE_FIRST_FILE}",
        *files,
    ]
    server.spawn()
    wait_for(lambda: server.process.poll() is not None, "the kill", GONE_S)
    server.wrapper = []


ALL = Counter(["ann0", "ann1", "bob0", "bob1", "old", "other"])
WAYS: dict[str, tuple[Callable[[Server], None], Counter[str]]] = {
    "a merge": (merge, ALL),
    "an erasure": (asking("POST", "dev/persons/ann/erase", b"", 202), ALL - Counter(["ann0", "ann1"])),
    "an expiry": (expire, ALL - Counter(["old"])),
    "the deletion of a project": (asking("DELETE", "other", None, 204), ALL - Counter(["other"])),
}


@pytest.mark.parametrize(("take_out", "left"), WAYS.values(), ids=WAYS)
def test_files_that_were_taken_out_before_a_kill_are_gone_after_the_next_start(
    serve: Serve, tmp_path: Path, filled: Path, take_out: Callable[[Server], None], left: Counter[str]
) -> None:
    server = serve(Path(shutil.copytree(filled, tmp_path / "data")))
    take_out(server)
    assert taken_out(server.folder), "the kill came too early or too late"
    server.start()  # and nobody sends or asks it anything
    wait_for(lambda: numbers_meanwhile(server.folder) == left, "the files to go", GONE_S)
    assert files_aside(server.folder) == []
    assert server.stop() == 0
    assert numbers_in_files(server.folder) == left
    assert files_aside(server.folder) == []
