"""What each operation takes and answers, by its id.

Answers for summaries, descriptions, parameters, bodies, answers and the errors that a caller can meet there. What follows from a route
itself is not here: its path and methods are the route's, its credentials (with 401 and 403) the route's permission, its examples
`examples`. An operation without a route is left out of the document; a route without an operation here fails a test.
"""

from typing import Any, Final

from sv.imports.receiving import MAX_CHUNK_NUMBER
from sv.model import limits
from sv.web.openapi import schemas_answers as answers
from sv.web.openapi import schemas_requests as requests
from sv.web.openapi import texts
from sv.web.openapi.operation import JSON, LISTING, TEXT, Answer, Operation
from sv.web.openapi.operations_client import CLIENT_OPERATIONS
from sv.web.openapi.operations_dashboards import DASHBOARD_OPERATIONS, DASHBOARD_PATH_PARAMETERS, DASHBOARD_TAGS
from sv.web.openapi.operations_definitions import DEFINITION_OPERATIONS, DEFINITION_PATH_PARAMETERS, DEFINITION_TAGS
from sv.web.openapi.operations_exports import EXPORT_OPERATIONS
from sv.web.openapi.operations_funnel_persons import FUNNEL_PERSON_OPERATIONS
from sv.web.openapi.operations_jobs import JOB_OPERATIONS, JOB_PATH_PARAMETERS, JOB_TAGS
from sv.web.openapi.operations_overview import OVERVIEW_OPERATIONS
from sv.web.openapi.operations_people import PEOPLE_OPERATIONS, PEOPLE_PATH_PARAMETERS, PEOPLE_TAGS
from sv.web.openapi.operations_persons import PERSON_OPERATIONS
from sv.web.openapi.operations_recordings import RECORDING_OPERATIONS, RECORDING_PATH_PARAMETERS
from sv.web.openapi.operations_rejections import REJECTION_OPERATIONS
from sv.web.openapi.operations_sessions import SESSION_OPERATIONS
from sv.web.openapi.operations_smart_events import SMART_OPERATIONS, SMART_PATH_PARAMETERS
from sv.web.openapi.operations_sql import SQL_OPERATIONS
from sv.web.openapi.parameters import DATED_LIST_PARAMETERS, EVENT_PARAMETERS

PATH_PARAMETERS: Final[dict[str, dict[str, Any]]] = {
    "project_id": {"description": "The project's id.", "schema": {"type": "string"}},
    "event_id": {"description": "The event's id, as lists show it.", "schema": {"type": "string", "format": "uuid"}},
    "distinct_id": {
        "description": "The person's distinct id, any character of it percent-encoded where a path can't have it, a `/` too;"
        " `.` and `..` are `=.` and `=..`.",
        "schema": {"type": "string", "minLength": 1},
    },
    **DEFINITION_PATH_PARAMETERS,
    **RECORDING_PATH_PARAMETERS,
    **JOB_PATH_PARAMETERS,
    **SMART_PATH_PARAMETERS,
    **DASHBOARD_PATH_PARAMETERS,
    **PEOPLE_PATH_PARAMETERS,
    "import_id": {
        "description": "32 hexadecimal digits of the client's choice. `sv import` makes them from the file, so that it can go on.",
        "schema": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
    },
    "chunk_no": {
        "description": "The chunk's number: the place in the file up to which it reaches, so that the largest one says where to go on.",
        "schema": {"type": "integer", "minimum": 1, "maximum": MAX_CHUNK_NUMBER},
    },
}

_ENCODING: Final = {
    "name": "Content-Encoding",
    "in": "header",
    "description": "`gzip` where the body is compressed.",
    "schema": {"type": "string", "enum": ["gzip", "identity"]},
}

_ABSENT: Final = "01955b3e-fed0-7000-8000-000000000000"
_NO_PARAMETERS: Final = "limit: unknown parameter; this route takes none"
_NOT_JSON: Final = "the body is not JSON: JSON is malformed: object keys must be strings (byte 1) (body)"
_INSIGHT: Final = {
    400: _NOT_JSON,
    404: "",
    413: "",
    415: "",
    422: "",
    503: "",
}

