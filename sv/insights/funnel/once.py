"""`strict_once`: chains of distinct rows, without `strict_increase` and without `strict_deduplication`.

Answers for: the first fills of every level where a row serves one step of a chain only. Assumes rows sorted
by key and FUNNEL-1. Never tries out chains one by one: ClickHouse does, and takes cubic time.

ClickHouse keeps every chain, so a level is reached as soon as any chain of distinct rows gets there. Two rows
of a chain can be the same only at one instant, hence:

- of the chains that reached a level before an instant, the one with the latest start is as good as all of
  them;
- a chain reaches level k at an instant by taking its last d steps from distinct rows of that instant, and
  coming from level k-d before. The greatest possible d (the depth, see `ties`) leaves the lowest level to
  come from, which has the latest start; a chain taken wholly from the instant starts there;
- where no row matches several steps, depths are runs of steps that are present, and looking for the latest
  entry of the level before, at or before the instant, comes to the same. Only the other instants need depths.

The start of a level's first fill is the latest of the chains that reach it at that instant.
"""

from typing import NamedTuple

import numpy as np

from sv.insights.funnel.keyed import Fills, first_fills
from sv.insights.funnel.keys import Flags, Keys, Masks, Places, Rows, run_starts
from sv.insights.funnel.ties import Depths, depths_of


class Instants(NamedTuple):
    """The distinct keys of sorted rows."""

    rows: Rows
    """One row an instant, with the steps that any of its rows matches."""
    tangled: Places
    """For each instant its line in `depths`, or -1 where no row matches several steps."""
    depths: Depths


def several_steps(masks: Masks) -> Flags:
    """Which rows match more than one step."""
    return (masks & (masks - np.uint32(1))) != 0


def instants_of(rows: Rows, steps: int) -> Instants:
    """The instants of sorted rows, without rows that match nothing."""
    matching = np.flatnonzero(rows.masks != 0)
    keys, masks = rows.keys[matching], rows.masks[matching]
    firsts = run_starts(keys)
    sizes = np.diff(firsts, append=keys.size)
    is_tangled = np.logical_or.reduceat(several_steps(masks), firsts)
    tangled = np.where(is_tangled, np.cumsum(is_tangled) - 1, -1)
    # A row alone can take one step only: depth 1 for all. The rest is matching.
    depths = np.ones((np.count_nonzero(is_tangled), steps), np.uint8)
    crowded = is_tangled & (sizes > 1)
    if crowded.any():
        at = np.flatnonzero(np.repeat(crowded, sizes))
        begins = np.cumsum(sizes[crowded]) - sizes[crowded]
        depths[tangled[crowded]] = depths_of(masks[at], begins, steps)
    return Instants(Rows(keys[firsts], np.bitwise_or.reduceat(masks, firsts)), tangled, depths)


def fill_once(instants: Instants, steps: int, bits: int, window: np.uint64) -> tuple[list[Fills], list[Keys]]:
    """The first fills of every level, and for each step the sorted keys of the instants that match it."""
    reached: list[Keys] = []
    starts: list[Keys] = []
    levels: list[Fills] = []
    matched: list[Keys] = []
    for step in range(1, steps + 1):
        places = instants.rows.of_step(step)
        keys = instants.rows.keys[places]
        matched.append(keys)
        lines = instants.tangled[places]
        depths = np.where(lines < 0, np.uint8(0), instants.depths[lines, step - 1]) if instants.depths.size else None
        filled, start = _fill_once(keys, depths, reached, starts, window)
        reached.append(keys[filled])
        starts.append(start)
        levels.append(first_fills(reached[-1], starts[-1], bits))
    return levels, matched


def _fill_once(
    keys: Keys, depths: Depths | None, reached: list[Keys], starts: list[Keys], window: np.uint64
) -> tuple[Places, Keys]:
    """Which of one step's instants fill its slot, and the starts of their chains.

    `depths` is 0 where no row matches several steps; None if that is so everywhere. `reached` and `starts`
    hold the instants that filled the levels below and their chains' starts.
    """
    below = len(reached)
    if below == 0:
        return np.arange(keys.size), keys
    filled = np.zeros(keys.size, np.bool_)
    start = np.zeros_like(keys)
    for depth in (0,) if depths is None else np.flatnonzero(np.bincount(depths)).tolist():
        entries = np.arange(keys.size) if depths is None else np.flatnonzero(depths == depth)
        level = below + 1 - max(depth, 1)
        if level == 0:
            filled[entries] = True
            start[entries] = keys[entries]
            continue
        place = np.searchsorted(reached[level - 1], keys[entries], "left" if depth else "right")
        # Places ascend as keys do, so the entries with nothing before them stand in front.
        lonely = int(np.searchsorted(place, 1))
        entries, chain = entries[lonely:], starts[level - 1][place[lonely:] - 1]
        fits = np.flatnonzero(keys[entries] - chain <= window)
        filled[entries[fits]] = True
        start[entries[fits]] = chain[fits]
    found = np.flatnonzero(filled)
    return found, start[found]
