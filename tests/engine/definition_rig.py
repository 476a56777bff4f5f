"""Definitions worked out slowly from all events, and as lists have them, in one form."""

import hashlib
import json
import re
from typing import Any, Final

import msgspec

from sv.engine.duck.relation import relation
from sv.engine.duck.schema import STRING_PROPERTY_COLUMNS
from sv.engine.duck.sql import Params
from sv.meta.rollups.definition_lists import DefinitionLists
from sv.model.definitions import DefinitionsQuery, EventDefinition, PropertyDefinition
from sv.model.limits import DAY_MS, MAX_TIMESTAMP_MS
from tests.engine.rollup_rig import RECEIVED, RollupRig

Seen = tuple[str, int, dict[str, Any]]
"""An event's name, its time, and the properties that queries see."""

_COLUMNS: Final = ", ".join(STRING_PROPERTY_COLUMNS.values())
_ISO: Final = re.compile(r"\d{4}-(0\d|1[012])-\d\d([T ]\d\d:\d\d(:\d\d([.,]\d+)?)?(Z|[+-]\d\d(:?\d\d)?)?)?")


def lists_of(rig: RollupRig) -> DefinitionLists:
    return DefinitionLists(rig.meta, rig.builds)


def listed_events(rig: RollupRig, project: str, now_ms: int = RECEIVED) -> dict[str, dict[str, Any]]:
    """All event definitions, read in pages of three."""
    rig.rollups.catch_up()
    found: list[EventDefinition] = []
    before: int | None = None
    while page := lists_of(rig).events(project, DefinitionsQuery(3, before), now_ms):
        found += page
        before = page[-1].id
    assert [each.id for each in found] == sorted((each.id for each in found), reverse=True)
    return {each.name: {"volume": each.volume, "first": each.first_seen_ms, "last": each.last_seen_ms} for each in found}


def listed_properties(rig: RollupRig, project: str, event: str | None = None) -> dict[str, dict[str, Any]]:
    """All property definitions, of every event or of one, read in pages of three."""
    rig.rollups.catch_up()
    found: list[PropertyDefinition] = []
    before: int | None = None
    while page := lists_of(rig).properties(project, DefinitionsQuery(3, before, event=event)):
        found += page
        before = page[-1].id
    assert [each.id for each in found] == sorted((each.id for each in found), reverse=True)
    return {
        each.name: {
            "type": str(each.type), "count": each.event_count, "examples": [msgspec.json.decode(text) for text in each.examples],
        }
        for each in found
    }  # fmt: skip


def seen(rig: RollupRig, project: str) -> list[Seen]:
    """Every event at rest with the properties that queries see."""
    rig.store.catch_up()
    snapshot = rig.catalog.take(project, 0, MAX_TIMESTAMP_MS + 1)
    params = Params()
    try:
        with rig.database.cursor() as cursor:
            events = relation(snapshot, rig.folder, params)
            found = cursor.execute(
                f"select event, epoch_ms(timestamp), properties, is_bot, {_COLUMNS} from ({events})", params.values
            ).fetchall()
    finally:
        rig.catalog.release(snapshot)
    told: list[Seen] = []
    for event, at_ms, properties, is_bot, *columns in found:
        effective = json.loads(properties)
        effective |= {name: value for name, value in zip(STRING_PROPERTY_COLUMNS, columns, strict=True) if value is not None}
        effective |= {"$is_bot": True} if is_bot else {}
        told.append((event, at_ms, {name: value for name, value in effective.items() if value is not None}))
    return told


def expected_events(events: list[Seen], now_ms: int = RECEIVED) -> dict[str, dict[str, Any]]:
    since_ms = (now_ms - 30 * DAY_MS) // DAY_MS * DAY_MS
    names = {event for event, _, _ in events}
    times = {name: [at_ms for event, at_ms, _ in events if event == name] for name in names}
    return {
        name: {"volume": sum(at_ms >= since_ms for at_ms in each), "first": min(each), "last": max(each)}
        for name, each in times.items()
    }


def expected_properties(events: list[Seen], event: str | None = None) -> dict[str, dict[str, Any]]:
    values: dict[str, list[Any]] = {}
    for name, _, properties in events:
        if event in (None, name):
            for key, value in properties.items():
                values.setdefault(key, []).append(value)
    return {
        key: {"type": type_of(each), "count": len(each), "examples": examples_of(each)} for key, each in values.items() if key
    }


def type_of(values: list[Any]) -> str:
    kinds = {kind_of(value) for value in values}
    return kinds.pop() if len(kinds) == 1 else "string"


def kind_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "datetime" if _ISO.fullmatch(value) else "string"
    return "array" if isinstance(value, list) else "object"


def examples_of(values: list[Any]) -> list[Any]:
    """The five least by hash of those that are not too long."""
    texts = {json_text(value) for value in values}
    hashed = sorted(hashlib.md5(text.encode()).hexdigest()[:8] + text for text in texts if len(text.encode()) <= 200)
    return [json.loads(text[8:]) for text in hashed[:5]]


def json_text(value: Any) -> str:
    """A value's JSON, the same for numbers that are equal."""
    if isinstance(value, float) and value.is_integer() and -(2**63) <= value < 2**64:
        value = int(value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
