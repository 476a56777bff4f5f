"""Funnels and trends filtered by properties that have no column of their own, ours and ClickHouse's, as one table of ratios.

The events are those of `funnel_bench` with nine properties each. ClickHouse has them twice: as a column of type JSON and as a string asked with
JSONExtract; the ratio is to the faster of the two. Every answer is compared. Wall and CPU time are medians of interleaved rounds; both engines
run in this process with two threads. Ours keeps nothing between questions but where a row says "again". `SV_BENCH_EVENTS` says how many
events (2,000,000).
"""

import os
import tempfile
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.bench.funnel_bench import ORIGIN_MS, SPAN_MS, STEPS, WINDOW_MS, ClickHouse, Ours
from tests.bench.rounds import interleaved

DAY_MS = 86_400_000
PROPERTIES = """
    '{"$current_url":"https://shop.example/p/' || (i % 50) || '","title":"A page of the shop ' || (i % 50) || '","plan":"'
    || ['free', 'pro', 'team', 'trial'][(1 + hash(i, 7) % 4)::bigint] || '","amount":' || (hash(i, 8) % 20000) / 100 || ',"quantity":' || (1 + hash(i, 9) % 5)
    || ',"coupon":"C' || (hash(i, 10) % 1000) || '","is_gift":' || (hash(i, 11) % 10 = 0) || ',"$screen_width":' || (800 + hash(i, 12) % 1200)
    || ',"list":["a","b"]}'
"""
# What is asked for, what ClickHouse asks of its JSON column, and what of its string.
FILTERS: list[tuple[str, dict[str, Any], str, str]] = [
    (
        "plan is team",
        {"property": "plan", "operator": "exact", "value": "team"},
        "doc.plan.:String = 'team'",
        "JSONExtractString(text, 'plan') = 'team'",
    ),
    (
        "coupon is C7",
        {"property": "coupon", "operator": "exact", "value": "C7"},
        "doc.coupon.:String = 'C7'",
        "JSONExtractString(text, 'coupon') = 'C7'",
    ),
    (
        "amount above 150",
        {"property": "amount", "operator": "gt", "value": 150},
        "(doc.amount.:Float64 > 150 or doc.amount.:Int64 > 150)",
        "JSONExtractFloat(text, 'amount') > 150",
    ),
]
# Measures of a property's numbers.
MATHS = [
    ("sum", "sum(number)"),
    ("avg", "avg(number)"),
    ("max", "max(number)"),
    ("p95", "quantileExactInclusive(0.95)(number)"),
]
BREAKDOWNS: list[tuple[str, str | None, str, str]] = [
    ("", None, "''", "''"),
    (", by plan", "plan", "doc.plan.:String", "JSONExtractString(text, 'plan')"),
]


def main() -> None:
    with both(PROPERTIES) as (ours, theirs):
        for each in FILTERS:
            filtered(ours, theirs, *each)
        row(
            "trend by day, by plan",
            lambda: broken_down(ours, "plan"),
            lambda: broken_down_of(theirs, "docs", "doc.plan.:String"),
            lambda: broken_down_of(theirs, "texts", "JSONExtractString(text, 'plan')"),
        )
        for math, theirs_of in MATHS:
            for title, breakdown, of_doc, of_text in BREAKDOWNS:
                row(
                    f"{math} of amount by day{title}",
                    lambda m=math, b=breakdown: measured(ours, m, b),
                    lambda m=theirs_of, v=of_doc: measured_of(theirs, "docs", m, "doc.amount::Float64", v),
                    lambda m=theirs_of, v=of_text: measured_of(theirs, "texts", m, "JSONExtractFloat(text, 'amount')", v),
                )


