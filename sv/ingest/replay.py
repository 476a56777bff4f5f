"""Bringing back, at the start, what the log holds and the event files do not.

Assumes that nothing is served yet. Never raises for what a record holds.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol

from sv.ingest.capture import answer_of
from sv.ingest.retries import Retries
from sv.model.batch import StoredBatch, decode_batch
from sv.model.redaction import redacted

log = logging.getLogger(__name__)


GROUP_BATCHES: Final = 1000
"""Accepted together: one by one, taking the lock was a fifth of a replay of small batches."""


class Frame(Protocol):
    """A record of the log."""

    @property
    def seq(self) -> int: ...
    @property
    def payload(self) -> bytes: ...


def replay(frames: Iterable[Frame], retries: Retries, accept: Callable[[Sequence[StoredBatch]], None]) -> int | None:
    """Accept each batch once and remember what its request was told. Returns when the oldest was received (ms); None without any.

    retries: knows the answers of what is in files already.
    """
    events = 0
    oldest_ms: int | None = None
    group: list[StoredBatch] = []
    for frame in frames:
        try:
            batch = decode_batch(frame.payload)
        except ValueError as error:
            log.error("passed over record %d of the log, which is no batch: %s", frame.seq, redacted(error))
            continue
        # A batch whose sync failed was refused, its client may have sent it again, and a crash can bring both back. One is kept.
        if batch.retry_key and retries.answer_to(batch.retry_key, batch.received_ms) is not None:
            continue
        group.append(StoredBatch(frame.seq, batch))
        if len(group) == GROUP_BATCHES:
            accept(group)
            group = []
        events += batch.event_count
        oldest_ms = batch.received_ms if oldest_ms is None else min(oldest_ms, batch.received_ms)
        if batch.retry_key:
            retries.remember(answer_of(batch), batch.received_ms)  # the window as it was then, however long we were down
    if group:
        accept(group)
    if events:
        log.info("brought back %d events from the log", events)
    return oldest_ms
