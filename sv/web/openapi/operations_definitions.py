"""What the operations of definitions take and answer, by their ids, and examples of them. Answers for the same as `operations` does."""

from typing import Any, Final

from sv.model import limits
from sv.web.openapi import schemas_definitions as schemas
from sv.web.openapi.operation import JSON, PAGE_PARAMETERS, Answer, Example, Operation, query_parameter

DEFINITION_PATH_PARAMETERS: Final[dict[str, dict[str, Any]]] = {
    "name": {
        "description": "The name, percent-encoded whole: a slash in it is `%2F`; `.` and `..` are `=.` and `=..`.",
        "schema": {"type": "string", "minLength": 1},
    },
}

DEFINITION_TAGS: Final = {"Definitions": "Names of events and of properties."}

PROPERTY_TYPE: Final = """\
What all values are that were ever stored under the name: values of one kind give that kind, values of several kinds `string`, in
whatever order they came. `datetime` is a string that is an ISO 8601 date, or date and time; null is no value."""

_LISTED: Final = f"""\
Newest first: the name that the server heard of last comes first, a place that never changes. It is up to date with every event that was
answered 202 before. At most {limits.MAX_EVENT_NAMES:,} names of events, {limits.MAX_PROPERTY_NAMES:,} of properties and
{limits.MAX_PROPERTY_PAIRS:,} pairs of an event and a property are kept for a project; those that come later are in no list."""

_PROPERTIES: Final = f"""\
{_LISTED} Properties are those that queries see: the client's, of which the first {limits.MAX_PROPERTIES_PER_EVENT} of an event are looked
at, and those that ingest adds."""

_CHANGE: Final = "Keeps what owners say of a name: a description, whether it is verified, and whether lists leave it out."

_LIST_PARAMETERS: Final = (
    *PAGE_PARAMETERS,
    query_parameter(
        "search",
        "Only names with this in them, upper and lower case being the same.",
        {"type": "string", "minLength": 1, "maxLength": limits.MAX_PROPERTY_NAME_CHARS},
    ),
    query_parameter(
        "include_hidden", "Whether hidden ones are listed too.", {"type": "string", "enum": ["true", "false"], "default": "false"}
    ),
)
_EVENT_PARAMETER: Final = query_parameter(
    "event",
    "Only properties of events of this name, with counts, types and examples of those events alone.",
    {"type": "string", "minLength": 1, "maxLength": limits.MAX_EVENT_NAME_CHARS, "pattern": r"\S"},
)
_LISTING: Final = {400: "", 404: "", 503: ""}
_NOT_JSON: Final = "the body is not JSON: JSON is malformed: object keys must be strings (byte 1) (body)"
_CHANGING: Final = {400: _NOT_JSON, 413: "", 415: "", 422: 'is_hidden: expected true or false, got "yes"', 503: ""}

DEFINITION_OPERATIONS: Final[dict[str, Operation]] = {
    "list_event_definitions": Operation(
        tag="Definitions",
        summary="List the names of events",
        description=_LISTED,
        parameters=_LIST_PARAMETERS,
        answers={200: Answer("A page of names.", (schemas.EventDefinitionList,))},
        errors=_LISTING,
    ),
    "update_event_definition": Operation(
        tag="Definitions",
        summary="Say something of an event's name",
        description=_CHANGE,
        body={JSON: schemas.DefinitionRequest},
        answers={200: Answer("The definition as it is now.", (schemas.EventDefinition,))},
        errors=_CHANGING | {404: 'no event "purchase" (name)'},
    ),
    "list_property_definitions": Operation(
        tag="Definitions",
        summary="List the names of properties",
        description=_PROPERTIES,
        parameters=(*_LIST_PARAMETERS, _EVENT_PARAMETER),
        answers={200: Answer("A page of names.", (schemas.PropertyDefinitionList,))},
        errors=_LISTING,
    ),
    "update_property_definition": Operation(
        tag="Definitions",
        summary="Say something of a property's name",
        description=f"{_CHANGE} The answer counts all events.",
        body={JSON: schemas.DefinitionRequest},
        answers={200: Answer("The definition as it is now.", (schemas.PropertyDefinition,))},
        errors=_CHANGING | {404: 'no property "prize" (name)'},
    ),
}

_PURCHASE: Final = {
    "name": "purchase_completed",
    "description": None,
    "is_verified": False,
    "is_hidden": False,
    "volume_30d": 0,
    "first_seen": "2025-03-03T09:03:30.000Z",
    "last_seen": "2025-03-03T09:03:30.000Z",
}
_AMOUNT: Final = {
    "name": "amount",
    "description": None,
    "is_verified": False,
    "is_hidden": False,
    "type": "number",
    "event_count": 1,
    "example_values": [49.9],
}
_ONE_PAGE: Final = {"next_cursor": None, "has_more": False}

DEFINITION_EXAMPLES: Final[dict[str, tuple[Example, ...]]] = {
    "list_event_definitions": (
        Example(
            name="purchases",
            summary="Events with `purchase` in their names",
            path={"project_id": "dev"},
            query={"search": "purchase", "limit": 10},
            answer={"data": [_PURCHASE], "meta": _ONE_PAGE},
        ),
    ),
    "update_event_definition": (
        Example(
            name="describe",
            summary="What a purchase is",
            path={"project_id": "dev", "name": "purchase_completed"},
            body={"description": "A paid order.", "is_verified": True},
            answer=_PURCHASE | {"description": "A paid order.", "is_verified": True},
        ),
    ),
    "list_property_definitions": (
        Example(
            name="of_purchases",
            summary="A property of purchases",
            path={"project_id": "dev"},
            query={"event": "purchase_completed", "search": "amount"},
            answer={"data": [_AMOUNT], "meta": _ONE_PAGE},
        ),
    ),
    "update_property_definition": (
        Example(
            name="hide",
            summary="Leave a property out of lists",
            path={"project_id": "dev", "name": "amount"},
            body={"is_hidden": True},
            answer=_AMOUNT | {"is_hidden": True},
        ),
    ),
}
