"""uvicorn's HTTP protocol, with its connections watched: it tells `Connections` what arrives of requests and what is taken of answers.

On top of uvicorn it bounds a request's head, gives the contract's shape to refusals before the application, makes sure that a client still
sending gets its answer, and separates a request's body from the next head. By itself uvicorn waits for ever for a request that was begun,
collects heads of any size and any number of requests behind one that is answered, keeps the last head until the next one comes, closes
while a body still arrives, and reads that body as the next request where the head offers another protocol.
"""

import resource
from typing import Any, Final

import httptools
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sv.model.connection_limits import (
    FREE_HEAD_BYTES,
    KEPT_FILES,
    LINGER_BYTES,
    LINGER_SECONDS,
    MAX_CONNECTIONS,
    MAX_FRAMING,
    MAX_HEAD_BYTES,
    MAX_PIPELINED,
    PIPELINED_BYTES,
)
from sv.web.connections import Connections
from sv.web.errors import error_body
from sv.web.front import SECURITY_HEADERS

_STATUS: Final = {400: b"400 Bad Request", 503: b"503 Service Unavailable"}


class _Way:
    """A transport as an answer sees it: closing it gives a client that is still sending time to read the answer."""

    def __init__(self, protocol: "WatchedProtocol") -> None:
        self._protocol = protocol
        self.write = protocol.transport.write

    def is_closing(self) -> bool:
        return self._protocol.is_lingering or self._protocol.transport.is_closing()

    def close(self) -> None:
        self._protocol.close_answered()


class _Flow(FlowControl):
    """Nothing more is read while requests wait behind the one that is answered: they are whole, but for the last."""

    def __init__(self, protocol: "WatchedProtocol") -> None:
        super().__init__(protocol.transport)
        self._protocol = protocol

    def resume_reading(self) -> None:
        if not self._protocol.pipeline:
            super().resume_reading()


class _TooMany(Exception):
    """Requests that wait behind another one."""


