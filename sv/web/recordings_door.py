"""The ASGI door for recordings: asking for a URL to upload to, and what such URLs of the server's own lead to.

    POST /api/v1/ingest/recordings           a URL for one chunk; the project token is in the body
    PUT, GET /api/v1/objects/<key>?…&sig=…   the chunk itself; the URL's signature is the credential

Without a framework in between, since a chunk goes piece by piece from the network to the disk and is never whole in memory, and since
browsers of any origin come here: each answer, refusals too, carries the headers of CORS. Described in the OpenAPI document by stubs
(`routes_recordings`).
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

import msgspec

from sv.auth.tokens import unknown_project_token
from sv.ingest.body import inflate
from sv.model.errors import (
    InvalidParameter,
    MethodNotAllowed,
    NotAuthorized,
    NotFound,
    PayloadTooLarge,
    Unavailable,
    UnsupportedMedia,
)
from sv.model.json_repair import repair
from sv.model.limits import (
    MAX_BODY_SECONDS,
    MAX_CHUNK_BYTES,
    MAX_DRAIN_SECONDS,
    MAX_PIECE_BYTES,
    MAX_RECORDING_BODY_BYTES,
    MAX_UPLOAD_SECONDS,
)
from sv.objects.folder import FolderStore, Upload
from sv.objects.signing import OBJECTS, Grant
from sv.recordings.opening import Opened
from sv.recordings.request import parse_upload_request
from sv.web.errors import error_answer
from sv.web.front import (
    ACCEPTED_TYPES,
    ANY_ORIGIN,
    PREFLIGHT,
    READABLE_HEADERS,
    Opening,
    Receive,
    Scope,
    Send,
    respond,
    secured,
)
from sv.web.origin import origin_of

log = logging.getLogger(__name__)

Result = TypeVar("Result")
THREADS: Final = 4
INGEST_RECORDINGS: Final = "/api/v1/ingest/recordings"
_INGEST_PATHS: Final = (INGEST_RECORDINGS, f"{INGEST_RECORDINGS}/")
_JSON: Final = (b"content-type", b"application/json")
_OBJECT_PREFLIGHT: Final = [
    ANY_ORIGIN,
    (b"access-control-allow-methods", b"GET, HEAD, PUT, OPTIONS"),
    (b"access-control-allow-headers", b"content-type"),
    (b"access-control-max-age", b"86400"),
    (b"content-length", b"0"),
]
_INERT: Final = [
    (b"content-security-policy", b"default-src 'none'; sandbox"),
    (b"cross-origin-resource-policy", b"cross-origin"),
]
"""A chunk is anybody's bytes: never run as a page of ours, but readable by a player of any origin that holds the URL."""


