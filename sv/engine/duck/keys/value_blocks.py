"""The values of a property in a key file, row by row, where there are too many for codes: texts in compressed blocks.

A block has rows of one event, or of several small ones, in the key file's order, and is three pieces, each by zstd: how long the rows'
texts are (one more than the bytes, 0 where the property is absent; all low bytes, then all high ones), of which kinds they are (nothing
where those that are there are of one kind), and the texts one after the other, in UTF-8. A string's text is the string itself, with nothing
escaped; a number's and a boolean's is what SQL makes of its JSON. Lists and objects have no text, since no condition looks into them.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
from msgspec import Struct
from numpy.typing import NDArray

BLOCK_ROWS: Final = 10_240
"""At most. A look at one event's rows reads no other's, but of small events."""

SMALL_ROWS: Final = 2048
"""Events of fewer rows share a block with their neighbours."""

BLOCK_BYTES: Final = 1 << 20
"""Of texts, at most."""

MAX_TEXT_BYTES: Final = 1024
"""A property with a longer text has no blocks."""

LEVEL: Final = 1
"""Of zstd. Ids take less of it than by level 3 and are read in two thirds of the time, since their digits are left without matches; search
terms take a tenth more."""

KINDS: Final = ("NULL", "VARCHAR", "BIGINT", "UBIGINT", "DOUBLE", "BOOLEAN", "ARRAY")
"""JSON types as the engine names them, by number; the last stands for objects too."""

ABSENT, TEXT, OTHER = 0, 1, 6

NO_NUMBER: Final = np.uint32(0xFFFF_FFFF)

_BLOCK: Final = np.dtype(
    [
        ("end", "<u4"), ("kind", "u1"), ("is_ascii", "u1"), ("spare", "<u2"), ("at", "<u8"),
        ("lengths", "<u4"), ("kinds", "<u4"), ("packed", "<u4"), ("texts", "<u4"),
    ]
)  # fmt: skip
"""end: the row after the last. kind: of all rows that have a value, where `kinds` is 0. is_ascii: whether all texts are. lengths, kinds,
packed: bytes of each piece. texts: bytes of the last one unpacked."""

Kinds = NDArray[np.uint8]


class ValueBlocks(Struct, frozen=True):
    """Where one property's blocks are described in a key file, and how many there are. kind: of all values, None where they are of several.
    is_ascii: whether all texts are."""

    at: int
    count: int
    kind: int | None
    is_ascii: bool

    @property
    def bytes(self) -> int:
        return self.count * _BLOCK.itemsize


class NumberColumn(Struct, frozen=True):
    """Where one property's numbers begin in a key file: a double a row, nan where it is absent; or, where they are whole and lie close
    together, 32 bits a row: how much more than the least, `base`, and NO_NUMBER where it is absent."""

    at: int
    base: float | None

    @property
    def width(self) -> int:
        """Bytes a row."""
        return 8 if self.base is None else 4

    def numbers(self, data: NDArray[np.uint8]) -> NDArray[np.float64]:
        """The numbers of rows that are so in the file."""
        if self.base is None:
            return data.view(np.float64)
        codes = data.view(np.uint32)
        found = codes.astype(np.float64)
        found += self.base
        found[codes == NO_NUMBER] = np.nan
        return found


def number_column(numbers: NDArray[np.float64], add: Callable[[NDArray[Any]], int]) -> NumberColumn:
    """Writes these numbers, nan for none."""
    held = numbers[~np.isnan(numbers)]
    if not held.size or (held != np.trunc(held)).any() or held.max() - held.min() >= NO_NUMBER:
        return NumberColumn(add(numbers), None)
    codes = np.full(numbers.size, NO_NUMBER, np.uint32)
    codes[~np.isnan(numbers)] = (held - held.min()).astype(np.uint32)
    return NumberColumn(add(codes), float(held.min()))


class Rows(NamedTuple):
    """Some rows' values. texts: an Arrow array of strings, empty where there is none. data, offsets: its bytes, and where each row's begin
    and end. kinds: of each; a number where those that are there have one kind. width: bytes of each row's text, where all have as many, and
    any; else 0."""

    texts: Any
    data: NDArray[np.uint8]
    offsets: NDArray[np.int32]
    is_there: NDArray[np.bool_]
    kinds: Kinds | int
    width: int = 0

    def of_places(self, places: NDArray[np.int64], count: int) -> NDArray[np.int64]:
        """The rows in which so many bytes from each of these places on lie, which ascend; of those that lie in one, a row for each."""
        if self.width:
            rows, within = np.divmod(places.astype(np.uint32), np.uint32(self.width))
            return rows[within <= self.width - count].astype(np.int64)
        rows = np.searchsorted(self.offsets, places.astype(np.int32), "right") - 1
        return rows[places + count <= self.offsets[rows + 1]]


def block_ends(counts: Sequence[int]) -> list[int]:
    """The row after the last of each block, of events that have so many rows each."""
    ends: list[int] = []
    first = last = 0
    for count in counts:
        if last > first and (count >= SMALL_ROWS or last - first + count > BLOCK_ROWS):
            ends.append(last)
            first = last
        last += count
        while last - first >= BLOCK_ROWS:
            first += BLOCK_ROWS
            ends.append(first)
        if last - first >= SMALL_ROWS:
            ends.append(last)
            first = last
    return [*ends, last] if last > first else ends


class Packed(NamedTuple):
    """A block to be written, but for where it lies."""

    rows: int
    data: bytes
    sizes: tuple[int, int, int, int]
    kind: int
    is_ascii: bool


def packed(kinds: Kinds, texts: Any) -> Iterator[Packed]:
    """Some rows as blocks, of which there are several where the texts are long. texts: an Arrow array of strings; null for no text."""
    wide = texts.cast("large_string").fill_null("")
    _, offsets, data = wide.buffers()
    starts = np.frombuffer(offsets, np.int64)[wide.offset : wide.offset + len(wide) + 1]
    held = np.empty(0, np.uint8) if data is None else np.frombuffer(data, np.uint8)
    low = 0
    while low < len(wide):
        high = max(low + 1, int(np.searchsorted(starts, starts[low] + BLOCK_BYTES, "right")) - 1)
        yield _packed(kinds[low:high], np.diff(starts[low : high + 1]), held[starts[low] : starts[high]])
        low = high


def _packed(kinds: Kinds, sizes: NDArray[np.int64], texts: NDArray[np.uint8]) -> Packed:
    is_there = kinds != ABSENT
    lengths = np.where(is_there, sizes + 1, 0).astype("<u2").view(np.uint8).reshape(-1, 2).T
    used = np.unique(kinds[is_there])
    codec = pa.Codec("zstd", LEVEL)
    pieces = [
        codec.compress(lengths.tobytes(), asbytes=True),
        b"" if used.size <= 1 else codec.compress(kinds.tobytes(), asbytes=True),
        codec.compress(texts.tobytes(), asbytes=True) if texts.size else b"",
    ]
    first, second, third = map(len, pieces)
    kind = int(used[0]) if used.size else ABSENT
    return Packed(kinds.size, b"".join(pieces), (first, second, third, texts.size), kind, not bool((texts & 0x80).any()))


class Block(NamedTuple):
    """A block as it is in its file. lengths, kinds: bytes of the first two pieces; texts: of the last one unpacked."""

    rows: int
    kind: int
    lengths: int
    kinds: int
    texts: int
    data: NDArray[np.uint8]


class Described:
    """What a key file says of one property's blocks."""

    def __init__(self, encoded: bytes) -> None:
        self._blocks = np.frombuffer(encoded, _BLOCK)
        self._ends = self._blocks["end"].astype(np.int64)

    def within(self, low: int, high: int) -> range:
        """The blocks that have any of the rows [low, high)."""
        first, last = np.searchsorted(self._ends, (low, high - 1), "right").tolist()
        return range(first, last + 1)

    def rows_of(self, block: int) -> tuple[int, int]:
        return int(self._ends[block - 1]) if block else 0, int(self._ends[block])

    def place_of(self, block: int) -> tuple[int, int]:
        """Where it begins in the file, and its bytes."""
        record = self._blocks[block]
        return int(record["at"]), int(record["lengths"]) + int(record["kinds"]) + int(record["packed"])

    def traits_of(self, block: int) -> tuple[int | None, bool]:
        """The kind of all its values, None where they are of several; whether all its texts are ASCII."""
        record = self._blocks[block]
        return None if record["kinds"] else int(record["kind"]), bool(record["is_ascii"])

    def block(self, block: int, data: NDArray[np.uint8]) -> Block:
        """The block with its bytes, which are given."""
        record, (low, high) = self._blocks[block], self.rows_of(block)
        kind, lengths, kinds, texts = (int(record[name]) for name in ("kind", "lengths", "kinds", "texts"))
        return Block(high - low, kind, lengths, kinds, texts, data)

    def is_there(self, block: int, data: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Which of the block's rows have a value. Raises OSError where its bytes are damaged."""
        with _checked():
            return _lengths([self.block(block, data)]) > 0


def value_blocks(at: int, blocks: Sequence[Packed]) -> ValueBlocks:
    """What the footer says of these blocks, which are described there."""
    kinds = {None if block.sizes[1] else block.kind for block in blocks} - {ABSENT}
    kind = kinds.pop() if len(kinds) == 1 else ABSENT if not kinds else None
    return ValueBlocks(at, len(blocks), kind, all(block.is_ascii for block in blocks))


def described(blocks: Sequence[tuple[int, Packed]]) -> NDArray[Any]:
    """The description of blocks, each with where it lies in the file."""
    found = np.zeros(len(blocks), _BLOCK)
    found["end"] = np.cumsum([block.rows for _, block in blocks])
    for nth, (at, block) in enumerate(blocks):
        found[nth]["at"], found[nth]["kind"], found[nth]["is_ascii"] = at, block.kind, block.is_ascii
        for name, size in zip(("lengths", "kinds", "packed", "texts"), block.sizes, strict=True):
            found[nth][name] = size
    return found


@contextmanager
def _checked() -> Generator[None]:
    try:
        yield
    except (pa.ArrowException, ValueError) as error:
        raise OSError("a block of values is damaged") from error


def unpacked(blocks: Sequence[Block]) -> Rows:
    """The rows of some blocks, one block's after the other's. Raises OSError where bytes are damaged.

    Many are unpacked in the time of few calls, which other threads don't wait for: zstd takes several of its frames as one.
    """
    with _checked():
        lengths = _lengths(blocks)
        is_there = lengths > 0
        offsets = np.zeros(lengths.size + 1, np.int32)
        np.cumsum(lengths - is_there, out=offsets[1:])
        sizes = np.cumsum([block.texts for block in blocks])
        if (offsets[np.cumsum([block.rows for block in blocks])] != sizes).any():
            raise ValueError("lengths don't add up")
        texts = _decompressed([block.data[block.lengths + block.kinds :] for block in blocks if block.texts], int(sizes[-1]))
        array = pa.Array.from_buffers(pa.string(), lengths.size, [None, pa.py_buffer(offsets), texts])
        width = int(lengths[0]) - 1 if lengths.size and (lengths == lengths[0]).all() else 0
        return Rows(array, np.frombuffer(texts, np.uint8), offsets, is_there, _kinds(blocks), max(width, 0))


def _decompressed(pieces: Sequence[NDArray[np.uint8]], size: int) -> Any:
    if not size:
        return pa.py_buffer(b"")
    return pa.Codec("zstd").decompress(pieces[0] if len(pieces) == 1 else np.concatenate(pieces), size)


def _lengths(blocks: Sequence[Block]) -> NDArray[np.int32]:
    """How long each row's text is, one more than its bytes; 0 where there is none."""
    rows = sum(block.rows for block in blocks)
    planes = np.frombuffer(_decompressed([block.data[: block.lengths] for block in blocks], 2 * rows), np.uint8)
    found = np.empty(rows, np.int32)
    low = 0
    for block in blocks:
        some, high = found[low : low + block.rows], planes[2 * low + block.rows : 2 * (low + block.rows)]
        some[:] = planes[2 * low : 2 * low + block.rows]
        if high.any():
            some |= high.astype(np.int32) << 8
        low += block.rows
    return found


def _kinds(blocks: Sequence[Block]) -> Kinds | int:
    held = {block.kind for block in blocks} - {ABSENT}
    if len(held) <= 1 and not any(block.kinds for block in blocks):
        return held.pop() if held else ABSENT
    return np.concatenate([_kinds_of(block) for block in blocks])


def _kinds_of(block: Block) -> Kinds:
    """TRICKY: of rows without a value too, where all that have one are of one kind."""
    if not block.kinds:
        return np.full(block.rows, block.kind, np.uint8)
    return np.frombuffer(_decompressed([block.data[block.lengths : block.lengths + block.kinds]], block.rows), np.uint8)
