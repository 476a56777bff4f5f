"""Repairs JSON that a decoder would refuse as a whole for one bad character: in events, and in questions, so that what a client sent can be
asked for by the same text.

Repairs (docs/api.md, "Fields"): bytes that are not UTF-8, NULs and escaped lone surrogates each become U+FFFD; `NaN` and the infinities, as
Python's encoder writes them, become null. All other faults of the JSON are left for the decoder to name.
"""

import re
from typing import Final

from sv.model.ingest_limits import MAX_NAN_BYTES
from sv.model.limits import MAX_LOOP_REPAIR_BYTES

_SUSPECT_ESCAPE: Final = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_ESCAPE: Final = re.compile(rb"\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|.)", re.DOTALL)
_REPLACEMENT: Final = b"\\ufffd"
_NAN_WORDS: Final = (b"-Infinity", b"Infinity", b"NaN")
_BACKSLASH: Final = ord("\\")


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
        body = _with_escapes_repaired(body)
    return body


def _with_escapes_repaired(body: bytes) -> bytes:
    """SCAR: put together piece by piece. All pieces at once, as `sub` has them, took a gigabyte for 64 MiB of escapes."""
    repaired = bytearray()
    copied_to = 0
    for match in _ESCAPE.finditer(body):
        unit: bytes | None = match[3]
        if unit is None:  # a surrogate pair, or an escape of one character
            continue
        value = int(unit, 16)
        if value == 0 or 0xD800 <= value <= 0xDFFF:
            repaired += body[copied_to : match.start()]
            repaired += _REPLACEMENT
            copied_to = match.end()
    repaired += memoryview(body)[copied_to:]
    return bytes(repaired)


def may_have_nan(body: bytes) -> bool:
    """Whether `null_for_nan` may change the body: it has one of the words, and isn't too large to be looked at."""
    return len(body) <= MAX_NAN_BYTES and (b"NaN" in body or b"Infinity" in body)


def null_for_nan(body: bytes) -> bytes:
    """The same body with `NaN`, `Infinity` and `-Infinity` as null, as browsers write them. Texts stay as they are.

    JSON has no such words, but Python's encoder writes them unless told otherwise, and the Python client doesn't tell it. This goes from
    text to text, so it belongs on a thread.
    """
    if not may_have_nan(body):
        return body
    made = bytearray()
    at = 0
    while True:
        start = body.find(b'"', at)
        made += null_for_nan_anywhere(body[at:start] if start >= 0 else body[at:])
        if start < 0:
            return bytes(made)
        at = _end_of_text(body, start + 1)
        made += body[start:at]


def null_for_nan_anywhere(body: bytes) -> bytes:
    """As `null_for_nan`, but within texts too, at the speed of memory. For a body whose texts don't matter."""
    for word in _NAN_WORDS:
        body = body.replace(word, b"null")
    return body


def _end_of_text(body: bytes, at: int) -> int:
    """Behind the quote that ends the text whose first character is at `at`, or behind the body's end."""
    while (end := body.find(b'"', at)) >= 0:
        before = end
        while before > at and body[before - 1] == _BACKSLASH:
            before -= 1
        at = end + 1
        if (end - before) % 2 == 0:
            return at
    return len(body)
