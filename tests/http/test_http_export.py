"""Export of a person over HTTP and by the command line: everything of the person, nothing of others, and whole where it says so."""

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest
from http_rig import MINUTE, NOON, Api, event, iso, running
from recordings_rig import upload

from sv.meta.db import Meta
from sv.meta.project_tokens import ProjectTokens
from sv.meta.projects import Projects
from tests import forked

PAGE = 500
"""Events that the server reads at once."""


def exported(api: Api, person: str = "ann") -> list[dict[str, Any]]:
    answer = api.http.get(api.path(f"persons/{person}/export"))
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].partition(";")[0] == "application/x-ndjson"
    return lines_of(answer.text)


def lines_of(text: str) -> list[dict[str, Any]]:
    assert text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


def test_an_export_has_the_person_each_event_the_recordings_and_an_end(api: Api) -> None:
    api.send(
        event("view", "ann/1", sessionId="s-1", properties={"$set": {"plan": "pro"}}),
        event("buy", "ann/1", NOON + MINUTE, sessionId="s-1"),
        event("view", "bob", sessionId="s-2"),
    )
    upload(api, b"[1]", "s-1", 0)
    upload(api, b"[1,2]", "s-1", 1)
    upload(api, b"[]", "without-events", 0, anonymousId="ann/1")
    upload(api, b"[]", "s-2", 0)
    person, session, *events, first, second, end = exported(api, "ann%2F1")
    assert (person["type"], person["distinct_id"], person["properties"]) == ("person", "ann/1", {"plan": "pro"})
    assert (session["type"], session["id"], session["event_count"], session["has_recording"]) == ("session", "s-1", 2, True)
    assert [(each["type"], each["event"], each["timestamp"]) for each in events] == [
        ("event", "buy", iso(NOON + MINUTE)),
        ("event", "view", iso(NOON)),
    ]
    listed = api.http.get(api.path("persons/ann%2F1/events")).json()["data"]
    assert [{"type": "event"} | each for each in listed] == events
    assert first == {"type": "recording", "session_id": "s-1", "chunks": [{"index": 0, "size": 3}, {"index": 1, "size": 5}]}
    assert second == {"type": "recording", "session_id": "without-events", "chunks": [{"index": 0, "size": 2}]}
    assert end == {"type": "end", "events": 2}


def test_of_an_id_without_an_event_the_recordings_that_came_under_it_are_exported(api: Api) -> None:
    upload(api, b"[1]", "s-1", 0, anonymousId="ann")
    upload(api, b"[]", "s-2", 0, anonymousId="bob")
    recording = {"type": "recording", "session_id": "s-1", "chunks": [{"index": 0, "size": 3}]}
    assert exported(api) == [recording, {"type": "end", "events": 0}]
    assert api.http.get(api.path("persons/cat/export")).status_code == 404


@pytest.mark.parametrize("count", [PAGE - 1, PAGE, PAGE + 1, 3 * PAGE + 7])
def test_a_person_of_many_events_is_exported_whole_each_event_once(api: Api, count: int) -> None:
    api.send(*(event("view", "ann", NOON + n // 3, properties={"n": n}) for n in range(count)))
    api.send(*(event("view", "bob", NOON + n // 3) for n in range(100)))
    lines = exported(api)
    assert Counter(line["properties"]["n"] for line in lines if line["type"] == "event") == Counter(range(count))
    assert [line["type"] for line in lines] == ["person", "session", *["event"] * count, "end"]
    assert lines[-1]["events"] == count


def test_sessions_are_exported_page_by_page_each_once_and_those_of_others_are_not(api: Api) -> None:
    count = 2 * PAGE + 3
    api.send(
        *(event("view", "ann", NOON + n // 4, sessionId=f"s-{n}") for n in range(count)), event("view", "bob", sessionId="b")
    )
    sessions = [line["id"] for line in exported(api) if line["type"] == "session"]
    assert Counter(sessions) == Counter(f"s-{n}" for n in range(count))


def test_under_merged_identity_what_came_before_the_login_is_exported_with_the_user(tmp_path: Path) -> None:
    with running("dev", "--data", str(tmp_path)) as server, Api(server) as api:
        api.send(event("view", "a-1"), event("$identify", "a-1", NOON + 1, userId="ann"))
        assert [line["event"] for line in exported(api) if line["type"] == "event"] == ["$identify"]
        with Meta.open(tmp_path / "sv.db") as meta:
            Projects(meta, ProjectTokens(meta)).update("dev", settings=b'{"identity": "merged"}')
        assert [line["event"] for line in exported(api) if line["type"] == "event"] == ["$identify", "view"]
        assert api.failures == []


def test_nobody_is_not_exported_and_a_token_that_may_not_administer_gets_nothing(api: Api) -> None:
    answer = api.http.get(api.path("persons/nobody/export"))
    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")
    assert api.http.get(api.path("persons/ann/export"), params={"limit": 1}).status_code == 400
    with httpx.Client(base_url=api.server.url, trust_env=False) as stranger:
        assert stranger.get(api.path("persons/ann/export")).status_code == 401


def test_the_command_line_writes_the_same_lines(tmp_path: Path) -> None:
    with running("dev", "--data", str(tmp_path)) as server, Api(server) as api:
        api.send(event("view", "ann", properties={"n": "é"}), event("view", "bob"))
        lines = exported(api)
    asked = ["person", "export", "ann", "--project", "dev", "--data", str(tmp_path)]
    done = forked.run([sys.executable, "-m", "sv", *asked])
    assert done.returncode == 0, done.stderr
    assert lines_of(done.stdout.decode()) == lines
    asked[2] = "nobody"
    done = forked.run([sys.executable, "-m", "sv", *asked])
    assert (done.returncode != 0, done.stdout) == (True, b"")
    assert b"nobody" in done.stderr
