"""Answers conditions on a property whose values are in a key file row by row: in blocks of texts (`value_blocks`), or as numbers.

The SQL that asks the condition of rows is asked of the texts and their JSON types. Where it would only compare bytes with bytes, Arrow
does, without a statement; numbers, all of which doubles say exactly, are compared by numpy, as exactly as Python compares.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import numpy as np
import pyarrow as pa
from msgspec import Struct, field
from numpy.typing import NDArray
from pyarrow import compute

from sv.engine.duck.filters import condition
from sv.engine.duck.keys.key_files import KeyFile, Reading
from sv.engine.duck.keys.value_blocks import ABSENT, KINDS, TEXT, Described, NumberColumn, Rows, ValueBlocks
from sv.engine.duck.properties import Property
from sv.engine.duck.run import Statements, column_of
from sv.engine.duck.sql import Params
from sv.engine.port import Limits
from sv.model.filters import NEGATED, Filter, Operator

BYTES_ASKED: Final = 4 << 20
"""Of texts that a statement is asked about."""

Flags = NDArray[np.bool_]
Range = tuple[int, int]
"""Of a file's rows, half-open."""

_COMPARED: Final = {
    Operator.EXACT: "equal",
    Operator.GT: "greater",
    Operator.GTE: "greater_equal",
    Operator.LT: "less",
    Operator.LTE: "less_equal",
}
"""Arrow's functions, which compare texts by their bytes, as SQL does."""


class OfTexts(Struct, frozen=True, eq=False):
    """For which rows of one file a condition on a property in blocks holds. known: for which of a block's rows its positive holds, packed
    bits, once SQL has told."""

    item: Filter
    blocks: ValueBlocks
    statements: Statements
    limits: Limits
    known: dict[int, NDArray[np.uint8]] = field(default_factory=dict[int, NDArray[np.uint8]])

    @property
    def for_all(self) -> bool | None:
        """As of `Answer`: each row has to be looked at."""
        return None

    @property
    def positive(self) -> Filter:
        """The condition, or the one that it is the negation of."""
        return Filter(self.item.property, NEGATED.get(self.item.operator, self.item.operator), self.item.value)

    def described(self, reading: Reading) -> Described:
        """What the file says of the blocks."""
        return Described(reading.bytes_at(self.blocks.at, self.blocks.bytes).tobytes())

    def flags(self, reading: Reading, low: int, high: int) -> Flags:
        """For which of these rows it holds."""
        found = np.zeros(high - low, np.bool_)
        described = self.described(reading)
        for block in described.within(low, high):
            self.limits.check()
            first, last = described.rows_of(block)
            holds = self._of_block(reading, described, block)
            found[max(first, low) - low : min(last, high) - low] = holds[max(low - first, 0) : high - first]
        return found if self.item.operator not in NEGATED else ~found

    def _of_block(self, reading: Reading, described: Described, block: int) -> Flags:
        if block not in self.known:
            data = reading.bytes_at(*described.place_of(block))
            if self.positive.operator is Operator.IS_SET:
                return described.is_there(block, data)
            rows = described.unpacked(block, data)
            if _is_plain(self.positive, *described.traits_of(block)):
                return _plain(self.positive, rows)
            _ask([(self, block, rows)])
        low, high = described.rows_of(block)
        return np.unpackbits(self.known[block], count=high - low).view(np.bool_)


def ask_ahead(wanted: Mapping[OfTexts, tuple[KeyFile, Sequence[Range]]]) -> None:
    """Ask SQL what it has to be asked of these ranges of rows, of several files in one statement, which costs as much as many rows do."""
    by_item: dict[Filter, list[OfTexts]] = defaultdict(list)
    for each in wanted:
        if not _is_plain(each.positive, each.blocks.kind, each.blocks.is_ascii):
            by_item[each.item].append(each)
    for answers in by_item.values():
        asked: list[tuple[OfTexts, int, Rows]] = []
        size = 0
        for answer in answers:
            for block, rows in _unplain(answer, *wanted[answer]):
                asked.append((answer, block, rows))
                size += rows.texts.nbytes
                if size >= BYTES_ASKED:
                    _ask(asked)
                    asked, size = [], 0
        if asked:
            _ask(asked)


