"""Funnel steps out of key files: no Parquet is decoded for a step that names its event and looks at coded columns and properties alone.

What codes can't answer (`key_conditions`), or has no key file, is left to others.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import Executor
from typing import Final, NamedTuple, TypeVar

import numpy as np

from sv.engine.duck.key_conditions import Answer, Answers, Condition, Table, Valued, Values, answers_of, conditions_of, values_of
from sv.engine.duck.key_files import Codes, KeyFile, Keys, Reading, Value
from sv.engine.duck.run import Statements
from sv.engine.duck.step_keys import Kept
from sv.engine.port import Limits, Matcher, Scope
from sv.model.part import Part
from sv.model.telling import told

log = logging.getLogger(__name__)

FILES_A_TASK: Final = 16

MAX_PERSONS: Final = 100
"""More are not looked for file by file: reading the files costs no more."""

_NOTHING: Final[Keys] = np.empty(0, np.uint64)
_NO_CODES: Final[Codes] = np.empty(0, np.uint8)

Result = TypeVar("Result")


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
        answers = self._answers({need for _, _, needs in asked for need in needs}, files, limits)

        def look(part: Part, file: KeyFile, reading: Reading) -> list[tuple[int, int, Kept]]:
            return [
                (place, part.part_id, Kept(_matching(file, reading, event, told, None).keys, file.origin_ms))
                for place, event, needs in asked
                if part.part_id not in known[place] and (told := _told(needs, file, answers)) is not None
            ]

        for matched in self._in_files(files, look, limits).values():
            for place, part_id, kept in matched:
                found[place][part_id] = kept
        return found

    def reduce(
        self,
        parts: Sequence[Part],
        scope: Scope,
        matcher: Matcher,
        wanted: Valued | None,
        work: Callable[[Part, "Matched"], Result],
        limits: Limits,
    ) -> dict[int, Result]:
        """What `work` makes of all that matches, at whatever time, by part: of those parts for which key files tell. With something wanted,
        its codes come with the keys, and parts are left out in which it is not known, or is null where that may mean another type."""
        event, needs = matcher.event, conditions_of(scope, matcher)
        files = self._files.of(parts)
        if event is None or needs is None or not files:
            return {}
        answers = self._answers(needs, files, limits)
        values = {} if wanted is None else values_of(wanted, files, self._statements, self._files.give_up, limits)

        def look(part: Part, file: KeyFile, reading: Reading) -> Result | None:
            told = _told(needs, file, answers)
            if told is None or (wanted is not None and file not in values):
                return None
            matched = _matching(file, reading, event, told, values.get(file))
            return None if wanted is not None and wanted.is_column and matched.has_null else work(part, matched)

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
        answers = self._answers(wanted, files, limits)

        def look(_: Part, file: KeyFile, reading: Reading) -> list[Kept] | None:
            within = _told(scoped, file, answers)
            of_steps = [(name, told) for name, each in asked if (told := _told(each, file, answers)) is not None]
            if within is None or len(of_steps) < len(asked):
                return None
            found: list[Kept] = []
            for event in file.events:
                keys = _foreign(file, reading, event, within, [told for name, told in of_steps if name == event])
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

    def _answers(self, needs: Iterable[Condition], files: Sequence[tuple[Part, KeyFile]], limits: Limits) -> Answers:
        return answers_of(needs, files, self._statements, self._files.give_up, limits)


def _told(needs: Sequence[Condition], file: KeyFile, answers: Answers) -> list[Answer] | None:
    """The conditions in this file; None where it doesn't know one of them."""
    told = [answers.get((need, file)) for need in needs]
    return None if None in told else [answer for answer in told if answer is not None]


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


def _foreign(file: KeyFile, reading: Reading, event: str, scoped: Sequence[Answer], steps: Sequence[Sequence[Answer]]) -> Keys:
    """The keys of the event's rows in scope that meet the conditions of none of these steps, which name the event."""
    low, high = file.range_of(event)
    within = _flags(reading, low, high, scoped)
    if within is False:
        return _NOTHING
    for needs in steps:
        holds = _flags(reading, low, high, needs)
        if holds is True:
            return _NOTHING
        if holds is not False:
            within = ~holds if within is True else within & ~holds
    keys = reading.keys(low, high)
    return keys if within is True else keys[np.flatnonzero(within)]


def _flags(reading: Reading, low: int, high: int, needs: Sequence[Answer]) -> Table | bool:
    """Which of these rows meet all conditions; True and False for all and none of them."""
    if any(need.for_all is False for need in needs):
        return False
    flags: Table | bool = True
    for need in needs:
        if need.for_all is None and need.at is not None:
            holds = need.table[reading.codes(need.at, low, high, need.width)]
            flags = holds if flags is True else flags & holds
    return flags


def _matching(file: KeyFile, reading: Reading, event: str, needs: Sequence[Answer], wanted: Values | None) -> Matched:
    """What matches, with the codes of what is wanted."""
    low, high = file.range_of(event)
    flags = _flags(reading, low, high, needs) if low < high else False
    if flags is False:
        return Matched(_NOTHING, file.origin_ms, None if wanted is None else _NO_CODES)
    keys, codes, values = reading.keys(low, high), None, ()
    if wanted is not None:
        values = wanted.values
        codes = np.zeros(high - low, np.uint8) if wanted.at is None else reading.codes(wanted.at, low, high, wanted.width)
    if flags is not True:
        places = np.flatnonzero(flags)
        keys = keys[places]
        codes = None if codes is None else codes[places]
    return Matched(keys, file.origin_ms, codes, values)
