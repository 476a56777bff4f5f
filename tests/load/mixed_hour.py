"""An hour of what a server does all day: events, queries, lists, exports and imports at a moderate rate. Do memory, open files and files on disk
stay where they are?

    .venv/bin/python tests/load/mixed_hour.py                 an hour
    .venv/bin/python tests/load/mixed_hour.py --minutes 5

Prints a reading every so often, and in the end how each of them grew by the hour over the second half, as a line of JSON; exit code 1 where a
request was answered otherwise than it should be, or something acknowledged is missing. Event files grow with events: what is looked at is
their number.
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

SETTINGS: Final = {"SV_FLUSH_SECONDS": "2", "SV_COMPACT_SECONDS": "10", "SV_MEMORY_LIMIT": "512MiB", "SV_THREADS": "2"}
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


def reading(server: Server, folder: Path, kept_bytes: float) -> dict[str, float]:
    """kept_mib: of memory, what funnels' steps take, which grows with the events there are, up to a share of the limit."""
    return {
        "resident_mib": round(server.resident_mib(), 1),
        "kept_mib": round(kept_bytes / (1 << 20), 1),
        "descriptors": len(list(Path(f"/proc/{server.process.pid}/fd").iterdir())),
        "files": sum(path.is_file() for path in folder.rglob("*")),
    }


def by_the_hour(readings: Sequence[tuple[float, float]]) -> float:
    """The slope of a straight line through (seconds, value)."""
    mean_s = sum(at_s for at_s, _ in readings) / len(readings)
    mean = sum(value for _, value in readings) / len(readings)
    spread = sum((at_s - mean_s) ** 2 for at_s, _ in readings)
    return 3600 * sum((at_s - mean_s) * (value - mean) for at_s, value in readings) / spread if spread else 0.0


async def run(server: Server, work: Path, minutes: float) -> dict[str, Any]:
    client = Client(server.port)
    day, began_s, readings = Day(client, work), time.monotonic(), list[tuple[float, dict[str, float]]]()
    until_s = began_s + 60 * minutes

    async def read() -> None:
        readings.append((time.monotonic() - began_s, reading(server, work / "data", await client.metric("sv_kept_bytes"))))
        print(f"{readings[-1][0]:.0f} s", readings[-1][1], day.taken, flush=True)

    await day.send()
    rates = ((0.1, day.send), (5, day.ask), (2, day.look), (30, day.take_in), (60, day.give_out), (15, read))
    await asyncio.gather(*(every(seconds, act, until_s) for seconds, act in rates))
    _, content = await client.get(f"{PROJECT}/insights/trends", {**TRENDS, "events": [{"name": "view"}, {"name": "buy"}]})
    total = sum(int(series["total"]) for series in content["series"])
    client.close()
    half = readings[len(readings) // 2 :]
    return {
        "minutes": minutes,
        "requests": day.answered,
        "events": day.taken,
        "missing": day.taken - total,
        "first": readings[0][1],
        "last": readings[-1][1],
        "growth_an_hour": {name: round(by_the_hour([(at_s, one[name]) for at_s, one in half]), 1) for name in half[0][1]},
        "wrong": day.wrong[:5],
    }


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    asked = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="sv-mixed-") as work:
        server = Server({**SETTINGS, "SV_DATA": f"{work}/data"})
        try:
            found = asyncio.run(run(server, Path(work), asked.minutes))
        finally:
            status = server.stop()
    print(json.dumps({**found, "exit_status": status}))
    return 1 if found["wrong"] or found["missing"] or status else 0


if __name__ == "__main__":
    sys.exit(main())
