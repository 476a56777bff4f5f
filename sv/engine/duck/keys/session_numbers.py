"""Numbers sessions over many key files, so that one that has events in several files has one number.

A file's sessions are numbered by its codes, file after file; of those that are in more than one file, each has the number that the first
of them gives it. Digests are compared where their first halves are equal, and few are: most sessions lie in one file.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Generator, Sequence
from contextlib import contextmanager
from typing import Final, NamedTuple

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from sv.engine.duck.keys.key_files import MAX_PERSON, KeyFile, Reading
from sv.engine.duck.keys.key_order import Codes, Keys
from sv.engine.duck.keys.key_values import Files, GiveUp
from sv.engine.duck.keys.session_codes import Digests, Sessions, Words
from sv.engine.duck.relation import with_lacking
from sv.engine.duck.sql import Params
from sv.model.part import Part
from sv.model.snapshot import Snapshot

BYTES_A_SESSION: Final = 32
"""Taken while sessions are numbered."""

FILE_BYTES: Final = 300
"""What is kept of a file of a numbering, measured, beside 8 bytes for each of its sessions that has another file's number."""

_SIEVE_BITS: Final = 20

_Ids = tuple[int, ...]


class UnreadableSessions(Exception):
    """A key file can't be read any more; it isn't used by now."""


class FileNumbers(Struct, frozen=True, eq=False):
    """A session's number is `base` and its code, but for those with other numbers, by codes. count: sessions, and the code of none."""

    base: int
    count: int
    codes: NDArray[np.uint32]
    numbers: NDArray[np.uint32]

    def of(self, codes: Codes) -> Keys:
        """The number of each of these codes, each of a session."""
        if not self.codes.size:
            return codes.astype(np.uint64) + np.uint64(self.base)
        table = np.arange(self.base, self.base + self.count, dtype=np.uint64)
        table[self.codes] = self.numbers
        return table[codes]


class SessionNumbers:
    """The numbers of sessions in some key files, and of those in rows that have none. Made for one question and used by one thread at a
    time, but for `of_file`."""

    def __init__(self, files: Files, of_file: dict[KeyFile, FileNumbers], count: int, give_up: GiveUp) -> None:
        self.of_file = of_file
        self.count = count
        """Numbers are below."""
        self.lacking = frozenset(part.part_id for part, file in files if _of(file).without)
        """Parts of which some rows have no session id, by number."""
        self.rows = sum(file.rows - _of(file).without for _, file in files)
        """Those of the files that have one."""
        self._files = files
        self._give_up = give_up
        self._given: list[tuple[Digests, NDArray[np.int64]]] = []
        """What was answered: some digests, which ascend, and their numbers."""

    def beyond(self, source: Snapshot, found: Collection[int]) -> "Beyond | None":
        """What has to be asked by SQL, where these parts were answered by the files' numbers; None for nothing."""
        rest = source.with_parts(tuple(part for part in source.parts if part.part_id not in found))
        lacking = tuple(part for part in source.parts if part.part_id in found and part.part_id in self.lacking)
        if not (rest.parts or rest.buffers or lacking):
            return None
        return Beyond(rest, source.without_buffers().with_parts(lacking))

    def of_rows(self, digests: Digests) -> Keys:
        """The number of each row's session, by its digest. Raises UnreadableSessions."""
        distinct, places = _distinct(digests)
        numbers = np.full(distinct.first.size, -1, np.int64)
        for given, known in self._given:
            asked, held = _pairs(distinct, np.searchsorted(given.first, distinct.first), given)
            numbers[asked] = known[held]
        new = np.flatnonzero(numbers < 0)
        if new.size:
            added = Digests(distinct.first[new], distinct.second[new])
            found = self._in_files(added)
            unknown = np.flatnonzero(found < 0)
            found[unknown] = np.arange(self.count, self.count + unknown.size)
            self.count += unknown.size
            numbers[new] = found
            self._given.append((added, found))
        return numbers.view(np.uint64)[places]

    def _in_files(self, digests: Digests) -> NDArray[np.int64]:
        """The numbers that these sessions, whose digests ascend, have in the files; -1 for those that are in none."""
        numbers = np.full(digests.first.size, -1, np.int64)
        sieve = _Sieve(digests.first)
        for part, file in self._files:
            with _opened(part, file, self._give_up) as reading:
                words = reading.first_words(_of(file))
                codes, places = sieve.hits(words)
                if not codes.size:
                    continue
                seconds = reading.second_words(_of(file))[codes]
            found, places = _pairs(Digests(words[codes], seconds), places, digests)
            numbers[places] = self.of_file[file].of(codes[found].astype(np.uint32)).view(np.int64)
        return numbers


