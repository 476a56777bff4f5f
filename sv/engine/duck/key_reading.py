"""Funnel steps out of key files: no Parquet is decoded for a step that names its event and looks at coded columns alone.

A condition over one column is asked once of each of the column's distinct values, by the same SQL that asks it of rows, so that it means
the same in both. What can't be answered so, or has no key file, is left to others.
"""

import logging
import re
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Executor
from typing import Final, NamedTuple, TypeVar

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from sv.engine.duck.filters import condition
from sv.engine.duck.key_files import CODED_COLUMNS, MAX_CODES, Codes, KeyFile, Keys, Reading, Value
from sv.engine.duck.run import Statements
from sv.engine.duck.schema import COLUMNS
from sv.engine.duck.sql import Params
from sv.engine.duck.step_keys import Kept
from sv.engine.port import Limits, Matcher, Scope
from sv.model.filters import Filter
from sv.model.part import Part
from sv.model.telling import told

log = logging.getLogger(__name__)

FILES_A_TASK: Final = 16

MAX_PERSONS: Final = 100
"""More are not looked for file by file: reading the files costs no more."""

_NO_BOT: Final = "is_bot is not true"
_WORD: Final = re.compile(r"\w+")
_NOTHING: Final[Keys] = np.empty(0, np.uint64)
_NO_CODES: Final[Codes] = np.empty(0, np.uint8)

Result = TypeVar("Result")

Table = NDArray[np.bool_]
"""Which of a column's codes a condition holds for, by code."""


class KeyFiles:
    """The key files that queries may use, by the part's number. Thread-safe: each method is one step."""

    def __init__(self) -> None:
        self._files: dict[int, KeyFile] = {}

    def add(self, part_id: int, file: KeyFile) -> None:
        self._files[part_id] = file

    def discard(self, part_id: int) -> None:
        self._files.pop(part_id, None)

    def of(self, parts: Sequence[Part]) -> list[tuple[Part, KeyFile]]:
        """Those parts that have one, with it."""
        return [(part, file) for part in parts if (file := self._files.get(part.part_id)) is not None]

    def without(self, parts: Sequence[Part], persons: Sequence[int]) -> tuple[Part, ...]:
        """The parts, but for those of which it is known that none of these persons has an event in them."""
        if len(persons) > MAX_PERSONS:
            return tuple(parts)
        return tuple(part for part in parts if self._may_hold(part, persons))

    def _may_hold(self, part: Part, persons: Sequence[int]) -> bool:
        file = self._files.get(part.part_id)
        if file is None:
            return True
        try:
            with Reading(file) as reading:
                return reading.has_any(persons)
        except OSError as error:
            self.give_up(part, file, error)
            return True

    def give_up(self, part: Part, file: KeyFile, error: OSError) -> None:
        """Use the file no more; the part answers in its place."""
        self.discard(part.part_id)
        log.warning("can't read the key file %s, which is only slower: %s", file.path, told(error))


class Condition(Struct, frozen=True):
    """A condition over one coded column. item: None for the one that shuts out bots."""

    column: str
    item: Filter | None


