"""Query parameters that several lists take, as OpenAPI has them."""

from typing import Any, Final

from sv.model import limits
from sv.web.openapi.operation import JSON, PAGE_PARAMETERS, query_parameter


def query_json(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter whose text is JSON."""
    return {"name": name, "in": "query", "description": description, "content": {JSON: {"schema": schema}}}


def ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def text(longest: int) -> dict[str, Any]:
    return {"type": "string", "minLength": 1, "maxLength": longest}


DATED_LIST_PARAMETERS: Final = (
    *PAGE_PARAMETERS,
    query_parameter("date_from", "Where the range begins; absent: with the first event.", ref("DateText")),
    query_parameter(
        "date_to", "Where the range ends; absent: with the last event, also one that a client dates ahead.", ref("DateText")
    ),
)
EVENT_PARAMETERS: Final = (
    query_parameter("event", "Only events of this name.", text(limits.MAX_EVENT_NAME_CHARS) | {"pattern": r"\S"}),
    query_parameter(
        "action_id", "Only events that this smart event means, by its id; not together with `event`.", text(limits.MAX_ID_CHARS)
    ),
    query_parameter(
        "distinct_id",
        "Only this person's events; with merged identity those under all of the person's ids.",
        text(limits.MAX_ID_CHARS),
    ),
    query_parameter(
        "session_id", "Only events of this session, also of a derived one, as answers name it.", text(limits.MAX_ID_CHARS)
    ),
    query_json(
        "filters",
        "All of them must hold. JSON.",
        {"type": "array", "items": ref("Filter"), "maxItems": limits.MAX_FILTERS},
    ),
    query_json(
        "properties",
        "Short for an `exact` filter on each. JSON.",
        {
            "type": "object",
            "propertyNames": text(limits.MAX_PROPERTY_NAME_CHARS),
            "additionalProperties": ref("EqualValue"),
            "maxProperties": limits.MAX_FILTERS,
        },
    ),
)
