"""A person is erased over HTTP: the job says how far it is, and then nobody finds the person any more."""

import time
from typing import Any

from http_rig import Api, event

PROJECT = "/api/v1/projects/dev"


def finished(api: Api, job: dict[str, Any]) -> dict[str, Any]:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        status, found = ask(api, "GET", f"{PROJECT}/jobs/{job['id']}")
        assert status == 200, found
        if found["status"] in ("done", "failed"):
            return found
        time.sleep(0.05)
    raise AssertionError(f"the job never ends: {found}")


def ask(api: Api, method: str, path: str, **options: Any) -> tuple[int, Any]:
    response = api.http.request(method, path, **options)
    return response.status_code, response.json()


def test_a_person_is_erased_and_the_others_are_not(api: Api) -> None:
    api.send(event("view", "ann/1"), event("buy", "ann/1"), event("view", "bob"))
    status, job = ask(api, "POST", f"{PROJECT}/persons/ann%2F1/erase")
    assert status == 202, job
    assert job["distinct_id"] == "ann/1"
    done = finished(api, job)
    assert (done["status"], done["progress"], done["events_erased"], done["distinct_id"]) == ("done", 1.0, 2, None)
    assert (done["left_behind"], done["error"]) == ([], None)
    assert ask(api, "GET", f"{PROJECT}/persons/ann%2F1")[0] == 404
    _, events = ask(api, "GET", f"{PROJECT}/events")
    assert [item["distinct_id"] for item in events["data"]] == ["bob"]
    _, persons = ask(api, "GET", f"{PROJECT}/persons")
    assert [item["distinct_id"] for item in persons["data"]] == ["bob"]
    api.send(event("view", "ann/1"))
    _, person = ask(api, "GET", f"{PROJECT}/persons/ann%2F1")
    assert person["event_count"] == 1, "a new person"


def test_jobs_are_listed_page_by_page_newest_first(api: Api) -> None:
    api.send(*(event("view", name) for name in ("ann", "bob", "cat")))
    asked = [ask(api, "POST", f"{PROJECT}/persons/{name}/erase")[1] for name in ("ann", "bob", "cat")]
    for job in asked:
        finished(api, job)
    _, first = ask(api, "GET", f"{PROJECT}/jobs?limit=2")
    assert [job["id"] for job in first["data"]] == [asked[2]["id"], asked[1]["id"]]
    assert first["meta"]["has_more"]
    _, second = ask(api, "GET", f"{PROJECT}/jobs?limit=1&cursor={first['meta']['next_cursor']}")
    assert [job["id"] for job in second["data"]] == [asked[0]["id"]]


def test_a_person_or_a_job_that_is_not_there_is_a_404(api: Api) -> None:
    assert ask(api, "POST", f"{PROJECT}/persons/nobody/erase")[0] == 404
    assert ask(api, "GET", f"{PROJECT}/jobs/nothing")[0] == 404
    status, refused = ask(api, "GET", f"{PROJECT}/jobs?kind=erase_person")
    assert (status, refused["code"]) == (400, "INVALID_PARAMETER")


def record(api: Api, session: str, **more: str) -> None:
    """A chunk of the session."""
    asked = {"projectToken": "sv_pub_dev", "sessionId": session, "chunkIndex": 0, "sizeBytes": 4, **more}
    status, upload = ask(api, "POST", "/api/v1/ingest/recordings", json=asked)
    assert status == 200, upload
    stored = api.http.put(upload["uploadUrl"], content=b"rrwe", headers=upload["headers"])
    assert stored.status_code == 200, stored.text


def chunks_of(api: Api, *sessions: str) -> dict[str, int]:
    return {each: len(ask(api, "GET", f"{PROJECT}/sessions/{each}/recording")[1].get("chunks", [])) for each in sessions}


def test_the_recordings_of_a_persons_sessions_go_and_those_of_others_stay(api: Api) -> None:
    api.send(*(event("view", who, sessionId=f"of-{who}") for who in ("ann", "bob")))
    record(api, "of-ann")
    record(api, "of-bob")
    record(api, "alone", anonymousId="ann")
    finished(api, ask(api, "POST", f"{PROJECT}/persons/ann/erase")[1])
    assert chunks_of(api, "of-ann", "alone", "of-bob") == {"of-ann": 0, "alone": 0, "of-bob": 1}


def test_recordings_that_came_under_an_id_without_an_event_can_be_erased(api: Api) -> None:
    """As of a page that goes on when its visitor has been erased."""
    record(api, "of-bob", anonymousId="bob")
    for mine in ({"anonymousId": "ann"}, {"userId": "ann"}):
        record(api, "of-ann", **mine)
        status, job = ask(api, "POST", f"{PROJECT}/persons/ann/erase")
        assert status == 202, job
        done = finished(api, job)
        assert (done["status"], done["events_erased"], done["left_behind"]) == ("done", 0, [])
        assert chunks_of(api, "of-ann", "of-bob") == {"of-ann": 0, "of-bob": 1}
        assert ask(api, "POST", f"{PROJECT}/persons/ann/erase")[0] == 404
