"""Merges that fail: each is left alone for a while, longer each time, and the others go on."""

from collections.abc import Sequence

import pytest

from sv.model.errors import Unavailable
from sv.model.part import Part
from sv.store.compaction import FAN_IN
from sv.store.merge_tries import FIRST_PAUSE_S, MAX_PAUSE_S, MergeTries


def of_days(*days: str) -> list[Part]:
    """As many small files of each day as make a merge."""
    return [
        Part(
            part_id=number, project_id="p", path=f"{number}.parquet", day=days[number % len(days)], rows=1, bytes=1,
            min_ts_ms=0, max_ts_ms=0, min_received_ms=0, max_received_ms=0,
        )
        for number in range(FAN_IN * len(days))
    ]  # fmt: skip


PARTS = of_days("2026-01-01", "2026-01-02")


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def due(tries: MergeTries) -> list[str | None]:
    return sorted(plan[0].day for plan in tries.plans(PARTS, everything=False) if plan[0].day)


def full(_: Sequence[Part]) -> None:
    raise Unavailable("No space left on device")


def test_a_merge_that_failed_is_left_alone_longer_each_time_and_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    tries = MergeTries(lambda: 0, clock, lambda: False)
    pauses = [FIRST_PAUSE_S, 2 * FIRST_PAUSE_S, 4 * FIRST_PAUSE_S, 8 * FIRST_PAUSE_S, MAX_PAUSE_S, MAX_PAUSE_S]
    for pause_s in pauses:
        (plan,) = (each for each in tries.plans(PARTS, everything=False) if each[0].day == "2026-01-01")
        assert not tries.attempt(plan, full)
        clock.now_s += pause_s - 1
        assert due(tries) == ["2026-01-02"]
        clock.now_s += 1
        assert due(tries) == ["2026-01-01", "2026-01-02"]
    assert len(caplog.records) == len(pauses)
    assert caplog.records[0].getMessage() == (
        f"can't merge {FAN_IN} event files, will try again in 5 minutes: No space left on device"
    )


def test_after_a_success_the_first_pause_is_the_short_one_again() -> None:
    clock = Clock()
    tries = MergeTries(lambda: 0, clock, lambda: False)
    plan = tries.plans(PARTS, everything=False)[0]
    for merge in (full, full, lambda _: None, full):
        tries.attempt(plan, merge)
    clock.now_s += FIRST_PAUSE_S
    assert len(due(tries)) == 2


def test_who_asks_for_everything_gets_what_failed_too() -> None:
    tries = MergeTries(lambda: 0, Clock(), lambda: False)
    tries.attempt(tries.plans(PARTS, everything=False)[0], full)
    assert len(tries.plans(PARTS, everything=True)) == 2


def test_a_merge_that_the_end_interrupts_has_not_failed(caplog: pytest.LogCaptureFixture) -> None:
    tries = MergeTries(lambda: 0, Clock(), lambda: True)
    assert not tries.attempt(tries.plans(PARTS, everything=False)[0], full)
    assert len(due(tries)) == 2
    assert not caplog.records
