"""Measures of a property's numbers, combined from pieces: sums, averages, extremes and quantiles by bucket and breakdown value.

A sum is exact and rounded once, whatever the order of its numbers and wherever they come from: each file contributes an integer, in units
of 2 ** -SCALE. A quantile is computed from the distinct numbers and how many events have each; where it lies between two of them it is
interpolated as by the engine's `quantile_cont`. Assumes finite numbers. Never asks SQL.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from typing import Any, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sv.engine.duck.keys.key_matching import Matched
from sv.engine.duck.keys.key_numbers import THEMSELVES
from sv.engine.duck.trends.trend_keys import Cell, Slots, cells_of
from sv.engine.port import Measure
from sv.model.part import Part

Form = Literal["sums", "extremes", "quantiles"]
"""What the pieces of a measure are.

sums: (the sum in units of 2 ** -SCALE, of how many events), integers. extremes: the least or the greatest. quantiles: (numbers, ascending,
how many events have one up to each).
"""

Piece = tuple[Cell, Any]
Distinct = tuple[NDArray[np.float64], NDArray[np.int64]]
"""(numbers, ascending; how many events have one up to each)."""

Row = tuple[int, int | None, float]

SCALE: Final = 1200
"""Every double is a multiple of 2 ** -1074; SQL's sums are in units that may be 2 ** 76 times smaller."""

QUANTILES: Final[dict[str, float]] = {"median": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}

DENSE: Final = 4
"""Numbers of each cell are counted in a table where it has at most so many entries an event, else they are sorted."""

SUM_BITS: Final = 53
"""Whole numbers of so many bits a double holds: in a slice are as many bits as its sum leaves room for."""

MAX_SLICE_BITS: Final = 50
"""A number is at most 2 ** 49 units of a slice, so that one and a half times 2 ** 52 may be added to it."""

ROWS_A_NUMBER: Final = 4
"""Where a cell has fewer rows for each number that there may be, the rows' numbers are added one by one, not how often each comes."""

_LEAST_BITS: Final = -1074
"""All doubles are whole units of so many bits."""

_LARGE: Final = 2.0**900
_DOWN: Final = 200
"""By how many bits numbers that are larger are scaled down, since what they would be added to is no double."""


def form_of(measure: Measure) -> Form:
    """How a measure of numbers is put together."""
    if measure in ("sum", "avg"):
        return "sums"
    return "extremes" if measure in ("min", "max") else "quantiles"


class Tally(NamedTuple):
    """How many events of each cell have each number, ordered by cell and then by number; of rows a number may come several times. places:
    of the cell in `cells`; None where there is only one. counts: None for one each."""

    cells: Sequence[Cell]
    places: NDArray[np.int64] | None
    numbers: NDArray[np.float64]
    counts: NDArray[np.int64] | None


_NOTHING: Final = Tally((), np.empty(0, np.int64), np.empty(0, np.float64), np.empty(0, np.int64))


class Allowance:
    """How many numbers may still be held one by one; None is any number of them. Threads may go a little over it."""

    def __init__(self, most: int | None) -> None:
        self._left = most

    @property
    def is_over(self) -> bool:
        return self._left is not None and self._left < 0

    def take(self, matched: Matched) -> bool:
        """Whether these rows' may be held too."""
        if self._left is not None and matched.numbers is THEMSELVES:
            self._left -= matched.keys.size
        return not self.is_over


def measured(matched: Matched) -> Matched:
    """Those rows that have a number."""
    rows = _rows_with_number(matched)
    if rows is None or matched.number_codes is None:
        return matched
    codes = None if matched.codes is None else matched.codes[rows]
    return matched._replace(keys=matched.keys[rows], codes=codes, number_codes=matched.number_codes[rows])


def _rows_with_number(matched: Matched) -> NDArray[np.int64] | None:
    """None for all of them."""
    codes = matched.number_codes
    if codes is None:
        return None
    if matched.numbers is THEMSELVES:
        is_there = ~np.isnan(codes)
    elif isinstance(matched.numbers.ascending, slice):
        is_there = codes
    else:
        is_there = ~np.isnan(matched.numbers.of_codes)[codes]
    return None if is_there.all() else np.flatnonzero(is_there)


