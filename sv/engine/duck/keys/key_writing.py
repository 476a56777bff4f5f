"""Makes key files, whose layout is described in `key_files`, from parts."""

import zlib
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, BinaryIO, Final

import duckdb
import msgspec
import numpy as np
from numpy.typing import NDArray

from sv.engine.distinct import distinct
from sv.engine.duck.files import BATCH_ROWS, read_files
from sv.engine.duck.keys import fingerprints, property_codes, session_codes
from sv.engine.duck.keys.fingerprints import Fingerprints
from sv.engine.duck.keys.key_files import (
    CODED_COLUMNS,
    LAYOUT,
    MAGIC,
    MAX_PERSON,
    MAX_ROWS,
    PERSONS_A_BLOCK,
    TAIL,
    Column,
    Footer,
    Persons,
    Value,
    word_sum,
)
from sv.engine.duck.keys.key_order import KEY_BITS, Codes, Keys, Order, order_of, ordered
from sv.engine.duck.keys.property_codes import Listed, PropertyColumn, Span
from sv.engine.duck.keys.session_codes import Sessions
from sv.engine.duck.keys.value_writing import Facts, Source, write_values
from sv.model.part import Part

MAX_SPAN_MS: Final = (1 << KEY_BITS) - 1

MAX_NAMES: Final = 2_000
"""A part with more event names than this gets no key file: what is kept in memory of each file grows with them."""

MAX_CODES: Final = 255


class Unfit(Exception):
    """The part can have no key file. Says why."""


def write_key_file(cursor: duckdb.DuckDBPyConnection, source: Path, part: Part, target: Path) -> None:
    """Make the key file of a part, whose Parquet file is `source`, at `target`. The caller syncs and renames it.

    Raises Unfit, and what reading and writing raise.
    """
    if part.max_ts_ms - part.min_ts_ms > MAX_SPAN_MS or part.rows > MAX_ROWS:
        raise Unfit("its events are too many, or too far apart in time")
    names = cursor.execute(f"select event, count(*) from ({read_files([source])}) group by event order by event").fetchall()
    (largest,) = cursor.execute(f"select max(person) from ({read_files([source])})").fetchall()[0]
    if len(names) > MAX_NAMES or largest > MAX_PERSON:
        raise Unfit("it has too many event names, or its persons' numbers are too large")
    with target.open("wb") as file:
        writer = _Writer(file)
        writer.add(MAGIC)
        keys, coded, order = _read(cursor, source, part, [name for name, _ in names])
        writer.add(keys)
        written: dict[str, Column] = {}
        for name, column in coded.items():
            finished = column.finish(order)
            if finished is not None:
                values, codes = finished
                written[name] = Column(values, writer.add(codes) if codes.size else None)
        listed = None
        if part.rows >= property_codes.MIN_ROWS:
            listed = property_codes.listed_properties(cursor, source, _ranges(names))
        properties = _write_properties(cursor, source, part, order, listed or (), writer)
        uncoded = [name for name, column in properties.items() if column is None][: fingerprints.MAX_PROPERTIES]
        prints: dict[str, Fingerprints] = {}
        facts: dict[str, Facts] = {}
        for filters in fingerprints.filters_of(cursor, source, part.rows, uncoded):
            prints[filters.name] = Fingerprints(writer.add(filters.data), filters.blocks, filters.buckets)
            facts[filters.name] = filters.facts
        persons = distinct(keys >> np.uint64(KEY_BITS)).astype(np.uint32)
        listed_persons = Persons(writer.add(persons), persons.size, tuple(persons[::PERSONS_A_BLOCK].tolist()))
        counts = tuple(count for _, count in names)
        values, numbers = write_values(Source(cursor, source, counts, order), facts, writer.add)
        footer = Footer(
            part.rows,
            part.min_ts_ms,
            tuple(name for name, _ in names),
            counts,
            written,
            listed_persons,
            properties,
            listed is not None and len(listed) <= property_codes.MAX_LISTED,
            prints,
            sessions=_write_sessions(cursor, source, part, keys, order, writer),
            layout=LAYOUT,
            values=values,
            numbers=numbers,
        )
        encoded = msgspec.msgpack.encode(footer)
        file.write(encoded)
        file.write(TAIL.pack(len(encoded), zlib.crc32(encoded), writer.total & (1 << 64) - 1, MAGIC))


