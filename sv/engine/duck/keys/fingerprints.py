"""A Bloom filter per block of a part's rows, for properties with too many values for codes, such as an order's number.

A filter says for certain that a block doesn't hold a value, and wrongly says that it does once in some seven hundred times. A value is
hashed to 64 bits that are the same in every release: a text by its bytes, a number by its double, so that equal numbers agree. Lists and
objects equal no filter's value, so they are left out.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import duckdb
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from sv.engine.distinct import distinct
from sv.engine.duck.files import BATCH_ROWS
from sv.engine.duck.keys.value_writing import Facts, kinds_and_texts
from sv.engine.duck.properties import pointer
from sv.engine.duck.slices import GROUP_ROWS
from sv.model.filters import Filter, Operator, Scalar

BLOCK_ROWS: Final = GROUP_ROWS
"""Of a part, in its order."""

MAX_PROPERTIES: Final = 8
"""Of a part, those of most events first. Each costs an event two bytes."""

BITS_A_VALUE: Final = 16

BUCKET_WORDS: Final = 8
"""A value has a bit in each of 8 words of 32 bits, which lie together: a look reads 32 bytes."""

BUCKET_BYTES: Final = 4 * BUCKET_WORDS

VALUES_AT_ONCE: Final = 64
"""Values that are looked for together: each takes 32 bytes of memory for each block."""

PASS_BYTES: Final = 32 << 20
"""Of values that are in memory at once; a part for which that is not enough is read several times."""

_BITS_A_BUCKET: Final = 8 * BUCKET_BYTES
_SALTS: Final = np.array(
    [0x47B6137B, 0x44974D91, 0x8824AD5B, 0xA2B7289D, 0x705495C7, 0x2DF1424B, 0x9EFC4947, 0x5C6BFB31], np.uint32
)
"""Those of Parquet's own filters. Odd, so that each takes other bits of a value."""

_WHOLE_BYTES: Final = 64
"""Of a text that count, and beyond them its last eight."""

_FALSE: Final = np.uint64(0x8F14_5A25_C9B3_0E61)
_TRUE: Final = np.uint64(0x27D4_EB2F_1656_67C5)
_NUMBERS_OWN: Final = np.uint64(0x9AD6_1C5B_7E02_F433)
"""What tells a number from a text of the same bytes."""

_TEXT, _BOOLEAN, _NUMBER, _OTHER = range(4)
_MASKS: Final = np.array([(1 << 8 * count) - 1 for count in range(9)], np.uint64)

Hashes = NDArray[np.uint64]
"""Of values; 0 for none."""


class Fingerprints(Struct, frozen=True):
    """The Bloom filters of one property in a key file, all of the same number of buckets. at: where they begin in the file. They are stored
    bucket by bucket: the first bucket of every block, then the second of every block, and so on, so that the buckets for one value are read
    at once."""

    at: int
    blocks: int
    buckets: int

    def places(self, values: Hashes) -> list[int]:
        """For each value, where in the file its bucket of the first block is."""
        return (self.at + BUCKET_BYTES * self.blocks * _bucket_of(values, self.buckets)).tolist()


class Filters(NamedTuple):
    """The Bloom filters of one property, to be written."""

    name: str
    data: NDArray[np.uint8]
    blocks: int
    buckets: int
    facts: Facts


