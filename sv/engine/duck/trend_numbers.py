"""Measures of a property's numbers, put together from pieces: sums, averages, extremes and quantiles by bucket and breakdown value.

A sum is the exact one, rounded once, whatever order its numbers come in and whatever they come out of: a file's share of it is an integer,
of units of 2 ** -SCALE. A quantile is of the numbers that there are and how many events have each, and lies between two of them where the
engine's `quantile_cont` has it. Assumes finite numbers. Never asks SQL.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Any, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sv.engine.duck.key_reading import Matched
from sv.engine.duck.trend_keys import Cell, Slots, cells_of
from sv.engine.port import Measure
from sv.model.part import Part

Form = Literal["sums", "extremes", "quantiles"]
"""What the pieces of a measure are.

sums: (the sum in units of 2 ** -SCALE, of how many events), integers. extremes: the least or the greatest. quantiles: (numbers, ascending,
how many events have each).
"""

Piece = tuple[Cell, Any]
Row = tuple[int, int | None, float]

SCALE: Final = 1200
"""Every double is a multiple of 2 ** -1074, and is taken apart into integers times powers of two that are no smaller than this one."""

QUANTILES: Final[dict[str, float]] = {"median": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}

DENSE: Final = 4
"""Numbers of each cell are counted in a table where it has at most so many entries an event, else they are sorted."""

_LIMB_BITS: Final = 18
_LIMB: Final = (1 << _LIMB_BITS) - 1
_BIN_BITS: Final = 3
"""Exponents are gathered by eight. A limb, a shift of up to seven bits and 2 ** 23 events in a file make 48 bits, which a double holds."""


def form_of(measure: Measure) -> Form:
    """How a measure of numbers is put together."""
    if measure in ("sum", "avg"):
        return "sums"
    return "extremes" if measure in ("min", "max") else "quantiles"


class Tally(NamedTuple):
    """How many events of a cell have a number, by cell and then by number, ascending. places: of the cell in `cells`."""

    cells: Sequence[Cell]
    places: NDArray[np.int64]
    numbers: NDArray[np.float64]
    counts: NDArray[np.int64]


_NOTHING: Final = Tally((), np.empty(0, np.int64), np.empty(0, np.float64), np.empty(0, np.int64))


def measured(matched: Matched) -> Matched:
    """Those rows that have a number."""
    if matched.number_codes is None or not matched.numbers.has_others:
        return matched
    rows = np.flatnonzero((matched.numbers.places < matched.numbers.values.size)[matched.number_codes])
    codes = None if matched.codes is None else matched.codes[rows]
    return matched._replace(keys=matched.keys[rows], codes=codes, number_codes=matched.number_codes[rows])


def tally(part: Part, matched: Matched, starts_ms: Sequence[int], slots: Slots | None) -> Tally:
    """The numbers of these rows in each cell. slots: None without a breakdown."""
    values, codes = matched.numbers.values, matched.number_codes
    if codes is None or not codes.size or not values.size:
        return _NOTHING
    cells, names = cells_of(part, matched, starts_ms, slots)
    stride = values.size + 1
    at = matched.numbers.places[codes]
    if cells is not None:
        at += cells.astype(np.int64) * stride
    size = stride * len(names)
    if size <= DENSE * at.size:
        table = np.bincount(at, minlength=size)
        pairs = np.flatnonzero(table)
        counts = table[pairs]
    else:
        pairs, counts = np.unique(at, return_counts=True)
    cell, place = np.divmod(pairs, stride)
    kept = np.flatnonzero(place < values.size)
    return Tally(names, cell[kept], values[place[kept]], counts[kept])


def tally_of(slots: NDArray[Any], buckets: NDArray[Any], numbers: NDArray[np.float64], counts: NDArray[Any]) -> Tally:
    """The rest's, of `trend.number_pieces_sql`'s answer: parallel arrays in any order."""
    order = np.lexsort((numbers, buckets, slots))
    slots, buckets = slots[order], buckets[order]
    is_next = (slots[1:] != slots[:-1]) | (buckets[1:] != buckets[:-1])
    firsts = np.concatenate((np.zeros(min(1, order.size), np.int64), np.flatnonzero(is_next) + 1))
    cells = list(zip(slots[firsts].tolist(), buckets[firsts].tolist(), strict=True))
    places = np.concatenate((np.zeros(min(1, order.size), np.int64), np.cumsum(is_next)))
    return Tally(cells, places, numbers[order], counts[order].astype(np.int64))


def pieces_of(found: Tally, measure: Measure) -> list[Piece]:
    """What is kept of a file's numbers."""
    borders = np.searchsorted(found.places, np.arange(len(found.cells) + 1)).tolist()
    spans = [(cell, low, high) for cell, low, high in zip(found.cells, borders, borders[1:], strict=False) if low < high]
    match form_of(measure):
        case "sums":
            return _sums(found)
        case "extremes":
            return [(cell, found.numbers[low if measure == "min" else high - 1].item()) for cell, low, high in spans]
        case "quantiles":
            return [(cell, (found.numbers[low:high], found.counts[low:high])) for cell, low, high in spans]


