"""Umami's events as CSV: `website_event.csv` of a data export (a zip, Umami Cloud), or the table of that name out of one's own database.

The columns are those of https://github.com/umami-software/umami, `db/clickhouse/schema.sql`. In one's own PostgreSQL some of them are in
the table `session`; where a column is missing, so is what it says. Not read: `event_data.csv` and `session_data.csv`, which have by
themselves what custom events and visitors were given.

| here | there |
|---|---|
| event | `$pageview` for event_type 1, else event_name; without one `umami_link` (3), `umami_pixel` (4), `umami_performance` (5) … |
| anonymousId | session_id: the visitor, as far as Umami knows one (a month) |
| userId, sessionId, eventId, timestamp | distinct_id, visit_id, event_id, created_at (UTC unless `--timezone` says otherwise) |
| `$current_url` | hostname, url_path and url_query; without a hostname the path |
| `$referrer` | referrer_domain, referrer_path and referrer_query |
| `$browser`, `$os`, `$device_type`, `$country`, `$title` | browser, os, device, country, page_title |
"""

import re
from datetime import tzinfo
from typing import Any, Final

from sv.imports.files import Format
from sv.imports.moments import to_ms
from sv.imports.other_products.reader import Peek, Reader, event, use_our_names

_PAGEVIEW: Final = "1"
_CUSTOM: Final = "2"
_KINDS: Final = {"3": "link", "4": "pixel", "5": "performance"}
_KIND: Final = re.compile(r"[0-9]{1,3}")
_NULL: Final = r"\N"
"""No value, as ClickHouse and MySQL write it into a table's CSV."""

_BROWSERS: Final = {
    "android": "Android",
    "chrome": "Chrome",
    "chromium-webview": "Chrome",
    "crios": "Chrome",
    "edge": "Edge",
    "edge-chromium": "Edge",
    "edge-ios": "Edge",
    "facebook": "Facebook",
    "firefox": "Firefox",
    "fxios": "Firefox",
    "ie": "Internet Explorer",
    "instagram": "Instagram",
    "ios": "Safari",
    "ios-webview": "Safari",
    "opera": "Opera",
    "opera-mini": "Opera",
    "safari": "Safari",
    "samsung": "Samsung Internet",
    "yandexbrowser": "Yandex Browser",
}
"""The codes of Umami's browser detection."""

_DEVICES: Final = {"desktop": "Desktop", "laptop": "Desktop", "mobile": "Mobile", "tablet": "Tablet"}
_TAKEN: Final = frozenset(
    {
        "event_id",
        "session_id",
        "visit_id",
        "distinct_id",
        "created_at",
        "event_type",
        "event_name",
        "hostname",
        "url_path",
        "url_query",
    }
    | {"referrer_path", "referrer_query", "referrer_domain", "browser", "os", "device", "country", "page_title", "job_id", "ip"}
)


def _is_certain(peek: Peek) -> bool:
    return {"website_id", "session_id", "event_type", "url_path", "created_at"} <= peek.names


def event_of(fields: dict[str, Any], zone: tzinfo, _file_name: str) -> dict[str, Any]:
    fields = {name: value for name, value in fields.items() if value != _NULL}
    return event(
        event=_name(fields.get("event_type", ""), fields.get("event_name")),
        timestamp=to_ms(fields.get("created_at") or "none", zone),
        userId=fields.get("distinct_id"),
        anonymousId=fields.get("session_id"),
        sessionId=fields.get("visit_id"),
        eventId=fields.get("event_id"),
        properties=_properties(fields),
    )


def _name(kind: str, name: str | None) -> str | None:
    if kind == _PAGEVIEW:
        return "$pageview"
    if name or kind == _CUSTOM or not _KIND.fullmatch(kind):
        return name
    return f"umami_{_KINDS.get(kind, kind)}"


def _properties(fields: dict[str, Any]) -> dict[str, Any]:
    system, browser, device = fields.get("os", ""), fields.get("browser", ""), fields.get("device", "")
    found: dict[str, Any] = {
        "$current_url": _url(fields.get("hostname"), fields.get("url_path"), fields.get("url_query")),
        "$referrer": _url(fields.get("referrer_domain"), fields.get("referrer_path"), fields.get("referrer_query"))
        if fields.get("referrer_domain")
        else None,
        "$title": fields.get("page_title"),
        "$browser": _BROWSERS.get(browser, browser),
        "$os": "Windows" if system.startswith("Windows") else "Android" if system == "Android OS" else system,
        "$device_type": _DEVICES.get(device, device),
        "$country": fields.get("country"),
    }
    properties = {name: value for name, value in fields.items() if name not in _TAKEN}
    properties |= {name: value for name, value in found.items() if value}
    use_our_names(properties)
    return properties


def _url(host: str | None, path: str | None, query: str | None) -> str | None:
    text = f"{path or ''}{f'?{query}' if query else ''}"
    return f"https://{host}{text}" if host else text or None


READER: Final = Reader(
    name="umami",
    title="an Umami export",
    formats=(Format.CSV,),
    needs=frozenset({"session_id", "event_type", "event_name", "created_at"}),
    is_certain=_is_certain,
    event_of=event_of,
)