def strings_by_bytes(item: Filter, strings: Any) -> Flags | None:
    """For which of these strings, an Arrow array that has some and no nulls, a condition that negates nothing holds; None where bytes don't
    tell."""
    if item.operator is Operator.IS_SET:
        return np.ones(len(strings), np.bool_)
    is_ascii = compute.call_function("all", [compute.call_function("string_is_ascii", [strings])]).as_py()
    return _plain(item, _rows_of(strings)) if _is_plain(item, TEXT, is_ascii) else None


def strings_by_sql(item: Filter, strings: Any, statements: Statements, limits: Limits) -> Flags:
    """The same, by a statement."""
    return _told(item, [_rows_of(strings)], statements, limits)


def _rows_of(strings: Any) -> Rows:
    _, offsets, data = strings.buffers()
    texts = np.empty(0, np.uint8) if data is None else np.frombuffer(data, np.uint8)
    return Rows(strings, texts, np.frombuffer(offsets, np.int32)[: len(strings) + 1], np.ones(len(strings), np.bool_), TEXT)


def _unplain(answer: OfTexts, file: KeyFile, ranges: Sequence[Range]) -> Iterator[tuple[int, Rows]]:
    """The blocks of these rows of which SQL has to be asked. A file that can't be read is left to who reads it."""
    with suppress(OSError), Reading(file) as reading:
        described = answer.described(reading)
        for block in sorted({block for low, high in ranges for block in described.within(low, high)}):
            if not _is_plain(answer.positive, *described.traits_of(block)):
                answer.limits.check()
                yield block, described.unpacked(block, reading.bytes_at(*described.place_of(block)))


def _ask(asked: Sequence[tuple[OfTexts, int, Rows]]) -> None:
    """All of these blocks are of one condition."""
    first = asked[0][0]
    flags = _told(first.positive, [rows for _, _, rows in asked], first.statements, first.limits)
    low = 0
    for answer, block, rows in asked:
        answer.known[block] = np.packbits(flags[low : low + len(rows.texts)])
        low += len(rows.texts)


def _told(item: Filter, held: Sequence[Rows], statements: Statements, limits: Limits) -> Flags:
    """For which rows the condition holds, as SQL has it."""
    named = pa.DictionaryArray.from_arrays(pa.array(np.concatenate([_kinds(rows) for rows in held])), pa.array(KINDS))
    raw = pa.chunked_array([rows.texts for rows in held])
    table = pa.table({"place": np.arange(len(raw)), "kind": named, "raw": raw})
    params = Params()
    holds = condition(item, params, _Held(item.property, params))
    told = statements.table(params.sql(f"select place from held where {holds}"), limits, held=table)
    flags = np.zeros(len(raw), np.bool_)
    flags[column_of(told, "place")] = True
    return flags


class OfNumbers(Struct, frozen=True, eq=False):
    """The same of a property that has nothing but numbers."""

    item: Filter
    column: NumberColumn

    @property
    def for_all(self) -> bool | None:
        """As of `Answer`: each row has to be looked at."""
        return None

    def flags(self, reading: Reading, low: int, high: int) -> Flags:
        """For which of these rows it holds."""
        operator = NEGATED.get(self.item.operator, self.item.operator)
        numbers = reading.numbers(self.column, low, high)
        if operator is Operator.IS_SET:
            found = ~np.isnan(numbers)
        else:
            found = np.zeros(numbers.size, np.bool_)
            value = self.item.value
            values = value if isinstance(value, tuple) else (value,)
            bounds = [each for each in values if isinstance(each, int | float) and not isinstance(each, bool)]
            if operator is Operator.EXACT:
                found = np.isin(numbers, [float(bound) for bound in bounds if float(bound) == bound])
            else:
                for bound in bounds:
                    found |= _beyond(numbers, operator, bound)
        return found if operator is self.item.operator else ~found


