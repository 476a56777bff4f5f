"""A cache of funnel steps' keys, merged from many files and sorted: what one question sorted is not sorted again for another window or
shorter dates.

Answers for which files' matches an entry holds, so that no other file's get into an answer. Assumes that a part's number stands for its
content for ever. Never holds more bytes than it may: the least recently used entries go first.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from msgspec import Struct

from sv.engine.duck.aliases import AsOf
from sv.engine.duck.funnels.step_keys import covers, keys_within
from sv.engine.duck.keys.key_files import Keys
from sv.engine.port import Matcher, Scope, Uncut
from sv.model.part import Part

WORTH_RUNS: Final = 4
"""Fewer runs are merged as quickly as found here."""

SHARE_KEYS: Final = 1 << 18
"""About as many keys are merged in one go, by one thread."""

SAMPLES_A_SHARE: Final = 256
"""Keys that are looked at to find where a share may end."""

PIECE_KEYS: Final = 1 << 19
"""Keys that one thread cuts to a range of time, so that a step of most events doesn't keep one of them busy alone."""


ENTRY_BYTES: Final = 1000
PART_BYTES: Final = 50
QUESTION_TIMES: Final = 3
"""About what an entry takes besides its keys: by itself, for each of its parts, and of what it was asked by as many times the JSON."""

_encoder: Final = msgspec.json.Encoder()


class Merged(Struct, frozen=True):
    """The matches of one step in these parts within [from_ms, to_ms): keys from `origin_ms`, ascending. Their groups are the users that
    persons had as of `users`; None where every person is its own. bytes: all that it takes."""

    users: AsOf | None
    parts: dict[int, Part]
    from_ms: int
    to_ms: int
    origin_ms: int
    keys: Keys
    bytes: int


class Piece(Struct, frozen=True):
    """A run of kept keys, counted from `kept_origin_ms`, that a question wants counted from `origin_ms`. scope: the range to which they
    have to be cut; None where all lie within it."""

    kept: Keys
    kept_origin_ms: int
    scope: Scope | None
    origin_ms: int
    room: Keys
    """Of this piece, for keys that differ from the kept ones."""

    def wanted(self) -> Keys:
        """The keys as the question wants them: the kept array itself where nothing has to change."""
        if self.scope is not None:
            return keys_within(self.kept, self.kept_origin_ms, self.scope, self.origin_ms, self.room)
        if self.kept_origin_ms == self.origin_ms:
            return self.kept
        return np.add(self.kept, np.int64(self.kept_origin_ms - self.origin_ms).view(np.uint64), out=self.room)


class Hit(Struct, frozen=True):
    """An entry that holds the matches in these parts (by number). scope: the range to which they have to be cut; None where all lie within
    it. origin_ms: where the wanted keys are to be counted from."""

    part_ids: frozenset[int]
    entry: Merged
    scope: Scope | None
    origin_ms: int

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """The entry as pieces, each ascending and in ascending order."""
        return tuple(_pieces(self.entry, self.scope, self.origin_ms))

    @property
    def run(self) -> "Keys | Uncut":
        """The entry as one run; where it has to be cut, its reader does that for one range of groups at a time."""
        entry = self.entry
        if self.scope is None and entry.origin_ms == self.origin_ms:
            return entry.keys

        def wanted(keys: Keys) -> Keys:
            return Piece(keys, entry.origin_ms, self.scope, self.origin_ms, np.empty(keys.size, np.uint64)).wanted()

        return Uncut(entry.keys, wanted)


