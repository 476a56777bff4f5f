"""What was rejected is told to whoever may read the project, by the API and by `sv rejections`, without what was sent."""

import json
import subprocess
import sys
from uuid import uuid4

import pytest
from http_rig import INGEST, Api, event

SECRET = "ann@example.com"


def sv(api: Api, *arguments: str, token: str = "sv_dev") -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "sv", "rejections", *arguments],
        env={"SV_API_TOKEN": token, "PATH": ""},
        capture_output=True,
        text=True,
        timeout=60,
    )


def reject_some(api: Api) -> None:
    """Two events without anybody and one with a bad time, in two requests."""
    api.post_events([event(), {"event": SECRET}, event(timestamp=SECRET)])
    api.post_events([{"event": SECRET}])


def test_rejected_events_are_counted_by_reason_with_samples_and_without_values(api: Api) -> None:
    reject_some(api)
    answer = api.http.get(api.path("rejections"))
    assert answer.status_code == 200
    assert SECRET not in answer.text
    report = answer.json()
    assert report["rejected"] == 3
    assert [(reason["code"], reason["count"]) for reason in report["reasons"]] == [
        ("MISSING_IDENTITY", 2),
        ("INVALID_TIMESTAMP", 1),
    ]
    nobody, undated = (reason["samples"] for reason in report["reasons"])
    assert [(sample["index"], sample["events"], sample["field"], sample["got"]) for sample in nobody] == [
        (0, 1, None, None),
        (1, 3, None, None),
    ]
    (sample,) = undated
    assert report["since"] <= sample.pop("at") == report["reasons"][1]["last_at"]
    assert sample == {
        "index": 2,
        "events": 3,
        "field": "timestamp",
        "expected": "Unix milliseconds or ISO 8601",
        "got": "string",
    }


def test_a_request_that_is_known_as_a_retry_is_not_counted_again(api: Api) -> None:
    for _ in range(3):
        assert api.post_events([event(), event("", "bob")]).status_code == 202
    assert api.http.get(api.path("rejections")).json()["rejected"] == 1


def test_requests_for_nobody_s_project_leave_nothing(api: Api) -> None:
    answer = api.http.post(INGEST, json={"projectToken": "sv_pub_nobody", "events": [{"event": "view"}]})
    assert answer.status_code == 401
    assert api.http.get(api.path("rejections")).json()["reasons"] == []


def test_what_another_project_had_rejected_is_not_seen(api: Api) -> None:
    reject_some(api)
    made = api.http.post("/api/v1/projects", json={"name": f"other {uuid4().hex}"}).json()
    assert api.http.get(f"/api/v1/projects/{made['id']}/rejections").json()["rejected"] == 0
    api.http.post(INGEST, json={"projectToken": made["project_token"], "events": [{"event": "view"}]})
    assert api.http.get(f"/api/v1/projects/{made['id']}/rejections").json()["rejected"] == 1
    assert api.http.get(api.path("rejections")).json()["rejected"] == 3


@pytest.mark.parametrize("is_json", [False, True])
def test_the_command_finds_the_server_of_the_folder_and_shows_the_same(api: Api, is_json: bool) -> None:
    reject_some(api)
    done = sv(api, "--data", api.server.ready["data"], "--project", "dev", *(["--json"] if is_json else []))
    assert done.returncode == 0, done.stderr
    assert SECRET not in done.stdout
    if is_json:
        assert json.loads(done.stdout) == [{"project_id": "dev", **api.http.get(api.path("rejections")).json()}]
    else:
        assert "dev: 3 events rejected since " in done.stdout
        assert "event 3 of 3: expected Unix milliseconds or ISO 8601, got string (timestamp)" in done.stdout


def test_the_command_shows_every_project_that_its_token_may_read(api: Api) -> None:
    done = sv(api, "--url", api.server.url, "--json")
    assert done.returncode == 0, done.stderr
    ids = [project["id"] for project in api.http.get("/api/v1/projects", params={"limit": 1000}).json()["data"]]
    assert [report["project_id"] for report in json.loads(done.stdout)] == ids
    assert "dev" in ids


def test_the_command_says_what_is_wrong_with_what_it_is_given(api: Api) -> None:
    for arguments, token, code, told in (
        (("--url", api.server.url), "sv_wrong", 1, f"{api.server.url} answered 401"),
        (("--url", api.server.url), "", 2, "SV_API_TOKEN"),
        (("--url", api.server.url, "--project", "nowhere"), "sv_dev", 1, 'no project "nowhere"'),
        (("--url", "ftp://127.0.0.1"), "sv_dev", 2, "expected an address"),
        (("--url", "http://127.0.0.1:9"), "sv_dev", 1, "no answer from http://127.0.0.1:9"),
        (("--data", "/nowhere"), "sv_dev", 1, "no server runs on /nowhere"),
    ):
        done = sv(api, *arguments, token=token)
        assert done.returncode == code
        assert done.stderr.startswith("sv: ") and told in done.stderr, done.stderr
        assert "Traceback" not in done.stderr
        assert not token.startswith("sv_w") or token not in done.stderr
