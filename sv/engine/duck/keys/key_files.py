"""A part's keys in a file beside it: whose each event is and when, small codes of its narrow columns and of its properties, and which
persons have any event.

Funnels read them as they are, where they would have to decode the part; and one person's events are looked for where there are some.
A key file is made from a part and says nothing that the part doesn't: it may be deleted at any time, and what lacks one is read from the
part. A file of an earlier layout is used as far as it goes until it is made anew under its name, so that whoever opened a description finds
out that the file is another one. Never read by a mapping: a file that somebody cuts off must cost an error, not the process.

Layout, little endian:

    8 bytes      magic
    u64 x rows   keys, ascending within each event: (person << 38) | (ms - origin_ms)
    u8 x rows    for each coded column, padded to 8 bytes: the place of the row's value among the column's values
    …            for each coded property u8 or u16 x rows of the events that have it, and its values (`property_codes`), padded to 8 bytes
    …            for some properties without codes a filter for each block of the part's rows (`fingerprints`)
    u32 x …      the part's persons, ascending, padded to 8 bytes
    …            u16 or u32 x rows: each row's session, padded to 8 bytes; and twice u64 x sessions (`session_codes`)
    …            for some properties without codes their values, in blocks and described behind them, or f64 or u32 x rows (`value_blocks`)
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
from typing import Any, Final

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from sv.engine.duck.keys import fingerprints
from sv.engine.duck.keys.fingerprints import Fingerprints
from sv.engine.duck.keys.key_order import KEY_BITS, Codes, Keys
from sv.engine.duck.keys.property_codes import PropertyColumn, Span
from sv.engine.duck.keys.session_codes import Sessions, Words
from sv.engine.duck.keys.value_blocks import NumberColumn, ValueBlocks
from sv.model.part import Part

MAX_PERSON: Final = (1 << (64 - KEY_BITS)) - 1
MIN_ROWS: Final = 256
"""A smaller part that comes from a flush is mostly one of a quiet minute, which is soon merged: not worth a file and its syncs."""

MAX_ROWS: Final = 8_000_000
"""While a file is made it is in memory: 8 bytes a row, and one for each coded column, or 32 while sessions get their codes; for a part of
slices 16 more, for its rows' order and to put them into it."""

HELD_TIMES: Final = 2
NAME_BYTES: Final = 80
PROPERTY_BYTES: Final = 130
"""What a footer takes in memory, measured: twice its bytes, and so much more for each event name and each property."""

PERSONS_A_BLOCK: Final = 1024
"""A look for a person reads one block of the list of persons: 4 KiB."""

CODED_COLUMNS: Final = (
    "is_bot", "device_type", "browser", "os", "country", "referring_domain", "url_path", "utm_source", "utm_medium", "utm_campaign",
)  # fmt: skip

MAGIC: Final = b"SVKEYS02"

MAGICS: Final = (MAGIC, b"SVKEYS01")
"""Of layouts 1 and 2 the second. Who knows these alone would take codes of some rows for those of all."""

LAYOUT: Final = 3
"""Files of layout 1 have no sessions, and no values of properties without codes; those of layout 2 codes of 32 properties, in all rows."""

TAIL: Final = struct.Struct("<QQQ8s")

_CODE_KINDS: Final = {1: np.uint8, 2: np.uint16, 4: np.uint32}

Value = str | bool | None

