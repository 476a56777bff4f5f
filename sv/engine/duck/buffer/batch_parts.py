"""Cuts large batches into parts whose JSON the engine can parse within its memory.

Parsed JSON takes sixteen bytes of memory per value, and a value may be only two bytes of JSON. Ten megabytes of numbers become a tree of
eighty, which the engine allocates in one piece, and again for each statement that looks into it.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from sv.model.batch import StoredBatch

PART_SHARE: Final = 64
"""Of the engine's memory: one of these is how many bytes of events a statement takes at most, whatever is in them."""

MIN_PART_BYTES: Final = 1 << 20

_events: Final = msgspec.json.Decoder(list[msgspec.Raw])


def part_bytes(memory_bytes: int) -> int:
    """How many bytes a part may have, for an engine with this much memory."""
    return max(memory_bytes // PART_SHARE, MIN_PART_BYTES)


def are_large(batches: Sequence[StoredBatch], most: int) -> bool:
    """Whether batches have to be cut into parts of so many bytes. Batches that are columns need no parsing, and so no cutting."""
    return batches[0].columns is None and (
        any(stored.size > most for stored in batches) or sum(stored.size for stored in batches) > 2 * most
    )


def in_parts(batches: Sequence[StoredBatch], most: int) -> Iterator[list[StoredBatch]]:
    """The batches in order, in groups of at most so many bytes or of one event; large batches are cut. Raises ValueError for a batch that
    doesn't hold as many events as it says."""
    taken: list[StoredBatch] = []
    size = 0
    for stored in batches:
        for piece in [stored] if stored.size <= most else _pieces(stored, most):
            if taken and size + piece.size > most:
                yield taken
                taken, size = [], 0
            taken.append(piece)
            size += piece.size
    if taken:
        yield taken


def _pieces(stored: StoredBatch, most: int) -> Iterator[StoredBatch]:
    try:
        events = _events.decode(stored.batch.events)
    except msgspec.DecodeError as error:
        raise ValueError("expected a list of events in JSON") from error
    if len(events) != stored.batch.event_count:
        raise ValueError(f"expected {stored.batch.event_count} events, got {len(events)}")
    first = 0
    while first < len(events):
        end, size = first + 1, len(bytes(events[first]))
        while end < len(events) and size + (further := len(bytes(events[end]))) <= most:
            end, size = end + 1, size + further
        text = b"[" + b",".join(map(bytes, events[first:end])) + b"]"
        yield StoredBatch(stored.seq, replace(stored.batch, event_count=end - first, events=text), None, stored.first + first)
        first = end
