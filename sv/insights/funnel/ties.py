"""Which consecutive steps the rows of one instant can take when each row may take only one.

Answers for: the *depth* of a step at an instant: the greatest d for which the steps k-d+1 to k can be given
to d distinct rows of that instant. Assumes rows of one group and one timestamp. Never looks at other
instants.

This is bipartite matching of steps to rows. Whatever can be matched can be matched without any of its steps,
so the least step that a run ending at k can begin with never falls as k grows, and two pointers find all
depths of an instant. Instants with the same rows have the same depths: they are worked out once.
"""

from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from sv.insights.funnel.keys import MASK_BITS, Masks, Places, run_starts

Depths: TypeAlias = npt.NDArray[np.uint8]

KINDS_MAX: Final = 16
"""Kinds of row at an instant up to which equal instants are looked for: each kind costs a pass over all of
them, and instants with more kinds are both rare and hardly ever equal.
"""


def depths_at(masks: list[int], steps: int) -> list[int]:
    """The depth of each step at an instant with rows of these masks: 0 where no row matches the step.

    Takes time in proportion to the rows, plus at most steps^3.
    """
    takers: list[list[int]] = [[] for _ in range(steps)]
    for row, mask in enumerate(masks):
        rest = mask
        while rest:
            step = (rest & -rest).bit_length() - 1
            rest &= rest - 1
            # A step that `steps` rows match finds one free after all others have theirs: more are not needed.
            if len(takers[step]) < steps:
                takers[step].append(row)
    step_of: dict[int, int] = {}
    depths = [0] * steps
    low = 0
    for step in range(steps):
        if not takers[step]:
            step_of.clear()
            low = step + 1
            continue
        while not _take(step, takers, step_of, set()):
            step_of = {row: taken for row, taken in step_of.items() if taken != low}
            low += 1
        depths[step] = step - low + 1
    return depths


def _take(step: int, takers: list[list[int]], step_of: dict[int, int], seen: set[int]) -> bool:
    """Give `step` a row, moving other steps to other rows where that helps. One call deep a step at most."""
    for row in takers[step]:
        if row not in seen:
            seen.add(row)
            if row not in step_of or _take(step_of[row], takers, step_of, seen):
                step_of[row] = step
                return True
    return False


def depths_of(masks: Masks, instants: Places, steps: int) -> Depths:
    """The depths at many instants: one line for each, one column a step.

    `masks` are the rows' masks, none 0; `instants` says where each instant's rows begin: from 0, ascending,
    none empty.
    """
    owners = np.repeat(np.arange(instants.size), np.diff(instants, append=masks.size))
    settled, kinds = _settle(masks, owners, instants.size)
    # Where every step has a row of its own, a depth is a run of steps. The rest is for the other instants.
    depths = _runs(settled, steps)
    firsts = run_starts(kinds.owners)
    variety = np.diff(firsts, append=kinds.owners.size)
    for many in np.unique(variety).tolist():
        alike = firsts[variety == many]
        own = settled[kinds.owners[alike]]
        which, examples = _equal_instants(kinds, alike, own, many)
        table = np.empty((examples.size, steps), np.uint8)
        for line, example in enumerate(examples.tolist()):
            span = slice(alike[example], alike[example] + many)
            rows = np.repeat(kinds.masks[span], kinds.counts[span]).tolist()
            table[line] = depths_at([*_bits(int(own[example])), *rows], steps)
        depths[kinds.owners[alike]] = table[which]
    return depths


class Kinds(NamedTuple):
    """The different masks of each instant, sorted by (instant, mask)."""

    owners: Places
    """The number of the instant."""
    masks: Masks
    counts: Places
    """How many rows of the instant have this mask."""


def _kinds(masks: Masks, owners: Places) -> Kinds:
    """The rows counted by instant and mask."""
    numbered = (owners.astype(np.uint64) << np.uint64(MASK_BITS)) | masks
    numbered.sort()
    starts = run_starts(numbered)
    counts = np.diff(starts, append=numbered.size)
    kinds = numbered[starts]
    return Kinds((kinds >> np.uint64(MASK_BITS)).astype(np.intp), kinds.astype(np.uint32), counts)


def _settle(masks: Masks, owners: Places, instants: int) -> tuple[Masks, Kinds]:
    """For each instant the steps that have a row of their own, and the other rows without those steps.

    As many rows of one mask as it has steps can take all of them; no other row needs to then, so their steps
    leave the other masks, which may settle more in turn.
    """
    settled = np.zeros(instants, np.uint32)
    while True:
        kinds = _kinds(masks, owners)
        enough = np.flatnonzero(kinds.counts >= np.bitwise_count(kinds.masks))
        if enough.size == 0:
            return settled, kinds
        np.bitwise_or.at(settled, kinds.owners[enough], kinds.masks[enough])
        masks = masks & ~settled[owners]
        left = np.flatnonzero(masks != 0)
        masks, owners = masks[left], owners[left]


def _runs(masks: Masks, steps: int) -> Depths:
    """For each mask and each step how many consecutive steps the mask has that end with it."""
    runs = np.zeros((masks.size, steps), np.uint8)
    run = np.zeros(masks.size, np.uint8)
    for step in range(steps):
        run = (run + np.uint8(1)) * ((masks >> np.uint32(step)) & np.uint32(1)).astype(np.uint8)
        runs[:, step] = run
    return runs


def _bits(mask: int) -> list[int]:
    """The mask's steps as masks of one step each."""
    return [1 << step for step in range(mask.bit_length()) if mask >> step & 1]


def _equal_instants(kinds: Kinds, firsts: Places, own: Masks, many: int) -> tuple[Places, Places]:
    """A number for each of some instants, equal for equal instants, and for each number an example.

    All have `many` kinds; `firsts` says where each one's begin, `own` which steps have a row of their own.
    """
    if many > KINDS_MAX:
        return np.arange(firsts.size), np.arange(firsts.size)
    number = np.unique(own, return_inverse=True)[1]
    for at in range(many):
        # A mask that is left has fewer rows than steps, so that both fit one integer.
        column = kinds.masks[firsts + at].astype(np.uint64) << np.uint64(8)
        column |= kinds.counts[firsts + at].astype(np.uint64)
        values, value = np.unique(column, return_inverse=True)
        number = np.unique(number * values.size + value, return_inverse=True)[1]
    examples = np.empty(int(number.max()) + 1, np.intp)
    examples[number] = np.arange(firsts.size)
    return number, examples
