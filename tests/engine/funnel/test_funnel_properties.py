"""Properties of funnels over generated histories, and what must not matter: order, threads, bits, a shift in
time.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sv.engine.duck.funnels.funnel_sql import packing_of
from sv.insights.funnel import core
from sv.insights.funnel.core import levels_of_rows, levels_of_steps
from sv.insights.funnel.keyed import Fills
from sv.insights.funnel.modes import Mode, check_modes
from sv.insights.funnel.outcome import Levels
from tests.engine.funnel.histories import World, legal_modes, random_world
from tests.engine.funnel.oracle import Row, first_difference
from tests.engine.funnel.reached import reached_ms, start_ms

STEPS = st.integers(1, 5)
TIMES = st.integers(0, 6)
WINDOWS = st.one_of(st.integers(0, 8), st.just(10**18))
MODES = st.sampled_from(legal_modes())


@st.composite
def histories(draw: st.DrawFn) -> tuple[int, list[list[Row]]]:
    """A number of steps, and the rows of one to three persons."""
    steps = draw(STEPS)
    row = st.tuples(TIMES, st.integers(0, 2**steps - 1))
    return steps, draw(st.lists(st.lists(row, min_size=1, max_size=12), min_size=1, max_size=3))


def same(one: Levels, other: Levels) -> bool:
    return all(
        np.array_equal(left, right)
        for a, b in zip(one.levels, other.levels, strict=True)
        for left, right in zip(a.fills, b.fills, strict=True)
    )


@settings(max_examples=400, deadline=None)
@given(histories(), WINDOWS, MODES)
def test_any_history_has_the_oracles_level_and_times(
    case: tuple[int, list[list[Row]]], window: int, modes: frozenset[Mode]
) -> None:
    steps, people = case
    world = World.of(people, steps)
    rows = world.histories(world.person_count)
    assert first_difference(rows, [world.by_rows(window, modes), world.by_steps(window, modes)], window, modes) == ""
    assert same(world.by_runs(window, modes, 3), world.by_steps(window, modes))


@settings(max_examples=100, deadline=None)
@given(histories(), st.integers(0, 8), MODES, st.integers(0, 50), st.integers(0, 12))
def test_a_later_t0_a_higher_number_and_wider_keys_change_nothing(
    case: tuple[int, list[list[Row]]], window: int, modes: frozenset[Mode], shift: int, wider: int
) -> None:
    steps, people = case
    world = World.of(people, steps)
    bits = packing_of(0, 6 + shift, window).bits + wider
    top = (1 << (64 - bits)) - 1
    numbers = np.uint64(top - 2) + world.persons.astype(np.uint64)
    keys = (numbers << np.uint64(bits)) | (world.timestamps + shift).astype(np.uint64)
    found = levels_of_rows(keys, world.masks, steps=steps, bits=bits, window_ms=window, modes=modes)
    expected = world.by_rows(window, modes)
    for moved, level in zip(found.levels, expected.levels, strict=True):
        assert (moved.group - np.uint64(top - 2)).tolist() == level.group.tolist()
        assert (start_ms(moved) - shift).tolist() == start_ms(level).tolist()
        assert (reached_ms(moved) - shift).tolist() == reached_ms(level).tolist()


def test_the_last_key_of_all_is_a_key_like_any_other() -> None:
    # One bit of time and a window of 0: person and time fill all 64 bits with ones.
    last = np.uint64(2**64 - 1)
    for modes in legal_modes():
        rows: Sequence[Row] = [(1, 0b1), (1, 0b10), (1, 0b10), (1, 0b100)]
        found = levels_of_rows(
            np.full(len(rows), last),
            np.array([mask for _, mask in rows], np.uint32),
            steps=3,
            bits=1,
            window_ms=0,
            modes=modes,
        )
        group = (last >> np.uint64(1)) << np.uint64(1)
        moved = Levels.of([Fills(level.fills.reached - group, level.fills.start - group) for level in found.levels], 1)
        assert first_difference({0: rows}, moved, 0, modes) == ""


@pytest.mark.parametrize("modes", legal_modes(), ids=lambda modes: "-".join(sorted(modes)) or "default")
def test_parts_and_threads_change_nothing(monkeypatch: pytest.MonkeyPatch, modes: frozenset[Mode]) -> None:
    world = random_world(np.random.default_rng(5), persons=60, rows=12, steps=4, span=9, several=0.4, foreign=0.02)
    keys, bits = world.keys(5)
    whole = world.by_rows(5, modes)
    assert whole.counts()[1]
    monkeypatch.setattr(core, "PART_KEYS", 16)
    for threads in (1, 3):
        parts = levels_of_rows(keys, world.masks, steps=4, bits=bits, window_ms=5, modes=modes, threads=threads)
        assert same(parts, whole)
    assert same(world.by_steps(5, modes), whole)
    assert same(world.by_runs(5, modes, 4), whole)


@pytest.mark.parametrize("modes", legal_modes(), ids=lambda modes: "-".join(sorted(modes)) or "default")
def test_100_000_rows_at_three_instants_come_to_the_same_as_the_first_three_of_each_kind(
    modes: frozenset[Mode],
) -> None:
    # Three steps need no more than three equal rows. Keeping every chain would take 10^13 of them.
    random = np.random.default_rng(8)
    rows: list[Row] = [(int(at), int(mask)) for at, mask in random.integers((0, 1), (3, 8), (100_000, 2))]
    seen: Counter[Row] = Counter()
    few = [row for row in rows if seen.update((row,)) or seen[row] <= 3]
    found = World.of([rows], 3).by_rows(10, modes)
    assert first_difference({0: few}, found, 10, modes) == ""


@pytest.mark.parametrize("steps", [1, 2, 32])
def test_no_rows_make_an_empty_funnel_in_all_modes(steps: int) -> None:
    for modes in legal_modes():
        assert World.of([], steps).by_rows(10, modes).counts() == [0] * steps
        assert World.of([], steps).by_steps(10, modes).counts() == [0] * steps
        assert World.of([[(1, 0)], [(2, 0)]], steps).by_rows(10, modes).counts() == [0] * steps


def test_keys_that_are_too_few_or_out_of_range_are_refused() -> None:
    keys, masks = np.zeros(2, np.uint64), np.ones(2, np.uint32)
    with pytest.raises(ValueError, match="1 to 32 steps"):
        levels_of_steps([], bits=8, window_ms=1)
    with pytest.raises(ValueError, match="1 to 32 steps"):
        levels_of_steps([keys] * 33, bits=8, window_ms=1)
    with pytest.raises(ValueError, match="1 to 63 bits"):
        levels_of_steps([keys], bits=64, window_ms=1)
    with pytest.raises(ValueError, match="window of 0 ms or more"):
        levels_of_rows(keys, masks, steps=1, bits=8, window_ms=-1)
    with pytest.raises(ValueError, match="a mask of 1 steps for each of 2 rows"):
        levels_of_rows(keys, masks * np.uint32(2), steps=1, bits=8, window_ms=1)
    with pytest.raises(ValueError, match="a mask of 1 steps for each of 2 rows"):
        levels_of_rows(keys, masks[:1], steps=1, bits=8, window_ms=1)
    with pytest.raises(ValueError, match="expected rows for strict_once"):
        levels_of_steps([keys], bits=8, window_ms=1, modes=check_modes(["strict_once"]))
    with pytest.raises(ValueError, match="foreign rows for strict_order"):
        levels_of_steps([keys], bits=8, window_ms=1, modes=check_modes(["strict_order"]))
