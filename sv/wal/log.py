"""The log: append, commit in groups, read back, let go.

    append ─► waiting ─► commit thread: one vectored write, one sync ─► deliver(commits)

Answers for: records in order, each under a number of its own, on disk before anybody is told so. Assumes that
nobody else uses the folder; locking it is the caller's business. Never looks into a payload, and never blocks
`append` on the disk: how much may wait is for the caller to bound, by `queued_bytes`.

Appends that arrive while a group is being synced form the next group, so under load one sync serves many.
"""

import copy
import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec import Struct

from sv.wal.damage import DamageReport
from sv.wal.disk import OS_DISK, Disk
from sv.wal.fault import LogFault
from sv.wal.folder import MAX_SEGMENT_BYTES, Survey, survey
from sv.wal.frame import FRAME_BYTES, MAX_PAYLOAD_BYTES
from sv.wal.replay import Frame, Replay
from sv.wal.segments import Segments

log = logging.getLogger(__name__)

MIN_SEGMENT_BYTES = 16 * 1024
"""Twice a header; smaller segments would be mostly header."""

_GROUP_BYTES = 8 * 1024 * 1024  # bounds how long a record waits for those that were queued beside it
_RETRY_S = 1.0  # how soon a log that refuses is tried again while nobody appends


class Commit(Struct, frozen=True):
    """What became of one append. Stored: `seq` is its number, `fault` None. Refused: the other way round."""

    seq: int | None
    payload: bytes
    tag: object
    fault: LogFault | None


class _Renewal:
    """Somebody waits for the log to go on in a new file."""

    def __init__(self) -> None:
        self.is_done = threading.Event()
        self.fault: LogFault | None = None


