"""Finds the rows of one key file that meet conditions, and what they have: keys, codes, numbers."""

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sv.engine.duck.funnels.step_keys import OFFSETS
from sv.engine.duck.keys.key_conditions import Alternative, Answers, AnyAnswer, Table
from sv.engine.duck.keys.key_files import Codes, KeyFile, Keys, Reading
from sv.engine.duck.keys.key_numbers import NO_NUMBERS, Numbered, Numbers
from sv.engine.duck.keys.key_order import KEY_BITS
from sv.engine.duck.keys.key_values import NO_VALUES, Dictionary, Values
from sv.engine.duck.keys.session_codes import Sessions
from sv.engine.duck.keys.session_numbers import FileNumbers, SessionNumbers

FEW_ROWS: Final = 1024
"""Of an event that has as many, they are read by themselves. Of a thousand names each would cost more than to be sorted among others."""

_NOTHING: Final[Keys] = np.empty(0, np.uint64)
_NO_CODES: Final[Codes] = np.empty(0, np.uint8)

Answered = list[tuple[str | None, list[AnyAnswer]]]
"""The alternatives in one file: each with its event's name and the file's answers to its conditions."""


def answered_in(some: Sequence[Alternative], file: KeyFile, answers: Answers) -> Answered | None:
    """The alternatives with the file's answers to their conditions; None where the file has no answer to one of them."""
    answered: Answered = []
    for one in some:
        needs = [answers.get((need, file)) for need in one.needs]
        if None in needs:
            return None
        answered.append((one.event, [answer for answer in needs if answer is not None]))
    return answered


def count_in(file: KeyFile, answered: Answered) -> int | None:
    """How many rows are of any of the alternatives; None where that can't be told without looking at rows."""
    names: set[str | None] = set()
    for event, needs in answered:
        told = [need.of_all(*((0, file.rows) if event is None else file.range_of(event))) for need in needs]
        if False in told:
            continue
        if None in told:
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


def stretches_of(file: KeyFile, answered: Answered) -> Iterator[tuple[int, int, list[list[AnyAnswer]]]]:
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


def foreign_in(reading: Reading, low: int, high: int, scoped: Sequence[AnyAnswer], steps: Sequence[Sequence[AnyAnswer]]) -> Keys:
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
    told = [need.of_all(low, high) for need in needs]
    if False in told:
        return False
    flags: Table | bool = True
    for need, of_all in zip(needs, told, strict=True):
        if of_all is None:
            holds = need.flags(reading, low, high)
            flags = holds if flags is True else flags & holds
    return flags


def matched_in(
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
    if isinstance(each, Sessions):
        return reading.codes(each.at, low, high, each.width)
    if isinstance(each, Numbered) and each.themselves is not None:
        return reading.numbers(each.themselves, low, high)
    return reading.codes(each.at, low, high, each.width, each.span)


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
