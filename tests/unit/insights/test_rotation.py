"""Who works while others wait: few at once, each in its turn, and never a place lost."""

import threading
import time
from collections.abc import Callable
from random import Random

import pytest

from sv.insights.rotation import Rotation
from tests.chance import seed

LONG_S = 30.0


def begin(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def end(*threads: threading.Thread) -> None:
    for thread in threads:
        thread.join(LONG_S)
        assert not thread.is_alive()


def test_all_work_at_once_while_nobody_needs_the_cores() -> None:
    rotation = Rotation(1, lambda: False, longest_wait_s=LONG_S)
    together = threading.Barrier(3)

    def work() -> None:
        with rotation.joined() as pause:
            together.wait(LONG_S)
            pause()

    end(*[begin(work) for _ in range(3)])
    assert not together.broken


def test_a_short_one_has_its_turn_in_the_midst_of_a_long_one() -> None:
    rotation = Rotation(1, lambda: True, turn_s=0.0, longest_wait_s=LONG_S)
    told: list[str] = []
    has_begun = threading.Event()

    def short() -> None:
        with rotation.joined():
            told.append("short")

    with rotation.joined() as pause:
        pause()  # nobody waits
        thread = begin(lambda: (has_begun.set(), short())[0])
        assert has_begun.wait(LONG_S)
        while not told:
            pause()
        told.append("long")
    end(thread)
    assert told == ["short", "long"]


def test_a_turn_is_not_over_before_its_time() -> None:
    rotation = Rotation(1, lambda: True, turn_s=LONG_S, longest_wait_s=LONG_S)
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


def test_who_has_waited_too_long_goes_on_beside_one_that_does_not_pause() -> None:
    rotation = Rotation(1, lambda: True, longest_wait_s=0.05)
    with rotation.joined():
        began_s = time.monotonic()
        end(begin(lambda: enter(rotation)))
        assert time.monotonic() - began_s >= 0.05
    end(begin(lambda: enter(rotation)))


def enter(rotation: Rotation) -> None:
    with rotation.joined() as pause:
        pause()


def test_who_waits_is_let_in_once_the_cores_are_needed_no_more() -> None:
    needed = [True]
    rotation = Rotation(1, lambda: needed[0], turn_s=LONG_S, longest_wait_s=LONG_S)
    came = threading.Event()

    def other() -> None:
        with rotation.joined():
            came.set()

    with rotation.joined() as pause:
        thread = begin(other)
        assert not came.wait(0.05)
        needed[0] = False
        while not came.is_set():
            pause()
    end(thread)


def test_threads_that_help_never_wait() -> None:
    rotation = Rotation(1, lambda: True, turn_s=0.0, longest_wait_s=LONG_S)
    came = threading.Event()

    def other() -> None:
        with rotation.joined():
            came.set()

    with rotation.joined() as pause:
        thread = begin(other)
        assert not came.wait(0.05)
        end(begin(pause))
        assert not came.is_set()
    end(thread)


def test_a_failure_gives_the_place_back() -> None:
    rotation = Rotation(1, lambda: True, longest_wait_s=LONG_S)
    with pytest.raises(ZeroDivisionError), rotation.joined():
        _ = 1 // 0
    end(begin(lambda: enter(rotation)))


@pytest.mark.parametrize("places", [1, 2, 3])
def test_no_more_work_at_once_than_there_are_places_whoever_pauses_when(places: int) -> None:
    rotation = Rotation(places, lambda: True, turn_s=0.0005, longest_wait_s=LONG_S)
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
    assert 1 <= most <= places