def tally(part: Part, matched: Matched, starts_ms: Sequence[int], slots: Slots | None, measure: Measure) -> Tally:
    """The numbers of these rows in each cell, for `pieces_of` the same measure. slots: None without a breakdown."""
    codes, of_codes, ascending = matched.number_codes, matched.numbers.of_codes, matched.numbers.ascending
    if codes is None or not codes.size:
        return _NOTHING
    form = form_of(measure)
    is_of_rows = matched.numbers is THEMSELVES
    cells, names = cells_of(part, matched, starts_ms, slots)
    is_ordered = isinstance(ascending, slice)
    is_sparse = codes.size < ROWS_A_NUMBER * of_codes.size * len(names)
    if is_of_rows or (form == "extremes" and is_ordered) or (form == "sums" and is_sparse):
        rows = _rows_with_number(matched)
        if rows is not None:
            codes, cells = codes[rows], None if cells is None else cells[rows]
        if is_of_rows:
            return _tally_of_rows(codes, cells, names, measure)
        if form == "sums":
            return _tally_of_rows(of_codes[codes], cells, names, measure)
        found = _tally_of_rows(codes, cells, names, measure)  # of codes, which are in the numbers' order
        return found._replace(numbers=of_codes[found.numbers.astype(np.int64)])
    at = codes if cells is None else cells.astype(np.min_scalar_type(of_codes.size * len(names))) * of_codes.size + codes
    if of_codes.size * len(names) <= DENSE * at.size:
        table = np.bincount(at, minlength=of_codes.size * len(names)).reshape(-1, of_codes.size)[:, ascending]
        each = np.ascontiguousarray(table).reshape(-1)
        held = np.flatnonzero(each)
        if cells is None:
            return Tally(names, None, of_codes[ascending][held], each[held])
        borders = np.searchsorted(held, np.arange(len(names) + 1) * table.shape[1])
        places = np.repeat(np.arange(len(names)), np.diff(borders))
        return Tally(names, places, of_codes[ascending][held - places * table.shape[1]], each[held])
    pairs, counts = np.unique(at, return_counts=True)
    places, held = np.divmod(pairs, of_codes.size)
    numbers = of_codes[held]
    order = np.arange(held.size) if is_ordered else np.lexsort((numbers, places))
    order = order[~np.isnan(numbers[order])]
    return Tally(names, places[order], numbers[order], counts[order])


def _tally_of_rows(numbers: NDArray[Any], cells: NDArray[Any] | None, names: Sequence[Cell], measure: Measure) -> Tally:
    """Of rows that have the numbers themselves. For sums they are in any order, and of extremes there is one in each cell."""
    if not numbers.size:
        return _NOTHING
    places = None if cells is None else cells.astype(np.int64)
    form = form_of(measure)
    if form == "extremes":
        places, numbers = _extremes(cells, numbers, np.fmin if measure == "min" else np.fmax)
    elif form == "quantiles" and places is None:
        numbers = np.sort(numbers)
    elif form == "quantiles" and places is not None:
        order = np.lexsort((numbers, places))
        places, numbers = places[order], numbers[order]
    return Tally(names, places, numbers, None)


def _extremes(
    cells: NDArray[Any] | None, numbers: NDArray[Any], choose: np.ufunc
) -> tuple[NDArray[np.int64] | None, NDArray[Any]]:
    """The cells that have numbers, and of each the one that is chosen."""
    if cells is None:
        return None, np.array([choose.reduce(numbers)])
    order = np.argsort(cells, kind="stable")
    ordered = cells[order]
    firsts = np.concatenate(([0], np.flatnonzero(ordered[1:] != ordered[:-1]) + 1))
    return ordered[firsts].astype(np.int64), choose.reduceat(numbers[order], firsts)


def tally_of(slots: NDArray[Any], buckets: NDArray[Any], numbers: NDArray[np.float64], counts: NDArray[Any]) -> Tally:
    """The tally of the rest, from the answer of `trend_sql.number_pieces_sql`: parallel arrays in any order."""
    order = np.lexsort((numbers, buckets, slots))
    slots, buckets = slots[order], buckets[order]
    is_next = (slots[1:] != slots[:-1]) | (buckets[1:] != buckets[:-1])
    firsts = np.concatenate((np.zeros(min(1, order.size), np.int64), np.flatnonzero(is_next) + 1))
    cells = list(zip(slots[firsts].tolist(), buckets[firsts].tolist(), strict=True))
    places = np.concatenate((np.zeros(min(1, order.size), np.int64), np.cumsum(is_next)))
    return Tally(cells, places, numbers[order], counts[order].astype(np.int64))


def pieces_of(found: Tally, measure: Measure) -> list[Piece]:
    """What is kept of a file's numbers."""
    form = form_of(measure)
    if form == "sums":
        return _sums(found)
    places = np.zeros(found.numbers.size, np.int64) if found.places is None else found.places
    borders = np.searchsorted(places, np.arange(len(found.cells) + 1)).tolist()
    spans = [(cell, low, high) for cell, low, high in zip(found.cells, borders, borders[1:], strict=False) if low < high]
    if form == "extremes":
        return [(cell, found.numbers[low if measure == "min" else high - 1].item()) for cell, low, high in spans]
    counts = np.ones(found.numbers.size, np.int64) if found.counts is None else found.counts
    return [(cell, (found.numbers[low:high], np.cumsum(counts[low:high]))) for cell, low, high in spans]


