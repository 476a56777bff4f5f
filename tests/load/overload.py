"""More events than the server can take, for as long as that lasts: does its memory stay bounded, is what it can't take refused so that clients
send it again, does it say meanwhile how it is, and is everything there that it acknowledged?

    .venv/bin/python tests/load/overload.py                 five times its capacity for a minute
    .venv/bin/python tests/load/overload.py --seconds 5

First a few senders that wait for each answer show what it can take here; then bodies come at a multiple of that, whether or not those before
them were answered. A body is small to send and large to take: gzip of many events, of which the last is one of a kind. Prints a line of JSON;
exit code 1 where anything is not as promised.
"""

import argparse
import asyncio
import gzip
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

from tests.load.slow_clients import Server
from tests.stalls import Stalls

MEMORY_MIB: Final = 384
SETTINGS: Final = {"SV_MEMORY_LIMIT": f"{MEMORY_MIB}MiB", "SV_THREADS": "2"}
BODY_EVENTS: Final = 500
SENDERS: Final = 4
GIVE_UP_S: Final = 10.0
"""As clients do."""
MOST_OPEN: Final = 2000
SETTLED_S: Final = 120.0
PROJECT: Final = "/api/v1/projects/dev"


def beginning() -> bytes:
    """All but the last event, as a gzip member."""
    noise = {"event": "noise", "userId": "ann", "properties": {"path": "/", "plan": "free", "amount": 12.5}}
    events = ",".join(json.dumps(noise | {"userId": f"user {number}"}) for number in range(BODY_EVENTS - 1))
    return gzip.compress(f'{{"projectToken":"sv_pub_dev","events":[{events},'.encode())


@dataclass
class Told:
    """What became of the requests: the numbers that were acknowledged, those that nobody knows of, and the statuses of all."""

    acknowledged: set[int] = field(default_factory=set[int])
    unknown: set[int] = field(default_factory=set[int])
    statuses: Counter[int] = field(default_factory=Counter[int])
    without_retry_after: int = 0
    not_sent: int = 0


