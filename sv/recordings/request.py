"""The body of a request for a URL to upload to. As in all of ingest, unknown fields are ignored and text is repaired."""

from typing import Final, cast

import msgspec

from sv.model.limits import MAX_CHUNK_BYTES, MAX_CHUNK_INDEX, MAX_ID_CHARS
from sv.model.validate import Fields, Problems, not_json

FIELDS: Final = ("projectToken", "sessionId", "anonymousId", "userId", "chunkIndex", "sizeBytes")


class UploadRequest(msgspec.Struct, frozen=True):
    """Who wants to upload which chunk of which session, and how large it is."""

    project_token: str
    session_id: str
    chunk_index: int
    size: int
    anonymous_id: str | None
    user_id: str | None


def parse_upload_request(body: bytes) -> UploadRequest:
    """Raises InvalidParameter for what is no JSON, ValidationFailed naming every wrong field."""
    try:
        data = cast("object", msgspec.json.decode(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise not_json(body, error) from None
    problems = Problems()
    known = tuple(cast("dict[str, object]", data)) if isinstance(data, dict) else FIELDS
    fields = Fields(data, "", known, problems)
    problems.finish()
    token = fields.require("projectToken", "the project token, a string")
    if token is not None and not isinstance(token, str):
        problems.unexpected("projectToken", "the project token, a string", token)
    fields.require("sessionId", f"a string of 1 to {MAX_ID_CHARS} characters")
    fields.require("chunkIndex", f"a whole number from 0 to {MAX_CHUNK_INDEX:,}")
    fields.require("sizeBytes", f"a whole number from 1 to {MAX_CHUNK_BYTES:,}")
    found = UploadRequest(
        project_token=str(token),
        session_id=fields.text("sessionId", MAX_ID_CHARS) or "",
        chunk_index=fields.whole("chunkIndex", 0, MAX_CHUNK_INDEX, 0),
        size=fields.whole("sizeBytes", 1, MAX_CHUNK_BYTES, 1),
        anonymous_id=fields.text("anonymousId", MAX_ID_CHARS),
        user_id=fields.text("userId", MAX_ID_CHARS),
    )
    problems.finish()
    return found
