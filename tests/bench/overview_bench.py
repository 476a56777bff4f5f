"""Overviews over HTTP, of a `sv serve` of its own, beside ClickHouse (chdb) in another process: the whole page's figures, chart and tables.

The events are those of `lists_folder`: sixty days, a person to ten events, five to a session. ClickHouse has the columns that an overview reads in
a MergeTree, ordered as our files are, and answers as one would have it answer: sessions once into a table in memory, then a question for the chart
and one for each table. Visitors, sessions and pageviews by day are compared, and the countries. Both have two threads; medians of interleaved
rounds.

`SV_BENCH_EVENTS` (2,000,000) says how many. `SV_BENCH_FOLDER`: a folder that `sizing_bench` kept, of as many events as that one made.
"""

import os
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from tests.bench.lists_folder import DAY_MS, DAYS, ORIGIN_MS, PROJECT
from tests.bench.rounds import interleaved
from tests.bench.served_bench import ClickHouse, clickhouse
from tests.bench.sizing_bench import Served, made, serving

TABLES: Final = (
    "pages",
    "entry_pages",
    "exit_pages",
    "referrers",
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "countries",
    "devices",
    "browsers",
    "os",
)
COLUMNS: Final = {
    "entry_pages": "entry.1", "exit_pages": "exit", "referrers": "entry.2", "utm_source": "entry.3", "utm_medium": "entry.4",
    "utm_campaign": "entry.5", "countries": "entry.6", "devices": "entry.7", "browsers": "entry.8", "os": "entry.9",
}  # fmt: skip
ROWS: Final = 10

TEXTS: Final = (
    "url_path",
    "referring_domain",
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "country",
    "device_type",
    "browser",
    "os",
)
COLUMN_TYPES: Final = (
    "event LowCardinality(String), person UInt64, ms UInt64, id UUID, session_id String, is_bot Bool, "
    + ", ".join(f"{name} {'Nullable(String)' if name == 'url_path' else 'LowCardinality(Nullable(String))'}" for name in TEXTS)
)
RANK: Final = "(multiIf(url_path is null, 2, event = '$pageview', 0, 1), id)"
EXIT_RANK: Final = "(multiIf(url_path is null, 0, event = '$pageview', 2, 1), id)"
SESSIONS: Final = f"""
    create or replace table bench.sessions engine = Memory as
    select intDiv(min(ms) - {{origin}}, {DAY_MS}) as day, max(ms) - min(ms) as duration_ms,
      countIf(event = '$pageview') = 1 and countIf(event not in ('$pageview', '$pageleave', '$identify')) = 0 as is_bounce,
      argMin(({", ".join(TEXTS)}, person), {RANK}) as entry, argMaxIf(url_path, {EXIT_RANK}, url_path is not null) as exit
    from bench.events where {{where}}
    group by session_id {{having}}
    settings max_threads = 2
"""


def main() -> None:
    count = int(os.environ.get("SV_BENCH_EVENTS", "2000000"))
    with tempfile.TemporaryDirectory() as name:
        kept = os.environ.get("SV_BENCH_FOLDER")
        folder = Path(kept or name) / "data"
        if not folder.exists():
            made(folder, count, has_lists=False)
        with clickhouse(Path(name) / "clickhouse") as engine, serving(folder) as (server, _):
            _load(engine, f"{folder}/events/project={PROJECT}/*/*.parquet")
            print(f"{'':34}  ClickHouse ms       ours ms     ratio", flush=True)
            for days in (7, 30, DAYS):
                _row(f"overview, {days} days", server, engine, days)
            _row("overview, 30 days, of one country", server, engine, 30, country="DE")
            _row(f"figures and chart, {DAYS} days", server, engine, DAYS, tables=())
            print(f"the server's memory at most {server.memory_mb('VmHWM'):.0f} MB")