def _sums(found: Tally) -> list[Piece]:
    """The numbers' mantissas are taken apart into limbs, whose sums are exact, by cell and by exponent."""
    if not found.numbers.size:
        return []
    mantissas, exponents = np.frexp(found.numbers)
    whole = (mantissas * (1 << 53)).astype(np.int64)
    exponents = exponents.astype(np.int64) - 53
    bins = exponents >> _BIN_BITS
    first = int(bins.min())
    width = int(bins.max()) - first + 1
    at = found.places * width + (bins - first)
    factors = (found.counts << (exponents & ((1 << _BIN_BITS) - 1))).astype(np.float64)
    size = len(found.cells) * width
    high, middle, low = (
        np.bincount(at, limb * factors, size).reshape(-1, width).tolist()
        for limb in (whole >> 2 * _LIMB_BITS, (whole >> _LIMB_BITS) & _LIMB, whole & _LIMB)
    )
    counts = np.bincount(found.places, found.counts, len(found.cells)).tolist()
    pieces: list[Piece] = []
    for place, cell in enumerate(found.cells):
        if counts[place]:
            total = 0
            for nth, limbs in enumerate(zip(high[place], middle[place], low[place], strict=True)):
                if any(limbs):
                    of_bin = sum(int(limb) << bits * _LIMB_BITS for limb, bits in zip(limbs, (2, 1, 0), strict=True))
                    total += of_bin << (SCALE + ((first + nth) << _BIN_BITS))
            pieces.append((cell, (total, int(counts[place]))))
    return pieces


def measures(pieces: Iterable[Piece], measure: Measure, check: Callable[[], None], *, is_fused: bool) -> list[Row]:
    """(slot, bucket or None for the whole range, measure). check: called between cells. is_fused: as of `between`."""
    by_cell: dict[tuple[int, int | None], list[Any]] = defaultdict(list)
    for (slot, bucket), piece in pieces:
        by_cell[slot, bucket].append(piece)
        by_cell[slot, None].append(piece)
    rows: list[Row] = []
    for (slot, bucket), held in by_cell.items():
        check()
        rows.append((slot, bucket, _measure(held, measure, is_fused=is_fused)))
    return rows


def _measure(held: Sequence[Any], measure: Measure, *, is_fused: bool) -> float:
    match measure:
        case "min":
            return min(held)
        case "max":
            return max(held)
        case "sum":
            return _quotient(sum(total for total, _ in held), 1 << SCALE)
        case "avg":
            return _quotient(sum(total for total, _ in held), sum(count for _, count in held) << SCALE)
        case _:
            return _quantile(held, QUANTILES[measure], is_fused=is_fused)


def _quotient(dividend: int, divisor: int) -> float:
    """Rounded once; inf for what no double can hold."""
    try:
        return dividend / divisor
    except OverflowError:
        return math.inf if dividend > 0 else -math.inf


def _quantile(held: Sequence[tuple[NDArray[np.float64], NDArray[np.int64]]], fraction: float, *, is_fused: bool) -> float:
    numbers, counts = held[0]
    if len(held) > 1:
        numbers, counts = (np.concatenate(arrays) for arrays in zip(*held, strict=True))
        order = np.argsort(numbers, kind="stable")  # pieces ascend, which this kind makes use of
        numbers, counts = numbers[order], counts[order]
    ends = np.cumsum(counts)
    position = float(ends[-1] - 1) * fraction
    low, high = (numbers[np.searchsorted(ends, place, "right")].item() for place in (math.floor(position), math.ceil(position)))
    part = position - math.floor(position)
    return between(low, high, part, is_fused=is_fused) if part else low


def between(low: float, high: float, part: float, *, is_fused: bool) -> float:
    """As the engine has it. is_fused: whether it was compiled to multiply and add in one step, rounded once; builds differ."""
    if not is_fused:
        return low * (1.0 - part) + high * part
    return float(Fraction(low) * Fraction(1.0 - part) + Fraction(high * part))
