"""`sv person erase` and `sv person export` on a folder at rest, and what the audit trail says of them and of the API's."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from http_rig import Api, event, running
from test_http_erase import ask, finished

from sv.meta.db import Meta
from sv.meta.jobs import Jobs
from sv.model.limits import MAX_QUEUED_JOBS
from tests import forked

ERASE = "/api/v1/projects/dev/persons/ann/erase"


def sv(data: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return forked.run(
        [sys.executable, "-m", "sv", "person", *words, "--project", "dev", "--data", str(data)],
        text=True,
        env=dict(os.environ) | {"LOGNAME": "keeper"},
    )


def trail(api: Api) -> list[dict[str, Any]]:
    """Of the project, the oldest entry first."""
    entries: list[dict[str, Any]] = api.http.get(api.path("audit")).json()["data"][::-1]
    return entries


def is_about(entry: dict[str, Any], distinct_id: str) -> bool:
    digest = hashlib.sha256(f"{entry['target']['id']}\0{distinct_id}".encode()).hexdigest()
    return bool(entry["target"]["name"] == digest)


def test_a_person_is_exported_and_erased_by_command_on_a_folder_at_rest_and_the_trail_says_by_whom(tmp_path: Path) -> None:
    with running("dev", "--data", str(tmp_path)) as server, Api(server) as api:
        api.send(event("view", "ann"), event("buy", "ann"), event("view", "bob"), event("view", "cat"))
        for action, method in (("erase", "-X POST "), ("export", "")):
            while_running = sv(tmp_path, action, "ann@example.com/1")
            assert (while_running.returncode, while_running.stdout) == (1, "")
            assert f"{tmp_path} is in use by process " in while_running.stderr
            route = f"{api.http.base_url}{api.path('persons/ann%40example.com%2F1')}/{action}"
            assert f"Ask that server: curl {method}-H 'Authorization: Bearer TOKEN' {route} " in while_running.stderr
        assert api.http.get(api.path("persons/ann")).status_code == 200
    exported = sv(tmp_path, "export", "ann")
    assert exported.returncode == 0, exported.stderr
    assert [json.loads(line)["type"] for line in exported.stdout.splitlines()] == ["person", "session", "event", "event", "end"]
    plain = sv(tmp_path, "erase", "ann")
    assert (plain.returncode, plain.stdout) == (0, "erased 2 events\n"), plain.stderr
    nobody = sv(tmp_path, "erase", "ann")
    assert (nobody.returncode != 0, nobody.stdout) == (True, "")
    assert 'no person "ann" (distinct_id)' in nobody.stderr
    structured = sv(tmp_path, "erase", "bob", "--json")
    job = json.loads(structured.stdout)
    assert (job["status"], job["events_erased"], job["distinct_id"], job["left_behind"]) == ("done", 1, None, [])
    with running("dev", "--data", str(tmp_path)) as server, Api(server) as api:
        assert [each["distinct_id"] for each in api.listed()] == ["cat"]
        entries = trail(api)
        assert [(each["action"], each["actor"]) for each in entries] == [
            (action, {"kind": "cli", "id": None, "name": "keeper"})
            for action in ("person.export", "person.erase", "person.erase_done", "person.erase", "person.erase_done")
        ]
        assert [is_about(each, "ann") for each in entries] == [True, True, True, False, False]
        assert [is_about(each, "bob") for each in entries] == [False, False, False, True, True]
        assert entries[2]["after"] == {"events_erased": 2, "left_behind": 0}


def test_an_erasure_and_an_export_by_the_api_are_in_the_trail_under_the_token_that_asked(tmp_path: Path) -> None:
    with running("dev", "--data", str(tmp_path)) as server, Api(server) as api:
        api.send(event("view", "ann"), event("view", "bob"))
        assert api.http.get(api.path("persons/ann/export")).status_code == 200
        assert api.http.get(api.path("persons/nobody/export")).status_code == 404
        assert ask(api, "POST", api.path("persons/nobody/erase"))[0] == 404
        job = finished(api, ask(api, "POST", ERASE)[1])
        entries = trail(api)
        (token,) = api.http.get("/api/v1/api_tokens").json()["data"]
        assert [(each["action"], each["actor"]) for each in entries] == [
            (action, {"kind": "api_token", "id": token["id"], "name": token["name"]})
            for action in ("person.export", "person.erase", "person.erase_done")
        ]
        assert [each["target"]["id"] == job["id"] for each in entries] == [False, True, True]
        assert entries[1]["target"]["name"] == job["distinct_id_hash"]
        assert all(is_about(each, "ann") for each in entries)
        # So many that wait, which nobody does meanwhile: the server's thread is asleep.
        with Meta.open(tmp_path / "sv.db") as meta, meta.together():
            for nth in range(MAX_QUEUED_JOBS):
                Jobs(meta).add("dev", "erase_person", f"person-{nth}", 0)
        refused = api.http.post(api.path("persons/bob/erase"))
        assert (refused.status_code, refused.json()["code"], refused.headers["retry-after"]) == (503, "UNAVAILABLE", "60")
        assert api.failures == [f"POST {refused.request.url}: 503 {refused.text}"]
        assert len(trail(api)) == 3
