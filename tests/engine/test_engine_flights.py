"""Equal questions at the same time: which of them share one run, and which must not."""

import asyncio
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from sv.insights.flights import Flights
from sv.model.errors import Unavailable


class World:
    """Something that changes, and questions about it: an answer is how often it had changed when the run looked."""

    def __init__(self) -> None:
        self.changes = 0
        self.runs = 0
        self.ended = 0
        self.may_look = asyncio.Event()
        self.may_end = asyncio.Event()
        self.flights = Flights(lambda: self.changes)

    def ask(self, question: str = "q") -> "asyncio.Task[int]":
        return asyncio.ensure_future(self.flights.share(question, self._run))

    async def _run(self, looks: Callable[[], None]) -> int:
        self.runs += 1
        try:
            await self.may_look.wait()
            looks()
            found = self.changes
            await self.may_end.wait()
            return found
        finally:
            self.ended += 1


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_who_asks_before_the_run_has_looked_shares_it_whatever_changes() -> None:
    async def run() -> None:
        world = World()
        first = world.ask()
        await settle()
        world.changes += 1
        second, other = world.ask(), world.ask("another")
        await settle()
        world.may_look.set()
        world.may_end.set()
        assert await asyncio.gather(first, second, other) == [1, 1, 1]
        assert (world.runs, world.flights.shared) == (2, 1)

    asyncio.run(run())


def test_who_asks_after_the_run_has_looked_shares_it_only_as_long_as_nothing_changes() -> None:
    async def run() -> None:
        world = World()
        world.may_look.set()
        asked = [world.ask()]
        await settle()
        asked.append(world.ask())
        await settle()
        world.changes += 1
        asked += [world.ask(), world.ask()]
        await settle()
        world.may_end.set()
        assert await asyncio.gather(*asked) == [0, 0, 1, 1]
        assert world.runs == 2
        assert await world.ask() == 1
        assert world.runs == 3  # answers are not kept

    asyncio.run(run())


def test_a_run_goes_on_for_those_who_still_wait_and_ends_when_nobody_does() -> None:
    async def run() -> None:
        world = World()
        first, second = world.ask(), world.ask()
        await settle()
        first.cancel()
        await settle()
        assert (world.runs, world.ended) == (1, 0)
        second.cancel()
        third = world.ask()  # not of the run that is about to end
        await settle()
        assert world.ended == 1
        world.may_look.set()
        world.may_end.set()
        assert await third == 0
        assert world.runs == 2

    asyncio.run(run())


def test_all_who_share_a_run_get_its_error() -> None:
    async def run() -> None:
        async def fails(_: Callable[[], None]) -> Any:
            raise Unavailable("no")

        flights = Flights(lambda: 0)
        ends = await asyncio.gather(*(flights.share("q", fails) for _ in range(3)), return_exceptions=True)
        assert [str(end) for end in ends] == ["no"] * 3
        assert flights.shared == 2

    asyncio.run(run())


@pytest.mark.parametrize("seed", range(10))
def test_no_answer_is_older_than_its_question_whatever_changes_and_whoever_goes(seed: int) -> None:
    random = Random(seed)

    async def run() -> None:
        changes = 0
        flights = Flights(lambda: changes)

        async def find(looks: Callable[[], None]) -> int:
            for _ in range(random.randrange(4)):
                await asyncio.sleep(0)
            looks()
            found = changes
            for _ in range(random.randrange(6)):
                await asyncio.sleep(0)
            return found

        async def ask() -> None:
            known = changes
            assert await flights.share(random.choice("ab"), find) >= known

        asking: list[asyncio.Task[None]] = []
        for _ in range(300):
            asking.append(asyncio.ensure_future(ask()))
            if random.random() < 0.5:
                await asyncio.sleep(0)
            if random.random() < 0.2:
                changes += 1
            if random.random() < 0.1:
                random.choice(asking).cancel()
        for end in await asyncio.gather(*asking, return_exceptions=True):
            assert end is None or isinstance(end, asyncio.CancelledError)
        assert flights.shared > 0

    asyncio.run(run())
