"""What `sv dev` answers by which name; over HTTP it is tests/http/test_http_local_names.py."""

import asyncio
from typing import Any

import pytest

from sv.model.errors import NotAuthorized
from sv.web.local_names import ByLocalNames

PUBLIC = "https://Events.example:8443/stats"


def is_answered(host: bytes | None, public_url: str | None = PUBLIC) -> bool:
    asked: list[Any] = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        asked.append(scope)

    async def unused(*_: Any) -> Any:
        raise AssertionError("the guard neither reads nor answers")

    headers = [] if host is None else [(b"host", host)]
    try:
        asyncio.run(ByLocalNames(app, public_url)({"type": "http", "headers": headers}, unused, unused))
    except NotAuthorized:
        return False
    return len(asked) == 1


@pytest.mark.parametrize(
    "host", [b"events.example", b"EVENTS.example:8443", b"events.example:1", b"localhost", b"[::1]", b"a b", b"", None]
)
def test_the_name_of_the_public_url_and_local_ones_are_answered(host: bytes | None) -> None:
    assert is_answered(host)


@pytest.mark.parametrize(
    "host",
    [
        b"other.example",
        b"events.example.evil.example",
        b"an.events.example",
        b"a!b.evil.example",
        b"a~b.evil.example:8000",
        b"evil.example:123456",
        b"[::1].evil.example",
        b"\xe4.example",
    ],
)
def test_others_are_not(host: bytes) -> None:
    assert not is_answered(host)


def test_without_a_public_url_no_name_with_a_dot_is() -> None:
    assert not is_answered(b"events.example", None)
