"""The segment that is being written.

Answers for: one group in one vectored write and one sync, and for knowing how much of the file is
acknowledged. Used by the commit thread alone. Never survives an error: after one, the file is closed and no
byte of it is synced again.
"""

from collections.abc import Sequence
from pathlib import Path

from sv.wal.disk import Disk, write_all
from sv.wal.frame import END, Framer
from sv.wal.header import HEADER_BYTES, Header, Link, encode_header


class Segment:
    """An open segment file. `end` is the offset behind the last frame that is on disk.

    `is_growing`: the file's blocks were not written before, so every sync has to wait for the file system's
    journal.
    `holds_records`: its first group, and with it its header, is on disk.
    """

    __slots__ = (
        "_capacity",
        "_disk",
        "_fd",
        "_framer",
        "_previous",
        "_run_first",
        "end",
        "holds_records",
        "is_growing",
        "last_seq",
        "number",
        "path",
    )

    def __init__(
        self,
        disk: Disk,
        fd: int,
        path: Path,
        number: int,
        *,
        capacity: int,
        is_growing: bool,
        previous: Link,
        run_first: int,
    ) -> None:
        self._disk = disk
        self._fd = fd
        self._capacity = capacity
        self._framer = Framer(number, disk.salt())
        self._previous = previous
        self._run_first = run_first
        self.path = path
        self.number = number
        self.is_growing = is_growing
        self.end = HEADER_BYTES
        self.last_seq = 0
        self.holds_records = False

    @property
    def room(self) -> int:
        """Bytes that frames may still take."""
        return self._capacity - self.end - len(END)

    def write(self, first_seq: int, payloads: Sequence[bytes]) -> None:
        """Stores records numbered from `first_seq`; they are on disk when this returns.

        The caller has seen to it that they fit. No payloads at all is how a segment is tried out: its header
        alone is stored. Raises `OSError`; the segment must then be closed, and nothing of this group counts
        as stored.
        """
        # INVARIANT WAL-1: a record is acknowledged only after a sync that succeeded, in a file in which no
        # write and no sync ever failed, under a name that was on disk before. After a failed sync the kernel
        # may drop the pages and call the next sync a success, so a second try in the same file would prove
        # nothing.
        buffers = self._framer.encode(first_seq, payloads)
        size = sum(map(len, buffers))
        buffers.append(END)
        start = self.end
        if not self.holds_records:
            header = Header(self.number, self._framer.salt, first_seq, self._previous, self._run_first)
            buffers.insert(0, encode_header(header))
            start = 0
        write_all(self._disk, self._fd, buffers, start)
        self._disk.sync_data(self._fd)
        self.end += size
        self.last_seq = first_seq + len(payloads) - 1
        self.holds_records = True

    def link(self) -> Link:
        """What the next segment has to say of this one."""
        return Link(self.number, self.end, self.last_seq)

    def close(self) -> None:
        """Gives the descriptor back. Everything acknowledged is on disk already."""
        self._disk.close(self._fd)
