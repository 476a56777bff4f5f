"""Decodes an ingest request event by event: for requests that the quick decoder refuses as a whole, and for bodies that would keep it busy
for long.

Takes up to some seconds for ten hostile megabytes, so it belongs on a thread. No step holds Python's lock for more than some milliseconds,
and only one event's values are in memory at a time: 64 KiB of empty lists take three megabytes.
"""

import contextlib
import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final

import msgspec
from msgspec import Struct

from sv.ingest.depth import NESTED_OUTSIDE, TOO_DEEP, without_deep_events
from sv.ingest.events import (
    EXPECTED,
    Decoded,
    Dropped,
    DropReason,
    Rejection,
    WireEvent,
    check,
    check_event_count,
    too_deep,
    too_large,
)
from sv.model.errors import InvalidParameter, PayloadTooLarge, ValidationFailed
from sv.model.json_repair import may_have_nan, null_for_nan, null_for_nan_anywhere
from sv.model.limits import MAX_EVENTS_PER_REQUEST, MAX_PROPERTIES_BYTES, MAX_SHOWN_CHARS
from sv.model.validate import not_json, show

_ABSENT: Final = msgspec.Raw()

MAX_LISTED_ITEMS: Final = 100_000
"""Items that are made before they are counted, of 56 bytes each."""


class _LooseRequest(Struct):
    # SCAR: not `Raw | None`, which the decoder takes to mean null and nothing else.
    projectToken: msgspec.Raw = _ABSENT  # noqa: N815 - the wire's name
    events: msgspec.Raw = _ABSENT


_FIELD: Final = re.compile(r"\$\.(\w+)|required field `(\w+)`")
"""The field of an event in a message of the decoder."""

_STRUCTURE: Final = (b"[", b"]", b"{", b"}", b",", b":")
"""Each of these is a byte of the canonical JSON as well, within a text or outside."""

_loose_decoder = msgspec.json.Decoder(_LooseRequest)
_raw_decoder = msgspec.json.Decoder(msgspec.Raw)
_raw_list_decoder = msgspec.json.Decoder(list[msgspec.Raw])
_members_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
_event_decoder = msgspec.json.Decoder(WireEvent)
_encoder = msgspec.json.Encoder()


def _nothing(token: str) -> None:
    """Accepts every token."""


def decode_slowly(body: bytes, now_ms: int, check_token: Callable[[str], object] = _nothing) -> Decoded:
    """As `decode`, event by event. check_token: raises for a token whose events need not be looked at."""
    body = null_for_nan(body)
    try:
        _loose_decoder.decode(body)
    except RecursionError:
        body = without_deep_events(body)
    except msgspec.DecodeError:
        pass  # `_outer` says what is wrong
    token, raw_events = _outer(body)
    check_token(token)
    kept: list[bytes] = []
    rejections: list[Rejection] = []
    is_dated = True
    for index, raw in enumerate(raw_events):
        try:
            text, has_time = _canonical(bytes(raw), now_ms)
            is_dated = has_time and is_dated
            if text is None:
                raise too_large()
            kept.append(text)
        except Dropped as drop:
            rejections.append(Rejection(index, drop.code, drop.message))
    return Decoded(token, len(kept), tuple(rejections), b"[" + b",".join(kept) + b"]", is_dated)


def token_of(body: bytes) -> str | None:
    """The project token of a body that isn't decoded yet, without a look into its events; None where that isn't enough to tell."""
    has_words = may_have_nan(body)
    try:
        loose = _loose_decoder.decode(null_for_nan_anywhere(body) if has_words else body)
        token = msgspec.json.decode(bytes(loose.projectToken), type=str)
    except (msgspec.DecodeError, RecursionError):
        return None
    return None if has_words and "null" in token else token  # which may have such a word itself


def _outer(body: bytes) -> tuple[str, Sequence[msgspec.Raw]]:
    """The request's two fields, each checked by itself so that the error can name the one that is wrong."""
    try:
        loose = _loose(body)
    except msgspec.ValidationError:
        raise ValidationFailed.at("body", f"expected an object, got {_shown(_any(body))}") from None
    except msgspec.DecodeError as error:
        raise not_json(body, error) from None
    token_raw, events_raw = bytes(loose.projectToken), bytes(loose.events)
    try:
        token = msgspec.json.decode(token_raw, type=str)
    except msgspec.DecodeError:
        raise ValidationFailed.at("projectToken", f"expected a project token, got {_shown(token_raw)}") from None
    try:
        raw_events = _items(events_raw)
    except msgspec.DecodeError:
        raise ValidationFailed.at("events", f"expected a list of events, got {_shown(events_raw)}") from None
    check_event_count(len(raw_events))
    return token, raw_events


