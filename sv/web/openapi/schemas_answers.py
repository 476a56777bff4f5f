"""Answers as structs, for their JSON Schemas.

Answers for what a caller gets, field by field. Nothing is ever encoded from these: handlers answer what `sv.insights` and `sv.ingest` make,
and tests hold those answers to the schemas, closed: a field that is not here fails them.
"""

import inspect
from typing import Annotated, Any, Final, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

from sv.imports.receiving import MAX_ERRORS
from sv.ingest.events import DropReason
from sv.model import errors
from sv.model.calendar import Interval
from sv.model.queries import AggregateBy, Math, Mode

CODES = sorted({kind.code for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.SvError)})

_DISTINCT_ID: Final = (
    "Whose event it is: the user id where it has one, else the anonymous id; with `identity: merged`, whom that belongs to, which is the"
    " user of the earliest event with both ids. An id that ever came as a user id belongs to nobody else."
)
Code: TypeAlias = Annotated[str, Meta(description="What kind of error, for programs.", extra_json_schema={"enum": CODES})]
Message: TypeAlias = Annotated[str, Meta(description="What went wrong, for people: it names the field and the value.")]
Time: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$",
        extra_json_schema={"format": "date-time"},
        examples=["2025-01-31T12:00:00.000Z"],
    ),
]
Count: TypeAlias = Annotated[int, Meta(ge=0)]
Ratio: TypeAlias = Annotated[float, Meta(ge=0, le=1)]
Seconds: TypeAlias = Annotated[float, Meta(ge=0)]
ElapsedMs: TypeAlias = Annotated[float, Meta(ge=0, description="Milliseconds that the query took, without waiting in line.")]
BreakdownValue: TypeAlias = Annotated[
    Any,
    Meta(
        description="The property's value, any JSON; `$other` for the values beyond the limit; null for events without the property."
    ),
]


class Error(Struct):
    """Every error but 422."""

    error: Message
    code: Code


class Detail(Struct):
    field: Annotated[str, Meta(description="The field's path.", examples=["steps[1].event"])]
    message: str


class ValidationError(Struct):
    """A body of the wrong shape. All wrong fields are found in one go, of which at most 50 are listed."""

    error: Message
    code: Literal["VALIDATION_ERROR"]
    details: Annotated[list[Detail], Meta(min_length=1, max_length=50)]


class Rejection(Struct):
    index: Annotated[int, Meta(ge=0, description="The event's place in the request, from 0.")]
    code: DropReason
    message: str


class IngestAnswer(Struct):
    status: Literal["accepted"]
    accepted: Annotated[int, Meta(ge=1, description="Events stored now, or stored before under the same `eventId`.")]
    rejected: Count
    errors: Annotated[list[Rejection], Meta(description="The rejected events, in order.")]


class IngestRefusal(Struct):
    """Every event was rejected."""

    error: Message
    code: Literal["VALIDATION_ERROR"]
    status: Literal["rejected"]
    accepted: Literal[0]
    rejected: Annotated[int, Meta(ge=1)]
    errors: Annotated[list[Rejection], Meta(min_length=1)]


class Event(Struct):
    id: Annotated[
        str,
        Meta(description="A UUIDv7 whose time is the event's.", extra_json_schema={"format": "uuid"}, pattern="^[0-9a-f-]{36}$"),
    ]
    event: str
    timestamp: Annotated[Time, Meta(description="When it happened.")]
    received_at: Annotated[Time, Meta(description="When the server got it.")]
    distinct_id: Annotated[str, Meta(description=_DISTINCT_ID)]
    anonymous_id: str | None
    user_id: str | None
    session_id: Annotated[str, Meta(description="The client's, else the derived one.")]
    groups: list[str]
    properties: Annotated[
        dict[str, Any], Meta(description="As they were sent, and what ingest added under names that the client did not send.")
    ]


class ListMeta(Struct):
    next_cursor: Annotated[str | None, Meta(description="For the next page; null on the last.", examples=["eyJ0cyI6MTc0MDk5…"])]
    has_more: bool


