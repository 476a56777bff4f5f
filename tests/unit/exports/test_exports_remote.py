"""How long an export waits for a server that doesn't answer."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from sv.exports.remote import FIRST_TRIES, MAX_TRIES, RemoteSource
from sv.exports.sources import Plan
from sv.model.errors import SvError, Unavailable
from sv.remote import addresses

PLAN = {"received_before": "", "events": 0, "pieces": []}
_THINKING = -1


@pytest.fixture
def statuses() -> Iterator[tuple[str, list[int]]]:
    """A server's address, and the statuses that it answers with in turn: a plan with 200, and 0 hangs up, as it does where none is left.
    With _THINKING before one it thinks for longer than a connection takes."""
    left: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if left[:1] == [_THINKING]:
                del left[0]
                time.sleep(4 * addresses.CONNECT_S)
            status = left.pop(0) if left else 0
            if not status:
                self.close_connection = True
                return
            body = json.dumps(PLAN if status == 200 else {"error": "busy", "code": "UNAVAILABLE"}).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", left
        server.shutdown()
        thread.join()


class Waiting:
    """A source with its pauses."""

    def __init__(self, url: str, timeout_s: float = 5) -> None:
        self.pauses: list[float] = []
        self.source = RemoteSource(url, "sv_secret", "dev", say=lambda _: None, sleep=self.pauses.append, timeout_s=timeout_s)

    def plan(self) -> Plan:
        return self.source.plan([])


def test_an_address_at_which_nobody_is_is_soon_given_up() -> None:
    waiting = Waiting("http://127.0.0.1:1")
    with pytest.raises(Unavailable, match="no answer"):
        waiting.plan()
    assert waiting.pauses == [1, 2]
    assert len(waiting.pauses) == FIRST_TRIES - 1


@pytest.mark.parametrize("first", [200, 503])
def test_a_server_that_once_answered_is_waited_for(statuses: tuple[str, list[int]], first: int) -> None:
    url, left = statuses
    waiting = Waiting(url)
    left += [first] if first == 200 else [first, 200]
    waiting.plan()
    waiting.pauses.clear()
    left += [0] * (MAX_TRIES - 1) + [200]
    waiting.plan()
    assert len(waiting.pauses) == MAX_TRIES - 1
    with pytest.raises(Unavailable, match="no answer"):
        waiting.plan()


def test_a_server_that_is_busy_at_first_is_waited_for(statuses: tuple[str, list[int]]) -> None:
    url, left = statuses
    waiting = Waiting(url)
    left += [0, 503, 0, 0, 0, 0, 0, 200]
    waiting.plan()
    assert len(waiting.pauses) == MAX_TRIES - 1


def test_an_address_that_swallows_what_is_sent_there_is_soon_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "CONNECT_S", 0.05)
    with socket.socket() as listening, socket.socket() as first:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        first.connect(listening.getsockname())  # nobody accepts it: whoever comes after it gets no answer
        waiting = Waiting(f"http://127.0.0.1:{listening.getsockname()[1]}", timeout_s=3600)
        with pytest.raises(Unavailable, match="timed out"):
            waiting.plan()
    assert len(waiting.pauses) == FIRST_TRIES - 1


def test_a_server_that_has_been_asked_may_think_for_longer_than_a_connection_takes(
    statuses: tuple[str, list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(addresses, "CONNECT_S", 0.05)
    url, left = statuses
    left += [_THINKING, 200]
    assert Waiting(url, timeout_s=3600).plan().events == 0


@pytest.mark.parametrize(
    ("answer", "told", "of_plan"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}\n{", "broke off", "broke off"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{}\n\r\n", "broke off", "broke off"),
        (b"HTTP/1.0 200 OK\r\n\r\n{}\n{", "have it speak HTTP/1.1", "does not answer"),
    ],
)
def test_what_a_proxy_cuts_off_is_not_taken_for_all_of_it(answer: bytes, told: str, of_plan: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def give() -> None:
            for _ in range(2):
                with listening.accept()[0] as accepted:
                    accepted.recv(1 << 16)
                    accepted.sendall(answer)

        thread = threading.Thread(target=give, daemon=True)
        thread.start()
        waiting = Waiting(f"http://127.0.0.1:{listening.getsockname()[1]}")
        with pytest.raises(SvError, match=told):
            list(waiting.source.read([]))
        with pytest.raises(SvError, match=of_plan):
            waiting.plan()
        thread.join()
