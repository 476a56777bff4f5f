"""How far the erasure of a person is, over HTTP, while it goes on: a server that stands still after each file until a test lets it go on."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from http_rig import NOON, Api, event, running

CODE = """
import os, sys
from sv.cli import main
from sv.meta.jobs import Jobs

note = Jobs.note_progress
gate = open(os.environ["TEST_GATE"], "rb", buffering=0)

def noted(self, job, done, total):
    note(self, job, done, total)
    if done:
        gate.read(1)

Jobs.note_progress = noted
sys.argv[0] = "sv"
sys.exit(main())
"""
FILES = 3
LOOKS = 2 * FILES
"""Each file is written anew, and what was written is looked at too."""


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[int]:
    """Each byte that is written to it lets the server go on by a file. Closed, it lets everything through."""
    os.mkfifo(tmp_path / "gate")
    descriptor = os.open(tmp_path / "gate", os.O_RDWR)
    yield descriptor
    os.close(descriptor)


def test_progress_grows_file_by_file_and_ends_in_done(tmp_path: Path, gate: int) -> None:
    environment = {
        "TEST_GATE": str(tmp_path / "gate"), "SV_FLUSH_EVENTS": "1", "SV_FLUSH_SECONDS": "0.05", "SV_COMPACT_SECONDS": "0",
    }  # fmt: skip
    with running("dev", "--data", str(tmp_path / "data"), environment=environment, code=CODE) as server, Api(server) as api:
        try:
            seen = followed(api, tmp_path, gate)
        finally:
            os.write(gate, b"." * LOOKS)  # whatever went wrong, the server can end
        assert [each["status"] for each in seen[1:]] == ["running"] * LOOKS + ["done"]
        progress = [each["progress"] for each in seen]
        assert progress == sorted(set(progress)), "it grows each time"
        assert (progress[0], progress[-2], progress[-1]) == (0.0, 0.99, 1.0)
        assert [each["files_done"] for each in seen] == [*range(LOOKS + 1), LOOKS]
        assert [each["events_erased"] for each in seen] == [0, *range(1, FILES + 1), *[FILES] * (LOOKS - FILES + 1)]
        assert [found["distinct_id"] for found in api.listed()] == ["bob"] * FILES
        assert api.failures == []


def followed(api: Api, folder: Path, gate: int) -> list[dict[str, Any]]:
    """What is shown of the job before its first file, after each, and at the end."""
    for nth in range(FILES):
        api.send(event("view", "ann", NOON + nth), event("view", "bob", NOON + nth))
        until(lambda nth=nth: len(list((folder / "data" / "events").rglob("*.parquet"))) == nth + 1)
    job = api.http.post(api.path("persons/ann/erase")).json()
    seen = [job]
    for done in range(1, LOOKS + 1):
        until(lambda done=done: shown(api, job)["files_done"] == done)
        seen.append(shown(api, job))
        os.write(gate, b".")
    until(lambda: shown(api, job)["status"] == "done")
    return [*seen, shown(api, job)]


def shown(api: Api, job: dict[str, Any]) -> dict[str, Any]:
    answer = api.http.get(api.path(f"jobs/{job['id']}"))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def until(is_so: Any) -> None:
    end = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < end, "it never comes to that"
        time.sleep(0.02)


@pytest.mark.parametrize("scope", ["read", "write"])
def test_who_may_not_administer_neither_begins_an_erasure_nor_sees_a_job(api: Api, scope: str) -> None:
    api.send(event("view", "ann"))
    job = api.http.post(api.path("persons/ann/erase")).json()
    until(lambda: shown(api, job)["status"] == "done")
    api.send(event("view", "bob"))
    token = api.http.post("/api/v1/api_tokens", json={"name": scope, "project_id": "dev", "scopes": [scope]}).json()["token"]
    headers = {"Authorization": f"Bearer {token}"}
    for method, path in (("POST", "persons/bob/erase"), ("GET", "jobs"), ("GET", f"jobs/{job['id']}"), ("GET", "jobs/none")):
        answer = api.http.request(method, api.path(path), headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "NOT_AUTHORIZED"), path
    anonymous = api.http.get(api.path(f"jobs/{job['id']}"), headers={"Authorization": ""})
    assert (anonymous.status_code, anonymous.json()["code"]) == (401, "NOT_AUTHENTICATED")
    assert len(api.http.get(api.path("jobs")).json()["data"]) == 1
    assert api.http.get(api.path("persons/bob")).json()["event_count"] == 1
