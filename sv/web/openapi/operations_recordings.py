"""Recordings in the OpenAPI document: what their operations take and answer, with schemas and examples.

Answers for the same as `operations`, `schemas_answers`, `schemas_requests` and `examples` do, for this topic.
"""

from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from sv.model import limits
from sv.web.openapi.operation import JSON, TEXT, Answer, Example, Operation, query_parameter
from sv.web.openapi.schemas_answers import Time
from sv.web.openapi.schemas_requests import Id

_KEY: Final = "recordings/dev/s-1/chunk_000000.json"
_MINUTES: Final = "15 minutes"


class RecordingUploadRequest(Struct, rename="camel"):
    """Other fields are ignored."""

    project_token: Annotated[str, Meta(examples=["sv_pub_dev"])]
    session_id: Annotated[Id, Meta(description="The session that is recorded, as its events name it.")]
    chunk_index: Annotated[
        int,
        Meta(ge=0, le=limits.MAX_CHUNK_INDEX, description="The chunk's place in the session. One sent again replaces the first."),
    ]
    size_bytes: Annotated[int, Meta(ge=1, le=limits.MAX_CHUNK_BYTES, description="The chunk's size, to the byte.")]
    anonymous_id: Annotated[Id | None, Meta(description="Whose session it is, so that it is erased with them.")] = None
    user_id: Annotated[Id | None, Meta(description="Likewise.")] = None


class RecordingUpload(Struct, rename="camel"):
    upload_url: Annotated[
        str, Meta(description="Where to send the chunk: this server, or S3.", extra_json_schema={"format": "uri"})
    ]
    method: Annotated[str, Meta(extra_json_schema={"enum": ["PUT"]})]
    headers: Annotated[dict[str, str], Meta(description="Which the request must carry, just so.")]
    key: Annotated[str, Meta(description="The chunk's name in the object store.")]
    expires_at: Annotated[Time, Meta(description="Until when the upload has to have begun.")]


class RecordingChunk(Struct):
    index: Annotated[int, Meta(ge=0, le=limits.MAX_CHUNK_INDEX)]
    size: Annotated[int, Meta(ge=1, description="In bytes.")]
    url: Annotated[
        str, Meta(description=f"Where the chunk is, for {_MINUTES}. Needs no credentials.", extra_json_schema={"format": "uri"})
    ]


class Recording(Struct):
    chunks: Annotated[
        list[RecordingChunk],
        Meta(
            max_length=limits.MAX_LISTED_CHUNKS, description="In order. Chunks that are promised and have not come are left out."
        ),
    ]


_INGEST: Final = f"""\
Answers a URL to which one chunk of a session's recording can be uploaded: with `method` and `headers` as given, exactly `sizeBytes` bytes,
within {_MINUTES}.

- The URL is good for that one chunk. A byte changed in it, another size or another type is refused with 403.
- Any origin may ask, and upload (CORS). Uploading the same chunk again, by the same URL or a new one, replaces it.
- A chunk is listed once its bytes are there. With S3 configured, the URL is S3's and the bytes never pass through this server.
- At most {limits.MAX_CHUNK_BYTES:,} bytes a chunk and {limits.MAX_SESSION_RECORDING_BYTES:,} a session (413 beyond).
- At most 100 users and visitors of a session before the newest (413 beyond).
- The body is JSON, also as `text/plain`, also with `Content-Encoding: gzip`; at most {limits.MAX_RECORDING_BODY_BYTES:,} bytes.
- Never 429. No room for recordings, or too many uploads promised, is 503 with `Retry-After`."""

_SIGNED: Final = (
    query_parameter("expires", "Until when, in Unix seconds.", {"type": "string"}),
    query_parameter("type", "The media type that is signed.", {"type": "string"}),
    query_parameter("sig", "The signature over all the rest.", {"type": "string"}),
)
_SIZE: Final = query_parameter("size", "The size that is signed, in bytes.", {"type": "string"})
_ENCODING: Final = {
    "name": "Content-Encoding",
    "in": "header",
    "description": "`gzip` where the body is compressed.",
    "schema": {"type": "string", "enum": ["gzip", "identity"]},
}
_ANY_JSON: Final[dict[str, Any]] = {"description": "A chunk as the recorder made it. The server never looks into it."}
_NOT_OURS: Final = "expected a URL as this server signed it for this method; a byte of it differs (sig)"

