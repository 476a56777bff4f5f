"""Behind nginx and Caddy, as the documentation shows their configuration: over TLS, below a path of a host that others share."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from proxy_rig import Proxied, behind_caddy, behind_nginx

LOGIN = {"email": "dev@localhost", "password": "dev"}
VISITOR = "127.0.0.2"
LIES = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http"}
TOKEN = {"Authorization": "Bearer sv_dev"}


@pytest.fixture(scope="module", params=[behind_nginx, behind_caddy], ids=["nginx", "caddy"])
def proxied(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    with request.param(tmp_path_factory.mktemp("proxy")) as found:
        yield found


@contextmanager
def asking(proxied: Proxied, **headers: str) -> Iterator[httpx.Client]:
    """A visitor, whose address isn't the proxy's."""
    transport = httpx.HTTPTransport(verify=False, local_address=VISITOR)
    with httpx.Client(base_url=proxied.url, transport=transport, headers=headers, timeout=30) as client:
        yield client


def test_an_event_that_came_in_through_the_proxy_is_read_through_it(proxied: Proxied) -> None:
    with asking(proxied, **TOKEN) as client:
        body = {"projectToken": "sv_pub_dev", "events": [{"event": "bought", "userId": "ann"}]}
        assert client.post("/api/v1/ingest/events", json=body).json()["accepted"] == 1
        (kept,) = client.get("/api/v1/projects/dev/events", params={"event": "bought"}).json()["data"]
        assert kept["distinct_id"] == "ann"
        assert client.get("/healthz").json() == {"status": "ok"}


def test_the_login_is_a_secure_cookie_of_that_path_and_of_the_address_that_the_proxy_saw(proxied: Proxied) -> None:
    with asking(proxied, **LIES) as client:
        answer = client.post("/api/v1/auth/login", json=LOGIN, headers={"Origin": proxied.url.removesuffix("/stats")})
        assert answer.status_code == 200, answer.text
        cookie = answer.headers["set-cookie"].split("; ")
        assert {"Path=/stats", "HttpOnly", "Secure"} <= set(cookie)
        (mine,) = client.get("/api/v1/auth/sessions").json()["data"]
        assert mine["address"] == VISITOR, "a visitor's own X-Forwarded-For is no address"
        refused = client.post("/api/v1/auth/logout", headers={"Origin": "https://evil.example"})
        assert refused.status_code == 403


def test_a_chunk_is_put_and_got_by_urls_that_lead_through_the_proxy(proxied: Proxied) -> None:
    with asking(proxied) as client:
        asked = {"projectToken": "sv_pub_dev", "sessionId": "s-1", "chunkIndex": 0, "sizeBytes": 2}
        place: dict[str, Any] = client.post("/api/v1/ingest/recordings", json=asked).json()
        assert place["uploadUrl"].startswith(f"{proxied.url}/api/v1/objects/")
        assert client.put(place["uploadUrl"], content=b"[]", headers=place["headers"]).status_code == 200
        (chunk,) = client.get("/api/v1/projects/dev/sessions/s-1/recording", headers=TOKEN).json()["chunks"]
        assert chunk["url"].startswith(f"{proxied.url}/api/v1/objects/")
        assert client.get(chunk["url"]).content == b"[]"


def test_the_page_the_client_and_the_document_say_where_they_are(proxied: Proxied) -> None:
    with asking(proxied) as client:
        assert client.get("/schema").json()["servers"][0]["url"] == "/stats"
        script = client.get("/sv.js")
        assert script.status_code == 404 or "__SV_BASE__" not in script.text
