"""`strict_once` with `strict_deduplication` but no `strict_increase`: here the order of rows counts.

Answers for: the first fills of every level and the entries that repeat a level. Assumes rows sorted by key
and, at equal keys, in the order of arrival, as ClickHouse numbers them; FUNNEL-1. Never keeps chains.

With `strict_deduplication` the entry after the one that reaches a level ends the pass, so each level from the
second on is reached by a single row, the first in the order of (timestamp, step, arrival) that fits: all
chains of a group are the same but for their first row. Hence a group needs no list of chains but the rows r2,
r3, … of its levels, and of the step 1 rows up to r2 the latest that is none of them and no candidate for the
next level. Those rows lie at or after r2, so the ones among them that are also step 1 rows up to r2 are at
the very instant of r2, at the end of the group's list: leaving out x of them is stepping back x places from
its end.
"""

from typing import NamedTuple

import numpy as np

from sv.insights.funnel.keyed import Fills, first_fills
from sv.insights.funnel.keys import Keys, Places, Rows, group_firsts
from sv.insights.funnel.modes import Mode
from sv.insights.funnel.strict import Ends, end_out_of_order, keep_before


class Step(NamedTuple):
    """The rows that match one step, sorted by (key, arrival)."""

    rows: Places
    keys: Keys
    is_first: Places
    """1 for a row that matches step 1 too, else 0."""


class Chains(NamedTuple):
    """The chains of the groups that reached a level from the second on, one line a group, sorted."""

    reached: Keys
    """The key of the row that reached the level."""
    taken: tuple[Places, ...]
    """The rows r2, r3, … up to the level."""
    second: Keys
    """The key of r2."""
    last_first: Places
    """Where among the step 1 rows the last one at or before r2 stands."""
    left_out: Places
    """How many of r2, r3, … are step 1 rows at the instant of r2."""


class Reached(NamedTuple):
    """The first fill of one level for each group that reaches it."""

    places: Places
    """Where among the rows of the step the rows that fill it stand."""
    start: Keys
    chains: Chains


def fill_by_arrival(steps: list[Step], bits: int, window: np.uint64) -> list[Reached]:
    """The first fills of the levels from the second on, had the pass no end."""
    firsts = steps[0].keys
    levels: list[Reached] = []
    for step in steps[1:]:
        if not levels:
            levels.append(_second_level(firsts, step, bits, window))
        else:
            levels.append(_next_level(firsts, levels[-1].chains, step, bits, window))
    return levels


def _second_level(firsts: Keys, step: Step, bits: int, window: np.uint64) -> Reached:
    """The first row of each group with another row of step 1 in time before it or at its instant."""
    last = np.searchsorted(firsts, step.keys, "right") - 1
    found, start = _first_in_time(firsts, last - step.is_first, step.keys, bits, window)
    reached = step.keys[found]
    chains = Chains(reached, (step.rows[found],), reached, last[found], step.is_first[found])
    return Reached(found, start, chains)


def _next_level(firsts: Keys, chains: Chains, step: Step, bits: int, window: np.uint64) -> Reached:
    """The first row of each group that no chain has taken yet, in time for a step 1 row that is left over."""
    after = np.searchsorted(chains.reached, step.keys, "right")
    skipped = int(np.searchsorted(after, 1))
    line = after[skipped:] - 1
    rows, keys = step.rows[skipped:], step.keys[skipped:]
    left_out = step.is_first[skipped:] * (keys == chains.second[line])
    left_out += chains.left_out[line]
    place = chains.last_first[line] - left_out
    # A row that is taken lies at the instant at which the level before was reached, or earlier.
    tied = np.flatnonzero(keys == chains.reached[line])
    for taken in chains.taken:
        place[tied[taken[line[tied]] == rows[tied]]] = -1
    found, start = _first_in_time(firsts, place, keys, bits, window)
    line = line[found]
    chains = Chains(
        keys[found],
        (*(taken[line] for taken in chains.taken), rows[found]),
        chains.second[line],
        chains.last_first[line],
        left_out[found],
    )
    return Reached(found + skipped, start, chains)


def _first_in_time(firsts: Keys, place: Places, keys: Keys, bits: int, window: np.uint64) -> tuple[Places, Keys]:
    """The first entry of each group whose step 1 row, at `place` in `firsts`, is in time, and that row's key.

    A negative place is no row; one of another group is out of time by FUNNEL-1.
    """
    has = np.flatnonzero(place >= 0)
    start = firsts[place[has]]
    fits = np.flatnonzero(keys[has] - start <= window)
    entries, start = has[fits], start[fits]
    heads = group_firsts(keys[entries], bits)
    return entries[heads], start[heads]


def end_by_arrival(
    rows: Rows, by_step: list[Places], foreign: Keys, bits: int, window: np.uint64, modes: frozenset[Mode]
) -> list[Fills]:
    """The first fills of every level before the end that the strict modes among `modes` set.

    `by_step` says which of the rows match each step.
    """
    is_first = (rows.masks & np.uint32(1)).astype(np.intp)
    steps = [Step(places, rows.keys[places], is_first[places]) for places in by_step]
    firsts = steps[0].keys
    later = fill_by_arrival(steps, bits, window)
    levels = [first_fills(firsts, firsts, bits)]
    levels.extend(Fills(level.chains.reached, level.start) for level in later)
    ends = Ends(levels[0].reached, bits)
    if "strict_order" in modes:
        end_out_of_order(ends, levels, [step.keys for step in steps], foreign, modes)
    for number, (step, level) in enumerate(zip(steps[1:], later, strict=True), start=2):
        ends.add_from(step.keys, level.places + 1, ends.rows_of(level.chains.reached), number)
    return keep_before(ends, levels)
