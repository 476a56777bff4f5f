"""A part's keys in a file beside it: whose each event is and when, small codes of its narrow columns and of its properties, and which
persons have any event.

Funnels read them as they are, where they would have to decode the part; and one person's events are looked for where there are some.
A key file is made from a part and says nothing that the part doesn't: it may be deleted at any time, and what lacks one is read from the
part. Assumes that a part's path stands for its content for ever. Never read by a mapping: a file that somebody cuts off must cost an
error, not the process.

Layout, little endian:

    8 bytes      magic
    u64 x rows   keys, ascending within each event: (person << 38) | (ms - origin_ms)
    u8 x rows    for each coded column, padded to 8 bytes: the place of the row's value among the column's values
    …            for each coded property u8 or u16 x rows and its values (`property_codes`), each padded to 8 bytes
    …            for some properties without codes a filter for each block of the part's rows (`fingerprints`)
    u32 x …      the part's persons, ascending, padded to 8 bytes
    …            `Footer` as MessagePack
    32 bytes     the footer's length and CRC-32, the sum of all 64-bit words before the footer (wrapping), magic
"""

import os
import struct
import sys
import zlib
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final

import duckdb
import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from sv.engine.duck.files import BATCH_ROWS, read_files
from sv.engine.duck.keys import fingerprints, property_codes
from sv.engine.duck.keys.fingerprints import Fingerprints
from sv.engine.duck.keys.key_order import KEY_BITS, Codes, Keys, Order, order_of, ordered
from sv.engine.duck.keys.property_codes import PropertyColumn
from sv.model.part import Part

MAX_PERSON: Final = (1 << (64 - KEY_BITS)) - 1
MAX_SPAN_MS: Final = (1 << KEY_BITS) - 1

MIN_ROWS: Final = 256
"""A smaller part that comes from a flush is mostly one of a quiet minute, which is soon merged: not worth a file and its syncs."""

MAX_ROWS: Final = 8_000_000
"""While a file is made it is in memory: 8 bytes a row, and one for each coded column; for a part of slices 16 more, for its rows' order and
to put them into it."""

MAX_NAMES: Final = 2_000
"""A part with more event names than this gets no key file: what is kept in memory of each file grows with them."""

MAX_CODES: Final = 255

HELD_TIMES: Final = 2
NAME_BYTES: Final = 80
"""What a footer takes in memory, measured: twice its bytes, and so much more for each event name."""

PERSONS_A_BLOCK: Final = 1024
"""A look for a person reads one block of the list of persons: 4 KiB."""

CODED_COLUMNS: Final = (
    "is_bot", "device_type", "browser", "os", "country", "referring_domain", "url_path", "utm_source", "utm_medium", "utm_campaign",
)  # fmt: skip

_MAGIC: Final = b"SVKEYS01"
_TAIL: Final = struct.Struct("<QQQ8s")

Value = str | bool | None


class Unfit(Exception):
    """The part can have no key file. Says why."""


class Column(Struct, frozen=True):
    """values: the column's distinct values, whose places are the codes. at: where the codes begin in the file; None where all rows have
    the one value."""

    values: tuple[Value, ...]
    at: int | None


class Persons(Struct, frozen=True):
    """Where in the file the list of persons begins, how many there are, and the first of each block."""

    at: int
    count: int
    firsts: tuple[int, ...]


class Footer(Struct, frozen=True):
    """names: the events' in the part's order, ascending; counts: rows of each. properties: by name, None where it has no codes;
    has_all_properties: whether others are absent from all rows. fingerprints: of some that have no codes. blocks: the first and the last
    time of each block of the part's rows, in Unix ms."""

    rows: int
    origin_ms: int
    names: tuple[str, ...]
    counts: tuple[int, ...]
    columns: dict[str, Column]
    persons: Persons
    properties: dict[str, PropertyColumn | None] = {}
    has_all_properties: bool = False
    fingerprints: dict[str, Fingerprints] = {}


