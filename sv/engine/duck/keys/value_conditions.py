"""Answers conditions on a property whose values are in a key file row by row: in blocks of texts (`value_blocks`), or as numbers.

The SQL that asks the condition of rows is asked of the texts and their JSON types. Where it would only compare bytes with bytes, Arrow
does, without a statement; numbers, all of which doubles say exactly, are compared by numpy, as exactly as Python compares.
"""

from typing import Final

import numpy as np
import pyarrow as pa
from msgspec import Struct
from numpy.typing import NDArray
from pyarrow import compute

from sv.engine.duck.filters import condition
from sv.engine.duck.keys.key_files import Reading
from sv.engine.duck.keys.value_blocks import ABSENT, KINDS, TEXT, Described, Rows, ValueBlocks
from sv.engine.duck.properties import Property
from sv.engine.duck.run import Statements, column_of
from sv.engine.duck.sql import Params
from sv.engine.port import Limits
from sv.model.filters import NEGATED, Filter, Operator

BYTES_ASKED: Final = 4 << 20
"""Of texts that a statement is asked about."""

Flags = NDArray[np.bool_]

_COMPARED: Final = {
    Operator.GT: "greater",
    Operator.GTE: "greater_equal",
    Operator.LT: "less",
    Operator.LTE: "less_equal",
}
"""Arrow's functions, which compare texts by their bytes, as SQL does."""


class OfTexts(Struct, frozen=True, eq=False):
    """For which rows of one file a condition on a property in blocks holds."""

    item: Filter
    blocks: ValueBlocks
    statements: Statements
    limits: Limits

    @property
    def for_all(self) -> bool | None:
        """As of `Answer`: each row has to be looked at."""
        return None

    def flags(self, reading: Reading, low: int, high: int) -> Flags:
        """For which of these rows it holds."""
        operator = NEGATED.get(self.item.operator, self.item.operator)
        positive = Filter(self.item.property, operator, self.item.value)
        found = np.zeros(high - low, np.bool_)
        described = Described(reading.bytes_at(self.blocks.at, self.blocks.bytes).tobytes())
        asked: list[tuple[int, Rows]] = []
        for block in described.within(low, high):
            self.limits.check()
            first, _ = described.rows_of(block)
            rows = _cut(
                described.unpacked(block, reading.bytes_at(*described.place_of(block))), max(low - first, 0), high - first
            )
            at = max(first - low, 0)
            plain = _plain(positive, rows)
            if plain is None:
                asked.append((at, rows))
                if sum(each.texts.nbytes for _, each in asked) >= BYTES_ASKED:
                    self._ask(positive, asked, found)
                    asked.clear()
            else:
                found[at : at + plain.size] = plain
        self._ask(positive, asked, found)
        return found if operator is self.item.operator else ~found

    def _ask(self, item: Filter, asked: list[tuple[int, Rows]], found: Flags) -> None:
        if not asked:
            return
        texts, kinds, places = zip(
            *((each.texts, _kinds(each), np.arange(at, at + len(each.texts))) for at, each in asked), strict=True
        )
        named = pa.DictionaryArray.from_arrays(pa.array(np.concatenate(kinds)), pa.array(KINDS))
        held = pa.table({"place": np.concatenate(places), "kind": named, "raw": pa.chunked_array(texts)})
        params = Params()
        holds = condition(item, params, _Held(item.property, params))
        table = self.statements.table(params.sql(f"select place from held where {holds}"), self.limits, held=held)
        found[column_of(table, "place")] = True


class OfNumbers(Struct, frozen=True, eq=False):
    """The same of a property that has nothing but numbers. at: where they begin in the file."""

    item: Filter
    at: int

    @property
    def for_all(self) -> bool | None:
        """As of `Answer`: each row has to be looked at."""
        return None

    def flags(self, reading: Reading, low: int, high: int) -> Flags:
        """For which of these rows it holds."""
        operator = NEGATED.get(self.item.operator, self.item.operator)
        numbers = reading.numbers(self.at, low, high)
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


def _cut(rows: Rows, low: int, high: int) -> Rows:
    if low == 0 and high >= len(rows.texts):
        return rows
    kinds = rows.kinds if isinstance(rows.kinds, int) else rows.kinds[low:high]
    return Rows(rows.texts[low:high], rows.is_there[low:high], kinds, rows.is_ascii)


def _kinds(rows: Rows) -> NDArray[np.uint8]:
    return np.where(rows.is_there, np.uint8(rows.kinds), np.uint8(ABSENT)) if isinstance(rows.kinds, int) else rows.kinds


def _plain(item: Filter, rows: Rows) -> Flags | None:
    """For which rows a positive condition holds, where bytes tell; None where SQL has to be asked."""
    if item.operator is Operator.IS_SET:
        return rows.is_there
    values = item.value if isinstance(item.value, tuple) else (item.value,)
    texts = [value for value in values if isinstance(value, str)]
    is_text = rows.is_there & (rows.kinds == TEXT)
    if len(texts) < len(values) and (rows.is_there & ~is_text).any():
        return None
    found = _plain_texts(item.operator, texts, rows)
    return None if found is None else found & is_text


def _plain_texts(operator: Operator, texts: list[str], rows: Rows) -> Flags | None:
    """The same, as if all of them were strings."""
    held, found = rows.texts, None
    if not texts:
        return np.zeros(len(held), np.bool_)
    if operator is Operator.EXACT:
        wanted = pa.array(texts, pa.string())
        found = compute.call_function("is_in", [held], compute.SetLookupOptions(wanted))
    elif operator in _COMPARED:
        found = compute.call_function(_COMPARED[operator], [held, pa.scalar(texts[0])])
    elif operator is Operator.ICONTAINS and rows.is_ascii and texts[0].isascii():
        lowered = compute.call_function("ascii_lower", [held])
        found = compute.call_function("match_substring", [lowered], compute.MatchSubstringOptions(texts[0].lower()))
    return None if found is None else found.to_numpy(zero_copy_only=False)


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
