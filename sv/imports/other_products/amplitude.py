"""Amplitude's event export: a zip of gzipped JSON lines, or such files by themselves.

As https://amplitude.com/docs/apis/analytics/export describes it. Times are UTC without saying so.

| here | there |
|---|---|
| event | event_type; `[Amplitude] Page Viewed` is `$pageview` |
| userId, anonymousId, eventId | user_id, device_id, uuid |
| sessionId | session_id with the device's id, since it counts milliseconds on each device; -1 is none |
| properties | event_properties, and the other fields that are not empty |
| `$set` | user_properties, what the person's were at the event: the latest count |
| `$browser`, `$browser_version` | os_name and os_version on the Web, where they name the browser; elsewhere they are `$os`, `$os_version` |
| `$country` | country, by its name in English |
| `$current_url`, `$title` | `[Amplitude] Page Location`, `[Amplitude] Page Title` |
"""

import importlib.resources
import re
from datetime import UTC, tzinfo
from functools import cache
from typing import Any, Final

from sv.imports.files import Format
from sv.imports.moments import to_ms
from sv.imports.other_products.reader import Peek, Reader, event, id_of, keep_from_traits, properties_of, rename, use_our_names

_SESSION: Final = re.compile(r"[0-9]{1,19}")
"""-1 is none. What makes tables of an export has texts in the place of numbers."""

_NAMES: Final = {"[Amplitude] Page Viewed": "$pageview"}
_TAKEN: Final = frozenset(
    {"event_type", "event_time", "user_id", "device_id", "session_id", "uuid", "event_properties", "user_properties", "country"}
    | {"os_name", "os_version"}
)
_LEFT_OUT: Final = frozenset(
    {"ip_address", "$schema", "amplitude_attribution_ids", "amplitude_event_type", "amplitude_id", "app", "client_event_time"}
    | {"client_upload_time", "data", "data_type", "event_id", "global_user_properties", "is_attribution_event", "partner_id"}
    | {"processed_time", "sample_rate", "server_received_time", "server_upload_time", "source_id", "user_creation_time", "plan"}
    | {"$insert_id", "$insert_key"}
)
_OTHER_COUNTRIES: Final = {
    "Czechia": "CZ",
    "Ivory Coast": "CI",
    "Myanmar": "MM",
    "North Korea": "KP",
    "South Korea": "KR",
    "The Netherlands": "NL",
    "Türkiye": "TR",
    "United Kingdom": "GB",
}
"""Names that the table of countries has otherwise."""


def _is_certain(peek: Peek) -> bool:
    return {"event_type", "event_time", "device_id", "amplitude_id"} <= peek.names


def event_of(fields: dict[str, Any], _zone: tzinfo, _file_name: str) -> dict[str, Any]:
    device_id, session = id_of(fields.get("device_id")), id_of(fields.get("session_id"))
    has_session = isinstance(session, str) and _SESSION.fullmatch(session)
    name, properties = fields.get("event_type"), _properties(fields)
    return event(
        event=_NAMES.get(name, name) if isinstance(name, str) else name,
        timestamp=to_ms(fields.get("event_time") or "none", UTC),
        userId=id_of(fields.get("user_id")),
        anonymousId=device_id,
        sessionId=f"{session}-{device_id or fields.get('user_id')}"[:200] if has_session else None,
        eventId=fields.get("uuid"),
        properties=keep_from_traits(properties) if name == "$identify" else properties,
    )


def _properties(fields: dict[str, Any]) -> dict[str, Any]:
    own = properties_of(fields.get("event_properties"), "event_properties")
    rename(own, {"[Amplitude] Page Location": "$current_url", "[Amplitude] Page Title": "$title"})
    others = {
        name: value
        for name, value in fields.items()
        if name not in _TAKEN and name not in _LEFT_OUT and value not in (None, "", {}, [])
    }
    is_web = fields.get("platform") == "Web"
    for field, there in (("os_name", ("$os", "$browser")), ("os_version", ("$os_version", "$browser_version"))):
        if fields.get(field):
            others[there[is_web]] = fields[field]
    country = fields.get("country")
    if country:
        code = country_codes().get(country) if isinstance(country, str) else None
        others |= {"$country": code} if code else {"country": country}
    traits = properties_of(fields.get("user_properties"), "user_properties")
    properties = others | own | ({"$set": traits} if traits else {})
    use_our_names(properties)
    return properties


@cache
def country_codes() -> dict[str, str]:
    """ISO 3166 codes of countries by their names in English, from the table that comes with the timezones."""
    table = importlib.resources.files("tzdata").joinpath("zoneinfo", "iso3166.tab").read_text("utf-8")
    rows = (line.split("\t") for line in table.splitlines() if line and not line.startswith("#"))
    return {name: code for code, name in rows} | _OTHER_COUNTRIES


READER: Final = Reader(
    name="amplitude",
    title="an Amplitude export",
    formats=(Format.NDJSON,),
    needs=frozenset({"event_type", "event_time"}),
    is_certain=_is_certain,
    event_of=event_of,
)
