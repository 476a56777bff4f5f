"""Ingest's p99 while heavy queries run, and while files are written and merged, against the same server doing nothing else.

An open loop: a process of its own sends 200 requests of 10 events a second by a fixed schedule, and a request's time counts from when it
was due, so that a server that stands still for a second costs all that were due in it. The sender is a real-time process where the system
lets it, at one step above a server's: on the same cores its own waits for one would count as the server's, and be most of what is measured.
`SV_BENCH_SENDER=ordinary` leaves it an ordinary one. Rounds are interleaved, and the figures are medians of the rounds' percentiles.
`SV_BENCH_EVENTS` says how many events lie there before (500,000).
"""

import asyncio
import contextlib
import itertools
import json
import multiprocessing
import os
import random
import statistics
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Generator
from typing import Any, Final

from sv.engine.priority import REAL_TIME
from tests.bench.ingest_bench import make_body

RATE: Final = 200
EVENTS: Final = 10
CONNECTIONS: Final = 32
ROUNDS: Final = 7
SECONDS: Final = 4.0
DAYS: Final = 30
DAY_MS: Final = 86_400_000
NEVER: Final = ("--flush-seconds", "3600", "--flush-events", "10000000", "--compact-seconds", "0")
ALWAYS: Final = ("--flush-seconds", "0.5", "--compact-seconds", "1")
HEAD: Final = b"POST /api/v1/ingest/events HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: "


def main() -> None:
    with multiprocessing.get_context("spawn").Pool(1, initializer=put_sender_first) as sender:
        print(f"the sender is {sender.apply(policy)}")
        print("                                  p50 ms   p99 ms   beside idle (p99)")
        _under_queries(sender)
        _under_flushes(sender)


def _under_queries(sender: Any) -> None:
    with _server() as (url, port):
        sender.apply(fill, (port, int(os.environ.get("SV_BENCH_EVENTS", "500000"))))
        _ask(url, "funnel", next(_questions("funnel")))  # has all that was sent written where queries read it
        found: dict[str, list[tuple[float, float]]] = {"idle": [], "three heavy queries": []}
        answered = 0
        for _ in range(ROUNDS):
            found["idle"].append(sender.apply(send, (port,)))
            with _asking(url) as count:
                found["three heavy queries"].append(sender.apply(send, (port,)))
            answered += count()
        _report(found)
        print(f"({answered} of these were answered meanwhile)", flush=True)


def _under_flushes(sender: Any) -> None:
    with _server(*NEVER) as (_, idle_port), _server(*ALWAYS) as (url, port):
        found: dict[str, list[tuple[float, float]]] = {"idle": [], "flushes and merges": []}
        for _ in range(ROUNDS):
            found["idle"].append(sender.apply(send, (idle_port,)))
            found["flushes and merges"].append(sender.apply(send, (port,)))
        _report(found)
        counted = {name: _metric(url, f"sv_{name}_total") for name in ("flushes", "merges")}
        print(f"({counted['flushes']} flushes and {counted['merges']} merges)", flush=True)


def _report(found: dict[str, list[tuple[float, float]]]) -> None:
    idle = statistics.median(p99 for _, p99 in found["idle"])
    for name, rounds in found.items():
        p50, p99 = (statistics.median(column) * 1000 for column in zip(*rounds, strict=True))
        print(f"{name:32}  {p50:6.2f}   {p99:6.2f}   {p99 / idle / 1000:6.2f}", flush=True)