class _Held(Property):
    """The property in a statement over `held`, which has a row's JSON type and text in columns of their own."""

    def kind(self) -> str:
        return "kind"

    def raw_text(self) -> str:
        return "raw"


def _kinds(rows: Rows) -> NDArray[np.uint8]:
    return np.where(rows.is_there, np.uint8(rows.kinds), np.uint8(ABSENT)) if isinstance(rows.kinds, int) else rows.kinds


def _is_plain(item: Filter, kind: int | None, is_ascii: bool) -> bool:
    """Whether bytes tell for which rows of a block a positive condition holds. kind: of all values that are there; None for several."""
    values = item.value if isinstance(item.value, tuple) else (item.value,)
    if item.operator is Operator.IS_SET:
        return True
    if kind not in (TEXT, ABSENT) and not all(isinstance(value, str) for value in values):
        return False
    if item.operator is Operator.ICONTAINS:
        return is_ascii and isinstance(item.value, str) and item.value.isascii()
    return item.operator in _COMPARED


def _plain(item: Filter, rows: Rows) -> Flags:
    """For which rows a positive condition holds, in a block of which bytes tell."""
    values = item.value if isinstance(item.value, tuple) else (item.value,)
    texts = [value for value in values if isinstance(value, str)]
    if not texts:
        return np.zeros(len(rows.texts), np.bool_)
    is_text = rows.is_there & (rows.kinds == TEXT)
    if item.operator is Operator.ICONTAINS:
        return _containing(rows, texts[0].lower().encode()) & is_text
    if item.operator is Operator.EXACT and len(texts) > 1:
        found = compute.call_function("is_in", [rows.texts], compute.SetLookupOptions(pa.array(texts, pa.string())))
    else:
        found = compute.call_function(_COMPARED[item.operator], [rows.texts, pa.scalar(texts[0])])
    return found.to_numpy(zero_copy_only=False) & is_text


def _containing(rows: Rows, sought: bytes) -> Flags:
    """Which of the rows, all of whose texts are ASCII, have these lower-case bytes in them, upper and lower case being the same. All bytes
    of the block are looked at together, first for the first of these bytes, and what is left for one after the other."""
    found = np.zeros(rows.is_there.size, np.bool_)
    data = rows.data
    if data.size < len(sought):
        return found
    starts = data.size - len(sought) + 1
    is_start = _is_byte(data[:starts], sought[0])
    if len(sought) > 1:
        is_start &= _is_byte(data[1 : starts + 1], sought[1])
    places = np.flatnonzero(is_start)
    for nth in range(2, len(sought)):
        places = places[_is_byte(data[places + nth], sought[nth])]
    at = np.searchsorted(rows.offsets, places, "right") - 1
    found[at[places + len(sought) <= rows.offsets[at + 1]]] = True
    return found


def _is_byte(data: NDArray[np.uint8], lower: int) -> Flags:
    """Which bytes are this one, or its upper case."""
    return (data | 0x20) == lower if 0x61 <= lower <= 0x7A else data == lower


def _beyond(numbers: NDArray[np.float64], operator: Operator, bound: float) -> Flags:
    """Which of the numbers are on the operator's side of the bound, exactly; nan never is."""
    rounded = float(bound)
    if rounded > bound:  # what is at most the bound is below the rounded one, and what is above it may be equal to that
        operator = {Operator.LTE: Operator.LT, Operator.GT: Operator.GTE}.get(operator, operator)
    elif rounded < bound:
        operator = {Operator.LT: Operator.LTE, Operator.GTE: Operator.GT}.get(operator, operator)
    match operator:
        case Operator.GT:
            return numbers > rounded
        case Operator.GTE:
            return numbers >= rounded
        case Operator.LT:
            return numbers < rounded
        case Operator.LTE:
            return numbers <= rounded
        case _:
            return np.zeros(numbers.size, np.bool_)