def _items(events: bytes) -> Sequence[msgspec.Raw]:
    """The events of a list. Raises PayloadTooLarge where there are so many that to make and count them would cost hundreds of megabytes."""
    if events.count(b",") < MAX_LISTED_ITEMS:
        return _raw_list_decoder.decode(events)
    try:
        found: tuple[msgspec.Raw, ...] = msgspec.structs.astuple(_few_decoder().decode(events))
    except msgspec.ValidationError:
        if not events.startswith(b"["):
            raise
        raise PayloadTooLarge(f"expected at most {MAX_EVENTS_PER_REQUEST} events, got more (events)") from None
    return [item for item in found if item is not _ABSENT]


@cache
def _few_decoder() -> msgspec.json.Decoder[Any]:
    """Of a list with as many items as a request may have events. It stops at the first one beyond: that of a list reads to the end."""
    places = [(f"item_{place}", msgspec.Raw, _ABSENT) for place in range(MAX_EVENTS_PER_REQUEST)]
    return msgspec.json.Decoder(msgspec.defstruct("Few", places, array_like=True, forbid_unknown_fields=True))


def _loose(body: bytes) -> _LooseRequest:
    for make_shallow in (bytes, without_deep_events):
        with contextlib.suppress(RecursionError):
            return _loose_decoder.decode(make_shallow(body))
    raise InvalidParameter(NESTED_OUTSIDE)


def _any(body: bytes) -> bytes:
    """Reads a body that is no object to its end, since it may be no JSON either."""
    try:
        return bytes(_raw_decoder.decode(body))
    except msgspec.DecodeError as error:
        raise not_json(body, error) from None
    except RecursionError:
        raise InvalidParameter(NESTED_OUTSIDE) from None


def _shown(raw: bytes) -> str:
    """JSON that is of a wrong kind, for a message; "none" where there is none."""
    if raw in (b"", b"null"):
        return "none"
    if len(raw) > MAX_PROPERTIES_BYTES and raw[:1] in (b"[", b"{"):
        return "a long list" if raw[:1] == b"[" else "a large object"
    try:
        return show(msgspec.json.decode(raw))
    except (msgspec.DecodeError, RecursionError):  # a number that no double holds, say
        return raw[:MAX_SHOWN_CHARS].decode("utf-8", "replace") + "…" * (len(raw) > MAX_SHOWN_CHARS)


def _canonical(raw: bytes, now_ms: int) -> tuple[bytes | None, bool]:
    """An event's canonical JSON, None where its properties are too large, and whether it carried a timestamp. Raises Dropped."""
    if raw == TOO_DEEP:
        raise too_deep()
    is_large = len(raw) > MAX_PROPERTIES_BYTES
    members = _members(raw) if is_large else {}
    has_too_many = is_large and _is_surely_large(bytes(members.get("properties", b"")))
    if has_too_many:
        raw = _encoder.encode({**members, "properties": {}})  # whatever else is wrong with it comes first
    event = _decoded(raw)
    has_time = check(event, now_ms, may_be_deep=True)
    text = _encoder.encode(event)
    if has_too_many or (len(text) > MAX_PROPERTIES_BYTES and len(_encoder.encode(event.properties)) > MAX_PROPERTIES_BYTES):
        return None, has_time
    return text, has_time


def _is_surely_large(properties: bytes) -> bool:
    """Whether they would be too large in canonical JSON, which is only sure of what isn't written twice under one name."""
    if len(properties) <= MAX_PROPERTIES_BYTES or not properties.startswith(b"{"):
        return False
    return sum(map(properties.count, _STRUCTURE)) > MAX_PROPERTIES_BYTES


def _members(raw: bytes) -> dict[str, msgspec.Raw]:
    """The fields of an event, the last one of each name; none of what is no object."""
    try:
        return _members_decoder.decode(raw) if raw.lstrip().startswith(b"{") else {}
    except RecursionError:
        raise too_deep() from None


def _decoded(raw: bytes) -> WireEvent:
    try:
        return _event_decoder.decode(raw)
    except msgspec.ValidationError:
        pass
    except RecursionError:
        raise too_deep() from None
    # The decoder looks at every field that is written twice, and the last one counts.
    members = _members(raw)
    try:
        return _event_decoder.decode(_encoder.encode(members) if members else raw)
    except msgspec.ValidationError as error:
        found = _FIELD.search(str(error))
    if found is None:
        raise Dropped(DropReason.WRONG_TYPE, f"expected an event, an object, got {_shown(raw)}")
    field = found[1] or found[2]
    value = bytes(members.get(field, b""))
    if field == "event" and value.startswith(b'"') and (name := msgspec.json.decode(value, type=str)).strip() != name:
        return _decoded(_encoder.encode({**members, "event": name.strip()}))  # too long only for the space around it
    raise Dropped(EXPECTED[field][0], f"expected {EXPECTED[field][1]}, got {_shown(value)} ({field})")
