"""The key of a row, its group and its time in 64 bits: `(group << bits) | (ts_ms - t0_ms)`.

Answers for: the width of the time part, sorting, borders between groups, and spreading work over threads.
Sorted keys hold a group's rows together in the order of time, and a difference of two keys of one group is a
difference in time.

INVARIANT FUNNEL-1: 2^bits is beyond the time span plus the window, so that a key minus an earlier key of
another group is always beyond the window, and one comparison tells "same group and in time". The engine chooses the
width (`sv.engine.duck.funnels.funnel_sql.packing_of`).
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any, Final, NamedTuple, Protocol, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

Keys: TypeAlias = npt.NDArray[np.uint64]
Runs: TypeAlias = Sequence[Keys]
Masks: TypeAlias = npt.NDArray[np.uint32]
Places: TypeAlias = npt.NDArray[np.intp]
Flags: TypeAlias = npt.NDArray[np.bool_]

Pick: TypeAlias = Callable[[Keys], Keys]


class Uncut(Protocol):
    """Keys that ascend, among which are those that are wanted. wanted: picks these out of any slice of them, ascending; any thread may."""

    @property
    def keys(self) -> Keys: ...
    @property
    def wanted(self) -> Pick: ...


# np.flatnonzero and then an index is everywhere used in place of an index by flags: it doesn't stumble over
# flags that come at random, and is two to three times as fast.

In = TypeVar("In")
Out = TypeVar("Out")

BITS_MAX: Final = 63
"""The widest time part: one bit is left for the groups, and 2^bits is itself a key."""

KEY_BITS: Final = 64
MASK_BITS: Final = 32
"""A row's mask has a bit a step, so that no funnel has more steps."""

ROW_BITS: Final = 32
"""Rows of one funnel number less than 2^32: memory ends long before."""

SORTED_BLOCK: Final = 1 << 16
"""Keys looked at in one go by `is_sorted`: few enough to give up early, enough to make numpy's call cheap."""


SAMPLES_A_PART: Final = 256
"""Keys that are looked at to find where a range of groups may end: few, and the ranges come out alike to some percent."""


class Rows(NamedTuple):
    """Rows sorted by key."""

    keys: Keys
    masks: Masks

    def of_step(self, step: int) -> Places:
        """Where the rows that match `step` (from 1) stand."""
        return np.flatnonzero((self.masks & np.uint32(1 << (step - 1))) != 0)


def clip_window(window_ms: int, bits: int) -> np.uint64:
    """The window as far as `bits` can tell windows apart.

    Exact: a window of 2^(bits-1) or more is by FUNNEL-1 longer than the span, and so is 2^(bits-1) itself.
    """
    return np.uint64(min(window_ms, 1 << (bits - 1)))


def is_sorted(keys: Keys) -> bool:
    """Whether the keys ascend, equal neighbours allowed. Stops at the first block with a descent."""
    for low in range(0, keys.size, SORTED_BLOCK):
        block = keys[low : low + SORTED_BLOCK + 1]
        if not np.all(block[1:] >= block[:-1]):
            return False
    return True


def sort_keys(keys: Keys) -> Keys:
    """The keys in ascending order: the same array if they are sorted already, else a sorted copy."""
    return keys if is_sorted(keys) else np.sort(keys)


def sort_rows(keys: Keys, masks: Masks, steps: int, is_by_arrival: bool) -> Rows:
    """Rows in ascending order of keys; at equal keys as they came if `is_by_arrival`, else in any order."""
    if is_sorted(keys):
        return Rows(keys, masks)
    if not is_by_arrival and keys.size and int(keys.max()) >> (KEY_BITS - steps) == 0:
        # Sorting bare integers is several times faster than sorting places; a mask mostly fits below its key.
        packed = (keys << np.uint64(steps)) | masks
        packed.sort()
        masks = (packed & np.uint64((1 << steps) - 1)).astype(np.uint32)
        packed >>= np.uint64(steps)
        return Rows(packed, masks)
    order = np.argsort(keys)
    keys = keys[order]
    if is_by_arrival:
        # A stable argsort takes five times as long as this: number the runs of equal keys and sort again.
        runs = np.zeros(keys.size, np.uint64)
        np.cumsum(keys[1:] != keys[:-1], out=runs[1:])
        runs <<= np.uint64(ROW_BITS)
        runs |= order.astype(np.uint64)
        runs.sort()
        order = (runs & np.uint64((1 << ROW_BITS) - 1)).astype(np.intp)
    return Rows(keys, masks[order])


def run_starts(keys: npt.NDArray[Any]) -> Places:
    """Where each run of equal values begins; nowhere in an empty array."""
    return np.flatnonzero(np.concatenate((np.ones(min(1, keys.size), np.bool_), keys[1:] != keys[:-1])))


def group_firsts(keys: Keys, bits: int) -> Places:
    """Where each group's first key stands in sorted keys, ascending."""
    if keys.size == 0:
        return np.empty(0, np.intp)
    # Keys of different groups differ above the time part: one xor and one comparison, no shifts.
    borders = np.flatnonzero((keys[1:] ^ keys[:-1]) >= np.uint64(1 << bits))
    return np.concatenate((np.zeros(1, np.intp), borders + 1))


def split_at_groups(steps: Sequence[Runs], bits: int, parts: int) -> list[list[Runs]]:
    """Up to `parts` ranges of groups, each with a slice of every sorted run of every step; no group is in two ranges.

    The step of most keys decides, by a sample of them, so that ranges are alike in size. Slices may be empty.
    """
    longest = max(steps, key=size_of)
    stride = max(1, size_of(longest) // (parts * SAMPLES_A_PART))
    sample = np.sort(np.concatenate([run[::stride] for run in longest])) if longest else np.empty(0, np.uint64)
    places = [sample.size * part // parts for part in range(1, parts)] if sample.size >= parts else []
    borders = np.unique((sample[places] >> np.uint64(bits)) << np.uint64(bits))
    ranges: list[list[Runs]] = [[] for _ in range(borders.size + 1)]
    for runs in steps:
        cuts = [(run, [0, *np.searchsorted(run, borders).tolist(), run.size]) for run in runs]
        for place, part in enumerate(ranges):
            part.append([run[cut[place] : cut[place + 1]] for run, cut in cuts])
    return ranges


def merged(runs: Runs) -> Keys:
    """All keys of the sorted runs in ascending order. Meant for as many as the processor's cache holds: it sorts them, unless each run
    begins where the one before ends."""
    filled = [run for run in runs if run.size]
    if len(filled) < 2:
        return filled[0] if filled else np.empty(0, np.uint64)
    keys = np.concatenate(filled)
    if any(before[-1] > run[0] for before, run in pairwise(filled)):
        keys.sort()
    return keys


def size_of(runs: Runs) -> int:
    """How many keys there are in all."""
    return sum(run.size for run in runs)


def in_threads(work: Callable[[In], Out], items: Iterable[In], threads: int) -> list[Out]:
    """`work` of every item, in the order of the items; the first error is raised when all threads are done.

    Threads pay because numpy lets go of the GIL while it sorts, searches and copies.
    """
    todo = list(items)
    if threads < 2 or len(todo) < 2:
        return [work(item) for item in todo]
    with ThreadPoolExecutor(min(threads, len(todo)), thread_name_prefix="funnel") as pool:
        return list(pool.map(work, todo))
