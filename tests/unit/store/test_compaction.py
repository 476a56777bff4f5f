"""Merging keeps files few and writes each event again a bounded number of times, whatever flushes bring."""

import math
import random
from collections import Counter
from collections.abc import Callable

import pytest

from sv.model.part import Part
from sv.store.compaction import COLD_AFTER_MS, FAN_IN, MAX_MERGED_ROWS, TIER_FACTOR, plan_merges

FLUSH_MS = 10_000
DAY = "2025-06-15"


class Folder:
    """The parts of some days, merged as soon as a plan says so. `written` counts rows of merges, `most` how many parts there were between them."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.now_ms = self.flushed = self.written = self.most = self._last_id = 0

    def part(self, rows: int, day: str | None = DAY, project: str = "p") -> Part:
        self._last_id += 1
        name = f"events/{project}/{self._last_id}.parquet"
        return Part(
            part_id=self._last_id, project_id=project, path=name, day=day, rows=rows, bytes=rows, created_ms=self.now_ms,
            min_ts_ms=0, max_ts_ms=0, min_received_ms=0, max_received_ms=0,
        )  # fmt: skip

    def flush(self, rows: int) -> None:
        self.now_ms += FLUSH_MS
        self.flushed += rows
        self.parts.append(self.part(rows))
        self.merge()
        self.most = max(self.most, len(self.parts))

    def merge(self) -> None:
        while plans := plan_merges(self.parts, self.now_ms):
            for plan in plans:
                rows = sum(part.rows for part in plan)
                assert len({(part.project_id, part.day) for part in plan}) == 1
                assert rows <= MAX_MERGED_ROWS
                self.written += rows
                self.parts = [part for part in self.parts if part not in plan]
                self.parts.append(self.part(rows, plan[0].day, plan[0].project_id))

    def rest(self) -> None:
        """Nothing comes until the day is cold."""
        self.now_ms += COLD_AFTER_MS + 1
        self.merge()

    @property
    def rewritten(self) -> float:
        """How often an event was written again, on average."""
        return self.written / self.flushed


@pytest.mark.parametrize("flushes", [64, 512])
def test_equal_flushes_leave_eight_log_n_parts_and_are_each_written_again_log_n_times(flushes: int) -> None:
    folder = Folder()
    for _ in range(flushes):
        folder.flush(100)
    tiers = math.log(flushes, FAN_IN)
    assert folder.most <= FAN_IN * tiers
    assert folder.rewritten <= tiers + 1e-9
    folder.rest()
    assert [part.rows for part in folder.parts] == [flushes * 100]


def test_flushes_of_a_whole_day_leave_thirty_parts_and_are_written_again_four_times() -> None:
    folder = Folder()
    for _ in range(24 * 3_600_000 // FLUSH_MS):
        folder.flush(100)
    assert folder.most <= 30
    assert folder.rewritten <= 4.0


@pytest.mark.parametrize(
    "rows_of",
    [
        pytest.param(lambda chance, _: chance.choice((1, 10, 100, 1000)), id="of four sizes"),
        pytest.param(lambda chance, _: chance.randrange(1, 1000), id="of any size"),
        pytest.param(lambda _, nth: nth + 1, id="ever larger"),
        pytest.param(lambda _, nth: 2000 - nth, id="ever smaller"),
    ],
)
def test_uneven_flushes_leave_no_more_than_eight_parts_for_each_power_of_four(
    rows_of: Callable[[random.Random, int], int],
) -> None:
    chance, folder, flushes = random.Random(1), Folder(), 2000
    for nth in range(flushes):
        folder.flush(rows_of(chance, nth))
    assert folder.most <= FAN_IN * math.log(flushes, TIER_FACTOR)
    assert folder.rewritten <= math.log(flushes, TIER_FACTOR)
    assert sum(part.rows for part in folder.parts) == folder.flushed


def test_a_day_that_is_still_written_to_is_not_merged_down() -> None:
    folder = Folder()
    for _ in range(FAN_IN - 1):
        folder.flush(100)
    folder.now_ms += COLD_AFTER_MS
    assert plan_merges(folder.parts, folder.now_ms) == []
    folder.now_ms += 1
    assert [len(plan) for plan in plan_merges(folder.parts, folder.now_ms)] == [FAN_IN - 1]


def test_late_events_of_a_cold_day_do_not_have_its_large_part_written_again() -> None:
    folder = Folder()
    folder.flush(1_000_000)
    for _ in range(500):
        folder.flush(1)
        folder.rest()
    assert max(part.rows for part in folder.parts) == 1_000_000
    assert folder.written <= 500 * 10
    assert folder.most <= 10


def test_parts_of_several_projects_days_and_of_no_day_are_merged_by_themselves() -> None:
    folder = Folder()
    for _ in range(FAN_IN):
        folder.parts += [folder.part(100, day, project) for day in (DAY, "2025-06-16", None) for project in ("p", "q")]
    folder.merge()
    assert Counter((part.project_id, part.day, part.rows) for part in folder.parts) == Counter(
        (project, day, FAN_IN * 100) for day in (DAY, "2025-06-16", None) for project in ("p", "q")
    )


def test_a_part_that_is_large_enough_is_left_alone_and_the_cheapest_plan_comes_first() -> None:
    folder = Folder()
    folder.parts = [folder.part(MAX_MERGED_ROWS) for _ in range(FAN_IN)]
    assert plan_merges(folder.parts, 2 * COLD_AFTER_MS) == []
    dear = [folder.part(1000, "2025-06-16") for _ in range(FAN_IN)]
    cheap = [folder.part(10, "2025-06-17") for _ in range(FAN_IN)]
    assert plan_merges([*dear, *cheap], 0) == [cheap, dear]


def test_a_merge_stops_before_it_would_be_too_large() -> None:
    folder = Folder()
    folder.parts = [folder.part(MAX_MERGED_ROWS * 2 // 5) for _ in range(FAN_IN)]
    folder.merge()
    assert [part.rows for part in folder.parts] == [MAX_MERGED_ROWS * 2 // 5] * 6 + [MAX_MERGED_ROWS * 4 // 5]
