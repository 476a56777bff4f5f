"""Answers that are remembered: for the window, whichever way the clock is set."""

from sv.ingest.retries import Answer, Retries

WINDOW_MS = 600_000
YEAR_MS = 365 * 86_400_000
NOW_MS = 1_768_000_000_000


def answer(key: str, at_ms: int) -> Answer:
    return Answer(key.encode(), at_ms, 1, b"")


def test_answers_are_forgotten_after_the_window_also_where_one_came_while_the_clock_was_ahead() -> None:
    retries = Retries(WINDOW_MS)
    retries.remember(answer("ahead", NOW_MS + YEAR_MS), NOW_MS + YEAR_MS)
    for nth in range(100):
        at_ms = NOW_MS + nth * WINDOW_MS // 10
        retries.remember(answer(str(nth), at_ms), at_ms)
        assert (retries.answer_to(b"ahead", at_ms) is not None) == (nth < 10), "as if it had come when the clock was put back"
    assert len(retries) == 10
    assert retries.answer_to(b"99", NOW_MS + 10 * WINDOW_MS) is not None
    assert retries.answer_to(b"89", NOW_MS + 10 * WINDOW_MS) is None
