"""Answers conditions on a property whose values are in a key file row by row: in blocks of texts (`value_blocks`), or as numbers.

The SQL that asks the condition of rows is asked of the texts and their JSON types. Where it would only compare bytes with bytes, Arrow
does, without a statement; numbers, all of which doubles say exactly, are compared by numpy, as exactly as Python compares.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from itertools import repeat
from typing import Any, Final

import numpy as np
import pyarrow as pa
from msgspec import Struct, field
from numpy.typing import NDArray

from sv.engine.arrays import compute
from sv.engine.duck.filters import condition
from sv.engine.duck.keys.key_files import KeyFile, Reading
from sv.engine.duck.keys.value_blocks import ABSENT, KINDS, TEXT, Block, Described, NumberColumn, Rows, ValueBlocks, unpacked
from sv.engine.duck.properties import Property
from sv.engine.duck.run import Statements, column_of
from sv.engine.duck.sql import Params
from sv.engine.port import Limits
from sv.model.filters import NEGATED, Filter, Operator, compares_path
from sv.model.regexes import required_text

BYTES_ASKED: Final = 8 << 20
"""Of texts that are looked at together, and of what is made of their rows on the way."""

ROW_BYTES: Final = 16
"""Of a row: its length, where its text begins, and some flags."""

ROWS_A_TASK: Final = 200_000
"""Whose values one thread looks at, at least."""

MAX_TASKS: Final = 4
"""Threads that look at values, at most."""

BYTES_AT_ONCE: Final = 1 << 18
"""That are looked through for a text."""

LEAST_NEEDED: Final = 2
"""Bytes that all that an expression matches has to have in it for other texts to be left out: one byte is in most."""

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
    bits, once they were looked at."""

    item: Filter
    blocks: ValueBlocks
    statements: Statements
    limits: Limits
    known: dict[int, NDArray[np.uint8]] = field(default_factory=dict[int, NDArray[np.uint8]])

    def of_all(self, *_: int) -> bool | None:
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
            _ask([(self, block, described.block(block, data))], is_plain=_is_plain(self.positive, *described.traits_of(block)))
        low, high = described.rows_of(block)
        return np.unpackbits(self.known[block], count=high - low).view(np.bool_)


Asked = tuple[OfTexts, int, Block]
"""A block of which nothing is known, by its number, and the block."""


def ask_ahead(wanted: Mapping[OfTexts, tuple[KeyFile, Sequence[Range]]], executor: Executor) -> None:
    """Tell of these ranges of rows, of many blocks and files at once and several times in parallel: a statement costs as much as many rows
    do, and threads wait for one another between calls."""
    by_item: dict[Filter, list[OfTexts]] = defaultdict(list)
    for each in wanted:
        if each.positive.operator is not Operator.IS_SET:
            by_item[each.item].append(each)
    shares = [share for answers in by_item.values() for share in _shares(answers, wanted)]
    for _ in executor.map(_ask_share, shares, repeat(wanted)):
        pass


