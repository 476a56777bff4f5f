"""`kill -9` of a running server in the middle of a job that erases a person: the next start ends it, nothing of the person is anywhere in
the folder, and all of everybody else's is."""

import shutil
import signal
from collections import Counter
from pathlib import Path
from urllib.parse import quote

import pytest
from conftest import Serve
from crash_rig import PROJECT, QUIET, Server, body_of, closing_all, now_ms, numbers_in_files, part_files, wait_for
from erase_rig import ANN, ANNS_MARKS, DAY_MS, event, files_with
from fault_rig import injected

from sv.meta.db import Meta
from sv.meta.jobs import Jobs
from sv.model.jobs import Job

JSON = {"Content-Type": "application/json"}
DONE_S = 60.0
BOBS = Counter(f"bob{nth}" for nth in range(12))
COPY = "events__project=dev__day=mixed__merge-copy.parquet"

# The nth of such calls that one thread of the server makes once it was asked to erase. Together they are in every stage of the job.
MOMENTS = {
    "unlink": "unlink,unlinkat:signal=SIGKILL:when=1",
    "a later unlink": "unlink,unlinkat:signal=SIGKILL:when=5",
    "rename": "rename,renameat,renameat2:signal=SIGKILL:when=1",
    "a later rename": "rename,renameat,renameat2:signal=SIGKILL:when=4",
    "sync": "fsync,fdatasync:signal=SIGKILL:when=4",
    "a late sync": "fdatasync:signal=SIGKILL:when=17",
}


def record(server: Server, who: str, session: str) -> None:
    """A chunk of a recording, with the person's mark in it."""
    chunk = b'[{"type":4,"data":{"href":"%sUrlMark"}}]' % who.encode()
    asked = {"projectToken": "sv_pub_dev", "sessionId": session, "chunkIndex": 0, "sizeBytes": len(chunk)}
    status, _, content = server.ask("POST", "/api/v1/ingest/recordings", asked)
    assert status == 200, content
    status, _, content = server.ask("PUT", "/" + content["uploadUrl"].split("/", 3)[3], chunk, JSON)
    assert status == 200, content


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both persons in files of several days, in one that was set aside, in recordings, in lists, and the last events in the log alone."""
    folder = tmp_path_factory.mktemp("filled") / "data"
    with closing_all([Server(folder, QUIET, output=folder.parent)]) as (server,):
        for start in (0, 5):
            server.start()
            for nth in range(start, start + 5):
                at_ms = now_ms() - nth % 3 * DAY_MS
                server.store(body_of([event(ANN, "ann", nth, at_ms), event("bob-1", "bob", nth, at_ms)]))
            assert server.stop() == 0
        (folder / "aside").mkdir(exist_ok=True)
        shutil.copy(part_files(folder)[0], folder / "aside" / COPY)
        server.start()
        for nth in (10, 11):
            server.store(body_of([event(ANN, "ann", nth, now_ms()), event("bob-1", "bob", nth, now_ms())]))
        record(server, "ann", "annSession-1")
        record(server, "bob", "bobSession-1")
        assert server.persons_listed() == {ANN: 12, "bob-1": 12}
        server.kill()
    return folder


def job_at_rest(folder: Path, copy: Path) -> Job:
    """As the killed server left it, read from a copy."""
    copy.mkdir()
    for file in folder.glob("sv.db*"):
        shutil.copy(file, copy)
    with Meta.open(copy / "sv.db") as meta:
        (job,) = Jobs(meta).page("dev", 1 << 62, 10)
    return job


@pytest.mark.parametrize("rule", MOMENTS.values(), ids=MOMENTS)
def test_a_server_killed_while_it_erases_a_person_ends_that_at_its_next_start(
    serve: Serve, tmp_path: Path, filled: Path, rule: str
) -> None:
    folder = Path(shutil.copytree(filled, tmp_path / "data"))
    server = serve(folder).start()
    assert all(files_with(folder, (mark,)) for mark in ANNS_MARKS)
    with injected(server, tmp_path / "calls", [rule]):
        status, _, asked = server.ask("POST", f"{PROJECT}/persons/{quote(ANN)}/erase", b"")
        assert status == 202, asked
        assert server.process.wait(DONE_S) == -signal.SIGKILL
    left = job_at_rest(folder, tmp_path / "copy")
    assert left.state in ("queued", "running"), "it was over before the kill"

    server.start()
    wait_for(lambda: server.ask("GET", f"{PROJECT}/jobs/{asked['id']}")[2]["status"] == "done", "the job's end", DONE_S)
    assert files_with(folder) == [], "while the server runs"
    assert server.persons_listed() == server.sessions_listed() == {"bob-1": 12}
    assert server.numbers() == BOBS
    status, _, recording = server.ask("GET", f"{PROJECT}/sessions/bobSession-1/recording")
    assert (status, len(recording["chunks"])) == (200, 1)
    assert server.stop() == 0
    assert files_with(folder) == [], "after its end"
    assert numbers_in_files(folder) == BOBS
    assert files_with(folder / "aside", (b"bobPropertyMark",)), "the other's rows in what was set aside"
    assert files_with(folder / "objects", (b"bobUrlMark",)) or files_with(folder / "recordings", (b"bobUrlMark",))
    kept = {path.relative_to(folder / "events").with_suffix("") for path in part_files(folder)}
    assert {path.relative_to(folder / "keys").with_suffix("") for path in (folder / "keys").rglob("*") if path.is_file()} <= kept