IsBehind: TypeAlias = Annotated[
    bool | UnsetType,
    Meta(description="There, and true, while the disk refuses writes and keeps the list from having the newest events."),
]


class FoldedMeta(ListMeta):
    is_behind: IsBehind = UNSET


class EventList(Struct):
    data: list[Event]
    meta: ListMeta


ShownEvent: TypeAlias = Annotated[str, Meta(description="The event's name, or the smart event's own.")]
ShownActionId: TypeAlias = Annotated[str | UnsetType, Meta(description="The smart event's id; there for a smart event alone.")]


class TrendsSeries(Struct):
    event: ShownEvent
    math: Math
    math_property: str | None
    breakdown_value: BreakdownValue
    values: Annotated[list[float | None], Meta(description="One for each label.")]
    total: Annotated[float | None, Meta(description="The measure over the whole range.")]
    action_id: ShownActionId = UNSET


class TrendsAnswer(Struct):
    """Series for each event asked for, in that order."""

    interval: Interval
    date_from: Time
    date_to: Annotated[Time, Meta(description="Where the range ends, itself excluded.")]
    timezone: str
    breakdown: str | None
    labels: Annotated[list[Time], Meta(min_length=1, description="Where each bucket begins.")]
    series: list[TrendsSeries]
    elapsed_ms: ElapsedMs


class FunnelStep(Struct):
    step: Annotated[int, Meta(ge=1)]
    event: ShownEvent
    count: Annotated[Count, Meta(description="Who reached this step.")]
    conversion_rate: Annotated[Ratio | None, Meta(description="Of those at step 1.")]
    step_conversion_rate: Annotated[Ratio | None, Meta(description="Of those at the step before; at step 1, of itself.")]
    drop_off: Annotated[Count, Meta(description="Who reached the step before, and not this one.")]
    median_seconds: Annotated[Seconds | None, Meta(description="From step 1, over those who reached this one.")]
    average_seconds: Annotated[Seconds | None, Meta(description="Likewise.")]
    action_id: ShownActionId = UNSET


class FunnelBreakdown(Struct):
    breakdown_value: BreakdownValue
    steps: list[FunnelStep]
    conversion_rate: Ratio | None


class FunnelAnswer(Struct):
    steps: list[FunnelStep]
    conversion_rate: Annotated[Ratio | None, Meta(description="Of those at step 1, who reached the last.")]
    conversion_window: str
    date_from: Time
    date_to: Annotated[Time, Meta(description="Where the range ends, itself excluded.")]
    timezone: str
    aggregate_by: AggregateBy
    modes: list[Mode]
    breakdown: str | None
    elapsed_ms: ElapsedMs
    breakdowns: Annotated[list[FunnelBreakdown] | UnsetType, Meta(description="There with a `breakdown` alone.")] = UNSET


class ImportState(Struct):
    import_id: str
    chunks: Annotated[list[int], Meta(description="Numbers of the chunks that are in, ascending.")]


class ImportRejection(Struct):
    batch: Annotated[int, Meta(ge=0, description="The event's batch in the chunk, from 0.")]
    index: Annotated[int, Meta(ge=0, description="The event's place in the batch, from 0.")]
    code: DropReason
    message: str


class ImportAnswer(Struct):
    taken: Annotated[
        Count, Meta(description="Events stored: without rejected ones, and without those whose `eventId` was stored before.")
    ]
    rejected: Count
    already: Annotated[bool, Meta(description="The chunk was in before, and nothing was done.")]
    rejected_by_code: Annotated[dict[str, int], Meta(description="How many for which reason (a `DropReason`).")]
    errors: Annotated[list[ImportRejection], Meta(max_length=MAX_ERRORS, description="The first rejected events.")]


class Health(Struct):
    status: Literal["ok"]


class HealthWarned(Struct):
    """Writes are taken, and won't be for ever unless somebody acts."""

    status: Literal["ok"]
    warnings: Annotated[list[Message], Meta(min_length=1, description="Such as that the disk is nearly full, without figures.")]


class HealthFault(Struct):
    """Why writes are refused. Reading may go on."""

    status: Literal["unavailable"]
    error: Message
    code: Literal["UNAVAILABLE"]
