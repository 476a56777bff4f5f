"""Makes an overview's figures from rows: of sessions, and of who saw how many pages when.

Rows come a share at a time and are kept as numbers: a value as its place among all values of its table, a person as their number. To count
each person once, pairs of a value and a person are marked in a bitmap, or sorted as one 64-bit word each.
"""

from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sv.engine.duck.overviews.overview_shares import Hashes
from sv.engine.duck.run import column_of
from sv.engine.port import OverviewRow
from sv.model.overview import Table

Numbers = NDArray[np.int64]

MARKED: Final = 32 << 20
"""Pairs of a value and a person that are marked, a byte each; where there could be more of them, those that there are are sorted."""

MAX_PERSONS: Final = 1 << 32
"""Numbers are dense, so that a folder would need as many persons."""

_PERSON_BITS: Final = np.uint64(32)


class _Texts(NamedTuple):
    """A column of texts. values: an Arrow array. places: of each row that of its text among them, null's being the one after the last."""

    places: NDArray[np.unsignedinteger[Any]]
    values: Any


class Rows:
    """Rows of one shape, a piece at a time. Texts are kept as places among the different ones, and numbers in as few bytes as they need."""

    def __init__(self) -> None:
        self._numbers: dict[str, list[NDArray[Any]]] = {}
        self._texts: dict[str, list[_Texts]] = {}

    def add(self, rows: Any) -> int:
        """rows: an Arrow table, without nulls but for texts. Says how many bytes are kept of it."""
        kept = 0
        for name in rows.column_names:
            column = rows.column(name).combine_chunks()
            if pa.types.is_string(column.type):
                texts = _encoded(column)
                self._texts.setdefault(name, []).append(texts)
                kept += texts.places.nbytes + texts.values.nbytes
            else:
                numbers = column.to_numpy(zero_copy_only=False)
                if numbers.dtype != np.bool_:
                    numbers = numbers.astype(np.min_scalar_type(numbers.max(initial=0)))
                self._numbers.setdefault(name, []).append(numbers)
                kept += numbers.nbytes
        return kept

    def numbers(self, name: str) -> NDArray[Any]:
        """A column of all pieces."""
        return np.concatenate(self._numbers[name])

    def drop(self, hashes: Hashes) -> None:
        """Leaves out the rows of these sessions, and then the column of hashes. Either every piece has hashes, or none has."""
        for at, own in enumerate(self._numbers.pop("session_hash", [])):
            if not hashes.size:
                continue
            others = hashes[np.minimum(np.searchsorted(hashes, own), hashes.size - 1)] != own
            for pieces in self._numbers.values():
                pieces[at] = pieces[at][others]
            for texts in self._texts.values():
                texts[at] = texts[at]._replace(places=texts[at].places[others])

    def coded(self, name: str) -> tuple[Numbers, Any]:
        """Of each row the place of its value, and the values as an Arrow array; the place after the last one is null's."""
        pieces = self._texts[name]
        whole = pa.concat_arrays([texts.values for texts in pieces]).dictionary_encode()
        null = len(whole.dictionary)
        given = np.split(whole.indices.to_numpy(), np.cumsum([len(texts.values) for texts in pieces])[:-1])
        codes = [np.append(places, null)[texts.places] for texts, places in zip(pieces, given, strict=True)]
        return np.concatenate(codes).astype(np.int64), whole.dictionary


def _encoded(column: Any) -> _Texts:
    encoded = column.dictionary_encode()
    null = len(encoded.dictionary)
    places = encoded.indices.fill_null(null).to_numpy()
    return _Texts(places.astype(np.min_scalar_type(null)), encoded.dictionary)


def session_measures(visits: Rows, buckets: int) -> NDArray[np.int64]:
    """Sessions, bounces and duration in ms, of each bucket and of all. visits: rows of the kind VISIT."""
    bucket, is_bounce = visits.numbers("bucket"), visits.numbers("is_bounce")
    return np.stack(
        [
            _with_sum(np.bincount(bucket, minlength=buckets)),
            _with_sum(np.bincount(bucket[is_bounce], minlength=buckets)),
            _with_sum(_sums(bucket, visits.numbers("duration_ms"), buckets)),
        ]
    )