class KeyReader:
    """Thread-safe."""

    def __init__(self, statements: Statements, files: KeyFiles, executor: Executor) -> None:
        self._statements = statements
        self._files = files
        self._executor = executor

    def read(
        self, parts: Sequence[Part], scope: Scope, steps: Sequence[Matcher], known: Sequence[Collection[int]], limits: Limits
    ) -> list[dict[int, Kept]]:
        """For each step what matches it at whatever time, by part: of those parts for which key files tell, but for its `known` ones."""
        found: list[dict[int, Kept]] = [{} for _ in steps]
        asked = [
            (place, step.event, needs)
            for place, step in enumerate(steps)
            if step.event is not None and (needs := conditions_of(scope, step)) is not None
        ]
        files = self._files.of([part for part in parts if any(part.part_id not in known[place] for place, _, _ in asked)])
        if not files:
            return found
        tables = self._tables({need for _, _, needs in asked for need in needs}, [file for _, file in files], limits)

        def look(part: Part, file: KeyFile, reading: Reading) -> list[tuple[int, int, Kept]]:
            return [
                (place, part.part_id, Kept(_matching(file, reading, event, needs, tables).keys, file.origin_ms))
                for place, event, needs in asked
                if part.part_id not in known[place] and all(need.column in file.columns for need in needs)
            ]

        for answers in self._in_files(files, look, limits).values():
            for place, part_id, kept in answers:
                found[place][part_id] = kept
        return found

    def reduce(
        self,
        parts: Sequence[Part],
        scope: Scope,
        matcher: Matcher,
        column: str | None,
        work: Callable[[Part, "Matched"], Result],
        limits: Limits,
    ) -> dict[int, Result]:
        """What `work` makes of all that matches, at whatever time, by part: of those parts for which key files tell. With a column, its
        codes come with the keys, and parts in which it is not known or null for some of them are left out."""
        event, needs = matcher.event, conditions_of(scope, matcher)
        files = self._files.of(parts)
        if event is None or needs is None or not files or (column is not None and column not in CODED_COLUMNS):
            return {}
        tables = self._tables(set(needs), [file for _, file in files], limits)

        def look(part: Part, file: KeyFile, reading: Reading) -> Result | None:
            if not all(name in file.columns for name in [need.column for need in needs] + ([column] if column else [])):
                return None
            matched = _matching(file, reading, event, needs, tables, column)
            return None if matched.has_null else work(part, matched)

        return {part_id: result for part_id, result in self._in_files(files, look, limits).items() if result is not None}

    def foreign(
        self, parts: Sequence[Part], scope: Scope, steps: Sequence[Matcher], keep: Callable[[Keys], Keys], limits: Limits
    ) -> dict[int, list[Kept]]:
        """The rows of the scope's filters that match none of the steps, as far as `keep` lets them through, by part, at whatever time: of
        those parts for which key files tell. Each list's keys ascend."""
        scoped, needs = conditions_of(scope, Matcher("")), [conditions_of(scope, step) for step in steps]
        files = self._files.of(parts)
        if scoped is None or None in needs or not files:
            return {}
        asked = [(step.event or "", each) for step, each in zip(steps, needs, strict=True) if each is not None]
        wanted = {need for _, each in asked for need in each} | set(scoped)
        tables = self._tables(wanted, [file for _, file in files], limits)

        def look(_: Part, file: KeyFile, reading: Reading) -> list[Kept] | None:
            if not all(need.column in file.columns for need in wanted):
                return None
            found: list[Kept] = []
            for event in file.events:
                of_event = [each for name, each in asked if name == event]
                keys = _foreign(file, reading, event, scoped, of_event, tables)
                if keys.size:
                    found.append(Kept(keep(keys), file.origin_ms))
            return found

        return {part_id: found for part_id, found in self._in_files(files, look, limits).items() if found is not None}

    def _in_files(
        self, files: Sequence[tuple[Part, KeyFile]], look: Callable[[Part, KeyFile, Reading], Result], limits: Limits
    ) -> dict[int, Result]:
        """`look` at each file, side by side; by part. A file that can't be read is missing."""

        def look_at(some: Sequence[tuple[Part, KeyFile]]) -> list[tuple[int, Result]]:
            results: list[tuple[int, Result]] = []
            for part, file in some:
                limits.check()
                try:
                    with Reading(file) as reading:
                        results.append((part.part_id, look(part, file, reading)))
                except OSError as error:
                    self._files.give_up(part, file, error)
            return results

        pieces = [files[low : low + FILES_A_TASK] for low in range(0, len(files), FILES_A_TASK)]
        return {part_id: result for results in self._executor.map(look_at, pieces) for part_id, result in results}

    def _tables(self, needs: set[Condition], files: Sequence[KeyFile], limits: Limits) -> dict[Condition, dict[Value, bool]]:
        """For each condition which of the files' values meet it."""
        tables: dict[Condition, dict[Value, bool]] = {}
        for need in needs:
            values = {value for file in files if need.column in file.columns for value in file.columns[need.column].values}
            item = need.item
            tables[need] = (
                {value: value is not True for value in values} if item is None else self._ask(need, item, values, limits)
            )
        return tables

    def _ask(self, need: Condition, item: Filter, values: set[Value], limits: Limits) -> dict[Value, bool]:
        params = Params()
        held = params.bind(list(values))
        kind = COLUMNS[need.column]
        statement = f"select {need.column}, {condition(item, params)} from (select unnest({held}::{kind}[]) as {need.column})"
        return {value: bool(holds) for value, holds in self._statements.rows(params.sql(statement), limits)}