def _pairs(some: Digests, begins: NDArray[np.intp], others: Digests) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where each of some digests is among others, which ascend: the places of those that are there, and theirs. begins: the first place of
    each whose first half is as large, or larger."""
    asked, at = np.arange(some.first.size), begins
    found: list[tuple[NDArray[np.intp], NDArray[np.intp]]] = [(asked[:0], at[:0])]
    while asked.size:
        is_like = at < others.first.size
        is_like[is_like] = others.first[at[is_like]] == some.first[asked[is_like]]
        asked, at = asked[is_like], at[is_like]
        is_same = others.second[at] == some.second[asked]
        found.append((asked[is_same], at[is_same]))
        asked, at = asked[~is_same], at[~is_same] + 1  # half a digest is that of several, which is as good as never
    places, theirs = map(np.concatenate, zip(*found, strict=True))
    return places, theirs


def _distinct(digests: Digests) -> tuple[Digests, NDArray[np.intp]]:
    """Each digest once, ascending, and the place among them of each."""
    firsts, places = np.unique(digests.first, return_inverse=True)
    seconds = np.zeros(firsts.size, np.uint64)
    seconds[places] = digests.second
    if (seconds[places] == digests.second).all():
        return Digests(firsts, seconds), places
    pairs = np.empty(digests.first.size, [("first", np.uint64), ("second", np.uint64)])
    pairs["first"], pairs["second"] = digests
    distinct, places = np.unique(pairs, return_inverse=True)
    return Digests(distinct["first"], distinct["second"]), places


class Beyond(NamedTuple):
    """What key files' numbers don't answer: all rows of `rest`, and of `lacking` those without a session id."""

    rest: Snapshot
    lacking: Snapshot

    def events(self, select_of: Callable[[Snapshot, Params], str], params: Params) -> str:
        """A select of these rows."""
        return with_lacking(*(select_of(some, params) if some.parts or some.buffers else "" for some in self))


class _Sieve:
    """Finds few words among many."""

    def __init__(self, wanted: Words) -> None:
        self._wanted = wanted
        self._marks = np.zeros(1 << _SIEVE_BITS, np.bool_)
        self._marks[_low_bits(wanted)] = True

    def hits(self, words: Words) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where words are that are wanted, and the first place of each among the wanted ones, which ascend."""
        likely = np.flatnonzero(self._marks[_low_bits(words)])
        places = np.searchsorted(self._wanted, words[likely])
        is_hit = self._wanted[np.minimum(places, self._wanted.size - 1)] == words[likely]
        return likely[is_hit], places[is_hit]


def _low_bits(words: Words) -> NDArray[np.int64]:
    return (words & np.uint64((1 << _SIEVE_BITS) - 1)).view(np.int64)


