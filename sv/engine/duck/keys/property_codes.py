"""The properties in a key file: for each property without a typed column a code per row, and the values that the codes stand for.

Many properties are of a few events: codes are of the rows from the first of these events, by name, to the last. Values are JSON texts as
they are in the events' JSON; null is the same as absent. A property of more than a few values, all of them numbers
that a double holds exactly, has the numbers, ascending: nobody has to read them out of texts. Any other with few values has its texts,
ascending. Properties that fit neither have to be read from the part. Assumes canonical JSON without repeated keys. Never handles rows
one by one.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import duckdb
import msgspec
import numpy as np
import pyarrow as pa
from msgspec import Struct
from numpy.typing import NDArray

from sv.engine.duck.files import BATCH_ROWS, read_files
from sv.engine.duck.keys.key_order import Codes, Order
from sv.engine.duck.properties import IS_BOT, pointer
from sv.engine.duck.schema import STRING_PROPERTY_COLUMNS

MIN_ROWS: Final = 1024
"""A part of fewer rows is read quickly, and is soon merged."""

MAX_PROPERTIES: Final = 256
"""Of a part that get codes, those of most events first."""

MAX_CODES_A_ROW: Final = 32
"""Of a part's rows on average."""

MAX_LISTED: Final = 256
"""Of a part whose names are kept. Where there are no more, a property that is not among them is known to be absent."""

MAX_TEXTS: Final = 4096
MAX_TEXT_CHARS: Final = 1024
MAX_TEXTS_CHARS: Final = 262_144

MIN_NUMBERS: Final = 256
"""Numbers of which there are fewer are texts: files that have the same few values are asked about them together."""

MAX_NUMBERS: Final = 32_768
"""Codes have at most two bytes, and while they are made each value is a Python object."""

PASS_BYTES: Final = 32 << 20
"""Of codes that are in memory at once; a part for which that is not enough is read several times."""

MAX_A_PASS: Final = 8
"""Properties, of many rows."""

CELLS_A_PASS: Final = 262_144
"""Rows by properties of them, up to which more are read at once: 1,200 rows of 240 events with a property each took twelve times as long
with a pass for each."""

NUMBER_BEGINS: Final = frozenset("-0123456789")
"""With one of these the JSON text of a number begins, and of nothing else."""

_MAX_BYTE: Final = 256

Span = tuple[int, int]
"""Rows of a key file, half-open."""


class PropertyColumn(Struct, frozen=True):
    """at: where the codes begin in the file; None where all rows have the one value. width: bytes of a code. values_at, values_bytes: where
    the values are: a MessagePack array of texts and None, or doubles, ascending, of which code 0 is none: the property is absent. span: the
    rows that have codes; all others have code 0, and where `at` is None too, these have code 1. None for all rows."""

    at: int | None
    width: int
    values_at: int
    values_bytes: int
    is_numeric: bool
    span: Span | None = None


class Listed(NamedTuple):
    """A property, and the rows from the first event that has it to the last one, of the names `first` to `last`."""

    name: str
    first: str
    last: str
    span: Span


class Coded(Struct, frozen=True):
    """A property to be written. codes: of the span's rows, in the keys' order; empty where all have the same value. values, span: as in
    `PropertyColumn`."""

    name: str
    codes: Codes
    values: bytes
    is_numeric: bool
    span: Span | None


def listed_properties(cursor: duckdb.DuckDBPyConnection, source: Path, ranges: Mapping[str, Span]) -> list[Listed]:
    """The part's properties without a typed column, those of most events first; at most MAX_LISTED + 1. ranges: each event's rows."""
    rows = cursor.execute(
        f"""
        select key, min(event), max(event)
        from (select event, unnest(json_keys(properties)) as key from ({read_files([source])}))
        where key not in (select unnest($typed::varchar[]))
        group by key
        order by count(*) desc, key
        limit {MAX_LISTED + 1}
        """,
        {"typed": [*STRING_PROPERTY_COLUMNS, IS_BOT]},
    ).fetchall()
    return [Listed(key, first, last, (ranges[first][0], ranges[last][1])) for key, first, last in rows]


def coded_properties(
    cursor: duckdb.DuckDBPyConnection, source: Path, rows: int, listed: Sequence[Listed], order: Order | None
) -> Iterator[Coded]:
    """Those of these properties that codes can say, one after the other. order: of the keys, as `order_of` has it."""
    place_of: NDArray[np.uint32] | None = None
    if order is not None and listed:
        place_of = np.empty(rows, np.uint32)
        place_of[order] = np.arange(rows, dtype=np.uint32)
    for some in passes(_chosen(listed, rows)):
        columns = [_Column(each, rows) for each in some]
        texts = ", ".join(f"list[{nth}]::varchar as p{nth}" for nth in range(1, len(some) + 1))
        reader: Any = cursor.sql(
            f"""
            select place, {texts}
            from (
              select place, json_extract(properties, $pointers) as list
              from ({read_files([source], with_place=True)})
              where event between $first and $last
            )
            """,
            params={
                "pointers": [pointer(each.name) for each in some],
                "first": min(each.first for each in some),
                "last": max(each.last for each in some),
            },
        ).to_arrow_reader(BATCH_ROWS)
        for batch in reader:  # in any order
            places: NDArray[np.int64] = batch.column("place").to_numpy(zero_copy_only=False)
            at = places if place_of is None else place_of[places].astype(np.int64)
            for nth, column in enumerate(columns, start=1):
                column.add(at, batch.column(f"p{nth}"))
        while columns:  # each is let go as soon as it is written
            coded = columns.pop(0).finish()
            if coded is not None:
                yield coded