def conditions_of(scope: Scope, step: Matcher) -> list[Condition] | None:
    """What has to hold for the step's events besides their name; None where that is more than coded columns tell."""
    if step.event is None or step.rules:
        return None
    conditions = [] if scope.include_bots else [Condition("is_bot", None)]
    for item in (*scope.filters, *step.filters):
        column = column_of(item)
        if column is None:
            return None
        conditions.append(Condition(column, item))
    return conditions


def column_of(item: Filter) -> str | None:
    """The one coded column that the filter looks at; None where it looks at another, or at none or several."""
    # Values are bound, so the condition's words are columns, functions and keywords.
    words = set(_WORD.findall(condition(item, Params()))) & COLUMNS.keys()
    (column,) = words if len(words) == 1 else (None,)
    return column if column in CODED_COLUMNS else None


class Matched(NamedTuple):
    """The rows of an event that meet all conditions: their keys, ascending, from `origin_ms`; with a column, `values[codes]`
    are its values."""

    keys: Keys
    origin_ms: int
    codes: Codes | None = None
    values: tuple[Value, ...] = ()

    @property
    def has_null(self) -> bool:
        """Whether the column is null for some of them."""
        if self.codes is None or None not in self.values:
            return False
        return bool((self.codes == self.values.index(None)).any())


def _foreign(
    file: KeyFile,
    reading: Reading,
    event: str,
    scoped: Sequence[Condition],
    steps: Sequence[Sequence[Condition]],
    tables: dict[Condition, dict[Value, bool]],
) -> Keys:
    """The keys of the event's rows in scope that meet the conditions of none of these steps, which name the event."""
    low, high = file.range_of(event)
    within = _flags(file, reading, low, high, scoped, tables)
    if within is False:
        return _NOTHING
    for needs in steps:
        holds = _flags(file, reading, low, high, needs, tables)
        if holds is True:
            return _NOTHING
        if holds is not False:
            within = ~holds if within is True else within & ~holds
    keys = reading.keys(low, high)
    return keys if within is True else keys[np.flatnonzero(within)]


def _flags(
    file: KeyFile, reading: Reading, low: int, high: int, needs: Sequence[Condition], tables: dict[Condition, dict[Value, bool]]
) -> Table | bool:
    """Which of these rows meet all conditions; True and False for all and none of them."""
    flags: Table | bool = True
    for need in needs:
        column = file.columns[need.column]
        table = np.zeros(MAX_CODES + 1, np.bool_)
        table[: len(column.values)] = [tables[need][value] for value in column.values]
        if column.at is None:
            if not table[0]:
                return False
        elif not table[: len(column.values)].all():
            holds = table[reading.codes(column.at, low, high)]
            flags = holds if flags is True else flags & holds
    return flags


def _matching(
    file: KeyFile,
    reading: Reading,
    event: str,
    needs: Sequence[Condition],
    tables: dict[Condition, dict[Value, bool]],
    wanted: str | None = None,
) -> Matched:
    """What matches, with the codes of the wanted column."""
    low, high = file.range_of(event)
    flags = _flags(file, reading, low, high, needs, tables) if low < high else False
    if flags is False:
        return Matched(_NOTHING, file.origin_ms, None if wanted is None else _NO_CODES)
    keys, codes, values = reading.keys(low, high), None, ()
    if wanted is not None:
        column = file.columns[wanted]
        values = column.values
        codes = np.zeros(high - low, np.uint8) if column.at is None else reading.codes(column.at, low, high)
    if flags is not True:
        places = np.flatnonzero(flags)
        keys = keys[places]
        codes = None if codes is None else codes[places]
    return Matched(keys, file.origin_ms, codes, values)
