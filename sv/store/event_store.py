"""The door to events at rest: takes batches that the log has made durable, gives snapshots to query.

Life of a batch here: `accept` keeps it as pending bytes (the event loop does no more); `catch_up` lets the engine append pending
batches to the buffer, before each query and whenever enough have come together; a flush (`maintenance.py`) freezes the buffer's
generation, writes it as parts and commits them together with the log position that they cover.

# INVARIANT STORE-2: a generation holds every batch from the position after its predecessor's to its own last one. The catalog's covered
# position therefore says exactly which batches of the log are in parts, and replay after a crash takes all the others.
"""

import contextlib
import logging
import threading
from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from msgspec import structs

from sv.model.batch import Batch, StoredBatch
from sv.model.errors import Unavailable
from sv.model.ledger import Ledger, Tally
from sv.model.part import NewPart, Part
from sv.model.snapshot import Snapshot
from sv.store.catalog import Catalog
from sv.store.files import ASIDE, write_durably
from sv.store.ports import BadBatch, Tables

log = logging.getLogger(__name__)

MAX_DRAIN_SLICE_BYTES: Final = 16 << 20
"""Pending bytes that one statement takes at most: bounds how long a query waits for another's drain."""

MIN_DRAIN_SLICE_BYTES: Final = 1 << 20

DRAIN_SLICES: Final = 64
"""Of the engine's memory: one of these is what a statement takes where memory is short, which costs it nine times that.

SCAR: with less, a drain ran out of memory, was tried again with as much, and nothing was ever flushed."""

DRAIN_SLICE_BATCHES: Final = 20_000


@dataclass(slots=True)
class Generation:
    """One table of the buffer and what the log knows of it.

    events: its rows. ingested: the events of its batches, of which set_aside were in batches that could not be read; the others were
    repetitions. headers: its batches without their events. written: the parts that a flush has made of it so far, by path; a flush that
    failed goes on behind them.
    """

    number: int
    last_seq: int
    events: int = 0
    ingested: int = 0
    set_aside: int = 0
    bytes: int = 0
    opened_at_s: float = 0.0
    headers: list[Batch] = field(default_factory=list)
    written: dict[str, NewPart] = field(default_factory=dict)

    @property
    def repeated(self) -> int:
        return self.ingested - self.set_aside - self.events

    def tally(self, bots: int) -> Tally:
        """What became of its batches, once `written` is complete: rows that are in no file are of deleted projects."""
        removed = self.events - sum(part.rows for part in self.written.values())
        return Tally(ingested=self.ingested, repeated=self.repeated, set_aside=self.set_aside, removed=removed, bots=bots)