def _chosen(listed: Sequence[Listed], rows: int) -> list[Listed]:
    """The properties that may have codes, as many as have room."""
    left = MAX_CODES_A_ROW * rows
    chosen: list[Listed] = []
    for each in listed:
        low, high = each.span
        if high - low <= left and len(chosen) < MAX_PROPERTIES:
            chosen.append(each)
            left -= high - low
    return chosen


def passes(chosen: Sequence[Listed]) -> Iterator[list[Listed]]:
    """The properties, as many at a time as may be read at once, those of the same and of neighbouring events together."""
    some: list[Listed] = []
    held = begin = end = 0
    for each in sorted(chosen, key=lambda each: each.span):
        low, high = each.span
        cells = (len(some) + 1) * (max(end, high) - begin)
        is_full = cells > CELLS_A_PASS and (low >= end or len(some) >= MAX_A_PASS)
        if some and (is_full or held + 2 * (high - low) > PASS_BYTES):
            yield some
            some, held, end = [], 0, 0
        begin = begin if some else low
        some.append(each)
        held += 2 * (high - low)
        end = max(end, high)
    if some:
        yield some


class _Column:
    """Collects one property's codes, and gives up when it has too many values."""

    def __init__(self, listed: Listed, rows: int) -> None:
        self._name = listed.name
        self._low, self._high = listed.span
        self._is_of_all = listed.span == (0, rows)
        self._codes = np.zeros(-(-(self._high - self._low) // 8) * 8, np.uint16)
        self._places: dict[str | None, int] | None = {None: 0}
        self._chars = 0
        self._has_only_numbers = True
        self._is_always_there = True

    def add(self, at: NDArray[np.int64], column: Any) -> None:
        """The values of these rows of the key file, as an Arrow array of JSON texts."""
        if self._places is None:
            return
        if not self._is_of_all:
            within = np.flatnonzero((at >= self._low) & (at < self._high))
            if within.size < at.size:
                at, column = at[within], column.take(pa.array(within))
        encoded = column.dictionary_encode(null_encoding="encode")
        if len(encoded.dictionary) > MAX_NUMBERS:
            self._places = None
            return
        values: list[str | None] = [None if value == "null" else value for value in encoded.dictionary.to_pylist()]
        for value in values:
            if value is None:
                self._is_always_there = False
            elif value not in self._places:
                self._places[value] = len(self._places)
                self._chars += len(value)
                self._has_only_numbers &= value[0] in NUMBER_BEGINS
                if len(value) > MAX_TEXT_CHARS:
                    self._places = None
                    return
        if not self._fits():
            self._places = None
            return
        table = np.array([self._places[value] for value in values], np.uint16)
        self._codes[at - self._low] = table[encoded.indices.to_numpy(zero_copy_only=False)]

    def _fits(self) -> bool:
        count = len(self._places or ())
        if self._has_only_numbers:
            return count <= MAX_NUMBERS
        return count <= MAX_TEXTS and self._chars <= MAX_TEXTS_CHARS

    def finish(self) -> Coded | None:
        """The column; None where it has too many values."""
        if self._places is None:
            return None
        texts = [text for text in self._places if text is not None]
        has_few = len(texts) < MAX_TEXTS and self._chars <= MAX_TEXTS_CHARS
        coded = None
        if self._has_only_numbers and (len(texts) >= MIN_NUMBERS or not has_few):
            coded = self._finish_numbers(texts)
        return self._finish_texts(texts) if coded is None and has_few else coded

    def _finish_texts(self, texts: Sequence[str]) -> Coded:
        """With texts in ascending order, so that files with the same values store the same bytes."""
        order = sorted(range(len(texts)), key=texts.__getitem__)
        listed = [None, *(texts[place] for place in order)]
        if self._is_always_there and len(texts) == 1:
            values, span = (listed[1:], None) if self._is_of_all else (listed, (self._low, self._high))
            return Coded(self._name, self._codes[:0], msgspec.msgpack.encode(values), False, span)
        self._renumber(np.array(order, np.int64))
        return self._coded(len(listed), msgspec.msgpack.encode(listed), is_numeric=False)

    def _finish_numbers(self, texts: Sequence[str]) -> Coded | None:
        """With the numbers in ascending order; None where a double doesn't hold one of them exactly."""
        exact = [msgspec.json.decode(text) for text in texts]
        try:
            numbers = np.array(exact, np.float64)
        except OverflowError:
            return None
        if numbers.tolist() != exact:
            return None
        order = np.argsort(numbers, kind="stable")
        self._renumber(order)
        return self._coded(len(texts) + 1, numbers[order].tobytes(), is_numeric=True)

    def _renumber(self, order: NDArray[np.int64]) -> None:
        """order: the places of the values; the first one gets code 1."""
        code_of = np.zeros(order.size + 1, np.uint16)
        code_of[order + 1] = np.arange(1, order.size + 1, dtype=np.uint16)
        self._codes = code_of[self._codes]

    def _coded(self, count: int, values: bytes, *, is_numeric: bool) -> Coded:
        codes: Codes = self._codes
        if count <= 1:
            codes = codes[:0]
        elif count <= _MAX_BYTE:
            codes = codes.astype(np.uint8)
        span = None if self._is_of_all or count <= 1 else (self._low, self._high)
        return Coded(self._name, codes, values, is_numeric, span)
