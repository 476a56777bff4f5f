"""Who manages one project sees and touches nothing of another, and nobody hands out more than they hold. What is done is written down."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pytest
from bad_input import error_of
from http_rig import Api

PASSWORD = "correct horse battery"
PROJECTS = "/api/v1/projects"
TOKENS = "/api/v1/api_tokens"
USERS = "/api/v1/users"


def made(api: Api, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = api.http.post(path, json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


class Place:
    """A project whose every text has a mark in it: its name, a token, a member, its trail; and who administers it alone."""

    def __init__(self, root: Api) -> None:
        self.mark = f"mark{uuid4().hex}"
        project = made(root, PROJECTS, {"name": f"Project {self.mark}"})
        self.id: str = project["id"]
        self.marks = [self.mark, self.id, project["project_token"]]
        self.path = f"{PROJECTS}/{self.id}"
        self.token_id: str = made(root, TOKENS, {"name": self.mark, "project_id": self.id, "scopes": ["read"]})["id"]
        email = f"{self.mark}@example.com"
        self.user_id: str = made(root, USERS, {"email": email, "password": PASSWORD})["id"]
        made(root, f"{self.path}/members", {"email": email, "role": "admin"})
        secret = made(root, TOKENS, {"name": f"admin {self.mark}", "project_id": self.id, "scopes": ["admin"]})["token"]
        self.admin = httpx.Client(
            base_url=root.server.url, trust_env=False, timeout=30, headers={"Authorization": f"Bearer {secret}"}
        )
        self.browser = httpx.Client(base_url=root.server.url, trust_env=False, timeout=30, headers={"Origin": root.server.url})
        assert self.browser.post("/api/v1/auth/login", json={"email": email, "password": PASSWORD}).status_code == 200


@pytest.fixture
def places(api: Api) -> Iterator[tuple[Place, Place]]:
    two = Place(api), Place(api)
    yield two
    for place in two:
        place.admin.close()
        place.browser.close()


def test_no_answer_to_one_project_has_anything_of_the_other(places: tuple[Place, Place]) -> None:
    mine, other = places
    for client in (mine.admin, mine.browser):
        asked = [
            client.get(PROJECTS),
            client.get(TOKENS),
            client.get(mine.path),
            client.get(f"{mine.path}/members"),
            client.get(f"{mine.path}/audit"),
            client.get("/api/v1/auth/me"),
            client.get(USERS),
            client.get(f"{USERS}/{other.user_id}"),
            client.get("/api/v1/audit"),
            client.delete(f"{TOKENS}/{other.token_id}"),
            client.patch(f"{mine.path}/members/{other.user_id}", json={"role": "viewer"}),
        ]
        assert any(mine.mark in answer.text for answer in asked)
        for answer in asked:
            for mark in other.marks:
                assert mark not in answer.text, answer.request.url
        assert [each["id"] for each in asked[0].json()["data"]] == [mine.id]
        assert {each["project_id"] for each in asked[1].json()["data"]} == {mine.id}


def test_another_projects_things_can_not_be_touched(api: Api, places: tuple[Place, Place]) -> None:
    mine, other = places
    for client in (mine.admin, mine.browser):
        for method, rest, body in (
            ("PATCH", "", {"name": "Mine"}),
            ("POST", "/rotate_token", {}),
            ("GET", "/members", None),
            ("POST", "/members", {"email": "dev@localhost", "role": "viewer"}),
            ("DELETE", f"/members/{other.user_id}", None),
            ("GET", "/audit", None),
        ):
            error_of(client.request(method, other.path + rest, json=body), 403)
        error_of(client.delete(f"{TOKENS}/{other.token_id}"), 404)
        error_of(client.post(TOKENS, json={"name": "t", "project_id": other.id, "scopes": ["read"]}), 403)
    (kept,) = [each for each in api.http.get(TOKENS, params={"limit": 1000}).json()["data"] if each["id"] == other.token_id]
    assert kept["revoked_at"] is None


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (TOKENS, {"name": "mine", "scopes": ["admin"]}),
        (f"{PROJECTS}/dev/imports/{'0b' * 16}/chunks/1", {"batches": [{"events": [{"event": "view", "userId": "ann"}]}]}),
    ],
)
def test_a_token_that_is_revoked_while_its_body_arrives_does_nothing_more(api: Api, path: str, body: dict[str, Any]) -> None:
    token = made(api, TOKENS, {"name": "held", "scopes": ["admin", "write"]})

    def slowly() -> Iterator[bytes]:
        content = msgspec.json.encode(body)
        yield content[:-1]
        asked = (each for _ in range(10_000) for each in api.http.get(TOKENS).json()["data"] if each["id"] == token["id"])
        assert next(each for each in asked if each["last_used_at"] is not None)  # the guard has let the head in
        assert api.http.delete(f"{TOKENS}/{token['id']}").status_code == 204
        yield content[-1:]

    headers = {"Authorization": f"Bearer {token['token']}", "Content-Type": "application/json"}
    error_of(api.http.post(path, content=slowly(), headers=headers), 401)
    assert "mine" not in [each["name"] for each in api.http.get(TOKENS).json()["data"]]
    assert api.listed() == []


def test_nobody_hands_out_more_than_they_hold(places: tuple[Place, Place]) -> None:
    mine, _ = places
    for client in (mine.admin, mine.browser):
        error_of(client.post(TOKENS, json={"name": "t", "scopes": ["read"]}), 403)  # for all projects
        error_of(client.post(PROJECTS, json={"name": "p"}), 403)
        error_of(client.delete(mine.path), 403)
        error_of(client.post(USERS, json={"email": "x@example.com", "is_instance_admin": True}), 403)
        error_of(client.patch(f"{USERS}/{mine.user_id}", json={"is_instance_admin": True}), 403)
        body = {"name": "w", "project_id": mine.id, "scopes": ["write"]}
        writer = {"Authorization": f"Bearer {client.post(TOKENS, json=body).json()['token']}"}
        error_of(client.post(TOKENS, json=body, headers=writer), 403)
        error_of(client.get(TOKENS, headers=writer), 403)


def test_what_is_changed_is_in_the_trail_with_who_did_it_and_no_secret(api: Api, places: tuple[Place, Place]) -> None:
    mine, _ = places
    api.http.patch(mine.path, json={"timezone": "Asia/Tokyo"})
    mine.browser.patch(mine.path, json={"settings": {"event_retention_days": 30}})
    made_token = mine.browser.post(TOKENS, json={"name": "t", "project_id": mine.id, "scopes": ["read"]}).json()
    mine.admin.delete(f"{TOKENS}/{made_token['id']}")
    refused = mine.browser.patch(mine.path, json={"name": "Never", "settings": {"identity": "both"}})
    assert refused.status_code == 422
    mine.browser.patch(mine.path, json={"timezone": "Asia/Tokyo"})  # as it is
    page = mine.admin.get(f"{mine.path}/audit", params={"limit": 4})
    told = [(each["actor"]["kind"], each["action"], each["before"], each["after"]) for each in page.json()["data"]]
    shown = {"prefix": made_token["prefix"], "scopes": ["read"], "expires_at": None}
    assert told == [
        ("api_token", "api_token.revoke", shown, None),
        ("user", "api_token.create", None, shown),
        ("user", "project.update", {"event_retention_days": None}, {"event_retention_days": 30}),
        ("api_token", "project.update", {"timezone": "UTC"}, {"timezone": "Asia/Tokyo"}),
    ]
    assert made_token["token"] not in page.text
    assert "Never" not in page.text


def test_paging_through_the_trail_shows_every_entry_once(api: Api, places: tuple[Place, Place]) -> None:
    mine, _ = places
    for number in range(5):
        api.http.patch(mine.path, json={"name": f"Name {number}"})
    whole = mine.admin.get(f"{mine.path}/audit").json()["data"]
    paged: list[Any] = []
    parameters: dict[str, Any] = {"limit": 2}
    while True:
        page = mine.admin.get(f"{mine.path}/audit", params=parameters).json()
        paged += page["data"]
        if not page["meta"]["has_more"]:
            break
        parameters["cursor"] = page["meta"]["next_cursor"]
        api.http.patch(mine.path, json={"name": f"Later {len(paged)}"})  # what comes meanwhile is no part of it
    assert paged == whole
    assert [each["after"] for each in whole[:2]] == [{"name": "Name 4"}, {"name": "Name 3"}]


def test_every_answer_is_kept_from_frames_caches_and_guesses_at_its_type(api: Api) -> None:
    for answer in (
        api.http.get(PROJECTS),
        api.http.get("/healthz"),
        api.http.get("/nothing"),
        api.http.get(USERS, headers={"Authorization": "Bearer sv_nobody"}),
        api.http.post("/api/v1/ingest/events", content=b"{"),
    ):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
