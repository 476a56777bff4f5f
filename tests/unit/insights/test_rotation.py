"""Who works while others wait: few at once, each in its turn, and never a place lost."""

import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from sv.insights.opening import open_runner
from sv.insights.rotation import Rotation
from sv.settings import Settings
from tests.chance import seed

LONG_S = 20.0
FOR_EVER_S = 10 * LONG_S
"""Beyond every wait of these tests: who gets on only by having waited too long fails them."""


def begin(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def end(*threads: threading.Thread) -> None:
    for thread in threads:
        thread.join(LONG_S)
        assert not thread.is_alive()


def enter(rotation: Rotation, came: threading.Event | None = None) -> None:
    with rotation.joined() as pause:
        if came is not None:
            came.set()
        pause()


def count_of(rotation: Rotation) -> int:
    return len(rotation._working)  # pyright: ignore[reportPrivateUsage] - places that are lost are seen only here


def test_all_work_at_once_while_nobody_needs_the_cores() -> None:
    rotation = Rotation(1, lambda: False, longest_wait_s=FOR_EVER_S)
    together = threading.Barrier(3)

    def work() -> None:
        with rotation.joined() as pause:
            together.wait(LONG_S)
            pause()

    end(*[begin(work) for _ in range(3)])
    assert not together.broken


def pausing_until(pause: Callable[[], None], is_done: Callable[[], bool]) -> bool:
    until_s = time.monotonic() + LONG_S
    while not is_done() and time.monotonic() < until_s:
        pause()
    return is_done()


def test_a_short_one_has_its_turn_in_the_midst_of_a_long_one() -> None:
    rotation = Rotation(1, lambda: True, turn_s=0.0, longest_wait_s=FOR_EVER_S)
    came = threading.Event()

    with rotation.joined() as pause:
        pause()  # nobody waits
        thread = begin(lambda: enter(rotation, came))
        assert not came.wait(0.05)
        assert pausing_until(pause, came.is_set)
    end(thread)


def test_a_turn_is_not_over_before_its_time() -> None:
    rotation = Rotation(1, lambda: True, turn_s=FOR_EVER_S, longest_wait_s=FOR_EVER_S)
    told: list[str] = []

    def other() -> None:
        with rotation.joined():
            told.append("other")

    with rotation.joined() as pause:
        thread = begin(other)
        until_s = time.monotonic() + 0.1
        while time.monotonic() < until_s:
            pause()
        told.append("first")
    end(thread)
    assert told == ["first", "other"]


def test_who_has_waited_too_long_goes_on_beside_one_that_does_not_pause_until_that_does() -> None:
    rotation = Rotation(1, lambda: True, turn_s=0.02, longest_wait_s=0.05)
    came, goes, is_alone = (threading.Event() for _ in range(3))

    def long() -> None:
        with rotation.joined() as pause:
            came.set()
            assert goes.wait(LONG_S)
            pause()  # one too many, and it is this one's turn to wait
            if count_of(rotation) == 1:
                is_alone.set()

    thread = begin(long)
    assert came.wait(LONG_S)
    with rotation.joined() as pause:
        assert count_of(rotation) == 2
        rotation._longest_wait_s = FOR_EVER_S  # pyright: ignore[reportPrivateUsage] - who waits in vain from here on fails
        until_s = time.monotonic() + 0.2
        while time.monotonic() < until_s:
            pause()  # nobody would have the place
        goes.set()
        assert pausing_until(pause, is_alone.is_set)
    end(thread)
    assert count_of(rotation) == 0


def test_those_who_began_while_all_might_work_take_turns_once_the_cores_are_needed() -> None:
    needed = [False]
    rotation = Rotation(1, lambda: needed[0], turn_s=0.02, longest_wait_s=FOR_EVER_S)
    both, is_over = threading.Barrier(2), threading.Event()

    def other() -> None:
        with rotation.joined() as pause:
            both.wait(LONG_S)
            both.wait(LONG_S)
            assert pausing_until(pause, is_over.is_set)

    thread = begin(other)
    with rotation.joined() as pause:
        both.wait(LONG_S)
        assert count_of(rotation) == 2
        needed[0] = True
        both.wait(LONG_S)
        assert pausing_until(pause, lambda: count_of(rotation) == 1)
        is_over.set()
    end(thread)


def test_where_too_many_work_who_steps_back_lets_in_the_next_at_once() -> None:
    rotation = Rotation(1, lambda: True, turn_s=0.0, longest_wait_s=0.05)
    long_goes, came, third_goes, third_came = (threading.Event() for _ in range(4))

    def long() -> None:
        with rotation.joined():
            came.set()
            assert long_goes.wait(LONG_S)

    def third() -> None:
        with rotation.joined():
            third_came.set()
            assert third_goes.wait(LONG_S)

    first = begin(long)
    assert came.wait(LONG_S)
    with rotation.joined() as pause:  # beside the long one, having waited
        rotation._longest_wait_s = FOR_EVER_S  # pyright: ignore[reportPrivateUsage] - from here on nobody gets in by waiting
        second = begin(third)
        assert not third_came.wait(0.05)
        last = begin(lambda: (third_came.wait(LONG_S), third_goes.set(), long_goes.set())[0])
        pause()
        assert third_came.is_set()
    end(first, second, last)
    assert count_of(rotation) == 0


def test_who_waits_is_let_in_once_the_cores_are_needed_no_more() -> None:
    needed = [True]
    rotation = Rotation(1, lambda: needed[0], turn_s=FOR_EVER_S, longest_wait_s=FOR_EVER_S)
    came = threading.Event()

    with rotation.joined() as pause:
        thread = begin(lambda: enter(rotation, came))
        assert not came.wait(0.05)
        needed[0] = False
        assert pausing_until(pause, came.is_set)
    end(thread)


def test_threads_that_help_never_wait() -> None:
    rotation = Rotation(1, lambda: True, turn_s=0.0, longest_wait_s=FOR_EVER_S)
    came = threading.Event()

    with rotation.joined() as pause:
        thread = begin(lambda: enter(rotation, came))
        assert not came.wait(0.05)
        end(begin(pause))
        assert not came.is_set()
    end(thread)


def test_a_failure_gives_the_place_back() -> None:
    rotation = Rotation(1, lambda: True, longest_wait_s=FOR_EVER_S)
    with pytest.raises(ZeroDivisionError), rotation.joined():
        _ = 1 // 0
    end(begin(lambda: enter(rotation)))


@pytest.mark.parametrize("longest_wait_s", [FOR_EVER_S, 0.001])
@pytest.mark.parametrize("places", [1, 2, 3])
def test_places_are_neither_exceeded_but_by_who_waited_too_long_nor_lost_whoever_pauses_when(
    places: int, longest_wait_s: float
) -> None:
    rotation = Rotation(places, lambda: True, turn_s=0.0005, longest_wait_s=longest_wait_s)
    chance, lock = Random(seed("ROTATION_SEED")), threading.Lock()
    working, most, done = 0, 0, 0

    def count(by: int) -> None:
        nonlocal working, most
        with lock:
            working += by
            most = max(most, working)

    def work(steps: list[float]) -> None:
        nonlocal done
        with rotation.joined() as pause:
            for step_s in steps:
                count(1)
                time.sleep(step_s)
                count(-1)
                pause()
        with lock:
            done += 1

    threads = [begin(lambda s=[chance.random() / 500 for _ in range(chance.randrange(12))]: work(s)) for _ in range(12)]
    end(*threads)
    assert done == 12
    if longest_wait_s == FOR_EVER_S:
        assert 1 <= most <= places
    assert count_of(rotation) == 0


def test_a_server_has_a_place_for_two_threads_and_asks_ingest() -> None:
    is_busy = [True]

    def opened(threads: int) -> Rotation:
        unused: Any = None
        events: Any = SimpleNamespace(version=lambda: 0)
        settings = Settings(threads=threads, max_concurrent_queries=4)
        runner = open_runner(settings, unused, events, unused, unused, lambda: None, nullcontext, lambda: is_busy[0])
        runner.close()
        return runner.rotation

    for threads, places in ((1, 1), (2, 1), (3, 1), (8, 4)):
        assert opened(threads).places == places
    rotation = opened(2)
    with rotation.joined():
        thread = begin(lambda: enter(rotation))
        thread.join(0.1)
        assert thread.is_alive()
        end(thread)
        is_busy[0] = False
        end(begin(lambda: enter(rotation)))
