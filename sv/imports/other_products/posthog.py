"""PostHog's batch exports and file downloads: Parquet and JSON lines of the model "events".

As https://posthog.com/docs/data-pipelines/batch-exports/s3 and https://github.com/PostHog/posthog, `posthog/batch_exports/sql`, have them:
uuid, event, distinct_id, properties, timestamp, person_id, person_properties, elements_chain, created_at, inserted_at; out of databases
also team_id, set, set_once, ip, elements and site_url.

| here | there |
|---|---|
| anonymousId | distinct_id where `$is_identified` or `$process_person_profile` is false, or it is the `$device_id` |
| userId, anonymousId | otherwise distinct_id, and `$anon_distinct_id` or `$device_id` (of `$create_alias` and `$merge_dangerously` alias) |
| sessionId, eventId | `$session_id`, uuid |
| `$country` | `$geoip_country_code` |

A person's properties are those that events set (`$set`, `$set_once`), as there. `person_properties`, what PostHog knew of the person when
it took the event in, and `person_id` are left out.
"""

from datetime import tzinfo
from typing import Any, Final

from sv.imports.files import Format
from sv.imports.moments import to_ms
from sv.imports.other_products.reader import Peek, Reader, event, id_of, keep_from_traits, properties_of, rename, use_our_names

_TAKEN: Final = frozenset({"uuid", "event", "distinct_id", "properties", "timestamp", "elements_chain"})
_LEFT_OUT: Final = frozenset(
    {
        "person_id",
        "person_properties",
        "created_at",
        "inserted_at",
        "_inserted_at",
        "team_id",
        "set",
        "set_once",
        "ip",
        "elements",
    }
    | {"site_url", "bq_ingested_timestamp"}
)
_ALIASING: Final = ("$create_alias", "$merge_dangerously")
_UNWANTED: Final = ("$ip", "token", "distinct_id", "$sent_at", "$geoip_disable")


def _is_certain(peek: Peek) -> bool:
    return READER.needs <= peek.names and bool({"person_id", "person_properties", "elements_chain"} & peek.names)


def event_of(fields: dict[str, Any], zone: tzinfo, _file_name: str) -> dict[str, Any]:
    properties = properties_of(fields.get("properties"), "properties")
    user_id, anonymous_id = _identity(id_of(fields.get("distinct_id")), fields.get("event"), properties)
    for name in _UNWANTED:
        properties.pop(name, None)
    chain = fields.get("elements_chain")
    if chain:
        properties.setdefault("$elements_chain", chain)
    rename(properties, {"$geoip_country_code": "$country"})
    use_our_names(properties)
    if fields.get("event") == "$identify":
        properties = keep_from_traits(properties)
    others = {name: value for name, value in fields.items() if name not in _TAKEN and name not in _LEFT_OUT}
    return event(
        event=fields.get("event"),
        timestamp=to_ms("none" if fields.get("timestamp") is None else fields["timestamp"], zone),
        userId=user_id,
        anonymousId=anonymous_id,
        sessionId=id_of(properties.pop("$session_id", None)),
        eventId=fields.get("uuid"),
        properties=others | properties,
    )


def _identity(distinct_id: Any, name: Any, properties: dict[str, Any]) -> tuple[Any, Any]:
    """(user id, anonymous id)"""
    device_id = id_of(properties.get("$device_id"))
    is_anonymous = properties.get("$is_identified") is False or properties.get("$process_person_profile") is False
    if is_anonymous or (device_id is not None and distinct_id == device_id):
        return None, distinct_id
    alias = properties.get("alias") if name in _ALIASING else None
    anonymous_id = id_of(properties.get("$anon_distinct_id")) or id_of(alias) or device_id
    return distinct_id, None if anonymous_id == distinct_id else anonymous_id


READER: Final = Reader(
    name="posthog",
    title="a PostHog export",
    formats=(Format.NDJSON, Format.PARQUET, Format.CSV),
    needs=frozenset({"uuid", "event", "distinct_id", "properties", "timestamp"}),
    is_certain=_is_certain,
    event_of=event_of,
    fields={"timestamp": "timestamp", "distinct_id": "userId", "uuid": "eventId", "event": "event"},
)
