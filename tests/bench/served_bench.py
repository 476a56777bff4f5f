"""Questions over HTTP of a `sv serve`, beside ClickHouse's MergeTree (chdb) asked within its process: wall and CPU time, and the peak of memory.

Each engine is a process of its own with two threads, begun after its events were written, so that neither's peak counts their making. The
events are those of `lists_folder` (without the lists), the MergeTree is ordered by (event, person, time) with persons as integers and a column for
the filter. `first` is asked of a server that has answered one other question since its start and has nothing left to do, `again` of one that has
answered this one with another window. Every answer is compared; medians of interleaved rounds.

`SV_BENCH_EVENTS` (2,000,000) says how many. `SV_BENCH_FOLDER` keeps the folder, or takes the one that is there.
"""

import json
import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

from tests.bench.insights_bench import funnel_of, trend_of
from tests.bench.lists_folder import PROJECT
from tests.bench.sizing_bench import DATES, Served, made, serving

ROUNDS: Final = 5
STEPS: Final = ("viewed", "added", "checkout", "paid", "searched", "$pageview")
MODES: Final = ("strict_increase", "strict_deduplication", "strict_order", "strict_once")
SETTLE_S: Final = 0.5
SETTLE_MAX_S: Final = 30
WEEK_S: Final = 7 * 86_400
TICKS: Final = os.sysconf("SC_CLK_TCK")


class ClickHouse:
    """chdb in a child that lives as long as the block."""

    def __init__(self, pid: int, pipe: Connection) -> None:
        self.pid = pid
        self._pipe = pipe

    def run(self, statement: str) -> str:
        self._pipe.send(statement)
        return self._pipe.recv()

    def rows(self, select: str) -> list[list[Any]]:
        return [json.loads(line) for line in self.run(f"{select} settings max_threads = 2").splitlines() if line]


def _answer(folder: str, pipe: Connection) -> None:
    """The child: statements in, their answers out, until the pipe ends."""
    from chdb import session

    with session.Session(folder) as chdb:
        while True:
            try:
                statement = pipe.recv()
            except EOFError:
                return
            pipe.send(str(chdb.query(statement, "JSONCompactEachRow")))


@contextmanager
def clickhouse(folder: Path) -> Iterator[ClickHouse]:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_answer, args=(str(folder), theirs))
    process.start()
    theirs.close()
    try:
        assert process.pid is not None
        yield ClickHouse(process.pid, ours)
    finally:
        ours.close()
        process.join()


def load(folder: Path, files: str) -> None:
    """The MergeTree of the events in our files, merged to one part."""
    with clickhouse(folder) as engine:
        for statement in (
            "create database bench engine = Atomic",
            "create table bench.events (event LowCardinality(String), person UInt64, ms UInt64, device_type LowCardinality(String))"
            " engine = MergeTree order by (event, person, ms)",
            "insert into bench.events select event, person, toUnixTimestamp64Milli(timestamp), device_type"
            f" from file('{files}', Parquet)",
            "optimize table bench.events final",
        ):
            engine.run(statement)


def funnel(server: Served, steps: int, window_s: int, modes: Sequence[str] = ()) -> list[int]:
    asked: list[dict[str, Any]] = [{"event": name} for name in STEPS[:steps]]
    asked[1]["properties"] = {"$device_type": "Desktop"}
    body = {"steps": asked, "conversion_window": f"{window_s}s", "modes": list(modes), **DATES}
    return [step["count"] for step in server.ask("insights/funnel", body)["steps"]]


def trend(server: Served, math: str, **more: str) -> dict[str, list[int]]:
    body = {"events": [{"name": STEPS[0], "math": math}], "interval": "day", **more, **DATES}
    return {
        line["breakdown_value"] or "": [*line["values"], line["total"]] for line in server.ask("insights/trends", body)["series"]
    }


