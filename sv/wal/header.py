"""The header of a segment: who it is, and where the one before it ends.

Answers for: the first 8 KiB of a segment, which hold the header twice, in blocks of their own, so that one
bad block costs nothing. Written together with the segment's first group of frames. Never does I/O.
"""

import zlib
from struct import Struct as Layout

from msgspec import Struct

_COPY_BYTES = 4096
HEADER_BYTES = 2 * _COPY_BYTES
"""Where frames begin."""

_MAGIC = b"sv-wal\r\n"
_VERSION = 1
# magic, version, number, salt, first seq, previous number, first number of the run, previous: end, last seq
_FIELDS = Layout("<8sIIQQIIQQ")
_CRC = Layout("<I")
_VERSION_FIELD = Layout("<8sI")


class Link(Struct, frozen=True):
    """What a segment says of the last one before it that holds acknowledged records.

    `end` is the offset behind its last acknowledged frame and `last_seq` that frame's number. All 0 for the
    first segment of a folder.
    """

    number: int = 0
    end: int = 0
    last_seq: int = 0


class Header(Struct, frozen=True):
    """A segment's number and salt, the number of its first record, and its link backwards.

    `run_first` is the lowest number that the process which wrote it gave to a segment: of numbers between
    `previous.number` and its own, the process vouches for those from `run_first` on that they hold nothing.
    """

    number: int
    salt: int
    first_seq: int
    previous: Link
    run_first: int

    def skips(self, number: int) -> bool:
        """Whether segment `number` was given up before anything in it was acknowledged."""
        return max(self.run_first, self.previous.number + 1) <= number < self.number


class HeaderBlock(Struct, frozen=True):
    """What the first 8 KiB of a file say. `header` is None unless a copy checks out.

    `is_blank`: nothing was ever written there, or it was wiped for reuse. `is_newer`: a format that this
    version does not know. `bad_copies`: 0 to 2, and 0 for a blank or newer one.
    """

    header: Header | None = None
    bad_copies: int = 0
    is_blank: bool = False
    is_newer: bool = False


def encode_header(header: Header) -> bytes:
    """The `HEADER_BYTES` that begin the segment."""
    link = header.previous
    fields = _FIELDS.pack(
        _MAGIC,
        _VERSION,
        header.number,
        header.salt,
        header.first_seq,
        link.number,
        header.run_first,
        link.end,
        link.last_seq,
    )
    return (fields + _CRC.pack(zlib.crc32(fields))).ljust(_COPY_BYTES, b"\0") * 2


def decode_header(block: bytes) -> HeaderBlock:
    """Reads the first `HEADER_BYTES` of a file, or as much of them as there is."""
    if not block.strip(b"\0"):
        return HeaderBlock(is_blank=True)
    copies = [block[:_COPY_BYTES], block[_COPY_BYTES:HEADER_BYTES]]
    headers = [header for copy in copies if (header := _decode_copy(copy)) is not None]
    if headers:
        return HeaderBlock(headers[0], bad_copies=2 - len(headers))
    versions = {_version(copy) for copy in copies}
    is_newer = len(versions) == 1 and versions.isdisjoint({None, _VERSION})
    return HeaderBlock(bad_copies=0 if is_newer else 2, is_newer=is_newer)


def _decode_copy(copy: bytes) -> Header | None:
    if len(copy) < _FIELDS.size + _CRC.size:
        return None
    fields = copy[: _FIELDS.size]
    magic, version, number, salt, first_seq, prev_number, run_first, prev_end, prev_last_seq = _FIELDS.unpack(fields)
    if magic != _MAGIC or version != _VERSION or _CRC.unpack_from(copy, _FIELDS.size)[0] != zlib.crc32(fields):
        return None
    return Header(number, salt, first_seq, Link(prev_number, prev_end, prev_last_seq), run_first)


def _version(copy: bytes) -> int | None:
    if len(copy) < _VERSION_FIELD.size:
        return None
    magic, version = _VERSION_FIELD.unpack_from(copy)
    return version if magic == _MAGIC else None
