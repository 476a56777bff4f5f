"""All histories of a small world: nothing of up to four rows, three timestamps and three steps is left to
chance.
"""

import itertools

import numpy as np
import pytest

from sv.insights.funnel.modes import Mode
from tests.engine.funnel.clickhouse import ClickHouse
from tests.engine.funnel.histories import World, legal_modes
from tests.engine.funnel.oracle import Row, first_difference

ROWS: list[Row] = list(itertools.product(range(3), range(8)))
"""Every row: a timestamp of 0 to 2 and a mask of three steps."""

WINDOWS = (0, 1, 2)


def sets_of_rows(most: int) -> list[tuple[Row, ...]]:
    """All histories of up to so many rows, in one order of arrival each."""
    return [rows for size in range(1, most + 1) for rows in itertools.combinations_with_replacement(ROWS, size)]


def sequences_of_rows(most: int) -> list[tuple[Row, ...]]:
    """All histories of up to so many rows, in all orders of arrival."""
    return [rows for size in range(1, most + 1) for rows in itertools.product(ROWS, repeat=size)]


def assert_clickhouse_agrees(clickhouse: ClickHouse, world: World, questions: list[tuple[int, frozenset[Mode]]]) -> None:
    for question, expected in zip(questions, clickhouse.levels(world, questions), strict=True):
        for levels in world.by_all_ways(*question):
            differ = np.flatnonzero(world.levels(levels) != expected)
            assert not differ.size, (question, differ[0], world.histories(int(differ[0]) + 1)[int(differ[0])])


def test_all_histories_of_four_rows_have_clickhouses_level_in_all_modes(clickhouse: ClickHouse) -> None:
    world = World.of(sets_of_rows(4), steps=3)
    assert world.person_count == 20_474
    assert_clickhouse_agrees(clickhouse, world, [(window, modes) for window in WINDOWS for modes in legal_modes()])


def test_all_orders_of_three_rows_have_clickhouses_level_where_order_counts(clickhouse: ClickHouse) -> None:
    ordered = [modes for modes in legal_modes() if {"strict_once", "strict_deduplication"} <= modes]
    world = World.of(sequences_of_rows(3), steps=3)
    assert_clickhouse_agrees(clickhouse, world, [(window, modes) for window in WINDOWS for modes in ordered])


@pytest.mark.parametrize("modes", legal_modes(), ids=lambda modes: "-".join(sorted(modes)) or "default")
def test_all_histories_of_three_rows_have_the_oracles_level_and_times(modes: frozenset[Mode]) -> None:
    world = World.of(sets_of_rows(3), steps=3)
    histories = world.histories(world.person_count)
    for window in (0, 1):
        assert first_difference(histories, world.by_rows(window, modes), window, modes) == ""
