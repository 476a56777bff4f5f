"""Mixpanel's raw event export: JSON lines of `event` and `properties`.

As https://docs.mixpanel.com/reference/raw-event-export describes it. `time` is in seconds. In projects that were made before 2023 it counts
in the project's timezone and not in UTC (https://mixpanel.com/help/reference/exporting-raw-data): `--timezone` says which, and the default
UTC leaves it as it is.

| here | there |
|---|---|
| userId | `$user_id` (of `$identify` `$identified_id`, of `$create_alias` alias), else a distinct_id that is no device's |
| anonymousId | `$device_id` (of `$identify` `$anon_id`, of `$create_alias` distinct_id), or a distinct_id of `$device:`, without that |
| eventId | made of event, time, distinct_id and `$insert_id`, by which together Mixpanel tells repeats, of which its export has all |
| `$pageview` | `$mp_web_page_view` |
| `$country` | mp_country_code |
"""

import json
from datetime import tzinfo
from typing import Any, Final
from uuid import NAMESPACE_OID, uuid5

from sv.imports.files import Format
from sv.imports.moments import in_zone
from sv.imports.other_products.reader import (
    Peek,
    Reader,
    event,
    id_of,
    keep_from_traits,
    properties_of,
    rename,
    use_our_names,
)

DEVICE: Final = "$device:"
_MILLISECONDS_FROM: Final = 1e11
"""As seconds that is the year 5138."""

_NAMES: Final = {"$mp_web_page_view": "$pageview"}
_UNWANTED: Final = ("ip", "$ip", "token", "distinct_id", "$device_id", "$user_id")


def _is_certain(peek: Peek) -> bool:
    properties = peek.first.get("properties")
    return peek.names == READER.needs and isinstance(properties, dict) and {"time", "distinct_id"} <= properties.keys()


def event_of(fields: dict[str, Any], zone: tzinfo, _file_name: str) -> dict[str, Any]:
    properties = properties_of(fields.get("properties"), "properties")
    name = fields.get("event")
    user_id, anonymous_id = _identity(name, properties)
    event_id = _event_id(name, properties)
    for unwanted in _UNWANTED:
        properties.pop(unwanted, None)
    moment = _milliseconds(properties.pop("time", None), zone)
    rename(properties, {"mp_country_code": "$country", "current_page_title": "$title"})
    use_our_names(properties)
    return event(
        event=_NAMES.get(name, name) if isinstance(name, str) else name,
        timestamp=moment,
        userId=user_id,
        anonymousId=anonymous_id,
        sessionId=id_of(properties.pop("$session_id", None)),
        eventId=event_id,
        properties=keep_from_traits(properties) if name == "$identify" else properties,
    )


def _event_id(name: Any, properties: dict[str, Any]) -> str | None:
    """The same for repeats of an event alone: `$insert_id` by itself may be an order's, say, on an event each of several kinds."""
    insert_id = properties.get("$insert_id")
    if insert_id in (None, ""):
        return None
    key = (name, properties.get("time"), properties.get("distinct_id"), insert_id)
    return str(uuid5(NAMESPACE_OID, json.dumps(key)))


def _milliseconds(seconds: Any, zone: tzinfo) -> Any:
    """Anything but a number, for which Mixpanel has no use either, is left for ingest's rules to refuse."""
    if not isinstance(seconds, int | float) or isinstance(seconds, bool):
        return "none" if seconds is None else seconds
    return in_zone(int(seconds if abs(seconds) >= _MILLISECONDS_FROM else seconds * 1000), zone)


def _identity(name: Any, properties: dict[str, Any]) -> tuple[Any, Any]:
    """(user id, anonymous id)"""
    distinct_id = id_of(properties.get("distinct_id"))
    user_id, device_id = id_of(properties.get("$user_id")), id_of(properties.get("$device_id"))
    if name == "$identify":
        user_id, device_id = user_id or id_of(properties.get("$identified_id")), id_of(properties.get("$anon_id")) or device_id
    if name == "$create_alias" and properties.get("alias"):
        return id_of(properties["alias"]), _plain(distinct_id)
    anonymous_id = _plain(device_id)
    is_device = isinstance(distinct_id, str) and (distinct_id.startswith(DEVICE) or distinct_id == device_id)
    if is_device:
        anonymous_id = anonymous_id or _plain(distinct_id)
    elif user_id is None:
        user_id = distinct_id
    return user_id, None if anonymous_id == user_id else anonymous_id


def _plain(value: Any) -> Any:
    return value.removeprefix(DEVICE) if isinstance(value, str) else value


READER: Final = Reader(
    name="mixpanel",
    title="a Mixpanel export",
    formats=(Format.NDJSON,),
    needs=frozenset({"event", "properties"}),
    is_certain=_is_certain,
    event_of=event_of,
)
