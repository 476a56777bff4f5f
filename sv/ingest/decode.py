"""JSON bytes to canonical events. Each event stands alone: a bad one is rejected with its place and a reason, the others stay.

The fast way decodes the whole request at once, checks what a type can't say in one loop, and encodes the events again, which
makes them canonical (`sv.model.batch`). Whatever that decoder refuses goes the slow way, event by event, so the two can differ in
speed alone: they share `_checked`.
"""

import contextlib
import enum
import itertools
import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from sv.ingest.depth import NESTED_OUTSIDE, TOO_DEEP, is_deeper_than, without_deep_events
from sv.model.calendar import show_moment
from sv.model.errors import InvalidParameter, PayloadTooLarge, ValidationFailed
from sv.model.limits import (
    MAX_DEPTH,
    MAX_EVENT_NAME_CHARS,
    MAX_EVENTS_PER_REQUEST,
    MAX_FUTURE_MS,
    MAX_GROUP_CHARS,
    MAX_GROUPS,
    MAX_ID_CHARS,
    MAX_PROPERTIES_BYTES,
    MAX_SHOWN_CHARS,
)
from sv.model.validate import not_json, show

_Name = Annotated[str, Meta(min_length=1, max_length=MAX_EVENT_NAME_CHARS)]
_Id = Annotated[str, Meta(min_length=1, max_length=MAX_ID_CHARS)]
_OptionalId = Annotated[str, Meta(max_length=MAX_ID_CHARS)]
_Group = Annotated[str, Meta(max_length=MAX_GROUP_CHARS)]
_Groups = Annotated[list[_Group], Meta(max_length=MAX_GROUPS)]


class DropReason(enum.StrEnum):
    """Why an event was rejected: a closed list, the `code` of an entry of `errors` and a label of the counters."""

    WRONG_TYPE = "WRONG_TYPE"
    INVALID_ID = "INVALID_ID"
    MISSING_IDENTITY = "MISSING_IDENTITY"
    INVALID_EVENT_NAME = "INVALID_EVENT_NAME"
    INVALID_TIMESTAMP = "INVALID_TIMESTAMP"
    TIMESTAMP_IN_FUTURE = "TIMESTAMP_IN_FUTURE"
    INVALID_EVENT_ID = "INVALID_EVENT_ID"
    PROPERTIES_TOO_LARGE = "PROPERTIES_TOO_LARGE"
    NESTED_TOO_DEEP = "NESTED_TOO_DEEP"


class Rejection(Struct, frozen=True):
    """One rejected event: its place in the request, counted from 0, and why."""

    index: int
    code: DropReason
    message: str


class WireEvent(Struct, omit_defaults=True, gc=False):
    """An event as clients send it, and as the log holds it once `timestamp` is in milliseconds."""

    event: _Name
    timestamp: int | float | str | None = None
    properties: dict[str, Any] | None = None
    anonymousId: _Id | None = None  # noqa: N815 - the wire's name
    userId: _Id | None = None  # noqa: N815
    sessionId: _OptionalId | None = None  # noqa: N815
    groups: _Groups | None = None
    eventId: str | None = None  # noqa: N815


class _Request(Struct):
    projectToken: str  # noqa: N815
    events: list[WireEvent]


_Scalar = str | int | float | bool | None
_Shallow1 = _Scalar | list[_Scalar] | dict[str, _Scalar]
_Shallow2 = _Scalar | list[_Shallow1] | dict[str, _Shallow1]
_Shallow3 = _Scalar | list[_Shallow2] | dict[str, _Shallow2]
_Shallow4 = _Scalar | list[_Shallow3] | dict[str, _Shallow3]
ShallowProperties = dict[str, _Scalar | list[_Shallow4] | dict[str, _Shallow4]]


class ShallowEvent(WireEvent, omit_defaults=True, gc=False):
    """An event whose properties nest six deep at most, as nearly all do: its type says that they are not too deep."""

    properties: ShallowProperties | None = None


class _ShallowRequest(_Request):
    events: list[ShallowEvent]  # pyright: ignore[reportIncompatibleVariableOverride] - nobody writes to it


_ABSENT: Final = msgspec.Raw()


class _LooseRequest(Struct):
    # SCAR: not `Raw | None`, which the decoder takes to mean null and nothing else.
    projectToken: msgspec.Raw = _ABSENT  # noqa: N815
    events: msgspec.Raw = _ABSENT


class Decoded(Struct, frozen=True):
    """A request that was understood.

    events_json: the accepted events as a canonical JSON array.
    is_dated: every event of the request carried a timestamp of its own (only such a body can be known as a retry).
    """

    project_token: str
    accepted: int
    rejections: tuple[Rejection, ...]
    events_json: bytes
    is_dated: bool


