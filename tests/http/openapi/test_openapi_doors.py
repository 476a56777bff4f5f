"""What is answered beside the framework, whose guard doesn't see it: every path is stated, with what it asks for, and each answer of whatever
part of the server has the headers that keep a browser from guessing, framing and keeping."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from http_rig import INGEST, Api, body_of, event
from hypothesis import given, settings
from hypothesis import strategies as st

from sv.model.errors import NotAuthenticated, Unavailable
from sv.settings import Settings
from sv.web.doors import open_doors
from sv.web.front import Door, Front
from sv.web.permissions import permission_of
from sv.web.ui_door import UiDoor
from tests.http.openapi.openapi_rig import routes
from tests.http.status_codes import STATUS_CODES

OPENINGS = {
    "/api/v1/ingest/events": "project token",
    "/api/v1/ingest/events/": "project token",
    "/healthz": "none",
    "/api/v1/ingest/recordings": "project token",
    "/api/v1/ingest/recordings/": "project token",
    "/api/v1/objects/*": "signed URL",
    "/sv.d.ts": "none",
    "/sv.js": "none",
    "/recorder.js": "none",
    "/api/v1/ingest/config": "project token",
    "/api/v1/ingest/config/": "project token",
    "/replay-frame": "none",
    "/*": "none",
}
"""Who adds one has thought about who may come in by it."""

SAFETY = {"x-content-type-options": "nosniff", "referrer-policy": "no-referrer"}
KEPT = {"/sv.js", "/sv.d.ts", "/", "/replay-frame"}
"""What a browser may keep, being the same for all."""

AFAR = {"X-Forwarded-For": "203.0.113.7", "Authorization": ""}


def doors() -> tuple[Door, ...]:
    """As the server has them, with nothing behind them."""
    nothing: Any = SimpleNamespace(recordings=None, own=None, signer=None, elsewhere=None)
    return open_doors(Settings(data=Path("nowhere")), nothing, lambda _: None, lambda _: None, lambda: 0)


async def never(*_: Any) -> Any:
    raise AssertionError("nobody should have asked")


def front(*those: Door, app: Callable[..., Awaitable[None]] = never, load_app: Any = None, health: Any = None) -> Front:
    nothing: Any = None
    return Front(
        capture=nothing,
        load_app=load_app or (lambda: app),
        health=health or (lambda: None),
        country_of=nothing,
        on_startup=never,
        on_shutdown=never,
        doors=those,
    )


def ask(application: Front, path: str, method: str = "GET", **options: Any) -> httpx.Response:
    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(application)
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            return await client.request(method, path, **options)

    return asyncio.run(asked())


def check_safety(answer: httpx.Response) -> None:
    for name, value in SAFETY.items():
        assert answer.headers[name] == value, (answer.request.url, name)
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'") and ("frame-ancestors" in policy or "sandbox" in policy)
    assert not answer.headers.keys() & {"server", "x-powered-by", "strict-transport-security"}
    if answer.status_code >= 400:
        assert answer.headers["cache-control"] == "no-store"


# ---- Who comes in ----


def test_every_path_beside_the_framework_is_one_of_these_and_says_why_it_may_be() -> None:
    stated = front(*doors()).openings
    assert {opening.path: opening.credential for opening in stated} == OPENINGS
    assert all(len(opening.why) > 20 for opening in stated)


def test_a_door_takes_all_that_it_states() -> None:
    for door in doors():
        for opening in door.openings:
            assert door.takes(opening.path.replace("*", "x")), opening


SEGMENTS = ["", "api", "v1", "v2", "ingest", "events", "config", "recordings", "objects", "projects", "dev", "sv.js", "recorder.js", "sv.d.ts",
            "replay-frame", "schema", "metrics", "healthz", "assets", "auth", "login", "..", "%2e%2e", "x"]  # fmt: skip


@given(st.lists(st.sampled_from(SEGMENTS), max_size=6).map("/".join), st.sampled_from(["/", ""]))
@settings(max_examples=1000, deadline=None)
def test_a_door_takes_nothing_that_it_does_not_state(rest: str, start: str) -> None:
    path = start + rest
    for door in doors():
        if door.takes(path):
            assert any(opening.covers(path) for opening in door.openings), (type(door), path)


@given(st.lists(st.sampled_from(SEGMENTS), max_size=6).map("/".join))
@settings(max_examples=300, deadline=None)
def test_the_web_app_takes_nothing_of_the_apis(rest: str) -> None:
    (app,) = [door for door in doors() if isinstance(door, UiDoor)]
    assert not any(app.takes(f"/{first}{rest and '/'}{rest}") for first in ("api", "schema", "metrics", "healthz"))


def test_what_asks_for_credentials_in_the_framework_is_taken_by_no_door() -> None:
    for route in routes():
        path = route.path.replace("{", "").replace("}", "")
        permission = permission_of(route.handler)
        takers = [opening for opening in front(*doors()).openings if opening.path != "/*" and opening.covers(path)]
        if takers:
            assert {opening.credential for opening in takers} == {permission.credential}, path
        else:
            assert permission.is_asked or path in ("/schema", "/api/v1/auth/login"), path


# ---- What every answer has ----


def answers(api: Api) -> list[tuple[int, httpx.Response]]:
    """(the status that is expected, the answer), of each part of the server in each way."""
    http, json = api.http, {"Content-Type": "application/json"}
    html = {"Accept": "text/html"}
    page = http.get("/", headers=html)
    script = http.get("/sv.js")
    asked: list[tuple[int, str, str, dict[str, Any]]] = [
        (200, "GET", api.path("events"), {}),
        (200, "GET", "/schema", {}),
        (200, "GET", "/metrics", {}),
        (200, "GET", "/healthz", {}),
        (200, "HEAD", "/healthz", {}),
        (200, "GET", "/replay-frame", {}),
        (page.status_code, "GET", "/funnels", {"headers": html}),
        (script.status_code, "GET", "/sv.js", {}),
        (200, "GET", "/api/v1/ingest/config?token=sv_pub_dev", {}),
        (202, "POST", INGEST, {"json": body_of([event()])}),
        (204, "OPTIONS", INGEST, {}),
        (204, "OPTIONS", api.path("events"), {}),
        (204, "OPTIONS", "/api/v1/objects/x", {}),
        (201, "POST", api.path("insights"), {"json": SAVED}),
        (400, "GET", api.path("events?colour=red"), {}),
        (400, "POST", INGEST, {"content": b"{", "headers": json}),
        (401, "GET", api.path("events"), {"headers": AFAR}),
        (401, "GET", "/metrics", {"headers": AFAR}),
        (401, "POST", INGEST, {"json": body_of([event()], "sv_pub_nobody")}),
        (401, "GET", "/api/v1/ingest/config?token=x", {}),
        (403, "GET", "/api/v1/objects/x", {}),
        (404, "GET", "/nothing", {}),
        (404, "GET", "/api/v1/nothing", {}),
        (404, "GET", "/assets/nothing.js", {}),
        (404, "GET", "/api/v1/projects/nowhere/events", {}),
        (405, "DELETE", api.path("events"), {}),
        (405, "GET", INGEST, {}),
        (405, "POST", "/healthz", {}),
        (405, "POST", "/sv.js", {}),
        (405, "POST", "/", {}),
        (405, "POST", "/replay-frame", {}),
        (405, "POST", "/api/v1/objects/x", {}),
        (413, "POST", api.path("insights/trends"), {"content": b" " * 1_100_000, "headers": json}),
        (413, "POST", INGEST, {"content": b" " * 10_500_000, "headers": json}),
        (415, "POST", INGEST, {"content": b"{}", "headers": {"Content-Type": "application/xml"}}),
        (422, "POST", api.path("insights/trends"), {"json": {"events": []}}),
        (422, "POST", INGEST, {"json": body_of([{}])}),
    ]
    found = [(status, http.request(method, path, **options)) for status, method, path, options in asked]
    kept = [known for known in (page, script) if "etag" in known.headers]
    found += [(304, http.get(known.url, headers=html | {"If-None-Match": known.headers["etag"]})) for known in kept]
    return found


SAVED = {"name": "a", "kind": "trends", "query": {"events": [{"name": "view"}]}}


def test_answers_of_every_status_and_of_every_part_have_the_headers(api: Api) -> None:
    found = answers(api)
    assert [answer.status_code for _, answer in found] == [status for status, _ in found]
    for _, answer in found:
        check_safety(answer)
        if answer.status_code < 300 and answer.request.url.path not in KEPT:
            assert answer.headers["cache-control"] in ("no-store", "public, max-age=300", "no-cache")
        elif answer.status_code == 200:
            assert answer.headers["cache-control"] == "no-cache" or answer.headers["cache-control"].startswith("public, max-age=")


def test_what_is_no_request_at_all_is_answered_with_them(full: Api) -> None:
    host, _, port = full.server.url.rpartition("/")[2].rpartition(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(b"nonsense\r\n\r\n")
        head = b"".join(iter(lambda: connection.recv(65536), b"")).partition(b"\r\n\r\n")[0].decode().lower()
    names = dict(line.split(": ", 1) for line in head.split("\r\n")[1:])
    assert {name: names[name] for name in SAFETY} == SAFETY
    assert "frame-ancestors 'none'" in names["content-security-policy"]


class FallingDoor:
    """A door with a fault. after: it has begun to answer."""

    openings = ()

    def takes(self, path: str) -> bool:
        return path.startswith("/fall")

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/fall/late":
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"9")]})
        raise OSError("the disk's own words, which are nobody's business")


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_a_door_that_falls_is_a_500_like_any_other(method: str, caplog: pytest.LogCaptureFixture) -> None:
    answer = ask(front(FallingDoor()), "/fall", method)
    check_safety(answer)
    assert answer.status_code == 500
    if method != "HEAD":
        assert answer.json()["code"] == "INTERNAL_ERROR"
        assert "disk" not in answer.text
    assert "fault of ours" in caplog.text


def test_a_door_that_falls_in_the_middle_of_an_answer_ends_the_connection() -> None:
    with pytest.raises(OSError, match="own words"):
        ask(front(FallingDoor()), "/fall/late")


@pytest.mark.parametrize(("fault", "status"), [(Unavailable("no disk"), 503), (MemoryError(), 500), (NotAuthenticated("x"), 401)])
def test_a_framework_that_can_not_be_loaded_or_falls_is_answered_with_them(fault: Exception, status: int) -> None:
    def load() -> Any:
        raise fault

    async def fall(*_: Any) -> None:
        raise fault

    for application in (front(load_app=load), front(app=fall)):
        answer = ask(application, "/metrics")
        check_safety(answer)
        assert (answer.status_code, answer.json()["code"]) == (status, STATUS_CODES[status])
        assert ("retry-after" in answer.headers) == (status == 503)


def test_a_server_that_takes_no_writes_says_so_with_them() -> None:
    answer = ask(front(health=lambda: "can't write the log"), "/healthz")
    check_safety(answer)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