@contextmanager
def both(properties: str) -> Generator[tuple[Ours, ClickHouse]]:
    """Both engines with as many events as are asked for, which have these properties; prints the head of the table."""
    count = int(os.environ.get("SV_BENCH_EVENTS", "2000000"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ours = Ours(folder, count, properties=properties)
        theirs = ClickHouse(folder / "made.parquet", folder / "clickhouse")
        load(theirs, folder)
        print(
            f"{count:,} events, {ours.parts} files, {ours.bytes / count:.1f} bytes an event and {ours.key_bytes / count:.1f} of keys"
            f" (made in {ours.key_s:.2f} s)"
        )
        print(f"{'':44} JSON ms (CPU)       string ms (CPU)     ours ms (CPU)     ratio   CPU")
        yield ours, theirs


def filtered(
    ours: Ours,
    theirs: ClickHouse,
    title: str,
    asked: dict[str, Any],
    doc: str,
    text: str,
    steps: Sequence[str] = STEPS[:3],
    event: str = STEPS[0],
) -> None:
    """Rows of a funnel and a trend with a filter. doc, text: what ClickHouse asks of its JSON column and of its string. steps: of the funnel,
    the second one with the filter. event: of the trend."""
    for is_first in (True, False):
        row(
            f"funnel, {title}{'' if is_first else ', again'}",
            lambda f=is_first: funnel(ours, asked, steps, is_first=f),
            lambda: funnel_of(theirs, "docs", doc, steps),
            lambda: funnel_of(theirs, "texts", text, steps),
        )
    row(
        f"trend by day, {title}",
        lambda: trend(ours, asked, event),
        lambda: trend_of(theirs, "docs", doc, event),
        lambda: trend_of(theirs, "texts", text, event),
    )


def load(theirs: ClickHouse, folder: Path) -> None:
    made = f"from file('{folder}/events/*.parquet', Parquet)"
    ms = "toUnixTimestamp64Milli(timestamp) as ms"
    run = theirs.run
    for table, column, value in (("docs", "doc JSON", "properties::JSON as doc"), ("texts", "text String", "properties as text")):
        run(
            f"create table bench.{table} (event LowCardinality(String), person UInt64, ms UInt64, {column})"
            " engine = MergeTree order by (event, person, ms)"
        )
        run(f"insert into bench.{table} select event, person, {ms}, {value} {made}")
        run(f"optimize table bench.{table} final")


def row(label: str, mine: Callable[[], Any], *references: Callable[[], Any]) -> None:
    taken, *others = interleaved(label, mine, *references)
    best = min(others)
    cells = "   ".join(f"{wall:8.1f} ({cpu:7.1f})" for wall, cpu in (*others, taken))
    print(f"{label:42} {cells}   {taken.wall_ms / best.wall_ms:6.2f} {taken.cpu_ms / best.cpu_ms:6.2f}", flush=True)


def funnel(ours: Ours, asked: dict[str, Any], steps: Sequence[str], *, is_first: bool) -> list[int]:
    from sv.insights.funnels import funnel as answer
    from sv.model.query_parsing import parse_funnel_query

    body = {
        "steps": [{"event": steps[0]}, {"event": steps[1], "filters": [asked]}, {"event": steps[2]}],
        "date_from": "2025-01-01",
        "date_to": "2025-03-01",
    }
    query = parse_funnel_query(body, timezone="UTC", now_ms=ORIGIN_MS + SPAN_MS)
    return [step["count"] for step in answer(ours.context(is_first=is_first), query)["steps"]]


def funnel_of(theirs: ClickHouse, table: str, condition: str, steps: Sequence[str]) -> list[int]:
    conditions = [f"event = '{steps[0]}'", f"event = '{steps[1]}' and coalesce({condition}, false)", f"event = '{steps[2]}'"]
    names = ", ".join(f"'{name}'" for name in steps)
    levels = ", ".join(f"countIf(level >= {level})" for level in (1, 2, 3))
    (found,) = theirs.rows(
        f"select {levels} from (select person, windowFunnel({WINDOW_MS})(ms, {', '.join(conditions)}) as level"
        f" from bench.{table} where event in ({names}) and ms >= {ORIGIN_MS} and ms < {ORIGIN_MS + SPAN_MS} group by person)"
    )
    return [int(value) for value in found]


def trend(ours: Ours, asked: dict[str, Any], event: str) -> list[int]:
    from sv.insights.trends import trends
    from sv.model.query_parsing import parse_trends_query

    body = {
        "events": [{"name": event, "math": "unique_persons", "filters": [asked]}],
        "date_from": "2025-01-01",
        "date_to": "2025-03-01",
        "interval": "day",
    }
    answer = trends(ours.context(is_first=True), parse_trends_query(body, timezone="UTC", now_ms=ORIGIN_MS + SPAN_MS))
    (line,) = answer["series"]
    return [*line["values"], line["total"]]


def trend_of(theirs: ClickHouse, table: str, condition: str, event: str) -> list[int]:
    rows = theirs.rows(
        f"select intDiv(ms - {ORIGIN_MS}, {DAY_MS}) as day, uniqExact(person), grouping(day) from bench.{table}"
        f" where event = '{event}' and coalesce({condition}, false) and ms >= {ORIGIN_MS} and ms < {ORIGIN_MS + SPAN_MS}"
        " group by grouping sets ((day), ())"
    )
    values = [0] * (SPAN_MS // DAY_MS + 1)
    for day, count, is_total in rows:
        values[-1 if int(is_total) else int(day)] = int(count)
    return values


def broken_down(ours: Ours, name: str) -> dict[str, list[int]]:
    from sv.insights.trends import trends
    from sv.model.query_parsing import parse_trends_query

    body = {
        "events": [{"name": STEPS[0], "math": "unique_persons"}],
        "date_from": "2025-01-01",
        "date_to": "2025-03-01",
        "interval": "day",
        "breakdown": name,
    }
    answer = trends(ours.context(is_first=True), parse_trends_query(body, timezone="UTC", now_ms=ORIGIN_MS + SPAN_MS))
    return {str(line["breakdown_value"]): [*line["values"], line["total"]] for line in answer["series"]}


def broken_down_of(theirs: ClickHouse, table: str, value: str) -> dict[str, list[int]]:
    rows = theirs.rows(
        f"select {value} as value, intDiv(ms - {ORIGIN_MS}, {DAY_MS}) as day, uniqExact(person), grouping(day) from bench.{table}"
        f" where event = '{STEPS[0]}' and ms >= {ORIGIN_MS} and ms < {ORIGIN_MS + SPAN_MS}"
        " group by grouping sets ((value, day), (value))"
    )
    lines: dict[str, list[int]] = {}
    for name, day, count, is_total in rows:
        line = lines.setdefault(name, [0] * (SPAN_MS // DAY_MS + 1))
        line[-1 if int(is_total) else int(day)] = int(count)
    return lines


def rounded(value: float) -> float:
    """ClickHouse's sums hang on the order, and are of cents."""
    return round(value, 3 if value > 1_000_000 else 6)


def measured(ours: Ours, math: str, breakdown: str | None, number_of: str = "amount") -> dict[str, list[float]]:
    from sv.insights.trends import trends
    from sv.model.query_parsing import parse_trends_query

    body = {
        "events": [{"name": STEPS[0], "math": math, "math_property": number_of}],
        "date_from": "2025-01-01",
        "date_to": "2025-03-01",
        "interval": "day",
        **({} if breakdown is None else {"breakdown": breakdown}),
    }
    answer = trends(ours.context(is_first=True), parse_trends_query(body, timezone="UTC", now_ms=ORIGIN_MS + SPAN_MS))
    return {
        str(line["breakdown_value"] or ""): [rounded(value or 0) for value in (*line["values"], line["total"])]
        for line in answer["series"]
    }


def measured_of(theirs: ClickHouse, table: str, math: str, number: str, value: str) -> dict[str, list[float]]:
    rows = theirs.rows(
        f"select {value} as value, intDiv(ms - {ORIGIN_MS}, {DAY_MS}) as day, {math}, grouping(day) from"
        f" (select *, {number} as number from bench.{table})"
        f" where event = '{STEPS[0]}' and ms >= {ORIGIN_MS} and ms < {ORIGIN_MS + SPAN_MS}"
        " group by grouping sets ((value, day), (value))"
    )
    lines: dict[str, list[float]] = {}
    for name, day, measure, is_total in rows:
        line = lines.setdefault(name, [0.0] * (SPAN_MS // DAY_MS + 1))
        line[-1 if int(is_total) else int(day)] = rounded(float(measure))
    return lines


if __name__ == "__main__":
    main()
