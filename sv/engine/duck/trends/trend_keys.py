"""Trends from key files: counts of events and of persons by bucket and breakdown value, a file at a time.

Each file contributes what can be combined with other files in the least space: counts, and the distinct persons of each cell. The rest of a
snapshot contributes the same, by SQL.
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from sv.engine.distinct import distinct
from sv.engine.duck.funnels.step_keys import OFFSETS, covers, pick_within
from sv.engine.duck.keys.key_files import KEY_BITS, Codes, Keys
from sv.engine.duck.keys.key_matching import Matched
from sv.engine.duck.keys.key_values import Dictionary
from sv.engine.duck.trends.trend_sql import NO_VALUE_SLOT, OTHER_SLOT
from sv.engine.port import Measure, Scope
from sv.model.part import Part

Persons = NDArray[np.uint32]
Cell = tuple[int, int]
"""(slot, bucket), as `trend_sql.cells_sql` has them."""

FEW_CELLS: Final = 4
"""So many are picked out one by one; more are told apart by sorting."""

HALF: Final = 1 << 32
"""Times before it, 49 days, are divided in half the bits, in a third of the time."""

_SHIFT: Final = np.uint64(KEY_BITS)
_PERSON_BITS: Final = np.uint64(64 - KEY_BITS)
_PERSON: Final = np.uint64((1 << (64 - KEY_BITS)) - 1)


class Contribution(Struct, frozen=True):
    """What a file has in each cell: the number of events and, where asked for, the distinct persons, or whatever its keys are of,
    ascending."""

    counts: dict[Cell, int]
    persons: dict[Cell, Persons]


def in_range(part: Part, matched: Matched, scope: Scope) -> Matched:
    """Those of the scope's range."""
    if covers(scope, part):
        return matched
    keys, places = pick_within(matched.keys, matched.origin_ms, scope)
    codes = None if matched.codes is None else matched.codes[places]
    number_codes = None if matched.number_codes is None else matched.number_codes[places]
    return matched._replace(keys=keys, codes=codes, number_codes=number_codes)


class ValueCounts(NamedTuple):
    """How many of a file's events have each of the dictionary's values."""

    dictionary: Dictionary
    counts: NDArray[np.int64]


def value_counts(matched: Matched) -> ValueCounts:
    codes: Codes = np.empty(0, np.uint8) if matched.codes is None else matched.codes
    return ValueCounts(matched.dictionary, np.bincount(codes, minlength=len(matched.dictionary.values)))


def summed(found: Iterable[ValueCounts]) -> Counter[str]:
    """How many events of all files have each value."""
    sums: dict[Dictionary, NDArray[np.int64]] = {}
    for dictionary, counts in found:
        sums[dictionary] = sums[dictionary] + counts if dictionary in sums else counts
    of_values: Counter[str] = Counter()
    for dictionary, counts in sums.items():
        for value, count in zip(dictionary.values, counts.tolist(), strict=True):
            if count and value is not None:
                of_values[value] += count
    return of_values


class Slots:
    """The slot of each breakdown value (OTHER_SLOT for those beyond the limit), and for each dictionary the slot of each code. Thread-safe:
    two threads that work out the same entry get the same result."""

    def __init__(self, of_values: Mapping[str, int]) -> None:
        self._of_values = of_values
        self._of_dictionaries: dict[Dictionary, tuple[list[int], NDArray[np.int64]]] = {}

    def of_codes(self, dictionary: Dictionary) -> tuple[list[int], NDArray[np.int64]]:
        """The slots that its values have, ascending, and the place among them of each code's."""
        known = self._of_dictionaries.get(dictionary)
        if known is None:
            slots = [NO_VALUE_SLOT if value is None else self._of_values.get(value, OTHER_SLOT) for value in dictionary.values]
            used, places = np.unique(np.array(slots, np.int64), return_inverse=True)
            known = self._of_dictionaries[dictionary] = (used.tolist(), places.astype(np.int64))
        return known