def _shares(answers: Sequence[OfTexts], wanted: Mapping[OfTexts, tuple[KeyFile, Sequence[Range]]]) -> list[list[OfTexts]]:
    """Divides them among threads, with about as many rows each."""
    rows = [sum(high - low for low, high in wanted[each][1]) for each in answers]
    count = min(max(sum(rows) // ROWS_A_TASK, 1), MAX_TASKS)
    shares: list[list[OfTexts]] = [[] for _ in range(count)]
    before = 0
    for each, of_it in zip(answers, rows, strict=True):
        shares[before * count // max(sum(rows), 1)].append(each)
        before += of_it
    return shares


def _ask_share(answers: Sequence[OfTexts], wanted: Mapping[OfTexts, tuple[KeyFile, Sequence[Range]]]) -> None:
    """All of one condition. What is damaged is left to who reads it."""
    asked: dict[bool, list[Asked]] = {True: [], False: []}
    size = dict.fromkeys(asked, 0)
    for answer in answers:
        for is_plain, block, held in _blocks_of(answer, *wanted[answer]):
            asked[is_plain].append((answer, block, held))
            size[is_plain] += held.texts + ROW_BYTES * held.rows
            if size[is_plain] >= BYTES_ASKED:
                with suppress(OSError):
                    _ask(asked[is_plain], is_plain=is_plain)
                asked[is_plain], size[is_plain] = [], 0
    for is_plain, some in asked.items():
        if some:
            with suppress(OSError):
                _ask(some, is_plain=is_plain)


def _blocks_of(answer: OfTexts, file: KeyFile, ranges: Sequence[Range]) -> Iterator[tuple[bool, int, Block]]:
    """The blocks of these rows, and whether bytes tell; none of a file that can't be read."""
    with suppress(OSError), Reading(file) as reading:
        described = answer.described(reading)
        for block in sorted({block for low, high in ranges for block in described.within(low, high)}):
            answer.limits.check()
            data = reading.bytes_at(*described.place_of(block))
            yield _is_plain(answer.positive, *described.traits_of(block)), block, described.block(block, data)


def strings_by_bytes(item: Filter, strings: Any) -> Flags | None:
    """For which of these strings, an Arrow array that has some and no nulls, a condition that negates nothing holds; None where bytes don't
    tell."""
    if item.operator is Operator.IS_SET:
        return np.ones(len(strings), np.bool_)
    is_ascii = compute().call_function("all", [compute().call_function("string_is_ascii", [strings])]).as_py()
    return _plain(item, _rows_of(strings)) if _is_plain(item, TEXT, is_ascii) else None


def strings_by_sql(item: Filter, strings: Any, statements: Statements, limits: Limits) -> Flags:
    """The same, by a statement."""
    return _told(item, _rows_of(strings), statements, limits)


def _rows_of(strings: Any) -> Rows:
    _, offsets, data = strings.buffers()
    texts = np.empty(0, np.uint8) if data is None else np.frombuffer(data, np.uint8)
    return Rows(strings, texts, np.frombuffer(offsets, np.int32)[: len(strings) + 1], np.ones(len(strings), np.bool_), TEXT)


def _ask(asked: Sequence[Asked], *, is_plain: bool) -> None:
    """All of these blocks are of one condition. is_plain: whether bytes tell, or SQL has to. Raises OSError where one is damaged."""
    first = asked[0][0]
    rows = unpacked([held for _, _, held in asked])
    flags = _plain(first.positive, rows) if is_plain else _told(first.positive, rows, first.statements, first.limits)
    low = 0
    for answer, block, held in asked:
        answer.known[block] = np.packbits(flags[low : low + held.rows])
        low += held.rows


def _told(item: Filter, rows: Rows, statements: Statements, limits: Limits) -> Flags:
    """For which rows the condition holds, as SQL has it."""
    flags = np.zeros(len(rows.texts), np.bool_)
    texts, kinds, places = rows.texts, _kinds(rows), np.arange(flags.size)
    if needed := _needed(item):
        places = np.flatnonzero(_containing(rows, needed, is_folded=False))
        texts, kinds = texts.take(pa.array(places)), kinds[places]
    if places.size:
        named = pa.DictionaryArray.from_arrays(pa.array(kinds), pa.array(KINDS))
        table = pa.table({"place": places, "kind": named, "raw": texts})
        params = Params()
        holds = condition(item, params, _Held(item.property, params))
        told = statements.table(params.sql(f"select place from held where {holds}"), limits, held=table)
        flags[column_of(told, "place")] = True
    return flags


def _needed(item: Filter) -> bytes:
    """What a text has in it for which the condition holds; nothing where that isn't known, or in too many to be looked for."""
    if item.operator is not Operator.REGEX or not isinstance(item.value, str) or compares_path(item.property, item.value):
        return b""
    needed = required_text(item.value).encode()
    return needed if len(needed) >= LEAST_NEEDED else b""


class OfNumbers(Struct, frozen=True, eq=False):
    """The same of a property that has nothing but numbers."""

    item: Filter
    column: NumberColumn

    def of_all(self, *_: int) -> bool | None:
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
        return _containing(rows, texts[0].lower().encode(), is_folded=True) & is_text
    if item.operator is Operator.EXACT and len(texts) > 1:
        found = compute().call_function("is_in", [rows.texts], compute().SetLookupOptions(pa.array(texts, pa.string())))
    else:
        found = compute().call_function(_COMPARED[item.operator], [rows.texts, pa.scalar(texts[0])])
    return found.to_numpy(zero_copy_only=False) & is_text


def _containing(rows: Rows, sought: bytes, *, is_folded: bool) -> Flags:
    """Which of the rows have these bytes in them. is_folded: all texts are ASCII and the bytes lower case, upper and lower being the same.

    All bytes of many rows are looked at together for the first two of these, and what is left for one after the other.
    """
    found = np.zeros(rows.is_there.size, np.bool_)
    data = rows.data
    count = data.size - len(sought) + 1
    pieces = [
        _beginnings(data, low, min(low + BYTES_AT_ONCE, count), sought[:2], is_folded) for low in range(0, count, BYTES_AT_ONCE)
    ]
    if not pieces:
        return found
    places = np.concatenate(pieces)
    for nth in range(2, len(sought)):
        places = places[_are(data[places + nth], sought[nth], is_folded)]
    found[rows.of_places(places, len(sought))] = True
    return found


def _beginnings(data: NDArray[np.uint8], low: int, high: int, sought: bytes, is_folded: bool) -> NDArray[np.int64]:
    """Where in [low, high) these one or two bytes begin. So few are looked at at once that what is made of them stays in the processor's
    cache."""
    begins = _are(data[low:high], sought[0], is_folded)
    if len(sought) > 1:
        begins &= _are(data[low + 1 : high + 1], sought[1], is_folded)
    return np.flatnonzero(begins) + low


def _are(data: NDArray[np.uint8], byte: int, is_folded: bool) -> Flags:
    """Which bytes are this one, or where that is folded its upper case."""
    return (data | 0x20) == byte if is_folded and 0x61 <= byte <= 0x7A else data == byte


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