class EventStore:
    """Thread-safe. `accept` never blocks on the engine or the disk.

    keep_persons: makes sure that every person's number in the buffers is kept; to be called before parts are committed (STORE-5).
    engine_memory_bytes: what the engine may use. ingested_before: events of batches up to `covered_seq`.
    """

    def __init__(
        self,
        *,
        data_folder: Path,
        catalog: Catalog,
        open_tables: Callable[[], Tables],
        keep_persons: Callable[[], None],
        covered_seq: int,
        monotonic_s: Callable[[], float],
        engine_memory_bytes: int,
        ingested_before: int = 0,
    ) -> None:
        self.data_folder = data_folder
        self._slice_bytes = min(max(engine_memory_bytes // DRAIN_SLICES, MIN_DRAIN_SLICE_BYTES), MAX_DRAIN_SLICE_BYTES)
        self.drain_when_bytes = self._slice_bytes // 2
        """Pending bytes that are drained without waiting for a query or a flush, so that neither has much to catch up on."""
        self.catalog = catalog
        self._open_tables = open_tables
        self.keep_persons = keep_persons
        self._monotonic_s = monotonic_s
        self._state = threading.Lock()
        self._draining = threading.Lock()
        self._opening = threading.Lock()
        self._pending: deque[StoredBatch] = deque()
        self._pending_bytes = 0
        self._pending_events = 0
        self._pending_since_s = 0.0
        self._accepted_seq = covered_seq
        self._drained_seq = covered_seq
        self._tables: Tables | None = None
        self._next_generation = 1
        self.frozen: list[Generation] = []
        self.current: Generation | None = None
        self.work_arrived = threading.Event()
        self.books = threading.Lock()
        """Held while a flush moves from memory into the catalog, so that a reading of the ledger sees it in one of them."""
        self.batches_set_aside = 0
        self._ingested = ingested_before
        self._forgotten = 0

    @property
    def tables(self) -> Tables:
        """The engine's tables, opened (and the engine imported) when first needed."""
        # SCAR: a lock of its own. Under the lock of `accept`, importing the engine held up every acknowledgement for half a second.
        with self._opening:
            if self._tables is None:
                self._tables = self._open_tables()
            return self._tables

    @property
    def has_events(self) -> bool:
        """Whether there are any, in files or in memory."""
        return bool(self.held_bytes or self.catalog.parts())

    @property
    def is_engine_open(self) -> bool:
        return self._tables is not None

    @property
    def accepted_seq(self) -> int:
        """The last log position that was accepted."""
        return self._accepted_seq

    def version(self) -> tuple[int, int]:
        """Changes whenever a later snapshot could differ from one that is taken now."""
        return self._accepted_seq, self.catalog.version

    @property
    def drained_seq(self) -> int:
        """The log position up to which every batch is in the buffers, or in parts."""
        return self._drained_seq

    @property
    def ingested(self) -> int:
        """Events that were acknowledged, over the folder's life."""
        return self._ingested

    def generations_after(self, seq: int) -> list[int]:
        """The buffers that may hold batches above this log position, oldest first."""
        with self._state:
            return [generation.number for generation in self._held() if generation.last_seq > seq]

    @property
    def held_bytes(self) -> int:
        """Bytes of events that are acknowledged and not yet in parts, as the log counts them."""
        with self._state:
            return self._pending_bytes + sum(generation.bytes for generation in self._held())

    @property
    def pending_bytes(self) -> int:
        return self._pending_bytes

    def held_events(self) -> int:
        """Events that are acknowledged and not yet in parts."""
        with self._state:
            return self._pending_events + sum(generation.events for generation in self._held())

    def held_since_s(self) -> float | None:
        """When the oldest event that is in no part yet was accepted; None where all events are in parts."""
        with self._state:
            held = self._held()
            if not held and not self._pending_events:
                return None
            return held[0].opened_at_s if held else self._pending_since_s

    def held_age_s(self) -> float:
        """How long ago that was; 0 where all events are in parts."""
        since_s = self.held_since_s()
        return 0.0 if since_s is None else self._monotonic_s() - since_s

    def _held(self) -> list[Generation]:
        """The generations that are in no part yet, oldest first. Called with `_state` locked."""
        return [*self.frozen, *([] if self.current is None else [self.current])]

    def ledger(self, read_kept: Callable[[], Ledger]) -> Ledger:
        """The books now. read_kept: those on disk. May wait for the commit of a flush."""
        with self.books:
            kept = read_kept()
            with self._state:
                held = self._held()
                return structs.replace(
                    kept,
                    ingested=self._ingested,
                    queued=self._pending_events + sum(generation.events for generation in held),
                    set_aside=kept.set_aside + sum(generation.set_aside for generation in held),
                    repeated=kept.repeated + sum(generation.repeated for generation in held),
                    removed=kept.removed + self._forgotten,
                )

    def accept(self, batches: Sequence[StoredBatch]) -> None:
        """Take batches in log order. When this returns every later query sees their events."""
        with self._state:
            before = self._pending_bytes
            if not self._pending:
                self._pending_since_s = self._monotonic_s()
            for stored in batches:
                self._pending.append(stored)
                self._pending_bytes += stored.batch.held_bytes
                self._pending_events += stored.batch.event_count
                self._ingested += stored.batch.event_count
            self._accepted_seq = batches[-1].seq
            after = self._pending_bytes
        # Woken for the first batch, which starts the flush's clock, and when enough have come together; not for each.
        if not before or before <= self.drain_when_bytes < after:
            self.work_arrived.set()

    @contextlib.contextmanager
    def snapshot(self, project_id: str, from_ms: int, to_ms: int) -> Generator[Snapshot]:
        """What may hold the project's events of [from_ms, to_ms), including all that was accepted before the call.

        Raises Unavailable where the engine can't take the pending events now (no memory, no disk to spill to).
        """
        self.catch_up()
        snapshot = self.catalog.take(project_id, from_ms, to_ms)
        if self._tables is None and snapshot.parts:
            _ = self.tables  # whoever takes a snapshot has the engine open
            self.work_arrived.set()  # there are key files to look at
        try:
            yield snapshot
        finally:
            self.catalog.release(snapshot)

    def interrupt_writing(self) -> None:
        """Interrupt whoever is writing an event file or a key file, who then raises Unavailable. To be called again and again until nobody
        writes any more."""
        if self._tables is not None:
            self._tables.interrupt_writing()

    def interrupt_all(self) -> None:
        """End whatever the engine is at, once, for a process that is about to end."""
        if self._tables is not None:
            self._tables.interrupt_all()

    def catch_up(self) -> None:
        """Append to the buffer what was accepted before the call."""
        accepted_seq = self._accepted_seq
        if self._drained_seq < accepted_seq:
            with self._draining:
                self._drain_up_to(accepted_seq)

    def freeze(self) -> list[Generation]:
        """Close the current generation and return all that wait for a flush, oldest first."""
        with self.frozen_solid() as generations:
            return generations

    @contextlib.contextmanager
    def frozen_solid(self) -> Generator[list[Generation]]:
        """As `freeze`, and nothing more is drained inside the block: the next event gets its rows and its person's number after it."""
        with self._draining:
            self._drain_up_to(self._accepted_seq)
            with self._state:
                if self.current is not None:
                    self.frozen.append(self.current)
                    self.current = None
                generations = list(self.frozen)
            yield generations

    @contextlib.contextmanager
    def paused(self) -> Generator[None]:
        """Inside the block nothing is drained, and queries that need to catch up wait."""
        with self._draining:
            yield

    def thaw(self, generation: Generation, commit: Callable[[], Sequence[Part]]) -> None:
        """Put a generation's parts in its place, once `commit` has recorded them and returned them. LEDGER-1."""
        with self.books:
            self.catalog.replace(buffers=[generation.number], by=commit())
            with self._state:
                self.frozen.remove(generation)

    def discard_all(self) -> int:
        """Drop everything pending and buffered; returns the log position up to which nothing is held any more."""
        with self._draining:
            with self._state:
                held = self._held()
                self._forgotten += self._pending_events + sum(generation.ingested for generation in held)
                self._pending.clear()
                self._pending_bytes = self._pending_events = 0
                buffers = [generation.number for generation in held]
                self.frozen.clear()
                self.current = None
                position = self._drained_seq = self._accepted_seq
            self.catalog.replace(buffers=buffers, by=())
            return position

    def _drain_up_to(self, seq: int) -> None:
        """Called with `_draining` locked. Raises Unavailable; what was not drained is pending again, in its place.

        TRICKY: it stops at a log position, not when nothing is pending. Under steady load something always is, and queries and flushes
        would wait for ever.
        """
        began_s = self._monotonic_s()
        while self._drained_seq < seq:
            taken = self._next_slice()
            if not taken:
                return
            try:
                self._drain(self._current_generation(taken[0].seq), taken)
            except BaseException:
                with self._state:
                    self._pending.extendleft(stored for stored in reversed(taken) if stored.seq > self._drained_seq)
                raise
        # SCAR: what is pending now has come since. Under load something always is, and each flush was followed by the next one at once.
        with self._state:
            self._pending_since_s = max(self._pending_since_s, began_s)

    def _next_slice(self) -> list[StoredBatch]:
        taken: list[StoredBatch] = []
        size = 0
        with self._state:
            while self._pending and size < self._slice_bytes and len(taken) < DRAIN_SLICE_BATCHES:
                stored = self._pending.popleft()
                taken.append(stored)
                size += stored.batch.held_bytes
        return taken

    def _current_generation(self, first_seq: int) -> Generation:
        if self.current is None:
            number = self._next_generation
            self.tables.create_buffer(number)
            self._next_generation += 1
            self.catalog.add_buffer(number)
            with self._state:
                self.current = Generation(number, last_seq=first_seq - 1, opened_at_s=self._monotonic_s())
        return self.current

    def _drain(self, generation: Generation, taken: list[StoredBatch]) -> None:
        """Drain a slice of the pending batches. If a batch is at fault, find it and set it aside, so that the others aren't lost with
        it."""
        is_bad = False
        try:
            rows = self.tables.drain(generation.number, taken)
        except BadBatch as bad:
            if len(taken) > 1:
                half = len(taken) // 2
                self._drain(generation, taken[:half])
                self._drain(generation, taken[half:])
                return
            self._set_aside(taken[0], str(bad))
            rows, is_bad = 0, True
        taken_bytes = sum(stored.batch.held_bytes for stored in taken)
        taken_events = sum(stored.batch.event_count for stored in taken)
        with self._state:
            self._pending_bytes -= taken_bytes
            self._pending_events -= taken_events
            generation.ingested += taken_events
            generation.set_aside += taken_events if is_bad else 0
            generation.bytes += taken_bytes
            generation.events += rows
            generation.last_seq = self._drained_seq = taken[-1].seq
            generation.headers += [_header(stored.batch) for stored in taken if stored.batch.retry_key]

    def _set_aside(self, stored: StoredBatch, reason: str) -> None:
        path = self.data_folder / ASIDE / f"batch-{stored.seq:016x}-{stored.batch.project_id}.json"
        try:
            write_durably(path, lambda target: target.write_bytes(stored.batch.events))
        except OSError as error:
            raise Unavailable(f"can't write to the data folder: {error.strerror}") from error
        self.batches_set_aside += 1
        log.error(
            "set aside a batch of %d events of project %s (log position %d): %s; it is kept as %s",
            stored.batch.event_count, stored.batch.project_id, stored.seq, reason, path,
        )  # fmt: skip


def _header(batch: Batch) -> Batch:
    return Batch(
        batch.version, batch.project_id, batch.received_ms, batch.event_count, "", None, batch.retry_key, batch.rejected, b""
    )
