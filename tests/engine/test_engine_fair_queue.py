"""Whose turn is next in the line of queries: fair between projects, bounded in length and in time, and never a place lost."""

import asyncio
from collections.abc import Callable
from random import Random

import pytest

from sv.insights.fair_queue import FairQueue
from sv.model.errors import Unavailable


def line_of(places: int = 1, waiting: int = 100, wait_s: float = 60.0) -> FairQueue:
    return FairQueue(places=places, max_waiting=waiting, max_wait_s=wait_s)


async def settle() -> None:
    """Let everything run that can."""
    for _ in range(5):
        await asyncio.sleep(0)


async def asked(line: FairQueue, projects: str) -> tuple[list[str], list[asyncio.Task[None]]]:
    """One task for each letter, a project, in this order; the list grows by each that comes to run, and those leave at once."""
    served: list[str] = []

    async def ask(project: str) -> None:
        await line.enter(project)
        served.append(project)
        await asyncio.sleep(0)
        line.leave(project)

    tasks: list[asyncio.Task[None]] = []
    for project in projects:
        tasks.append(asyncio.ensure_future(ask(project)))
        await asyncio.sleep(0)
    return served, tasks


def served_in_turn(projects: str) -> str:
    """In which order these are served when one place becomes free."""

    async def run() -> str:
        line = line_of()
        await line.enter("z")
        served, tasks = await asked(line, projects)
        assert served == []
        assert line.waiting == len(projects)
        line.leave("z")
        await asyncio.gather(*tasks)
        assert (line.running, line.waiting) == (0, 0)
        return "".join(served)

    return asyncio.run(run())


def test_projects_are_served_in_turn_however_many_questions_one_of_them_asks() -> None:
    assert served_in_turn("aaaaaabbc") == "abcabaaaa"
    assert served_in_turn("abc") == "abc"
    assert served_in_turn("") == ""


def test_the_next_place_goes_to_the_project_that_holds_the_fewest() -> None:
    async def run() -> None:
        line = line_of(places=2)
        await line.enter("a")
        await line.enter("a")
        served, tasks = await asked(line, "aaab")
        line.leave("a")
        await settle()
        assert served[0] == "b"
        line.leave("a")
        await asyncio.gather(*tasks)

    asyncio.run(run())


def test_who_finds_the_line_full_is_refused_unless_others_wait_for_more() -> None:
    async def run() -> None:
        line = line_of(waiting=4)
        await line.enter("z")
        served, tasks = await asked(line, "aaaa")
        with pytest.raises(Unavailable, match="too many") as refused:
            await line.enter("a")
        assert refused.value.retry_after_s > 0
        more, others = await asked(line, "bbb")
        await settle()
        gone = [task for task in tasks if task.done()]
        assert gone == tasks[2:]  # the last that came of the project with most, until both wait for as many
        assert [str(task.exception()) for task in gone] == ["too many queries are waiting; try again soon"] * 2
        assert isinstance(others[2].exception(), Unavailable)
        assert line.waiting == 4
        assert line.refused["full"] == 4
        line.leave("z")
        await asyncio.gather(*tasks[:2], *others[:2])
        assert (served, more) == (["a", "a"], ["b", "b"])

    asyncio.run(run())


def test_without_a_line_who_finds_no_place_is_refused() -> None:
    async def run() -> None:
        line = line_of(waiting=0)
        await line.enter("a")
        with pytest.raises(Unavailable, match="too many"):
            await line.enter("b")
        line.leave("a")
        await line.enter("b")

    asyncio.run(run())


def test_who_waits_for_too_long_is_told_so_and_waits_no_more() -> None:
    async def run() -> None:
        line = line_of(wait_s=0.05)
        await line.enter("a")
        assert line.oldest_wait_s() == 0
        waiting = asyncio.ensure_future(line.enter("b"))
        await settle()
        assert line.oldest_wait_s() > 0
        with pytest.raises(Unavailable, match=r"waited 0\.05 s for its turn and was not run"):
            await waiting
        assert (line.waiting, line.refused["waited"], line.oldest_wait_s()) == (0, 1, 0)
        line.leave("a")
        await line.enter("c")
        assert line.running == 1

    asyncio.run(run())


def test_who_goes_away_while_waiting_gives_up_its_turn() -> None:
    async def run() -> None:
        line = line_of()
        await line.enter("z")
        served, tasks = await asked(line, "aab")
        tasks[0].cancel()
        await settle()
        assert line.waiting == 2
        line.leave("z")
        await asyncio.gather(*tasks[1:])
        assert served == ["a", "b"]
        assert line.running == 0

    asyncio.run(run())


@pytest.mark.parametrize("first", ["leave", "cancel"])
def test_a_place_granted_in_the_moment_in_which_its_asker_goes_is_the_next_ones(first: str) -> None:
    async def run() -> None:
        line = line_of()
        await line.enter("z")
        served, tasks = await asked(line, "ab")
        acts: list[Callable[[], object]] = [lambda: line.leave("z"), tasks[0].cancel]
        for act in acts if first == "leave" else acts[::-1]:
            act()
        await tasks[1]
        assert served == ["b"]
        assert (line.running, line.waiting) == (0, 0)

    asyncio.run(run())


@pytest.mark.parametrize("seed", range(20))
def test_no_place_is_lost_or_held_twice_whatever_happens_in_line(seed: int) -> None:
    random = Random(seed)

    async def run() -> None:
        line = line_of(places=3, waiting=8, wait_s=0.002 if seed % 2 else 60.0)
        held = 0

        async def ask(project: str, pauses: int) -> None:
            nonlocal held
            await line.enter(project)
            held += 1
            try:
                assert held <= 3
                for _ in range(pauses):
                    await asyncio.sleep(0)
            finally:
                held -= 1
                line.leave(project)

        tasks: list[asyncio.Task[None]] = []
        for _ in range(200):
            tasks.append(asyncio.ensure_future(ask(random.choice("aaab"), random.randrange(5))))
            if random.random() < 0.5:
                await asyncio.sleep(0.001 if random.random() < 0.05 else 0)
            if random.random() < 0.2:
                random.choice(tasks[-5:]).cancel()
        for end in await asyncio.gather(*tasks, return_exceptions=True):
            assert end is None or isinstance(end, Unavailable | asyncio.CancelledError)
        assert (held, line.running, line.waiting, line.oldest_wait_s()) == (0, 0, 0, 0)

    asyncio.run(run())
