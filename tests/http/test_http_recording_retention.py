"""Recordings that a project keeps no longer leave the disk of a server that runs on; its clock goes ahead when a file says so."""

import time
from pathlib import Path

import httpx
from http_rig import Api, event, running
from recordings_rig import recording, upload

from sv.meta.db import Meta

CODE = """
import os, sys, time
from pathlib import Path
from sv.cli import main
from sv.cli.credentials import DevServer
from sv.privacy import jobs

ahead = Path(os.environ["TEST_DAYS_AHEAD"])
DevServer.__init__.__defaults__ = (lambda: int((time.time() + 86_400 * float(ahead.read_text())) * 1000),)
jobs.LOOK_EVERY_S = 0.2
sys.argv[0] = "sv"
sys.exit(main())
"""


def test_chunks_older_than_the_project_keeps_them_leave_the_disk_and_younger_ones_stay(tmp_path: Path) -> None:
    data, ahead = tmp_path / "data", tmp_path / "ahead"
    set_clock(ahead, 0)
    environment = {"TEST_DAYS_AHEAD": str(ahead)}
    with running("dev", "--data", str(data), environment=environment, code=CODE) as server, Api(server) as api:
        changed = api.http.patch("/api/v1/projects/dev", json={"settings": {"recording_retention_days": 2}})
        assert changed.status_code == 200, changed.text
        now = time.time() * 1000
        api.send(event("view", "ann", now, sessionId="old"), event("view", "bob", now + 1, sessionId="young"))
        upload(api, b"[1]", "old", 0)
        upload(api, b"[1]", "old", 1)
        set_clock(ahead, 1.9)
        upload(api, b"[2]", "young")
        assert shown(api) == {"old": True, "young": True}
        assert files(data) == {"old": 2, "young": 1}
        set_clock(ahead, 2.1)
        wait_until_gone(data)
        assert files(data) == {"young": 1}
        assert shown(api) == {"old": False, "young": True}
        assert recording(api, "old").status_code == 404
        assert recording(api, "young").status_code == 200
        assert rows(data) == ["young"]
        assert api.failures == []


def set_clock(ahead: Path, days: float) -> None:
    """Whole at once: the server reads it all the time."""
    whole = ahead.with_suffix(".new")
    whole.write_text(str(days))
    whole.rename(ahead)


def shown(api: Api) -> dict[str, bool]:
    """Which sessions there are, and whether each has a recording."""
    answer: httpx.Response = api.http.get(api.path("sessions"))
    return {session["id"]: session["has_recording"] for session in answer.json()["data"]}


def files(data: Path) -> dict[str, int]:
    """How many chunks of each session lie on the disk."""
    found: dict[str, int] = {}
    for path in (data / "objects").rglob("chunk_*.json"):
        found[path.parent.name] = found.get(path.parent.name, 0) + 1
    return found


def rows(data: Path) -> list[object]:
    """The sessions of the chunks that the catalog knows."""
    with Meta.open(data / "sv.db") as meta:
        return [
            session
            for (session,) in meta.rows("select session_id from recording_chunks join recording_sessions using (recording)")
        ]


def wait_until_gone(data: Path) -> None:
    """From the disk, and from the catalog right after."""
    until = time.monotonic() + 60
    while "old" in files(data) or "old" in rows(data):
        assert time.monotonic() < until, "the chunks are never removed"
        time.sleep(0.05)
