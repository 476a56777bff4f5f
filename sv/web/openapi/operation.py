"""What is said of an operation, and what an example of one is: the shapes that every topic's descriptions have."""

from typing import Any, Final

from msgspec import Struct

from sv.model import limits

JSON: Final = "application/json"
TEXT: Final = "text/plain"


class Answer(Struct, frozen=True):
    """An answer that is not an error: what it means, and its body (several schemas: one of them).

    other_media: schemas by the media types that the body may have otherwise.
    """

    description: str
    body: tuple[type, ...] = ()
    media_type: str = JSON
    schema: dict[str, Any] | None = None
    other_media: dict[str, dict[str, Any]] = {}


class Operation(Struct, frozen=True, kw_only=True):
    """errors: statuses besides those that follow from the permission, each with an example of its message, "" for the shared one.

    body: the request's, by media type; raw_body: likewise, as a schema that has no name; needs_body: it can't be left out. parameters: as
    OpenAPI has them, without those of the path.
    """

    tag: str
    summary: str
    description: str
    answers: dict[int, Answer]
    errors: dict[int, str]
    body: dict[str, type] = {}
    raw_body: dict[str, dict[str, Any]] = {}
    needs_body: bool = True
    parameters: tuple[dict[str, Any], ...] = ()


class Example(Struct, frozen=True, kw_only=True):
    """body: of the request, None where it has none. A text stands for itself, all else is JSON; `answer` likewise.

    A request that is refused is shown by its answer alone.
    """

    name: str
    summary: str
    path: dict[str, str | int] = {}
    query: dict[str, Any] = {}
    body: Any = None
    media_type: str = JSON
    status: int = 200
    answer: Any = None


def query_parameter(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter of the query string, as OpenAPI has it."""
    return {"name": name, "in": "query", "description": description, "schema": schema}


PAGE_PARAMETERS: Final = (
    query_parameter(
        "limit",
        "Items on a page.",
        {"type": "integer", "minimum": 1, "maximum": limits.LIST_LIMIT_MAX, "default": limits.LIST_LIMIT_DEFAULT},
    ),
    query_parameter(
        "cursor",
        "The `next_cursor` of the page before. Keep the other parameters as they were.",
        {"type": "string", "minLength": 1, "maxLength": limits.MAX_CURSOR_CHARS, "pattern": "^[A-Za-z0-9_-]+$"},
    ),
)
"""What every list takes."""

LISTING: Final = {400: "", 404: "", 503: ""}
"""The errors of reading something of a project."""
