"""The two ways into the arithmetic: keys a step, or rows with a mask of steps.

Answers for: choosing the pass that the modes ask for, and running it in threads over ranges of groups.
Assumes FUNNEL-1 (see `keys`) for all arrays of one call together. Never changes its input: it may be cached.
"""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from sv.insights.funnel.keyed import Fills, fill_levels, joined
from sv.insights.funnel.keys import (
    BITS_MAX,
    Keys,
    Masks,
    Pick,
    Rows,
    Runs,
    Uncut,
    clip_window,
    in_threads,
    merged,
    size_of,
    sort_keys,
    sort_rows,
    split_at_groups,
)
from sv.insights.funnel.modes import Mode, needs_rows
from sv.insights.funnel.once import fill_once, instants_of, several_steps
from sv.insights.funnel.outcome import Levels
from sv.insights.funnel.repeats import end_by_arrival
from sv.insights.funnel.strict import end_early
from sv.model.limits import MAX_STEPS

PART_KEYS: Final = 1 << 18
"""Keys in one range of groups: what a search touches stays in the cache, and numpy's calls, between which threads wait for Python's lock,
cost little. Of 10 million events a first funnel took 203 ms with half as many, 184 with these, 204 with four times as many."""

PARTS_MAX: Final = 64
"""Ranges of groups at most: beyond, they only cost calls."""

NOTHING: Final[frozenset[Mode]] = frozenset()


def levels_of_steps(
    steps: Sequence[Keys | Sequence[Keys | Uncut]],
    *,
    bits: int,
    window_ms: int,
    modes: frozenset[Mode] = NOTHING,
    foreign: Keys | Runs | None = None,
    threads: int = 2,
    check: Callable[[], None] = lambda: None,
) -> Levels:
    """How far each group gets, from the keys of each step; a single step is allowed.

    `steps[k]` has the key of every row that matches step k+1, in any order, once for each such row: a row
    that matches several steps is in several of them. They come as one array or as several, which is quick where
    each of them is sorted: then they are merged range by range, and what is uncut is cut there. Only
    `strict_deduplication` tells one row from two at the same timestamp. `foreign` has the keys of the rows that
    match no step; only `strict_order` looks at it, and must have it. A window of 0 keeps chains of a single
    timestamp. `check` is called between steps of the work, by any thread; what it raises ends the work.

    `modes` come from `check_modes`. Raises ValueError for modes that need rows (`needs_rows`), for
    `strict_order` without `foreign`, and for numbers out of range.
    """
    _check(len(steps), bits, window_ms)
    if needs_rows(modes):
        raise ValueError("expected rows for strict_once, got keys a step")
    if "strict_order" not in modes:
        foreign = np.empty(0, np.uint64)
    elif foreign is None:
        raise ValueError("expected the keys of foreign rows for strict_order, got none")
    window = clip_window(window_ms, bits)
    # Foreign rows are most of a strict funnel's keys: whoever is to sort them had better begin with them.
    runs = [_runs(keys) for keys in (foreign, *steps)]
    picks = [[None if isinstance(run, np.ndarray) else run.wanted for run in of_step] for of_step in runs]
    arrays: list[Runs] = [[run if isinstance(run, np.ndarray) else run.keys for run in of_step] for of_step in runs]
    arrays = _sorted(arrays, threads if sum(map(size_of, arrays)) > PART_KEYS else 1, check)

    def work(part: list[Runs]) -> list[Fills]:
        others, *keys = map(merged, map(_picked, part, picks))
        levels = fill_levels(keys, bits, window, modes)
        return end_early(levels, keys, others, bits, modes)

    return _in_parts(work, arrays, bits, threads, check)


