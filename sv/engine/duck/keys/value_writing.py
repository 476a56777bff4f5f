"""Makes what a key file has of properties without codes: blocks of texts (`value_blocks`), or numbers, a double a row.

Rows come in the key file's order from the engine, which sorts them within its memory, so that a block or two are held at a time.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sv.engine.arrays import compute
from sv.engine.duck.files import read_files
from sv.engine.duck.keys.key_order import Order
from sv.engine.duck.keys.value_blocks import (
    ABSENT,
    KINDS,
    MAX_TEXT_BYTES,
    OTHER,
    NumberColumn,
    Packed,
    ValueBlocks,
    block_ends,
    described,
    number_column,
    packed,
    value_blocks,
)
from sv.engine.duck.properties import Property, pointer
from sv.engine.duck.sql import Params

log = logging.getLogger(__name__)

MAX_BYTES_A_ROW: Final = 128
"""Of a part's rows on average: texts, before they are compressed, and eight for a number, of all properties together. Those of most events
come first."""

NUMBER_BYTES: Final = 8
"""At most."""

READ_ROWS: Final = 20_480
"""At a time."""

MAX_DIGITS: Final = 40
"""Of integers that are looked at; those of 64 bits have 20."""

_EXACT: Final = 2.0**53

Add = Callable[[Any], int]
"""Writes some bytes; answers where they begin in the file."""


class Facts:
    """What is known of a property's values once all of them were seen."""

    def __init__(self) -> None:
        self.longest = 0
        self.bytes = 0
        self.has_only_numbers = True
        """All of which a double says exactly."""

    def add(self, texts: Any, is_other: NDArray[np.bool_], is_number: NDArray[np.bool_], numbers: NDArray[np.float64]) -> None:
        """Some rows' values. texts: an Arrow array, null where there is no value. is_other: of lists, objects and no value."""
        lengths: NDArray[np.int64] = compute().call_function("binary_length", [texts]).fill_null(0).to_numpy(zero_copy_only=False)
        held = lengths[~is_other]
        self.longest = max(self.longest, int(held.max(initial=0)))
        self.bytes += int(held.sum())
        is_there: NDArray[np.bool_] = texts.is_valid().to_numpy(zero_copy_only=False)
        if not self.has_only_numbers or (is_there & ~is_number).any() or not np.isfinite(numbers[is_number]).all():
            self.has_only_numbers = False
            return
        large = np.flatnonzero(is_number & (np.abs(numbers) >= _EXACT))
        self.has_only_numbers = all(map(_is_exact, texts.take(large).to_pylist()))


def _is_exact(text: str) -> bool:
    """Whether a number is what the double nearest to it is. One that isn't written as an integer is by what it means."""
    digits = text.removeprefix("-")
    return not digits.isdecimal() or (len(digits) <= MAX_DIGITS and float(text) == int(text))


class Source(NamedTuple):
    """The part that a key file is made from. counts: of each event's rows, in the file's order. order: as of `key_order`."""

    cursor: duckdb.DuckDBPyConnection
    path: Path
    counts: Sequence[int]
    order: Order | None

    @property
    def rows(self) -> int:
        return sum(self.counts)


def write_values(source: Source, facts: Mapping[str, Facts], add: Add) -> tuple[dict[str, ValueBlocks], dict[str, NumberColumn]]:
    """The blocks of those of these properties that get some, and the numbers of those that get numbers."""
    left = MAX_BYTES_A_ROW * source.rows
    texts, numbers = [], []
    for name, known in facts.items():
        size = NUMBER_BYTES * source.rows if known.has_only_numbers else known.bytes
        if size <= left and (known.has_only_numbers or known.longest <= MAX_TEXT_BYTES):
            left -= size
            (numbers if known.has_only_numbers else texts).append(name)
    return _try_texts(source, texts, add), {name: number_column(_numbers(source, name), add) for name in numbers}


def _try_texts(source: Source, names: Sequence[str], add: Add) -> dict[str, ValueBlocks]:
    """A part whose texts are more than the engine has memory to sort has a key file without them, which is better than none."""
    try:
        return _write_texts(source, names, add)
    except duckdb.OutOfMemoryException:
        log.warning(
            "no memory to put the texts of %s in order, so filters by some of its properties are slower", source.path.name
        )
        return {}


def _write_texts(source: Source, names: Sequence[str], add: Add) -> dict[str, ValueBlocks]:
    written: list[list[tuple[int, Packed]]] = [[] for _ in names]
    for table in _blocks(source, names):
        for nth, blocks in enumerate(written):
            kinds = table.column(f"kind{nth}").combine_chunks().to_numpy(zero_copy_only=False)
            for block in packed(kinds, table.column(f"text{nth}").combine_chunks()):
                blocks.append((add(block.data), block))
    return {
        name: value_blocks(add(described(blocks)), [block for _, block in blocks])
        for name, blocks in zip(names, written, strict=True)
    }


def _blocks(source: Source, names: Sequence[str]) -> Iterator[Any]:
    """Tables of a block's rows, with the kinds and texts of all of these properties."""
    if not names:
        return
    sizes = iter(np.diff(block_ends(source.counts), prepend=0).tolist())
    left, held = next(sizes), []
    for batch in _read(source, names):
        first = 0
        while first < batch.num_rows:
            some = batch.slice(first, left)
            held.append(some)
            first += some.num_rows
            left -= some.num_rows
            if not left:
                yield pa.Table.from_batches(held)
                left, held = next(sizes, 0), []


def _read(source: Source, names: Sequence[str]) -> Any:
    cases = " ".join(f"when '{kind}' then {number}" for number, kind in enumerate(KINDS[:OTHER]))
    columns = ", ".join(
        f"""
        case coalesce(kinds[{nth + 1}], 'NULL') {cases} else {OTHER} end::utinyint as kind{nth},
        case when kind{nth} between {ABSENT + 1} and {OTHER - 1} then texts[{nth + 1}] end as text{nth}
        """
        for nth in range(len(names))
    )
    return source.cursor.sql(
        f"""
        select {columns}
        from ({kinds_and_texts(source.path)})
        order by event, person, epoch_ms(timestamp), place
        """,
        params={"pointers": [pointer(name) for name in names]},
    ).to_arrow_reader(READ_ROWS)


def kinds_and_texts(source: Path) -> str:
    """A select of a part's rows with `kinds` and `texts` of the properties that `$pointers` names, as lists, in the place of their JSON.

    SCAR: a function for each property took the JSON apart as often, at the same time: eight thousand events of two kilobytes took 500 MiB.
    """
    return f"""
      select * exclude (properties), json_type(properties, $pointers) as kinds, json_extract_string(properties, $pointers) as texts
      from ({read_files([source], with_place=True)})
    """


def _numbers(source: Source, name: str) -> NDArray[np.float64]:
    """One property's numbers in the key file's order, nan where it is absent."""
    found = np.full(source.rows, np.nan)
    params = Params()
    reader: Any = source.cursor.sql(
        f"select place, {Property(name, params).number()} as number from ({read_files([source.path], with_place=True)})",
        params=params.values,
    ).to_arrow_reader(READ_ROWS)
    for batch in reader:  # in any order
        places: NDArray[np.int64] = batch.column("place").to_numpy(zero_copy_only=False)
        found[places] = batch.column("number").to_numpy(zero_copy_only=False)
    return found if source.order is None else found[source.order]