class _Body:
    """A request's body, piece by piece. is_over: whether nothing more will come, because that was all or the client is gone."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.is_over = False

    async def next(self) -> bytes:
        """The next piece. Raises Unavailable where the client is gone."""
        message = await self._receive()
        self.is_over = not message.get("more_body", False)
        if message["type"] == "http.disconnect":
            raise Unavailable("the request ended before its body did; nothing was stored")
        return bytes(message.get("body", b""))

    async def drain(self) -> None:
        """Read on for a while and throw it away: a client that is cut off while sending never gets to read why."""
        drained = 0
        with contextlib.suppress(TimeoutError, Unavailable):
            async with asyncio.timeout(MAX_DRAIN_SECONDS):
                while not self.is_over and drained <= MAX_CHUNK_BYTES:
                    drained += len(await self.next())


class RecordingsDoor:
    """opened: where recordings are kept. project_of: the project of a project token, or None. public_url, base_path: the settings.

    Has threads of its own, since most of its work is waiting for a disk: logins and queries don't queue up behind that.
    """

    def __init__(
        self,
        opened: Opened,
        project_of: Callable[[str], str | None],
        public_url: str | None,
        base_path: str,
        now_ms: Callable[[], int],
    ) -> None:
        self._recordings = opened.recordings
        self._folder = opened.own
        self._signer = opened.signer
        self._project_of = project_of
        self._public_url = public_url
        self._base_path = base_path
        self._now_ms = now_ms
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="sv-chunks")

    openings: tuple[Opening, ...] = (
        *(
            Opening(path, "project token", "every page of a site has it; chunks come in, and none goes out")
            for path in _INGEST_PATHS
        ),
        Opening(f"{OBJECTS}*", "signed URL", "it was given to somebody who might have this object, for minutes"),
    )

    def takes(self, path: str) -> bool:
        return path in _INGEST_PATHS or path.startswith(OBJECTS)

    async def _aside(self, call: Callable[..., Result], *values: Any) -> Result:
        """The result of the call, run on a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, call, *values)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_ingest = scope["path"] in _INGEST_PATHS
        if scope["method"] == "OPTIONS":
            await respond(send, 204, PREFLIGHT if is_ingest else _OBJECT_PREFLIGHT, b"")
            return
        body = _Body(receive)
        try:
            if is_ingest:
                await self._promise(scope, receive, send)
            elif scope["method"] == "PUT":
                await self._put(scope, body, send)
            elif scope["method"] in ("GET", "HEAD"):
                await self._get(scope, send)
            else:
                raise MethodNotAllowed(f"expected GET or PUT, got {scope['method'][:20]}")
        except Exception as error:
            if not is_ingest:
                await body.drain()
            await _refuse(scope, send, error, allow=b"POST, OPTIONS" if is_ingest else b"GET, HEAD, PUT, OPTIONS")

    # ---- Asking for a URL ----

    async def _promise(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            raise MethodNotAllowed(f"expected POST, got {scope['method'][:20]}")
        content_type = _header(scope, b"content-type", b"application/json").partition(b";")[0].strip().lower()
        if content_type not in ACCEPTED_TYPES:
            shown = content_type[:60].decode("latin-1")
            raise UnsupportedMedia(f"expected application/json or text/plain, got {shown!r} (Content-Type)")
        encoding = _header(scope, b"content-encoding").decode("latin-1").strip().lower()
        body = inflate(await _small_body(receive), encoding)
        if len(body) > MAX_RECORDING_BODY_BYTES:
            raise PayloadTooLarge(f"expected at most {MAX_RECORDING_BODY_BYTES} bytes once inflated, got more (body)")
        answer = await self._aside(self._promised, repair(body), origin_of(scope, self._public_url, self._base_path))
        await respond(send, 200, [_JSON, ANY_ORIGIN, READABLE_HEADERS, (b"content-length", b"%d" % len(answer))], answer)

    def _promised(self, body: bytes, origin: str) -> bytes:
        asked = parse_upload_request(body)
        project_id = self._project_of(asked.project_token)
        if project_id is None:
            raise unknown_project_token(asked.project_token, "projectToken")
        return msgspec.json.encode(self._recordings.promise(project_id, asked, origin))

    # ---- The server's own store ----

    def _own_store(self) -> FolderStore:
        if self._folder is None:
            raise NotFound("no such route: recordings are kept in S3")
        return self._folder

    async def _put(self, scope: Scope, body: _Body, send: Send) -> None:
        folder = self._own_store()
        grant = self._signer.check("PUT", scope["raw_path"], scope["query_string"], self._now_ms())
        size = _checked_headers(scope, grant)
        with self._recordings.arriving(grant.key, size):
            await self._aside(self._recordings.admit, grant.key)
            upload = await self._aside(folder.begin, grant.key)
            try:
                await self._take_in(body, upload, size)
                await self._aside(self._recordings.store, grant.key, size, upload.finish)
            finally:
                upload.abandon()
        await respond(send, 200, [ANY_ORIGIN, (b"content-length", b"0")], b"")

    async def _take_in(self, body: _Body, upload: Upload, size: int) -> None:
        """Write the body to the upload, piece by piece. Raises PayloadTooLarge at the first byte too many, NotAuthorized for too few,
        Unavailable where it doesn't come to its end."""
        taken = 0
        held: list[bytes] = []
        held_bytes = 0
        try:
            async with asyncio.timeout(MAX_UPLOAD_SECONDS):
                while not body.is_over:
                    piece = await body.next()
                    taken += len(piece)
                    if taken > size:
                        raise PayloadTooLarge(f"expected {size} bytes, which the URL is signed for, got more (body)")
                    held.append(piece)
                    held_bytes += len(piece)
                    if held_bytes >= MAX_PIECE_BYTES or body.is_over:
                        await self._aside(upload.write, b"".join(held))
                        held.clear()
                        held_bytes = 0
        except TimeoutError:
            raise Unavailable(f"the body took longer than {MAX_UPLOAD_SECONDS} seconds; nothing was stored") from None
        if taken < size:
            raise NotAuthorized(f"expected {size} bytes, which the URL is signed for, got {taken} (body)")

    async def _get(self, scope: Scope, send: Send) -> None:
        folder = self._own_store()
        grant = self._signer.check("GET", scope["raw_path"], scope["query_string"], self._now_ms())
        file, size = await self._aside(folder.open, grant.key)
        name = grant.key.rpartition("/")[2]
        headers = [
            (b"content-type", grant.content_type.encode()),
            (b"content-length", b"%d" % size),
            (b"content-disposition", f'attachment; filename="{name}"'.encode()),
            ANY_ORIGIN,
            *_INERT,
        ]
        with file:
            await send({"type": "http.response.start", "status": 200, "headers": secured(headers)})
            rest = 0 if scope["method"] == "HEAD" else size
            while rest:
                try:
                    piece = await self._aside(file.read, min(rest, MAX_PIECE_BYTES))
                except OSError as error:
                    log.warning("can't read a chunk of a recording: %s", error.strerror)  # its key names a session
                    piece = b""
                if not piece:  # the headers are out: all that can be done is to end the connection early
                    return
                rest -= len(piece)
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})


