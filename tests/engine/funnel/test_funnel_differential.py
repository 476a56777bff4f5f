"""Random histories against ClickHouse: every legal set of modes, edge windows, ties, repeats, several steps a
row.

The seed is another one each time. It is printed when a test fails and can be set: FUNNEL_SEED=7 pytest tests/engine/funnel. The same
seed makes the same worlds.
"""

from typing import NamedTuple

import numpy as np
import pytest

from sv.insights.funnel.modes import Mode
from tests import chance
from tests.engine.funnel.clickhouse import ClickHouse, Question
from tests.engine.funnel.histories import World, legal_modes, random_world
from tests.engine.funnel.oracle import first_difference

SEED = chance.seed("FUNNEL_SEED")
PERSONS = 2_000
TOLD_BY_ORACLE = 60
"""Persons of a world for whom the slow oracle checks times as well."""


class Shape(NamedTuple):
    """What the histories of a world are like."""

    steps: int
    rows: int
    span: int
    several: float
    foreign: float


SHAPES = (
    Shape(steps=2, rows=5, span=4, several=0.4, foreign=0.1),
    Shape(steps=2, rows=8, span=30, several=0.1, foreign=0.02),
    Shape(steps=3, rows=8, span=9, several=0.0, foreign=0.05),
    Shape(steps=3, rows=8, span=4, several=0.6, foreign=0.02),
    Shape(steps=4, rows=10, span=3, several=0.9, foreign=0.0),
    Shape(steps=4, rows=12, span=40, several=0.3, foreign=0.01),
    Shape(steps=5, rows=12, span=6, several=0.4, foreign=0.02),
    Shape(steps=6, rows=14, span=8, several=0.5, foreign=0.01),
    Shape(steps=7, rows=12, span=20, several=0.7, foreign=0.0),
    Shape(steps=8, rows=12, span=10, several=0.4, foreign=0.01),
    Shape(steps=12, rows=10, span=5, several=0.9, foreign=0.02),
    Shape(steps=32, rows=12, span=12, several=0.8, foreign=0.0),
)
LEGAL = legal_modes()


def is_ordered(modes: frozenset[Mode]) -> bool:
    """Whether the order of rows at one instant may matter."""
    return {"strict_once", "strict_deduplication"} <= modes and "strict_increase" not in modes


def make_world(number: int) -> World:
    return random_world(np.random.default_rng([SEED, number]), persons=PERSONS, **SHAPES[number]._asdict())


def edge_windows(world: World) -> list[int]:
    """0, a gap between a step 1 and a later last step of one person, one less, and more than any gap."""
    is_first, is_last = world.masks & 1 == 1, world.masks >> (world.steps - 1) & 1 == 1
    for person in range(world.person_count):
        own = world.persons == person
        starts, ends = world.timestamps[own & is_first], world.timestamps[own & is_last]
        if starts.size and ends.size and (gap := int(ends.max() - starts.min())) > 0:
            return sorted({0, gap - 1, gap, 10**15})
    raise AssertionError("expected somebody with a gap between the first step and the last")


def differing(world: World, question: Question, expected: np.ndarray, actual: np.ndarray) -> str:
    """Empty if the levels are equal, else the first person that differs."""
    people = np.flatnonzero(expected != actual)
    if people.size == 0:
        return ""
    person = int(people[0])
    window, modes = question
    return (
        f"FUNNEL_SEED={SEED}: {people.size} persons differ, first {person}, window {window}, {sorted(modes)}, "
        f"{world.steps} steps: ClickHouse {expected[person]}, here {actual[person]}, "
        f"rows {world.histories(person + 1)[person]}"
    )


def test_a_run_covers_every_legal_set_of_modes_for_20_000_persons_and_2_to_8_steps() -> None:
    assert len(LEGAL) == 24
    assert len(SHAPES) * PERSONS >= 20_000
    assert {shape.steps for shape in SHAPES} == {*range(2, 9), 12, 32}


@pytest.mark.parametrize("number", range(len(SHAPES)), ids=lambda number: f"{SHAPES[number].steps}_steps_{number}")
def test_every_person_has_clickhouses_level_in_all_modes_and_the_oracles_times(clickhouse: ClickHouse, number: int) -> None:
    world = make_world(number)
    histories = world.histories(TOLD_BY_ORACLE)
    # Each set of modes at every second window, and in the next world at the others.
    questions: list[tuple[int, frozenset[Mode]]] = [
        (window, modes)
        for place, window in enumerate(edge_windows(world))
        for nth, modes in enumerate(LEGAL)
        if (number + place + nth) % 2 == 0
    ]
    print(f"FUNNEL_SEED={SEED} world {number} {SHAPES[number]} windows {sorted({window for window, _ in questions})}")
    for question, expected in zip(questions, clickhouse.levels(world, questions), strict=True):
        ways = world.by_all_ways(*question)
        for levels in ways:
            assert differing(world, question, expected, world.levels(levels)) == ""
        few = [levels.only(np.arange(TOLD_BY_ORACLE).astype(np.uint64)) for levels in ways]
        assert first_difference(histories, few, *question) == "", f"FUNNEL_SEED={SEED}"


def test_the_order_of_rows_matters_only_to_strict_once_with_strict_deduplication() -> None:
    world = make_world(4)
    other = world.shuffled(np.random.default_rng([SEED, 99]))
    for modes in LEGAL:
        if not is_ordered(modes):
            expected, found = world.by_rows(2, modes), other.by_rows(2, modes)
            assert world.levels(found).tolist() == world.levels(expected).tolist(), (SEED, sorted(modes))


def test_the_first_of_two_rows_at_one_instant_takes_the_step_where_order_counts(clickhouse: ClickHouse) -> None:
    both, second, third = (0, 0b011), (0, 0b010), (1, 0b100)
    # Whoever comes first of the two that match step 2 takes it. The row that began the chain can't, so that it
    # does no harm before the other; after it, it is a repeat.
    world = World.of([[both, second, third], [second, both, third]], 3)
    questions = [(10, modes) for modes in LEGAL if is_ordered(modes)]
    assert len(questions) == 3
    for question, expected in zip(questions, clickhouse.levels(world, questions), strict=True):
        assert world.levels(world.by_rows(*question)).tolist() == expected.tolist() == [3, 2]