@contextlib.contextmanager
def _server(*arguments: str) -> Generator[tuple[str, int]]:
    command = [sys.executable, "-m", "sv", "dev", "--port", "0", "--json", "--stop-on-eof", *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        url: str = json.loads(server.stdout.readline())["url"]
        yield url, int(url.rpartition(":")[2])  # its input is closed on leaving, which stops it


# Asking


def _questions(kind: str) -> Generator[dict[str, Any]]:
    """Questions that look into every event's JSON, each unlike all others."""
    for number in itertools.count(1):
        odd = [{"property": "place", "operator": "lt", "value": 1000 + number}]
        dates: dict[str, Any] = {"date_from": f"-{DAYS + 5}d", "include_bots": True, "filters": odd}
        names = ("$pageview", "click", "purchase", "$pageview", "click", "purchase")
        match kind:
            case "funnel":
                yield {**dates, "steps": [{"event": name} for name in names], "breakdown": "plan"}
            case "trends":
                yield {**dates, "events": [{"name": name, "math": "unique_persons"} for name in names[:3]], "breakdown": "plan"}
            case _:
                yield {"date_from": f"-{DAYS + 5}d", "compare": False, "breakdown_limit": 10 + number % 90}


def _ask(url: str, kind: str, question: dict[str, Any]) -> None:
    headers = {"Authorization": "Bearer sv_dev", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{url}/api/v1/projects/dev/insights/{kind}", json.dumps(question).encode(), headers)
    with urllib.request.urlopen(request, timeout=120) as answer:
        answer.read()


@contextlib.contextmanager
def _asking(url: str) -> Generator[Callable[[], int]]:
    """Three clients that ask one heavy question after the other; how many they got answers to."""
    is_over = threading.Event()
    answered: list[str] = []

    def ask(kind: str) -> None:
        for question in _questions(kind):
            if is_over.is_set():
                return
            _ask(url, kind, question)
            answered.append(kind)

    threads = [threading.Thread(target=ask, args=(kind,)) for kind in ("funnel", "trends", "overview")]
    for thread in threads:
        thread.start()
    try:
        yield lambda: len(answered)
    finally:
        is_over.set()
        for thread in threads:
            thread.join()


def _metric(url: str, name: str) -> int:
    with urllib.request.urlopen(f"{url}/metrics", timeout=30) as answer:
        (line,) = [line for line in answer.read().decode().splitlines() if line.startswith(f"{name} ")]
    return int(line.split()[1])


# Sending, in a process of its own


def put_sender_first() -> None:
    if os.environ.get("SV_BENCH_SENDER") != "ordinary":
        with contextlib.suppress(OSError, AttributeError):
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(REAL_TIME + 1))


def policy() -> str:
    is_first = sys.platform == "linux" and os.sched_getscheduler(0) == os.SCHED_RR
    return "a real-time process" if is_first else "an ordinary process"


def fill(port: int, events: int) -> None:
    """That many events, over the days before now."""
    import uvloop

    uvloop.run(_fill(port, events))


async def _fill(port: int, events: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    now_ms = int(time.time() * 1000)
    for number in range(events // 2000):
        body = json.loads(make_body(2000, number))
        for place, event in enumerate(body["events"]):
            event["timestamp"] = now_ms - (number * 2000 + place) * 7919 * 1000 % (DAYS * DAY_MS)
        await _post(reader, writer, json.dumps(body).encode())
    writer.close()


def send(port: int) -> tuple[float, float]:
    """(p50, p99) in seconds of requests by the schedule."""
    import uvloop

    latencies = sorted(uvloop.run(_send(port)))
    return latencies[len(latencies) // 2], latencies[int(len(latencies) * 0.99)]


async def _send(port: int) -> list[float]:
    free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        free.put_nowait(await asyncio.open_connection("127.0.0.1", port))
    template = make_body(EVENTS, 1)
    numbers = itertools.count(random.randrange(10**6, 10**11))
    latencies: list[float] = []

    async def one(due_s: float) -> None:
        connection = await free.get()
        # A body of its own each time, or it would be known as a retry.
        await _post(*connection, template.replace(b'"number": 1}', b'"number": %d}' % next(numbers)))
        latencies.append(time.perf_counter() - due_s)
        free.put_nowait(connection)

    started_s = time.perf_counter()
    sent: list[asyncio.Task[None]] = []
    for number in range(int(RATE * SECONDS)):
        due_s = started_s + number / RATE
        await asyncio.sleep(max(0.0, due_s - time.perf_counter()))
        sent.append(asyncio.ensure_future(one(due_s)))
    await asyncio.gather(*sent)
    while not free.empty():
        free.get_nowait()[1].close()
    return latencies


async def _post(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
    writer.write(HEAD + b"%d\r\n\r\n" % len(body) + body)
    answer = await reader.readuntil(b'"errors":[]}')
    assert answer.startswith(b"HTTP/1.1 202"), answer[:300]


if __name__ == "__main__":
    main()
