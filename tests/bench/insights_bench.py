"""Funnels and trends of many kinds over the same events, ours and ClickHouse's MergeTree (chdb), as one table of ratios.

The events, the files and the MergeTree are those of `funnel_bench`; `SV_BENCH_EVENTS` says how many (2,000,000). Every answer is compared.
Wall and CPU time are medians of interleaved rounds; both engines run in this process with two threads. Ours keeps nothing between questions
but where a row says "again".
"""

import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from tests.bench.funnel_bench import ORIGIN_MS, SPAN_MS, STEPS, WINDOW_MS, ClickHouse, Ours
from tests.bench.rounds import interleaved

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
BY_SESSION = """
create table bench.visits (event LowCardinality(String), session String, ms UInt64) engine = MergeTree order by (event, session, ms)
as select event, 'session-' || toString(person), ms from bench.events
"""
"""The same events with their sessions as the texts that they are, one a person: each goes on for all sixty days."""


def main() -> None:
    count = int(os.environ.get("SV_BENCH_EVENTS", "2000000"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ours = Ours(folder, count)
        theirs = ClickHouse(folder / "made.parquet", folder / "clickhouse")
        print(f"{count:,} events, {ours.parts} files")
        print(f"{'':42} ClickHouse ms (CPU)      ours ms (CPU)     ratio   CPU")
        for steps in (3, 6):
            row(f"funnel, {steps} steps, first", lambda n=steps: funnel(ours, n), lambda n=steps: funnel_of(theirs, n))
        row("funnel, 3 steps, again", lambda: funnel(ours, 3, first=False), lambda: funnel_of(theirs, 3))
        row(
            "funnel, 3 steps, again, another window",
            lambda: funnel(ours, 3, first=False, window_ms=WINDOW_MS // 7),
            lambda: funnel_of(theirs, 3, window_ms=WINDOW_MS // 7),
        )
        inside = (ORIGIN_MS + 10 * DAY_MS, ORIGIN_MS + 40 * DAY_MS)
        row(
            "funnel, 3 steps, again, dates inside",
            lambda: funnel(ours, 3, first=False, span=inside),
            lambda: funnel_of(theirs, 3, span=inside),
        )
        for mode in ("strict_increase", "strict_deduplication", "strict_order", "strict_once"):
            row(
                f"funnel, 3 steps, {mode}",
                lambda m=mode: funnel(ours, 3, modes=[m]),
                lambda m=mode: funnel_of(theirs, 3, modes=[m]),
            )
        row("trend by day, events", lambda: trend(ours, "total"), lambda: trend_of(theirs, "count()"))
        row("trend by day, persons", lambda: trend(ours, "unique_persons"), lambda: trend_of(theirs, "uniqExact(person)"))
        row(
            "trend by day, persons, by device",
            lambda: trend(ours, "unique_persons", breakdown=True),
            lambda: trend_of(theirs, "uniqExact(person)", breakdown=True),
        )
        for measure, of_theirs, breakdown in (
            ("total", "count()", False), ("unique_persons", "uniqExact(person)", False), ("unique_persons", "uniqExact(person)", True)
        ):  # fmt: skip
            row(
                f"trend by hour, {measure}{', by device' if breakdown else ''}",
                lambda m=measure, b=breakdown: trend(ours, m, breakdown=b, interval="hour"),
                lambda m=of_theirs, b=breakdown: trend_of(theirs, m, breakdown=b, width_ms=HOUR_MS),
            )
        theirs.run(BY_SESSION)
        theirs.run("optimize table bench.visits final")
        row(
            "trend by day, sessions",
            lambda: trend(ours, "unique_sessions"),
            lambda: trend_of(theirs, "uniqExact(session)", table="visits"),
        )
        row("funnel by session, 3 steps", lambda: by_session(ours, 3), lambda: by_session_of(theirs, 3))


def row(label: str, mine: Callable[[], Any], reference: Callable[[], Any]) -> None:
    (wall, cpu), (their_wall, their_cpu) = interleaved(label, mine, reference)
    print(
        f"{label:42} {their_wall:8.1f} ({their_cpu:7.1f})   {wall:8.1f} ({cpu:7.1f})   {wall / their_wall:6.2f} {cpu / their_cpu:6.2f}",
        flush=True,
    )


def funnel(
    ours: Ours,
    steps: int,
    *,
    first: bool = True,
    window_ms: int = WINDOW_MS,
    span: tuple[int, int] = (ORIGIN_MS, ORIGIN_MS + SPAN_MS),
    modes: list[str] | None = None,
) -> list[int]:
    from sv.insights.funnels import funnel as answer
    from sv.model.calendar import iso_ms
    from sv.model.query_parsing import parse_funnel_query

    body: dict[str, Any] = {
        "steps": [{"event": name} for name in STEPS[:steps]],
        "date_from": iso_ms(span[0]),
        "date_to": iso_ms(span[1]),
        "conversion_window": f"{window_ms // 1000}s",
        "modes": modes or [],
    }
    body["steps"][1]["properties"] = {"$device_type": "Desktop"}
    query = parse_funnel_query(body, timezone="UTC", now_ms=ORIGIN_MS + SPAN_MS)
    return [step["count"] for step in answer(ours.context(is_first=first), query)["steps"]]


class Rows(Protocol):
    """A ClickHouse with the table `bench.events`."""

    def rows(self, select: str) -> list[list[Any]]: ...


def funnel_of(
    theirs: Rows,
    steps: int,
    *,
    names: Sequence[str] = STEPS,
    window_ms: int = WINDOW_MS,
    span: tuple[int, int] = (ORIGIN_MS, ORIGIN_MS + SPAN_MS),
    modes: list[str] | None = None,
) -> list[int]:
    conditions = [f"event = '{name}'" for name in names[:steps]]
    conditions[1] += " and device_type = 'Desktop'"
    quoted = ", ".join(f"'{name}'" for name in names[:steps])
    only = "1" if modes and "strict_order" in modes else f"event in ({quoted})"
    levels = ", ".join(f"countIf(level >= {level})" for level in range(1, steps + 1))
    listed = "".join(f", '{mode}'" for mode in modes or ())
    (row,) = theirs.rows(
        f"select {levels} from (select person, windowFunnel({window_ms}{listed})(ms, {', '.join(conditions)}) as level"
        f" from bench.events where {only} and ms >= {span[0]} and ms < {span[1]} group by person)"
    )
    return [int(value) for value in row]


def by_session(ours: Ours, steps: int) -> list[int]:
    from sv.insights.funnels import funnel as answer
    from sv.model.query_parsing import parse_funnel_query

    body: dict[str, Any] = {"steps": [{"event": name} for name in STEPS[:steps]], "aggregate_by": "session"}
    body |= {"date_from": "2025-01-01", "date_to": "2025-03-01"}
    query = parse_funnel_query(body, timezone="UTC", now_ms=ORIGIN_MS + SPAN_MS)
    return [step["count"] for step in answer(ours.context(is_first=True), query)["steps"]]


def by_session_of(theirs: Rows, steps: int) -> list[int]:
    conditions = ", ".join(f"event = '{name}'" for name in STEPS[:steps])
    levels = ", ".join(f"countIf(level >= {level})" for level in range(1, steps + 1))
    (row,) = theirs.rows(
        f"select {levels} from (select session, windowFunnel({WINDOW_MS})(ms, {conditions}) as level"
        f" from bench.visits where event in {STEPS[:steps]} group by session)"
    )
    return [int(value) for value in row]


def trend(ours: Ours, math: str, *, breakdown: bool = False, interval: str = "day") -> dict[str, list[int]]:
    from sv.insights.trends import trends
    from sv.model.query_parsing import parse_trends_query

    body: dict[str, Any] = {
        "events": [{"name": STEPS[0], "math": math}],
        "date_from": "2025-01-01",
        "date_to": "2025-03-01",
        "interval": interval,
    }
    if breakdown:
        body["breakdown"] = "$device_type"
    answer = trends(ours.context(is_first=True), parse_trends_query(body, timezone="UTC", now_ms=ORIGIN_MS + SPAN_MS))
    return {str(line["breakdown_value"] or ""): [*line["values"], line["total"]] for line in answer["series"]}


def trend_of(
    theirs: Rows, measure: str, *, name: str = STEPS[0], breakdown: bool = False, width_ms: int = DAY_MS, table: str = "events"
) -> dict[str, list[int]]:
    """A line for each value: its days, or other buckets of this width, and the measure over all of them."""
    value = "device_type" if breakdown else "''"
    rows = theirs.rows(
        f"select {value} as value, intDiv(ms - {ORIGIN_MS}, {width_ms}) as bucket, {measure}, grouping(bucket) from bench.{table}"
        f" where event = '{name}' and ms >= {ORIGIN_MS} and ms < {ORIGIN_MS + SPAN_MS}"
        " group by grouping sets ((value, bucket), (value))"
    )
    lines: dict[str, list[int]] = {}
    for line_value, bucket, count, is_total in rows:
        line = lines.setdefault(line_value, [0] * (SPAN_MS // width_ms + 1))
        line[-1 if int(is_total) else int(bucket)] = int(count)
    return lines


if __name__ == "__main__":
    main()
