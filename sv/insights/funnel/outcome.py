"""What a funnel came to: the groups of each level with the times they took, and the figures an insight shows.

Answers for: counts, levels, times, restriction to some groups, and figures by breakdown. Assumes fills from
one pass. Never rounds, and never knows what a group's number stands for.

Times are those of the first time that a level was reached: from the start of the chain (its step 1) to the
entry that reached the level. Where several chains reach a level at the same instant, the start is the latest
of theirs.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from sv.insights.funnel.keyed import Fills
from sv.insights.funnel.keys import KEY_BITS, Keys, Places, sort_keys

Ints: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]
Numbers: TypeAlias = npt.NDArray[np.integer]


TABLE_GROUPS: Final = 4_000_000
"""Groups of numbers below this have their codes looked up in a table, 8 bytes each; others by search."""


class Level(Struct, frozen=True, eq=False):
    """The groups that reach one level: their first fills, as keys of which `bits` are the time. Groups and times are arrays of equal
    length, sorted by group, and made when they are asked for: counts need none of them."""

    fills: Fills
    bits: int

    @property
    def size(self) -> int:
        """How many groups there are."""
        return self.fills.reached.size

    @property
    def group(self) -> Keys:
        return self.fills.reached >> np.uint64(self.bits)

    def times(self) -> Ints:
        """Milliseconds from the start of the chain to the level, which are keys of one group."""
        return (self.fills.reached - self.fills.start).view(np.int64)

    def only(self, places: Places) -> "Level":
        return Level(Fills(self.fills.reached[places], self.fills.start[places]), self.bits)


class StepFigures(Struct, frozen=True):
    """One step's line of a funnel. Times are null where nobody got there; those of step 1 are 0."""

    count: int
    median_seconds: float | None
    average_seconds: float | None


class Breakdown(NamedTuple):
    """The figures of every breakdown value: arrays of (codes, steps)."""

    counts: Ints
    median_seconds: Floats
    """NaN where the count is 0."""
    average_seconds: Floats
    """NaN where the count is 0."""

    def figures(self, code: int) -> list[StepFigures]:
        """One value's lines, one a step."""
        return [
            StepFigures(count, median, average) if count else StepFigures(0, None, None)
            for count, median, average in zip(
                self.counts[code].tolist(),
                self.median_seconds[code].tolist(),
                self.average_seconds[code].tolist(),
                strict=True,
            )
        ]


class Levels(Struct, frozen=True, eq=False):
    """How far each group got: `levels[k-1]` has the groups of level k or more, a subset of those before."""

    levels: tuple[Level, ...]

    @classmethod
    def of(cls, fills: Sequence[Fills], bits: int) -> "Levels":
        """From the first fills of each level."""
        return cls(tuple(Level(fill, bits) for fill in fills))

    @property
    def steps(self) -> int:
        """How many steps the funnel has."""
        return len(self.levels)

    def counts(self) -> list[int]:
        """For each step the number of groups of its level or more."""
        return [level.size for level in self.levels]

    def times(self, step: int) -> Ints:
        """Milliseconds from the start of the chain to level `step` (from 1), for the groups of that level."""
        return self.levels[step - 1].times()

    def figures(self) -> list[StepFigures]:
        """The lines of the funnel, one a step."""
        return [_figures_of(level) for level in self.levels]

    def only(self, groups: Keys) -> "Levels":
        """The same for the groups among `groups`, which come in any order and may name others besides."""
        wanted = sort_keys(groups)
        return Levels(tuple(level.only(np.flatnonzero(_find(wanted, level.group) >= 0)) for level in self.levels))

    def figures_by(self, groups: Keys, codes: Numbers, code_count: int) -> Breakdown:
        """The counts and times of every breakdown value.

        `codes[i]`, from 0 to code_count - 1, is the value of `groups[i]`; groups are distinct, in any order.
        Groups that are not named count nowhere.
        """
        shape = (code_count, self.steps)
        counts, medians, averages = np.zeros(shape, np.int64), np.full(shape, np.nan), np.full(shape, np.nan)
        for step, (code, places) in enumerate(self._codes(groups, codes)):
            times = self.times(step + 1)[places]
            times = _sorted_by(code, times)
            count = np.bincount(code, minlength=code_count)
            counts[:, step] = count
            some = np.flatnonzero(count)
            if some.size == 0:
                continue
            first = np.cumsum(count[some]) - count[some]
            low, high = times[first + (count[some] - 1) // 2], times[first + count[some] // 2]
            medians[some, step] = (low + high) / 2000
            averages[some, step] = np.add.reduceat(times, first) / (count[some] * 1000)
        return Breakdown(counts, medians, averages)

    def _codes(self, groups: Keys, codes: Numbers) -> list[tuple[Ints, Places]]:
        """For each level the codes of its groups that have one, and where in the level those stand."""
        of_levels = [level.group for level in self.levels]
        largest = max(int(keys.max(initial=0)) for keys in (groups, *of_levels))
        if largest < TABLE_GROUPS:
            code_of = np.full(largest + 1, -1, np.int64)
            code_of[groups] = codes
            found = [code_of[of_level] for of_level in of_levels]
        else:
            order = np.argsort(groups)
            groups, codes = groups[order], codes[order].astype(np.int64)
            at = [_find(groups, of_level) for of_level in of_levels]
            found = [np.where(places >= 0, codes[places], -1) if codes.size else places for places in at]
        named = [np.flatnonzero(code >= 0) for code in found]
        return [(code[places], places) for code, places in zip(found, named, strict=True)]


def _figures_of(level: Level) -> StepFigures:
    if not level.size:
        return StepFigures(0, None, None)
    if level.fills.start is level.fills.reached:
        return StepFigures(level.size, 0.0, 0.0)
    times = level.times()
    average = int(times.sum()) / (level.size * 1000)
    # Not `np.median`, which copies them and looks for what only floats have.
    low, high = (level.size - 1) // 2, level.size // 2
    times.partition([low, high])
    return StepFigures(level.size, (int(times[low]) + int(times[high])) / 2000, average)


def _sorted_by(codes: Ints, times: Ints) -> Ints:
    """The times by their codes, ascending within each. None is negative."""
    bits = int(times.max(initial=0)).bit_length()
    if bits + int(codes.max(initial=0)).bit_length() > KEY_BITS:
        return times[np.lexsort((times, codes))]
    keys = (codes.astype(np.uint64) << np.uint64(bits)) | times.astype(np.uint64)  # sorted at a tenth of what `lexsort` takes
    keys.sort()
    return (keys & np.uint64((1 << bits) - 1)).view(np.int64)


def _find(haystack: Keys, needles: Keys) -> Places:
    """Where each needle stands in the sorted haystack, or -1."""
    if haystack.size == 0:
        return np.full(needles.size, -1, np.intp)
    places = np.minimum(np.searchsorted(haystack, needles), haystack.size - 1)
    return np.where(haystack[places] == needles, places, -1)
