"""A table's rows in blocks (`sv.imports.blocks`): column by column, what ingest's decoder says of each value and no more."""

from collections.abc import Callable, Iterator, Sequence
from datetime import tzinfo
from typing import Any, Final, cast, get_type_hints

import msgspec
from msgspec import Struct

from sv.imports.blocks import decoded_lines
from sv.imports.columns import FIELDS, USER_AGENT_COLUMNS
from sv.imports.moments import Times, all_to_ms
from sv.imports.rows import BadRow, Row
from sv.ingest.events import ShallowEvent, ShallowProperties, WireEvent
from sv.model.json_repair import repair

Record = Sequence[Any]
"""A row, a value a column."""

Convert = Callable[[Any], Any]

_TYPES: Final = {
    field: list[kind]  # pyright: ignore[reportInvalidTypeArguments] - a type that is told at run time
    for field, kind in get_type_hints(WireEvent, include_extras=True).items()
}
_FIELD_OF: Final = {name: field for field, other in FIELDS.items() for name in (field, other)}
_VALUE_BYTES: Final = 24
"""Of a value beside its text, as JSON."""

_properties: Final = msgspec.json.Decoder(ShallowProperties)
_groups: Final = msgspec.json.Decoder(get_type_hints(WireEvent, include_extras=True)["groups"])


class Table(Struct, frozen=True):
    """How the columns of a table are read, by their places.

    fields: columns that are ingest's fields. extras: columns that are properties, each with its conversion. in_zone: converts a numeric
    time to the timezone; None where it stays as it is. row: makes a row of a record and its two places. is_empty_none: whether an empty
    text is no value.
    """

    fields: dict[str, int]
    extras: tuple[tuple[str, int, Convert | None], ...]
    in_zone: Callable[[int, tzinfo], int] | None
    row: Callable[[int, int, Record], Row | BadRow]
    is_empty_none: bool


def table_of(
    names: Sequence[str],
    converts: dict[int, Convert],
    row: Callable[[int, int, Record], Row | BadRow],
    in_zone: Callable[[int, tzinfo], int] | None = None,
    *,
    is_empty_none: bool,
) -> Table | None:
    """The table of columns that mean what their names say; None where its rows are to be read one by one. converts: of properties."""
    if not USER_AGENT_COLUMNS.isdisjoint(names):
        return None
    fields = {_FIELD_OF[name]: place for place, name in enumerate(names) if name in _FIELD_OF}
    extras = tuple((name, place, converts.get(place)) for place, name in enumerate(names) if name not in _FIELD_OF)
    return Table(fields, extras, in_zone, row, is_empty_none)


def _length(column: Sequence[Any]) -> int:
    """Of its texts. Most columns have nothing else, but for values that are none."""
    try:
        return sum(map(len, filter(None, column)))
    except TypeError:
        return sum(len(value) for value in column if type(value) is str)


def _groups_of(texts: Sequence[Any]) -> Sequence[list[str] | None] | None:
    """Those of each row; None where a text is no list in JSON, which may be meant in another way."""
    if all(text is None for text in texts):
        return cast("Sequence[None]", texts)
    if not all(text is None or (type(text) is str and text.startswith("[")) for text in texts):
        return None
    try:
        known = {text: _groups.decode(repair(text.encode())) for text in set(texts) if text is not None}
    except (msgspec.DecodeError, RecursionError):
        return None
    return [known.get(text) for text in texts]


class TableBlock(Struct, frozen=True, gc=False):
    """Rows of a table. places, ends: of each record."""

    table: Table
    records: Sequence[Record]
    places: Sequence[int]
    ends: Sequence[int]

    @property
    def size(self) -> int:
        columns = zip(*self.records, strict=True)
        return sum(map(_length, columns)) + _VALUE_BYTES * len(self.records) * len(self.records[0])

    @property
    def end(self) -> int:
        return self.ends[-1]

    def part(self, low: int, high: int) -> "TableBlock":
        return TableBlock(self.table, self.records[low:high], self.places[low:high], self.ends[low:high])

    def rows(self) -> Iterator[Row | BadRow]:
        return map(self.table.row, self.places, self.ends, self.records)

    def events(self, zone: tzinfo) -> tuple[Sequence[ShallowEvent], Times] | None:
        columns = list(zip(*self.records, strict=True))
        fields: dict[str, Sequence[Any]] = {field: columns[place] for field, place in self.table.fields.items()}
        if self.table.is_empty_none:
            fields = {field: [value or None for value in column] for field, column in fields.items()}
        none = (None,) * len(self.records)
        times = fields.get("timestamp", none)
        in_zone = self.table.in_zone
        if in_zone:
            times = [in_zone(time, zone) if type(time) is int else time for time in times]
        fields.pop("timestamp", None)
        times = all_to_ms(times, zone)
        properties = self._properties(fields.pop("properties", none))
        groups = _groups_of(fields.pop("groups", none))
        try:
            if isinstance(times, list):
                msgspec.convert(times, _TYPES["timestamp"])
            for field, values in fields.items():
                msgspec.convert(values, _TYPES[field])
        except msgspec.ValidationError:
            return None
        if properties is None or groups is None:
            return None
        fields |= {"properties": properties, "groups": groups}
        events = list(map(ShallowEvent, *(fields.get(field, none) for field in ShallowEvent.__struct_fields__)))
        return events, times

    def _properties(self, texts: Sequence[Any]) -> Sequence[ShallowProperties | None] | None:
        """Those of each row, also its other columns; None where a text is no object."""
        found: Sequence[ShallowProperties | None] | None = texts
        if any(text is not None for text in texts):
            if not all(type(text) is str or text is None for text in texts):
                return None
            lines = repair("\n".join("{}" if text is None else text for text in texts).encode())
            decoded = decoded_lines(lines, len(texts), _properties)
            if decoded is None:
                return None
            found = [None if text is None else value for text, value in zip(texts, decoded, strict=True)]
        if not self.table.extras:
            return found
        return [
            extra | own if extra and own else extra or own
            for extra, own in zip(map(self._extra, self.records), found, strict=True)
        ]

    def _extra(self, record: Record) -> ShallowProperties:
        none = "" if self.table.is_empty_none else None
        return {
            name: value if convert is None else convert(value)
            for name, place, convert in self.table.extras
            if (value := record[place]) != none
        }
