"""SIGTERM and SIGINT are the ordinary end: what runs is answered, everything is written to files, and the exit code is 0."""

import itertools
import json
import os
import signal
import threading
import time
from collections import Counter

import pytest
from conftest import Serve
from crash_rig import INGEST, PROJECT, Connection, Server, dated, files_aside, numbers_in_files, temporary_files, wait_for

WRITERS = 4


class Sender(threading.Thread):
    """Sends until the server is gone. A request whose answer never came may or may not have been stored."""

    def __init__(self, name: str, port: int) -> None:
        super().__init__(name=name)
        self._port = port
        self.acknowledged: set[str] = set()
        self.unanswered: set[str] = set()
        self.refusals: list[tuple[int, str]] = []

    def run(self) -> None:
        connection = Connection(self._port)
        for count in itertools.count():
            number = f"{self.name}-{count}"
            try:
                status, headers, _content = connection.ask("POST", INGEST, dated(number, pad=200))
            except Exception:
                self.unanswered.add(number)
                break
            if status == 202:
                self.acknowledged.add(number)
            else:
                self.refusals.append((status, headers.get("retry-after", "")))
        connection.close()


def start_senders(server: Server) -> list[Sender]:
    senders = [Sender(f"s{number}", server.port) for number in range(WRITERS)]
    for sender in senders:
        sender.start()
    wait_for(lambda: all(len(sender.acknowledged) > 20 for sender in senders), "some events")
    return senders


def records_not_covered(server: Server) -> int:
    """What the log holds beyond what the event files do."""
    from sv.meta.db import Meta
    from sv.meta.parts import Parts
    from sv.wal.log import Log

    with Meta.open(server.folder / "sv.db") as meta:
        covered = Parts(meta).covered_seq()
    log = Log.open(server.folder / "log", deliver=lambda _: None, next_seq_floor=covered + 1)
    try:
        return len(list(log.replay(covered)))
    finally:
        log.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("settings", [{}, {"SV_FLUSH_SECONDS": "0.2", "SV_COMPACT_SECONDS": "0.3"}])
def test_a_signal_under_load_ends_with_0_and_everything_acknowledged_in_files(
    serve: Serve, number: signal.Signals, settings: dict[str, str]
) -> None:
    server = serve(**settings).start()
    senders = start_senders(server)
    if settings:
        time.sleep(1)
    assert server.stop(number) == 0, server.log
    for sender in senders:
        sender.join(30)
        assert not sender.is_alive()
    acknowledged = set[str]().union(*(sender.acknowledged for sender in senders))
    unanswered = set[str]().union(*(sender.unanswered for sender in senders))
    refusals = {refusal for sender in senders for refusal in sender.refusals}
    assert refusals <= {(503, "1"), (503, "2")}, "refused before it was stored, and told to come back"
    found = numbers_in_files(server.folder)
    assert set(found.values()) == {1}
    assert acknowledged <= found.keys() <= acknowledged | unanswered
    assert records_not_covered(server) == 0
    assert temporary_files(server.folder) == []
    assert files_aside(server.folder) == []
    assert "ERROR" not in server.log
    assert "Traceback" not in server.log
    server.start()
    assert server.numbers() == found


def test_a_signal_during_the_start_is_no_crash(serve: Serve) -> None:
    server = serve().start()
    server.store(dated("kept"))
    assert server.stop() == 0
    for delay_s in (0.02, 0.1, 0.2, 0.3, 0.4):
        server.spawn()
        time.sleep(delay_s)
        assert server.stop() in (0, -signal.SIGTERM)
        assert "Traceback" not in server.log
    assert server.start().numbers() == Counter(["kept"])


def test_a_request_that_runs_is_answered_before_the_end(serve: Serve) -> None:
    """The body comes in two pieces with the signal between them."""
    server = serve().start()
    server.store(dated("before"))
    body = dated("between")
    connection = Connection(server.port)
    inner = connection.raw()
    inner.putrequest("POST", INGEST)
    inner.putheader("Content-Type", "application/json")
    inner.putheader("Content-Length", str(len(body)))
    inner.endheaders()
    inner.send(body[:10])
    time.sleep(0.2)
    os.kill(server.process.pid, signal.SIGTERM)
    time.sleep(0.3)
    inner.send(body[10:])
    response = inner.getresponse()
    response.read()
    connection.close()
    assert response.status in (202, 503)
    assert server.process.wait(30) == 0
    expected = Counter(["before", *(["between"] if response.status == 202 else [])])
    assert numbers_in_files(server.folder) == expected


def begin_a_body(server: Server, path: str) -> Connection:
    """A request whose body doesn't come to its end."""
    connection = Connection(server.port)
    inner = connection.raw()
    inner.putrequest("POST", path)
    inner.putheader("Content-Type", "application/json")
    inner.putheader("Authorization", "Bearer sv_dev")
    inner.putheader("Content-Length", "1000")
    inner.endheaders()
    inner.send(b"{")
    return connection


def test_a_second_signal_ends_at_once(serve: Serve) -> None:
    """Bodies that never end keep the first one waiting. Who sends them is told in the contract's words."""
    server = serve().start()
    server.store(dated("before"))
    waiting = [begin_a_body(server, path) for path in (INGEST, f"{PROJECT}/insights/trends")]
    time.sleep(0.2)
    os.kill(server.process.pid, signal.SIGTERM)
    time.sleep(1)
    assert server.process.poll() is None, "it waits for what runs, so a second signal is worth something"
    began = time.monotonic()
    os.kill(server.process.pid, signal.SIGTERM)
    assert server.process.wait(30) in (0, -signal.SIGTERM)
    assert time.monotonic() - began < 3
    for connection in waiting:
        response = connection.raw().getresponse()
        assert (response.status, response.headers["retry-after"]) == (503, "2")
        assert json.loads(response.read()) == {"error": "the server is shutting down", "code": "UNAVAILABLE"}
        connection.close()
    assert "Traceback" not in server.log
    server.start()
    assert server.numbers() == Counter(["before"])


def test_a_client_that_never_finishes_delays_the_end_for_ten_seconds_at_most(serve: Serve) -> None:
    server = serve().start()
    server.store(dated("before"))
    connection = Connection(server.port)
    inner = connection.raw()
    inner.putrequest("POST", f"{PROJECT}/insights/trends")
    inner.putheader("Content-Length", "1000")
    inner.endheaders()
    time.sleep(0.2)
    began = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - began < 15
    connection.close()
    assert numbers_in_files(server.folder) == Counter(["before"])