class KeyFile:
    """An open description of a key file; the file itself is opened for each reading. held_bytes: about what it takes in memory."""

    def __init__(self, path: Path, footer: Footer, held_bytes: int = 0) -> None:
        self.path = path
        self.held_bytes = held_bytes
        self.rows = footer.rows
        self.origin_ms = footer.origin_ms
        # Interned, since the files of a project have many of the same names and values, and all of them are open.
        self.columns = {sys.intern(name): _interned(column) for name, column in footer.columns.items()}
        self.persons = footer.persons
        self.properties = {sys.intern(name): column for name, column in footer.properties.items()}
        self.has_all_properties = footer.has_all_properties
        self.fingerprints = {sys.intern(name): each for name, each in footer.fingerprints.items()}
        firsts = np.concatenate(([0], np.cumsum(footer.counts, dtype=np.int64))).tolist()
        self._ranges = {sys.intern(name): (firsts[place], firsts[place + 1]) for place, name in enumerate(footer.names)}

    @property
    def events(self) -> Iterable[str]:
        """The names of the part's events."""
        return self._ranges

    def range_of(self, event: str) -> tuple[int, int]:
        """Which rows are of this event, half-open."""
        return self._ranges.get(event, (0, 0))


def _interned(column: Column) -> Column:
    return Column(tuple(sys.intern(value) if isinstance(value, str) else value for value in column.values), column.at)


class Reading:
    """A key file, open. Raises OSError, also for a file that ends too early."""

    def __init__(self, file: KeyFile) -> None:
        self._file = file
        self._descriptor = os.open(file.path, os.O_RDONLY | os.O_CLOEXEC)

    def __enter__(self) -> "Reading":
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    def keys(self, low: int, high: int) -> Keys:
        """The keys of rows [low, high), an array of the caller's own."""
        found = np.empty(high - low, np.uint64)
        self._fill(found, len(_MAGIC) + 8 * low)
        return found

    def codes(self, at: int, low: int, high: int, width: int = 1) -> Codes:
        """A column's codes of these rows, each of so many bytes."""
        found: Codes = np.empty(high - low, np.uint8 if width == 1 else np.uint16)
        self._fill(found, at + low * width)
        return found

    def encoded_values(self, column: PropertyColumn) -> bytes:
        """What a property's codes stand for, as it is in the file."""
        found = np.empty(column.values_bytes, np.uint8)
        self._fill(found, column.values_at)
        return found.tobytes()

    def blocks_with(self, prints: Fingerprints, values: fingerprints.Hashes) -> set[int]:
        """The blocks of the part that may hold one of these values."""
        found = np.zeros(prints.blocks, np.bool_)
        for first in range(0, values.size, fingerprints.VALUES_AT_ONCE):
            some = values[first : first + fingerprints.VALUES_AT_ONCE]
            buckets = np.empty((some.size, prints.blocks, fingerprints.BUCKET_WORDS), np.uint32)
            for place, target in zip(prints.places(some), buckets, strict=True):
                self._fill(target, place)
            found |= fingerprints.may_hold(buckets, some).any(axis=0)
            if found.all():
                break
        return set(np.flatnonzero(found).tolist())

    def has_any(self, persons: Sequence[int]) -> bool:
        """Whether one of these persons has an event in the part."""
        listed = self._file.persons
        for person in persons:
            block = bisect_right(listed.firsts, person) - 1
            if block >= 0:
                first = block * PERSONS_A_BLOCK
                found = np.empty(min(PERSONS_A_BLOCK, listed.count - first), np.uint32)
                self._fill(found, listed.at + 4 * first)
                if (found == person).any():
                    return True
        return False

    def _fill(self, target: NDArray[Any], place: int) -> None:
        view = target.data.cast("B")
        while view.nbytes:
            count = os.preadv(self._descriptor, [view], place)
            if not count:
                raise OSError(f"{self._file.path} ends too early")
            view = view[count:]
            place += count


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
        writer.add(_MAGIC)
        keys, coded, order = _read(cursor, source, part, [name for name, _ in names])
        writer.add(keys)
        written: dict[str, Column] = {}
        for name, column in coded.items():
            finished = column.finish(order)
            if finished is not None:
                values, codes = finished
                written[name] = Column(values, writer.add(codes) if codes.size else None)
        listed = property_codes.listed_properties(cursor, source) if part.rows >= property_codes.MIN_ROWS else None
        properties = _write_properties(cursor, source, part, order, listed or (), writer)
        uncoded = [name for name, column in properties.items() if column is None][: fingerprints.MAX_PROPERTIES]
        prints = {
            filters.name: Fingerprints(writer.add(filters.data), filters.blocks, filters.buckets)
            for filters in fingerprints.filters_of(cursor, source, part.rows, uncoded)
        }
        persons = np.unique(keys >> np.uint64(KEY_BITS)).astype(np.uint32)
        footer = Footer(
            part.rows,
            part.min_ts_ms,
            tuple(name for name, _ in names),
            tuple(count for _, count in names),
            written,
            Persons(writer.add(persons), persons.size, tuple(persons[::PERSONS_A_BLOCK].tolist())),
            properties,
            listed is not None and len(listed) <= property_codes.MAX_LISTED,
            prints,
        )
        encoded = msgspec.msgpack.encode(footer)
        file.write(encoded)
        file.write(_TAIL.pack(len(encoded), zlib.crc32(encoded), writer.total & (1 << 64) - 1, _MAGIC))


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
        self.total += _word_sum(held[:whole])
        if whole < held.size:
            rest = held[whole:].tobytes().ljust(8, b"\0")
            self._file.write(bytes(whole + 8 - held.size))
            self.total += _word_sum(rest)
        return at


