"""Steps taken by the rows of one instant, against trying out every way."""

import itertools

import numpy as np
import pytest

from sv.insights.funnel.ties import KINDS_MAX, depths_at, depths_of


def can_take(rows: list[int], wanted: range) -> bool:
    """Whether distinct rows can take the wanted steps (from 0), by trying out every way."""
    return any(
        all(row >> step & 1 for row, step in zip(chosen, wanted, strict=True))
        for chosen in itertools.permutations(rows, len(wanted))
    )


def brute_depths(rows: list[int], steps: int) -> list[int]:
    return [max(depth for depth in range(step + 2) if can_take(rows, range(step + 1 - depth, step + 1))) for step in range(steps)]


def random_instants(seed: int, count: int, most: int, steps: int) -> list[list[int]]:
    random = np.random.default_rng(seed)
    return [random.integers(1, 2**steps, random.integers(1, most + 1)).tolist() for _ in range(count)]


def test_the_rows_of_an_instant_take_as_many_steps_as_any_way_of_trying_finds() -> None:
    for rows in random_instants(1, 300, 5, 5):
        assert depths_at(rows, 5) == brute_depths(rows, 5), rows


@pytest.mark.parametrize(("most", "steps"), [(3, 2), (5, 3), (6, 8), (4, 32), (60, 5), (40, 12)])
def test_many_instants_have_the_depths_of_each_alone(most: int, steps: int) -> None:
    instants = random_instants(most, 400, most, steps)
    firsts = np.cumsum([0, *map(len, instants[:-1])])
    masks = np.array([mask for rows in instants for mask in rows], np.uint32)
    depths = depths_of(masks, firsts, steps)
    for rows, found in zip(instants, depths.tolist(), strict=True):
        assert found == depths_at(rows, steps), rows


def test_an_instant_of_more_kinds_than_are_compared_has_the_depths_of_its_own() -> None:
    # Pairs of 20 steps, each once: more kinds than KINDS_MAX, and no step has a row of its own.
    ring = [1 << step | 1 << (step + 1) % 20 for step in range(20)]
    assert len(ring) > KINDS_MAX
    depths = depths_of(np.array(ring + ring[:-1], np.uint32), np.array([0, 20]), 20)
    assert depths.tolist() == [depths_at(ring, 20), depths_at(ring[:-1], 20)]
    assert depths[0, 19] == 20
    assert depths[1, 19] == 19


def test_32_rows_that_match_everything_take_32_steps_and_31_take_31() -> None:
    every = 2**32 - 1
    assert depths_at([every] * 32, 32)[-1] == 32
    assert depths_at([every] * 31, 32)[-1] == 31
    assert depths_at([every] * 1000, 32)[-1] == 32
