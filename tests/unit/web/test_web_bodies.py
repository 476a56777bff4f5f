"""Bodies of the query API: what arrives of large ones has a bound together, of one project a half of it, and small ones always have room."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from sv.model.connection_limits import FREE_BODY_BYTES
from sv.model.errors import Unavailable
from sv.web.bodies import Bodies

HALF = 1 << 16


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
