"""Reading the log back: every whole record, in order, whatever happened to the files.

Answers for: what counts as a record, which damage is reported, and that damaged bytes are copied aside before
anything could remove them. Assumes a survey of the folder. Holds one segment in memory at a time. Never
raises for what the files hold, and changes nothing but `aside/` and the damage report.

A group of records whose write failed, or that a crash cut short, was acknowledged to nobody; once a later
segment is on disk none of it is ever replayed. Before that, its whole frames may be: a reader can't know what
a caller was told. Callers tell doubles by what the payloads say.
"""

import logging
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from sv.wal.damage import DamageReport, set_aside
from sv.wal.disk import Disk
from sv.wal.folder import MAX_SEGMENT_BYTES, Found, read_segment
from sv.wal.frame import FRAME_BYTES, Gap
from sv.wal.header import HEADER_BYTES

log = logging.getLogger(__name__)


class Frame(Struct, frozen=True):
    """One record as it was appended, with the number it was committed under."""

    seq: int
    payload: bytes


class Replay:
    """One pass over the segments that an opening found.

    `suspects` collects the paths of segments in which damage was found, with whether all of it is safe aside.
    """

    def __init__(
        self,
        disk: Disk,
        folder: Path,
        segments: list[Found],
        damage: DamageReport,
        suspects: dict[Path, bool],
    ) -> None:
        self._disk = disk
        self._folder = folder
        self._segments = segments
        self._damage = damage
        self._suspects = suspects
        self._expected = 1

    def frames(self, after_seq: int) -> Iterator[Frame]:
        """Every whole record numbered above `after_seq`, numbers strictly rising."""
        self._damage.restart_replay()
        self._expected = after_seq + 1
        for found in self._segments:
            if found.header is not None:
                self._expect(found.header.previous.last_seq + 1, found.path)
                if found.is_sealed and found.last_seq <= after_seq:
                    continue
                # Numbers between the two were never given: the folder was opened with a floor above them.
                self._expected = max(self._expected, found.first_seq)
            yield from self._segment(found)

    def _segment(self, found: Found) -> Iterator[Frame]:
        try:
            data, bad_bytes = read_segment(self._disk, found.path, MAX_SEGMENT_BYTES)
        except OSError as error:
            self._suspects[found.path] = False
            self._damage.unreadable_bytes += found.size
            log.error("%s can't be read: %s", found.path, error)
            return
        if bad_bytes:
            self._suspects[found.path] = False
            self._damage.unreadable_bytes += bad_bytes
            log.error("the disk can't read %d bytes of %s", bad_bytes, found.path)
        if found.header is None:
            self._keep(found, 0, data[:HEADER_BYTES])
        for piece in found.framer.scan(data, HEADER_BYTES, min(found.limit, len(data))):
            if isinstance(piece, Gap):
                self._gap(found, data, piece)
            elif piece.seq < self._expected or piece.seq >= found.before_seq:
                continue  # at or below `after_seq`, or written again in a later segment
            else:
                self._expect(piece.seq, found.path)
                self._expected = piece.seq + 1
                yield Frame(piece.seq, data[piece.start : piece.stop])

    def _gap(self, found: Found, data: bytes, gap: Gap) -> None:
        """Judges bytes that are no frame: a clean end, a torn tail, or damage."""
        size = gap.stop - gap.start
        if not gap.is_tail or found.is_sealed:
            self._damage.damaged_ranges += 1
            self._damage.damaged_bytes += size
            log.error("%d bytes of %s are damaged, from offset %d", size, found.path, gap.start)
        elif not data[gap.start : gap.start + FRAME_BYTES].strip(b"\0"):
            return
        else:
            size = len(data[gap.start : gap.stop].rstrip(b"\0"))
            self._damage.torn_tails += 1
            self._damage.torn_bytes += size
            log.warning("%s ends in a torn write, at offset %d", found.path, gap.start)
        self._keep(found, gap.start, data[gap.start : gap.stop])

    def _keep(self, found: Found, start: int, data: bytes) -> None:
        is_safe = set_aside(self._disk, self._folder, found.path.name, start, data)
        self._suspects[found.path] = is_safe and self._suspects.get(found.path, True)

    def _expect(self, seq: int, path: Path) -> None:
        """Counts the acknowledged records that should have come before `seq` and did not."""
        missing = seq - self._expected
        if missing > 0:
            self._damage.missing_records += missing
            log.error("records %d to %d are not in the log (noticed at %s)", self._expected, seq - 1, path)
            self._expected = seq
