"""What a folder of so many events takes and how soon it answers, for the table in docs/operating.md: over HTTP, of a `sv serve` of its own.

The events are those of `lists_folder`: sixty days, a person to ten events, five to a session, small properties. The server has two threads and a
memory limit of 1 GiB. Each question is asked first of a server that was just started (the files are in the system's cache, since they were just
written) and then five times more, with another window or limit each time, of which the median is shown. Absolute figures: there is
no reference, the machine is part of the answer.

`SV_BENCH_EVENTS` (1,000,000) says how many. `SV_BENCH_FOLDER` keeps the folder, or takes the one that is there. `SV_BENCH_LISTS=0` leaves the lists
of persons and sessions empty, which take minutes to make beyond a million events.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sv.auth.tokens import make_api_token
from sv.model.access import Scope
from sv.store.disk_watch import bytes_below
from tests.bench.lists_folder import ORIGIN_MS, PROJECT, made_folder

ROUNDS: Final = 5
DATES: Final = {"date_from": "2025-01-01", "date_to": "2025-03-01"}
TOKEN_FILE: Final = "token"
OPENER: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))
SETTINGS: Final = {"SV_MEMORY_LIMIT": "1GiB", "SV_THREADS": "2", "SV_DISK_FREE_WARNING": "0", "SV_COMPACT_SECONDS": "0"}


class Served:
    """The server, and what it is asked."""

    def __init__(self, pid: int, url: str, token: str) -> None:
        self.pid = pid
        self.url = url
        self._base = f"{url}/api/v1/projects/{PROJECT}"
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        with OPENER.open(urllib.request.Request(f"{self._base}/{path}", data, self._headers), timeout=120) as answer:
            assert answer.status == 200
            return json.load(answer)

    def memory_mb(self, name: str) -> float:
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1000


def questions(*, has_lists: bool) -> dict[str, Callable[[Served, int], Any]]:
    """Each with a number that makes it another question, so that no answer is shared or kept."""
    steps = [{"event": name} for name in ("viewed", "checkout", "paid")]
    daily = {"interval": "day", **DATES}
    persons = [{"name": "viewed", "math": "unique_persons"}]
    asked: dict[str, Callable[[Served, int], Any]] = {
        "funnel of 3 steps, 60 days": lambda to, n: to.ask(
            "insights/funnel", {"steps": steps, "conversion_window": f"{n + 2}d", **DATES}
        ),
        "trend of unique persons, 60 days": lambda to, n: to.ask(
            "insights/trends", {"events": persons, "breakdown_limit": n + 5, **daily}
        ),
        "overview, 7 days": lambda to, n: to.ask(
            "insights/overview", {"date_from": f"2025-02-{20 - n}", "date_to": f"2025-02-{26 - n}"}
        ),
        "newest 100 events": lambda to, n: to.ask(f"events?limit={100 + n}"),
    }
    if has_lists:
        asked["100 persons"] = lambda to, n: to.ask(f"persons?limit={100 + n}")
        asked["persons by a part of an address"] = lambda to, n: to.ask(f"persons?search={17 + n}@mail")
    return asked


def made(folder: Path, count: int, *, has_lists: bool) -> None:
    """The folder, with a token that reads beside it."""
    server, built_s = made_folder(folder, count, has_lists=has_lists)
    token = make_api_token()
    server.api_tokens.create(
        "bench", secret_hash=token.hash, prefix=token.prefix, scopes=(Scope.READ,), project_id=PROJECT, now_ms=ORIGIN_MS
    )
    server.close()
    folder.with_name(TOKEN_FILE).write_text(token.secret)
    if has_lists:
        print(f"lists made in {built_s:.0f} s", flush=True)


@contextmanager
def serving(folder: Path) -> Iterator[tuple[Served, float]]:
    """The server and the seconds from its start to being ready."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SV_")} | SETTINGS
    began = time.perf_counter()
    words = [sys.executable, "-m", "sv", "serve", "--data", str(folder), "--port", "0", "--json"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, env=environment) as process:
        try:
            assert process.stdout is not None
            url = json.loads(process.stdout.readline())["url"]
            yield Served(process.pid, url, folder.with_name(TOKEN_FILE).read_text()), time.perf_counter() - began
        finally:
            process.terminate()


def main() -> None:
    count = int(os.environ.get("SV_BENCH_EVENTS", "1000000"))
    has_lists = os.environ.get("SV_BENCH_LISTS", "1") != "0"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(os.environ.get("SV_BENCH_FOLDER", name)) / "data"
        if not folder.exists():
            made(folder, count, has_lists=has_lists)
        if os.environ.get("SV_BENCH_ONLY") == "make":
            return
        sizes = {kind: bytes_below(folder / kind) for kind in ("events", "keys")} | {"sv.db": (folder / "sv.db").stat().st_size}
        told = ", ".join(f"{kind} {size / 1e6:,.0f} MB ({size / count:.0f} bytes an event)" for kind, size in sizes.items())
        print(f"{count:,} events: {told}", flush=True)
        with serving(folder) as (server, ready_s):
            print(f"ready after {ready_s:.2f} s with {server.memory_mb('VmRSS'):.0f} MB")
            for title, ask in questions(has_lists=has_lists).items():
                times: list[float] = []
                for number in range(ROUNDS + 1):
                    began = time.perf_counter()
                    ask(server, number)
                    times.append((time.perf_counter() - began) * 1000)
                print(f"{title:36} first {times[0]:7.0f} ms   then {statistics.median(times[1:]):7.0f} ms", flush=True)
            print(f"memory at most {server.memory_mb('VmHWM'):.0f} MB")


if __name__ == "__main__":
    main()
