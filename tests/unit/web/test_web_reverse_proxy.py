"""The base path is taken off whole segments alone, and of what callers say of themselves only trusted proxies' word counts."""

import asyncio
from typing import Any

import pytest

from sv.web.origin import origin_of
from sv.web.reverse_proxy import behind_proxies

PROXY, OTHER_PROXY, VISITOR = "10.0.0.1", "10.0.0.2", "203.0.113.7"
TRUSTED = ("10.0.0.0/8", "fd00::/8")


def seen(scope: dict[str, Any], base_path: str = "", trusted: tuple[str, ...] = TRUSTED) -> dict[str, Any]:
    """What the application gets to see of a request."""
    found: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        found.append(scope)

    async def nothing(*_: Any) -> Any:
        raise AssertionError("nothing is read or sent")

    given = {
        "type": "http",
        "scheme": "http",
        "headers": [],
        "client": (VISITOR, 1),
        "server": ("127.0.0.1", 8000),
        "path": "/",
        "raw_path": b"/",
    }
    asyncio.run(behind_proxies(app, base_path, trusted)(given | scope, nothing, nothing))
    (scope,) = found
    return scope


@pytest.mark.parametrize(
    ("raw", "path", "raw_within", "path_within"),
    [
        (b"/stats/api/v1", "/stats/api/v1", b"/api/v1", "/api/v1"),
        (b"/stats/", "/stats/", b"/", "/"),
        (b"/stats", "/stats", b"/", "/"),
        (b"/statsx/a", "/statsx/a", b"/statsx/a", "/statsx/a"),
        (b"/api/v1", "/api/v1", b"/api/v1", "/api/v1"),
        (b"/stats/stats/a", "/stats/stats/a", b"/stats/a", "/stats/a"),
        (b"/stats/p%2Fq/%C3%A9", "/stats/p/q/é", b"/p%2Fq/%C3%A9", "/p/q/é"),
        (b"/%73tats/a", "/stats/a", b"/%73tats/a", "/stats/a"),  # nobody writes it so, and it is then no route
    ],
)
def test_the_base_path_is_taken_off_once_and_only_as_whole_segments(
    raw: bytes, path: str, raw_within: bytes, path_within: str
) -> None:
    scope = seen({"raw_path": raw, "path": path}, "/stats")
    assert (scope["raw_path"], scope["path"]) == (raw_within, path_within)


def forwarded(*values: str) -> list[tuple[bytes, bytes]]:
    return [(b"x-forwarded-for", value.encode()) for value in values]


@pytest.mark.parametrize(
    ("peer", "said", "expected"),
    [
        (PROXY, [VISITOR], VISITOR),
        (PROXY, [f"198.51.100.1, {VISITOR}"], VISITOR),  # what stands before it the visitor wrote
        (PROXY, [f"{VISITOR}, {OTHER_PROXY}"], VISITOR),
        (PROXY, [f"198.51.100.1,{VISITOR} ,{OTHER_PROXY}"], VISITOR),
        (PROXY, ["198.51.100.1", VISITOR], VISITOR),  # two headers are one list
        (PROXY, [f"{OTHER_PROXY}, 10.9.9.9"], OTHER_PROXY),  # a caller within
        (PROXY, [f"{VISITOR}:4711"], VISITOR),
        (PROXY, ["[2001:db8::7]:4711"], "2001:db8::7"),
        (PROXY, ["2001:db8::7, fd00::1"], "2001:db8::7"),
        (PROXY, ["<script>"], PROXY),
        (PROXY, [f"{VISITOR}, unknown"], PROXY),
        (PROXY, [f"unknown, {OTHER_PROXY}"], OTHER_PROXY),
        (PROXY, ["999.1.1.1"], PROXY),
        (PROXY, [""], PROXY),
        ("::ffff:10.0.0.1", [VISITOR], VISITOR),
        (VISITOR, ["198.51.100.1"], VISITOR),
        (VISITOR, [PROXY], VISITOR),
    ],
)
def test_the_caller_is_the_last_address_that_is_no_trusted_proxy_s(peer: str, said: list[str], expected: str) -> None:
    assert seen({"client": (peer, 1), "headers": forwarded(*said)})["client"][0] == expected


HEADERS = [(b"host", b"127.0.0.1:8000"), (b"x-forwarded-proto", b"https"), (b"x-forwarded-host", b"evil.example, a.example")]


def test_a_trusted_proxy_says_scheme_and_host_and_the_nearest_one_is_heard() -> None:
    scope = seen({"client": (PROXY, 1), "headers": HEADERS})
    assert origin_of(scope, None, "/stats") == "https://a.example/stats"
    assert [value for name, value in scope["headers"] if name == b"host"] == [b"a.example"]


@pytest.mark.parametrize("trusted", [TRUSTED, ()])
def test_anybody_else_says_nothing(trusted: tuple[str, ...]) -> None:
    scope = seen({"client": (VISITOR, 1), "headers": HEADERS}, trusted=trusted)
    assert origin_of(scope, None, "") == "http://127.0.0.1:8000"


@pytest.mark.parametrize(
    "header", [(b"x-forwarded-proto", b"https, http"), (b"x-forwarded-proto", b"javascript"), (b"x-forwarded-host", b"a b")]
)
def test_what_is_no_scheme_and_no_host_is_not_heard(header: tuple[bytes, bytes]) -> None:
    scope = seen({"client": (PROXY, 1), "headers": [(b"host", b"a.example"), header]})
    assert origin_of(scope, None, "") == "http://a.example"