OPERATIONS: Final[dict[str, Operation]] = {
    "ingest_events": Operation(
        tag="Ingest",
        summary="Store events",
        description=texts.INGEST,
        parameters=(_ENCODING,),
        body={JSON: requests.IngestRequest, TEXT: requests.IngestRequest},
        answers={
            202: Answer("Stored, but for the events in `errors`.", (answers.IngestAnswer,)),
            422: Answer(
                "Nothing was stored: every event was rejected, or the body is no such request.",
                (answers.IngestRefusal, answers.ValidationError),
            ),
        },
        errors={
            400: _NOT_JSON,
            401: "unknown project token 'sv_pub_nobod…' (projectToken)",
            413: f"expected at most {limits.MAX_EVENTS_PER_REQUEST} events, got {limits.MAX_EVENTS_PER_REQUEST + 1} (events)",
            415: "expected application/json or text/plain, got 'text/csv' (Content-Type)",
            503: "more events arrive than can be written; nothing of this request was stored",
        },
    ),
    **CLIENT_OPERATIONS,
    **REJECTION_OPERATIONS,
    "list_events": Operation(
        tag="Events",
        summary="List events, newest first",
        description="Events of one millisecond come in a fixed order. Bots' events are listed too. A page of large events ends after "
        "8 MiB of their properties, with fewer events than `limit`.",
        parameters=DATED_LIST_PARAMETERS + EVENT_PARAMETERS,
        answers={200: Answer("A page of events.", (answers.EventList,))},
        errors=LISTING,
    ),
    "get_event": Operation(
        tag="Events",
        summary="Get one event",
        description="An event by its id.",
        answers={200: Answer("The event.", (answers.Event,))},
        errors=LISTING | {400: 'expected a UUID, got "e-1" (event_id)', 404: f"no event {_ABSENT} (event_id)"},
    ),
    **PERSON_OPERATIONS,
    "query_trends": Operation(
        tag="Insights",
        summary="A measure over time",
        description=texts.TRENDS,
        body={JSON: requests.TrendsRequest},
        answers={200: Answer("The series, with the resolved query.", (answers.TrendsAnswer,))},
        errors=_INSIGHT,
    ),
    "query_funnel": Operation(
        tag="Insights",
        summary="How many go through steps in order",
        description=texts.FUNNEL,
        body={JSON: requests.FunnelRequest},
        answers={200: Answer("The funnel, with the resolved query.", (answers.FunnelAnswer,))},
        errors=_INSIGHT,
    ),
    **FUNNEL_PERSON_OPERATIONS,
    **OVERVIEW_OPERATIONS,
    **SQL_OPERATIONS,
    **DEFINITION_OPERATIONS,
    **SMART_OPERATIONS,
    **DASHBOARD_OPERATIONS,
    "get_import": Operation(
        tag="Imports",
        summary="What of an import is in",
        description="For tools such as `sv import`, which sends a file in chunks and goes on where it was stopped.",
        answers={200: Answer("The chunks that are in; none of an import that nobody has begun.", (answers.ImportState,))},
        errors=LISTING | {400: 'expected 32 hexadecimal digits, got "x" (import_id)'},
    ),
    "take_import_chunk": Operation(
        tag="Imports",
        summary="Take in a chunk of events",
        description=texts.IMPORT,
        parameters=(_ENCODING,),
        body={JSON: requests.ImportChunk},
        answers={200: Answer("What became of the chunk.", (answers.ImportAnswer,))},
        errors={
            400: _NOT_JSON,
            404: "",
            413: f"batches[0]: expected at most {limits.MAX_EVENTS_PER_REQUEST} events, got {limits.MAX_EVENTS_PER_REQUEST + 1} (events)",
            415: "",
            422: "body: object missing required field `batches`",
            503: "other imports are being taken in; try again soon",
        },
    ),
    **EXPORT_OPERATIONS,
    **SESSION_OPERATIONS,
    **RECORDING_OPERATIONS,
    **JOB_OPERATIONS,
    **PEOPLE_OPERATIONS,
    "get_health": Operation(
        tag="Server",
        summary="Whether events are taken",
        description="Needs no credentials. HEAD is answered too.",
        answers={
            200: Answer("Requests are served.", (answers.Health, answers.HealthWarned)),
            503: Answer("Writes are refused, and why. Reading may go on.", (answers.HealthFault,)),
        },
        errors={},
    ),
    "get_metrics": Operation(
        tag="Server",
        summary="Metrics for Prometheus",
        description="Figures without personal data: no project's name, no event's name, no address.",
        answers={200: Answer("Prometheus' text format.", media_type=TEXT, schema={"type": "string"})},
        errors={400: _NO_PARAMETERS},
    ),
    "get_schema": Operation(
        tag="Server",
        summary="This document",
        description="The server's routes as OpenAPI 3.1.",
        answers={200: Answer("An OpenAPI document.", media_type="application/vnd.oai.openapi+json", schema={"type": "object"})},
        errors={400: _NO_PARAMETERS},
    ),
    "reset_server": Operation(
        tag="Development",
        summary="Empty the server",
        description=texts.RESET,
        answers={204: Answer("Empty now.")},
        errors={400: _NO_PARAMETERS, 503: ""},
    ),
}

TAGS: Final = {
    "Ingest": "Events in.",
    "Events": "Events as they were stored.",
    "Persons": "Whose events they are.",
    "Sessions": "Events that belong together.",
    **DEFINITION_TAGS,
    "Insights": "Questions about many events.",
    "Recordings": "What visitors did on their pages, in chunks.",
    "Smart events": "Names for what people do, by rules.",
    "Saved insights": "Names for queries.",
    **DASHBOARD_TAGS,
    **JOB_TAGS,
    "Imports": "Files of events, in chunks.",
    "Exports": "Events as files.",
    **PEOPLE_TAGS,
    "Server": "The server itself.",
    "Development": "Under `sv dev` alone.",
}
