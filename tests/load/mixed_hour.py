"""An hour of what a server does all day: events, queries, lists, exports and imports at a moderate rate. Do memory, open files and files on disk
stay where they are?

    .venv/bin/python tests/load/mixed_hour.py                 an hour
    .venv/bin/python tests/load/mixed_hour.py --minutes 5
    .venv/bin/python tests/load/mixed_hour.py --minutes 20 --pace 3     an hour of it in twenty minutes

Prints a reading every so often, and in the end how each of them grew by the hour over the second half, as a line of JSON; exit code 1 where a
request was answered otherwise than it should be, something acknowledged is missing, or memory isn't flat: a straight line through the second
half's readings rises by more than a twentieth of them. That is told only where the second half begins after what is kept for ten minutes has
come together. Event files grow with events: what is looked at is their number.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final

from tests.load.overload import PROJECT, Client
from tests.load.slow_clients import ROOT, Server

SETTINGS: Final = {"SV_MEMORY_LIMIT": "512MiB", "SV_THREADS": "2"}
WAITS_S: Final = {"SV_FLUSH_SECONDS": 2, "SV_COMPACT_SECONDS": 10, "SV_RETRY_WINDOW_SECONDS": 600}
FLAT_SHARE: Final = 0.05
ARENA_BYTES: Final = 64 << 20
"""Each heap of the C library but the first lies in a range of that size, at a multiple of it."""

TRENDS: Final = {"events": [{"name": "view"}, {"name": "buy", "math": "unique_persons"}], "date_from": "-2d", "interval": "hour"}
FUNNEL: Final = {"steps": [{"event": "view"}, {"event": "buy"}], "date_from": "-2d", "conversion_window": "1d"}
ROWS: Final = 2000


class Day:
    """What happens, and how often it was answered well."""

    def __init__(self, client: Client, work: Path) -> None:
        self._client = client
        self._work = work
        self.sent = 0
        self.taken = 0
        self.answered = 0
        self.wrong: list[str] = []

    async def send(self) -> None:
        at_ms = time.time_ns() // 1_000_000
        events = [
            {
                "event": "buy" if n == 9 else "view",
                "timestamp": at_ms,
                "userId": f"user {(self.sent + n) % 5000}",
                "properties": {"n": n},
            }
            for n in range(10)
        ]
        self.sent += len(events)
        status, content = await self._client.get("/api/v1/ingest/events", {"projectToken": "sv_pub_dev", "events": events})
        self.taken += content.get("accepted", 0)
        self.note(status == 202, f"ingest: {status} {content}")

    async def ask(self) -> None:
        for path, body in ((f"{PROJECT}/insights/trends", TRENDS), (f"{PROJECT}/insights/funnel", FUNNEL)):
            status, content = await self._client.get(path, body)
            self.note(status == 200, f"{path}: {status} {content}")

    async def look(self) -> None:
        for what in ("events", "persons", "sessions"):
            status, content = await self._client.get(f"{PROJECT}/{what}?limit=100")
            self.note(status == 200 and content["data"], f"{what}: {status}")

    async def take_in(self) -> None:
        path = self._work / "import.ndjson"
        at_ms = time.time_ns() // 1_000_000
        lines = (json.dumps({"event": "view", "timestamp": at_ms + n, "userId": f"import {n % 500}"}) for n in range(ROWS))
        path.write_text("\n".join(lines))
        if await self._run("import", str(path), "--project", "dev"):
            self.taken += ROWS

    async def give_out(self) -> None:
        await self._run(
            "export", "--project", "dev", "--date-from", "-1d", "--output", str(self._work / f"out-{time.monotonic_ns()}.ndjson")
        )

    async def _run(self, *words: str) -> bool:
        extra = ("--url", f"http://127.0.0.1:{self._client.port}", "--api-token", "sv_dev")
        out = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "sv", *words, *extra, cwd=ROOT, stdout=out, stderr=out
        )
        _, said = await process.communicate()
        return self.note(process.returncode == 0, f"{words[0]}: {said.decode()[-300:]}")

    def note(self, is_right: object, what: str) -> bool:
        self.answered += 1
        if not is_right:
            self.wrong.append(what)
        return bool(is_right)


async def every(seconds: float, act: Callable[[], Awaitable[object]], until_s: float) -> None:
    while time.monotonic() < until_s:
        began_s = time.monotonic()
        await act()
        await asyncio.sleep(max(0.0, min(began_s + seconds, until_s) - time.monotonic()))


def memory(pid: int) -> dict[str, float]:
    """Where a process' resident memory is, in MiB: files (libraries, above all), heaps of the C library, all other."""
    found = dict.fromkeys(("resident_mib", "files_mib", "heaps_mib", "other_mib"), 0)
    name, resident_kib = "", 0
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        word, *words = line.split()
        if not word.endswith(":"):
            first, last = (int(end, 16) for end in word.split("-"))
            is_arena = len(words) < 5 and first % ARENA_BYTES == 0 and last - first <= ARENA_BYTES
            name = "heaps_mib" if is_arena or words[-1] == "[heap]" else "other_mib"
        elif word == "Rss:":
            resident_kib = int(words[0])
            found["resident_mib"] += resident_kib
        elif word == "Anonymous:":
            found[name] += int(words[0])
            found["files_mib"] += resident_kib - int(words[0])
    return {name: round(kib / 1024, 1) for name, kib in found.items()}


