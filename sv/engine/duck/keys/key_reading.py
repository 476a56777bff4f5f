"""Answers funnel steps, trends and pages from key files, without decoding Parquet, where conditions look at coded columns and properties.
What codes can't answer (`key_conditions`, `key_values`), and parts without a key file, are left to the caller."""

from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Executor
from typing import Any, Final, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from sv.engine.duck.funnels.step_keys import OFFSETS, Kept, covers
from sv.engine.duck.keys.fingerprints import sought
from sv.engine.duck.keys.key_blocks import Range, rows_of
from sv.engine.duck.keys.key_conditions import (
    Alternative,
    Answer,
    Answers,
    AnyAnswer,
    Table,
    alternatives_of,
    answers_of,
    values_wanted,
)
from sv.engine.duck.keys.key_files import Codes, KeyFile, Keys, Reading
from sv.engine.duck.keys.key_numbers import NO_NUMBERS, Numbered, Numbers, numbers_by_file
from sv.engine.duck.keys.key_order import KEY_BITS
from sv.engine.duck.keys.key_values import NO_VALUES, Dictionary, Files, Valued, Values, values_by_file
from sv.engine.duck.keys.open_files import KeyFiles
from sv.engine.duck.keys.session_codes import Sessions
from sv.engine.duck.keys.session_numbers import FileNumbers, Numberings, SessionNumbers
from sv.engine.duck.keys.value_conditions import ask_ahead
from sv.engine.duck.run import Statements
from sv.engine.port import Limits, Matcher, Scope
from sv.model.part import Part

ROWS_A_TASK: Final = 4_000_000
"""Of files that one thread reads at least. TRICKY: what is done with a file is many short calls of numpy, between any two of which threads
wait for Python's lock. Of 2 million events in sixty files a trend of unique persons by device took 68 ms on four threads, 52 on two and 31
on one; of 10 million 121, 90 and 118."""

MAX_TASKS: Final = 4
"""Threads that read files, at most."""

FEW_ROWS: Final = 1024
"""Of an event that has as many, they are read by themselves. Of a thousand names each would cost more than to be sorted among others."""

_NOTHING: Final[Keys] = np.empty(0, np.uint64)
_NO_CODES: Final[Codes] = np.empty(0, np.uint8)

Result = TypeVar("Result")


