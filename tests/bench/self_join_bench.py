"""Funnels of 3 and 6 steps against what one would write oneself: a self-join in SQL, in DuckDB, on the same events.

Ours: as in `funnel_bench`, with nothing kept from a question before, and again. The self-join: the same events in a table of DuckDB's own, in
memory, sorted by event, person and time, persons as integers, two threads; each step joins those who came so far with their events
of its name within the window of the first one, and keeps the earliest. Answers are compared; medians of interleaved rounds.
`SV_BENCH_EVENTS` says how many events (2,000,000).
"""

import os
import tempfile
from pathlib import Path

import duckdb

from tests.bench.funnel_bench import ORIGIN_MS, SPAN_MS, STEPS, WINDOW_MS, Ours
from tests.bench.insights_bench import funnel
from tests.bench.rounds import interleaved


def main() -> None:
    count = int(os.environ.get("SV_BENCH_EVENTS", "2000000"))
    with tempfile.TemporaryDirectory() as name, duckdb.connect(config={"threads": "2"}) as connection:
        folder = Path(name)
        ours = Ours(folder, count)
        connection.execute(f"create table events as from '{folder / 'made.parquet'}' order by event, person, ms")
        print(f"{count:,} events")
        print(f"{'':28} self-join ms (CPU)         ours ms (CPU)     ratio   CPU")
        for steps in (3, 6):
            for label, is_first in (("first", True), ("again", False)):
                (wall, cpu), (their_wall, their_cpu) = interleaved(
                    label,
                    lambda n=steps, first=is_first: funnel(ours, n, first=first),
                    lambda n=steps: _self_join(connection, n),
                )
                print(
                    f"funnel of {steps} steps, {label:8} {their_wall:9.1f} ({their_cpu:8.1f})   {wall:9.1f} ({cpu:8.1f})"
                    f"   {wall / their_wall:6.3f} {cpu / their_cpu:6.3f}",
                    flush=True,
                )


def _self_join(connection: duckdb.DuckDBPyConnection, steps: int) -> list[int]:
    """How many persons come to each step. Where no event is of two steps these are `windowFunnel`'s counts."""
    # Not materialized, which would cost it a quarter more.
    asked = f"asked as not materialized (from events where ms >= {ORIGIN_MS} and ms < {ORIGIN_MS + SPAN_MS})"
    levels = [asked, f"step1 as (select distinct person, ms as first_ms, ms from asked where event = '{STEPS[0]}')"]
    for number, name in enumerate(STEPS[1:steps], start=2):
        device = " and e.device_type = 'Desktop'" if number == 2 else ""
        levels.append(f"""
            step{number} as (
              select s.person, s.first_ms, min(e.ms) as ms
              from step{number - 1} s join asked e
                on e.person = s.person and e.event = '{name}'{device} and e.ms between s.ms and s.first_ms + {WINDOW_MS}
              group by s.person, s.first_ms
            )""")
    counts = ", ".join(f"(select count(distinct person) from step{number})" for number in range(1, steps + 1))
    row = connection.execute(f"with {', '.join(levels)} select {counts}").fetchone()
    assert row is not None
    return list(row)


if __name__ == "__main__":
    main()
