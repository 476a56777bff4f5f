"""Whether requests of ingest come quickly just now."""

from sv.ingest.pace import QUICK_PER_S, WINDOW_S, Pace

ENOUGH = int(QUICK_PER_S * WINDOW_S)


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def test_the_pace_is_that_of_the_last_window() -> None:
    clock = Clock()
    pace = Pace(clock)
    assert not pace.is_quick()
    for nth in range(ENOUGH):
        assert not pace.is_quick(), nth
        pace.note()
    assert pace.is_quick()
    clock.now_s += WINDOW_S / 2
    assert pace.is_quick()
    clock.now_s += WINDOW_S * 0.6
    assert not pace.is_quick()


def test_what_came_long_ago_counts_no_more() -> None:
    clock = Clock()
    pace = Pace(clock)
    for _ in range(10_000):
        clock.now_s += 0.001
        pace.note()
    assert pace.is_quick()
    clock.now_s += 3600
    assert not pace.is_quick()
    for _ in range(ENOUGH - 1):
        pace.note()
    assert not pace.is_quick()
    pace.note()
    assert pace.is_quick()


def test_a_few_requests_are_not_quick() -> None:
    for per_s, is_quick in ((QUICK_PER_S * 0.75, False), (QUICK_PER_S * 1.01, True)):
        clock = Clock()
        pace = Pace(clock)
        for nth in range(40):
            clock.now_s += 1 / per_s
            pace.note()
            assert pace.is_quick() == (is_quick and nth >= ENOUGH - 1)
