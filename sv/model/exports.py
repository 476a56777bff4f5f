"""An export of events as a value: which events, in what form, and in which pieces they are read.

Answers for the query string of an export and for how its days are put together. Assumes the decoded pairs of a query string. Never reads.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from sv.model.calendar import parse_list_range
from sv.model.errors import InvalidParameter, ValidationFailed
from sv.model.limits import DAY_MS, EXPORT_ORDERED_EVENTS, EXPORT_PIECE_EVENTS, MAX_TIMESTAMP_MS
from sv.model.list_parsing import Parameters
from sv.model.queries import EventsQuery
from sv.model.query_parsing import EVENTS_PARAMETERS, parse_events_query
from sv.model.validate import Problems, clip, read_choice

OWN_PARAMETERS: Final = ("format", "received_before")
LEFT_OUT: Final = ("limit", "cursor", "distinct_id", "session_id")
"""Of the list's parameters, what an export has not: it has no pages, and a person's export is one of its own."""

EXPORT_PARAMETERS: Final = (*OWN_PARAMETERS, *(name for name in EVENTS_PARAMETERS if name not in LEFT_OUT))


class ExportFormat(StrEnum):
    """Of an export's content."""

    NDJSON = "ndjson"
    CSV = "csv"
    PARQUET = "parquet"


class ExportQuery(Struct, frozen=True):
    """The events of a list's query that were received before `received_before_ms`."""

    events: EventsQuery
    format: ExportFormat = ExportFormat.NDJSON
    received_before_ms: int = MAX_TIMESTAMP_MS


class Piece(Struct, frozen=True):
    """Neighbouring days, read together: a half-open range of event time, and how many events were counted in it."""

    from_ms: int
    to_ms: int
    events: int

    @property
    def is_ordered(self) -> bool:
        """Whether its events come in the order of their time: where they are not too many to be sorted in passing."""
        return self.events <= EXPORT_ORDERED_EVENTS


def parse_export_query(parameters: Iterable[tuple[str, str]], *, timezone: str, now_ms: int) -> ExportQuery:
    """An export from a query string's pairs. timezone: the project's.

    Errors: InvalidParameter for wrong values, unknown parameters and those given twice.
    """
    pairs = list(parameters)
    for name, _ in pairs:
        if name not in EXPORT_PARAMETERS:
            raise InvalidParameter(f"{clip(name)}: unknown parameter; the parameters are {', '.join(EXPORT_PARAMETERS)}")
    problems = Problems()
    own = Parameters((pair for pair in pairs if pair[0] in OWN_PARAMETERS), OWN_PARAMETERS, problems)
    wanted = own.get("format")
    form = ExportFormat.NDJSON if wanted is None else read_choice(wanted, "format", ExportFormat, problems)
    before_ms = MAX_TIMESTAMP_MS
    text = own.get("received_before")
    if text is not None:
        try:
            fault = _received_before
            before_ms = parse_list_range(None, text, zone=ZoneInfo(timezone), now_ms=now_ms, fault=fault).to_ms
        except ValidationFailed as error:
            problems.take(error)
    problems.finish_parameters()
    rest = [pair for pair in pairs if pair[0] not in OWN_PARAMETERS]
    query = parse_events_query(rest, timezone=timezone, now_ms=now_ms, without=LEFT_OUT)
    return ExportQuery(query, form or ExportFormat.NDJSON, before_ms)


def _received_before(_: str, message: str) -> ValidationFailed:
    return ValidationFailed.at("received_before", message)


def pieces_of(days: Sequence[tuple[int, int]], from_ms: int, to_ms: int) -> list[Piece]:
    """Neighbouring days together until they have events enough. days: (start of a UTC day, events), ascending, within [from_ms, to_ms)."""
    pieces: list[Piece] = []
    begun_ms, counted = 0, 0
    for day_ms, events in days:
        if not counted:
            begun_ms = max(day_ms, from_ms)
        counted += events
        if counted >= EXPORT_PIECE_EVENTS:
            pieces.append(Piece(begun_ms, min(day_ms + DAY_MS, to_ms), counted))
            counted = 0
    if counted:
        pieces.append(Piece(begun_ms, min(days[-1][0] + DAY_MS, to_ms), counted))
    return pieces