def sessions_table(visits: Rows, table: Table, rows: int) -> list[OverviewRow]:
    """What sessions have in common. visits: rows of the kind VISIT."""
    codes, values = visits.coded(table.value)
    places = len(values) + 1
    visitors = _distinct(codes, visits.numbers("person"), places)
    sessions = np.bincount(codes, minlength=places)
    bounces = np.bincount(codes[visits.numbers("is_bounce")], minlength=places)
    duration_ms = _sums(codes, visits.numbers("duration_ms"), places)
    return [
        OverviewRow(_text(values, at), int(visitors[at]), 0, int(sessions[at]), int(bounces[at]), int(duration_ms[at]))
        for at in first_rows(visitors, sessions, values, rows)
    ]


def visitor_measures(seen: Rows, buckets: int) -> NDArray[np.int64]:
    """Visitors and pageviews, of each bucket and of all. seen: rows of the kind SEEN."""
    bucket, person = seen.numbers("bucket"), seen.numbers("person")
    visitors = np.append(_distinct(bucket, person, buckets), _distinct(np.zeros(person.size, np.int64), person, 1))
    return np.stack([visitors, _with_sum(_sums(bucket, seen.numbers("views"), buckets))])


def pages_table(pages: Rows, rows: int) -> list[OverviewRow]:
    """Who saw a page, and how often. pages: rows of the kind PAGE."""
    codes, values = pages.coded("page")
    places = len(values) + 1
    visitors = _distinct(codes, pages.numbers("person"), places)
    views = _sums(codes, pages.numbers("views"), places)
    shown = first_rows(visitors, views, values, rows)
    return [OverviewRow(_text(values, at), int(visitors[at]), int(views[at]), 0, 0, 0) for at in shown]


def first_rows(visitors: Numbers, others: Numbers, values: Any, rows: int) -> list[int]:
    """The rows that a table shows: those with most visitors first, then with most of the second figure, then by value, null last. Rows
    without anybody are left out."""
    ranks = (visitors.astype(np.uint64) << np.uint64(32)) | np.minimum(others, 0xFFFFFFFF).astype(np.uint64)
    places = np.flatnonzero(visitors)
    if places.size > rows:
        least = np.partition(ranks[places], places.size - rows)[places.size - rows]
        above, tied = places[ranks[places] > least], places[ranks[places] == least]
        has_text = tied < len(values)
        texts = pa.table({"text": values.take(pa.array(tied[has_text])), "place": tied[has_text]}).sort_by("text")
        ordered = np.concatenate((column_of(texts, "place"), tied[~has_text]))
        places = np.concatenate((above, ordered[: rows - above.size]))
    return sorted(
        places.tolist(), key=lambda at: (-int(visitors[at]), -int(others[at]), at == len(values), _text(values, at) or "")
    )


def _text(values: Any, place: int) -> str | None:
    return values[place].as_py() if place < len(values) else None


def _distinct(codes: NDArray[Any], persons: NDArray[np.uint32], places: int) -> Numbers:
    """How many persons there are of each code."""
    people = int(persons.max(initial=0)) + 1
    if people > MAX_PERSONS:
        raise OverflowError(f"expected persons' numbers below 2^32, got {people - 1}")
    if places * people <= MARKED:
        marks = np.zeros(places * people, np.bool_)
        marks[codes.astype(np.int64) * people + persons] = True
        return np.count_nonzero(marks.reshape(places, people), axis=1)
    pairs = (codes.astype(np.uint64) << _PERSON_BITS) | persons
    pairs.sort()
    is_first = np.ones(pairs.size, np.bool_)
    np.not_equal(pairs[1:], pairs[:-1], out=is_first[1:])
    return np.bincount((pairs[is_first] >> _PERSON_BITS).astype(np.int64), minlength=places)


def _sums(codes: NDArray[Any], numbers: Numbers, places: int) -> Numbers:
    """Not `np.bincount` with weights, which are floats."""
    sums = np.zeros(places, np.int64)
    np.add.at(sums, codes, numbers.astype(np.int64))
    return sums


def _with_sum(numbers: Numbers) -> Numbers:
    return np.append(numbers, numbers.sum())
