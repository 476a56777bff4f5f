"""Reading definitions out of their rollups, a page by key, and keeping what owners write beside names.

Names are listed by their numbers, newest first: a number never changes, so a list that is paged through shows each name once.
"""

from typing import Final

import apsw
import msgspec
from msgspec import Struct

from sv.meta.db import Meta, Row, Value
from sv.meta.rollups.builds import RollupBuilds
from sv.meta.rollups.definitions import NAME
from sv.model.definitions import (
    DefinitionsQuery,
    EventDefinition,
    Noted,
    Notes,
    NotesChange,
    PropertyDefinition,
    PropertyType,
    type_of,
)
from sv.model.limits import DAY_MS, EXAMPLE_DIGITS, VOLUME_DAYS
from sv.model.search import folded

_BEYOND: Final = 2**62
"""Above every number."""

_KINDS: Final = (
    PropertyType.STRING, PropertyType.DATETIME, PropertyType.NUMBER, PropertyType.BOOLEAN, PropertyType.ARRAY, PropertyType.OBJECT,
)  # fmt: skip

# ?1 is the project, ?2 the name of an event, ?3 the numbers that are asked for, ?4 the first day of a volume.
# The build is looked up in the statement itself: a rebuild that ends in between would leave nothing to read.
_BUILD: Final = "(select build from rollup_builds where project_id = ?1 and state = 'live')"
_EVENT: Final = "(select id from event_names where project_id = ?1 and name = ?2)"
_NOTED: Final = "n.id, n.added_ms, n.name, n.description, n.is_verified, n.is_hidden"
_EVENT_COLUMNS: Final = f"""
    {_NOTED}, r.first_seen_ms, r.last_seen_ms,
    (select coalesce(sum(d.event_count), 0) from event_day_rollups d where d.build = {_BUILD} and d.event = n.id and d.day >= ?4)
"""
_PROPERTY_COLUMNS: Final = f"""
    {_NOTED}, r.event_count, r.strings, r.datetimes, r.numbers, r.booleans, r.arrays, r.objects, r.examples
"""

_texts: Final = msgspec.json.Decoder(list[str])


class _Source(Struct, frozen=True):
    """Where a list comes from: a table of names `n`, and rollups `r`, by whose column `number` it is ordered."""

    names: str
    number: str
    rows: str


_EVENTS: Final = _Source(
    "event_names", "r.event", f"event_rollups r cross join event_names n on n.id = r.event where r.build = {_BUILD}"
)
_PROPERTIES: Final = _Source(
    "property_names",
    "r.property",
    f"property_rollups r cross join property_names n on n.id = r.property where r.build = {_BUILD}",
)
_PROPERTIES_OF_EVENT: Final = _Source(
    "property_names",
    "r.property",
    f"""
    event_property_rollups r cross join property_names n on n.id = r.property
    where r.build = {_BUILD} and r.event = {_EVENT}
    """,
)


