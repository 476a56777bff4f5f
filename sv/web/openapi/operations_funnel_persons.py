"""The list of a funnel's persons: its operation and its body, as `operations` and `schemas_requests` have those of the other topics."""

from typing import Annotated, Any, Final, Literal, TypeAlias

from msgspec import UNSET, Meta

from sv.model import limits
from sv.model.queries import Outcome
from sv.web.openapi import schemas_persons as persons
from sv.web.openapi.operation import JSON, Answer, Operation
from sv.web.openapi.schemas_requests import FunnelRequest

OUTCOME: Final = """\
`converted` are those who reached the step, as its `count` says; `dropped_off` those who reached the step before and not this one, as its
`drop_off` says."""

_DESCRIPTION: Final = """\
Who the figures of a funnel are: persons as their own list shows them, newest first. The body is the funnel's, with `step` and `outcome`
beside it; what is listed in all is what the funnel counts there.

- With a `breakdown`, `breakdown_value` asks for the persons of one line: a value as the funnel answers it, `"$other"`, or null for persons
  without the property. Where it is absent the list is of all lines.
- `aggregate_by` is `person`: what a funnel by session counts are no persons (422).
- Each page asks the funnel again. Persons keep their places, so that each is listed once; who comes to belong to the list meanwhile, or
  no longer does, is seen as of the page."""

_NOT_JSON: Final = "the body is not JSON: JSON is malformed: object keys must be strings (byte 1) (body)"
_ByPerson: TypeAlias = Annotated[Literal["person"] | None, Meta(description="Whose funnel it is.")]


class FunnelPersonsRequest(FunnelRequest, forbid_unknown_fields=True, kw_only=True):
    step: Annotated[
        int,
        Meta(ge=1, le=limits.MAX_STEPS, description="A step of the funnel, from 1; from 2 on where `outcome` is `dropped_off`."),
    ]
    outcome: Outcome
    aggregate_by: _ByPerson = "person"  # pyright: ignore[reportIncompatibleVariableOverride] - nobody writes to it
    breakdown_value: Annotated[Any, Meta(description="One value of the `breakdown`, any JSON; absent: all.")] = UNSET
    limit: Annotated[Annotated[int, Meta(ge=1, le=limits.LIST_LIMIT_MAX)] | None, Meta(description="Persons on a page.")] = (
        limits.LIST_LIMIT_DEFAULT
    )
    cursor: Annotated[
        Annotated[str, Meta(max_length=limits.MAX_CURSOR_CHARS)] | None,
        Meta(description="The `next_cursor` of the page before. Keep the other fields as they were."),
    ] = None


FUNNEL_PERSON_OPERATIONS: Final[dict[str, Operation]] = {
    "list_funnel_persons": Operation(
        tag="Insights",
        summary="Who a funnel's figures are",
        description=_DESCRIPTION,
        body={JSON: FunnelPersonsRequest},
        answers={200: Answer("A page of persons.", (persons.PersonList,))},
        errors={400: _NOT_JSON, 404: "", 413: "", 415: "", 422: "", 503: ""},
    ),
}
