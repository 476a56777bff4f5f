"""Answers a matcher's conditions from key files: for which codes of a column or property each condition holds.

A condition is asked once of each distinct value, by the same SQL that asks it of rows, so that it means the same in both. Two cases need no
statement: equality of strings, and comparisons with a property whose numbers are kept in order, where it is enough to find the place of the
bound. What codes can't answer is left to the caller.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence, Set
from operator import ge, gt, le, lt
from typing import Any, Final, NamedTuple, cast

import msgspec
import numpy as np
import pyarrow as pa
from msgspec import Struct
from numpy.typing import NDArray

from sv.engine.arrays import compute
from sv.engine.duck.filters import condition
from sv.engine.duck.keys.fingerprints import sought
from sv.engine.duck.keys.key_files import CODED_COLUMNS, KeyFile, Reading, Value
from sv.engine.duck.keys.key_values import Coded, Files, GiveUp, coded_values, rows_holding, texts_in
from sv.engine.duck.keys.property_codes import NUMBER_BEGINS, PropertyColumn, Span
from sv.engine.duck.keys.value_conditions import OfNumbers, OfTexts, strings_by_bytes, strings_by_sql
from sv.engine.duck.properties import IS_BOT
from sv.engine.duck.run import Statements
from sv.engine.duck.schema import COLUMNS, STRING_PROPERTY_COLUMNS
from sv.engine.duck.sql import Params
from sv.engine.port import Limits, Matcher, Scope
from sv.model.filters import NEGATED, Filter, Operator, compares_path, url_path

_PROPERTIES: Final = "properties"
_WORD: Final = re.compile(r"\w+")

BYTES_TAKEN: Final = 4 << 20
"""Of JSON texts that are taken out of key files at a time; in memory they take several times that."""

FEW_TEXTS: Final = 2048
"""So many strings and fewer are asked about together with what isn't a string, where SQL is asked."""

PLAIN_DIGITS: Final = 18
"""Characters of a number that compares as Python compares it: whole ones have at most 64 bits."""

ORDERS: Final = {Operator.GT: gt, Operator.GTE: ge, Operator.LT: lt, Operator.LTE: le}

Table = NDArray[np.bool_]
"""Which codes a condition holds for, by code."""

Holders = tuple[int, Sequence[tuple[KeyFile, PropertyColumn]]]
"""Files with the same values, and where these end among those of several."""


class Condition(Struct, frozen=True):
    """A condition over one coded column, or over the property that `item` names. item: None for the condition that leaves out bots."""

    column: str | None
    item: Filter | None


class Answer(NamedTuple):
    """For which codes a condition holds in one file. at, width, span: where the rows' codes are, as of `PropertyColumn`."""

    at: int | None
    width: int
    table: Table
    span: Span | None = None

    def flags(self, reading: Reading, low: int, high: int) -> Table:
        """For which of these rows it holds."""
        return self.table[reading.codes(self.at, low, high, self.width, self.span)]

    def of_all(self, low: int, high: int) -> bool | None:
        """True or False where the condition holds for all of these rows or for none; None where each row's code has to be looked at."""
        table = self.table
        if self.span is not None:
            first, last = self.span
            if high <= first or last <= low:
                table = table[:1]
            elif self.at is None and first <= low and high <= last:
                table = table[1:]
        if table.all():
            return True
        return None if table.any() and (self.at is not None or self.span is not None) else False


AnyAnswer = Answer | OfTexts | OfNumbers
Answers = dict[tuple[Condition, KeyFile], AnyAnswer]
"""A condition and file that is missing has no answer."""


class Alternative(Struct, frozen=True):
    """Events of one name, or of any, that meet all of these conditions."""

    event: str | None
    needs: tuple[Condition, ...]


