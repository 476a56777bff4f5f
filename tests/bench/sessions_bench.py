"""Trends of sessions and funnels by session, ours and ClickHouse's MergeTree (chdb), over visits: eight events within half an hour, of a
person who comes back. Sessions are texts of 36 characters, as clients make them.

`SV_BENCH_EVENTS` says how many events (2,000,000). Every answer is compared. Wall and CPU time are medians of interleaved rounds; both
engines run in this process with two threads. Ours keeps nothing between questions.
"""

import os
import tempfile
from pathlib import Path
from typing import Any

from tests.bench.funnel_bench import ORIGIN_MS, SPAN_MS, STEPS, ClickHouse, Ours
from tests.bench.insights_bench import DAY_MS, by_session, by_session_of, row

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
                row(
                    f"trend by day, {math}{', by device' if breakdown else ''}",
                    lambda m=math, b=breakdown: trend(ours, m, by_device=b),
                    lambda f=figure, b=breakdown: trend_of(theirs, f, by_device=b),
                )
        for steps in (3, 6):
            row(
                f"funnel by session, {steps} steps", lambda n=steps: by_session(ours, n), lambda n=steps: by_session_of(theirs, n)
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


if __name__ == "__main__":
    main()