def levels_of_rows(
    keys: Keys,
    masks: Masks,
    *,
    steps: int,
    bits: int,
    window_ms: int,
    modes: frozenset[Mode] = NOTHING,
    threads: int = 2,
    check: Callable[[], None] = lambda: None,
) -> Levels:
    """How far each group gets, from rows: bit k-1 of a row's mask says whether it matches step k.

    Rows come in any order. It matters in one case, and there as it does to ClickHouse: for rows of one group
    and one timestamp in `strict_once` with `strict_deduplication` and without `strict_increase`. Rows of mask
    0 are foreign: `strict_order` needs them, everything else ignores them.

    `modes` come from `check_modes`; all sets that it lets through are answered. Raises ValueError for numbers
    out of range and for a mask with bits beyond `steps`. `check` as above.
    """
    _check(steps, bits, window_ms)
    if masks.size != keys.size or (masks.size and int(masks.max()) >> steps):
        raise ValueError(f"expected a mask of {steps} steps for each of {keys.size} rows")
    if needs_rows(modes) and not several_steps(masks).any():
        # Where each row matches one step, no row can serve twice.
        modes = modes - {"strict_once"}
    if "strict_order" not in modes:
        matching = np.flatnonzero(masks != 0)
        if matching.size < masks.size:
            keys, masks = keys[matching], masks[matching]
    is_by_arrival = needs_rows(modes) and "strict_deduplication" in modes
    keys, masks = sort_rows(keys, masks, steps, is_by_arrival)
    window = clip_window(window_ms, bits)

    def work(part: list[Runs]) -> list[Fills]:
        (of_part,) = part[0]
        low = int(np.searchsorted(keys, of_part[0])) if of_part.size else 0
        rows = Rows(of_part, masks[low : low + of_part.size])
        return _fill_rows(rows, steps, bits, window, modes)

    return _in_parts(work, [[keys]], bits, threads, check)


def _fill_rows(rows: Rows, steps: int, bits: int, window: np.uint64, modes: frozenset[Mode]) -> list[Fills]:
    """The fills of every level from sorted rows, before the end that the modes set."""
    foreign = rows.keys[np.flatnonzero(rows.masks == 0)]
    by_step = [rows.of_step(step) for step in range(1, steps + 1)]
    if not needs_rows(modes):
        keys = [rows.keys[places] for places in by_step]
        levels = fill_levels(keys, bits, window, modes)
    elif "strict_deduplication" in modes:
        return end_by_arrival(rows, by_step, foreign, bits, window, modes)
    else:
        levels, keys = fill_once(instants_of(rows, steps), steps, bits, window)
    return end_early(levels, keys, foreign, bits, modes)


def _check(steps: int, bits: int, window_ms: int) -> None:
    """Refuses what no caller may pass; what people may get wrong is found earlier."""
    if not 1 <= steps <= MAX_STEPS:
        raise ValueError(f"expected 1 to {MAX_STEPS} steps, got {steps}")
    if not 1 <= bits <= BITS_MAX:
        raise ValueError(f"expected 1 to {BITS_MAX} bits, got {bits}")
    if window_ms < 0:
        raise ValueError(f"expected a window of 0 ms or more, got {window_ms}")


def _runs(keys: Keys | Sequence[Keys | Uncut]) -> Sequence[Keys | Uncut]:
    return [keys] if isinstance(keys, np.ndarray) else keys


def _picked(runs: Runs, picks: Sequence[Pick | None]) -> Runs:
    return [run if pick is None else pick(run) for run, pick in zip(runs, picks, strict=True)]


def _sorted(steps: Sequence[Runs], threads: int, check: Callable[[], None]) -> list[Runs]:
    """The same runs, each sorted."""

    def work(run: Keys) -> Keys:
        check()
        return sort_keys(run)

    keys = iter(in_threads(work, [run for runs in steps for run in runs], threads))
    return [[next(keys) for _ in runs] for runs in steps]


def _in_parts(
    work: Callable[[list[Runs]], list[Fills]], steps: Sequence[Runs], bits: int, threads: int, check: Callable[[], None]
) -> Levels:
    """The levels that `work` finds in ranges of groups of the sorted runs, put together."""

    def checked(part: list[Runs]) -> list[Fills]:
        check()
        return work(part)

    parts = split_at_groups(steps, bits, min(PARTS_MAX, 1 + sum(map(size_of, steps)) // PART_KEYS))
    found = in_threads(checked, parts, threads)
    return Levels.of([joined(fills) for fills in zip(*found, strict=True)], bits)
