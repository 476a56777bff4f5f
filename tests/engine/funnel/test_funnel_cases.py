"""The cases with ClickHouse's recorded answers: by ClickHouse itself, by the oracle, and by both ways in."""

import json
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from sv.insights.funnel.modes import Mode, check_modes
from tests.engine.funnel.clickhouse import ClickHouse
from tests.engine.funnel.histories import World
from tests.engine.funnel.oracle import Row, first_difference, funnel

CASES = cast(
    "list[dict[str, Any]]",
    json.loads((Path(__file__).parent / "windowfunnel_cases.json").read_text())["cases"],
)
WRAPPING = next(case for case in CASES if case["name"] == "max_uint64_wrap")
"""Timestamps within 10 ms of 2^64 ms, where ClickHouse's sum of start and window wraps around. Ours end 584
million years earlier, and are counted from the first one.
"""
OTHERS = [case for case in CASES if case is not WRAPPING]


def rows_of(case: dict[str, Any]) -> list[Row]:
    return [(timestamp, sum(1 << (step - 1) for step in steps)) for timestamp, steps in case["events"]]


def modes_of(case: dict[str, Any]) -> frozenset[Mode]:
    return check_modes(case["modes"])


def world_of(case: dict[str, Any]) -> World:
    """One person's rows, their timestamps counted from the first."""
    rows = rows_of(case)
    first = min(timestamp for timestamp, _ in rows)
    return World.of([[(timestamp - first, mask) for timestamp, mask in rows]], case["steps"])


def test_there_are_55_cases() -> None:
    assert len({case["name"] for case in CASES}) == 55


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_case_has_the_recorded_level_by_the_oracle(case: dict[str, Any]) -> None:
    assert funnel(rows_of(case), case["steps"], case["window"], case["modes"]).level == case["expected"]


@pytest.mark.parametrize("case", OTHERS, ids=lambda case: case["name"])
def test_a_case_has_the_recorded_level_and_the_oracles_times_by_both_ways_in(case: dict[str, Any]) -> None:
    world, window, modes = world_of(case), case["window"], modes_of(case)
    for levels in (world.by_rows(window, modes), world.by_steps(window, modes)):
        assert world.levels(levels).tolist() == [case["expected"]]
        assert first_difference(world.histories(1), levels, window, modes) == ""


def test_all_cases_have_the_recorded_levels_by_clickhouse_here_and_now(clickhouse: ClickHouse) -> None:
    for case in CASES:
        rows = rows_of(case)
        # Timestamps up to 2^64 - 1 fit no signed integer, so that they go in as their bits.
        times = np.array([timestamp for timestamp, _ in rows], np.uint64).view(np.int64)
        masks = np.array([mask for _, mask in rows], np.uint32)
        world = World(np.zeros(len(rows), np.int64), times, masks, case["steps"])
        (levels,) = clickhouse.levels(world, [(case["window"], modes_of(case))])
        assert levels.tolist() == [case["expected"]], case["name"]


def test_timestamps_near_2_to_the_64_count_as_any_others_from_the_first_one(clickhouse: ClickHouse) -> None:
    world, window, modes = world_of(WRAPPING), WRAPPING["window"], modes_of(WRAPPING)
    (expected,) = clickhouse.levels(world, [(window, modes)])
    assert world.levels(world.by_steps(window, modes)).tolist() == expected.tolist() == [2]