class KeyReader:
    """Thread-safe."""

    def __init__(self, statements: Statements, files: KeyFiles, executor: Executor, numberings: Numberings) -> None:
        self._statements = statements
        self._files = files
        self._executor = executor
        self._numberings = numberings

    def read(
        self,
        parts: Sequence[Part],
        scope: Scope,
        steps: Sequence[Matcher],
        origin_ms: int,
        known: Sequence[Collection[int]],
        limits: Limits,
        sessions: SessionNumbers | None = None,
    ) -> list[dict[int, Kept]]:
        """For each step, what matches it in each part, at whatever time; without parts where key files can't tell, and without `known`
        ones. Times of parts that lie within the scope's range are counted from `origin_ms`, which isn't after any of them. sessions: the
        keys are of sessions, in any order, and rows without a session id are left out."""
        found: list[dict[int, Kept]] = [{} for _ in steps]
        asked = [(place, some) for place, step in enumerate(steps) if (some := alternatives_of(scope, step)) is not None]
        files = _numbered(
            self._files.of([part for part in parts if any(part.part_id not in known[place] for place, _ in asked)]), sessions
        )
        if not files:
            return found
        answers = self._answers([one for _, some in asked for one in some], files, limits)

        def look(part: Part, file: KeyFile, reading: Reading) -> list[tuple[int, int, Kept]]:
            origin = origin_ms if covers(scope, part) else file.origin_ms
            shift = np.uint64(file.origin_ms - origin)
            found: list[tuple[int, int, Kept]] = []
            for place, some in asked:
                answered = None if part.part_id in known[place] else _answered(some, file, answers)
                if answered is not None:
                    keys = _matching(file, reading, answered, None, in_order=sessions is None, sessions=sessions).keys
                    keys += shift  # here, while they are in the processor's cache
                    found.append((place, part.part_id, Kept(keys, origin)))
            return found

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
        work: Callable[[Part, "Matched"], Result | None],
        limits: Limits,
        *,
        in_order: bool = True,
        number_of: str | None = None,
        sessions: SessionNumbers | None = None,
        spares_prints: bool = False,
    ) -> dict[int, Result]:
        """Apply `work` to everything in a part that matches, at whatever time. Returns the results by part, without parts where key
        files can't tell. wanted: a column or property whose codes come along, in parts where they are known and null hides no value of
        another type. in_order: whether keys have to ascend. number_of: a property whose numbers' codes come along, in parts where they
        are known. sessions: the keys are of sessions, and rows without a session id are left out. spares_prints: whether a part whose Bloom
        filters say in which of its rows a condition may hold counts as one that key files can't tell of, rather than have all its values
        looked through. A part for which `work` has no result (None) is left out."""
        some = alternatives_of(scope, matcher)
        files = _numbered(self._files.of(parts), sessions)
        if some is None or not files:
            return {}
        answers = self._answers(some, files, limits)
        if spares_prints:
            answers = {
                asked: each for asked, each in answers.items() if isinstance(each, Answer) or sought(asked[0].item) is None
            }
        values = {} if wanted is None else values_by_file(wanted, files, self._statements, self._files.give_up, limits)
        numbers = {} if number_of is None else numbers_by_file(number_of, files, self._files.give_up)

        def look(part: Part, file: KeyFile, reading: Reading) -> Result | None:
            answered = _answered(some, file, answers)
            if answered is None or (wanted is not None and file not in values) or (number_of is not None and file not in numbers):
                return None
            matched = _matching(
                file, reading, answered, values.get(file), numbers.get(file), in_order=in_order, sessions=sessions
            )
            return None if wanted is not None and wanted.is_column and matched.has_null else work(part, matched)

        return {part_id: result for part_id, result in self._in_files(files, look, limits).items() if result is not None}

    def sessions_of(self, parts: Sequence[Part]) -> SessionNumbers | None:
        """The numbers of the sessions in these parts' key files. None where most rows would have to be read elsewhere all the same: from
        parts without key files, or since they have no session id. Raises UnreadableSessions."""
        files = [(part, file) for part, file in self._files.of(parts) if file.sessions is not None]
        numbers = self._numberings.of(files) if files else None
        return numbers if numbers is not None and 2 * numbers.rows >= sum(part.rows for part in parts) else None

    def counts(self, parts: Sequence[Part], scope: Scope, matcher: Matcher, limits: Limits) -> dict[int, int]:
        """How many rows match in each part, at whatever time, where that follows from what is in memory, without reading any row."""
        some = alternatives_of(scope, matcher)
        files = self._files.of(parts)
        if some is None or not files:
            return {}
        answers = self._answers(some, files, limits, reads_rows=False)
        answered = ((part, file, _answered(some, file, answers)) for part, file in files)
        counts = ((part.part_id, _count(file, answered)) for part, file, answered in answered if answered is not None)
        return {part_id: count for part_id, count in counts if count is not None}

    def rows(self, parts: Sequence[Part], scope: Scope, matcher: Matcher) -> dict[int, tuple[Range, ...]]:
        """For each part with Bloom filters, the half-open ranges of rows (in the part's order) that may match."""
        some = alternatives_of(scope, matcher)
        files = [(part, file) for part, file in self._files.of(parts) if file.fingerprints]
        return {} if some is None else rows_of(files, some, self._files.give_up)

    def foreign(
        self, parts: Sequence[Part], scope: Scope, steps: Sequence[Matcher], keep: Callable[[Keys], Keys], limits: Limits
    ) -> dict[int, list[Kept]]:
        """By part, the rows in scope that match none of the steps and that `keep` lets through, in any order, where key files can tell."""
        scoped, of_steps = alternatives_of(scope, Matcher(None)), [alternatives_of(scope, step) for step in steps]
        files = self._files.of(parts)
        if scoped is None or None in of_steps or not files:
            return {}
        asked = [one for some in of_steps if some is not None for one in some]
        answers = self._answers([*scoped, *asked], files, limits)

        def look(_: Part, file: KeyFile, reading: Reading) -> list[Kept] | None:
            within, answered = _answered(scoped, file, answers), _answered(asked, file, answers)
            if within is None or answered is None:
                return None
            pieces = (_foreign(reading, low, high, within[0][1], needs) for low, high, needs in _stretches(file, answered))
            return [Kept(keep(keys), file.origin_ms) for keys in pieces if keys.size]

        return {part_id: found for part_id, found in self._in_files(files, look, limits).items() if found is not None}

    def _in_files(
        self, files: Sequence[tuple[Part, KeyFile]], look: Callable[[Part, KeyFile, Reading], Result], limits: Limits
    ) -> dict[int, Result]:
        """Apply `look` to each file, several in parallel. Returns the results by part; a file that can't be read is left out."""

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

        return {part_id: result for results in self._executor.map(look_at, _shares(files)) for part_id, result in results}

    def _answers(
        self,
        asked: Sequence[Alternative],
        files: Sequence[tuple[Part, KeyFile]],
        limits: Limits,
        *,
        spares_prints: bool = False,
        reads_rows: bool = True,
    ) -> Answers:
        needs = {need for one in asked for need in one.needs}
        answers = answers_of(needs, files, self._statements, self._files.give_up, limits)
        if spares_prints:
            answers = {key: each for key, each in answers.items() if isinstance(each, Answer) or sought(key[0].item) is None}
        if reads_rows:
            ask_ahead(values_wanted(asked, files, answers))
        return answers


