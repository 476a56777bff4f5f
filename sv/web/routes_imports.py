"""Routes by which `sv import` brings a file into a running server, a chunk a request."""

import asyncio
import re
from collections.abc import Callable
from typing import Final

from litestar import Response, get, post
from litestar.exceptions import InternalServerException
from litestar.params import FromPath

from sv.imports.receiving import MAX_CHUNK_BODY_BYTES, MAX_CHUNK_NUMBER
from sv.model.errors import InvalidParameter, PayloadTooLarge, UnsupportedMedia
from sv.model.limits import MAX_UPLOAD_SECONDS
from sv.model.validate import show
from sv.web.paths import name_of
from sv.web.permissions import READ_PROJECT, WRITE_PROJECT
from sv.web.requests import PROJECT, AnyRequest, answer, ask_again, project_of, refuse_parameters, services_of

_IMPORT_ID: Final = re.compile(r"[0-9a-f]{32}")
_NUMBER: Final = re.compile(r"[0-9]{1,16}")


@get(f"{PROJECT}/imports/{{import_id:str}}", operation_id="get_import", opt={"permission": READ_PROJECT})
async def get_import_route(request: AnyRequest, project_id: FromPath[str], import_id: FromPath[str]) -> Response[bytes]:
    """The chunks of an import that are in; none of one that nobody has begun."""
    project = await project_of(request, project_id)
    refuse_parameters(request)
    return answer(await asyncio.to_thread(services_of(request).imports.state, project.id, _checked_id(import_id)))


@post(
    f"{PROJECT}/imports/{{import_id:str}}/chunks/{{chunk_no:str}}",
    operation_id="take_import_chunk",
    opt={"permission": WRITE_PROJECT},
    status_code=200,
    request_max_body_size=None,  # counted here, against a bound of its own
)
async def take_import_chunk_route(
    request: AnyRequest, project_id: FromPath[str], import_id: FromPath[str], chunk_no: FromPath[str]
) -> Response[bytes]:
    """Take in a chunk, whole and once."""
    project = await project_of(request, project_id)
    refuse_parameters(request)
    import_id, number = _checked_id(import_id), _checked_number(chunk_no)
    content_type = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if content_type != "application/json":
        raise UnsupportedMedia(f"expected application/json, got {content_type[:60]!r} (Content-Type)")
    encoding = request.headers.get("content-encoding", "").strip().lower()
    receiver = services_of(request).imports
    with receiver.admit(project.id) as arrive:
        data = await _body_of(request, arrive)
        await ask_again(request)
        async with receiver.turn():
            return answer(await asyncio.to_thread(receiver.take, project.id, import_id, number, data, encoding))


def _checked_id(import_id: str) -> str:
    if _IMPORT_ID.fullmatch(import_id) is None:
        raise InvalidParameter(f"expected 32 hexadecimal digits, got {show(name_of(import_id))} (import_id)")
    return import_id


def _checked_number(text: str) -> int:
    """As JSON would have it: Python itself reads other scripts' digits, blanks and underscores too."""
    if _NUMBER.fullmatch(text) is None:
        raise InvalidParameter(f"expected a whole number from 1 to {MAX_CHUNK_NUMBER:,}, got {show(name_of(text))} (chunk_no)")
    return int(text)


async def _body_of(request: AnyRequest, arrive: Callable[[int], None]) -> bytes:
    """The body as it was sent. Raises PayloadTooLarge as soon as it is, InvalidParameter where it takes longer than MAX_UPLOAD_SECONDS,
    and what `arrive` does, which is told of each piece."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > MAX_CHUNK_BODY_BYTES:
        raise PayloadTooLarge(f"expected at most {MAX_CHUNK_BODY_BYTES} bytes, got {declared} (body)")
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(MAX_UPLOAD_SECONDS):
            async for part in request.stream():
                size += len(part)
                if size > MAX_CHUNK_BODY_BYTES:
                    raise PayloadTooLarge(f"expected at most {MAX_CHUNK_BODY_BYTES} bytes, got more (body)")
                arrive(len(part))
                parts.append(part)
    except TimeoutError:  # others wait for the place
        raise InvalidParameter(f"the body took longer than {MAX_UPLOAD_SECONDS} seconds (body)") from None
    except InternalServerException:  # the framework's word for a client that has gone
        raise InvalidParameter("the request ended before its body did (body)") from None
    return b"".join(parts)
