"""What levels say of each group: how far it got, and from when to when."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from sv.insights.funnel.outcome import Level, Levels

Ints: TypeAlias = npt.NDArray[np.int64]


def start_ms(level: Level) -> Ints:
    """The start of each group's chain, in milliseconds since the keys' t0."""
    return (level.fills.start & _time(level)).view(np.int64)


def reached_ms(level: Level) -> Ints:
    """The entry that reached the level, likewise."""
    return (level.fills.reached & _time(level)).view(np.int64)


def level_of(levels: Levels) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint8]]:
    """The groups of level 1 or more, sorted, and the level of each. All others have level 0."""
    groups = levels.levels[0].group
    reached = np.zeros(groups.size, np.uint8)
    for level in levels.levels:
        reached[np.searchsorted(groups, level.group)] += 1
    return groups, reached


def _time(level: Level) -> np.uint64:
    return np.uint64((1 << level.bits) - 1)