def _numbered(files: Files, sessions: SessionNumbers | None) -> Files:
    """Those of which sessions are wanted; all where none are."""
    return files if sessions is None else [each for each in files if each[1] in sessions.of_file]


def _shares(files: Sequence[tuple[Part, KeyFile]]) -> list[list[tuple[Part, KeyFile]]]:
    """Divides the files among threads, with about as many rows each."""
    rows = sum(file.rows for _, file in files)
    count = min(max(rows // ROWS_A_TASK, 1), MAX_TASKS)
    shares: list[list[tuple[Part, KeyFile]]] = [[] for _ in range(count)]
    before = 0
    for part, file in files:
        shares[before * count // max(rows, 1)].append((part, file))
        before += file.rows
    return [share for share in shares if share]


Answered = list[tuple[str | None, list[AnyAnswer]]]
"""The alternatives in one file: each with its event's name and the file's answers to its conditions."""


def _answered(some: Sequence[Alternative], file: KeyFile, answers: Answers) -> Answered | None:
    """The alternatives with the file's answers to their conditions; None where the file has no answer to one of them."""
    answered: Answered = []
    for one in some:
        needs = [answers.get((need, file)) for need in one.needs]
        if None in needs:
            return None
        answered.append((one.event, [answer for answer in needs if answer is not None]))
    return answered


def _count(file: KeyFile, answered: Answered) -> int | None:
    """How many rows are of any of the alternatives; None where that can't be told without looking at rows."""
    names: set[str | None] = set()
    for event, needs in answered:
        if any(need.for_all is False for need in needs):
            continue
        if not all(need.for_all is True for need in needs):
            return None
        names.add(event)
    if None in names:
        return file.rows
    spans = [file.range_of(event) for event in names if event is not None]
    return sum(high - low for low, high in spans)


class Matched(NamedTuple):
    """The matching rows' keys, counted from `origin_ms`, ascending unless the caller didn't ask for that. What was wanted is
    `dictionary.values[codes]`; a property's numbers are what `numbers` says of `number_codes`, or are these where it is THEMSELVES."""

    keys: Keys
    origin_ms: int
    codes: Codes | None = None
    dictionary: Dictionary = NO_VALUES
    number_codes: NDArray[Any] | None = None
    numbers: Numbers = NO_NUMBERS

    @property
    def has_null(self) -> bool:
        """Whether the wanted column is null for some of the rows."""
        if self.codes is None or None not in self.dictionary.values:
            return False
        return bool((self.codes == self.dictionary.values.index(None)).any())


def _stretches(file: KeyFile, answered: Answered) -> Iterator[tuple[int, int, list[list[AnyAnswer]]]]:
    """Ranges of rows [low, high) with the steps' conditions there: one for each event, but small neighbours that no step names are
    joined."""
    named, of_all = {name for name, _ in answered}, [needs for name, needs in answered if name is None]
    end = 0
    for event in file.events:
        low, high = file.range_of(event)
        if event in named or high - low >= FEW_ROWS:
            if end < low:
                yield end, low, of_all
            yield low, high, [needs for name, needs in answered if name is None or name == event]
            end = high
    if end < file.rows:
        yield end, file.rows, of_all


def _foreign(reading: Reading, low: int, high: int, scoped: Sequence[AnyAnswer], steps: Sequence[Sequence[AnyAnswer]]) -> Keys:
    """The keys of these rows that are in scope and meet none of the steps' conditions."""
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


def _flags(reading: Reading, low: int, high: int, needs: Sequence[AnyAnswer]) -> Table | bool:
    """Which of these rows meet all conditions; True or False where all or none do."""
    if any(need.for_all is False for need in needs):
        return False
    flags: Table | bool = True
    for need in needs:
        if need.for_all is None:
            holds = need.flags(reading, low, high)
            flags = holds if flags is True else flags & holds
    return flags


def _matching(
    file: KeyFile,
    reading: Reading,
    answered: Answered,
    wanted: Values | None,
    numbered: Numbered | None = None,
    *,
    in_order: bool = True,
    sessions: SessionNumbers | None = None,
) -> Matched:
    """What matches, with the codes of what is wanted."""
    names = {event for event, _ in answered}
    spans = [(0, file.rows)] if None in names else [file.range_of(event) for event in names if event is not None]
    coded = [each for each in (wanted, numbered, None if sessions is None else file.sessions) if each is not None]
    pieces = [
        _rows(reading, low, high, flags, coded)
        for low, high in spans
        if low < high and (flags := _any_of(file, reading, low, high, answered)) is not False
    ]
    arrays = [_joined(column) for column in zip(*(pieces or [[_NOTHING, *(_NO_CODES for _ in coded)]]), strict=True)]
    if sessions is not None:
        arrays = _by_session(arrays, sessions.of_file[file])
    keys, codes = arrays[0], arrays[1:]
    if in_order and (
        len(pieces) > 1 or None in names or sessions is not None
    ):  # keys ascend within one event, and by person, only
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        codes = [of_one[order] for of_one in codes]
    matched = Matched(keys, file.origin_ms)
    if wanted is not None:
        matched = matched._replace(codes=codes[0], dictionary=wanted.dictionary)
    return matched if numbered is None else matched._replace(number_codes=codes[-1], numbers=numbered.numbers)


def _by_session(arrays: Sequence[NDArray[Any]], numbers: FileNumbers) -> list[NDArray[Any]]:
    """The same rows, but for those without a session id, with keys of sessions. arrays: the last one is of the sessions' codes."""
    codes = arrays[-1]
    known = np.flatnonzero(codes != numbers.count)
    keys, *others, codes = arrays if known.size == codes.size else [array[known] for array in arrays]
    return [(numbers.of(codes) << np.uint64(KEY_BITS)) | (keys & OFFSETS), *others]


def _joined(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
    return np.concatenate(arrays) if len(arrays) > 1 else arrays[0]


def _any_of(file: KeyFile, reading: Reading, low: int, high: int, answered: Answered) -> Table | bool:
    """Which of these rows meet any of the alternatives. The rows are all of one event, or of any."""
    found = np.zeros(high - low, np.bool_)
    for event, needs in answered:
        first, last = (low, high) if event is None else file.range_of(event)
        if not low <= first < last <= high:
            continue
        flags = _flags(reading, first, last, needs)
        if flags is True and (first, last) == (low, high):
            return True
        found[first - low : last - low] |= flags
    return found if found.any() else False


def _codes(reading: Reading, low: int, high: int, each: Values | Numbered | Sessions) -> NDArray[Any]:
    if each.at is None:
        return np.zeros(high - low, np.uint8)
    if isinstance(each, Numbered) and each.themselves is not None:
        return reading.numbers(each.themselves, low, high)
    return reading.codes(each.at, low, high, each.width)


def _rows(
    reading: Reading, low: int, high: int, flags: Table | bool, coded: Sequence[Values | Numbered | Sessions]
) -> list[NDArray[Any]]:
    """The keys, and the codes of each."""
    arrays: list[NDArray[Any]] = [reading.keys(low, high), *(_codes(reading, low, high, each) for each in coded)]
    if flags is not True:
        places = np.flatnonzero(flags)
        arrays = [array[places] for array in arrays]
    for nth, each in enumerate(coded, start=1):
        if isinstance(each, Values) and each.dictionary.places is not None:
            arrays[nth] = each.dictionary.places[arrays[nth]]
    return arrays