def _checked_headers(scope: Scope, grant: Grant) -> int:
    """The size that is granted. Raises NotAuthorized where the request's headers aren't the ones that were signed."""
    assert grant.size is not None  # a grant to PUT
    content_type = _header(scope, b"content-type").decode("latin-1").strip()
    if content_type != grant.content_type:
        raise NotAuthorized(
            f"expected {grant.content_type}, which the URL is signed for, got {content_type[:60]!r} (Content-Type)"
        )
    encoding = _header(scope, b"content-encoding").decode("latin-1").strip().lower()
    if encoding not in ("", "identity"):
        raise UnsupportedMedia(f"expected no encoding, got {encoding[:40]!r} (Content-Encoding)")
    declared = _header(scope, b"content-length")
    if declared and (not declared.isdigit() or int(declared[:20]) != grant.size):
        shown = declared[:20].decode("latin-1")
        raise NotAuthorized(f"expected {grant.size} bytes, which the URL is signed for, got {shown} (Content-Length)")
    return grant.size


async def _small_body(receive: Receive) -> bytes:
    """The whole body, bounded in size and in time."""
    body = bytearray()
    try:
        async with asyncio.timeout(MAX_BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise InvalidParameter("the request ended before its body did (body)")
                body += message.get("body", b"")
                if len(body) > MAX_RECORDING_BODY_BYTES:
                    raise PayloadTooLarge(f"expected at most {MAX_RECORDING_BODY_BYTES} bytes, got more (body)")
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        # No 4xx, after which clients drop the chunk.
        raise Unavailable(f"the body took longer than {MAX_BODY_SECONDS} seconds; ask again", retry_after_s=2) from None


async def _refuse(scope: Scope, send: Send, error: Exception, *, allow: bytes) -> None:
    status, extra, body = error_answer(error)
    headers = [_JSON, ANY_ORIGIN, READABLE_HEADERS, (b"content-length", b"%d" % len(body))]
    headers += [(name.encode(), value.encode()) for name, value in extra.items()]
    if isinstance(error, MethodNotAllowed):
        headers.append((b"allow", allow))
    if scope["method"] == "PUT" or isinstance(error, PayloadTooLarge):
        headers.append(
            (b"connection", b"close")
        )  # a rest that nobody wants isn't waited for, but for a few seconds (`sv.web.protocol`)
    await respond(send, status, headers, b"" if scope["method"] == "HEAD" else body)


def _header(scope: Scope, wanted: bytes, default: bytes = b"") -> bytes:
    value: Any = next((value for name, value in scope["headers"] if name == wanted), default)
    return bytes(value)
