"""Bodies that don't come: what waits for them ends, and what has arrived of large ones has a bound together."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

from sv.model.connection_limits import FREE_BODY_BYTES
from sv.model.errors import InvalidParameter, Unavailable
from sv.web import requests, routes_imports
from sv.web.bodies import Bodies

HALF = 1 << 16


class Slow:
    """A request that begins and goes on for ever."""

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self.path_params: dict[str, str] = {}
        self.scope: dict[str, Any] = {"state": {}}
        self.app = SimpleNamespace(state=SimpleNamespace(services=SimpleNamespace(bodies=Bodies())))

    async def stream(self) -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0.01)


def test_a_body_of_json_has_its_time() -> None:
    request: Any = Slow()
    with pytest.raises(InvalidParameter, match=r"longer than 0\.05 seconds"):
        asyncio.run(asyncio.wait_for(requests.body_of(request, 0.05), 10))


def test_an_upload_that_others_wait_for_has_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes_imports, "MAX_UPLOAD_SECONDS", 0.05)
    request: Any = Slow()
    with pytest.raises(InvalidParameter, match=r"longer than 0\.05 seconds"):
        asyncio.run(asyncio.wait_for(routes_imports._body_of(request, lambda _: None), 10))  # pyright: ignore[reportPrivateUsage]


async def begun(bodies: Bodies, project_id: str, size: int, end: asyncio.Event) -> "asyncio.Task[bytes]":
    """A body of that size, all of which has arrived but its end."""

    async def pieces() -> AsyncIterator[bytes]:
        yield b"x" * size
        arrived.set()
        await end.wait()
        yield b""

    arrived = asyncio.Event()
    task = asyncio.create_task(bodies.read(project_id, pieces()))
    waiting = asyncio.create_task(arrived.wait())
    await asyncio.wait((task, waiting), return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    return task


def test_large_bodies_have_so_much_room_together_and_small_ones_always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sv.web.bodies.MAX_LARGE_BODY_BYTES", 2 * HALF)

    async def case() -> None:
        bodies, end = Bodies(), asyncio.Event()
        free = FREE_BODY_BYTES
        first = await begun(bodies, "a", HALF + free, end)
        with pytest.raises(Unavailable):
            await (await begun(bodies, "a", free + 1, end))
        small = await begun(bodies, "a", free, end)
        second = await begun(bodies, "b", HALF + free, end)
        with pytest.raises(Unavailable):
            await (await begun(bodies, "", free + 1, end))
        end.set()
        assert [len(await each) for each in (first, small, second)] == [HALF + free, free, HALF + free]
        assert len(await (await begun(bodies, "a", HALF + free, end))) == HALF + free

    asyncio.run(case())