def reading(server: Server, folder: Path, kept_bytes: float) -> dict[str, float]:
    """kept_mib: of memory, what funnels' steps take, which grows with the events there are, up to a share of the limit."""
    return {
        **memory(server.process.pid),
        "kept_mib": round(kept_bytes / (1 << 20), 1),
        "descriptors": len(list(Path(f"/proc/{server.process.pid}/fd").iterdir())),
        "files": sum(path.is_file() for path in folder.rglob("*")),
    }


def is_flat(half: Sequence[tuple[float, float]]) -> bool:
    span_s = half[-1][0] - half[0][0]
    return by_the_hour(half) * span_s / 3600 <= FLAT_SHARE * sum(value for _, value in half) / len(half)


def by_the_hour(readings: Sequence[tuple[float, float]]) -> float:
    """The slope of a straight line through (seconds, value)."""
    mean_s = sum(at_s for at_s, _ in readings) / len(readings)
    mean = sum(value for _, value in readings) / len(readings)
    spread = sum((at_s - mean_s) ** 2 for at_s, _ in readings)
    return 3600 * sum((at_s - mean_s) * (value - mean) for at_s, value in readings) / spread if spread else 0.0


async def run(server: Server, work: Path, minutes: float, pace: float) -> dict[str, Any]:
    client = Client(server.port)
    day, began_s, readings = Day(client, work), time.monotonic(), list[tuple[float, dict[str, float]]]()
    until_s = began_s + 60 * minutes

    async def read() -> None:
        readings.append((time.monotonic() - began_s, reading(server, work / "data", await client.metric("sv_kept_bytes"))))
        print(f"{readings[-1][0]:.0f} s", readings[-1][1], day.taken, flush=True)

    await day.send()
    rates = ((0.1, day.send), (5, day.ask), (2, day.look), (30, day.take_in), (60, day.give_out), (15 * pace, read))
    await asyncio.gather(*(every(seconds / pace, act, until_s) for seconds, act in rates))
    _, content = await client.get(f"{PROJECT}/insights/trends", {**TRENDS, "events": [{"name": "view"}, {"name": "buy"}]})
    total = sum(int(series["total"]) for series in content["series"])
    client.close()
    half = readings[len(readings) // 2 :]
    return {
        "minutes": minutes,
        "pace": pace,
        "requests": day.answered,
        "events": day.taken,
        "missing": day.taken - total,
        "first": readings[0][1],
        "last": readings[-1][1],
        "is_flat": is_flat([(at_s, one["resident_mib"]) for at_s, one in half])
        if half[0][0] > WAITS_S["SV_RETRY_WINDOW_SECONDS"] / pace
        else None,
        "growth_an_hour": {name: round(by_the_hour([(at_s, one[name]) for at_s, one in half]), 1) for name in half[0][1]},
        "wrong": day.wrong[:5],
    }


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument(
        "--pace", type=float, default=1, help="how many times as much in the same time; what waits, waits as much less"
    )
    asked = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="sv-mixed-") as work:
        waits = {name: f"{seconds / asked.pace:.3g}" for name, seconds in WAITS_S.items()}
        server = Server({**SETTINGS, **waits, "SV_DATA": f"{work}/data"})
        try:
            found = asyncio.run(run(server, Path(work), asked.minutes, asked.pace))
        finally:
            status = server.stop()
    print(json.dumps({**found, "exit_status": status}))
    return 1 if found["wrong"] or found["missing"] or status or found["is_flat"] is False else 0


if __name__ == "__main__":
    sys.exit(main())
