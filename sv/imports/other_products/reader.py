"""A reader of another product's export, and what readers have in common.

A reader makes the event that clients would have sent of a row; ingest's rules judge it afterwards, as they do any row. So what a product
has in an odd place is mapped, and what is wrong is left to be refused with its reason.
"""

import json
from collections.abc import Callable
from datetime import tzinfo
from typing import Any, Final

from msgspec import Struct

from sv.imports.columns import RowError, decode_json_field
from sv.imports.files import Format
from sv.ingest.events import DropReason
from sv.model.validate import show


class Peek(Struct, frozen=True):
    """What a file shows at a glance: its name without folders, its columns' names or its first object's, that object."""

    file_name: str
    names: frozenset[str]
    first: dict[str, Any]


EventOf = Callable[[dict[str, Any], tzinfo, str], dict[str, Any]]
"""(a row's fields, the zone of times without an offset, the file's name) -> an event. Raises RowError."""


class Reader(Struct, frozen=True):
    """One product's export.

    needs: the columns without which a table is not of this kind. is_certain: whether a file can be nothing else.
    fields: of a table's columns, those that are read as a field of ingest is (ids as texts, times as times).
    """

    name: str
    title: str
    formats: tuple[Format, ...]
    needs: frozenset[str]
    is_certain: Callable[[Peek], bool]
    event_of: EventOf
    fields: dict[str, str] = {}


BROWSERS: Final = {
    "Android Browser": "Android",
    "Chrome iOS": "Chrome",
    "Firefox iOS": "Firefox",
    "Microsoft Edge": "Edge",
    "Mobile Chrome": "Chrome",
    "Mobile Firefox": "Firefox",
    "Mobile Safari": "Safari",
}
SYSTEMS: Final = {"Chrome OS": "ChromeOS", "Mac OS": "macOS", "Mac OS X": "macOS"}
"""Names that this server's own enrichment has others for."""


def properties_of(value: Any, field: str) -> dict[str, Any]:
    """An object, which tables have as JSON text; a new one. Raises RowError for anything else."""
    if value in (None, ""):
        return {}
    found = decode_json_field(field, value) if isinstance(value, str) else value
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise RowError(DropReason.WRONG_TYPE, f"expected an object, got {show(found)} ({field})")
    return dict(found)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType] - JSON


def id_of(value: Any) -> Any:
    """An id; None for none. Whole numbers become texts."""
    if value in (None, ""):
        return None
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def rename(properties: dict[str, Any], names: dict[str, str]) -> None:
    """Give properties other names, in place; one that is there already under the other name wins."""
    for old, new in names.items():
        if old in properties:
            properties.setdefault(new, properties.pop(old))


def use_our_names(properties: dict[str, Any]) -> None:
    """Browsers and systems as this server calls them, versions as texts; in place."""
    for name, known in (("$browser", BROWSERS), ("$os", SYSTEMS)):
        value = properties.get(name)
        if isinstance(value, str):
            properties[name] = known.get(value, value)
    version = properties.get("$browser_version")
    if isinstance(version, int | float) and not isinstance(version, bool):
        properties["$browser_version"] = json.dumps(int(version) if float(version).is_integer() else version)


def keep_from_traits(properties: dict[str, Any]) -> dict[str, Any]:
    """The properties of an `$identify`, of which those without `$` would be taken for traits: they go into `$properties`."""
    plain = {name: value for name, value in properties.items() if not name.startswith("$")}
    kept = {name: value for name, value in properties.items() if name.startswith("$")}
    return kept | {"$properties": plain} if plain else kept


def event(**fields: Any) -> dict[str, Any]:
    """Fields of ingest without those that are None."""
    return {name: value for name, value in fields.items() if value is not None}
