"""The errors that every operation shares, by status.

Answers for the name, the meaning and an example of each. The statuses and codes are `sv.model.errors`; messages vary.
"""

from typing import Any, Final

from msgspec import Struct

from sv.model.limits import MAX_QUERY_BODY_BYTES


class SharedError(Struct, frozen=True):
    """name: of the component. example: a message that the server gives."""

    name: str
    code: str
    description: str
    example: str
    has_retry_after: bool = False


ERRORS: Final[dict[int, SharedError]] = {
    400: SharedError(
        "InvalidParameter",
        "INVALID_PARAMETER",
        "A parameter, a cursor, or a body that is not JSON.",
        'limit: expected a whole number from 1 to 1,000, got "0"',
    ),
    401: SharedError(
        "NotAuthenticated",
        "NOT_AUTHENTICATED",
        "No, unknown, expired or revoked credentials.",
        "unknown, expired or revoked API token (Authorization)",
    ),
    403: SharedError(
        "NotAuthorized",
        "NOT_AUTHORIZED",
        "Known credentials that may not do this, or are for another project. Whether that other project exists is not told.",
        'these credentials have no part in project "dev" (project_id)',
    ),
    404: SharedError("NotFound", "NOT_FOUND", "No such project or resource.", 'no project "nowhere" (project_id)'),
    409: SharedError(
        "Conflict",
        "CONFLICT",
        "It exists already, is used by something else, or there are as many as there may be. Nothing was changed.",
        'another smart event of this project is called "Signed up" (name)',
    ),
    413: SharedError(
        "PayloadTooLarge", "PAYLOAD_TOO_LARGE", "The body is too large.", f"expected at most {MAX_QUERY_BODY_BYTES} bytes (body)"
    ),
    415: SharedError(
        "UnsupportedMediaType",
        "UNSUPPORTED_MEDIA_TYPE",
        "The body is of another media type. Without a `Content-Type` it is taken for JSON.",
        "expected application/json, got 'text/csv' (Content-Type)",
    ),
    422: SharedError(
        "ValidationFailed",
        "VALIDATION_ERROR",
        "JSON of the wrong shape; `details` has each wrong field by its path.",
        'breakdown_limit: expected a whole number from 1 to 1,000, got "many"',
    ),
    429: SharedError(
        "RateLimited",
        "RATE_LIMITED",
        "Too many tries.",
        "too many wrong passwords; wait as Retry-After says",
        has_retry_after=True,
    ),
    500: SharedError(
        "InternalError",
        "INTERNAL_ERROR",
        "A fault of the server's own; its log has the details.",
        "something went wrong on the server; its log has the details",
    ),
    503: SharedError(
        "Unavailable",
        "UNAVAILABLE",
        "Overloaded, out of time or memory for this query, shutting down, or the disk refuses. Nothing was stored.",
        "too many queries are waiting; try again soon",
        has_retry_after=True,
    ),
}

RETRY_AFTER: Final[dict[str, Any]] = {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 0}}


def example_of(status: int, message: str = "") -> dict[str, Any]:
    """The body of an error with the message, else with the shared example's."""
    shared = ERRORS[status]
    body: dict[str, Any] = {"error": message or shared.example, "code": shared.code}
    if status == 422:
        field, _, rest = body["error"].partition(": ")
        body["details"] = [{"field": field, "message": rest}]
    return body
