"""An event on the wire: its shape, what a shape can't say of it, and why one is rejected."""

import enum
import math
from datetime import UTC, datetime
from typing import Annotated, Any, Final
from uuid import UUID

from msgspec import Meta, Struct

from sv.ingest.depth import is_deeper_than
from sv.model.calendar import show_moment
from sv.model.errors import PayloadTooLarge, ValidationFailed
from sv.model.limits import (
    MAX_DEPTH,
    MAX_EVENT_NAME_CHARS,
    MAX_EVENTS_PER_REQUEST,
    MAX_FUTURE_MS,
    MAX_GROUP_CHARS,
    MAX_GROUPS,
    MAX_ID_CHARS,
    MAX_PROPERTIES_BYTES,
)
from sv.model.validate import show

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


_Scalar = str | int | float | bool | None
_Shallow1 = _Scalar | list[_Scalar] | dict[str, _Scalar]
_Shallow2 = _Scalar | list[_Shallow1] | dict[str, _Shallow1]
_Shallow3 = _Scalar | list[_Shallow2] | dict[str, _Shallow2]
_Shallow4 = _Scalar | list[_Shallow3] | dict[str, _Shallow3]
ShallowProperties = dict[str, _Scalar | list[_Shallow4] | dict[str, _Shallow4]]


class ShallowEvent(WireEvent, omit_defaults=True, gc=False):
    """An event whose properties nest six deep at most, as nearly all do: its type says that they are not too deep."""

    properties: ShallowProperties | None = None


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


class Dropped(Exception):
    """An event that must be rejected."""

    def __init__(self, code: DropReason, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


EXPECTED: Final = {
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

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = datetime(1970, 1, 1, 0, 0, 0, 1000) - datetime(1970, 1, 1)


def unexpected(field: str, value: object) -> Dropped:
    """For a field that holds this, where it must hold another thing."""
    code, expected = EXPECTED[field]
    return Dropped(code, f"expected {expected}, got {show(value)} ({field})")


def too_deep() -> Dropped:
    """For properties that nest deeper than events may."""
    return Dropped(DropReason.NESTED_TOO_DEEP, f"expected at most {MAX_DEPTH} levels, got more (properties)")


def too_large() -> Dropped:
    """For properties of more bytes than an event may have."""
    return Dropped(DropReason.PROPERTIES_TOO_LARGE, f"expected at most {MAX_PROPERTIES_BYTES} bytes, got more (properties)")


def check_event_count(count: int) -> None:
    """Raises ValidationFailed for a request without events, PayloadTooLarge for one with too many."""
    if count == 0:
        raise ValidationFailed.at("events", f"expected 1 to {MAX_EVENTS_PER_REQUEST} events, got 0")
    if count > MAX_EVENTS_PER_REQUEST:
        raise PayloadTooLarge(f"expected at most {MAX_EVENTS_PER_REQUEST} events, got {count} (events)")


def check(event: WireEvent, now_ms: int, may_be_deep: bool) -> bool:
    """Check what types can't say and make the event canonical in place. Returns whether it carried a timestamp. Raises Dropped."""
    name = event.event.strip()
    if name is not event.event:
        if not name:
            raise unexpected("event", event.event)
        event.event = name
    if event.userId is None and event.anonymousId is None:
        raise Dropped(DropReason.MISSING_IDENTITY, "expected a userId or an anonymousId, got neither")
    if event.sessionId == "":
        event.sessionId = None
    if event.eventId is not None:
        event.eventId = _canonical_uuid(event.eventId)
    if may_be_deep and event.properties is not None and is_deeper_than(event.properties, MAX_DEPTH):
        raise too_deep()
    sent = event.timestamp
    if sent is None:
        event.timestamp = now_ms
        return False
    timestamp = event.timestamp = sent if type(sent) is int else _milliseconds(sent)
    if timestamp > now_ms + MAX_FUTURE_MS:
        told = show_moment(sent, timestamp)
        raise Dropped(DropReason.TIMESTAMP_IN_FUTURE, f"expected at most 24 hours ahead, got {told} (timestamp)")
    if timestamp < 0:
        raise Dropped(DropReason.INVALID_TIMESTAMP, f"expected a time since 1970, got {show(sent)} (timestamp)")
    return True


def _milliseconds(timestamp: float | str) -> int:
    """Unix milliseconds of a JSON number with a fraction, or of an ISO 8601 text (UTC where it names no offset)."""
    if not isinstance(timestamp, str):
        if not math.isfinite(timestamp):
            raise unexpected("timestamp", timestamp)
        return math.floor(timestamp)
    try:
        moment = datetime.fromisoformat(timestamp.strip()[:64])
        return ((moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)) - _EPOCH) // _MILLISECOND
    except (ValueError, OverflowError):
        raise unexpected("timestamp", timestamp) from None


def _canonical_uuid(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise unexpected("eventId", text) from None