def alternatives_of(scope: Scope, matcher: Matcher) -> list[Alternative] | None:
    """The matcher within the scope, as alternatives: an event counts if it is of any of them. None where codes can't express it."""
    common = _conditions_of((*scope.filters, *matcher.filters))
    if common is None:
        return None
    if not scope.include_bots:
        common = (Condition("is_bot", None), *common)
    if not matcher.rules:
        return [Alternative(matcher.event, common)]
    found: list[Alternative] = []
    for rule in matcher.rules:
        needs = _conditions_of(rule.all_filters)
        if rule.selector is not None or rule.text is not None or needs is None:
            return None
        if None in (matcher.event, rule.event) or matcher.event == rule.event:
            found.append(Alternative(matcher.event or rule.event, (*common, *needs)))
    return found


def _conditions_of(items: Sequence[Filter]) -> tuple[Condition, ...] | None:
    found = tuple(map(_condition_of, items))
    return None if None in found else tuple(need for need in found if need is not None)


def _condition_of(item: Filter) -> Condition | None:
    # Values are bound, so the condition's words are columns, functions and keywords.
    words = set(_WORD.findall(condition(item, Params()))) & COLUMNS.keys()
    if words == {_PROPERTIES} and item.property not in STRING_PROPERTY_COLUMNS and item.property != IS_BOT:
        return Condition(None, item)
    (column,) = words if len(words) == 1 else (None,)
    return Condition(column, item) if column in CODED_COLUMNS else None


def answers_of(
    needs: Set[Condition],
    files: Files,
    statements: Statements,
    give_up: GiveUp,
    limits: Limits,
) -> Answers:
    """The answer to each condition in each file that can give one."""
    answers: Answers = {}
    for need in needs:
        if need.column is not None:
            answers |= _of_column(need, need.column, files, statements, limits)
        elif need.item is not None:
            answers |= _OfProperty(need, need.item, statements, limits).answers(files, give_up)
    return answers


def values_wanted(
    asked: Iterable[Alternative], files: Files, answers: Answers
) -> dict[OfTexts, tuple[KeyFile, list[tuple[int, int]]]]:
    """The answers that look at values, each with the ranges of rows that the alternatives are about."""
    found: dict[OfTexts, tuple[KeyFile, list[tuple[int, int]]]] = {}
    for one in asked:
        for _, file in files:
            told = [answers.get((need, file)) for need in one.needs]
            low, high = (0, file.rows) if one.event is None else file.range_of(one.event)
            if low < high and all(each is not None and each.of_all(low, high) is not False for each in told):
                for each in told:
                    if isinstance(each, OfTexts):
                        found.setdefault(each, (file, []))[1].append((low, high))
    return found


def _of_column(need: Condition, name: str, files: Files, statements: Statements, limits: Limits) -> Answers:
    columns = {file: column for _, file in files if (column := file.columns.get(name)) is not None}
    values = {value for column in columns.values() for value in column.values}
    item = need.item
    if item is None:
        holds = {value: value is not True for value in values}
    elif (equal := _equal_of(item)) is not None:
        holds = {value: (value in equal.strings) is equal.holds for value in values}
    else:
        holds = _ask(name, item, values, statements, limits)
    return {
        (need, file): Answer(column.at, 1, np.array([holds[value] for value in column.values], np.bool_))
        for file, column in columns.items()
    }


class _Equal(NamedTuple):
    """A condition that only asks whether a string is one of `strings`. holds: whether it holds for those, or for all other values."""

    strings: frozenset[str]
    holds: bool


def _equal_of(item: Filter) -> _Equal | None:
    if NEGATED.get(item.operator, item.operator) is not Operator.EXACT:
        return None
    values = item.value if isinstance(item.value, tuple) else (item.value,)
    strings = frozenset(
        (url_path(value) or "") if compares_path(item.property, value) else value for value in values if isinstance(value, str)
    )
    return _Equal(strings, item.operator is Operator.EXACT) if all(isinstance(value, str) for value in values) else None


