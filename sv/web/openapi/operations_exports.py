"""The operations of exports, as `operations` has those of the other topics."""

from typing import Any, Final

from msgspec import Struct

from sv.model.exports import LEFT_OUT, ExportFormat
from sv.web.openapi.operation import LISTING, Answer, Example, Operation, query_parameter
from sv.web.openapi.parameters import DATED_LIST_PARAMETERS, EVENT_PARAMETERS, ref


class ExportPiece(Struct, frozen=True):
    """Neighbouring days of an export: `date_from` and `date_to` to ask for them by, and how many events were counted."""

    date_from: str
    date_to: str
    events: int


class ExportPlan(Struct, frozen=True):
    """The pieces of an export in the order of time. `received_before` is to be sent with each of them."""

    received_before: str
    events: int
    pieces: list[ExportPiece]


_EXPORT: Final = """\
The events of a range, in the fields of ingest (`event`, `timestamp`, `anonymousId`, `userId`, `sessionId`, `groups`, `eventId`,
`properties`), so that `sv import` takes them in again; `properties` are those that other answers show, with what enrichment added, but
for `utm_…` of an `$identify`, whose properties are traits. Days follow each other; within a day events come in the order of their time,
unless the day has more than 400,000, or an hour more than memory can sort. In CSV and Parquet, `properties` is JSON text, and so is
`groups` in CSV.

The answer is read as it is sent, from one moment's events, however long that takes. One that was broken off lacks the proper end
of an HTTP message, and clients such as curl say so. Two exports are read at a time, others get 503; who takes nothing of an export for
a minute loses it to the next one that asks."""

_PLAN: Final = """\
For tools such as `sv export`, which asks for one piece after the other and goes on where it was stopped. Events that are received after the
plan was made are left out of each piece that is asked for with the plan's `received_before`."""

_PARAMETERS: Final[tuple[dict[str, Any], ...]] = (
    query_parameter(
        "format",
        "Of the answer.",
        {"type": "string", "enum": [each.value for each in ExportFormat], "default": ExportFormat.NDJSON.value},
    ),
    query_parameter("received_before", "Only events that the server received before then. As `date_to`.", ref("DateText")),
    *(each for each in DATED_LIST_PARAMETERS + EVENT_PARAMETERS if each["name"] not in LEFT_OUT),
)

_WRONG: Final = {400: 'format: expected one of ndjson, csv, parquet, got "xml"'}
_ERRORS: Final = LISTING | _WRONG | {503: "other exports are being read; try again soon"}

EXPORT_OPERATIONS: Final[dict[str, Operation]] = {
    "export_events": Operation(
        tag="Exports",
        summary="Export events",
        description=_EXPORT,
        parameters=_PARAMETERS,
        answers={
            200: Answer(
                "The events.",
                media_type="application/x-ndjson",
                schema={"type": "string"},
                other_media={"text/csv": {"type": "string"}, "application/vnd.apache.parquet": {"type": "string"}},
            )
        },
        errors=_ERRORS,
    ),
    "plan_export": Operation(
        tag="Exports",
        summary="How an export is divided",
        description=_PLAN,
        parameters=_PARAMETERS,
        answers={200: Answer("The pieces.", (ExportPlan,))},
        errors=LISTING | _WRONG,
    ),
}

EXPORT_EXAMPLES: Final[dict[str, tuple[Example, ...]]] = {
    "plan_export": (
        Example(
            name="two_days",
            summary="The events of two days, whenever they were received",
            path={"project_id": "dev"},
            query={"date_from": "2025-03-03", "date_to": "2025-03-04", "received_before": "2100-01-01T00:00:00Z"},
            answer={
                "received_before": "2100-01-01T00:00:00.000Z",
                "events": 6,
                "pieces": [{"date_from": "2025-03-03T00:00:00.000Z", "date_to": "2025-03-05T00:00:00.000Z", "events": 6}],
            },
        ),
    ),
}
