"""JSON bytes to canonical events, all at once. Each event stands alone: a bad one is rejected with its place and a reason, the others stay.

The whole request is decoded at once, what a type can't say is checked in one loop, and the events are encoded again, which makes them
canonical (`sv.model.batch`). Whatever that decoder refuses goes event by event (`one_by_one`), so the two can differ in speed alone: they
share `sv.ingest.events`.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Struct

from sv.ingest.events import Decoded, Dropped, Rejection, ShallowEvent, WireEvent, check, check_event_count, too_large
from sv.ingest.one_by_one import decode_slowly
from sv.model.json_repair import may_have_nan
from sv.model.limits import KIB, MAX_PROPERTIES_BYTES
from sv.model.validate import not_json


class _Request(Struct):
    projectToken: str  # noqa: N815 - the wire's name
    events: list[WireEvent]


class _ShallowRequest(_Request):
    events: list[ShallowEvent]  # pyright: ignore[reportIncompatibleVariableOverride] - nobody writes to it


MAX_QUICK_VALUES: Final = 250_000
"""Of a body, about, that are decoded at once: some 20 ms in which nobody else has Python's lock. Requests of clients have a tenth of it."""

_OPENING_WEIGHT: Final = 4
"""How many plain values a list or an object costs, which are objects of Python's where small numbers aren't."""

LARGE_BODY_BYTES: Final = 256 * KIB
"""A smaller body is decoded at once, whatever is in it: to look into each first would cost a fifth of that, and the worst takes 50 ms."""

_shallow_decoder = msgspec.json.Decoder(_ShallowRequest)
_request_decoder = msgspec.json.Decoder(_Request)
_encoder = msgspec.json.Encoder()


def decode(body: bytes, now_ms: int) -> Decoded:
    """Decode one request.

    Raises InvalidParameter for bytes that are not JSON, ValidationFailed for JSON that is no request, PayloadTooLarge
    for more than MAX_EVENTS_PER_REQUEST events. Events of a wrong shape are rejections, not errors.
    """
    return decode_quickly(body, now_ms) or decode_slowly(body, now_ms)


def is_dense(body: bytes) -> bool:
    """Whether a body has so many values that it is better decoded event by event, whatever these are."""
    if len(body) <= LARGE_BODY_BYTES:
        return False
    return body.count(b",") + _OPENING_WEIGHT * (body.count(b"[") + body.count(b"{")) > MAX_QUICK_VALUES


def decode_quickly(body: bytes, now_ms: int) -> Decoded | None:
    """As `decode`, all at once; None for a request with an event that it takes `decode_slowly` to sort out."""
    may_be_deep = False
    try:
        try:
            request: _Request = _shallow_decoder.decode(body)
        except msgspec.ValidationError:
            request = _request_decoder.decode(body)
            may_be_deep = True
    except (msgspec.ValidationError, RecursionError):
        return None
    except msgspec.DecodeError as error:
        if may_have_nan(body):
            return None
        raise not_json(body, error) from None
    check_event_count(len(request.events))
    return judged(request.projectToken, request.events, now_ms, len(body), may_be_deep=may_be_deep)


def judged(token: str, events: Sequence[WireEvent], now_ms: int, size: int, *, may_be_deep: bool = False) -> Decoded:
    """Checks decoded events for what types can't say, and changes them in place. size: of the body, in bytes. may_be_deep: they were not
    decoded as ShallowEvents, so their depth has to be checked."""
    kept: list[WireEvent] = []
    rejections: list[Rejection] = []
    is_dated = True
    for index, event in enumerate(events):
        try:
            is_dated = check(event, now_ms, may_be_deep) and is_dated
            kept.append(event)
        except Dropped as drop:
            rejections.append(Rejection(index, drop.code, drop.message))
    return _encoded(token, kept, list(range(len(events))), rejections, is_dated, size)


def _encoded(
    token: str, kept: list[WireEvent], places: list[int], rejections: list[Rejection], is_dated: bool, body_bytes: int
) -> Decoded:
    """Encode the kept events; those whose properties turn out too large are rejected here."""
    lines = _encoder.encode_lines(kept)
    if body_bytes <= MAX_PROPERTIES_BYTES or not _has_long_line(lines):
        return Decoded(token, len(kept), tuple(rejections), b"[" + lines[:-1].replace(b"\n", b",") + b"]", is_dated)
    rejected = {rejection.index for rejection in rejections}
    places = [place for place in places if place not in rejected]
    encoded: list[bytes] = []
    for place, event, text in zip(places, kept, lines.split(b"\n")[:-1], strict=True):
        if len(text) > MAX_PROPERTIES_BYTES and len(_encoder.encode(event.properties)) > MAX_PROPERTIES_BYTES:
            drop = too_large()
            rejections.append(Rejection(place, drop.code, drop.message))
            continue
        encoded.append(text)
    rejections.sort(key=lambda rejection: rejection.index)
    return Decoded(token, len(encoded), tuple(rejections), b"[" + b",".join(encoded) + b"]", is_dated)


def _has_long_line(lines: bytes) -> bool:
    """Whether a line has more than MAX_PROPERTIES_BYTES. Each ends with a line feed, and JSON has none within."""
    start = 0
    while start < len(lines):
        end = lines.rfind(b"\n", start, start + MAX_PROPERTIES_BYTES + 1)
        if end < 0:
            return True
        start = end + 1
    return False
