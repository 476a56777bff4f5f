"""Routes of recordings: one that lists a session's chunks, and the three that `RecordingsDoor` answers, as the framework knows them.

The stubs answer nothing: the door takes their paths first. A test holds the two to each other.
"""

import asyncio
import re
from typing import Final, NoReturn

from litestar import Response, get, post, put
from litestar.params import FromPath

from sv.model.errors import InvalidParameter, NotFound
from sv.model.limits import MAX_CHUNK_INDEX
from sv.model.validate import clip, show
from sv.objects.signing import OBJECTS
from sv.web.origin import origin_of
from sv.web.paths import name_of
from sv.web.permissions import PROJECT_TOKEN, READ_PROJECT, SIGNED_URL
from sv.web.recordings_door import INGEST_RECORDINGS
from sv.web.requests import PROJECT, AnyRequest, answer, project_of, services_of

_OBJECT: Final = f"{OBJECTS}{{key:path}}"
_INDEX: Final = re.compile(r"[0-9]{1,6}", re.ASCII)


@get(f"{PROJECT}/sessions/{{session_id:str}}/recording", operation_id="get_recording", opt={"permission": READ_PROJECT})
async def get_recording_route(request: AnyRequest, project_id: FromPath[str], session_id: FromPath[str]) -> Response[bytes]:
    """The chunks of a session's recording, in order, with URLs to download them from."""
    project = await project_of(request, project_id)
    after = _after(request)
    services = services_of(request)
    origin = origin_of(request.scope, services.public_url, services.base_path)
    # SCAR: a few who read recordings held all of asyncio's threads while a bucket didn't answer, and nobody could log in or ask anything.
    read, session = services.recordings.list_chunks, name_of(session_id)
    loop = asyncio.get_running_loop()
    chunks = await loop.run_in_executor(services.recording_threads, read, project.id, session, origin, after)
    return answer({"chunks": chunks})


def _after(request: AnyRequest) -> int:
    """The chunk after which to read on; -1 where none is given."""
    after = -1
    for name, value in request.query_params.multi_items():
        if name != "after":
            raise InvalidParameter(f"{clip(name)}: unknown parameter; this route takes after")
        if after >= 0:
            raise InvalidParameter(f"after: expected once, got {after} and {show(value)}")
        if not _INDEX.fullmatch(value) or int(value) > MAX_CHUNK_INDEX:
            raise InvalidParameter(f"after: expected a whole number from 0 to {MAX_CHUNK_INDEX:,}, got {show(value)}")
        after = int(value)
    return after


@post(INGEST_RECORDINGS, status_code=200, operation_id="ingest_recording", opt={"permission": PROJECT_TOKEN})
async def ingest_recordings_stub() -> None:
    """`RecordingsDoor._promise` answers."""
    _never()


@put(_OBJECT, operation_id="put_object", opt={"permission": SIGNED_URL})
async def put_object_stub(key: FromPath[str]) -> None:  # noqa: ARG001 - the path's
    """`RecordingsDoor._put` answers."""
    _never()


@get(_OBJECT, operation_id="get_object", opt={"permission": SIGNED_URL})
async def get_object_stub(key: FromPath[str]) -> None:  # noqa: ARG001
    """`RecordingsDoor._get` answers."""
    _never()


def _never() -> NoReturn:
    """Reached by a path that only the framework takes for one of these."""
    raise NotFound("no such route")
