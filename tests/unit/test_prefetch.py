"""Readings of which the next is made ready while one is read (`sv/engine/prefetch.py`)."""

import threading
from collections.abc import Generator, Iterable
from concurrent.futures import Future
from contextlib import closing

import pytest

from sv.engine.prefetch import Prefetch

PATIENCE_S = 10


class Readings:
    """Readings of three values each. fails: (which, at which value), each once."""

    def __init__(self, fails: Iterable[tuple[int, int]] = ()) -> None:
        self.fails = set(fails)
        self.begun: list[int] = []
        self.ended: list[int] = []
        self.threads: list[int] = []
        self.is_begun = [threading.Event() for _ in range(4)]

    def begin(self, number: int) -> Generator[str]:
        self.begun.append(number)
        self.threads.append(threading.get_ident())
        self.is_begun[number].set()
        try:
            for nth in range(3):
                if (number, nth) in self.fails:
                    self.fails.remove((number, nth))
                    raise ValueError(f"{number} failed at {nth}")
                yield f"{number}.{nth}"
        finally:
            self.ended.append(number)


def whole(number: int) -> list[str]:
    return [f"{number}.{nth}" for nth in range(3)]


@pytest.mark.parametrize("is_wanted", [True, False])
@pytest.mark.parametrize("count", [0, 1, 4])
def test_all_values_come_in_their_order(count: int, is_wanted: bool) -> None:
    made = Readings()
    with closing(Prefetch(made.begin, count, is_wanted=is_wanted)) as readings:
        assert [list(readings.read(number)) for number in range(count)] == [whole(number) for number in range(count)]
    assert made.begun == made.ended == list(range(count)), "each once, and none beyond the last"
    own = threading.get_ident()
    assert [thread == own for thread in made.threads] == [number == 0 or not is_wanted for number in range(count)]


def test_the_next_one_begins_once_the_first_value_is_there_and_no_further_one() -> None:
    made = Readings()
    with closing(Prefetch(made.begin, 4, is_wanted=True)) as readings, closing(readings.read(0)) as values:
        assert not made.is_begun[0].is_set()
        assert next(values) == "0.0"
        assert made.is_begun[1].wait(PATIENCE_S), "while the others of the first are not read yet"
        assert list(values) == ["0.1", "0.2"]
        assert made.begun == [0, 1]


def test_what_breaks_off_is_read_once_more_and_what_was_begun_is_kept() -> None:
    made = Readings({(0, 2)})
    with closing(Prefetch(made.begin, 2, is_wanted=True)) as readings:
        with pytest.raises(ValueError, match="0 failed at 2"):
            list(readings.read(0))
        assert list(readings.read(0)) == whole(0)
        assert list(readings.read(1)) == whole(1)
    assert sorted(made.begun) == [0, 0, 1]


def test_what_fails_ahead_is_told_to_who_reads_it() -> None:
    made = Readings({(1, 0)})
    with closing(Prefetch(made.begin, 2, is_wanted=True)) as readings:
        assert list(readings.read(0)) == whole(0)
        with pytest.raises(ValueError, match="1 failed at 0"):
            list(readings.read(1))
        assert list(readings.read(1)) == whole(1)


def test_whoever_stops_leaves_nothing_open() -> None:
    made = Readings()
    with closing(Prefetch(made.begin, 3, is_wanted=True)) as readings:
        with closing(readings.read(0)) as values:
            next(values)
            next(values)
        assert made.ended == [0]
    assert made.begun == made.ended == [0, 1]


def test_who_is_interrupted_while_the_first_value_is_fetched_waits_for_it_before_closing(monkeypatch: pytest.MonkeyPatch) -> None:
    began, go_on = threading.Event(), threading.Event()

    def begin(number: int) -> Generator[int]:
        if number:
            began.set()
            assert go_on.wait(60)
        yield number

    def interrupted(_: Future[int]) -> int:
        assert began.wait(60)
        threading.Timer(0.05, go_on.set).start()
        raise KeyboardInterrupt

    ahead = Prefetch(begin, 2, is_wanted=True)
    assert list(ahead.read(0)) == [0]
    monkeypatch.setattr(Future, "result", interrupted)
    with pytest.raises(KeyboardInterrupt):
        next(ahead.read(1))
    ahead.close()
