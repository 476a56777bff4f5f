"""A clock that is far ahead of what was known: it is believed once it has stayed so."""

import pytest

from sv.model.limits import DAY_MS
from sv.privacy.clock import AHEAD_MS, BELIEVED_AFTER_S, Clock

NEWEST_MS = 1_800_000_000_000
YEAR_MS = 365 * DAY_MS


class Times:
    """Both clocks. `pass_by` moves both."""

    def __init__(self, now_ms: int) -> None:
        self.now_ms = now_ms
        self.monotonic_s = 50.0

    def pass_by(self, seconds: float) -> None:
        self.now_ms += int(seconds * 1000)
        self.monotonic_s += seconds

    def clock(self, known_ms: int | None = NEWEST_MS) -> Clock:
        return Clock(lambda: self.now_ms, lambda: self.monotonic_s, known_ms)


@pytest.mark.parametrize("now_ms", [NEWEST_MS - YEAR_MS, NEWEST_MS, NEWEST_MS + AHEAD_MS])
def test_a_clock_that_may_be_right_is_believed_at_once(now_ms: int, caplog: pytest.LogCaptureFixture) -> None:
    assert not Times(now_ms).clock().is_doubted()
    assert not caplog.records


def test_without_events_there_is_nothing_to_go_by() -> None:
    assert not Times(NEWEST_MS + YEAR_MS).clock(None).is_doubted()


def test_a_clock_far_ahead_is_believed_after_a_while_and_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    times = Times(NEWEST_MS + YEAR_MS)
    clock = times.clock()
    assert clock.is_doubted()
    times.pass_by(BELIEVED_AFTER_S - 1)
    assert clock.is_doubted()
    times.pass_by(1)
    assert not clock.is_doubted()
    assert [record.getMessage() for record in caplog.records] == [
        "it is 2028-01-15 by the clock, 365 days later than was to be expected: what is older than projects keep it goes if that is"
        " still so in an hour"
    ]
    times.pass_by(40 * 86400)
    assert not clock.is_doubted(), "no events came, but the time has passed"


def test_a_clock_that_is_put_right_meanwhile_is_believed_and_doubted_anew_where_it_jumps(
    caplog: pytest.LogCaptureFixture,
) -> None:
    times = Times(NEWEST_MS + YEAR_MS)
    clock = times.clock()
    assert clock.is_doubted()
    times.now_ms = NEWEST_MS
    assert not clock.is_doubted()
    times.pass_by(BELIEVED_AFTER_S)
    times.now_ms += YEAR_MS
    assert clock.is_doubted()
    assert len(caplog.records) == 2