RECORDING_OPERATIONS: Final[dict[str, Operation]] = {
    "ingest_recording": Operation(
        tag="Ingest",
        summary="Ask for a URL to upload a chunk to",
        description=_INGEST,
        parameters=(_ENCODING,),
        body={JSON: RecordingUploadRequest, TEXT: RecordingUploadRequest},
        answers={200: Answer("Where the chunk can be uploaded.", (RecordingUpload,))},
        errors={
            400: "the body is not JSON: JSON is malformed: object keys must be strings (byte 1) (body)",
            401: "unknown project token 'sv_pub_nobod…' (projectToken)",
            413: f"expected at most {limits.MAX_RECORDING_BODY_BYTES} bytes, got more (body)",
            415: "expected application/json or text/plain, got 'text/csv' (Content-Type)",
            422: f"sizeBytes: expected a whole number from 1 to {limits.MAX_CHUNK_BYTES:,}, got 0",
            503: "the room for recordings is used up (recordings_limit)",
        },
    ),
    "get_recording": Operation(
        tag="Recordings",
        summary="Get a session's recording",
        description=(
            "The chunks of a session, in order, each with a URL to download it from. A session may have a recording and no event. "
            f"At most {limits.MAX_LISTED_CHUNKS:,} chunks: read on with `after`."
        ),
        parameters=(
            query_parameter(
                "after",
                "Only chunks after this one.",
                {"type": "integer", "minimum": 0, "maximum": limits.MAX_CHUNK_INDEX},
            ),
        ),
        answers={200: Answer("The chunks.", (Recording,))},
        errors={
            400: f'after: expected a whole number from 0 to {limits.MAX_CHUNK_INDEX:,}, got "x"',
            404: 'no recording of session "s-1" (session_id)',
            503: "",
        },
    ),
    "put_object": Operation(
        tag="Recordings",
        summary="Upload a chunk",
        description=(
            "Where the URLs of `ingest_recording` lead, unless recordings are kept in S3. Not to be built by hand: ask for the URL, and "
            "take it as it is."
        ),
        parameters=(*_SIGNED, _SIZE),
        raw_body={JSON: _ANY_JSON},
        answers={200: Answer("The chunk is stored, durably, and listed.")},
        errors={
            403: _NOT_OURS,
            413: "expected 2 bytes, which the URL is signed for, got more (body)",
            415: "expected no encoding, got 'gzip' (Content-Encoding)",
            503: "the room for recordings is used up (recordings_limit)",
        },
    ),
    "get_object": Operation(
        tag="Recordings",
        summary="Download a chunk",
        description="Where the URLs of `get_recording` lead, unless recordings are kept in S3. HEAD is answered too.",
        parameters=_SIGNED,
        answers={200: Answer("The chunk as it was uploaded, as an attachment.", schema=_ANY_JSON)},
        errors={403: _NOT_OURS, 404: f"no object {_KEY!r} (key)", 503: ""},
    ),
}

RECORDING_PATH_PARAMETERS: Final[dict[str, dict[str, Any]]] = {
    "session_id": {"description": "The session's id.", "schema": {"type": "string"}},
    "key": {"description": "The chunk's name in the object store, slashes included.", "schema": {"type": "string"}},
}

_ADDRESS: Final = f"http://127.0.0.1:8000/api/v1/objects/{_KEY}?expires=1741083301"
_SIGNATURE: Final = "&sig=" + 64 * "0"

_UPLOAD: Final = {
    "uploadUrl": f"{_ADDRESS}&size=2&type=application%2Fjson{_SIGNATURE}",
    "method": "PUT",
    "headers": {"Content-Type": "application/json"},
    "key": _KEY,
    "expiresAt": "2025-03-04T10:15:01.000Z",
}
RECORDING_EXAMPLES: Final[dict[str, tuple[Example, ...]]] = {
    "ingest_recording": (
        Example(
            name="first_chunk",
            summary="The first chunk of a session, of two bytes",
            body={"projectToken": "sv_pub_dev", "sessionId": "s-1", "userId": "ann", "chunkIndex": 0, "sizeBytes": 2},
            answer=_UPLOAD,
        ),
        Example(
            name="as_text",
            summary="As text, which browsers send elsewhere without asking first",
            media_type="text/plain",
            body='{"projectToken": "sv_pub_dev", "sessionId": "s-1", "chunkIndex": 0, "sizeBytes": 2}',
            answer=_UPLOAD,
        ),
    ),
    "get_recording": (
        Example(
            name="one_chunk",
            summary="A session of one chunk",
            path={"project_id": "dev", "session_id": "s-1"},
            answer={"chunks": [{"index": 0, "size": 2, "url": f"{_ADDRESS}&type=application%2Fjson{_SIGNATURE}"}]},
        ),
    ),
    "get_object": (Example(name="a_chunk", summary="A chunk without events", path={"key": _KEY}, answer=[]),),
}