def _write_properties(
    cursor: duckdb.DuckDBPyConnection, source: Path, part: Part, order: Order | None, listed: Sequence[str], writer: _Writer
) -> dict[str, PropertyColumn | None]:
    written: dict[str, PropertyColumn | None] = dict.fromkeys(listed[: property_codes.MAX_LISTED])
    for coded in property_codes.coded_properties(cursor, source, part.rows, listed):
        at = writer.add(ordered(coded.codes, order)) if coded.codes.size else None
        values_at = writer.add(coded.values)
        written[coded.name] = PropertyColumn(at, coded.codes.itemsize, values_at, len(coded.values), coded.is_numeric)
    return written


def open_key_file(path: Path, part: Part, *, is_checked: bool) -> KeyFile | None:
    """The part's key file; None where there is none or it is not whole. is_checked: whether its content need not be looked at again.

    Raises OSError where a file that is there can't be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    with open(descriptor, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        if size < len(_MAGIC) + _TAIL.size:
            return None
        file.seek(size - _TAIL.size)
        length, crc, total, magic = _TAIL.unpack(file.read(_TAIL.size))
        data_bytes = size - _TAIL.size - length
        if magic != _MAGIC or data_bytes < len(_MAGIC) + 8 * part.rows:
            return None
        file.seek(data_bytes)
        encoded = file.read(length)
        if zlib.crc32(encoded) != crc or not (is_checked or _sum_of(file, data_bytes) == total):
            return None
    try:
        footer = msgspec.msgpack.decode(encoded, type=Footer)
    except msgspec.DecodeError:
        return None
    if footer.rows != part.rows or footer.origin_ms != part.min_ts_ms or sum(footer.counts) != part.rows:
        return None
    return KeyFile(path, footer, HELD_TIMES * length + NAME_BYTES * len(footer.names))


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


def _word_sum(words: bytes | NDArray[Any]) -> int:
    return int(np.frombuffer(words, np.uint64).sum(dtype=np.uint64))


def _sum_of(file: Any, size: int) -> int:
    file.seek(0)
    total = 0
    left = size
    while left:
        block = file.read(min(left, 1 << 20))
        if len(block) % 8 or not block:
            return -1
        total += _word_sum(block)
        left -= len(block)
    return total & (1 << 64) - 1
