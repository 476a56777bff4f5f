"""A project's retention over HTTP: set by its settings, carried out at the start, and told by a job."""

import time
from pathlib import Path
from typing import Any

from http_rig import DAY, Api, event, running


def job_of(api: Api) -> dict[str, Any]:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        jobs = api.http.get(api.path("jobs")).json()["data"]
        if jobs and jobs[0]["status"] in ("done", "failed"):
            return dict(jobs[0])
        time.sleep(0.05)
    raise AssertionError(f"the job never ends: {jobs}")


def test_events_that_a_project_keeps_no_longer_are_gone_after_the_next_start(tmp_path: Path) -> None:
    data = ["dev", "--data", str(tmp_path / "data")]
    now = time.time() * 1000
    with running(*data) as server, Api(server) as api:
        api.send(event("view", "old", now - 40 * DAY), event("view", "ann", now - 40 * DAY), event("buy", "ann", now))
        changed = api.http.patch("/api/v1/projects/dev", json={"settings": {"event_retention_days": 30}})
        assert changed.status_code == 200, changed.text
        assert len(api.listed()) == 3
        assert api.http.get(api.path("jobs")).json()["data"] == []
    with running(*data) as server, Api(server) as api:
        job = job_of(api)
        assert (job["kind"], job["status"], job["events_erased"]) == ("expire_events", "done", 2)
        assert (job["distinct_id"], job["distinct_id_hash"], job["left_behind"]) == (None, None, [])
        assert [found["event"] for found in api.listed()] == ["buy"]
        persons = api.http.get(api.path("persons")).json()["data"]
        assert [(person["distinct_id"], person["event_count"]) for person in persons] == [("ann", 1)]
        assert api.failures == []
