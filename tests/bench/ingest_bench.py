"""Ingest over HTTP, fsynced, against the bare decode of the same bodies by msgspec on one core.

For batches of 1, 10, 50 and 500 events: requests on 16 keep-alive connections from a process of its own. The ratio is events a second
through the whole server (HTTP, decode, log, fdatasync, answer) to events a second of `msgspec.json.decode` alone with constrained structs and
raw properties, measured before and after in the same run.
"""

import asyncio
import json
import multiprocessing
import random
import statistics
import subprocess
import sys
import time
from typing import Annotated, Any

import msgspec

BATCHES = (1, 10, 50, 500)
CONNECTIONS = 16
SECONDS = 4.0


class _Event(msgspec.Struct, gc=False):
    event: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    timestamp: int | float | str | None = None
    properties: msgspec.Raw = msgspec.Raw(b"{}")
    anonymousId: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None
    userId: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None
    sessionId: Annotated[str, msgspec.Meta(max_length=200)] | None = None


class _Request(msgspec.Struct):
    projectToken: str
    events: list[_Event]


def main() -> None:
    command = [sys.executable, "-m", "sv", "dev", "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        ready: dict[str, Any] = json.loads(server.stdout.readline())
        port = int(ready["url"].rpartition(":")[2])
        print("batch   bare decode ev/s   server ev/s   requests/s   p50 ms   p99 ms   ratio")
        try:
            for batch in BATCHES:
                before = _decode_rate(batch)
                with multiprocessing.get_context("spawn").Pool(1) as pool:
                    count, seconds, latencies = pool.apply(_load, (port, batch, SECONDS))
                bare = statistics.mean((before, _decode_rate(batch)))
                rate = count * batch / seconds
                latencies.sort()
                p50, p99 = latencies[len(latencies) // 2] * 1000, latencies[int(len(latencies) * 0.99)] * 1000
                print(
                    f"{batch:5}   {bare:16,.0f}   {rate:11,.0f}   {count / seconds:10,.0f}"
                    f"   {p50:6.2f}   {p99:6.2f}   {rate / bare:5.1%}",
                    flush=True,
                )
        finally:
            server.terminate()


def make_body(batch: int, number: int) -> bytes:
    """A request as a browser sends it, about 300 bytes an event; `number` makes it unlike every other."""
    now = int(time.time() * 1000)
    events = [
        {
            "event": ("$pageview", "click", "purchase")[place % 3],
            "timestamp": now - place,
            "properties": {
                "$current_url": f"https://shop.example/p/{place % 50}?utm_source=news",
                "$referrer": "https://search.example/",
                "plan": "pro",
                "place": place,
                "number": number,
            },
            "anonymousId": f"550e8400-e29b-41d4-a716-{(number * 31 + place) % 5000:012d}",
            "sessionId": f"a1b2c3d4-e29b-41d4-a716-{(number * 17 + place) % 9000:012d}",
        }
        for place in range(batch)
    ]
    return json.dumps({"projectToken": "sv_pub_dev", "events": events}).encode()


def _decode_rate(batch: int) -> float:
    """Events a second that bare msgspec decodes on this core."""
    decoder = msgspec.json.Decoder(_Request)
    body = make_body(batch, 1)
    count = 0
    started = time.perf_counter()
    while time.perf_counter() - started < 0.5:
        for _ in range(max(1, 1000 // batch)):
            decoder.decode(body)
            count += batch
    return count / (time.perf_counter() - started)


def _load(port: int, batch: int, seconds: float) -> tuple[int, float, list[float]]:
    """(requests, seconds, latencies) of CONNECTIONS connections that each send as fast as they are answered."""
    import uvloop

    return uvloop.run(_send_all(port, batch, seconds))


async def _send_all(port: int, batch: int, seconds: float) -> tuple[int, float, list[float]]:
    latencies: list[float] = []
    template = make_body(batch, 1)
    deadline = time.perf_counter() + seconds
    numbers = iter(range(random.randrange(10**6), 10**12))

    async def one_connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.perf_counter() < deadline:
            # A body of its own each time, or it would be known as a retry.
            body = template.replace(b'"number": 1}', b'"number": %d}' % next(numbers))
            head = b"POST /api/v1/ingest/events HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: "
            started = time.perf_counter()
            writer.write(head + b"%d\r\n\r\n" % len(body) + body)
            answer = await reader.readuntil(b'"errors":[]}')
            latencies.append(time.perf_counter() - started)
            assert answer.startswith(b"HTTP/1.1 202"), answer[:300]
        writer.close()

    started = time.perf_counter()
    await asyncio.gather(*(one_connection() for _ in range(CONNECTIONS)))
    return len(latencies), time.perf_counter() - started, latencies


if __name__ == "__main__":
    main()
