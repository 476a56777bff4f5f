"""Where strict modes end a pass early, found after the pass instead of during it.

Answers for: `strict_order` with and without `allow_reentry`, and `strict_deduplication`. Assumes the fills of
the pass that never ends early. Never looks at rows.

Up to the entry that ends it, a pass that ends early is the same as the one that doesn't. So the end of a
group is the least of the entries that would end it, all of which follow from where its levels were first
reached; and a group keeps the levels that it reached before its end. The entries that end a pass:

- `strict_order`: the first foreign row (one that matches no step) after the first step 1, as step 0 of its
  timestamp. Foreign rows at the timestamp of the first step 1 come before it and don't count.
- `strict_order` without `allow_reentry`: an entry of step k while level k-1 is not reached. With
  `allow_reentry` it is skipped, as any funnel skips it.
- `strict_deduplication`: the entry of step k after the one that reached level k, for k from 2 on, even at the
  same timestamp.

Levels are reached in order, so ClickHouse's three ways of reading the level at an end are one.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from sv.insights.funnel.keyed import Fills
from sv.insights.funnel.keys import Keys, Places
from sv.insights.funnel.modes import Mode

ENDING: Final[frozenset[Mode]] = frozenset(("strict_order", "strict_deduplication"))
NO_KEY: Final = np.uint64(2**64 - 1)
NO_STEP: Final = 255


class Ends:
    """The entry (key, step) that ends the pass of each group that did step 1; at first none."""

    def __init__(self, firsts: Keys, bits: int) -> None:
        self.firsts = firsts
        """The first step 1 of each group, sorted."""
        self.bits = bits
        self.key: Keys = np.full(firsts.size, NO_KEY)
        self.step: npt.NDArray[np.uint8] = np.full(firsts.size, NO_STEP, np.uint8)

    def rows_of(self, keys: Keys) -> Places:
        """Which group each key belongs to, given that its group did step 1 at or before it."""
        return np.searchsorted(self.firsts, keys, "right") - 1

    def add(self, rows: Places, keys: Keys, step: int) -> None:
        """Entries of `step` that end the passes of the groups `rows`, all different; the earliest stays."""
        old_key, old_step = self.key[rows], self.step[rows]
        earlier = np.flatnonzero((keys < old_key) | ((keys == old_key) & (step < old_step)))
        self.key[rows[earlier]] = keys[earlier]
        self.step[rows[earlier]] = step

    def add_from(self, keys: Keys, places: Places, rows: Places, step: int) -> None:
        """Entries of `step` as places in sorted `keys`; a place past the end or in another group is none."""
        within = np.flatnonzero(places < keys.size)
        rows, found = rows[within], keys[places[within]]
        # Keys of one group differ in the bits of the time alone.
        same = np.flatnonzero((found ^ self.firsts[rows]) < np.uint64(1 << self.bits))
        self.add(rows[same], found[same], step)

    def before(self, keys: Keys, rows: Places, step: int) -> Places:
        """Which of the entries (key, step) of the groups `rows` are no later than the end of their group.

        A fill that equals the end was the first of several equal entries, and a later one ended the pass.
        """
        end = self.key[rows]
        return np.flatnonzero((keys < end) | ((keys == end) & (step <= self.step[rows])))


def add_foreign(ends: Ends, foreign: Keys) -> None:
    """The first foreign row after the first step 1 ends the pass. `foreign` is sorted."""
    rows = np.arange(ends.firsts.size)
    ends.add_from(foreign, np.searchsorted(foreign, ends.firsts, "right"), rows, 0)


def add_too_early(ends: Ends, levels: Sequence[Fills], steps: Sequence[Keys]) -> None:
    """The first entry of a step after the first step 1 ends the pass if the level before is not reached yet.

    If the first one doesn't, no later one does. Step 2 never does, as level 1 is reached by then.
    """
    rows = np.arange(ends.firsts.size)
    for step, (keys, before) in enumerate(zip(steps[2:], levels[1:], strict=False), start=3):
        reached = np.full(ends.firsts.size, NO_KEY)
        reached[ends.rows_of(before.reached)] = before.reached
        places = np.searchsorted(keys, ends.firsts, "left")
        first = keys[np.minimum(places, keys.size - 1)] if keys.size else reached
        early = np.flatnonzero(first < reached)
        ends.add_from(keys, places[early], rows[early], step)


def add_repeats(ends: Ends, levels: Sequence[Fills], steps: Sequence[Keys]) -> None:
    """The entry of a step after the one that reached its level ends the pass. Equal keys are two entries."""
    for step, (keys, level) in enumerate(zip(steps[1:], levels[1:], strict=True), start=2):
        # Of several equal entries the first fills the slot and the second ends the pass, whichever they are.
        places = np.searchsorted(keys, level.reached, "left") + 1
        ends.add_from(keys, places, ends.rows_of(level.reached), step)


def end_early(levels: Sequence[Fills], steps: Sequence[Keys], foreign: Keys, bits: int, modes: frozenset[Mode]) -> list[Fills]:
    """The levels that remain once the strict modes among `modes` have ended passes early.

    `levels` come from the pass over the same sorted `steps`. `foreign` are the sorted keys of rows that match
    no step; only `strict_order` looks at them.
    """
    if not ENDING & modes:
        return list(levels)
    ends = Ends(levels[0].reached, bits)
    if "strict_order" in modes:
        end_out_of_order(ends, levels, steps, foreign, modes)
    if "strict_deduplication" in modes:
        add_repeats(ends, levels, steps)
    return keep_before(ends, levels)


def end_out_of_order(ends: Ends, levels: Sequence[Fills], steps: Sequence[Keys], foreign: Keys, modes: frozenset[Mode]) -> None:
    """The ends of `strict_order`, with or without `allow_reentry`."""
    add_foreign(ends, foreign)
    if "allow_reentry" not in modes:
        add_too_early(ends, levels, steps)


def keep_before(ends: Ends, levels: Sequence[Fills]) -> list[Fills]:
    """The fills of each level that stand before the end of their group."""
    kept: list[Fills] = []
    for step, level in enumerate(levels, start=1):
        before = ends.before(level.reached, ends.rows_of(level.reached), step)
        kept.append(Fills(level.reached[before], level.start[before]))
    return kept
