"""Nothing of one project is in an answer to another: every route that reads, generated from the routes, asked with all that the other has."""

import time
from collections.abc import Iterator
from typing import Any, Final
from uuid import uuid4

import httpx
import pytest
from http_rig import INGEST, Api, Running, body_of, event, running
from recordings_rig import upload

from tests.http.openapi.openapi_rig import Route, routes

MARK: Final = f"mark{uuid4().hex[:12]}"
OF_EVERYBODY: Final = {"get_health", "get_schema", "get_ingest_config", "get_me", "list_login_sessions", "get_object"}
"""About no project, or known by a credential of its own."""

COUNTS_ALONE: Final = {"get_metrics", "get_import", "get_rejections", "get_job", "list_jobs", "plan_export"}
"""What these say of a project is numbers, ids and times, so that they show no mark to those who may ask either."""

READING: Final = [route for route in routes() if route.method == "GET" and str(route.handler.operation_id) not in OF_EVERYBODY]


class Marked:
    """Two projects of one server. Every text of the second has the mark in it; `values` are its ids, as paths have them."""

    def __init__(self, server: Running) -> None:
        self.root = httpx.Client(base_url=server.url, trust_env=False, timeout=30, headers={"Authorization": "Bearer sv_dev"})
        other = self.made("/api/v1/projects", {"name": f"Project {MARK}"})
        self.path = f"/api/v1/projects/{other['id']}"
        self.marks = [MARK, other["project_token"]]
        mine = self.made("/api/v1/api_tokens", {"name": "mine", "project_id": "dev", "scopes": ["admin"]})["token"]
        self.mine = httpx.Client(base_url=server.url, trust_env=False, timeout=30, headers={"Authorization": f"Bearer {mine}"})
        self.made("/api/v1/api_tokens", {"name": MARK, "project_id": other["id"], "scopes": ["read"]})
        email = f"{MARK}@example.com"
        user = self.made("/api/v1/users", {"email": email, "password": f"password {MARK}"})
        self.made(f"{self.path}/members", {"email": email, "role": "admin"})
        with Api(server, other["id"], "sv_dev", other["project_token"]) as api:
            now = int(time.time() * 1000)
            told = {
                "$current_url": f"https://{MARK}.example/{MARK}",
                "$country": "DE",
                "plan": MARK,
                MARK: MARK,
                "$set": {"name": MARK},
            }
            api.send(event(MARK, MARK, now - 1000, userId=f"user {MARK}", sessionId=MARK, groups=[MARK], properties=told))
            refused = body_of([event("", MARK), event(f"fine {MARK}", "gone", now)], other["project_token"])
            assert api.http.post(INGEST, json=refused).status_code == 202
            upload(api, b"[]", MARK, projectToken=other["project_token"])
            event_id = api.listed()[-1]["id"]
        smart = self.made(f"{self.path}/action_definitions", {"name": MARK, "rules": [{"event": MARK}]})
        query = {"events": [{"name": MARK}]}
        insight = self.made(f"{self.path}/insights", {"name": MARK, "kind": "trends", "query": query})
        board = self.made(f"{self.path}/dashboards", {"name": MARK, "tiles": [{"insight_id": insight["id"]}]})
        self.root.patch(f"{self.path}/event_definitions/{MARK}", json={"description": MARK}).raise_for_status()
        job = self.root.post(f"{self.path}/persons/gone/erase").raise_for_status().json()
        self.values = {
            "project_id": other["id"], "event_id": event_id, "distinct_id": f"user {MARK}", "session_id": MARK, "name": MARK,
            "action_id": smart["id"], "insight_id": insight["id"], "dashboard_id": board["id"], "user_id": user["id"], "job_id": job["id"],
            "import_id": "0f343b0931126a20f133d67c2b018a3b",
        }  # fmt: skip

    def made(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self.root.post(path, json=body)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def close(self) -> None:
        self.root.close()
        self.mine.close()


@pytest.fixture(scope="module")
def marked() -> Iterator[Marked]:
    with running("dev") as server:
        made = Marked(server)
        yield made
        made.close()


@pytest.mark.parametrize("route", READING, ids=lambda route: str(route.handler.operation_id))
def test_a_route_shows_nothing_of_another_project_whatever_ids_it_is_given(marked: Marked, route: Route) -> None:
    name = str(route.handler.operation_id)
    theirs = route.path.format(**marked.values)
    shown = marked.root.get(theirs)
    assert any(mark in shown.text for mark in marked.marks) == (name not in COUNTS_ALONE), (shown.status_code, shown.text[:200])
    for path in {theirs, route.path.format(**(marked.values | {"project_id": "dev"}))}:
        answer = marked.mine.get(path)
        # An answer that names what was asked for names it as the path did.
        told = answer.text.replace(marked.values["distinct_id"], "").replace(f'\\"{MARK}\\"', "")
        assert not [mark for mark in marked.marks if mark in told], (path, answer.status_code, answer.text[:300])
        if path == theirs and "{project_id}" in route.path:
            assert answer.status_code == 403