class _Writer:
    """What comes before the footer, in whole words, and their sum."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.total = 0

    def add(self, data: bytes | NDArray[Any]) -> int:
        """Where it begins in the file."""
        at = self._file.tell()
        held = np.frombuffer(data, np.uint8) if isinstance(data, bytes) else data.view(np.uint8)
        whole = held.size // 8 * 8
        self._file.write(held.data)
        self.total += word_sum(held[:whole])
        if whole < held.size:
            rest = held[whole:].tobytes().ljust(8, b"\0")
            self._file.write(bytes(whole + 8 - held.size))
            self.total += word_sum(rest)
        return at


def _write_sessions(
    cursor: duckdb.DuckDBPyConnection, source: Path, part: Part, keys: Keys, order: Order | None, writer: _Writer
) -> Sessions | None:
    coded = session_codes.coded_sessions(cursor, source, part.rows, keys, order)
    if coded is None:
        return None
    at = writer.add(coded.codes)
    first_at, second_at = (writer.add(half) for half in coded.digests)
    return Sessions(at, coded.codes.itemsize, coded.digests.first.size, first_at, second_at, coded.without)


def _write_properties(
    cursor: duckdb.DuckDBPyConnection, source: Path, part: Part, order: Order | None, listed: Sequence[Listed], writer: _Writer
) -> dict[str, PropertyColumn | None]:
    listed = listed[: property_codes.MAX_LISTED]
    written: dict[str, PropertyColumn | None] = dict.fromkeys(each.name for each in listed)
    for coded in property_codes.coded_properties(cursor, source, part.rows, listed, order):
        at = writer.add(coded.codes) if coded.codes.size else None
        values_at = writer.add(coded.values)
        size = len(coded.values)
        written[coded.name] = PropertyColumn(at, coded.codes.itemsize, values_at, size, coded.is_numeric, coded.span)
    return written


def _ranges(names: Sequence[tuple[str, int]]) -> dict[str, Span]:
    """Each event's rows, of events in the part's order with how many rows each has."""
    ends = accumulate(count for _, count in names)
    return {name: (end - count, end) for (name, count), end in zip(names, ends, strict=True)}


class _Coded:
    """A column's codes while they come in. More distinct values than a byte tells apart end it."""

    def __init__(self, rows: int) -> None:
        self._codes = np.zeros(-(-rows // 8) * 8, np.uint8)
        self._places: dict[Value, int] | None = {}

    def add(self, places: NDArray[np.int64], column: Any) -> None:
        """The values of the rows at these places, as an Arrow array."""
        if self._places is None:
            return
        encoded = column.dictionary_encode(null_encoding="encode")
        values: list[Value] = encoded.dictionary.to_pylist()
        for value in values:
            self._places.setdefault(value, len(self._places))
        if len(self._places) > MAX_CODES:
            self._places = None
            return
        table = np.array([self._places[value] for value in values], np.uint8)
        self._codes[places] = table[encoded.indices.to_numpy(zero_copy_only=False)]

    def finish(self, order: Order | None) -> tuple[tuple[Value, ...], Codes] | None:
        """The values in an order that is the same in each file, and the codes in the keys' order, none of them where all are the same; None
        where the column has too many values."""
        if self._places is None:
            return None
        values = tuple(sorted(self._places, key=lambda value: (value is not None, str(value))))
        if len(values) == 1:
            return values, self._codes[:0]
        codes = np.zeros(MAX_CODES, np.uint8)
        for code, value in enumerate(values):
            codes[self._places[value]] = code
        return values, ordered(codes[self._codes], order)


def _read(
    cursor: duckdb.DuckDBPyConnection, source: Path, part: Part, names: Sequence[str]
) -> tuple[Keys, dict[str, _Coded], Order | None]:
    """The part's keys in their order; its coded columns in its own, and the one in the other, None where they agree."""
    keys, events = np.zeros(part.rows, np.uint64), np.zeros(part.rows, np.uint16)
    place_of = {name: place for place, name in enumerate(names)}
    coded = {name: _Coded(part.rows) for name in CODED_COLUMNS}
    reader: Any = cursor.sql(
        f"""
        select
          place, event,
          (person::ubigint << {KEY_BITS}) | (epoch_ms(timestamp) - {part.min_ts_ms:d})::ubigint as key,
          is_bot is true as is_bot,
          {", ".join(CODED_COLUMNS[1:])}
        from ({read_files([source], with_place=True)})
        """
    ).to_arrow_reader(BATCH_ROWS)
    rows = 0
    for batch in reader:  # in any order
        places: NDArray[np.int64] = batch.column("place").to_numpy(zero_copy_only=False)
        keys[places] = batch.column("key").to_numpy(zero_copy_only=False)
        event = batch.column("event").dictionary_encode()
        table = np.array([place_of[name] for name in event.dictionary.to_pylist()], np.uint16)
        events[places] = table[event.indices.to_numpy(zero_copy_only=False)]
        for name, column in coded.items():
            column.add(places, batch.column(name))
        rows += places.size
    if rows != part.rows:
        raise Unfit(f"it has {rows} rows in place of {part.rows}")
    order = order_of(events, keys)
    return (keys if order is None else keys[order]), coded, order
