"""A cache of funnel steps' matches, file by file.

Which events of an immutable file match a step is found out once. Another question with a different window, range or other steps only copies
numbers. Assumes that a part's number stands for its content for ever (`sv.model.part`). Never holds anything of a buffer, nor of a part
that it was told is gone, and never more bytes than it may: the least recently used entries go first.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Final

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from sv.engine.duck.keys.key_files import KEY_BITS, Keys
from sv.engine.port import Matcher, Scope
from sv.model.part import Part

OFFSETS: Final = np.uint64((1 << KEY_BITS) - 1)
"""The part of a key that is time."""

BLOCK_KEYS: Final = 1 << 16
"""Keys that are looked at in one go. TRICKY: not as few as fit the processor's nearest cache. Several threads do this at once, and between
any two of numpy's calls they wait for Python's lock."""

ENTRY_BYTES: Final = 400
QUESTION_TIMES: Final = 3
"""About what an entry takes besides its arrays, and what entries of one question take together: so many times its JSON."""

_encoder: Final = msgspec.json.Encoder()


class Kept(Struct, frozen=True):
    """The matches of one step in one file as keys `(person << KEY_BITS) | (ms - origin_ms)`, in any order."""

    keys: Keys
    origin_ms: int

    @property
    def bytes(self) -> int:
        return self.keys.nbytes + ENTRY_BYTES


class StepCache:
    """Thread-safe. max_bytes: of all that is kept."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[Any, ...], tuple[Kept, int]] = OrderedDict()
        """Each with its bytes."""
        self._of_part: dict[int, set[tuple[Any, ...]]] = {}
        self._bytes = 0

    @property
    def bytes(self) -> int:
        return self._bytes

    def find(self, parts: Sequence[Part], scope: Scope, step: Matcher) -> dict[int, Kept]:
        """What is kept for the step, by part."""
        found: dict[int, Kept] = {}
        with self._lock:
            for part in parts:
                key = _key(part.part_id, scope, step)
                kept = self._kept.get(key)
                if kept is not None:
                    self._kept.move_to_end(key)
                    found[part.part_id] = kept[0]
        return found

    def keep(self, found: dict[int, Kept], scope: Scope, step: Matcher) -> None:
        asked_bytes = QUESTION_TIMES * len(_encoder.encode((step, scope.filters))) // max(len(found), 1)
        with self._lock:
            for part_id, kept in found.items():
                key, size = _key(part_id, scope, step), kept.bytes + asked_bytes
                if size <= self._max_bytes and key not in self._kept:
                    self._kept[key] = kept, size
                    self._of_part.setdefault(part_id, set()).add(key)
                    self._bytes += size
            while self._bytes > self._max_bytes:
                self._drop(next(iter(self._kept)))

    def forget(self, part_id: int) -> None:
        """Drop all that is kept of a part that no query reads any more."""
        with self._lock:
            for key in list(self._of_part.get(part_id, ())):
                self._drop(key)

    def _drop(self, key: tuple[Any, ...]) -> None:
        self._bytes -= self._kept.pop(key)[1]
        others = self._of_part[key[0]]
        others.remove(key)
        if not others:
            del self._of_part[key[0]]


def _key(part_id: int, scope: Scope, step: Matcher) -> tuple[Any, ...]:
    """What an entry depends on. The range of time isn't part of it: that is applied when keys are made."""
    return part_id, step, scope.filters, scope.include_bots


def split_by_file(parts: Sequence[Part], steps: int, keys: Keys, tags: NDArray[Any], origin_ms: int) -> list[dict[int, Kept]]:
    """Splits an answer's rows into what is kept of each part, for each step. Every part gets an entry, which may be empty.

    A row's tag is (place in `parts` << steps) | mask of the steps that it matches. The rows of one file come in few runs, since each of the
    engine's vectors is from one file; a run stays in the processor's cache while all steps pick from it.
    """
    pieces: list[list[list[Keys]]] = [[[] for _ in parts] for _ in range(steps)]
    files = tags >> tags.dtype.type(steps)
    borders = [0, *(np.flatnonzero(files[1:] != files[:-1]) + 1).tolist(), files.size] if files.size else [0]
    for low, high in pairwise(borders):
        place = int(files[low])
        masks = tags[low:high]
        for step in range(steps):
            picked = _picked((masks & masks.dtype.type(1 << step)) != 0)
            pieces[step][place].append(keys[low:high][picked])
    return [
        {part.part_id: Kept(_joined(picked), origin_ms) for part, picked in zip(parts, by_part, strict=True)}
        for by_part in pieces
    ]