def _ask(column: str, item: Filter, values: set[Value], statements: Statements, limits: Limits) -> dict[Value, bool]:
    params = Params()
    held = params.bind(list(values))
    statement = f"select {column}, {condition(item, params)} from (select unnest({held}::{COLUMNS[column]}[]) as {column})"
    return {value: bool(holds) for value, holds in statements.rows(params.sql(statement), limits)}


class _OfProperty:
    """One condition over a property, in many files."""

    def __init__(self, need: Condition, item: Filter, statements: Statements, limits: Limits) -> None:
        self._need = need
        self._item = item
        self._statements = statements
        self._limits = limits

    def answers(self, files: Files, give_up: GiveUp) -> Answers:
        coded = coded_values(files, self._item.property, give_up)
        found = self._of_values(files) | self._of_texts(coded)
        if coded.absent or coded.numbers:
            of_none = self._ask({None})[None]
            found |= {(self._need, file): Answer(None, 1, np.array([of_none])) for file in coded.absent}
            for file, (column, each) in coded.numbers.items():
                table = np.concatenate(([of_none], self._of_numbers(each[1:])))
                found[self._need, file] = Answer(column.at, column.width, table, column.span)
        return found | {(self._need, file): Answer(None, 1, np.array([False])) for file in self._without(files, give_up)}

    def _of_texts(self, coded: Coded) -> Answers:
        """Of the files whose values are JSON texts."""
        found: Answers = {}
        asked: list[str | None] = []
        holders: list[Holders] = []
        taken = 0
        for encoded, held_by in coded.texts.items():
            asked += texts_in(encoded)
            holders.append((len(asked), held_by))
            taken += len(encoded)
            if taken >= BYTES_TAKEN:
                found |= self._tables(asked, holders)
                asked, holders, taken = [], [], 0
        return found | self._tables(asked, holders) if holders else found

    def _tables(self, texts: Sequence[str | None], holders: Sequence[Holders]) -> Answers:
        self._limits.check()
        holds = self._holding(texts)
        found: Answers = {}
        low = 0
        for high, held_by in holders:
            for file, column in held_by:
                found[self._need, file] = Answer(column.at, column.width, holds[low:high], column.span)
            low = high
        return found

    def _holding(self, texts: Sequence[str | None]) -> Table:
        """For which of these JSON texts the condition holds."""
        positive = Filter(self._item.property, NEGATED.get(self._item.operator, self._item.operator), self._item.value)
        held = pa.array(texts, pa.string())
        is_string = _is_bare(held)
        strings = held.filter(pa.array(is_string)).cast(pa.binary())
        strings = compute().call_function("binary_slice", [strings], compute().SliceOptions(1, -1)).cast(pa.string())
        of_strings = strings_by_bytes(positive, strings) if len(strings) else None
        if of_strings is None and len(strings) > FEW_TEXTS:
            of_strings = strings_by_sql(positive, strings, self._statements, self._limits)
        holds = np.empty(len(texts), np.bool_)
        if of_strings is None:
            is_string[:] = False
        else:
            holds[is_string] = of_strings if positive.operator is self._item.operator else ~of_strings
        others = np.flatnonzero(~is_string).tolist()
        asked = self._ask({texts[nth] for nth in others}) if others else {}
        holds[others] = [asked[texts[nth]] for nth in others]
        return holds

    def _of_values(self, files: Files) -> Answers:
        """Of the files that have no codes of the property, but its values row by row."""
        name = self._item.property
        found: Answers = {}
        for _, file in files:
            if (blocks := file.values.get(name)) is not None:
                found[self._need, file] = OfTexts(self._item, blocks, self._statements, self._limits)
            elif (column := file.numbers.get(name)) is not None:
                found[self._need, file] = OfNumbers(self._item, column)
        return found

    def _without(self, files: Files, give_up: GiveUp) -> Iterator[KeyFile]:
        """The files that have no codes of the property, but whose Bloom filters show that no row meets the condition."""
        values = sought(self._item)
        if values is None:
            return
        for part, file in files:
            prints = file.fingerprints.get(self._item.property)
            if prints is not None:
                try:
                    with Reading(file) as reading:
                        if not reading.blocks_with(prints, values):
                            yield file
                except OSError as error:
                    give_up(part, file, error)

    def _ask(self, texts: set[str | None]) -> dict[str | None, bool]:
        """For which values the condition holds. Values are JSON texts; None stands for an absent property."""
        holds = self._compared(texts)
        rest = texts - holds.keys()
        if rest:
            params = Params()
            statement = f"select text, {condition(self._item, params)} from ({rows_holding(self._item.property, rest, params)})"
            holds |= {text: bool(held) for text, held in self._statements.rows(params.sql(statement), self._limits)}
        return holds

    def _compared(self, texts: set[str | None]) -> dict[str | None, bool]:
        """The same, without SQL, where it is plain: of an absent one; of one that only has to be there; of a string with nothing escaped
        that has to be a certain one; of a number of few digits."""
        operator = NEGATED.get(self._item.operator, self._item.operator)
        holds_for = operator is self._item.operator
        if operator is Operator.IS_SET:
            return {text: (text is not None) is holds_for for text in texts}
        equal = _equal_of(self._item)
        if equal is not None:
            written = {f'"{string}"' for string in equal.strings}
            return {
                text: (text in written) is equal.holds for text in texts if text is None or "\\" not in text or text[0] != '"'
            }
        found: dict[str | None, bool] = {None: not holds_for} if None in texts else {}
        bound = self._item.value
        if operator in ORDERS and isinstance(bound, int | float) and not isinstance(bound, bool) and len(texts) <= FEW_TEXTS:
            compare = ORDERS[operator]
            for text in texts:
                if text is not None and text[0] not in NUMBER_BEGINS:
                    found[text] = False
                elif text is not None and len(text) <= PLAIN_DIGITS:
                    found[text] = compare(msgspec.json.decode(text), bound)
        return found

    def _of_numbers(self, numbers: NDArray[np.float64]) -> Table:
        """For which of these ascending numbers it holds; they represent the stored values exactly."""
        operator = NEGATED.get(self._item.operator, self._item.operator)
        if operator is Operator.IS_SET:
            holds = np.ones(numbers.size, np.bool_)
        else:
            holds = np.zeros(numbers.size, np.bool_)
            value = self._item.value
            for bound in value if isinstance(value, tuple) else (value,):
                if isinstance(bound, int | float) and not isinstance(bound, bool):
                    low, high = _range_of(numbers, operator, bound)
                    holds[low:high] = True
        return holds if operator is self._item.operator else ~holds


def _is_bare(texts: Any) -> Table:
    """Which of these JSON texts, an Arrow array, are strings with nothing escaped."""
    is_string = compute().call_function("starts_with", [texts], compute().MatchSubstringOptions('"'))
    is_escaped = compute().call_function("match_substring", [texts], compute().MatchSubstringOptions("\\"))
    is_bare = compute().call_function("and_not", [is_string, is_escaped]).fill_null(False)
    return np.array(is_bare.to_numpy(zero_copy_only=False))


def _range_of(numbers: NDArray[np.float64], operator: Operator, bound: float) -> tuple[int, int]:
    """The ascending numbers on the operator's side of the bound. Compares exactly, as Python does."""
    listed = cast("Sequence[float]", numbers)
    low, high = bisect_left(listed, bound, key=float), bisect_right(listed, bound, key=float)
    match operator:
        case Operator.EXACT:
            return low, high
        case Operator.GT:
            return high, numbers.size
        case Operator.GTE:
            return low, numbers.size
        case Operator.LT:
            return 0, low
        case Operator.LTE:
            return 0, high
        case _:
            return 0, 0
