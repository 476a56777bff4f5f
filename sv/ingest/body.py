"""Request bytes to JSON bytes: inflate within a bound."""

import re
import zlib
from collections.abc import Iterator
from typing import Final

from sv.model.errors import InvalidParameter, PayloadTooLarge, UnsupportedMedia
from sv.model.limits import KIB, MAX_BODY_BYTES

MAX_GZIP_MEMBERS: Final = 1000
"""Each costs as much as a small request. Clients make one; programs that append to a file make some."""

_GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS
_SLICE_BYTES: Final = 64 * KIB
_ZEROS: Final = re.compile(rb"\0+")


def inflate(data: bytes, encoding: str) -> bytes:
    """Undo `Content-Encoding`. The bound is counted while inflating, so that a bomb costs no more memory than the bound.

    encoding: the header's value, lower case; "" where absent.
    Raises UnsupportedMedia for an encoding other than gzip, InvalidParameter for bytes that are no gzip or end too early,
    PayloadTooLarge beyond MAX_BODY_BYTES.
    """
    if encoding in ("", "identity"):
        return data
    if encoding not in ("gzip", "x-gzip"):
        raise UnsupportedMedia(f"expected gzip or none, got {encoding[:40]!r} (Content-Encoding)")
    return b"".join(_members(data))


def _members(data: bytes) -> Iterator[bytes]:
    """What a gzip body holds, which may be several members, one behind the other, with zeros after them."""
    room = MAX_BODY_BYTES
    start = 0
    for _ in range(MAX_GZIP_MEMBERS):
        member = zlib.decompressobj(_GZIP_WINDOW)
        while not member.eof:
            if start >= len(data):
                raise InvalidParameter("the gzip body ends too early (body)")
            # SCAR: fed in slices, since what is left behind a member's end is copied: with the whole body each time, a
            # body of a million empty members kept the server busy for an hour.
            piece = data[start : start + _SLICE_BYTES]
            start += len(piece)
            try:
                part = member.decompress(piece, room + 1)
            except zlib.error as error:
                raise InvalidParameter(f"the body is no valid gzip: {error} (body)") from None
            room -= len(part)
            if room < 0:
                raise PayloadTooLarge(f"expected at most {MAX_BODY_BYTES} bytes once inflated, got more (body)")
            yield part
        start -= len(member.unused_data)
        zeros = _ZEROS.match(data, start)
        start = zeros.end() if zeros else start
        if start >= len(data):
            return
    raise InvalidParameter(f"expected at most {MAX_GZIP_MEMBERS} gzip members, got more (body)")
