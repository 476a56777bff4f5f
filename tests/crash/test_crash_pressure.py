"""More than the server can take: it says so before anything is stored, its memory stays bounded, and it recovers by itself."""

import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from conftest import Serve
from crash_rig import PROJECT, Server, body_of, event, now_ms, numbers_in_files, wait_for

MIB = 1024 * 1024
LIMIT_MIB = 16
BODY_EVENTS = 30
PAD = 60_000


def large_body(name: str) -> tuple[list[str], bytes]:
    """Almost 2 MiB."""
    numbers = [f"{name}-{place}" for place in range(BODY_EVENTS)]
    return numbers, body_of([event(number, at_ms=now_ms(), pad=PAD) for number in numbers])


def resident_mib(server: Server) -> float:
    for line in Path(f"/proc/{server.process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no VmRSS")


def fill_up(server: Server) -> list[str]:
    """Send small bodies until these are refused too."""
    acknowledged: list[str] = []
    for number in range(1000):
        if server.send(body_of([event(f"small {number}", at_ms=now_ms(), pad=PAD)]))[0] != 202:
            return acknowledged
        acknowledged.append(f"small {number}")
    raise AssertionError("small ones are never refused")


@contextmanager
def blocked_flushes(server: Server) -> Iterator[None]:
    """A file lies where the project's folder would be."""
    place = server.folder / "events" / "project=dev"
    place.write_text("in the way")
    try:
        yield
    finally:
        place.unlink()


def test_beyond_the_limit_ingest_refuses_before_anything_is_stored_and_recovers_after_the_flush(serve: Serve) -> None:
    settings = {"SV_BUFFER_LIMIT": f"{LIMIT_MIB}MiB", "SV_FLUSH_SECONDS": "0.3", "SV_MEMORY_LIMIT": "256MiB"}
    server = serve(**settings).start()
    assert server.total() == 0
    acknowledged: list[str] = []
    with blocked_flushes(server):
        refused = 0
        before = resident_mib(server)
        for number in range(200):
            numbers, body = large_body(f"{number}")
            status, headers, content = server.send(body)
            if status == 202:
                assert refused == 0, "it refuses, then takes, then refuses: something was dropped"
                acknowledged += numbers
                continue
            assert status == 503, content
            assert content["code"] == "UNAVAILABLE"
            assert int(headers["retry-after"]) >= 1
            refused += 1
        stored = len(acknowledged) * PAD / MIB
        assert LIMIT_MIB - 3 < stored <= LIMIT_MIB, "almost all of it is used, and no more"
        assert refused > 150
        acknowledged += fill_up(server)
        status, health = server.health()
        assert status == 503
        assert "files" in health["error"]
        assert server.metric("sv_events_held") == len(acknowledged)
        assert server.numbers() == Counter(acknowledged), "reading goes on"
        assert resident_mib(server) - before < 12 * LIMIT_MIB, "what was refused is not kept"
    wait_for(lambda: server.health()[0] == 200, "the flush to be tried again", 15)
    numbers, body = large_body("after")
    server.store(body)
    acknowledged += numbers
    assert server.numbers() == Counter(acknowledged)
    assert server.stop() == 0
    assert numbers_in_files(server.folder) == Counter(acknowledged)


def test_a_log_that_holds_more_than_the_limit_is_taken_in_all_the_same(serve: Serve) -> None:
    """The limit was lowered, or the flush never got to run: what is acknowledged counts, and new events have to wait."""
    server = serve().start()
    acknowledged: list[str] = []
    for number in range(15):
        numbers, body = large_body(f"{number}")
        server.store(body)
        acknowledged += numbers
    server.kill()
    server.settings |= {"SV_BUFFER_LIMIT": f"{LIMIT_MIB}MiB", "SV_FLUSH_SECONDS": "0.5"}
    server.start()
    assert server.numbers() == Counter(acknowledged)
    wait_for(lambda: server.health()[0] == 200, "the flush", 30)
    numbers, body = large_body("after")
    server.store(body)
    assert server.numbers() == Counter([*acknowledged, *numbers])


def test_two_hundred_idle_half_open_connections_do_not_keep_it_from_answering(serve: Serve) -> None:
    server = serve().start()
    beginnings = [b"", b"P", b"POST /api/v1/ingest/events HTTP/1.1\r\nHost: x\r\n", HALF_A_BODY]
    with ExitStack() as stack:
        for number in range(200):
            idle = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=10))
            idle.sendall(beginnings[number % len(beginnings)])
        began = time.monotonic()
        for number in range(20):
            server.store(body_of([event(f"{number}", at_ms=now_ms())]))
        assert server.health()[0] == 200
        assert server.ask("GET", f"{PROJECT}/events")[0] == 200
        assert time.monotonic() - began < 10
    assert server.numbers() == Counter(f"{number}" for number in range(20))
    assert server.stop() == 0


HALF_A_BODY = (
    b'POST /api/v1/ingest/events HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\nContent-Type: application/json\r\n\r\n{"project'
)
