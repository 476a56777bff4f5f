"""Rows of many persons for funnel tests, and the funnels over them by both ways in."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sv.engine.duck.funnels.funnel_sql import packing_of
from sv.engine.port import Uncut
from sv.insights.funnel.core import levels_of_rows, levels_of_steps
from sv.insights.funnel.modes import MODES, Mode, check_modes, needs_rows
from sv.insights.funnel.outcome import Levels
from sv.model.errors import ValidationFailed
from tests.engine.funnel.oracle import Row
from tests.engine.funnel.reached import level_of


def legal_modes() -> list[frozenset[Mode]]:
    """All sets of modes that may be asked for, the empty one first."""
    legal: list[frozenset[Mode]] = []
    for size in range(len(MODES) + 1):
        for modes in itertools.combinations(MODES, size):
            try:
                legal.append(check_modes(modes))
            except ValidationFailed:
                continue
    return legal


@dataclass(frozen=True)
class World:
    """Rows in the order of arrival: three arrays of equal length, and the funnel's number of steps."""

    persons: npt.NDArray[np.int64]
    timestamps: npt.NDArray[np.int64]
    masks: npt.NDArray[np.uint32]
    steps: int

    @classmethod
    def of(cls, histories: Sequence[Sequence[Row]], steps: int) -> "World":
        """A world where person i has the rows `histories[i]`."""
        rows = [(person, *row) for person, history in enumerate(histories) for row in history]
        table = np.array(rows, np.int64).reshape(-1, 3)
        return cls(table[:, 0], table[:, 1], table[:, 2].astype(np.uint32), steps)

    @property
    def person_count(self) -> int:
        """One more than the greatest number of a person."""
        return int(self.persons.max(initial=-1)) + 1

    def histories(self, persons: int) -> dict[int, list[Row]]:
        """The rows of the first so many persons, in the order of arrival."""
        histories: dict[int, list[Row]] = {}
        few = self.persons < persons
        for person, timestamp, mask in zip(
            self.persons[few].tolist(), self.timestamps[few].tolist(), self.masks[few].tolist(), strict=True
        ):
            histories.setdefault(person, []).append((timestamp, mask))
        return histories

    def shuffled(self, random: np.random.Generator) -> "World":
        """The same rows in another order of arrival."""
        order = random.permutation(self.persons.size)
        return World(self.persons[order], self.timestamps[order], self.masks[order], self.steps)

    def keys(self, window: int) -> tuple[npt.NDArray[np.uint64], int]:
        """The rows' keys and the bits of their time part. Whatever writes to them fails."""
        bits = packing_of(0, int(self.timestamps.max(initial=0)), window).bits
        keys = (self.persons.astype(np.uint64) << np.uint64(bits)) | self.timestamps.astype(np.uint64)
        keys.setflags(write=False)
        self.masks.setflags(write=False)
        return keys, bits

    def by_rows(self, window: int, modes: frozenset[Mode]) -> Levels:
        """The funnel from rows with masks."""
        keys, bits = self.keys(window)
        return levels_of_rows(keys, self.masks, steps=self.steps, bits=bits, window_ms=window, modes=modes)

    def by_steps(self, window: int, modes: frozenset[Mode]) -> Levels:
        """The funnel from keys a step; by rows where the modes need rows."""
        if needs_rows(modes):
            return self.by_rows(window, modes)
        keys, bits = self.keys(window)
        steps = [keys[self.masks >> step & 1 == 1] for step in range(self.steps)]
        foreign = keys[self.masks == 0]
        return levels_of_steps(steps, bits=bits, window_ms=window, modes=modes, foreign=foreign)

    def by_runs(self, window: int, modes: frozenset[Mode], runs: int) -> Levels:
        """As `by_steps`, with the keys of a step in several arrays, every other of them sorted and some of them empty."""
        if needs_rows(modes):
            return self.by_rows(window, modes)
        keys, bits = self.keys(window)
        run_of = np.arange(keys.size) * 7 % 11 % runs
        steps: list[list[npt.NDArray[np.uint64]]] = []
        for step in range(self.steps):
            rows = np.flatnonzero(self.masks >> step & 1)
            own, its_run = keys[rows], run_of[rows]
            steps.append([np.sort(own[its_run == run]) if run % 2 else own[its_run == run] for run in range(runs)])
        foreign = keys[self.masks == 0]
        return levels_of_steps(steps, bits=bits, window_ms=window, modes=modes, foreign=foreign)

    def by_uncut(self, window: int, modes: frozenset[Mode]) -> Levels:
        """As `by_runs`, with every other key in a run that has more than is wanted: each of its keys again, at a later time."""
        if needs_rows(modes):
            return self.by_rows(window, modes)
        keys, bits = self.keys(window)
        late, low = np.uint64(1 << bits), np.uint64((1 << bits) - 1)

        def wider(keys: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
            return ((keys >> np.uint64(bits)) << np.uint64(bits + 1)) | (keys & low)

        def uncut(keys: npt.NDArray[np.uint64]) -> Uncut:
            return Uncut(np.sort(np.concatenate((keys, keys | late))), lambda some: some[some & late == 0])

        own = [wider(keys[self.masks >> step & 1 == 1]) for step in range(self.steps)]
        steps: list[list[npt.NDArray[np.uint64] | Uncut]] = [[uncut(each[::2]), each[1::2]] for each in own]
        foreign = wider(keys[self.masks == 0])
        return levels_of_steps(steps, bits=bits + 1, window_ms=window, modes=modes, foreign=foreign)

    def by_all_ways(self, window: int, modes: frozenset[Mode]) -> list[Levels]:
        """By rows and, unless the modes need rows, by steps in one run, in several, and in such as have to be cut."""
        if needs_rows(modes):
            return [self.by_rows(window, modes)]
        ways = [self.by_rows(window, modes), self.by_steps(window, modes), self.by_runs(window, modes, 5)]
        return [*ways, self.by_uncut(window, modes)]

    def levels(self, levels: Levels) -> npt.NDArray[np.uint8]:
        """The level of every person by number."""
        groups, reached = level_of(levels)
        everybody = np.zeros(self.person_count, np.uint8)
        everybody[groups.astype(np.int64)] = reached
        return everybody


def random_world(
    random: np.random.Generator,
    *,
    persons: int,
    rows: int,
    steps: int,
    span: int,
    several: float,
    foreign: float,
) -> World:
    """Persons with `rows` rows each on average, timestamps from 0 to `span`.

    `several` is the share of rows that may match more than one step, `foreign` that of rows that match none.
    """
    count = persons * rows
    masks = (1 << random.integers(0, steps, count)).astype(np.int64)
    # Some three steps a row at most: ClickHouse takes cubic time to keep all chains of `strict_once`.
    extra = random.random((count, steps)) < random.choice([0.1, 0.3, 0.6]) * min(1, 4 / steps)
    masks |= np.where(random.random(count) < several, extra @ (1 << np.arange(steps)), 0)
    masks[random.random(count) < foreign] = 0
    numbers = random.integers(0, persons, count)
    # The last ones make sure that everybody has a row.
    numbers[-persons:] = np.arange(persons)
    return World(numbers, random.integers(0, span + 1, count), masks.astype(np.uint32), steps)