class WatchedProtocol(HttpToolsProtocol):
    """connections: the server's; set once for all by `watched_by`."""

    connections_watch: Connections

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.received = 0
        self._request_begins_at = 0
        self._body_bytes = 0
        self._is_whole = False  # all of a request is there
        self._has_head = False
        self._heads_bytes = 0  # of large heads, since nothing was under way
        self._last_head_bytes = 0
        self.is_lingering = False
        self._lingered_bytes = 0

    # ---- For Connections ----

    @property
    def is_in_head(self) -> bool:
        return not self._has_head

    @property
    def is_held_up(self) -> bool:
        cycle: Any = self.cycle  # None before the first request, whatever its type says
        if cycle is None:
            return False
        if not self._has_head:  # an earlier request is being answered
            return not cycle.response_complete
        return self.flow.read_paused or cycle.waiting_for_100_continue

    def unread_bytes(self) -> int:
        return self.transport.get_write_buffer_size()

    def end(self) -> None:
        self.transport.abort()

    # ---- What comes ----

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.flow = _Flow(self)
        if not self.connections_watch.opened(self):
            self._refuse(503, "too many connections; nothing was stored", "UNAVAILABLE", b"retry-after: 2\r\n")

    def connection_lost(self, exc: Exception | None) -> None:
        self.connections_watch.closed(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        if self.is_lingering:
            self._lingered_bytes += len(data)
            if self._lingered_bytes > LINGER_BYTES:
                self.end()
            return
        self.received += len(data)
        self._parse(data)
        if self.transport.is_closing() or not self._has_room():
            return
        if self._is_whole:
            self.connections_watch.forget(self)
            if self.cycle.response_complete:
                # SCAR: the rest of a body that was answered before, or a blank line, ended the wait for the next request for good.
                self._rest()
                self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)
            return
        self.connections_watch.wait_for(self)
        framing = self.received - self._request_begins_at - self._body_bytes
        if framing > MAX_HEAD_BYTES + MAX_FRAMING * self._body_bytes:
            self.send_400_response(f"a head of more than {MAX_HEAD_BYTES} bytes")

    def _parse(self, data: bytes) -> None:
        """As uvicorn does, but for what follows a head that offers another protocol (`Upgrade`), which every server may decline.

        SCAR: the parser takes all of that to be the other protocol's. Java's client offers HTTP/2 with its first request, and its body
        was lost, or read as another request.
        """
        self._unset_keepalive_if_required()
        try:
            while True:
                try:
                    self.parser.feed_data(data)
                    return
                except httptools.HttpParserUpgrade as offer:
                    if not self._is_offer():
                        return
                    data = self._head_without_offer() + data[offer.args[0] :]
                    self.parser = httptools.HttpRequestParser(self)
                    self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's own
        except httptools.HttpParserError as error:
            if isinstance(error.__context__, _TooMany):
                self.connections_watch.crowd_out(self)
            else:
                self.send_400_response("Invalid HTTP request received.")

    def _has_room(self) -> bool:
        """Whether there is room for what is in memory of heads; else the connection is ended. An ordinary one is not even asked about."""
        begun_bytes = 0 if self._has_head else self.received - self._request_begins_at
        held_bytes = self._heads_bytes + begun_bytes + PIPELINED_BYTES * len(self.pipeline)
        if held_bytes <= FREE_HEAD_BYTES or self.connections_watch.hold(self, held_bytes):
            return True
        if self._has_head or self.pipeline:
            self.connections_watch.crowd_out(self)
        else:
            self._say(503, "too many large heads at once; nothing was stored", "UNAVAILABLE", b"retry-after: 2\r\n")
            self.close_answered()
        return False

    def _head_without_offer(self) -> bytes:
        head = [b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())]
        head += [b"%b: %b" % header for header in self.headers if header[0] != b"upgrade"]
        return b"\r\n".join(head) + b"\r\n\r\n"

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._has_head:  # what comes behind a body is no header: proxies look at none of it
            super().on_header(name, value)

    def on_message_begin(self) -> None:
        self._is_whole = self._has_head = False
        self._body_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._has_head = True
        if self._is_offer():
            return
        if len(self.pipeline) >= MAX_PIPELINED:
            raise _TooMany
        self._last_head_bytes = 0
        if self.received - self._request_begins_at > FREE_HEAD_BYTES:  # else it isn't worth the count
            self._last_head_bytes = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
            self._heads_bytes += self._last_head_bytes
        super().on_headers_complete()
        cycle: Any = self.cycle  # None where uvicorn takes the request for none of its own
        if cycle is not None:
            cycle.transport = _Way(self)

    def _is_offer(self) -> bool:
        """Whether the request is to be read again without its `Upgrade`. CONNECT is read as it is, and no route takes it."""
        return self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT"

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self._is_offer():
            return
        self._is_whole = True
        self._request_begins_at = self.received
        super().on_message_complete()

    # ---- What goes ----

    def pause_writing(self) -> None:
        super().pause_writing()
        self.connections_watch.stall(self)

    def resume_writing(self) -> None:
        super().resume_writing()
        self.connections_watch.flow(self)

    def close_answered(self) -> None:
        """Close once everything is written. The rest of the request is read for a while and thrown away: a connection with unread bytes is
        reset when it is closed, and a client that still sends would see that instead of the answer."""
        if self._is_whole or self.transport.is_closing():
            self.transport.close()
            return
        self.is_lingering = True
        self.pipeline.clear()  # they are never answered, and would keep the rest from being read
        self.connections_watch.forget(self)
        self.connections_watch.rest(self)  # so that it gives way where there are too many
        self.transport.write_eof()
        self.loop.call_later(LINGER_SECONDS, self.end)

    def on_response_complete(self) -> None:
        if self.is_lingering:
            self.server_state.total_requests += 1
            self.flow.resume_reading()
            return
        super().on_response_complete()
        if self.transport.is_closing():
            if self.unread_bytes():
                self.connections_watch.stall(self)
        elif not self.pipeline:
            self._heads_bytes = self._last_head_bytes
            if self._is_whole:
                self._rest()

    def _rest(self) -> None:
        """Every request was answered, if none has just begun. Of the last one nothing is kept."""
        if not self.cycle.response_complete:
            return
        self.connections_watch.rest(self)
        self.connections_watch.let_go(self)
        self._heads_bytes = 0
        self.headers, self.url = [], b""
        self.scope = self.cycle.scope = {}  # type: ignore[typeddict-item]

    def timeout_keep_alive_handler(self) -> None:
        if self.unread_bytes():  # or it would be closed only once somebody reads
            self.end()
        else:
            super().timeout_keep_alive_handler()

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, f"expected HTTP/1.1, got something else: {msg}", "INVALID_PARAMETER")

    def _refuse(self, status: int, message: str, code: str, more: bytes = b"") -> None:
        self._say(status, message, code, more)
        self.transport.close()

    def _say(self, status: int, message: str, code: str, more: bytes) -> None:
        body = error_body(message, code)
        head = b"HTTP/1.1 %b\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n%b" % (
            _STATUS[status],
            len(body),
            more,
        )
        safety = b"".join(b"%b: %b\r\n" % header for header in SECURITY_HEADERS)
        self.transport.write(head + safety + b"\r\n" + body)


def watched_by(connections: Connections) -> type[WatchedProtocol]:
    """The protocol class for one server."""
    return type("Watched", (WatchedProtocol,), {"connections_watch": connections})


def allow_connections() -> int:
    """Raise the limit of open files as far as the system allows, and return how many connections leave enough files for everything else."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_CONNECTIONS + KEPT_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY:
        return MAX_CONNECTIONS
    return max(min(MAX_CONNECTIONS, soft - KEPT_FILES), soft // 2)