def _cpu_ms(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / TICKS


def _peak_mb(pid: int) -> float:
    (line,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1000


def _timed(pid: int, ask: Callable[[], Any]) -> tuple[float, float, Any]:
    cpu, began = _cpu_ms(pid), time.perf_counter()
    answer = ask()
    return (time.perf_counter() - began) * 1000, _cpu_ms(pid) - cpu, answer


class Table:
    """Prints a row for each question, of which `add` takes one round."""

    def __init__(self, engine: ClickHouse) -> None:
        self._engine = engine
        self._taken: dict[str, list[tuple[float, float, float, float]]] = {}
        print(f"{'':40} ClickHouse ms (CPU)      ours ms (CPU)     ratio   CPU")

    def add(self, title: str, server: Served, mine: Callable[[], Any], reference: Callable[[], Any]) -> None:
        wall, cpu, answer = _timed(server.pid, mine)
        their_wall, their_cpu, expected = _timed(self._engine.pid, reference)
        assert answer == expected, (title, answer, expected)
        self._taken.setdefault(title, []).append((wall, cpu, their_wall, their_cpu))

    def forget(self) -> None:
        """What was asked until now was to get warm."""
        self._taken.clear()

    def finish(self) -> None:
        for title, taken in self._taken.items():
            wall, cpu, their_wall, their_cpu = (statistics.median(column) for column in zip(*taken, strict=True))
            told = f"{their_wall:9.1f} ({their_cpu:7.1f})  {wall:9.1f} ({cpu:7.1f})   {wall / their_wall:6.2f}"
            print(f"{title:40} {told} {cpu / max(their_cpu, 1):6.2f}", flush=True)
        self._taken.clear()


def _settle(server: Served) -> None:
    """Wait until the server has done what follows a start, which would be counted as the question's."""
    until = time.monotonic() + SETTLE_MAX_S
    spent = _cpu_ms(server.pid)
    while time.monotonic() < until:
        time.sleep(SETTLE_S)
        before, spent = spent, _cpu_ms(server.pid)
        if spent - before <= 1000 / TICKS:
            return
    raise TimeoutError(f"the server still works {SETTLE_MAX_S} s after its start")


def _first(folder: Path, table: Table, engine: ClickHouse) -> None:
    for steps in (3, 6):
        for _ in range(ROUNDS):
            with serving(folder) as (server, _):
                server.ask("events?limit=1")
                _settle(server)
                table.add(
                    f"funnel, {steps} steps, first",
                    server,
                    lambda of=server, n=steps: funnel(of, n, WEEK_S),
                    lambda n=steps: funnel_of(engine, n, names=STEPS, window_ms=WEEK_S * 1000),
                )
    table.finish()


def _of_one_server(server: Served, table: Table, engine: ClickHouse) -> None:
    server.ask("events?limit=1")
    _settle(server)
    for number in range(ROUNDS + 1):
        window_s = WEEK_S - number * 3600

        def ask_funnel(title: str, steps: int, modes: Sequence[str] = (), window_s: int = window_s) -> None:
            table.add(
                title,
                server,
                lambda: funnel(server, steps, window_s, modes),
                lambda: funnel_of(engine, steps, names=STEPS, window_ms=window_s * 1000, modes=list(modes)),
            )

        for steps in (3, 6):
            ask_funnel(f"funnel, {steps} steps, again, another window", steps)
        for mode in MODES:
            ask_funnel(f"funnel, 3 steps, {mode}", 3, [mode])
        table.add(
            "trend by day, events", server, lambda: trend(server, "total"), lambda: trend_of(engine, "count()", name=STEPS[0])
        )
        table.add(
            "trend by day, persons",
            server,
            lambda: trend(server, "unique_persons"),
            lambda: trend_of(engine, "uniqExact(person)", name=STEPS[0]),
        )
        table.add(
            "trend by day, persons, by device",
            server,
            lambda: trend(server, "unique_persons", breakdown="$device_type"),
            lambda: trend_of(engine, "uniqExact(person)", name=STEPS[0], breakdown=True),
        )
        if number == 0:
            table.forget()
    table.finish()


def main() -> None:
    count = int(os.environ.get("SV_BENCH_EVENTS", "2000000"))
    with tempfile.TemporaryDirectory() as name:
        base = Path(os.environ.get("SV_BENCH_FOLDER", name))
        folder = base / "data"
        if not folder.exists():
            made(folder, count, has_lists=False)
        loaded = Path(name) / "clickhouse"
        load(loaded, f"{folder}/events/project={PROJECT}/day=mixed/*.parquet")
        print(f"{count:,} events", flush=True)
        with clickhouse(loaded) as engine:
            table = Table(engine)
            _first(folder, table, engine)
            with serving(folder) as (server, _):
                _of_one_server(server, table, engine)
                ours, theirs = _peak_mb(server.pid), _peak_mb(engine.pid)
                print(f"peak of memory: ClickHouse {theirs:.0f} MB, ours {ours:.0f} MB, ratio {ours / theirs:.2f}")


if __name__ == "__main__":
    main()
