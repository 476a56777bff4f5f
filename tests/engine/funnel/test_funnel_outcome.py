"""Counts, times and breakdowns of a funnel that is small enough to work out by hand."""

import numpy as np
import pytest

from sv.engine.duck.funnels.funnel_sql import packing_of
from sv.insights.funnel import outcome
from sv.insights.funnel.outcome import Levels, StepFigures
from tests.engine.funnel.histories import World, random_world
from tests.engine.funnel.reached import level_of, reached_ms, start_ms


def numbers(*values: int) -> np.ndarray:
    return np.array(values, np.uint64)


@pytest.fixture
def levels() -> Levels:
    """Persons 0 to 3 get to levels 3, 2, 2 and 1, person 4 nowhere."""
    people = [
        [(0, 0b1), (1_000, 0b10), (5_000, 0b100)],
        [(10_000, 0b1), (12_000, 0b10)],
        [(0, 0b1), (90_000, 0b1), (96_000, 0b10), (97_000, 0b10)],
        [(7, 0b1)],
        [(8, 0b10)],
    ]
    return World.of(people, 3).by_rows(60_000, frozenset())


def test_the_count_of_a_step_is_the_groups_of_its_level_or_more(levels: Levels) -> None:
    assert levels.steps == 3
    assert levels.counts() == [4, 3, 1]


def test_groups_of_level_1_or_more_are_listed_with_their_level(levels: Levels) -> None:
    groups, reached = level_of(levels)
    assert groups.tolist() == [0, 1, 2, 3]
    assert reached.tolist() == [3, 2, 2, 1]
    assert reached.dtype == np.uint8


def test_times_run_from_the_start_of_the_chain_to_the_first_time_at_the_level(levels: Levels) -> None:
    assert levels.times(1).tolist() == [0, 0, 0, 0]
    assert levels.times(2).tolist() == [1_000, 2_000, 6_000]
    assert levels.times(3).tolist() == [5_000]
    assert start_ms(levels.levels[1]).tolist() == [0, 10_000, 90_000]
    assert reached_ms(levels.levels[1]).tolist() == [1_000, 12_000, 96_000]


def test_medians_and_averages_are_in_seconds_and_null_where_nobody_got(levels: Levels) -> None:
    assert levels.figures() == [
        StepFigures(4, 0.0, 0.0),
        StepFigures(3, 2.0, 3.0),
        StepFigures(1, 5.0, 5.0),
    ]
    assert levels.only(numbers(1, 2)).figures()[1:] == [StepFigures(2, 4.0, 4.0), StepFigures(0, None, None)]


def test_a_restriction_keeps_the_groups_it_names_in_any_order_and_ignores_strangers(levels: Levels) -> None:
    some = levels.only(numbers(77, 3, 0))
    assert some.counts() == [2, 1, 1]
    assert level_of(some)[0].tolist() == [0, 3]
    assert levels.only(numbers()).counts() == [0, 0, 0]


def test_counts_by_value_leave_out_groups_without_a_value_and_keep_values_without_groups(levels: Levels) -> None:
    counts = levels.figures_by(numbers(2, 0, 3, 99), np.array([1, 0, 1, 0]), 3).counts
    assert counts.tolist() == [[1, 1, 1], [2, 1, 0], [0, 0, 0]]


def test_figures_by_value_are_null_where_nobody_got(levels: Levels) -> None:
    figures = levels.figures_by(numbers(0, 1, 2, 3), np.array([0, 2, 2, 0]), 3)
    assert figures.figures(0) == [StepFigures(2, 0.0, 0.0), StepFigures(1, 1.0, 1.0), StepFigures(1, 5.0, 5.0)]
    assert figures.figures(1) == [StepFigures(0, None, None)] * 3
    assert figures.figures(2)[1:] == [StepFigures(2, 4.0, 4.0), StepFigures(0, None, None)]


@pytest.mark.parametrize(("table", "bits"), [(outcome.TABLE_GROUPS, outcome.KEY_BITS), (0, 0)], ids=["few", "more than fit"])
def test_figures_by_value_are_those_of_the_restriction_to_each_value(
    monkeypatch: pytest.MonkeyPatch, table: int, bits: int
) -> None:
    monkeypatch.setattr(outcome, "TABLE_GROUPS", table)
    monkeypatch.setattr(outcome, "KEY_BITS", bits)
    world = random_world(np.random.default_rng(3), persons=500, rows=8, steps=4, span=10**7, several=0.1, foreign=0.1)
    levels = world.by_rows(5 * 10**6, frozenset())
    groups = np.random.default_rng(4).permutation(560)[:460].astype(np.uint64)  # not all that got anywhere, and some who didn't
    codes = np.random.default_rng(5).integers(0, 7, 460)
    breakdown = levels.figures_by(groups, codes, 7)
    for code in range(7):
        alone = levels.only(groups[codes == code]).figures()
        for found, expected in zip(breakdown.figures(code), alone, strict=True):
            assert found.count == expected.count
            assert found.median_seconds == expected.median_seconds
            assert found.average_seconds == pytest.approx(expected.average_seconds, rel=1e-12)


def test_an_empty_funnel_has_counts_of_0_and_no_times() -> None:
    levels = World.of([], 2).by_rows(10, frozenset())
    assert levels.figures() == [StepFigures(0, None, None)] * 2
    assert levels.figures_by(numbers(), np.array([], np.int64), 2).figures(1) == [StepFigures(0, None, None)] * 2
    assert levels.figures_by(numbers(), np.array([], np.int64), 0).counts.tolist() == []


@pytest.mark.parametrize(("span", "window", "bits"), [(0, 0, 1), (1, 0, 1), (1, 1, 2), (7, 0, 3), (7, 1, 4), (7, 10**30, 4)])
def test_a_key_has_room_for_the_span_and_for_a_window_no_longer_than_it(span: int, window: int, bits: int) -> None:
    assert packing_of(5, 5 + span, window).bits == bits
