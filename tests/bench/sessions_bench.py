"""Trends of sessions and funnels by session, ours and ClickHouse's MergeTree (chdb), over visits: eight events within half an hour, of a
person who comes back. Sessions are texts of 36 characters, as clients make them.

`SV_BENCH_EVENTS` says how many events (2,000,000). Every answer is compared. Wall and CPU time are medians of interleaved rounds; both
engines run in this process with two threads. `first`: nothing is kept from a question before. `read anew`: as it was before key files had
sessions, and is where they have none: by one statement over all events.
"""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.bench.funnel_bench import ORIGIN_MS, SPAN_MS, STEPS, ClickHouse, Ours
from tests.bench.rounds import interleaved

DAY_MS = 86_400_000
WINDOW_MS = 7 * DAY_MS
DATES = {"date_from": "2025-01-01", "date_to": "2025-03-01"}
VISITS = """
create table made as
select
  i, (hash(i // 8) % $persons)::bigint as person,
  $steps[1 + least(len($steps) - 1, floor(-ln(1 - (hash(i, 1) % 1000000) / 1000000.0) * 1.1)::bigint)] as event,
  $origin::bigint + (hash(i // 8, 2) % ($span - 1800000))::bigint + (hash(i, 2) % 1800000)::bigint as ms,
  ['Desktop', 'Mobile', 'Tablet'][(1 + hash(i // 8, 3) % 3)::bigint] as device_type,
  (md5_number((i // 8)::varchar)::uuid)::varchar as session
from range($count) t(i)
"""
TABLE = """
create table bench.visits (
  event LowCardinality(String), session String, ms UInt64, device_type LowCardinality(String)
) engine = MergeTree order by (event, session, ms)
as select event, session, ms, device_type from file('{}', Parquet)
"""


def main() -> None:
    count = int(os.environ.get("SV_BENCH_EVENTS", "2000000"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ours = Ours(folder, count, made=VISITS)
        theirs = ClickHouse(folder / "made.parquet", folder / "clickhouse")
        theirs.run(TABLE.format(folder / "made.parquet"))
        theirs.run("optimize table bench.visits final")
        print(
            f"{count:,} events, {ours.parts} files, {ours.bytes / count:.1f} bytes an event and {ours.key_bytes / count:.1f} of keys"
        )
        print(f"{'':42} ClickHouse ms (CPU)      ours ms (CPU)     ratio   CPU")
        for math, figure in (("unique_sessions", "uniqExact(session)"), ("per_session", "count() / uniqExact(session)")):
            for breakdown in (False, True):
                _row(
                    f"trend by day, {math}{', by device' if breakdown else ''}",
                    lambda m=math, b=breakdown: trend(ours, m, by_device=b),
                    lambda f=figure, b=breakdown: trend_of(theirs, f, by_device=b),
                )
        for steps in (3, 6):
            _row(f"funnel by session, {steps} steps", lambda n=steps: funnel(ours, n), lambda n=steps: funnel_of(theirs, n))


def _row(label: str, mine: Callable[[], Any], reference: Callable[[], Any]) -> None:
    (wall, cpu), (their_wall, their_cpu) = interleaved(label, mine, reference)
    print(
        f"{label:42} {their_wall:8.1f} ({their_cpu:7.1f})   {wall:8.1f} ({cpu:7.1f})   {wall / their_wall:6.2f} {cpu / their_cpu:6.2f}",
        flush=True,
    )


def trend(ours: Ours, math: str, *, by_device: bool) -> dict[str, list[float]]:
    from sv.insights.trends import trends
    from sv.model.query_parsing import parse_trends_query

    body: dict[str, Any] = DATES | {"events": [{"name": STEPS[0], "math": math}], "interval": "day"}
    body |= {"breakdown": "$device_type"} if by_device else {}
    query = parse_trends_query(body, timezone="UTC", now_ms=ORIGIN_MS + SPAN_MS)
    series = trends(ours.context(is_first=True), query)["series"]
    return {str(each.get("breakdown_value")): [round(value, 9) for value in each["values"] if value] for each in series}


def trend_of(theirs: ClickHouse, figure: str, *, by_device: bool) -> dict[str, list[float]]:
    rows = theirs.rows(
        f"select {'device_type' if by_device else 'null'} as device, intDiv(ms, {DAY_MS}) as day, {figure} from bench.visits"
        f" where event = '{STEPS[0]}' and ms >= {ORIGIN_MS} and ms < {ORIGIN_MS + SPAN_MS} group by device, day order by device, day"
    )
    found: dict[str, list[float]] = {}
    for device, _, value in rows:
        found.setdefault(str(device), []).append(round(float(value), 9))
    return found


def funnel(ours: Ours, steps: int) -> list[int]:
    from sv.insights.funnels import funnel as answer
    from sv.model.query_parsing import parse_funnel_query

    body: dict[str, Any] = DATES | {"steps": [{"event": name} for name in STEPS[:steps]], "aggregate_by": "session"}
    query = parse_funnel_query(body, timezone="UTC", now_ms=ORIGIN_MS + SPAN_MS)
    return [step["count"] for step in answer(ours.context(is_first=True), query)["steps"]]


def funnel_of(theirs: ClickHouse, steps: int) -> list[int]:
    conditions = ", ".join(f"event = '{name}'" for name in STEPS[:steps])
    levels = ", ".join(f"countIf(level >= {level})" for level in range(1, steps + 1))
    (row,) = theirs.rows(
        f"select {levels} from (select session, windowFunnel({WINDOW_MS})(ms, {conditions}) as level"
        f" from bench.visits where event in {STEPS[:steps]} group by session)"
    )
    return [int(value) for value in row]


if __name__ == "__main__":
    main()