class DefinitionLists:
    """Thread-safe. Reads what has been folded; `store.rollups` brings that up to date first.

    Everything raises Unavailable while a project's rollups are made for the first time.
    """

    def __init__(self, meta: Meta, builds: RollupBuilds) -> None:
        self._meta = meta
        self._builds = builds

    def events(self, project_id: str, query: DefinitionsQuery, now_ms: int) -> list[EventDefinition]:
        """Up to `query.limit` of them, newest first.

        A volume is of whole UTC days by the events' own time: from the day of the moment thirty times 24 hours ago on, without an end.
        """
        return self._events(project_id, self._page(_EVENTS, project_id, query), now_ms)

    def properties(self, project_id: str, query: DefinitionsQuery) -> list[PropertyDefinition]:
        """Up to `query.limit` of them, newest first; with an `event`, counts, types and examples are those of its events."""
        source = _PROPERTIES if query.event is None else _PROPERTIES_OF_EVENT
        return self._properties(source, project_id, query.event, self._page(source, project_id, query))

    def note_event(
        self, project_id: str, name: str, change: NotesChange, now_ms: int, noted: Noted | None = None
    ) -> EventDefinition | None:
        """Keep what an owner wrote, durably, and give the definition; None where the project has no such event."""
        numbers = self._note(_EVENTS, project_id, name, change, noted)
        return next(iter(self._events(project_id, numbers, now_ms)), None)

    def note_property(
        self, project_id: str, name: str, change: NotesChange, noted: Noted | None = None
    ) -> PropertyDefinition | None:
        """As `note_event`."""
        numbers = self._note(_PROPERTIES, project_id, name, change, noted)
        return next(iter(self._properties(_PROPERTIES, project_id, None, numbers)), None)

    def _page(self, source: _Source, project_id: str, query: DefinitionsQuery) -> list[int]:
        """The numbers of a page. A search looks at every name: there are ten thousand at most, in a few milliseconds."""
        if not self._builds.has_live(project_id, NAME):
            return []
        rows = self._meta.rows(
            f"""
            select n.id, n.name
            from {source.rows} and {source.number} < ?3 and n.is_hidden <= ?4 and ?2 is ?2
            order by {source.number} desc
            limit ?5
            """,
            project_id,
            query.event,
            _BEYOND if query.before_id is None else query.before_id,
            int(query.include_hidden),
            query.limit if query.search is None else -1,
        )
        needle = folded(query.search or "")
        return [_int(number) for number, name in rows if needle in folded(str(name))][: query.limit]

    def _events(self, project_id: str, numbers: list[int], now_ms: int) -> list[EventDefinition]:
        rows = self._rows(_EVENTS, _EVENT_COLUMNS, project_id, None, numbers, now_ms // DAY_MS - VOLUME_DAYS)
        return [
            EventDefinition(_int(row[0]), _int(row[1]), str(row[2]), _int(row[8]), _int(row[6]), _int(row[7]), _notes(row))
            for row in rows
        ]

    def _properties(self, source: _Source, project_id: str, event: str | None, numbers: list[int]) -> list[PropertyDefinition]:
        return [
            PropertyDefinition(
                _int(row[0]),
                _int(row[1]),
                str(row[2]),
                type_of(dict(zip(_KINDS, map(_int, row[7:13]), strict=True))),
                _int(row[6]),
                tuple(msgspec.Raw(text[EXAMPLE_DIGITS:].encode()) for text in _texts.decode(str(row[13]))),
                _notes(row),
            )
            for row in self._rows(source, _PROPERTY_COLUMNS, project_id, event, numbers, 0)
        ]

    def _rows(
        self, source: _Source, columns: str, project_id: str, event: str | None, numbers: list[int], first_day: int
    ) -> list[Row]:
        listed = msgspec.json.encode(numbers).decode()
        # What isn't used is named all the same, since values are bound by their places.
        sql = f"""
            select {columns}
            from {source.rows} and {source.number} in (select value from json_each(?3)) and ?2 is ?2 and ?4 is ?4
            order by {source.number} desc
        """
        return self._meta.rows(sql, project_id, event, listed, first_day) if numbers else []

    def _note(self, source: _Source, project_id: str, name: str, change: NotesChange, noted: Noted | None) -> list[int]:
        """The name's number; none where the project has no such name."""
        if not self._builds.has_live(project_id, NAME):
            return []
        given = {"description": change.description, "is_verified": change.is_verified, "is_hidden": change.is_hidden}
        with self._meta.together() as writer:
            numbers = _numbers(writer, f"select n.id from {source.rows} and n.name = ?2", project_id, name)
            for number in numbers:
                before = _said(writer, source, number)
                for column, value in given.items():
                    if value is not None:
                        writer.execute(f"update {source.names} set {column} = nullif(?, '') where id = ?", (value, number))
                if noted is not None:
                    noted(name, before, _said(writer, source, number))
            return numbers


def _said(writer: apsw.Connection, source: _Source, number: int) -> Notes:
    sql = f"select description, is_verified, is_hidden from {source.names} where id = ?"
    ((description, is_verified, is_hidden),) = writer.execute(sql, (number,)).fetchall()
    return Notes(None if description is None else str(description), bool(is_verified), bool(is_hidden))


def _numbers(writer: apsw.Connection, sql: str, *values: Value) -> list[int]:
    return [_int(number) for (number,) in writer.execute(sql, values).fetchall()]


def _notes(row: Row) -> Notes:
    description = row[3]
    return Notes(None if description is None else str(description), bool(row[4]), bool(row[5]))


def _int(value: Value) -> int:
    assert isinstance(value, int)
    return value