class _Dropped(Exception):
    """Inside this module: an event that must be rejected."""

    def __init__(self, code: DropReason, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


_EXPECTED: Final = {
    "event": (DropReason.INVALID_EVENT_NAME, f"a string of 1 to {MAX_EVENT_NAME_CHARS} characters"),
    "timestamp": (DropReason.INVALID_TIMESTAMP, "Unix milliseconds or ISO 8601"),
    "properties": (DropReason.WRONG_TYPE, "an object of numbers that a double can hold, and other JSON"),
    "anonymousId": (DropReason.INVALID_ID, f"a string of 1 to {MAX_ID_CHARS} characters"),
    "userId": (DropReason.INVALID_ID, f"a string of 1 to {MAX_ID_CHARS} characters"),
    "sessionId": (DropReason.INVALID_ID, f"a string of at most {MAX_ID_CHARS} characters"),
    "groups": (DropReason.WRONG_TYPE, f"a list of at most {MAX_GROUPS} strings of at most {MAX_GROUP_CHARS} characters"),
    "eventId": (DropReason.INVALID_EVENT_ID, "a UUID"),
}
"""What each field of an event must be, and the code of one that isn't."""

_FIELD: Final = re.compile(r"\$\.(\w+)|required field `(\w+)`")
"""The field of an event in a message of the decoder."""


def _unexpected(field: str, value: object) -> _Dropped:
    code, expected = _EXPECTED[field]
    return _Dropped(code, f"expected {expected}, got {show(value)} ({field})")


def _too_deep() -> _Dropped:
    return _Dropped(DropReason.NESTED_TOO_DEEP, f"expected at most {MAX_DEPTH} levels, got more (properties)")


_PROJECT_TOKEN: Final = re.compile(rb'"projectToken"\s*:\s*"([A-Za-z0-9_-]{1,200})"')
"""Where a glance finds the project token; whoever writes it otherwise is decoded first and refused later."""

MAX_GLANCED_TOKENS: Final = 10

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = datetime(1970, 1, 1, 0, 0, 0, 1000) - datetime(1970, 1, 1)

_shallow_decoder = msgspec.json.Decoder(_ShallowRequest)
_request_decoder = msgspec.json.Decoder(_Request)
_loose_decoder = msgspec.json.Decoder(_LooseRequest)
_raw_list_decoder = msgspec.json.Decoder(list[msgspec.Raw])
_members_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
_event_decoder = msgspec.json.Decoder(WireEvent)
_encoder = msgspec.json.Encoder()


def decode(body: bytes, now_ms: int) -> Decoded:
    """Decode one request.

    Raises InvalidParameter for bytes that are not JSON, ValidationFailed for JSON that is no request, PayloadTooLarge
    for more than MAX_EVENTS_PER_REQUEST events. Events of a wrong shape are rejections, not errors.
    """
    return decode_quickly(body, now_ms) or decode_slowly(body, now_ms)


def decode_slowly(body: bytes, now_ms: int) -> Decoded:
    """As `decode`, event by event. Takes up to a second for ten hostile megabytes, so the event loop leaves it to a thread."""
    try:
        _loose_decoder.decode(body)
    except RecursionError:
        return _decode_one_by_one(without_deep_events(body), now_ms)
    except msgspec.DecodeError:
        pass  # `_decode_one_by_one` says what is wrong
    return _decode_one_by_one(body, now_ms)


def tokens_of(body: bytes) -> set[str]:
    """Project tokens that a glance finds in a body that isn't decoded yet: maybe none, maybe others than the one that counts."""
    return {found[1].decode("ascii") for found in itertools.islice(_PROJECT_TOKEN.finditer(body), MAX_GLANCED_TOKENS)}


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
        raise not_json(body, error) from None
    _check_event_count(len(request.events))
    return judged(request.projectToken, request.events, now_ms, len(body), may_be_deep=may_be_deep)


def judged(token: str, events: Sequence[WireEvent], now_ms: int, size: int, *, may_be_deep: bool = False) -> Decoded:
    """Decoded events by what types can't say. size: in bytes, as they came. Changes the events. may_be_deep: they are no ShallowEvents."""
    kept: list[WireEvent] = []
    rejections: list[Rejection] = []
    is_dated = True
    for index, event in enumerate(events):
        try:
            is_dated = _checked(event, now_ms, may_be_deep) and is_dated
            kept.append(event)
        except _Dropped as drop:
            rejections.append(Rejection(index, drop.code, drop.message))
    return _encoded(token, kept, list(range(len(events))), rejections, is_dated, size)


def _decode_one_by_one(body: bytes, now_ms: int) -> Decoded:
    token, raw_events = _outer(body)
    kept: list[WireEvent] = []
    places: list[int] = []
    rejections: list[Rejection] = []
    is_dated = True
    for index, raw in enumerate(raw_events):
        try:
            event = _decoded_event(bytes(raw))
            is_dated = _checked(event, now_ms, may_be_deep=True) and is_dated
            kept.append(event)
            places.append(index)
        except _Dropped as drop:
            rejections.append(Rejection(index, drop.code, drop.message))
    return _encoded(token, kept, places, rejections, is_dated, len(body))


def _outer(body: bytes) -> tuple[str, list[msgspec.Raw]]:
    """The request's two fields, each checked by itself so that the error can name the one that is wrong."""
    try:
        loose = _loose(body)
    except msgspec.ValidationError:
        raise ValidationFailed.at("body", f"expected an object, got {show(_any(body))}") from None
    except msgspec.DecodeError as error:
        raise not_json(body, error) from None
    token_raw, events_raw = bytes(loose.projectToken), bytes(loose.events)
    try:
        token = msgspec.json.decode(token_raw, type=str)
    except msgspec.DecodeError:
        raise ValidationFailed.at("projectToken", f"expected a project token, got {_shown(token_raw)}") from None
    try:
        raw_events = _raw_list_decoder.decode(events_raw)
    except msgspec.DecodeError:
        raise ValidationFailed.at("events", f"expected a list of events, got {_shown(events_raw)}") from None
    _check_event_count(len(raw_events))
    return token, raw_events


def _loose(body: bytes) -> _LooseRequest:
    for make_shallow in (bytes, without_deep_events):
        with contextlib.suppress(RecursionError):
            return _loose_decoder.decode(make_shallow(body))
    raise InvalidParameter(NESTED_OUTSIDE)


def _any(body: bytes) -> object:
    """A body that is no object, read to its end: it may be no JSON either."""
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise not_json(body, error) from None
    except RecursionError:
        raise InvalidParameter(NESTED_OUTSIDE) from None


def _shown(raw: bytes) -> str:
    """JSON that is of a wrong kind, for a message; "none" where there is none."""
    if raw in (b"", b"null"):
        return "none"
    try:
        return show(msgspec.json.decode(raw))
    except (msgspec.DecodeError, RecursionError):  # a number that no double holds, say
        return raw[:MAX_SHOWN_CHARS].decode("utf-8", "replace") + "…" * (len(raw) > MAX_SHOWN_CHARS)


def _check_event_count(count: int) -> None:
    if count == 0:
        raise ValidationFailed.at("events", f"expected 1 to {MAX_EVENTS_PER_REQUEST} events, got 0")
    if count > MAX_EVENTS_PER_REQUEST:
        raise PayloadTooLarge(f"expected at most {MAX_EVENTS_PER_REQUEST} events, got {count} (events)")


def _decoded_event(raw: bytes) -> WireEvent:
    if raw == TOO_DEEP:
        raise _too_deep()
    try:
        try:
            return _event_decoder.decode(raw)
        except msgspec.ValidationError as error:
            found, members = _FIELD.search(str(error)), _members_decoder.decode(raw) if raw.lstrip().startswith(b"{") else {}
    except RecursionError:
        raise _too_deep() from None
    if found is None:
        raise _Dropped(DropReason.WRONG_TYPE, f"expected an event, an object, got {_shown(raw)}")
    field = found[1] or found[2]
    value = bytes(members.get(field, b""))
    if field == "event" and value.startswith(b'"') and (name := msgspec.json.decode(value, type=str)).strip() != name:
        return _decoded_event(_encoder.encode({**members, "event": name.strip()}))  # too long only for the space around it
    raise _Dropped(_EXPECTED[field][0], f"expected {_EXPECTED[field][1]}, got {_shown(value)} ({field})")


def _checked(event: WireEvent, now_ms: int, may_be_deep: bool) -> bool:
    """Check what types can't say and make the event canonical in place. Returns whether it carried a timestamp."""
    name = event.event.strip()
    if name is not event.event:
        if not name:
            raise _unexpected("event", event.event)
        event.event = name
    if event.userId is None and event.anonymousId is None:
        raise _Dropped(DropReason.MISSING_IDENTITY, "expected a userId or an anonymousId, got neither")
    if event.sessionId == "":
        event.sessionId = None
    if event.eventId is not None:
        event.eventId = _canonical_uuid(event.eventId)
    if may_be_deep and event.properties is not None and is_deeper_than(event.properties, MAX_DEPTH):
        raise _too_deep()
    sent = event.timestamp
    if sent is None:
        event.timestamp = now_ms
        return False
    timestamp = event.timestamp = sent if type(sent) is int else _milliseconds(sent)
    if timestamp > now_ms + MAX_FUTURE_MS:
        told = show_moment(sent, timestamp)
        raise _Dropped(DropReason.TIMESTAMP_IN_FUTURE, f"expected at most 24 hours ahead, got {told} (timestamp)")
    if timestamp < 0:
        raise _Dropped(DropReason.INVALID_TIMESTAMP, f"expected a time since 1970, got {show(sent)} (timestamp)")
    return True


def _milliseconds(timestamp: float | str) -> int:
    """Unix milliseconds of a JSON number with a fraction, or of an ISO 8601 text (UTC where it names no offset)."""
    if not isinstance(timestamp, str):
        if not math.isfinite(timestamp):
            raise _unexpected("timestamp", timestamp)
        return math.floor(timestamp)
    try:
        moment = datetime.fromisoformat(timestamp.strip()[:64])
        return ((moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)) - _EPOCH) // _MILLISECOND
    except (ValueError, OverflowError):
        raise _unexpected("timestamp", timestamp) from None


def _canonical_uuid(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise _unexpected("eventId", text) from None


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
            message = f"expected at most {MAX_PROPERTIES_BYTES} bytes, got more (properties)"
            rejections.append(Rejection(place, DropReason.PROPERTIES_TOO_LARGE, message))
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