class Log:
    """A durable log of opaque payloads in one folder, made by `Log.open`. Any thread may call any method."""

    def __init__(
        self,
        folder: Path,
        disk: Disk,
        segments: Segments,
        found: Survey,
        damage: DamageReport,
        *,
        deliver: Callable[[list[Commit]], None],
        next_seq: int,
        retry_s: float,
    ) -> None:
        self._folder = folder
        self._disk = disk
        self._segments = segments
        self._found = found
        self._damage = damage
        self._deliver = deliver
        self._retry_s = retry_s
        self._next_seq = next_seq
        self._fault: LogFault | None = None
        self._fault_kind: object = None
        self._wake = threading.Condition(threading.Lock())  # guards the fields below
        self._waiting: list[tuple[bytes, object]] = []
        self._queued_bytes = 0
        self._renewals: list[_Renewal] = []
        self._is_idle = False
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name="wal-commit", daemon=True)
        self._thread.start()

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        deliver: Callable[[list[Commit]], None],
        segment_bytes: int = 16 * 1024 * 1024,
        spare_segments: int = 2,
        next_seq_floor: int = 1,
        disk: Disk = OS_DISK,
        retry_s: float = _RETRY_S,
    ) -> "Log":
        """Opens the log in `folder`, which is made if need be, and starts its threads.

        `deliver` is called by the commit thread, once a group, with commits in the order of their appends; it
        should return at once. `segment_bytes` is 16 KiB to 64 MiB. `spare_segments` files at most are kept
        ready (0: none, and every segment grows as it is written). The first record gets a number of at least
        `next_seq_floor`, and always one above every number in the folder. `retry_s` is how soon a log that
        refuses is tried again while nobody appends.

        No damage to the folder's files stops an opening. A folder that can't be made or listed raises
        `LogFault`, a size or count outside its bounds `ValueError`.
        """
        if not MIN_SEGMENT_BYTES <= segment_bytes <= MAX_SEGMENT_BYTES:
            raise ValueError(f"expected {MIN_SEGMENT_BYTES} to {MAX_SEGMENT_BYTES}, got {segment_bytes} (segment_bytes)")
        if spare_segments < 0 or next_seq_floor < 1:
            raise ValueError(f"got {spare_segments} (spare_segments), {next_seq_floor} (next_seq_floor)")
        damage = DamageReport()
        try:
            if not folder.is_dir():
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                disk.sync_folder(folder.parent)
            found = survey(folder, disk, damage)
        except OSError as error:
            raise LogFault.of(error) from error
        segments = Segments(folder, disk, segment_bytes, spare_segments, found)
        return cls(
            folder,
            disk,
            segments,
            found,
            damage,
            deliver=deliver,
            next_seq=max(next_seq_floor, found.next_seq()),
            retry_s=retry_s,
        )

    @property
    def next_seq(self) -> int:
        """The number that the next stored record will get."""
        return self._next_seq

    @property
    def queued_bytes(self) -> int:
        """What waits or is being written, each record at its size in the file: its payload and 32 bytes."""
        return self._queued_bytes

    @property
    def fault(self) -> LogFault | None:
        """Why the last group was refused; None from the next success on, which may come without an append."""
        return self._fault

    @property
    def damage(self) -> DamageReport:
        """What the opening and the last replay found broken, as a copy."""
        return copy.copy(self._damage)

    def append(self, payload: bytes, tag: object = None) -> None:
        """Queues one record; `deliver` will be told its number, or why it was refused, together with `tag`.

        Raises `LogFault` once the log is closed, and `ValueError` for a payload above `MAX_PAYLOAD_BYTES`.
        """
        size = len(payload) + FRAME_BYTES
        if size > MAX_PAYLOAD_BYTES + FRAME_BYTES:
            raise ValueError(f"expected at most {MAX_PAYLOAD_BYTES} bytes, got {len(payload)} (payload)")
        with self._wake:
            if self._is_closed:
                raise LogFault("the log is closed")
            self._waiting.append((payload, tag))
            self._queued_bytes += size
            if self._is_idle:
                self._is_idle = False
                self._wake.notify()

    def replay(self, after_seq: int = 0) -> Iterator[Frame]:
        """The records that were in the folder when it was opened, numbered above `after_seq`, in order.

        Lazy, with one segment in memory at a time. Meant for the start, before the first `truncate_below`: it
        reads files that truncation may take away. Appends may already go on; they are not among its records.
        """
        reader = Replay(self._disk, self._folder, self._found.segments, self._damage, self._segments.suspects)
        return reader.frames(after_seq)

    def truncate_below(self, seq: int) -> int:
        """Lets go of the segments in which every record is numbered `seq` or less; answers how many there
        were.

        To be called only when those records are durable elsewhere. The segment that is being written stays.
        The files become spares or are deleted; one that can't be is tried again by the next call.
        """
        return self._segments.truncate(seq)

    def renew(self) -> None:
        """From now on, records are written into new files, and no file of before is used again.

        What was stored up to now is gone from the folder once `truncate_below` has been called for all of it and `outdated` is empty.
        Waits for the commit thread; not to be called from within `deliver`. Raises `LogFault`; then nothing has changed for appends.
        """
        renewal = _Renewal()
        with self._wake:
            if self._is_closed:
                raise LogFault("the log is closed")
            self._renewals.append(renewal)
            self._is_idle = False
            self._wake.notify()
        renewal.is_done.wait()
        if renewal.fault is not None:
            raise renewal.fault

    def outdated(self) -> list[Path]:
        """The files of before the last `renew` that are still there: not covered yet, damaged, or such as can't be deleted now.

        [] as well where the log was never renewed since it was opened. Raises `LogFault`.
        """
        try:
            return self._segments.outdated()
        except OSError as error:
            raise LogFault.of(error) from error

    def close(self) -> None:
        """Commits what waits, stops the threads and closes the files. Again, or from several threads: no
        harm.

        Not to be called from within `deliver`.
        """
        with self._wake:
            self._is_closed = True
            self._wake.notify()
        self._thread.join()
        self._segments.close()

    def _run(self) -> None:
        while True:
            with self._wake:
                if not (self._waiting or self._renewals or self._is_closed):
                    self._is_idle = True
                    self._wake.wait(self._retry_s if self._fault is not None else None)
                    self._is_idle = False
                records, self._waiting = self._waiting, []
                renewals, self._renewals = self._renewals, []
                is_closed = self._is_closed
            if records:
                self._commit_all(records)
            if renewals:
                self._renew(renewals)
            elif records:
                continue
            elif is_closed:
                return
            elif self._fault is not None:
                self._probe()

    def _renew(self, renewals: list[_Renewal]) -> None:
        fault: LogFault | None = LogFault("the log came to its end")
        try:
            self._segments.renew(self._next_seq)
            self._recover()
            fault = None
        except Exception as error:
            fault = self._refuse(error)
        finally:  # whatever it was, somebody waits
            for renewal in renewals:
                renewal.fault = fault
                renewal.is_done.set()

    def _commit_all(self, records: list[tuple[bytes, object]]) -> None:
        at = 0
        while at < len(records):
            at += self._commit_some(records, at)

    def _commit_some(self, records: list[tuple[bytes, object]], at: int) -> int:
        """Settles as many records from `at` on as fit one group and one segment; answers how many."""
        segment, room, fault = None, _GROUP_BYTES, None
        try:
            segment = self._segments.writable(len(records[at][0]) + FRAME_BYTES)
            room = min(room, segment.room)
        except Exception as error:  # whatever it was, somebody waits for these records' fate
            fault = self._refuse(error)
        group, size = _cut(records, at, room)
        if segment is not None:
            try:
                segment.write(self._next_seq, [payload for payload, _ in group])
            except Exception as error:
                self._segments.give_up()
                fault = self._refuse(error)
        if fault is None:
            commits = [Commit(seq, *record, None) for seq, record in enumerate(group, self._next_seq)]
            self._next_seq += len(group)
            self._recover()
        else:
            commits = [Commit(None, *record, fault) for record in group]
        with self._wake:
            self._queued_bytes -= size
        try:
            self._deliver(commits)
        except Exception:
            log.exception("deliver failed for a group of %d records", len(commits))
        return len(group)

    def _probe(self) -> None:
        """Tries the disk with a fresh, empty segment, so that a log nobody appends to finds its way back."""
        try:
            segment = self._segments.writable(FRAME_BYTES)
            try:
                segment.write(self._next_seq, [])
            except Exception:
                self._segments.give_up()
                raise
        except Exception as error:
            self._refuse(error)
        else:
            self._recover()

    def _refuse(self, error: Exception) -> LogFault:
        """Notes and answers why a write failed; logged once for as long as the kind of the error stays the
        same.
        """
        fault = LogFault.of(error)
        kind = error.errno if isinstance(error, OSError) else type(error)
        if self._fault is None or self._fault_kind != kind:
            log.error("%s", fault.reason, exc_info=None if isinstance(error, OSError) else error)
        self._fault, self._fault_kind = fault, kind
        return fault

    def _recover(self) -> None:
        if self._fault is not None:
            log.warning("the log can be written again")
            self._fault = None
            self._segments.recover()


def _cut(records: list[tuple[bytes, object]], at: int, room: int) -> tuple[list[tuple[bytes, object]], int]:
    """The records from `at` on that fit `room` bytes together, at least one, and the bytes they take."""
    size = len(records[at][0]) + FRAME_BYTES
    stop = at + 1
    while stop < len(records):
        more = len(records[stop][0]) + FRAME_BYTES
        if size + more > room:
            break
        size += more
        stop += 1
    return records[at:stop], size
