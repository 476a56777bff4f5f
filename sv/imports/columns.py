"""From a file's columns to an ingest event.

A column is known by the name of a field of ingest, as clients write it (`anonymousId`) or with underscores (`anonymous_id`). Every other
column is a property; where `properties` has the same name, `properties` wins. `user_agent` (`userAgent`) is a property too, and what the
event is enriched from, since web logs have it. `--map` gives a column another meaning.

Nothing is guessed. Two columns of one meaning are an error, and so is a table without a name or an id for its events, or one whose time
seems to be in a column of another name: events at the time of the import can't be told from others later.
"""

from collections.abc import Iterable
from datetime import tzinfo
from typing import Any, Final

import msgspec
from msgspec import Struct

from sv.imports.moments import to_ms
from sv.imports.rows import Source
from sv.ingest.events import DropReason
from sv.model.errors import InvalidParameter
from sv.model.json_repair import repair
from sv.model.validate import show

FIELDS: Final = {
    "event": "event",
    "timestamp": "timestamp",
    "anonymousId": "anonymous_id",
    "userId": "user_id",
    "sessionId": "session_id",
    "properties": "properties",
    "groups": "groups",
    "eventId": "event_id",
}
"""The fields of ingest, with their names in the other case style."""

USER_AGENT: Final = "user_agent"
USER_AGENT_COLUMNS: Final = frozenset({USER_AGENT, "userAgent"})
PROPERTIES_PREFIX: Final = "properties."
MAX_SHOWN_COLUMNS: Final = 30
MAX_EXACT_FLOAT: Final = 2.0**53
"""Whole numbers of this size and more are not told apart as floats: no ids."""

_IDS: Final = frozenset({"anonymousId", "userId", "sessionId"})
_TEXTS: Final = frozenset({*_IDS, "eventId"})
_LIKELY_IDS: Final = ("distinct_id", "distinctId", "uid", "user", "visitor_id", "visitorId", "client_id", "clientId", "device_id")
_LIKELY_TIMES: Final = frozenset(
    {"ts", "time", "date", "datetime", "created_at", "createdat", "event_time", "eventtime", "event_timestamp", "eventtimestamp"}
    | {"event_date", "occurred_at", "occurredat", "@timestamp", "timestamp_ms", "timestamp_utc", "sent_at", "sentat"}
    | {"received_at", "receivedat", "server_time", "client_time"}
)
_LIKELY_EVENTS: Final = ("event_name", "eventName", "name", "event_type", "eventType", "action", "type")


class RowError(Exception):
    """A row from which no event can be made, and why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Meaning(Struct, frozen=True):
    """What a column is for: a field of ingest, a property, both as `user_agent` is, or nothing."""

    field: str | None = None
    property_name: str | None = None
    is_user_agent: bool = False

    def __str__(self) -> str:
        if self.is_user_agent:
            return USER_AGENT
        return self.field or (PROPERTIES_PREFIX + self.property_name if self.property_name else "")


def _by_name() -> dict[str, Meaning]:
    known = {name: Meaning(field) for field, other in FIELDS.items() for name in (field, other)}
    return known | {name: Meaning(property_name=name, is_user_agent=True) for name in USER_AGENT_COLUMNS}


class Columns:
    """What each column of a file means. mapped: what the user said, by column."""

    def __init__(self, mapped: dict[str, Meaning]) -> None:
        self.mapped = mapped
        self._meanings = _by_name() | mapped

    @classmethod
    def parse(cls, assignments: Iterable[str]) -> "Columns":
        """From `column=field`, `column=properties.name`, `column=user_agent` and `column=` (left out). Raises InvalidParameter."""
        mapped: dict[str, Meaning] = {}
        for text in assignments:
            column, equals, wanted = text.rpartition("=")
            if not equals or not column or column in mapped:
                raise InvalidParameter(f"expected COLUMN=FIELD, each column once, got {show(text)} (--map)")
            mapped[column] = _meaning(column, wanted)
        return cls(mapped)

    def describe(self) -> list[tuple[str, str]]:
        """What the user said, in an order of its own, as part of what an import is known by."""
        return sorted((column, str(meaning)) for column, meaning in self.mapped.items())

    @property
    def are_plain(self) -> bool:
        """Whether every column means what its name says."""
        return not self.mapped

    def of(self, column: str) -> Meaning:
        return self._meanings.get(column) or Meaning(property_name=column)

    def must_be_text(self, column: str) -> bool:
        """Whether the column's values are no property, and so are never read as numbers or booleans."""
        return self.of(column).field is not None

    def check(self, source: Source, name: str) -> None:
        """Raises InvalidParameter for a table that can't be meant. name: the file's."""
        if source.columns is None:
            return
        listed = _listed(source.columns)
        for column in self.mapped:
            if column not in source.columns:
                raise InvalidParameter(f"{name} has no column {show(column)}; it has {listed} (--map)")
        owner: dict[str, str] = {}
        for column in source.columns:
            meaning = str(self.of(column)) if self.of(column).field or self.of(column).is_user_agent else ""
            if meaning and meaning in owner:
                raise InvalidParameter(_ambiguous(name, owner[meaning], column, meaning))
            owner[meaning] = column
        if "event" not in owner:
            raise InvalidParameter(_missing(name, "the event's name", "event", _LIKELY_EVENTS, source.columns))
        if not _IDS & owner.keys() - {"sessionId"}:
            raise InvalidParameter(_missing(name, "a userId or an anonymousId", "userId", _LIKELY_IDS, source.columns))
        self.check_times(source, source.columns, name)

    def check_times(self, source: Source, columns: Iterable[str], name: str) -> None:
        """Raises InvalidParameter where none of the columns is the timestamp and one seems to be."""
        columns = list(columns)
        if any(self.of(column).field == "timestamp" for column in columns):
            return
        for column in columns:
            is_likely = column.lower() in _LIKELY_TIMES or source.looks_like_time(column)
            if is_likely and column not in self.mapped:
                raise InvalidParameter(
                    f"{name}: no column is the timestamp, but {show(column)} seems to be one: --map {column}=timestamp,"
                    f" or --map {column}={PROPERTIES_PREFIX}{column} where it is a property and events happen at their import"
                )

    def event_of(self, fields: dict[str, Any], zone: tzinfo, *, has_text_fields: bool) -> tuple[dict[str, Any], str]:
        """The event of a row as clients send it, not yet checked, and its User-Agent ("" for none). Raises RowError."""
        event: dict[str, Any] = {}
        extra: dict[str, Any] = {}
        user_agent = ""
        for column, value in fields.items():
            meaning = self._meanings.get(column)
            if meaning is None:
                extra.setdefault(column, value)
            elif meaning.field is not None:
                if value is not None:
                    if meaning.field in event:
                        raise RowError(DropReason.WRONG_TYPE, f"expected one {meaning.field}, got two columns of that meaning")
                    event[meaning.field] = _converted(meaning.field, value, zone, has_text_fields)
            elif meaning.property_name is not None:
                extra[meaning.property_name] = value
                if meaning.is_user_agent and isinstance(value, str):
                    user_agent = value
        properties = event.get("properties")
        if extra and properties is None:
            event["properties"] = extra
        elif extra and isinstance(properties, dict):
            event["properties"] = extra | properties
        return event, user_agent


