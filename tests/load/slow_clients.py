"""Thousands of connections that are begun and not used, and senders at a byte a second, against a real server: are they closed in time, are others
served meanwhile, and what does it cost?

    python tests/load/slow_clients.py                         9,000 idle connections and 200 senders
    python tests/load/slow_clients.py --idle 300 --senders 40

Prints a line of JSON; exit code 1 where anything is not as promised. The system has to allow as many open files (`ulimit -n`).
"""

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[2]
GIVEN_UP_AFTER_S: Final = 30.0
HEAD: Final = b"POST /api/v1/ingest/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
BEGINNINGS: Final = (b"", b"P", HEAD[:40], HEAD % 1000 + b'{"projectToken"')
AT_ONCE: Final = 200


class Server:
    """`sv dev` in a process of its own. settings: variables that it is given besides."""

    def __init__(self, settings: Mapping[str, str] | None = None) -> None:
        words = [sys.executable, "-m", "sv", "dev", "--port", "0", "--json", "--stop-on-eof", "--log-level", "warning"]
        env = {**os.environ, **(settings or {})}
        self.process = subprocess.Popen(words, cwd=ROOT, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.port = int(json.loads(self.process.stdout.readline())["url"].rpartition(":")[2])

    def resident_mib(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024

    def stop(self) -> int:
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            return self.process.wait(60)
        finally:
            self.process.kill()
            self.process.wait()
            assert self.process.stdout is not None
            self.process.stdout.close()


async def connect(port: int, sent: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    return reader, writer


async def until_closed(reader: asyncio.StreamReader, began_s: float) -> float:
    """How long it took until the server ended the connection; infinite where it didn't."""
    try:
        async with asyncio.timeout(GIVEN_UP_AFTER_S):
            await reader.read(-1)
    except TimeoutError:
        return float("inf")
    except OSError:
        pass
    return time.monotonic() - began_s


async def drip(writer: asyncio.StreamWriter) -> None:
    """A byte a second, until the connection is gone."""
    while not writer.is_closing():
        writer.write(b"x")
        await asyncio.sleep(1)


async def ask(port: int, sent: bytes) -> float:
    """Seconds until an answer of 200 or 202; infinite for any other."""
    began_s = time.monotonic()
    try:
        async with asyncio.timeout(30):
            reader, writer = await connect(port, sent)
            status = await reader.readline()
            writer.close()
    except (OSError, TimeoutError):
        return float("inf")
    return time.monotonic() - began_s if status.split()[1:2] in ([b"200"], [b"202"]) else float("inf")


def event(number: int) -> bytes:
    body = json.dumps(
        {"projectToken": "sv_pub_dev", "events": [{"event": "during", "userId": "ann", "properties": {"n": number}}]}
    )
    return HEAD % len(body) + body.encode()


async def run(server: Server, idle: int, senders: int) -> dict[str, Any]:
    before_mib = server.resident_mib()
    closed: list[asyncio.Task[float]] = []
    kept: list[asyncio.StreamWriter] = []
    drips: list[asyncio.Task[None]] = []

    async def begin(sent: bytes, *, drips_on: bool) -> None:
        reader, writer = await connect(server.port, sent)
        closed.append(asyncio.create_task(until_closed(reader, time.monotonic())))
        kept.append(writer)
        if drips_on:
            drips.append(asyncio.create_task(drip(writer)))

    for start in range(0, senders, AT_ONCE):
        await asyncio.gather(*(begin(HEAD % 100_000, drips_on=True) for _ in range(start, min(senders, start + AT_ONCE))))
    for start in range(0, idle, AT_ONCE):
        few = range(start, min(idle, start + AT_ONCE))
        await asyncio.gather(*(begin(BEGINNINGS[number % len(BEGINNINGS)], drips_on=False) for number in few))
    with_all_mib = server.resident_mib()
    waits: list[float] = []
    while not all(task.done() for task in closed):
        waits.append(await ask(server.port, event(len(waits))))
        waits.append(await ask(server.port, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"))
        await asyncio.sleep(0.1)
    ended = [task.result() for task in closed]
    for task in drips:
        task.cancel()
    await asyncio.gather(*drips, return_exceptions=True)
    for writer in kept:
        writer.transport.abort()
    return {
        "connections": len(ended),
        "closed_after_s": [round(min(ended), 1), round(max(ended), 1)],
        "served_meanwhile": len(waits),
        "slowest_answer_s": round(max(waits), 3),
        "kib_a_connection": round((with_all_mib - before_mib) * 1024 / len(ended), 1),
    }


def is_as_promised(found: dict[str, Any], within_s: float) -> bool:
    return found["closed_after_s"][1] <= within_s and found["slowest_answer_s"] < float("inf")


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--idle", type=int, default=9000)
    parser.add_argument("--senders", type=int, default=200)
    parser.add_argument("--within", type=float, default=15, help="seconds until each has to be closed")
    asked = parser.parse_args(words)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    server = Server()
    try:
        found = asyncio.run(run(server, asked.idle, asked.senders))
    finally:
        status = server.stop()
    print(json.dumps({**found, "exit_status": status}))
    return 0 if is_as_promised(found, asked.within) and status == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
