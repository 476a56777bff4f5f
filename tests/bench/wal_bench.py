"""The log against a bare loop of write and fdatasync into a growing file: commits a second and their p99.

    python tests/bench/wal_bench.py [FOLDER]

Takes about six seconds. FOLDER (default: a temporary one) should lie on the disk that is to be measured. An appender is
a coroutine that appends one record of 2 KB and waits until it is on disk, as a request handler does. The ratios are
what to compare between machines and between versions.
"""

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

from sv.wal import Commit, Log

PAYLOAD = os.urandom(2000)
ROUND_S = 0.9
ROUNDS = 2


def bare(folder: Path) -> list[float]:
    """Seconds of each commit of one writer into a growing file."""
    sync = getattr(os, "fdatasync", os.fsync)
    fd = os.open(folder / "bare", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    taken: list[float] = []
    end = time.perf_counter() + ROUND_S
    while (start := time.perf_counter()) < end:
        os.write(fd, PAYLOAD)
        sync(fd)
        taken.append(time.perf_counter() - start)
    os.close(fd)
    return taken


async def logged(folder: Path, appenders: int) -> list[float]:
    """Seconds of each commit of the log, from append to the moment the appender goes on."""
    loop = asyncio.get_running_loop()
    taken: list[float] = []

    def wake(commits: list[Commit]) -> None:
        for commit in commits:
            assert isinstance(commit.tag, asyncio.Future)
            commit.tag.set_result(commit.seq)

    def deliver(commits: list[Commit]) -> None:
        loop.call_soon_threadsafe(wake, commits)

    async def work(end: float) -> None:
        while (start := time.perf_counter()) < end:
            done: asyncio.Future[int | None] = loop.create_future()
            log.append(PAYLOAD, done)
            assert await done is not None
            taken.append(time.perf_counter() - start)

    log = Log.open(folder, deliver=deliver)
    await asyncio.sleep(0.15)  # the first spare
    await asyncio.gather(*(work(time.perf_counter() + ROUND_S) for _ in range(appenders)))
    await asyncio.to_thread(log.close)
    log = Log.open(folder, deliver=deliver)
    log.truncate_below(log.next_seq - 1)
    log.close()
    return taken


def main() -> None:
    """Runs the three in turn, twice, and prints a line for each."""
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as name:
        folder = Path(name)
        results: dict[str, list[float]] = {"bare, growing file": [], "log, 1 appender": [], "log, 16 appenders": []}
        for _ in range(ROUNDS):
            results["bare, growing file"] += bare(folder)
            results["log, 1 appender"] += asyncio.run(logged(folder / "one", 1))
            results["log, 16 appenders"] += asyncio.run(logged(folder / "many", 16))
    base = len(results["bare, growing file"])
    print(f"{'':20}{'commits/s':>10}{'ratio':>8}{'p50 ms':>8}{'p99 ms':>8}")
    for title, taken in results.items():
        taken.sort()
        p50, p99 = (taken[int(len(taken) * share)] * 1000 for share in (0.5, 0.99))
        rate = len(taken) / (ROUNDS * ROUND_S)
        print(f"{title:20}{rate:10.0f}{len(taken) / base:8.1f}{p50:8.2f}{p99:8.2f}")


if __name__ == "__main__":
    main()