def _picked(flags: NDArray[np.bool_]) -> slice | NDArray[np.int64]:
    """The keys whose flags are set. A file is sorted by event, so that what a step without filters picks is one slice."""
    first, count = int(flags.argmax()), int(np.count_nonzero(flags))
    in_a_row = slice(first, first + count)
    return in_a_row if flags[in_a_row].all() else np.flatnonzero(flags)


def _joined(pieces: Sequence[Keys]) -> Keys:
    """A copy, since a slice would keep the whole answer in memory."""
    return np.concatenate(pieces) if pieces else np.empty(0, np.uint64)


def keys_of(found: Sequence[tuple[Part, Kept]], scope: Scope, origin_ms: int, users: NDArray[np.uint32] | None) -> Iterator[Keys]:
    """The keys `(person << KEY_BITS) | (ms - origin_ms)` of the matches in the scope's range. users: maps each number to its user's. What
    is kept is never changed; an array that needs no change is yielded as it is."""
    for part, kept in found:
        keys = kept.keys
        if not covers(scope, part):
            keys, _ = pick_within(keys, kept.origin_ms, scope)
        if users is not None:
            keys = (users[keys >> np.uint64(KEY_BITS)].astype(np.uint64) << np.uint64(KEY_BITS)) | (keys & OFFSETS)
        if kept.origin_ms != origin_ms and keys.size:
            # Never below 0: the origin is the first time of the range, and what lies before it is left out above.
            keys = keys + np.int64(kept.origin_ms - origin_ms).view(np.uint64)
        yield keys


def keys_within(keys: Keys, origin_ms: int, scope: Scope, new_origin_ms: int, found: Keys) -> Keys:
    """The keys, counted from `origin_ms`, that lie in the scope's range; counted from `new_origin_ms`, which is not after its beginning.
    They are written to the beginning of `found`, which has room for all."""
    shift = np.int64(origin_ms - new_origin_ms).view(np.uint64)
    end = 0
    for block, is_within in _flagged(keys, origin_ms, scope):
        places = np.flatnonzero(is_within)
        picked = found[end : end + places.size]
        np.take(block, places, out=picked, mode="clip")  # which writes to `out` itself, where `raise` would by way of a copy
        if shift:
            picked += shift
        end += places.size
    return found[:end]


def pick_within(keys: Keys, origin_ms: int, scope: Scope) -> tuple[Keys, NDArray[np.int64]]:
    """The keys, counted from `origin_ms`, that lie in the scope's range, and where they stand."""
    flagged = enumerate(_flagged(keys, origin_ms, scope))
    found = [np.flatnonzero(is_within) + number * BLOCK_KEYS for number, (_, is_within) in flagged]
    places = np.concatenate(found) if found else np.empty(0, np.int64)
    return keys[places], places


def _flagged(keys: Keys, origin_ms: int, scope: Scope) -> Iterator[tuple[Keys, NDArray[np.bool_]]]:
    """The keys block by block, and which of a block's lie in the scope's range. The flags hold until the next block: memory that is asked
    for anew each time took as long as what is done in it."""
    low, high = (min(max(border - origin_ms, 0), int(OFFSETS) + 1) for border in (scope.from_ms, scope.to_ms))
    begin, length = np.uint64(min(low, int(OFFSETS))), np.uint64(max(high - low, 0))
    room = min(keys.size, BLOCK_KEYS)
    times, flags = np.empty(room, np.uint64), np.empty(room, np.bool_)
    for first in range(0, keys.size, BLOCK_KEYS):
        block = keys[first : first + BLOCK_KEYS]
        since, is_within = times[: block.size], flags[: block.size]
        np.subtract(block, begin, out=since)
        np.bitwise_and(since, OFFSETS, out=since)
        yield block, np.less(since, length, out=is_within)


def covers(scope: Scope, part: Part) -> bool:
    """Whether the whole of the part is in the scope's range."""
    return scope.from_ms <= part.min_ts_ms and part.max_ts_ms < scope.to_ms
