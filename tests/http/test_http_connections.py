"""Connections that aren't used, over real sockets and by a clock that the test moves: begun requests, bodies that don't come, answers that nobody
reads, heads without end. The server is in this process; `tests/load/slow_clients.py` has thousands against a real one.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
import uvloop
from uvicorn.server import ServerState

from sv.model.connection_limits import MAX_HEAD_BYTES
from sv.web.connections import Connections
from sv.web.protocol import allow_connections, watched_by

GET = b"GET /%b HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"
LARGE = 8 << 20
WAIT_S = 20


class Place:
    """The server, its clock and what it watches. release: lets requests for /slow be answered."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.connections = Connections(lambda: self.now_s, max_connections=20)
        self.release = asyncio.Event()
        self.port = 0
        self._writers: list[asyncio.StreamWriter] = []

    def later(self, seconds: float) -> None:
        self.now_s += seconds
        self.connections.sweep()

    async def application(self, scope: Any, receive: Any, send: Any) -> None:
        more = scope["path"] not in ("/refused", "/early")
        while more:
            more = (await receive()).get("more_body", False)
        if scope["path"] == "/slow":
            await self.release.wait()
        body = b"x" * (LARGE if scope["path"] == "/large" else 2)
        headers = [(b"content-length", b"%d" % len(body))]
        if scope["path"] == "/refused":
            headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def connect(self, sent: bytes = b"", **options: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection whose bytes the server has."""
        reader, writer = await self.open(**options)
        writer.write(sent)
        own = writer.get_extra_info("sockname")
        await until(lambda: any(each.client == own and each.received == len(sent) for each in self.callers()))
        return reader, writer

    async def open(self, **options: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, **options)
        self._writers.append(writer)
        return reader, writer

    def callers(self) -> list[Any]:
        return list(self.state.connections)

    def received(self) -> int:
        return sum(caller.received for caller in self.callers())

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        config = uvicorn.Config(
            self.application,
            http=watched_by(self.connections),
            interface="asgi3",
            proxy_headers=False,
            log_config=None,
            ws="none",
        )
        config.load()
        self.state = ServerState()
        kind: Any = config.http_protocol_class
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: kind(config=config, server_state=self.state, app_state={}), "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            self.release.set()
            server.close()
            for caller in list(self.state.connections):
                caller.transport.abort()
            for writer in self._writers:
                writer.transport.abort()
            await until(lambda: self.connections.open == 0)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not holds():  # noqa: ASYNC110 - the state of many small things
            await asyncio.sleep(0.001)


async def is_gone(reader: asyncio.StreamReader) -> bool:
    """Whether the server ends the connection, now, whatever it said before."""
    try:
        async with asyncio.timeout(WAIT_S):
            await reader.read(-1)
    except ConnectionError:
        pass
    return True


Case = Callable[[Place], Coroutine[Any, Any, None]]


def held(case: Case) -> Callable[[], None]:
    """A test of a coroutine, which is given a server."""

    def test() -> None:
        async def run() -> None:
            place = Place()
            async with place.serving():
                await case(place)

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run())

    test.__name__, test.__doc__ = case.__name__, case.__doc__
    return test


@held
async def test_a_request_that_was_begun_is_waited_for_ten_seconds_and_others_are_served(place: Place) -> None:
    begun = [await place.connect(sent) for sent in (b"", b"G", POST[:30], GET[:-2])]
    place.later(9)
    assert place.connections.open == 4
    place.later(1)
    for reader, _ in begun:
        assert await is_gone(reader)
    reader, _ = await place.connect(GET % b"")
    assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    assert place.connections.ended == {"slow_head": 4}


@held
async def test_a_body_at_a_byte_a_second_is_not_waited_for_and_one_at_a_fair_rate_is(place: Place) -> None:
    (slow, dripping), (fair, steady) = await place.connect(POST), await place.connect(POST)
    for second in range(1, 11):
        dripping.write(b"x")
        steady.write(b"x" * 500)
        expected = 2 * len(POST) + 501 * second
        await until(lambda expected=expected: place.received() == expected)
        place.later(1)
    assert await is_gone(slow)
    assert place.connections.ended == {"slow_body": 1}
    steady.write(b"x" * 95_000)
    assert (await fair.readline()).startswith(b"HTTP/1.1 200")


@held
async def test_nobody_is_ended_for_the_time_that_an_answer_takes(place: Place) -> None:
    reader, writer = await place.connect(GET % b"slow")
    writer.write(b"GET / HT")  # the next one is begun meanwhile
    await until(lambda: place.received() > len(GET % b"slow"))
    for _ in range(100):
        place.later(60)
    place.release.set()
    assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    place.later(1)
    place.later(10)
    assert await is_gone(reader)


@held
async def test_an_answer_that_nobody_reads_is_dropped_in_the_end(place: Place) -> None:
    reader, _ = await place.connect(GET % b"large", limit=1000)
    await until(lambda: bool(place.connections._stalled))
    place.later(599)
    assert place.connections.open == 1
    place.later(1)
    await until(lambda: place.connections.open == 0)
    assert place.connections.ended == {"slow_reader": 1}
    assert await is_gone(reader)


@held
async def test_an_answer_that_is_read_comes_whole(place: Place) -> None:
    reader, _ = await place.connect(GET % b"large")
    await reader.readuntil(b"\r\n\r\n")
    place.later(500)
    assert await reader.readexactly(LARGE) == b"x" * LARGE
    place.later(500)
    assert place.connections.ended == {}


@pytest.mark.parametrize(
    "endless",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"x" * (MAX_HEAD_BYTES + 1),
        b"GET /" + b"x" * (MAX_HEAD_BYTES + 1),
        b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * (MAX_HEAD_BYTES // 6 + 1),
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nA: " + b"x" * (MAX_HEAD_BYTES + 100),
    ],
    ids=["a header's value", "a path", "many headers", "trailers"],
)
def test_a_head_without_end_is_refused(endless: bytes) -> None:
    async def case(place: Place) -> None:
        reader, writer = await place.open()
        writer.write(endless)
        answer: Awaitable[bytes] = reader.readuntil(b"\r\n\r\n")
        head = await asyncio.wait_for(answer, WAIT_S)
        assert head.startswith(b"HTTP/1.1 400")
        assert b"x-content-type-options: nosniff" in head

    held(case)()


@held
async def test_the_twenty_first_connection_takes_the_place_of_one_that_waits_and_else_is_told_to_come_again(place: Place) -> None:
    waiting = [await place.connect(b"GET") for _ in range(20)]
    reader, _ = await place.connect(GET % b"slow")
    assert await is_gone(waiting[0][0])
    for _ in range(19):
        await place.connect(GET % b"slow")
    await until(lambda: place.connections.open == 20)
    refused, _ = await place.open()
    told = await refused.read(-1)
    assert told.startswith(b"HTTP/1.1 503")
    assert b"retry-after: 2" in told
    place.release.set()
    assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    assert place.connections.ended == {"crowded": 20, "refused": 1}


def test_connections_leave_files_for_everything_else() -> None:
    import resource

    allowed = allow_connections()
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert 0 < allowed < soft


@held
async def test_who_sends_more_after_the_answer_is_waited_for_as_anybody_else(place: Place) -> None:
    late, blank = b"POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n", GET % b""
    for begun, more in ((late, b"body"), (blank, b"\r\n")):
        reader, writer = await place.connect(begun)
        assert (await reader.readuntil(b"xx")).startswith(b"HTTP/1.1 200")
        writer.write(more)
        await until(lambda size=len(begun + more): any(each.received == size for each in place.callers()))
    assert set(place.connections._idle) == set(place.callers())
    assert all(each.timeout_keep_alive_task is not None for each in place.callers())


LARGE_HEAD = b"GET /%b HTTP/1.1\r\nHost: x\r\nA: " + b"x" * 60_000


@held
async def test_large_heads_have_room_together_until_their_requests_are_answered(place: Place) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("sv.web.connections.MAX_LARGE_HEAD_BYTES", 150_000)
        begun, waiting = await place.connect(LARGE_HEAD % b""), await place.connect(LARGE_HEAD % b"slow" + b"\r\n\r\n")
        reader, writer = await place.open()
        writer.write(LARGE_HEAD % b"")
        assert (await reader.readuntil(b"}")).startswith(b"HTTP/1.1 503")
        writer.close()
        reader, writer = await place.open()
        writer.write(LARGE_HEAD % b"" + b"\r\n\r\n")
        assert await is_gone(reader)
        await until(lambda: place.connections.open == 2)
        reader, _ = await place.connect(GET % b"")
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        begun[1].write(b"\r\n\r\n")
        place.release.set()
        for reader, _ in (begun, waiting):
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        await until(lambda: place.connections.large_bytes == 0)
        assert [each.headers for each in place.callers()] == [[], [], []]
        reader, _ = await place.connect(LARGE_HEAD % b"" + b"\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")


@held
async def test_so_many_requests_wait_behind_one_and_no_more_is_read_until_they_are_answered(place: Place) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("sv.web.protocol.MAX_PIPELINED", 8)
        first, more = GET % b"slow" + GET % b"" * 5, GET % b"" * 8
        reader, writer = await place.connect(first)
        flooding, _ = await place.connect(GET % b"slow" + GET % b"" * 8)
        (flooded, sent) = await place.open()
        sent.write(GET % b"slow" + GET % b"" * 9)
        assert await is_gone(flooded)
        assert place.connections.ended == {"crowded": 1}
        writer.write(more)
        place.release.set()
        for each, answers in ((reader, 14), (flooding, 9)):
            for _ in range(answers):
                assert (await each.readuntil(b"xx")).startswith(b"HTTP/1.1 200")
        await until(lambda: len(place.connections._idle) == 2)


async def send_for_ever(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"x" * 65536)
        await writer.drain()


REFUSED = b"POST /refused HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"


@held
async def test_who_sends_a_body_that_nobody_reads_gets_to_read_why(place: Place) -> None:
    reader, writer = await place.open()
    writer.write(REFUSED % LARGE)
    for _ in range(LARGE // 65536):  # all of it, before a byte of the answer is read
        writer.write(b"x" * 65536)
        await writer.drain()
    answer = await reader.read(-1)
    assert answer.endswith(b"\r\n\r\nxx")
    writer.close()
    await until(lambda: place.connections.open == 0)


@held
async def test_nor_do_requests_behind_it_keep_the_rest_from_being_read(place: Place) -> None:
    reader, writer = await place.open()
    writer.write(REFUSED % 4 + b"body" + GET % b"" + REFUSED % LARGE)
    for _ in range(LARGE // 65536):
        writer.write(b"x" * 65536)
        await writer.drain()
    assert (await reader.read(-1)).endswith(b"\r\n\r\nxx")


@held
async def test_a_refused_body_is_read_for_so_many_bytes_and_so_long_alone(place: Place) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("sv.web.protocol.LINGER_BYTES", 1 << 20)
        patched.setattr("sv.web.protocol.LINGER_SECONDS", 3600)
        reader, writer = await place.open()
        writer.write(REFUSED % (1 << 40))
        with pytest.raises(ConnectionError):
            async with asyncio.timeout(WAIT_S):
                await send_for_ever(writer)
        await until(lambda: place.connections.open == 0)
        patched.setattr("sv.web.protocol.LINGER_SECONDS", 0.05)
        reader, writer = await place.open()
        writer.write(REFUSED % LARGE)
        assert (await reader.read(-1)).endswith(b"xx")
        await until(lambda: place.connections.open == 0)


@held
async def test_where_there_are_too_many_who_was_answered_and_still_sends_gives_way(place: Place) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("sv.web.protocol.LINGER_SECONDS", 3600)
        for _ in range(20):
            reader, writer = await place.open()
            writer.write(REFUSED % LARGE)
            assert (await reader.read(-1)).endswith(b"xx")
        reader, writer = await place.open()
        writer.write(GET % b"")
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        assert place.connections.ended == {"crowded": 1}


@held
async def test_who_sent_all_of_it_is_closed_at_once(place: Place) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("sv.web.protocol.LINGER_SECONDS", 3600)
        reader, writer = await place.open()
        writer.write(REFUSED % 4 + b"body")
        assert (await reader.read(-1)).endswith(b"xx")
        await until(lambda: place.connections.open == 0)