def _sums(found: Tally) -> list[Piece]:
    """The numbers are cut into slices, the highest bits first; sums of a slice are exact, in whatever order."""
    numbers, places, cells = found.numbers, found.places, len(found.cells)
    counts = None if found.counts is None else found.counts.astype(np.float64)
    if places is not None:
        events: list[float] = np.bincount(places, counts, cells).tolist()
    else:
        events = [float(numbers.size if counts is None else counts.sum())]
    largest = max(-float(numbers.min(initial=0.0)), float(numbers.max(initial=0.0)))
    pieces = [(numbers, 0)]
    if largest > _LARGE:
        is_large = np.abs(numbers) > _LARGE
        pieces = [(np.where(is_large, 0.0, numbers), 0), (np.ldexp(np.where(is_large, numbers, 0.0), -_DOWN), _DOWN)]
    totals = [0] * cells
    slice_bits = min(SUM_BITS - int(sum(events)).bit_length(), MAX_SLICE_BITS)
    for piece, down in pieces:
        for sums in _slice_sums(found._replace(numbers=piece), counts, slice_bits):
            for place, each in enumerate(sums):
                if each:
                    dividend, divisor = each.as_integer_ratio()
                    totals[place] += dividend * ((1 << (SCALE + down)) // divisor)
    return [(cell, (totals[place], int(events[place]))) for place, cell in enumerate(found.cells) if events[place]]


def _slice_sums(found: Tally, counts: NDArray[np.float64] | None, slice_bits: int) -> Iterator[list[float]]:
    """By cell, a slice after the other. A number is added to one and a half times 2 ** 52 units, which rounds it to whole units."""
    numbers = found.numbers
    largest = max(-float(numbers.min(initial=0.0)), float(numbers.max(initial=0.0)))
    unit_bits = math.frexp(largest)[1] - slice_bits + 1
    while unit_bits > _LEAST_BITS and numbers.any():
        shift = math.ldexp(1.5, unit_bits + 52)
        sliced = numbers + shift
        sliced -= shift
        yield _by_cell(found.places, sliced, counts, len(found.cells))
        numbers = np.subtract(numbers, sliced, out=sliced)
        unit_bits -= slice_bits
    if numbers.any():
        yield _by_cell(found.places, numbers, counts, len(found.cells))


def _by_cell(
    places: NDArray[np.int64] | None, numbers: NDArray[np.float64], counts: NDArray[np.float64] | None, cells: int
) -> list[float]:
    """The sum in each cell of whole numbers, of which each comes so often."""
    if places is not None:
        return np.bincount(places, numbers if counts is None else numbers * counts, cells).tolist()
    return [float(numbers.sum() if counts is None else (numbers * counts).sum())]


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


def _quantile(held: Sequence[Distinct], fraction: float, *, is_fused: bool) -> float:
    position = float(sum(int(ends[-1]) for _, ends in held) - 1) * fraction
    places = math.floor(position), math.ceil(position)
    # What is looked for lies among the pieces' own quantiles, or hardly beyond: few numbers have to be put in order.
    own = [(numbers, ends, (int(ends[-1]) - 1) * fraction) for numbers, ends in held]
    least = min(_nth(numbers, ends, math.floor(place)) for numbers, ends, place in own)
    greatest = max(_nth(numbers, ends, math.ceil(place)) for numbers, ends, place in own)
    found = _at(held, places, least, greatest) or _at(held, places, -math.inf, math.inf)
    assert found is not None
    part = position - places[0]
    return between(*found, part, is_fused=is_fused) if part else found[0]


def _at(held: Sequence[Distinct], places: tuple[int, int], least: float, greatest: float) -> tuple[float, float] | None:
    """The numbers at two places among those of all pieces in order; None where one isn't in [least, greatest]."""
    before, numbers, counts = 0, [], []
    for of_piece, ends in held:
        low, high = int(np.searchsorted(of_piece, least, "left")), int(np.searchsorted(of_piece, greatest, "right"))
        below = int(ends[low - 1]) if low else 0
        before += below
        numbers.append(of_piece[low:high])
        counts.append(np.diff(ends[low:high], prepend=below))
    within = np.concatenate(numbers)
    order = np.argsort(within, kind="stable")  # pieces ascend, which this kind makes use of
    within, upto = within[order], before + np.cumsum(np.concatenate(counts)[order])
    if not within.size or places[0] < before or places[1] >= upto[-1]:
        return None
    return _nth(within, upto, places[0]), _nth(within, upto, places[1])


def _nth(numbers: NDArray[np.float64], ends: NDArray[np.int64], place: int) -> float:
    return numbers[np.searchsorted(ends, place, "right")].item()


def between(low: float, high: float, part: float, *, is_fused: bool) -> float:
    """The number between two others, interpolated as the engine does it. is_fused: whether the engine was compiled to multiply and add in
    one step, rounded once; builds differ."""
    if not is_fused:
        return low * (1.0 - part) + high * part
    return float(Fraction(low) * Fraction(1.0 - part) + Fraction(high * part))
