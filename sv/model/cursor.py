"""The place in a newest-first list after which its next page begins.

Answers for the text of `next_cursor`: base64url, without padding, of JSON whose first key is `ts`, as in
`{"ts":1738324800123,"id":"0194bcbf-…"}`. Assumes that items are ordered by (ts, id), descending, which
makes the cursor a key into the list and not a count of what went before. Holds nothing secret and grants
nothing: who makes one up sees the same list from another place. Never trusts one: every reading ends in a
`Cursor` of bounded parts or in InvalidParameter.
"""

import base64
import re
from uuid import UUID

import msgspec
from msgspec import Struct

from sv.model import limits
from sv.model.errors import InvalidParameter
from sv.model.validate import show


class Cursor(Struct, frozen=True, forbid_unknown_fields=True):
    """The last item of a page: its time in Unix ms, and its id, which parts items of one millisecond."""

    ts: int
    id: str


_decoder = msgspec.json.Decoder(Cursor)
_encoder = msgspec.json.Encoder()
_ALPHABET = re.compile(r"[A-Za-z0-9_\-]+", re.ASCII)


def encode_cursor(cursor: Cursor) -> str:
    """The cursor's text for the wire. With an id of up to `MAX_ID_CHARS` characters it can be read again."""
    return base64.urlsafe_b64encode(_encoder.encode(cursor)).rstrip(b"=").decode("ascii")


def decode_cursor(text: object, *, field: str = "cursor", is_uuid: bool = True) -> Cursor:
    """What `encode_cursor` was given.

    is_uuid: whether the list's ids are UUIDs (events); elsewhere they are any text that an id can be.
    Errors: InvalidParameter, naming the field, for every text that `encode_cursor` does not write.
    """
    cursor = _read(text) if isinstance(text, str) else None
    # There is one text for each cursor: what differs from it by a blank, a key's order or a stray bit isn't
    # ours.
    if cursor is None or encode_cursor(cursor) != text or not _is_place(cursor, is_uuid):
        raise InvalidParameter(f"{field}: expected the next_cursor of a page before, got {show(text)}")
    return cursor


def decode_numbered_cursor(text: object, *, field: str = "cursor") -> int:
    """The id in the cursor of a list whose ids are whole numbers from 1 on. Errors as above."""
    number = _number(decode_cursor(text, field=field, is_uuid=False).id)
    if number is None:
        raise InvalidParameter(f"{field}: expected the next_cursor of a page before, got {show(text)}")
    return number


def decode_topped_cursor(text: object, *, field: str = "cursor") -> tuple[int, int | None]:
    """The same, and behind a dash, in some cursors, the newest id that the list had at page 1. Errors as above."""
    last, dash, first = decode_cursor(text, field=field, is_uuid=False).id.partition("-")
    number, top = _number(last), _number(first)
    if number is None or (dash and top is None):
        raise InvalidParameter(f"{field}: expected the next_cursor of a page before, got {show(text)}")
    return number, top


def _number(text: str) -> int | None:
    is_one = text.isascii() and text.isdigit() and text[0] != "0" and int(text) < 2**62
    return int(text) if is_one else None


def _read(text: str) -> Cursor | None:
    if len(text) > limits.MAX_CURSOR_CHARS or _ALPHABET.fullmatch(text) is None:
        return None
    try:
        return _decoder.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (
        ValueError,
        RecursionError,
    ):  # not base64; not UTF-8; not this JSON (msgspec's errors are ValueErrors)
        return None


def _is_place(cursor: Cursor, is_uuid: bool) -> bool:
    if not limits.MIN_TIMESTAMP_MS <= cursor.ts <= limits.MAX_TIMESTAMP_MS:
        return False
    if not is_uuid:
        return 1 <= len(cursor.id) <= limits.MAX_ID_CHARS
    try:
        return str(UUID(cursor.id)) == cursor.id
    except ValueError:
        return False