def _row(
    label: str, server: Served, engine: ClickHouse, days: int, *, country: str | None = None, tables: tuple[str, ...] = TABLES
) -> None:
    ours, theirs = interleaved(
        label, lambda: overview(server, days, country, tables), lambda: overview_of(engine, days, country, tables)
    )
    print(f"{label:34}  {theirs.wall_ms:13.0f} {ours.wall_ms:13.0f}   {ours.wall_ms / theirs.wall_ms:7.2f}", flush=True)


def overview(server: Served, days: int, country: str | None, tables: tuple[str, ...]) -> list[Any]:
    last = datetime.fromtimestamp(ORIGIN_MS / 1000, UTC).date() + timedelta(DAYS - 1)
    body: dict[str, Any] = {
        "date_from": str(last - timedelta(days - 1)), "date_to": str(last), "interval": "day", "compare": False, "breakdowns": list(tables),
        "breakdown_limit": ROWS,
    }  # fmt: skip
    if country is not None:
        body["filters"] = [{"property": "$country", "value": country}]
    answer = server.ask("insights/overview", body)
    series = answer["series"]
    countries = [[row["value"], row["visitors"], row["sessions"]] for row in answer["tables"].get("countries", [])]
    return [series["visitors"], series["sessions"], series["pageviews"], answer["totals"]["visitors"], countries]


def overview_of(engine: ClickHouse, days: int, country: str | None, tables: tuple[str, ...]) -> list[Any]:
    to_ms = ORIGIN_MS + DAYS * DAY_MS
    from_ms = to_ms - days * DAY_MS
    where = f"ms >= {from_ms} and ms < {to_ms} and not is_bot"
    having = "" if country is None else f"having entry.6 = '{country}'"
    engine.run(SESSIONS.format(origin=from_ms, where=where, having=having))
    matched = where
    if country is not None:
        of_sessions = (
            f"select session_id from bench.events where {where} group by session_id having argMin(country, {RANK}) = '{country}'"
        )
        matched += f" and session_id in ({of_sessions})"
    seen = engine.rows(
        f"select intDiv(ms - {from_ms}, {DAY_MS}) as day, uniqExact(person), countIf(event = '$pageview') from bench.events"
        f" where {matched} group by day order by day"
    )
    visitors = engine.rows(f"select uniqExact(person) from bench.events where {matched}")[0][0]
    sessions = engine.rows(
        "select day, count(), countIf(is_bounce), sum(duration_ms) from bench.sessions group by day order by day"
    )
    found: dict[str, list[Any]] = {}
    for table in tables:
        if table == "pages":
            found[table] = engine.rows(
                f"select url_path as value, uniqExact(person) as visitors, count() as views from bench.events"
                f" where {matched} and event = '$pageview' group by value order by visitors desc, views desc, value limit {ROWS}"
            )
            continue
        found[table] = engine.rows(
            f"select {COLUMNS[table]} as value, uniqExact(entry.10) as visitors, count() as sessions, countIf(is_bounce), sum(duration_ms)"
            f" from bench.sessions group by value order by visitors desc, sessions desc, value limit {ROWS}"
        )
    countries = [[value, int(persons), int(counted)] for value, persons, counted, *_ in found.get("countries", [])]
    return [
        _by_day(days, [(day, number) for day, number, _ in seen]),
        _by_day(days, [(day, number) for day, number, *_ in sessions]),
        _by_day(days, [(day, number) for day, _, number in seen]),
        int(visitors),
        countries,
    ]


def _by_day(days: int, found: list[tuple[Any, Any]]) -> list[int]:
    numbers = {int(day): int(number) for day, number in found}
    return [numbers.get(day, 0) for day in range(days)]


def _load(engine: ClickHouse, files: str) -> None:
    selected = ", ".join(["event", "person", "toUnixTimestamp64Milli(timestamp)", "id", "session_id", "is_bot", *TEXTS])
    for statement in (
        "create database bench engine = Atomic",
        f"create table bench.events ({COLUMN_TYPES}) engine = MergeTree order by (event, person, ms)",
        f"insert into bench.events select {selected} from file('{files}', Parquet)",
        "optimize table bench.events final",
    ):
        engine.run(statement)


if __name__ == "__main__":
    main()
