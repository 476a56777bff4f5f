"""The operation that says what ingest rejected lately, as `operations` has those of the other topics."""

from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct

from sv.ingest.events import DropReason
from sv.ingest.rejected import MAX_REJECTED_PROJECTS, MAX_REJECTED_SAMPLES
from sv.web.openapi.operation import Answer, Example, Operation
from sv.web.openapi.schemas_answers import Count, Time


class RejectedSample(Struct):
    """One rejected event, without any value of it."""

    at: Annotated[Time, Meta(description="When the request came.")]
    index: Annotated[int, Meta(ge=0, description="The event's place in the request, from 0.")]
    events: Annotated[int, Meta(ge=1, description="How many events the request had.")]
    field: Annotated[str | None, Meta(description="The event's field that was wrong; null for the event as a whole.")]
    expected: Annotated[str, Meta(description="What should have been there.")]
    got: Annotated[
        Literal["string", "number", "boolean", "array", "object"] | None,
        Meta(description="The kind of JSON that was there; null for none."),
    ]


class RejectedReason(Struct):
    code: DropReason
    count: Annotated[int, Meta(ge=1)]
    last_at: Time
    samples: Annotated[list[RejectedSample], Meta(min_length=1, max_length=MAX_REJECTED_SAMPLES, description="Newest first.")]


class Rejections(Struct):
    since: Annotated[Time, Meta(description="Since when these were counted: the server's start, at the earliest.")]
    rejected: Annotated[Count, Meta(description="Events, by all reasons together.")]
    reasons: Annotated[list[RejectedReason], Meta(description="The most frequent first.")]


_DESCRIPTION: Final = (
    "Which events of the project ingest rejected since the server started, and why: the same codes that their senders were told. Kept in "
    f"memory alone, {MAX_REJECTED_SAMPLES} samples a code, for the {MAX_REJECTED_PROJECTS} projects that had some last. No value that was "
    "sent is among it. Requests refused as a whole are not in it (they name no project that is known): `sv_ingest_refused_total` of "
    "`/metrics` counts them. What an import rejects is in its answers."
)

REJECTION_OPERATIONS: Final[dict[str, Operation]] = {
    "get_rejections": Operation(
        tag="Ingest",
        summary="What was rejected lately, and why",
        description=_DESCRIPTION,
        answers={200: Answer("Counts, and samples.", (Rejections,))},
        errors={400: "limit: unknown parameter; this route takes none", 404: "", 503: ""},
    ),
}

_TIME: Final = "2025-03-05T10:00:00.000Z"
_SAMPLE: Final[dict[str, Any]] = {
    "at": _TIME,
    "index": 0,
    "events": 1,
    "field": None,
    "expected": "a userId or an anonymousId",
    "got": None,
}

REJECTION_EXAMPLES: Final[dict[str, tuple[Example, ...]]] = {
    "get_rejections": (
        Example(
            name="anonymous",
            summary="An event of nobody",
            path={"project_id": "dev"},
            answer={
                "since": "2025-03-05T09:00:00.000Z",
                "rejected": 1,
                "reasons": [{"code": "MISSING_IDENTITY", "count": 1, "last_at": _TIME, "samples": [_SAMPLE]}],
            },
        ),
    ),
}
