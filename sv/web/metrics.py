"""Takes a reading of the server's metrics, which `/metrics` answers.

Figures without personal data: no names of projects or events, no addresses. Reads SQLite and lists folders, so it is taken on a thread.
"""

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from msgspec import Struct
from msgspec.structs import asdict

from sv.ingest.capture import Capture
from sv.ingest.counters import IngestCounters
from sv.insights.latencies import Latencies
from sv.meta.parts import Parts
from sv.model.ledger import Ledger
from sv.people.people import People
from sv.store.disk_watch import DiskReading, DiskWatch
from sv.store.event_store import EventStore
from sv.store.files import ASIDE
from sv.store.maintenance import Maintenance
from sv.wal.log import Log
from sv.web.connections import REASONS
from sv.web.front import Front

if TYPE_CHECKING:
    from sv.insights.runner import Lane, Runner

LOG: Final = "log"


class Folder(Struct, frozen=True):
    """Files of a folder, without those of folders in it."""

    files: int = 0
    bytes: int = 0


class Questions(Struct, frozen=True):
    """Figures of one lane of questions. seconds: from arrival to answer; waits: in the queue alone, for questions that came to run."""

    running: int
    waiting: int
    oldest_wait_s: float
    refused: dict[str, int]
    seconds: Latencies
    waits: Latencies


class Metrics(Struct, frozen=True):
    """One reading of the server. held: acknowledged and not yet in files. queued: waiting for the log's disk.

    held_age_s: since when the oldest of them waits; 0 without any. aside: what lies in the folders of damaged data. resident_bytes: 0 where
    the system doesn't say. kept_bytes: of funnels' steps, for the next question.
    """

    ingest: IngestCounters
    limited_events: dict[str, int]
    ledger: Ledger
    held_events: int
    held_bytes: int
    held_age_s: float
    queued_bytes: int
    log_files: Folder
    log_damage: dict[str, int]
    parts: int
    part_bytes: int
    part_rows: int
    flushes: int
    merges: int
    flush_age_s: float
    batches_set_aside: int
    aside: Folder
    queries: int
    questions: dict[str, Questions]
    stopped: dict[str, int]
    shared: int
    disk: DiskReading
    resident_bytes: int
    kept_bytes: int
    connections: int
    connections_ended: dict[str, int]
    credentials_refused: dict[str, int]
    is_healthy: bool


class Readable(Protocol):
    """The server, as far as a reading looks at it. runner: None before the first query."""

    capture: Capture
    store: EventStore
    parts: Parts
    log: Log
    maintenance: Maintenance
    runner: "Runner | None"
    front: Front
    people: People
    disk: DiskWatch

    @property
    def kept_bytes(self) -> int: ...

    @property
    def engine_fault(self) -> str | None: ...

    def health(self) -> str | None: ...


def health(server: Readable) -> str | None:
    """None while writes are taken, else why they are not."""
    if server.engine_fault is not None:
        return f"the engine failed, and the server is to be started again: {server.engine_fault}"
    if server.capture.is_closing:
        return "the server is shutting down"
    if server.log.fault is not None:
        return f"can't write the log: {server.log.fault}"
    if not server.capture.has_room():
        return f"too many events wait to be written to files: {server.maintenance.fault or 'they came too fast'}"
    return None


def read(server: Readable) -> Metrics:
    """A reading now. Raises Unavailable where the metadata can't be read."""
    store, maintenance, runner = server.store, server.maintenance, server.runner
    parts = store.catalog.parts()
    folder = store.data_folder
    asides = [_folder(folder / ASIDE), _folder(folder / LOG / ASIDE)]
    return Metrics(
        ingest=server.capture.counters,
        limited_events=dict(server.capture.rates.refused_events),
        ledger=store.ledger(server.parts.ledger),
        held_events=store.held_events(),
        held_bytes=store.held_bytes,
        held_age_s=store.held_age_s(),
        queued_bytes=server.log.queued_bytes,
        log_files=_folder(folder / LOG),
        log_damage=asdict(server.log.damage),
        parts=len(parts),
        part_bytes=sum(part.bytes for part in parts),
        part_rows=sum(part.rows for part in parts),
        flushes=maintenance.flushes,
        merges=maintenance.merges,
        flush_age_s=time.monotonic() - maintenance.last_flush_s,
        batches_set_aside=store.batches_set_aside,
        aside=Folder(sum(each.files for each in asides), sum(each.bytes for each in asides)),
        queries=0 if runner is None else runner.queries,
        questions={} if runner is None else {str(kind): _questions(lane) for kind, lane in runner.lanes.items()},
        stopped={} if runner is None else dict(runner.stopped),
        shared=0 if runner is None else runner.flights.shared,
        disk=server.disk.reading,
        resident_bytes=_resident_bytes(),
        kept_bytes=server.kept_bytes,
        connections=server.front.connections.open,
        credentials_refused=server.people.refusals.by_reason(),
        connections_ended={reason: server.front.connections.ended[reason] for reason in REASONS},
        is_healthy=server.health() is None and maintenance.fault is None,
    )


def _questions(lane: "Lane") -> Questions:
    queue = lane.queue
    return Questions(queue.running, queue.waiting, queue.oldest_wait_s(), dict(queue.refused), lane.seconds, queue.waits)


def _resident_bytes() -> int:
    """What the process has in memory, its libraries included."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def _folder(path: Path) -> Folder:
    """What lies in the folder now; nothing if it isn't there. A file that disappears meanwhile doesn't count."""
    files = size = 0
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                try:
                    if entry.is_file(follow_symlinks=False):
                        size += entry.stat(follow_symlinks=False).st_size
                        files += 1
                except FileNotFoundError:
                    continue
    except OSError:
        return Folder()
    return Folder(files, size)