def _meaning(column: str, wanted: str) -> Meaning:
    if not wanted:
        return Meaning()
    if wanted.startswith(PROPERTIES_PREFIX) and wanted != PROPERTIES_PREFIX:
        return Meaning(property_name=wanted.removeprefix(PROPERTIES_PREFIX))
    known = _by_name().get(wanted)
    if known is None:
        fields = ", ".join([*FIELDS, USER_AGENT])
        raise InvalidParameter(f"expected {fields}, {PROPERTIES_PREFIX}NAME or nothing, got {show(wanted)} (--map)")
    return Meaning(property_name=column, is_user_agent=True) if known.is_user_agent else known


def _converted(field: str, value: Any, zone: tzinfo, has_text_fields: bool) -> Any:
    if field == "timestamp":
        return to_ms(value, zone)
    if field in _TEXTS:
        return _id_text(value)
    if has_text_fields and isinstance(value, str):
        if field == "properties":
            return decode_json_field(field, value)
        if field == "groups":
            return decode_json_field(field, value) if value.lstrip().startswith("[") else [value]
    return value


def _id_text(value: Any) -> Any:
    """An id that is a number as text; what is no id stays as it is, for ingest's rules to refuse."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float) and abs(value) < MAX_EXACT_FLOAT:
        return str(int(value)) if value.is_integer() else str(value)
    return value


def decode_json_field(field: str, text: str) -> Any:
    """The value of JSON text. Raises RowError, naming the field."""
    try:
        return msgspec.json.decode(repair(text.encode()))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RowError(DropReason.WRONG_TYPE, f"expected JSON, got {show(text)}: {error} ({field})") from None
    except RecursionError:
        raise RowError(DropReason.NESTED_TOO_DEEP, f"expected JSON that is not nested so deeply ({field})") from None


def _missing(name: str, what: str, field: str, likely: tuple[str, ...], columns: Iterable[str]) -> str:
    columns = list(columns)
    guess = next((column for column in likely if column in columns), "COLUMN")
    return f"{name}: no column is {what}; it has {_listed(columns)}. Name one: --map {guess}={field}"


def _ambiguous(name: str, first: str, second: str, meaning: str) -> str:
    return (
        f"{name}: the columns {show(first)} and {show(second)} are both {meaning};"
        f" give one another meaning: --map {second}={PROPERTIES_PREFIX}{second}"
    )


def _listed(columns: Iterable[str]) -> str:
    columns = list(columns)
    shown = ", ".join(columns[:MAX_SHOWN_COLUMNS])
    rest = len(columns) - MAX_SHOWN_COLUMNS
    return f"{shown} and {rest} more" if rest > 0 else shown
