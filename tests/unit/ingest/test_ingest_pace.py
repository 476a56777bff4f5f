"""Whether requests of ingest come quickly just now."""

from sv.ingest.pace import QUICK_PER_S, WINDOW_S, Pace


def test_the_pace_is_that_of_the_last_window() -> None:
    now_s, count = 100.0, 0
    pace = Pace(lambda: count, lambda: now_s)
    assert not pace.is_quick()
    count = 1000
    now_s += WINDOW_S / 2
    assert not pace.is_quick()  # as last looked at
    now_s += WINDOW_S / 2
    assert pace.is_quick()
    count += 1000
    now_s += WINDOW_S / 2
    assert pace.is_quick()
    now_s += WINDOW_S / 2
    assert pace.is_quick()
    now_s += WINDOW_S
    assert not pace.is_quick()  # none since


def test_a_few_requests_are_not_quick() -> None:
    now_s, count = 0.0, 0.0
    pace = Pace(lambda: int(count), lambda: now_s)
    for _ in range(40):
        now_s += WINDOW_S
        count += QUICK_PER_S * WINDOW_S * 0.8
        assert not pace.is_quick()
    for _ in range(40):
        now_s += WINDOW_S
        count += QUICK_PER_S * WINDOW_S
        assert pace.is_quick()
