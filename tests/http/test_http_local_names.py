"""`sv dev` has credentials that everybody knows: a page of somebody's site whose name leads to this machine doesn't get in by them."""

import httpx
import pytest
from http_rig import INGEST, Api, body_of, event, running

LOGIN = "/api/v1/auth/login"
LOCAL = [
    "localhost:8000",
    "LOCALHOST",
    "app.localhost:5173",
    "127.0.0.1",
    "[::1]:8000",
    "runner",
    "host.docker.internal:8000",
    "shop.test",
]
FOREIGN = [
    "evil.example",
    "evil.example:8000",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "localhost.evil",
    "test.evil.",
    "1.2.3.4.5",
]


def asked(full: Api, host: str, path: str) -> httpx.Response:
    return full.http.get(path, headers={"Host": host})


@pytest.mark.parametrize("host", LOCAL)
def test_a_name_that_no_site_can_have_is_answered(full: Api, host: str) -> None:
    assert asked(full, host, full.path("events")).status_code == 200


@pytest.mark.parametrize("host", FOREIGN)
def test_any_other_is_not(full: Api, host: str) -> None:
    for path in (full.path("events"), "/metrics", "/schema", "/api/v1/users"):
        answer = asked(full, host, path)
        assert (answer.status_code, answer.json()["code"]) == (403, "NOT_AUTHORIZED")
        assert f"got {host!r} (Host)" in answer.json()["error"]
        assert "--public-url" in answer.json()["error"]
    login = full.http.post(LOGIN, json={"email": "dev@localhost", "password": "dev"}, headers={"Host": host})
    assert login.status_code == 403 and "set-cookie" not in login.headers


def test_what_needs_no_known_credential_is_answered_under_any_name(api: Api) -> None:
    evil = {"Host": "evil.example"}
    assert api.http.get("/healthz", headers=evil).status_code == 200
    assert api.http.post(INGEST, json=body_of([event()]), headers=evil).status_code == 202


def test_a_proxy_s_word_for_the_name_is_looked_at() -> None:
    """A proxy that doesn't hand on the name that was asked for says it in a header."""
    with running("dev", "--trusted-proxies", "127.0.0.1") as server, Api(server) as api:
        forwarded = {"X-Forwarded-Host": "evil.example"}
        assert api.http.get(api.path("events"), headers=forwarded).status_code == 403