Identity = tuple[int, int, int, int]
"""Device, number, bytes, and when it was written in ns."""


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
    has_all_properties: whether others are absent from all rows. fingerprints: of some that have no codes. values, numbers: what
    some of these have in each row. sessions: None where there is nothing to tell them apart by."""

    rows: int
    origin_ms: int
    names: tuple[str, ...]
    counts: tuple[int, ...]
    columns: dict[str, Column]
    persons: Persons
    properties: dict[str, PropertyColumn | None] = {}
    has_all_properties: bool = False
    fingerprints: dict[str, Fingerprints] = {}
    sessions: Sessions | None = None
    layout: int = 1
    values: dict[str, ValueBlocks] = {}
    numbers: dict[str, NumberColumn] = {}


def identity_of(descriptor: int) -> Identity:
    """What tells an open file from another of its name."""
    found = os.fstat(descriptor)
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


class KeyFile:
    """An open description of a key file; the file itself is opened for each reading. identity: of the file that it was read from.
    held_bytes: about what it takes in memory."""

    def __init__(self, path: Path, footer: Footer, identity: Identity, held_bytes: int = 0) -> None:
        self.path = path
        self.identity = identity
        self.is_current = footer.layout >= LAYOUT
        self.held_bytes = held_bytes
        self.rows = footer.rows
        self.origin_ms = footer.origin_ms
        # Interned, since the files of a project have many of the same names and values, and all of them are open.
        self.columns = {sys.intern(name): _interned(column) for name, column in footer.columns.items()}
        self.persons = footer.persons
        self.properties = {sys.intern(name): column for name, column in footer.properties.items()}
        self.has_all_properties = footer.has_all_properties
        self.fingerprints = {sys.intern(name): each for name, each in footer.fingerprints.items()}
        self.sessions = footer.sessions
        self.values = {sys.intern(name): blocks for name, blocks in footer.values.items()}
        self.numbers = {sys.intern(name): column for name, column in footer.numbers.items()}
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
    """A key file, open. Raises OSError, also for one that ends too early, or that isn't the described one any more."""

    def __init__(self, file: KeyFile) -> None:
        self._file = file
        self._descriptor = os.open(file.path, os.O_RDONLY | os.O_CLOEXEC)
        if identity_of(self._descriptor) != file.identity:
            os.close(self._descriptor)
            raise OSError(f"{file.path} is another file by now")

    def __enter__(self) -> "Reading":
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    def keys(self, low: int, high: int) -> Keys:
        """The keys of rows [low, high), an array of the caller's own."""
        found = np.empty(high - low, np.uint64)
        self._fill(found, len(MAGIC) + 8 * low)
        return found

    def codes(self, at: int | None, low: int, high: int, width: int = 1, span: Span | None = None) -> Codes:
        """A column's codes of these rows, each of so many bytes. at, span: as of `PropertyColumn`."""
        if span is None and at is not None:
            found: Codes = np.empty(high - low, _CODE_KINDS[width])
            self._fill(found, at + low * width)
            return found
        found = np.zeros(high - low, _CODE_KINDS[width])
        if span is not None:
            first, last = max(low, span[0]), min(high, span[1])
            within = found[max(first - low, 0) : max(last - low, 0)]
            if at is None:
                within[:] = 1
            elif within.size:
                self._fill(within, at + (first - span[0]) * width)
        return found

    def encoded_values(self, column: PropertyColumn) -> bytes:
        """What a property's codes stand for, as it is in the file."""
        return self.bytes_at(column.values_at, column.values_bytes).tobytes()

    def coded_numbers(self, column: PropertyColumn) -> NDArray[np.float64]:
        """The numbers that a property's codes stand for, by code; nan for code 0."""
        found = np.empty(1 + column.values_bytes // 8, np.float64)
        found[0] = np.nan
        self._fill(found[1:], column.values_at)
        return found

    def bytes_at(self, at: int, count: int) -> NDArray[np.uint8]:
        """Some bytes, as they are in the file."""
        found = np.empty(count, np.uint8)
        self._fill(found, at)
        return found

    def numbers(self, column: NumberColumn, low: int, high: int) -> NDArray[np.float64]:
        """A property's numbers in these rows, an array of the caller's own; nan where it is absent."""
        return column.numbers(self.bytes_at(column.at + column.width * low, column.width * (high - low)))

    def first_words(self, sessions: Sessions) -> Words:
        """The first halves of the sessions' digests, by code."""
        return self._words(sessions.first_at, sessions.count)

    def second_words(self, sessions: Sessions) -> Words:
        """The second halves."""
        return self._words(sessions.second_at, sessions.count)

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

    def _words(self, at: int, count: int) -> Words:
        found = np.empty(count, np.uint64)
        self._fill(found, at)
        return found

    def _fill(self, target: NDArray[Any], place: int) -> None:
        view = target.data.cast("B")
        while view.nbytes:
            count = os.preadv(self._descriptor, [view], place)
            if not count:
                raise OSError(f"{self._file.path} ends too early")
            view = view[count:]
            place += count


def open_key_file(path: Path, part: Part, *, is_checked: bool) -> KeyFile | None:
    """The part's key file; None where there is none or it is not whole. is_checked: whether its content need not be looked at again.

    Raises OSError where a file that is there can't be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    with open(descriptor, "rb") as file:
        identity = identity_of(descriptor)
        size = file.seek(0, os.SEEK_END)
        if size < len(MAGIC) + TAIL.size:
            return None
        file.seek(size - TAIL.size)
        length, crc, total, magic = TAIL.unpack(file.read(TAIL.size))
        data_bytes = size - TAIL.size - length
        if magic not in MAGICS or data_bytes < len(MAGIC) + 8 * part.rows:
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
    held_bytes = HELD_TIMES * length + NAME_BYTES * len(footer.names) + PROPERTY_BYTES * len(footer.properties)
    return KeyFile(path, footer, identity, held_bytes)


def word_sum(words: bytes | NDArray[Any]) -> int:
    """The sum of 64-bit words, wrapping."""
    return int(np.frombuffer(words, np.uint64).sum(dtype=np.uint64))


def _sum_of(file: Any, size: int) -> int:
    file.seek(0)
    total = 0
    left = size
    while left:
        block = file.read(min(left, 1 << 20))
        if len(block) % 8 or not block:
            return -1
        total += word_sum(block)
        left -= len(block)
    return total & (1 << 64) - 1
