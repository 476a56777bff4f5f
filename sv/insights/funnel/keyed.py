"""The pass: the first entry by which each group reaches each level, from sorted keys a step.

Answers for: the modes without an early end, `strict_increase`, and `strict_increase` with `strict_once`.
Assumes sorted keys and FUNNEL-1. Knows nothing of early ends: `strict` cuts them off afterwards.

ClickHouse keeps one slot a step, with the start of a chain and its last timestamp, and overwrites slots as it
goes through the entries in the order of (timestamp, step). Seen from an entry of step k, slot k-1 holds the
latest entry before it that filled slot k-1. So one search for each entry of step k among the entries that
filled slot k-1 replaces the loop:

- by default the latest at or before it: at equal timestamps the lower step comes first;
- `strict_increase`: the same one, but it must be earlier. If it is not, the entry is lost, even though an
  older entry would have done: ClickHouse has overwritten it;
- `strict_increase` with `strict_once`, where ClickHouse keeps all chains: the latest one strictly before.

Starts of chains never go back along the entries that fill a slot, so the latest entry also has the latest
start, and if its window is over, so are those of all others.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sv.insights.funnel.keys import Keys, group_firsts
from sv.insights.funnel.modes import Mode


class Fills(NamedTuple):
    """One level: the first entry by which each group fills its slot, and the start of that chain.

    Both are keys of equal length, sorted, one for each group that fills the slot, in the same order. Where a chain's start is what fills
    the slot, they are one array.
    """

    reached: Keys
    start: Keys


def first_fills(reached: Keys, start: Keys, bits: int) -> Fills:
    """The first of each group among all entries that fill a slot, sorted by key."""
    firsts = group_firsts(reached, bits)
    found = reached[firsts]
    return Fills(found, found if start is reached else start[firsts])


def joined(fills: Sequence[Fills]) -> Fills:
    """One level of several ranges of groups, which ascend."""
    reached = np.concatenate([fill.reached for fill in fills])
    if all(fill.start is fill.reached for fill in fills):
        return Fills(reached, reached)
    return Fills(reached, np.concatenate([fill.start for fill in fills]))


def fill_levels(steps: Sequence[Keys], bits: int, window: np.uint64, modes: frozenset[Mode]) -> list[Fills]:
    """The first fills of every level, as many as there are steps; later ones may be empty.

    `steps` are sorted keys, repeats allowed. Of `modes` only `strict_increase` and `strict_once` matter here.
    """
    reached = start = steps[0]
    levels = [first_fills(reached, start, bits)]
    for keys in steps[1:]:
        reached, start = _fill(keys, reached, start, window, modes)
        levels.append(first_fills(reached, start, bits))
    return levels


def _fill(keys: Keys, before: Keys, before_start: Keys, window: np.uint64, modes: frozenset[Mode]) -> tuple[Keys, Keys]:
    """The entries among `keys` that fill their slot, and the starts of their chains.

    `before` and `before_start` are the entries that filled the slot before.
    """
    all_chains = "strict_increase" in modes and "strict_once" in modes
    after = np.searchsorted(before, keys, "left" if all_chains else "right")
    # Places ascend as keys do, so the entries with nothing before them stand in front.
    lonely = int(np.searchsorted(after, 1))
    keys = keys[lonely:]
    place = after[lonely:]
    place -= 1
    start = before_start[place]
    fits = keys - start <= window
    if "strict_increase" in modes and not all_chains:
        fits &= before[place] < keys
    kept = np.flatnonzero(fits)
    if kept.size == keys.size:
        return keys, start
    return keys[kept], start[kept]