def filters_of(cursor: duckdb.DuckDBPyConnection, source: Path, rows: int, names: Sequence[str]) -> Iterator[Filters]:
    """Yields the filters of each of these properties in turn."""
    count = max(1, PASS_BYTES // (8 * max(rows, 1)))
    for first in range(0, len(names), count):
        some = names[first : first + count]
        for name, (hashes, facts) in zip(some, _read(cursor, source, rows, some), strict=True):
            blocks = [_distinct(hashes[low : low + BLOCK_ROWS]) for low in range(0, rows, BLOCK_ROWS)]
            buckets = max(1, *(-(-values.size * BITS_A_VALUE // _BITS_A_BUCKET) for values in blocks))
            data = np.stack([_filter_of(values, buckets) for values in blocks], axis=1)
            yield Filters(name, data.reshape(-1), len(blocks), buckets, facts)


def hashes_of(values: Sequence[Scalar]) -> Hashes | None:
    """The hashes of a filter's values: of texts, then numbers, then booleans. None where Bloom filters can't tell, as for a number beyond
    all doubles."""
    encoded = [value.encode("utf-8", "surrogatepass") for value in values if isinstance(value, str)]
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    booleans = [_TRUE if value else _FALSE for value in values if isinstance(value, bool)]
    lengths = np.array([len(text) for text in encoded], np.int64)
    texts = _of_texts(np.frombuffer(b"".join(encoded), np.uint8), np.cumsum(lengths) - lengths, lengths)
    try:
        doubles = np.array([float(number) for number in numbers], np.float64)
    except OverflowError:
        return None
    return np.concatenate((texts, _of_numbers(doubles), np.array(booleans, np.uint64)))


def sought(item: Filter | None) -> Hashes | None:
    """The hashes of which a row must have one to meet the condition; None where the condition has none."""
    if item is None or item.operator is not Operator.EXACT:
        return None
    values = item.value if isinstance(item.value, tuple) else (item.value,)
    return hashes_of([value for value in values if value is not None])


def may_hold(buckets: NDArray[np.uint32], values: Hashes) -> NDArray[np.bool_]:
    """For each value, in which blocks it may be. buckets: a row of words per value."""
    found: NDArray[np.bool_] = np.all((buckets >> _bits_of(values)[:, None]) & np.uint32(1), axis=2)
    return found


def _read(cursor: duckdb.DuckDBPyConnection, source: Path, rows: int, names: Sequence[str]) -> list[tuple[Hashes, Facts]]:
    """The properties' values in the part's order, and what is known of them."""
    found = [(np.zeros(rows, np.uint64), Facts()) for _ in names]
    columns = ", ".join(
        f"""
        texts[{nth + 1}] as text{nth},
        case kinds[{nth + 1}]
          when 'VARCHAR' then {_TEXT} when 'BOOLEAN' then {_BOOLEAN}
          when 'BIGINT' then {_NUMBER} when 'UBIGINT' then {_NUMBER} when 'DOUBLE' then {_NUMBER} else {_OTHER}
        end::utinyint as kind{nth},
        case kind{nth}
          when {_NUMBER} then try_cast(text{nth} as double) when {_BOOLEAN} then (text{nth} = 'true')::double
        end as number{nth}
        """
        for nth in range(len(names))
    )
    reader: Any = cursor.sql(
        f"select place, {columns} from ({kinds_and_texts(source)})", params={"pointers": [pointer(name) for name in names]}
    ).to_arrow_reader(BATCH_ROWS)
    for batch in reader:  # in any order
        places: NDArray[np.int64] = batch.column("place").to_numpy(zero_copy_only=False)
        for nth, (target, facts) in enumerate(found):
            kinds = batch.column(f"kind{nth}").to_numpy()
            numbers: NDArray[np.float64] = batch.column(f"number{nth}").to_numpy(zero_copy_only=False)
            is_text, is_boolean, is_number = kinds == _TEXT, kinds == _BOOLEAN, kinds == _NUMBER
            target[places[is_text]] = _of_column(batch.column(f"text{nth}"), np.flatnonzero(is_text))
            target[places[is_boolean]] = np.where(numbers[is_boolean] == 1, _TRUE, _FALSE)
            target[places[is_number]] = _of_numbers(numbers[is_number])
            facts.add(batch.column(f"text{nth}"), kinds == _OTHER, is_number, numbers)
    return found


def _of_column(column: Any, rows: NDArray[np.int64]) -> Hashes:
    """The hashes of these rows' texts, none of them null. texts: an Arrow array."""
    wide = column.cast("large_string")
    _, offsets, data = wide.buffers()
    starts = np.frombuffer(offsets, np.int64)[wide.offset : wide.offset + len(wide) + 1]
    held = np.empty(0, np.uint8) if data is None else np.frombuffer(data, np.uint8)
    return _of_texts(held, starts[rows], starts[rows + 1] - starts[rows])


def _of_texts(data: NDArray[np.uint8], starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> Hashes:
    """Hashes texts eight bytes at a time, for as many rounds as the longest one needs."""
    padded = np.zeros(data.size + 8, np.uint8)
    padded[: data.size] = data
    words = np.ndarray((data.size + 1,), "<u8", padded.data, strides=(1,))
    hashes = _mixed(lengths.astype(np.uint64) + np.uint64(1))
    for offset in range(0, _WHOLE_BYTES, 8):
        rows = np.flatnonzero(lengths > offset)
        if not rows.size:
            break
        left = np.minimum(lengths[rows] - offset, 8)
        hashes[rows] = _mixed(hashes[rows] ^ (words[starts[rows] + offset] & _MASKS[left]))
    rows = np.flatnonzero(lengths > _WHOLE_BYTES)
    hashes[rows] = _mixed(hashes[rows] ^ words[starts[rows] + lengths[rows] - 8])
    return hashes


def _of_numbers(numbers: NDArray[np.float64]) -> Hashes:
    return _mixed((numbers + 0.0).view(np.uint64) ^ _NUMBERS_OWN)  # the sum makes one zero of two


def _mixed(values: Hashes) -> Hashes:
    """Each bit of a value in all bits of the answer (splitmix64); never 0, which stands for none."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    values ^= values >> np.uint64(31)
    return np.maximum(values, np.uint64(1))


def _distinct(hashes: Hashes) -> Hashes:
    values = distinct(hashes)
    return values[values > 0]


def _filter_of(values: Hashes, buckets: int) -> NDArray[np.uint8]:
    """Builds one block's filter: a row of bytes per bucket."""
    bits = np.zeros(buckets * _BITS_A_BUCKET, np.bool_)
    firsts = _bucket_of(values, buckets) * _BITS_A_BUCKET
    for word, places in enumerate(_bits_of(values).T):
        bits[firsts + word * 32 + places] = True
    return np.packbits(bits, bitorder="little").reshape(buckets, BUCKET_BYTES)


def _bucket_of(values: Hashes, buckets: int) -> NDArray[np.int64]:
    """By the upper half of a value."""
    return (((values >> np.uint64(32)) * np.uint64(buckets)) >> np.uint64(32)).astype(np.int64)


def _bits_of(values: Hashes) -> NDArray[np.uint32]:
    """Of each value, by its lower half, the place of a bit in each word."""
    low = (values & np.uint64(0xFFFF_FFFF)).astype(np.uint32)
    return (low[:, None] * _SALTS) >> np.uint32(32 - 5)
