"""The breakdown value of each person or session in a funnel: the property at its first event of step 1. Read from key files where they can
tell, and by SQL elsewhere.

Key files know an event's time but not its id, which decides between two events of one millisecond. Where two such events have different
values, everything is asked of SQL.
"""

from collections.abc import Callable, Collection
from typing import Any, Final, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from sv.engine.duck.funnels.step_keys import OFFSETS
from sv.engine.duck.keys.key_files import KEY_BITS
from sv.engine.duck.keys.key_matching import Matched
from sv.engine.duck.keys.key_reading import KeyReader
from sv.engine.duck.keys.key_values import Dictionary, Valued, valued_of
from sv.engine.duck.keys.session_numbers import SessionNumbers
from sv.engine.duck.run import Columns, column_of
from sv.engine.duck.trends.trend_keys import in_range
from sv.engine.port import GroupValues, Limits, Matcher, Scope
from sv.model.part import Part
from sv.model.snapshot import Snapshot

MAX_NUMBER: Final = 8_000_000
"""Of a person or session: each below takes 13 bytes while it is found out who was first where."""

_NEVER: Final = np.iinfo(np.int64).max


class Firsts(NamedTuple):
    """The first event of each person, or of each session, among some events, as parallel arrays: the person's or session's number, the
    event's time, and the value's code. is_tied: whether another event at the same time has another value."""

    persons: NDArray[np.int64]
    ms: NDArray[np.int64]
    codes: NDArray[np.int64]
    dictionary: Dictionary
    is_tied: NDArray[np.bool_]

    def values(self) -> GroupValues:
        """The values of all groups, where these are all their first events."""
        order = np.argsort(self.persons, kind="stable")
        return GroupValues(self.persons[order].astype(np.uint64), self.codes[order], list(self.dictionary.values))


def firsts_in(table: Columns, groups: NDArray[np.int64]) -> Firsts:
    """The first events in an answer of SQL, which has decided which of several at one time is first: `value` and `ms` of these groups."""
    encoded = table.column("value").combine_chunks().dictionary_encode(null_encoding="encode")
    codes: NDArray[np.int64] = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    values = cast("tuple[str | None, ...]", tuple(encoded.dictionary.to_pylist()))
    return Firsts(groups, column_of(table, "ms").astype(np.int64), codes, Dictionary(values), np.zeros(codes.size, np.bool_))


def firsts_of(matched: Matched, users: NDArray[np.uint32] | None) -> Firsts:
    """The first event of each person in one file. users: maps each number to its user's; None where every number stands for itself."""
    assert matched.codes is not None
    keys, codes = matched.keys, matched.codes
    persons = keys >> np.uint64(KEY_BITS)
    if users is not None:
        persons = users[persons].astype(np.uint64)
        keys = (persons << np.uint64(KEY_BITS)) | (keys & OFFSETS)
        order = np.argsort(keys, kind="stable")
        keys, persons, codes = keys[order], persons[order], codes[order]
    first = np.flatnonzero(np.concatenate((np.ones(min(1, keys.size), np.bool_), persons[1:] != persons[:-1])))
    tied = np.zeros(first.size, np.bool_)
    is_like_next = keys[1:] == keys[:-1]
    if is_like_next.any():
        differs = is_like_next & (codes[1:] != codes[:-1])
        # Rare: every event of the run that a first one begins has to be like it.
        run = np.cumsum(np.concatenate((np.ones(1, np.bool_), ~is_like_next))) - 1
        tied = np.isin(run[first], run[1:][differs])
    firsts = keys[first]
    ms = (firsts & OFFSETS).view(np.int64) + matched.origin_ms
    return Firsts(persons[first].view(np.int64), ms, codes[first].astype(np.int64), matched.dictionary, tied)


class _Earliest:
    """Collects the first event of each person over several files."""

    def __init__(self, most: int) -> None:
        self._ms = np.full(most + 1, _NEVER, np.int64)
        self._codes = np.zeros(most + 1, np.int32)
        self._is_tied = np.zeros(most + 1, np.bool_)
        self._numbers: dict[str | None, int] = {}
        self._of_dictionaries: dict[Dictionary, NDArray[np.int32]] = {}

    def add(self, found: Firsts, text_of: Callable[[str | None], str | None]) -> None:
        numbers = self._of_dictionaries.get(found.dictionary)
        if numbers is None:
            given = [self._numbers.setdefault(text_of(value), len(self._numbers)) for value in found.dictionary.values]
            numbers = self._of_dictionaries[found.dictionary] = np.array(given, np.int32)
        codes = numbers[found.codes]
        known = self._ms[found.persons]
        is_as_early = found.ms == known
        if is_as_early.any():
            is_undecided = is_as_early & (found.is_tied | (codes != self._codes[found.persons]))
            self._is_tied[found.persons[is_undecided]] = True
        is_better = np.flatnonzero(found.ms < known)
        who = found.persons[is_better]
        self._ms[who] = found.ms[is_better]
        self._codes[who] = codes[is_better]
        self._is_tied[who] = found.is_tied[is_better]

    def values(self) -> GroupValues | None:
        """The values; None where two events of one time leave it open which is first."""
        who = np.flatnonzero(self._ms != _NEVER)
        if self._is_tied[who].any():
            return None
        used, codes = np.unique(self._codes[who], return_inverse=True)  # later events, and others' times, have values too
        values = list(self._numbers)
        return GroupValues(who.astype(np.uint64), codes.astype(np.int64), [values[code] for code in used.tolist()])


class Asked(NamedTuple):
    """rest_of: the first events, by SQL, of what these parts don't have; None where there is nothing. texts_of: the JSON texts of strings.
    sessions: asks for them in the place of persons."""

    source: Snapshot
    scope: Scope
    step: Matcher
    name: str
    limits: Limits
    users: NDArray[np.uint32] | None
    rest_of: Callable[[Collection[int]], Firsts | None]
    texts_of: Callable[[Collection[str]], dict[str, str]]
    sessions: SessionNumbers | None = None


def first_values(key_reader: KeyReader, asked: Asked) -> GroupValues | None:
    """The breakdown value of each person who did the step; None where key files can't tell for any of the events, or not enough of them."""
    wanted: Valued | None = valued_of(asked.name)
    if wanted is None:
        return None

    def work(part: Part, matched: Matched) -> Firsts:
        return firsts_of(in_range(part, matched, asked.scope), asked.users)

    found = key_reader.reduce(asked.source.parts, asked.scope, asked.step, wanted, work, asked.limits, sessions=asked.sessions)
    if not found:
        return None
    texts: dict[Any, str] = {}
    if wanted.is_column:
        texts = asked.texts_of({value for each in found.values() for value in each.dictionary.values if value is not None})
    rest = asked.rest_of(found)
    numbers = [each.persons for each in (*found.values(), *([] if rest is None else [rest])) if each.persons.size]
    most = max((int(each.max()) for each in numbers), default=0)
    if most > MAX_NUMBER:
        return None
    earliest = _Earliest(most)
    for each in found.values():
        earliest.add(each, lambda value: texts.get(value, value))
    if rest is not None:
        earliest.add(rest, lambda value: value)
    return earliest.values()
