"""Frames: how one record lies in a segment, how it is checked, and how a scan finds its way behind damage.

    offset  size
    0       4     magic "SVWF"
    4       4     number of the segment
    8       8     salt of the segment            (these first 16 bytes are the segment's mark)
    16      8     sequence number of the record
    24      4     length of the payload, bytes
    28      4     CRC-32 of everything else: mark, sequence number, length, payload
    32      ...   payload

Little-endian, one frame directly behind the other, closed by 32 zero bytes which the next write covers.
Assumes a segment's bytes in memory. Never does I/O and never raises for what it finds in them: any bytes are
legal input.
"""

import zlib
from collections.abc import Iterator, Sequence
from struct import Struct as Layout
from typing import NamedTuple

FRAME_BYTES = 32
"""What a record takes beside its payload."""

MAX_PAYLOAD_BYTES = 64 * 1024 * 1024
"""Far above any request body; it bounds what one record may claim of memory when a log is read."""

END = bytes(FRAME_BYTES)
"""Follows the last frame, to tell a clean end from a torn one in a recycled file full of old frames."""

_MAGIC = b"SVWF"
_LEAD = Layout("<4sI")
_MARK = Layout("<4sIQ")
_RECORD = Layout("<QI")
_HEAD = Layout("<16sQII")
_MARK_BYTES = _MARK.size


class Whole(NamedTuple):
    """A frame that checks out; its payload is `buffer[start:stop]`."""

    seq: int
    start: int
    stop: int


class Gap(NamedTuple):
    """Bytes `start` to `stop` that are no frame of the segment; `is_tail` where no whole frame follows."""

    start: int
    stop: int
    is_tail: bool


class Framer:
    """Writes and reads the frames of one segment, known by its number and salt."""

    # INVARIANT WAL-2: a frame counts only in the segment whose number and salt it carries. A number that
    # a record was acknowledged under is never given again, and every opening draws a new salt, so frames that
    # a recycled file still holds from its former lives never count, and a payload, which may be an
    # attacker's, can't hold a frame that a scan would take for a real one: the salt is never told to anybody.

    __slots__ = ("_mark", "_mark_crc", "number", "salt")

    def __init__(self, number: int, salt: int) -> None:
        self.number = number
        self.salt = salt
        self._mark = _MARK.pack(_MAGIC, number, salt)
        self._mark_crc = zlib.crc32(self._mark)

    def encode(self, first_seq: int, payloads: Sequence[bytes]) -> list[bytes]:
        """The buffers to write, heads and payloads in turn, for records numbered from `first_seq`."""
        mark, mark_crc, crc32 = self._mark, self._mark_crc, zlib.crc32
        buffers: list[bytes] = []
        for seq, payload in enumerate(payloads, first_seq):
            size = len(payload)
            crc = crc32(payload, crc32(_RECORD.pack(seq, size), mark_crc))
            buffers.append(_HEAD.pack(mark, seq, size, crc))
            buffers.append(payload)
        return buffers

    def at(self, buffer: memoryview, start: int, end: int) -> Whole | None:
        """The frame that begins at `start` and ends at or before `end`, if there is a whole one."""
        body = start + FRAME_BYTES
        if body > end:
            return None
        mark, seq, size, crc = _HEAD.unpack_from(buffer, start)
        if mark != self._mark or size > MAX_PAYLOAD_BYTES or body + size > end:
            return None
        if crc != zlib.crc32(buffer[body : body + size], zlib.crc32(_RECORD.pack(seq, size), self._mark_crc)):
            return None
        return Whole(seq, body, body + size)

    def scan(self, data: bytes, start: int, end: int) -> Iterator[Whole | Gap]:
        """Everything between `start` and `end` in file order: whole frames, and the gaps between and behind
        them.

        Behind a bad frame it goes on at the next place where the segment's mark stands and a whole frame
        follows, so damage costs only what it touches. The tail is a gap too, unless a frame ends exactly at
        `end`.
        """
        view = memoryview(data)
        at = start
        while at < end:
            frame = self.at(view, at, end)
            if frame is None:
                behind = self._next_whole(data, view, at + 1, end)
                stop = end if behind is None else behind.start - FRAME_BYTES
                yield Gap(at, stop, behind is None)
                if behind is None:
                    return
                frame = behind
            yield frame
            at = frame.stop

    def _next_whole(self, data: bytes, view: memoryview, start: int, end: int) -> Whole | None:
        at = data.find(self._mark, start, end)
        while at >= 0:
            frame = self.at(view, at, end)
            if frame is not None:
                return frame
            at = data.find(self._mark, at + _MARK_BYTES, end)
        return None


def find_framer(data: bytes, number: int, start: int) -> Framer | None:
    """The framer of segment `number` from its frames alone, for a segment whose header is lost.

    The first whole frame with the right number gives the salt. None where there is no such frame, or where
    finding one would mean checksumming more than four times the data: a payload could be made of nothing but
    false starts.
    """
    lead = _LEAD.pack(_MAGIC, number)
    view = memoryview(data)
    budget = 4 * len(data)
    at = data.find(lead, start)
    while 0 <= at <= len(data) - FRAME_BYTES and budget > 0:
        mark, _, size, _ = _HEAD.unpack_from(data, at)
        framer = Framer(number, _MARK.unpack(mark)[2])
        if framer.at(view, at, len(data)) is not None:
            return framer
        budget -= min(size, len(data) - at) + FRAME_BYTES
        at = data.find(lead, at + 1)
    return None
