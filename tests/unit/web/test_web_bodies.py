"""Bodies that don't come: what waits for them ends."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from sv.model.errors import InvalidParameter
from sv.web import requests, routes_imports


class Slow:
    """A request that begins and goes on for ever."""

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}

    async def stream(self) -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0.01)

    async def body(self) -> bytes:
        return b"".join([part async for part in self.stream()])


def test_a_body_of_json_has_its_time() -> None:
    request: Any = Slow()
    with pytest.raises(InvalidParameter, match=r"longer than 0\.05 seconds"):
        asyncio.run(asyncio.wait_for(requests.body_of(request, 0.05), 10))


def test_an_upload_that_others_wait_for_has_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes_imports, "MAX_UPLOAD_SECONDS", 0.05)
    request: Any = Slow()
    with pytest.raises(InvalidParameter, match=r"longer than 0\.05 seconds"):
        asyncio.run(asyncio.wait_for(routes_imports._body_of(request, lambda _: None), 10))  # pyright: ignore[reportPrivateUsage]
