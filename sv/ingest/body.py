"""Request bytes to JSON bytes: inflate within a bound, and repair what would cost a whole batch for one character.

Repairs (API.md, "Ingest"): bytes that are no UTF-8, an escaped NUL, and an escaped lone surrogate each become U+FFFD. All
other faults of the JSON are left for the decoder to name.
"""

import re
import zlib
from typing import Final

from sv.model.errors import InvalidParameter, PayloadTooLarge, UnsupportedMedia
from sv.model.limits import MAX_BODY_BYTES

_GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS
_SUSPECT_ESCAPE: Final = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_ESCAPE: Final = re.compile(rb"\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|.)", re.DOTALL)
_REPLACEMENT: Final = b"\\ufffd"


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
    parts: list[bytes] = []
    size = 0
    rest = data
    while rest:  # a gzip body may be several members, one behind the other
        member = zlib.decompressobj(_GZIP_WINDOW)
        try:
            part = member.decompress(rest, MAX_BODY_BYTES - size + 1)
        except zlib.error as error:
            raise InvalidParameter(f"the body is no valid gzip: {error} (body)") from None
        size += len(part)
        if size > MAX_BODY_BYTES:
            raise PayloadTooLarge(f"expected at most {MAX_BODY_BYTES} bytes once inflated, got more (body)")
        if not member.eof:
            raise InvalidParameter("the gzip body ends too early (body)")
        parts.append(part)
        rest = member.unused_data.lstrip(b"\0")
    return b"".join(parts)


def repair(body: bytes) -> bytes:
    """The same JSON in valid UTF-8, with each NUL and each lone surrogate as U+FFFD.

    The usual body is pure ASCII without such escapes and comes back as it is, after two scans at the speed of memory.
    """
    if not body.isascii():
        try:
            body.decode("utf-8")
        except UnicodeDecodeError:
            body = body.decode("utf-8", "replace").encode()
        if body.startswith(b"\xef\xbb\xbf"):
            body = body[3:]
    if b"\\" in body and _SUSPECT_ESCAPE.search(body):
        body = _ESCAPE.sub(_repaired_escape, body)
    return body


def _repaired_escape(match: re.Match[bytes]) -> bytes:
    unit: bytes | None = match[3]
    if unit is None:  # a surrogate pair, or an escape of one character
        return match[0]
    value = int(unit, 16)
    return _REPLACEMENT if value == 0 or 0xD800 <= value <= 0xDFFF else match[0]
