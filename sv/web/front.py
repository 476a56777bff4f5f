"""The ASGI door: ingest and health without a framework in between, everything else by Litestar.

Ingest is the one route whose cost matters to every visitor of every site, and a plain ASGI callable costs a third of a framework's
handler. The route is described in the OpenAPI document by a stub in `routes_ingest.py`, and a test holds the two to each
other. Litestar is imported when the first other request comes, or once the server is up where there are events to ask for
(`insights/readiness.py`): start-up stays short, and an idle server small.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping, Sequence
from typing import Any, Final, Literal, Protocol

import msgspec
from msgspec import Struct

from sv.ingest.capture import Ack, Capture
from sv.model.errors import InvalidParameter, MethodNotAllowed, PayloadTooLarge, Unavailable, UnsupportedMedia
from sv.model.limits import MAX_BODY_BYTES, MAX_BODY_SECONDS
from sv.web.connections import Connections
from sv.web.errors import error_answer
from sv.web.paths import keep_names_whole

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
CountryOf = Callable[[list[tuple[bytes, bytes]], str | None], str | None]


class Opening(Struct, frozen=True):
    """A path that is answered outside the framework, so that the framework's guard doesn't protect it.

    path: the path, or its beginning if it ends in `*`. credential: what is required before anything is revealed or done, as in
    `sv.web.permissions`. why: the reason why that is enough.
    """

    path: str
    credential: Literal["none", "project token", "signed URL"]
    why: str

    def covers(self, path: str) -> bool:
        """Whether this declares the path."""
        return path.startswith(self.path[:-1]) if self.path.endswith("*") else path == self.path


class Door(Protocol):
    """An ASGI callable that answers some paths by itself. openings: declares all of them; a test checks that against `takes`."""

    @property
    def openings(self) -> Sequence[Opening]: ...

    def takes(self, path: str) -> bool:
        """Whether this door answers the path."""
        ...

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...


INGEST_EVENTS: Final = "/api/v1/ingest/events"
HEALTH: Final = "/healthz"
_INGEST_PATHS: Final = (INGEST_EVENTS, f"{INGEST_EVENTS}/")
_OPENINGS: Final = (
    *(Opening(path, "project token", "every page of a site has it; events come in, and none goes out") for path in _INGEST_PATHS),
    Opening(HEALTH, "none", "proxies and containers ask; it says whether writes are taken, and why not"),
)

SECURITY_HEADERS: Final[tuple[tuple[bytes, bytes], ...]] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
"""On every answer, unless it brings one of its own. Nothing that the API answers is a page, so nothing in it may load or be framed.

