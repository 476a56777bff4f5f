"""JSON with what would cost a whole request for one character put right: of events, and of questions, so that what a client sent can be
asked for by what it sent.

Repairs (docs/api.md, "Fields"): bytes that are no UTF-8, a NUL, and an escaped lone surrogate each become U+FFFD. All other faults of the
JSON are left for the decoder to name.
"""

import re
from typing import Final

from sv.model.limits import MAX_LOOP_REPAIR_BYTES

_SUSPECT_ESCAPE: Final = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_ESCAPE: Final = re.compile(rb"\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|.)", re.DOTALL)
_REPLACEMENT: Final = b"\\ufffd"


def is_slow_to_repair(body: bytes) -> bool:
    """Whether `repair` would take so long that it belongs on a thread."""
    return len(body) > MAX_LOOP_REPAIR_BYTES and b"\\" in body and _SUSPECT_ESCAPE.search(body) is not None


def repair(body: bytes) -> bytes:
    """The same JSON in valid UTF-8, with each NUL and each lone surrogate as U+FFFD.

    The usual body is pure ASCII without such escapes and comes back as it is, after three scans at the speed of memory.
    """
    if not body.isascii():
        try:
            body.decode("utf-8")
        except UnicodeDecodeError:
            body = body.decode("utf-8", "replace").encode()
        if body.startswith(b"\xef\xbb\xbf"):
            body = body[3:]
    if b"\0" in body:
        body = body.replace(b"\0", _REPLACEMENT)
    if b"\\" in body and _SUSPECT_ESCAPE.search(body):
        body = _ESCAPE.sub(_repaired_escape, body)
    return body


def _repaired_escape(match: re.Match[bytes]) -> bytes:
    unit: bytes | None = match[3]
    if unit is None:  # a surrogate pair, or an escape of one character
        return match[0]
    value = int(unit, 16)
    return _REPLACEMENT if value == 0 or 0xD800 <= value <= 0xDFFF else match[0]