class Numberings:
    """Numbers sessions of sets of files. Keeps, in up to `most_bytes`, what was found out for the sets that were asked for last, and takes
    up to `work_bytes` for it. Thread-safe."""

    def __init__(self, give_up: GiveUp, most_bytes: int, work_bytes: int) -> None:
        self._give_up = give_up
        self._most_bytes = most_bytes
        self._most_sessions = min(work_bytes // BYTES_A_SESSION, MAX_PERSON)
        self._lock = threading.Lock()
        self._kept: OrderedDict[_Ids, dict[int, FileNumbers]] = OrderedDict()
        self.bytes = 0

    def of(self, files: Files) -> SessionNumbers | None:
        """The numbers of the sessions in these files, all of which have some. None where they are too many, for memory or for keys, or half
        of a digest is not enough to tell two apart, which is as good as never. Raises UnreadableSessions."""
        count = sum(_of(file).count for _, file in files)
        if count > self._most_sessions:
            return None
        ids = tuple(part.part_id for part, _ in files)
        with self._lock:
            known = self._kept.get(ids)
            if known is not None:
                self._kept.move_to_end(ids)
        if known is None:
            known = self._found(files)
            if known is None:
                return None
            self._keep(ids, known)
        of_file = {file: known[part.part_id] for part, file in files}
        return SessionNumbers(files, of_file, count, self._give_up)

    def _keep(self, ids: _Ids, found: dict[int, FileNumbers]) -> None:
        with self._lock:
            self._drop(ids)
            self._kept[ids] = found
            self.bytes += _bytes(found)
            while self.bytes > self._most_bytes:
                self._drop(next(iter(self._kept)))

    def _drop(self, ids: _Ids) -> None:
        found = self._kept.pop(ids, None)
        if found is not None:
            self.bytes -= _bytes(found)

    def _found(self, files: Files) -> dict[int, FileNumbers] | None:
        halves: list[Words] = []
        for part, file in files:
            with _opened(part, file, self._give_up) as reading:
                halves.append(reading.first_words(_of(file)))
        ends = np.cumsum([0, *(half.size for half in halves)]).tolist()
        words = np.concatenate([np.empty(0, np.uint64), *halves])
        halves.clear()  # here and below, so that few bytes a session are there at a time
        order = np.argsort(words)
        words = words[order]
        is_like_next = words[1:] == words[:-1]
        del words
        pairs = np.flatnonzero(is_like_next)
        if not self._are_same(files, ends, order[pairs], order[pairs + 1]):
            return None
        begins = np.flatnonzero(np.concatenate((np.ones(min(1, order.size), np.bool_), ~is_like_next)))
        firsts = (np.minimum.reduceat(order, begins) if begins.size else begins).astype(np.uint32)
        begins = np.diff(begins, append=order.size)
        numbers = np.empty(order.size, np.uint32)
        numbers[order] = np.repeat(firsts, begins)
        del order, firsts, begins
        found: dict[int, FileNumbers] = {}
        for (part, _), low, high in zip(files, ends, ends[1:], strict=False):
            codes = np.flatnonzero(numbers[low:high] != np.arange(low, high))
            found[part.part_id] = FileNumbers(low, high - low, codes.astype(np.uint32), numbers[low:high][codes])
        return found

    def _are_same(self, files: Files, ends: Sequence[int], left: NDArray[np.int64], right: NDArray[np.int64]) -> bool:
        """Whether the sessions at these places, whose digests have one first half, have one second half as well."""
        if not left.size:
            return True
        seconds, is_asked = np.zeros(ends[-1], np.uint64), np.zeros(ends[-1], np.bool_)
        is_asked[left] = is_asked[right] = True
        for (part, file), low, high in zip(files, ends, ends[1:], strict=False):
            if is_asked[low:high].any():
                with _opened(part, file, self._give_up) as reading:
                    seconds[low:high] = reading.second_words(_of(file))
        return bool((seconds[left] == seconds[right]).all())


def _bytes(found: dict[int, FileNumbers]) -> int:
    return sum(FILE_BYTES + each.codes.nbytes + each.numbers.nbytes for each in found.values())


def _of(file: KeyFile) -> Sessions:
    assert file.sessions is not None
    return file.sessions


@contextmanager
def _opened(part: Part, file: KeyFile, give_up: GiveUp) -> Generator[Reading]:
    try:
        with Reading(file) as reading:
            yield reading
    except OSError as error:
        give_up(part, file, error)
        raise UnreadableSessions(part.path) from error
