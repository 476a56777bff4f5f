"""Definitions in the contract's shape: which events and properties a project has, and what owners say of them."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from sv.insights.folded import behind, is_caught_up
from sv.meta.rollups.definition_lists import DefinitionLists
from sv.model.calendar import iso_ms
from sv.model.cursor import Cursor, encode_cursor
from sv.model.definitions import DefinitionsQuery, EventDefinition, Noted, Notes, NotesChange, PropertyDefinition
from sv.model.errors import NotFound
from sv.model.validate import show

Definition: TypeAlias = EventDefinition | PropertyDefinition


class Definitions:
    """Thread-safe; blocks. Up to date with everything that was accepted before the call. Raises Unavailable.

    Where the disk refuses what has to be folded first, lists are as of the last fold, and say so (`is_behind`). catch_up: folds every
    accepted event.
    """

    def __init__(self, lists: DefinitionLists, catch_up: Callable[[], None], now_ms: Callable[[], int]) -> None:
        self._lists = lists
        self._catch_up = catch_up
        self._now_ms = now_ms

    def list_events(self, project_id: str, query: DefinitionsQuery) -> dict[str, Any]:
        """A page of events' names."""
        is_whole = is_caught_up(self._catch_up)
        return _page(self._lists.events(project_id, _one_more(query), self._now_ms()), query.limit, is_whole)

    def list_properties(self, project_id: str, query: DefinitionsQuery) -> dict[str, Any]:
        """A page of properties' names."""
        is_whole = is_caught_up(self._catch_up)
        return _page(self._lists.properties(project_id, _one_more(query)), query.limit, is_whole)

    def note_event(self, project_id: str, name: str, change: NotesChange, noted: Noted | None = None) -> dict[str, Any]:
        """Keep what an owner says of an event's name, and answer the definition. Raises NotFound."""
        self._catch_up()
        found = self._lists.note_event(project_id, name, change, self._now_ms(), noted)
        if found is None:
            raise NotFound(f"no event {show(name)} (name)")
        return definition_json(found)

    def note_property(self, project_id: str, name: str, change: NotesChange, noted: Noted | None = None) -> dict[str, Any]:
        """Likewise of a property's name."""
        self._catch_up()
        found = self._lists.note_property(project_id, name, change, noted)
        if found is None:
            raise NotFound(f"no property {show(name)} (name)")
        return definition_json(found)


def definition_json(definition: Definition) -> dict[str, Any]:
    """A definition as the contract shows it."""
    if isinstance(definition, EventDefinition):
        return _named(definition.name, definition.notes) | {
            "volume_30d": definition.volume,
            "first_seen": iso_ms(definition.first_seen_ms),
            "last_seen": iso_ms(definition.last_seen_ms),
        }
    return _named(definition.name, definition.notes) | {
        "type": definition.type,
        "event_count": definition.event_count,
        "example_values": definition.examples,
    }


def _named(name: str, notes: Notes) -> dict[str, Any]:
    return {"name": name, "description": notes.description, "is_verified": notes.is_verified, "is_hidden": notes.is_hidden}


def _one_more(query: DefinitionsQuery) -> DefinitionsQuery:
    """One item more than asked for tells whether there is a next page."""
    return DefinitionsQuery(query.limit + 1, query.before_id, query.search, query.include_hidden, query.event)


def _page(found: Sequence[Definition], limit: int, is_whole: bool) -> dict[str, Any]:
    page = found[:limit]
    has_more = len(found) > limit
    next_cursor = encode_cursor(Cursor(page[-1].added_ms, str(page[-1].id))) if has_more else None
    meta = {"next_cursor": next_cursor, "has_more": has_more} | behind(is_whole)
    return {"data": [definition_json(each) for each in page], "meta": meta}
