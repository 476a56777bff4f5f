"""Definitions: what is known of an event's or a property's name, and the lists of them that are asked for.

Answers for the one rule of types. Assumes counts over every value that was ever stored under the name, nulls left out; never looks at a
value itself.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import TypeAlias

import msgspec
from msgspec import Struct


class PropertyType(StrEnum):
    """What all values of a property are."""

    STRING = "string"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATETIME = "datetime"
    ARRAY = "array"
    OBJECT = "object"


def type_of(counts: Mapping[PropertyType, int]) -> PropertyType:
    """The type of a property with so many values of each kind.

    Values of one kind only: that kind, `DATETIME` being texts all of which are ISO 8601 dates or times. Values of several kinds:
    `STRING`, as everything can be read as text. So it depends on which kinds there are, not on how many of each, nor on their order.
    """
    kinds = [kind for kind, count in counts.items() if count]
    return kinds[0] if len(kinds) == 1 else PropertyType.STRING


class Notes(Struct, frozen=True):
    """What owners say of a name."""

    description: str | None = None
    is_verified: bool = False
    is_hidden: bool = False


class NotesChange(Struct, frozen=True):
    """What is to become of them; None stays as it is. An empty description is none."""

    description: str | None = None
    is_verified: bool | None = None
    is_hidden: bool | None = None


Noted: TypeAlias = Callable[[str, Notes, Notes], None]
"""Told of a name what was said of it and what is now, in the transaction of the change."""


class EventDefinition(Struct, frozen=True):
    """An event's name. id: its place in lists. added_ms: when the server first heard of it. volume: its events of the last days."""

    id: int
    added_ms: int
    name: str
    volume: int
    first_seen_ms: int
    last_seen_ms: int
    notes: Notes


class PropertyDefinition(Struct, frozen=True):
    """A property's name. event_count: events that have it, of one name or of any. examples: JSON."""

    id: int
    added_ms: int
    name: str
    type: PropertyType
    event_count: int
    examples: tuple[msgspec.Raw, ...]
    notes: Notes


class DefinitionsQuery(Struct, frozen=True):
    """A page of either list. before_id: of the last item of the page before. event: of properties alone, those on events of this name."""

    limit: int
    before_id: int | None = None
    search: str | None = None
    include_hidden: bool = False
    event: str | None = None
