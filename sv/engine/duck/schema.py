"""The one schema of an event at rest: the buffer's table and the Parquet files have these columns, in this order.

The layout's version is written into each file's metadata (`sv_schema`) and into the catalog, and every column may be null, so that a
column can be added later and read as null out of the files that lack it.

| column | what it holds |
|---|---|
| id | UUIDv7 whose time is the event's; its other bits are the log position, so replay makes the same id again |
| person | the number of the distinct_id within this data folder (a dense integer; `person_numbers` in the catalog) |
| properties | JSON text as the client meant it; enrichment never changes it |
| current_url … utm_content | the effective value of one property each, where it is a string: the client's own, else the server's |
| url_path | the path of current_url without query, fragment and one trailing slash |
| is_bot | the effective `$is_bot` |
"""

from typing import Final

SCHEMA_VERSION: Final = 1

COLUMNS: Final[dict[str, str]] = {
    "id": "uuid",
    "event": "varchar",
    "timestamp": "timestamp",
    "received_at": "timestamp",
    "distinct_id": "varchar",
    "person": "bigint",
    "anonymous_id": "varchar",
    "user_id": "varchar",
    "session_id": "varchar",
    "groups": "varchar[]",
    "client_event_id": "uuid",
    "properties": "varchar",
    "current_url": "varchar",
    "url_path": "varchar",
    "referring_domain": "varchar",
    "browser": "varchar",
    "browser_version": "varchar",
    "os": "varchar",
    "device_type": "varchar",
    "country": "varchar",
    "is_bot": "boolean",
    "utm_source": "varchar",
    "utm_medium": "varchar",
    "utm_campaign": "varchar",
    "utm_term": "varchar",
    "utm_content": "varchar",
}

STRING_PROPERTY_COLUMNS: Final[dict[str, str]] = {
    "$current_url": "current_url",
    "$referring_domain": "referring_domain",
    "$browser": "browser",
    "$browser_version": "browser_version",
    "$os": "os",
    "$device_type": "device_type",
    "$country": "country",
    "utm_source": "utm_source",
    "utm_medium": "utm_medium",
    "utm_campaign": "utm_campaign",
    "utm_term": "utm_term",
    "utm_content": "utm_content",
}
"""Properties with a typed column. The column is null where the effective value is absent or no string; a value of another
type is then only in `properties`."""

ENRICHED_PROPERTIES: Final[tuple[str, ...]] = tuple(p for p in STRING_PROPERTY_COLUMNS if p != "$current_url")
"""What enrichment may add to an event's properties where the client sent no such key. (`$is_bot` is added when true.)"""

COLUMN_LIST: Final = ", ".join(f'"{name}"' for name in COLUMNS)

SORT_KEY: Final = "event, person, timestamp, id"
"""Every file's order, within slices of time where it is a large one (`slices`): funnels and trends name events, funnels then walk persons
in time. In another order a funnel takes 4 to 16 times as long."""

EVENTS_SHAPE: Final = (
    '[{"event":"VARCHAR","timestamp":"BIGINT","properties":"JSON","anonymousId":"VARCHAR","userId":"VARCHAR",'
    '"sessionId":"VARCHAR","groups":["VARCHAR"],"eventId":"UUID"}]'
)
"""What `from_json` reads out of a batch's canonical events."""