def contribution(
    part: Part,
    matched: Matched,
    starts_ms: Sequence[int],
    slots: Slots | None,
    users: NDArray[np.uint32] | None,
    *,
    with_persons: bool,
) -> Contribution:
    """What these rows of the part have in each cell. slots: None without a breakdown."""
    keys = matched.keys
    if not keys.size:
        return Contribution({}, {})
    cells, names = cells_of(part, matched, starts_ms, slots)
    if cells is None:
        counts = {names[0]: int(keys.size)}
        return Contribution(counts, {names[0]: _once(_persons(keys, users), is_sorted=users is None)} if with_persons else {})
    sizes = np.bincount(cells, minlength=len(names)).tolist()
    counts = {name: size for name, size in zip(names, sizes, strict=True) if size}
    if not with_persons:
        return Contribution(counts, {})
    persons = _persons(keys, users)
    if len(counts) <= FEW_CELLS:
        picked = {name: np.flatnonzero(cells == place) for place, name in enumerate(names) if name in counts}
        return Contribution(counts, {name: _once(persons[rows], is_sorted=users is None) for name, rows in picked.items()})
    cells, persons = _pairs(cells, persons, is_sorted=users is None)
    ends = np.cumsum(np.bincount(cells, minlength=len(names))).tolist()
    spans = zip(names, [0, *ends], ends, strict=False)
    return Contribution(counts, {name: persons[low:high] for name, low, high in spans if low < high})


def _persons(keys: Keys, users: NDArray[np.uint32] | None) -> Persons:
    persons = (keys >> _SHIFT).astype(np.uint32)
    return persons if users is None else users[persons]


def _pairs(cells: NDArray[Any], persons: Persons, *, is_sorted: bool) -> tuple[NDArray[Any], Persons]:
    """Each pair once, by cell and then by person. is_sorted: whether the persons ascend."""
    if not is_sorted:
        pairs = distinct((cells.astype(np.uint64) << _PERSON_BITS) | persons)
        return (pairs >> _PERSON_BITS).astype(np.int64), (pairs & _PERSON).astype(np.uint32)
    cells, persons = _without_repeats(cells, persons)
    order = np.argsort(cells, kind="stable")  # of small integers, which are put into order without comparing any two
    return _without_repeats(cells[order], persons[order])


def _without_repeats(cells: NDArray[Any], persons: Persons) -> tuple[NDArray[Any], Persons]:
    """Each pair that isn't as the one before."""
    is_next = np.ones(cells.size, np.bool_)
    is_next[1:] = (cells[1:] != cells[:-1]) | (persons[1:] != persons[:-1])
    rows = np.flatnonzero(is_next)
    return cells[rows], persons[rows]


def cells_of(
    part: Part, matched: Matched, starts_ms: Sequence[int], slots: Slots | None
) -> tuple[NDArray[Any] | None, list[Cell]]:
    """Each row's place among these cells, of which some may have none; None where all are in the one."""
    first, last = (bisect_right(starts_ms, ms, 1) - 1 for ms in (part.min_ts_ms, part.max_ts_ms))
    buckets: NDArray[Any] | None = None
    if first < last:
        borders = np.array(starts_ms[first + 1 : last + 1], np.int64) - matched.origin_ms
        buckets = _buckets(matched.keys, borders, part.max_ts_ms - matched.origin_ms)
    if matched.codes is None or slots is None:
        return buckets, [(NO_VALUE_SLOT, bucket) for bucket in range(first, last + 1)]
    used, places = slots.of_codes(matched.dictionary)
    names = [(slot, bucket) for slot in used for bucket in range(first, last + 1)]
    kind = np.min_scalar_type(len(names))
    cells = (places * (last - first + 1)).astype(kind)[matched.codes]
    return cells if buckets is None else cells + buckets.astype(kind, copy=False), names