class MergedKeys:
    """Thread-safe. max_bytes: of all entries together. One entry, the latest, per project, step and scope without its range, for
    either rule of identity."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._entries: OrderedDict[tuple[Any, ...], Merged] = OrderedDict()
        self._bytes = 0

    @property
    def bytes(self) -> int:
        return self._bytes

    def find(self, parts: Sequence[Part], scope: Scope, step: Matcher, origin_ms: int, users: AsOf | None = None) -> Hit | None:
        """The entry of the step, where it has everything of those of its parts that lie in the scope's range; else None.

        Parts of an entry that aren't among `parts` must have nothing in the range: one that was replaced, or whose events were erased,
        would bring back what is gone.
        """
        if not parts:
            return None
        with self._lock:
            entry = self._entries.get(_key(parts, scope, step, users))
            if entry is None or entry.users != users:
                return None
            self._entries.move_to_end(_key(parts, scope, step, users))
        asked = {part.part_id for part in parts}
        if any(_overlaps(part, scope) for part_id, part in entry.parts.items() if part_id not in asked):
            return None
        known = [part for part in parts if part.part_id in entry.parts]
        if not known or not all(_has_whole(entry, part, scope) for part in known):
            return None
        cut = None if all(covers(scope, part) for part in entry.parts.values()) else scope
        return Hit(frozenset(part.part_id for part in known), entry, cut, origin_ms)

    def keep(
        self, parts: Sequence[Part], scope: Scope, step: Matcher, origin_ms: int, keys: Keys, users: AsOf | None = None
    ) -> None:
        """Keep the keys, ascending, unless they are too many. They are everything that matches in these parts within the scope's range.

        SCAR: an entry counts with all that it takes. Of steps that nothing matches there were as many as were ever asked for.
        """
        if not parts:
            return
        asked_by = _key(parts, scope, step, users)
        size = keys.nbytes + ENTRY_BYTES + PART_BYTES * len(parts) + QUESTION_TIMES * len(_encoder.encode(asked_by))
        if size > self._max_bytes:
            return
        entry = Merged(users, {part.part_id: part for part in parts}, scope.from_ms, scope.to_ms, origin_ms, keys, size)
        with self._lock:
            old = self._entries.pop(asked_by, None)
            self._bytes += size - (old.bytes if old is not None else 0)
            self._entries[asked_by] = entry
            while self._bytes > self._max_bytes:
                _, dropped = self._entries.popitem(last=False)
                self._bytes -= dropped.bytes

    def is_room_for(self, runs: Sequence[Keys]) -> bool:
        """Whether the result of merging these runs may be kept."""
        return sum(run.nbytes for run in runs) <= self._max_bytes


def are_many(runs: Sequence[Keys]) -> bool:
    """Whether merging these once saves much."""
    return len(runs) > WORTH_RUNS


class Share(NamedTuple):
    """Slices of runs, and where they belong among all that is merged."""

    slices: list[Keys]
    target: Keys

    def merge(self) -> None:
        np.concatenate(self.slices, out=self.target)
        self.target.sort()


def plan_merge(runs: Sequence[Keys]) -> tuple[Keys, list[Share]]:
    """The array that the keys of all runs come to lie in, ascending, once each share is merged: by whichever thread, in any order.

    Shares are ranges of keys, alike in size by a sample, which lie near the processor while they are sorted.
    """
    runs = [run if _ascends(run) else np.sort(run) for run in runs]
    size = sum(run.size for run in runs)
    keys = np.empty(size, np.uint64)
    count = size // SHARE_KEYS + 1
    stride = max(1, size // (count * SAMPLES_A_SHARE))
    sample = np.sort(np.concatenate([run[::stride] for run in runs])) if runs else keys
    borders = sample[[sample.size * number // count for number in range(1, count)]] if sample.size >= count else keys[:0]
    cuts = [[0, *np.searchsorted(run, borders).tolist(), run.size] for run in runs]
    shares: list[Share] = []
    end = 0
    for number in range(borders.size + 1):
        slices = [run[cut[number] : cut[number + 1]] for run, cut in zip(runs, cuts, strict=True)]
        first, end = end, end + sum(part.size for part in slices)
        shares.append(Share(slices, keys[first:end]))
    return keys, shares if size else []


def _ascends(keys: Keys) -> bool:
    return bool((keys[1:] >= keys[:-1]).all())


def _key(parts: Sequence[Part], scope: Scope, step: Matcher, users: AsOf | None) -> tuple[Any, ...]:
    """parts: all of one project."""
    return parts[0].project_id, step, scope.filters, scope.include_bots, users is not None


def _pieces(entry: Merged, cut: Scope | None, origin_ms: int) -> Iterator[Piece]:
    keys = entry.keys
    is_whole = cut is None and entry.origin_ms == origin_ms
    size = max(keys.size, 1) if is_whole else PIECE_KEYS
    room = keys if is_whole else np.empty(keys.size, np.uint64)  # in one, which the system gives out in large pages
    for first in range(0, keys.size, size):
        yield Piece(keys[first : first + size], entry.origin_ms, cut, origin_ms, room[first : first + size])


def _overlaps(part: Part, scope: Scope) -> bool:
    return part.min_ts_ms < scope.to_ms and part.max_ts_ms >= scope.from_ms


def _has_whole(entry: Merged, part: Part, scope: Scope) -> bool:
    """Whether the entry has all of the part that lies in the scope's range."""
    return entry.from_ms <= max(part.min_ts_ms, scope.from_ms) and min(part.max_ts_ms + 1, scope.to_ms) <= entry.to_ms
