"""Divides an overview's range into shares whose sessions can be found in bounded memory.

Assumes nothing about how sessions lie in time. A session that has events in two pieces of the range is noticed by the hash of its id, and
is read again in a share of such sessions alone, in which it is whole.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from sv.engine.distinct import distinct
from sv.model.limits import DAY_MS
from sv.model.part import Part

CUT_ROWS: Final = 1_000_000
"""Events of a piece of the range at most, unless a day has more."""

BYTES_A_ROW: Final = 512
"""What the engine may use for each of a piece's events while their sessions are found. A million took 105 MB, and two pieces are read at
once."""

MOST_SPLITS: Final = 64
"""Into how many a piece is split at most that has more events than it may: each reads the whole piece."""

HASHES_A_SHARE: Final = 200_000
"""Sessions that are asked for again at once."""

MOST_READING: Final = 1.5
"""How often a row is read at most, on average, since a file may reach over several cuts."""

Hashes = NDArray[np.uint64]


class Rest(Struct, frozen=True):
    """Numbers that leave this rest when they are divided."""

    of: int
    rest: int


class Share(Struct, frozen=True, kw_only=True):
    """Some of a range's events. Every session in it is whole, unless the share is cut.

    has_clients, has_derived: whether it has events with a session id, and such without. hashes: which sessions, by their ids' hashes; None
    for all. ids: which sessions' events with an id, by the ids' hashes. persons: whose events without one.
    """

    from_ms: int
    to_ms: int
    has_clients: bool = True
    has_derived: bool = True
    hashes: Hashes | None = None
    ids: Rest | None = None
    persons: Rest | None = None
    is_cut: bool = False


def rows_within(memory_bytes: int) -> int:
    """How many events a piece may have, given the engine's memory."""
    return min(CUT_ROWS, memory_bytes // BYTES_A_ROW)


def cuts(parts: Iterable[Part], from_ms: int, to_ms: int, most_rows: int) -> list[tuple[int, int]]:
    """Cuts the range at midnights into pieces of about so many events; a piece is larger where files reach over many days."""
    ordered = sorted(parts, key=lambda part: part.min_ts_ms)
    borders: list[int] = []
    rows, last = 0, from_ms
    for part in ordered:
        midnight = part.min_ts_ms // DAY_MS * DAY_MS
        if rows >= most_rows and midnight > last:
            borders.append(midnight)
            rows = 0
        rows += part.rows
        last = max(midnight, from_ms)
    total = sum(part.rows for part in ordered)
    while borders and _read(ordered, borders) > MOST_READING * total:
        borders = borders[1::2]
    edges = [from_ms, *(border for border in borders if border < to_ms), to_ms]
    return list(pairwise(edges))


def pieces(parts: Sequence[Part], cuts: Sequence[tuple[int, int]], most_rows: int) -> Iterator[Share]:
    """The shares of the events with a session id. A cut of more than twice as many rows as it may have is split by the ids' hashes."""
    for low, high in cuts:
        rows = sum(part.rows for part in parts if part.min_ts_ms < high and part.max_ts_ms >= low)
        splits = min(-(-rows // most_rows), MOST_SPLITS) if rows > 2 * most_rows else 1
        for rest in range(splits):
            ids = Rest(splits, rest) if splits > 1 else None
            yield Share(from_ms=low, to_ms=high, has_derived=False, ids=ids, is_cut=len(cuts) > 1)


def _read(parts: Sequence[Part], borders: Sequence[int]) -> int:
    """How many rows are read in all pieces together."""
    edges = np.array(borders, np.int64)
    firsts = np.searchsorted(edges, [part.min_ts_ms for part in parts], side="right")
    lasts = np.searchsorted(edges, [part.max_ts_ms for part in parts], side="right")
    return int(((lasts - firsts + 1) * np.array([part.rows for part in parts], np.int64)).sum())


def of_several(hashes: Hashes) -> Hashes:
    """The hashes that occur in several pieces, ascending. Each piece has each hash once. Two sessions may have the same hash, which costs
    time alone."""
    ordered = np.sort(hashes)
    return distinct(ordered[1:][ordered[1:] == ordered[:-1]])


def of_cut_sessions(hashes: Hashes, from_ms: int, to_ms: int) -> Iterator[Share]:
    """The shares of the sessions that are cut."""
    for at in range(0, hashes.size, HASHES_A_SHARE):
        yield Share(from_ms=from_ms, to_ms=to_ms, has_derived=False, hashes=hashes[at : at + HASHES_A_SHARE])


def of_derived(events: int, from_ms: int, to_ms: int, most_rows: int) -> Iterator[Share]:
    """The shares of so many events without a session id."""
    count = -(-events // most_rows)
    for rest in range(count):
        yield Share(from_ms=from_ms, to_ms=to_ms, has_clients=False, persons=Rest(count, rest) if count > 1 else None)