None says that the host is reached over TLS alone (HSTS): that would bind all that this host serves, on every port, for a year. Whoever ends
TLS in front of us knows whether it is so."""

ANY_ORIGIN: Final = (b"access-control-allow-origin", b"*")
READABLE_HEADERS: Final = (b"access-control-expose-headers", b"retry-after")
PREFLIGHT: Final = [
    ANY_ORIGIN,
    (b"access-control-allow-methods", b"POST, OPTIONS"),
    (b"access-control-allow-headers", b"content-type, content-encoding"),
    (b"access-control-max-age", b"86400"),
    (b"content-length", b"0"),
]
ACCEPTED_TYPES: Final = (b"application/json", b"text/plain")


class Front:
    """The outermost ASGI application.

    load_app: builds the Litestar application; called once, on a thread, at its first request. health: None while writes are accepted, else
    the reason why not. warnings: what is going to stop writes unless somebody acts. on_startup, on_shutdown: what the server does with the
    event loop running. doors: each answers some paths; the first that takes a path gets it, before the framework.
    """

    def __init__(
        self,
        *,
        capture: Capture,
        load_app: Callable[[], App],
        health: Callable[[], str | None],
        warnings: Callable[[], Sequence[str]] = tuple,
        country_of: CountryOf,
        on_startup: Callable[[], Awaitable[None]],
        on_shutdown: Callable[[], Awaitable[None]],
        doors: Sequence[Door] = (),
    ) -> None:
        self._capture = capture
        self._load_app = load_app
        self._health = health
        self._warnings = warnings
        self._country_of = country_of
        self._on_startup = on_startup
        self._on_shutdown = on_shutdown
        self._doors = doors
        self._app: App | None = None
        self._loading = asyncio.Lock()
        self._reading_bytes = 0
        self.start_fault: Exception | None = None
        """Why nothing can be served: what `on_startup` raised."""
        self.connections = Connections(time.monotonic)

    @property
    def openings(self) -> tuple[Opening, ...]:
        """Every path that is answered without the framework."""
        return (*_OPENINGS, *(opening for door in self._doors for opening in door.openings))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind == "http":
            path = scope["path"]
            if path in _INGEST_PATHS:
                await self._ingest(scope, receive, send)
            elif path == HEALTH:
                await self._healthz(scope, send)
            else:
                await self._elsewhere(scope, receive, _Sending(send))
        elif kind == "lifespan":
            await self._lifespan(receive, send)
        else:  # websockets are spoken nowhere
            await send({"type": "websocket.close", "code": 1000})

    async def _elsewhere(self, scope: Scope, receive: Receive, send: "_Sending") -> None:
        """The answer of a door or of the framework. An error that escapes them is a 500 like any other; a request that is cut off by the
        server's end is a 503."""
        path = scope["path"]
        try:
            door = next((door for door in self._doors if door.takes(path)), None)
            if door is not None:
                await door(scope, receive, send)
            else:
                app = self._app or await self.load()
                await app(keep_names_whole(scope), receive, send)
        except (Exception, asyncio.CancelledError) as error:
            if send.has_begun:
                raise  # nothing is left but to end the connection, which the server that calls us does
            status, extra, body = error_answer(error)
            headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
            headers += [(name.encode(), value.encode()) for name, value in extra.items()]
            await respond(send, status, headers, b"" if scope["method"] == "HEAD" else body)

    async def load(self) -> App:
        """The framework's application, built where it isn't yet."""
        async with self._loading:
            if self._app is None:
                self._app = await asyncio.to_thread(self._load_app)
            return self._app

    async def _ingest(self, scope: Scope, receive: Receive, send: Send) -> None:
        method = scope["method"]
        if method == "OPTIONS":
            await respond(send, 204, PREFLIGHT, b"")
            return
        headers = _INGEST_HEADERS.copy()
        counters = self._capture.counters
        counters.requests += 1
        self._capture.pace.note()
        try:
            if method != "POST":
                headers.append((b"allow", b"POST, OPTIONS"))
                raise MethodNotAllowed(f"expected POST, got {method}")
            ack = await self._capture_request(scope, receive)
            status, body = ack.status, ack.body
        except (Exception, asyncio.CancelledError) as error:
            status, extra, body = error_answer(error)
            counters.refused_requests[getattr(error, "code", "INTERNAL_ERROR")] += 1
            headers += [(name.encode(), value.encode()) for name, value in extra.items()]
            if isinstance(error, PayloadTooLarge):
                headers.append((b"connection", b"close"))
        headers.append((b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _capture_request(self, scope: Scope, receive: Receive) -> Ack:
        content_type = b"application/json"
        encoding = user_agent = ""
        declared = 0
        for name, value in scope["headers"]:
            if name == b"content-type":
                content_type = value.partition(b";")[0].strip().lower()
            elif name == b"content-encoding":
                encoding = value.decode("latin-1").strip().lower()
            elif name == b"user-agent":
                user_agent = value.decode("utf-8", "replace")
            elif name == b"content-length":
                declared = int(value) if value.isdigit() else 0
        if content_type not in ACCEPTED_TYPES:
            shown = content_type[:60].decode("latin-1")
            raise UnsupportedMedia(f"expected application/json or text/plain, got {shown!r} (Content-Type)")
        if declared > MAX_BODY_BYTES:
            raise PayloadTooLarge(f"expected at most {MAX_BODY_BYTES} bytes, got {declared} (body)")
        self._capture.check_room(declared)
        data = await self._read_body(receive)
        client = scope.get("client")
        address = client[0] if client else None
        country = self._country_of(scope["headers"], address)
        return await self._capture.capture(data, encoding, user_agent, country, address or "")

    async def _read_body(self, receive: Receive) -> bytes:
        """The whole body. Most bodies arrive in one piece; one in several pieces is bounded in size and in time."""
        message = await receive()
        if message["type"] == "http.request" and not message.get("more_body", False):
            first: bytes = message.get("body", b"")
            return first
        size = 0
        try:
            async with asyncio.timeout(MAX_BODY_SECONDS):
                chunks: list[bytes] = []
                while True:
                    if message["type"] == "http.disconnect":
                        raise InvalidParameter("the request ended before its body did (body)")
                    chunk: bytes = message.get("body", b"")
                    chunks.append(chunk)
                    size += len(chunk)
                    self._reading_bytes += len(chunk)
                    if size > MAX_BODY_BYTES:
                        raise PayloadTooLarge(f"expected at most {MAX_BODY_BYTES} bytes, got more (body)")
                    if self._reading_bytes > self._capture.max_reading_bytes:
                        raise Unavailable("too many large requests at once; nothing of this one was stored", retry_after_s=2)
                    if not message.get("more_body", False):
                        return b"".join(chunks)
                    message = await receive()
        except TimeoutError:
            # No 4xx, after which clients drop what they have.
            raise Unavailable(
                f"the body took longer than {MAX_BODY_SECONDS} seconds; nothing of it was stored", retry_after_s=2
            ) from None
        finally:
            self._reading_bytes -= size

    async def _healthz(self, scope: Scope, send: Send) -> None:
        reason = self._health()
        status = 200 if reason is None else 503
        body = b'{"status":"ok"}'
        headers = [(b"content-type", b"application/json")]
        if scope["method"] not in ("GET", "HEAD"):
            status, _, body = error_answer(MethodNotAllowed(f"expected GET, got {scope['method']}"))
            headers.append((b"allow", b"GET, HEAD"))
        elif reason is not None:
            body = msgspec.json.encode({"status": "unavailable", "error": reason, "code": "UNAVAILABLE"})
            headers.append((b"retry-after", b"1"))
        elif warnings := self._warnings():
            body = msgspec.json.encode({"status": "ok", "warnings": warnings})
        headers.append((b"content-length", b"%d" % len(body)))
        await respond(send, status, headers, b"" if scope["method"] == "HEAD" else body)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                try:
                    await self._on_startup()
                except Exception as fault:
                    self.start_fault = fault
                    await send({"type": "lifespan.startup.failed"})
                    return
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self._on_shutdown()
                await send({"type": "lifespan.shutdown.complete"})
                return


async def respond(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    """A whole answer."""
    await send({"type": "http.response.start", "status": status, "headers": secured(headers)})
    await send({"type": "http.response.body", "body": body})


class _Sending:
    """Wraps `send` to add the security headers to every answer. has_begun: whether an answer has begun."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.has_begun = False

    async def __call__(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.has_begun = True
            message["headers"] = secured(message["headers"])
        await self._send(message)


def secured(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers, and those of SECURITY_HEADERS that are not among them."""
    given = list(headers)
    present = {name.lower() for name, _ in given}
    return [*given, *((name, value) for name, value in SECURITY_HEADERS if name not in present)]


_INGEST_HEADERS: Final = secured([(b"content-type", b"application/json"), ANY_ORIGIN, READABLE_HEADERS])