def _buckets(keys: Keys, borders: NDArray[np.int64], last: int) -> NDArray[Any]:
    """How many of the borders, which ascend, are at or before each key's time. last: none is after it."""
    kind = np.min_scalar_type(borders.size)
    if borders.size == 1:
        return ((keys & OFFSETS) >= np.uint64(borders[0])).astype(kind)
    width = int(borders[1] - borders[0])
    if (np.diff(borders) != width).any():
        return np.searchsorted(borders, (keys & OFFSETS).view(np.int64), "right").astype(kind)
    begin = int(borders[0]) - width
    if max(last, last - begin) < HALF:
        found: NDArray[Any] = keys.astype(np.uint32)  # times, which are in the lower bits
    else:
        found = (keys & OFFSETS).view(np.int64)
    if begin > 0:
        np.maximum(found, begin, out=found)
        found -= found.dtype.type(begin)
    else:
        found += found.dtype.type(-begin)
    found //= found.dtype.type(width)
    return np.minimum(found, borders.size, out=found).astype(kind)


def _once(persons: Persons, *, is_sorted: bool) -> Persons:
    """Each person once, ascending."""
    if not is_sorted:
        return distinct(persons)
    return persons[np.flatnonzero(np.concatenate((np.ones(min(1, persons.size), np.bool_), persons[1:] != persons[:-1])))]


def measures(
    contributions: Sequence[Contribution], measure: Measure, check: Callable[[], None]
) -> list[tuple[int, int | None, float]]:
    """(slot, bucket or None for the whole range, measure), as `trend_sql.cells_sql` answers: of events, of what keys are of, or how many of
    the former each of the latter has. check: called between unions."""
    found = _totals(contributions) if measure in ("total", "per_session") else _uniques(contributions, check)
    if measure == "per_session":
        found = {cell: found[cell] / size for cell, size in _uniques(contributions, check).items()}
    return [(slot, bucket, float(figure)) for (slot, bucket), figure in found.items()]


def _totals(contributions: Sequence[Contribution]) -> dict[tuple[int, int | None], float]:
    """Events of each cell and of each slot."""
    counts: Counter[tuple[int, int | None]] = Counter()
    for each in contributions:
        counts.update(each.counts)
    for (slot, _), count in list(counts.items()):
        counts[slot, None] += count
    return dict(counts)


def _uniques(contributions: Sequence[Contribution], check: Callable[[], None]) -> dict[tuple[int, int | None], float]:
    """Persons of each cell and of each slot, each once."""
    found: dict[tuple[int, int | None], list[Persons]] = defaultdict(list)
    for each in contributions:
        for (slot, bucket), persons in each.persons.items():
            found[slot, bucket].append(persons)
            found[slot, None].append(persons)
    return {cell: _union_size(lists, check) for cell, lists in found.items()}


def _union_size(lists: Sequence[Persons], check: Callable[[], None]) -> int:
    """How many distinct persons there are in all arrays together."""
    check()
    if len(lists) == 1:
        return int(lists[0].size)
    size = sum(persons.size for persons in lists)
    largest = max(int(persons[-1]) for persons in lists if persons.size) if size else 0
    if largest < 8 * size:
        flags = np.zeros(largest + 1, np.bool_)
        for persons in lists:
            flags[persons] = True
        return int(np.count_nonzero(flags))
    return int(distinct(np.concatenate(lists)).size)


def contribution_of(rows: Any) -> Contribution:
    """The contribution of the rest, from the answer of `trend_sql.pieces_sql`: parallel arrays of slot, bucket and person, in any order; or
    of slot, bucket, session and its events."""
    slots, buckets, persons, *events = (np.asarray(values, np.int64) for values in rows)
    if not slots.size:
        return Contribution({}, {})
    order = np.lexsort((persons, buckets, slots))
    slots, buckets, persons = slots[order], buckets[order], persons[order].astype(np.uint32)
    borders = np.flatnonzero(
        np.concatenate((np.ones(min(1, slots.size), np.bool_), (slots[1:] != slots[:-1]) | (buckets[1:] != buckets[:-1])))
    )
    ends = [*borders[1:].tolist(), slots.size]
    cells = [(int(slots[low]), int(buckets[low])) for low in borders.tolist()]
    spans = zip(cells, borders.tolist(), ends, strict=True)
    counts = dict(zip(cells, np.add.reduceat(events[0][order], borders).tolist(), strict=True)) if events else {}
    return Contribution(counts, {cell: persons[low:high] for cell, low, high in spans})