class Client:
    """Numbered bodies on connections that are kept."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._beginning = beginning()
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._number = 0
        self.open = 0
        self.told = Told()

    async def send(self) -> None:
        self._number += 1
        number = self._number
        last = f'{{"event":"last","timestamp":{time.time_ns() // 1_000_000},"userId":"bob","properties":{{"n":{number}}}}}]}}'
        body = self._beginning + gzip.compress(last.encode(), 1)
        head = f"POST /api/v1/ingest/events HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n"
        self.open += 1
        try:
            async with asyncio.timeout(GIVE_UP_S):
                status, answer_head, _ = await self._ask(head.encode() + body)
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            self.told.statuses[0] += 1
            self.told.unknown.add(number)
            return
        finally:
            self.open -= 1
        self.told.statuses[status] += 1
        if status == 202:
            self.told.acknowledged.add(number)
        elif b"\r\nretry-after: " not in answer_head:
            self.told.without_retry_after += 1

    async def get(self, path: str, body: object = None) -> tuple[int, Any]:
        content = b"" if body is None else json.dumps(body).encode()
        head = f"{'GET' if body is None else 'POST'} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sv_dev\r\nContent-Length: {len(content)}\r\n"
        status, _, answer = await self._ask(head.encode() + b"Content-Type: application/json\r\n\r\n" + content)
        return status, json.loads(answer)

    async def metric(self, name: str) -> float:
        """A figure of /metrics that has no labels."""
        _, _, answer = await self._ask(b"GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        return next(float(line.split()[1]) for line in answer.decode().splitlines() if line.startswith(f"{name} "))

    async def _ask(self, sent: bytes) -> tuple[int, bytes, bytes]:
        """On a connection that is kept, where there is one. One that was closed for resting too long is left for another."""
        while self._idle:
            reader, writer = self._idle.pop()
            try:
                return await self._ask_on(reader, writer, sent)
            except ConnectionResetError:
                pass
            except asyncio.IncompleteReadError as error:
                if error.partial:
                    raise
        return await self._ask_on(*await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 26), sent)

    async def _ask_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sent: bytes) -> tuple[int, bytes, bytes]:
        try:
            writer.write(sent)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            size = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
            body = await reader.readexactly(size)
        except BaseException:
            writer.transport.abort()
            raise
        self._idle.append((reader, writer))
        return int(head.split()[1]), head, body

    def close(self) -> None:
        for _, writer in self._idle:
            writer.transport.abort()


async def find_capacity(client: Client, seconds: float) -> float:
    """Bodies a second that are acknowledged while a few senders wait for each answer."""
    until_s = time.monotonic() + seconds

    async def go_on() -> None:
        while time.monotonic() < until_s:
            await client.send()

    before = len(client.told.acknowledged)
    await asyncio.gather(*(go_on() for _ in range(SENDERS)))
    return (len(client.told.acknowledged) - before) / seconds


async def overload(client: Client, a_second: float, seconds: float) -> int:
    """Send at that rate without waiting; returns how many were due. Beyond MOST_OPEN a client has no more connections."""
    began_s, tasks, due = time.monotonic(), set[asyncio.Task[None]](), 0
    while (passed_s := time.monotonic() - began_s) < seconds:
        while due < passed_s * a_second:
            due += 1
            if client.open >= MOST_OPEN:
                client.told.not_sent += 1
                continue
            task = asyncio.create_task(client.send())
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        await asyncio.sleep(0.005)
    await asyncio.gather(*tasks)
    return due


async def look_on(server: Server, port: int, waits: list[float], resident: list[float]) -> None:
    """How long the server takes to say how it is, on a connection of its own each time, and how much memory it has."""
    while True:
        began_s = time.monotonic()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            line = await reader.readline()
        finally:
            writer.close()
        assert line.split()[1] in (b"200", b"503"), line
        waits.append(time.monotonic() - began_s)
        resident.append(server.resident_mib())
        await asyncio.sleep(0.1)


async def count(client: Client) -> tuple[int, Counter[int]]:
    """All events, and how often each of the last ones is there."""
    until_s = time.monotonic() + SETTLED_S
    while (await client.get("/healthz"))[0] != 200:
        assert time.monotonic() < until_s, "it doesn't recover"
        await asyncio.sleep(0.2)
    asked = {"events": [{"name": "noise"}, {"name": "last"}], "date_from": "-2d", "interval": "day"}
    status, trends = await client.get(f"{PROJECT}/insights/trends", asked)
    assert status == 200, trends
    found, query = Counter[int](), {"event": "last", "limit": "1000"}
    while True:
        status, page = await client.get(f"{PROJECT}/events?{urlencode(query)}")
        assert status == 200, page
        found.update(event["properties"]["n"] for event in page["data"])
        if not page["meta"]["has_more"]:
            return sum(int(series["total"]) for series in trends["series"]), found
        query["cursor"] = page["meta"]["next_cursor"]


async def run(server: Server, times: float, seconds: float) -> dict[str, Any]:
    client, waits, resident = Client(server.port), list[float](), list[float]()
    await find_capacity(client, 0.5)  # everything is loaded
    await count(client)
    before_mib = server.resident_mib()
    capacity = await find_capacity(client, min(5.0, seconds / 2))
    looking = asyncio.create_task(look_on(server, server.port, waits, resident))
    due = await overload(client, capacity * times, seconds)
    if looking.done():
        looking.result()
    looking.cancel()
    told = client.told
    total, found = await count(client)
    client.close()
    known = len(told.acknowledged) * BODY_EVENTS
    return {
        "capacity_events_s": round(capacity * BODY_EVENTS),
        "offered_times": round((due - told.not_sent) / seconds / capacity, 1),
        "answered": {str(status): number for status, number in sorted(told.statuses.items())},
        "refused_without_retry_after": told.without_retry_after,
        "slowest_health_s": round(max(waits), 3),
        "resident_mib_before": round(before_mib),
        "resident_mib_most": round(max(resident)),
        "events_acknowledged": known,
        "lost": len(told.acknowledged - found.keys()),
        "twice": sum(number > 1 for number in found.values()),
        "never_sent": len(found.keys() - told.acknowledged - told.unknown),
        "total_is_right": total == sum(found.values()) * BODY_EVENTS,
    }


def broken_promises(found: dict[str, Any], health_s: float) -> list[str]:
    """What is not as it should be."""
    held = {
        "nothing was refused: that was no overload": "503" in found["answered"],
        "an answer that is neither 202 nor 503, or none": found["answered"].keys() <= {"202", "503"},
        "a refusal doesn't say when to come again": found["refused_without_retry_after"] == 0,
        f"health took longer than {health_s:g} s": found["slowest_health_s"] <= health_s,
        "more memory than its setting": found["resident_mib_most"] <= MEMORY_MIB,
        "something acknowledged is lost": found["lost"] == 0 and found["total_is_right"],
        "something is there twice, or made up": found["twice"] == found["never_sent"] == 0,
    }
    return [what for what, is_so in held.items() if not is_so]


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--times", type=float, default=5)
    parser.add_argument("--health", type=float, default=5, help="seconds within which /healthz has to answer")
    asked = parser.parse_args(words)
    server, stalls = Server(SETTINGS), Stalls()
    stalls.start()
    try:
        found = asyncio.run(run(server, asked.times, asked.seconds))
    finally:
        stalls.is_ending = True
        status = server.stop()
    print(json.dumps({**found, "machine_stood_still_s": round(stalls.longest_s, 3), "exit_status": status}))
    broken = broken_promises(found, asked.health)
    for line in broken:
        print(line)
    return 1 if broken or status else 0


if __name__ == "__main__":
    sys.exit(main())
