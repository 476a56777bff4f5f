"""Who loses a place to whom, where as many exports are read as may be."""

import asyncio
from collections.abc import AsyncIterator, Generator
from typing import Any, cast

import pytest

from sv.insights.event_export import EventExports
from sv.model.errors import Unavailable
from sv.model.exports import ExportQuery
from sv.model.limits import EXPORT_STALL_SECONDS


class Clock:
    now_s = 1000.0


class Endless(EventExports):
    """Blocks that take no time, by the clock."""

    def __init__(self, clock: Clock) -> None:
        nothing = cast("Any", None)
        super().__init__(nothing, nothing, nothing, lambda: None, lambda: clock.now_s)

    def blocks(self, project_id: str, query: ExportQuery) -> Generator[bytes]:
        while True:
            yield b"block"


async def take(blocks: AsyncIterator[bytes], clock: Clock, pause_s: float) -> None:
    """One block for each pause, for longer than may be waited for the next one."""
    for _ in range(int(EXPORT_STALL_SECONDS / pause_s) + 2):
        clock.now_s += pause_s
        await anext(blocks)


def test_a_slow_client_gives_its_projects_second_place_to_a_project_that_has_none() -> None:
    async def check() -> None:
        exports, query = Endless(clock := Clock()), cast("Any", None)
        first, second = await exports.start("p", query), await exports.start("p", query)
        with pytest.raises(Unavailable, match="other exports"):  # it may only have begun
            await exports.start("q", query)
        await anext(second)  # which was read already
        await take(first, clock, 20)
        await anext(second)
        with pytest.raises(Unavailable, match="other exports"):  # the project has its places
            await exports.start("p", query)
        await exports.start("q", query)
        with pytest.raises(Unavailable, match="took nothing or little"):
            await take(first, clock, 1)  # both were as slow, and it is the older one
        with pytest.raises(Unavailable, match="other exports"):  # each project has one
            await exports.start("r", query)
        exports.close()

    asyncio.run(check())
