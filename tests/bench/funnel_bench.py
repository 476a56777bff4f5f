"""Funnels of 3 and 6 steps over 2 million events, against ClickHouse's MergeTree (chdb, in its own process) on the same events.

Ours: through the whole insight (`sv.insights.funnels.funnel`) over merged Parquet parts of sixty days, two threads. ClickHouse's: a MergeTree
ordered by (event, person, time), persons as integers and the filtered property as a typed column, `windowFunnel` in milliseconds, two
threads. Both answer the same counts, which is checked.
`first` is ours with nothing kept from a question before; `again` is with the steps' matches kept (ClickHouse's is the same query both times). Medians of interleaved rounds; `SV_BENCH_EVENTS` takes another size.
"""

import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROUNDS = 9
STEPS = ("$pageview", "product_viewed", "added_to_cart", "checkout_started", "payment_opened", "purchase_completed")
WINDOW_MS = 7 * 86_400_000
SPAN_MS = 60 * 86_400_000
ORIGIN_MS = 1_735_689_600_000
MEMORY_LIMIT = 7 << 30
"""Of a server whose engine has as much memory, and which keeps as much between questions, as ours here."""


def main() -> None:
    count = int(os.environ.get("SV_BENCH_EVENTS", "2000000"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ours = Ours(folder, count)
        theirs = ClickHouse(folder / "made.parquet", folder / "clickhouse")
        print(
            f"{count:,} events, {ours.parts} files, {ours.bytes / count:.1f} bytes an event and {ours.key_bytes / count:.1f} of keys"
            f" (made in {ours.key_s:.2f} s); ClickHouse {theirs.bytes / count:.1f}"
        )
        print("funnel            ClickHouse ms   ours ms   ratio")
        for steps in (3, 6):
            _compare(f"{steps} steps, first", steps, ours, theirs, is_first=True)
            _compare(f"{steps} steps, again", steps, ours, theirs, is_first=False)


def _compare(label: str, steps: int, ours: "Ours", theirs: "ClickHouse", *, is_first: bool) -> None:
    mine: list[float] = []
    reference: list[float] = []
    for _ in range(ROUNDS):
        seconds, counts = _timed(lambda: ours.counts(steps, is_first=is_first))
        mine.append(seconds)
        seconds, expected = _timed(lambda: theirs.counts(steps))
        reference.append(seconds)
        assert counts == expected, (label, counts, expected)
    first, second = statistics.median(reference), statistics.median(mine)
    print(f"{label:16}  {first * 1000:13.1f}   {second * 1000:7.1f}   {second / first:5.2f}   {counts}", flush=True)


def _timed(call: Callable[[], list[int]]) -> tuple[float, list[int]]:
    started = time.perf_counter()
    result = call()
    return time.perf_counter() - started, result


class Ours:
    """The engine over a folder with the events, as a compacted server has them: a file a day, each with its keys."""

    key_bytes = 0

    def __init__(self, folder: Path, count: int, aliases: Any = None, properties: str = "", made: str = "") -> None:
        """aliases: of merged identity. properties: SQL of the events' JSON, made: of the events, where they are to be others."""
        from sv.engine.duck.buffer.drain import EVENT_ID
        from sv.engine.duck.database import Database
        from sv.engine.duck.engine import DuckEngine
        from sv.engine.duck.files import MERGED_LEVEL, file_facts, parquet_options
        from sv.engine.duck.keys.key_files import open_key_file
        from sv.engine.duck.keys.key_writing import write_key_file
        from sv.engine.duck.keys.open_files import KeyFiles
        from sv.engine.port import Limits
        from sv.insights.runner import Context
        from sv.model.part import Part
        from sv.model.snapshot import Snapshot
        from sv.settings.memory import engine_bytes, kept_bytes

        (folder / "events").mkdir()
        memory_bytes = engine_bytes(MEMORY_LIMIT)
        database = Database(events_folder=folder, spill_folder=folder / "spill", memory_bytes=memory_bytes, threads=2)
        parts: list[Part] = []
        given = {"properties": properties or _PROPERTIES, "id": EVENT_ID, "options": parquet_options(MERGED_LEVEL)}
        with database.cursor() as cursor:
            cursor.execute(
                made or _MADE,
                {"count": count, "persons": count // 20, "span": SPAN_MS, "origin": ORIGIN_MS, "steps": list(STEPS)},
            )
            cursor.execute(f"copy made to '{folder}/made.parquet' (format parquet)")
            for day in range(SPAN_MS // 86_400_000):
                path = folder / "events" / f"{day}.parquet"
                cursor.execute(_DAY.format(path=path, **given), {"day": day, "origin": ORIGIN_MS, "salt": 77_777})
                facts = file_facts(cursor, path)
                parts.append(
                    Part(
                        part_id=day, project_id="bench", path=f"events/{day}.parquet", day=None, rows=facts.rows, bytes=facts.bytes,
                        min_ts_ms=facts.min_ts_ms, max_ts_ms=facts.max_ts_ms,
                        min_received_ms=facts.min_received_ms, max_received_ms=facts.max_received_ms,
                    )
                )  # fmt: skip
            cursor.execute("drop table made")
        self.parts = len(parts)
        self.bytes = sum(part.bytes for part in parts)
        snapshot = Snapshot("bench", tuple(parts), ())

        key_files = KeyFiles()
        began = time.perf_counter()
        with database.cursor() as cursor:
            for part in parts:
                target = folder / part.keys_path
                target.parent.mkdir(exist_ok=True)
                write_key_file(cursor, folder / part.path, part, target)
                made = open_key_file(target, part, is_checked=False)
                assert made is not None
                key_files.add(part.part_id, made)
                self.key_bytes += target.stat().st_size
        self.key_s = time.perf_counter() - began
        sizes = (kept_bytes(MEMORY_LIMIT), 0)
        engines = [DuckEngine(database, folder, lambda: count // 20, aliases, kept, key_files) for kept in sizes]
        self._contexts = {
            (is_first, is_merged): Context(engines[is_first], snapshot.merged() if is_merged else snapshot, Limits(60.0), 2)
            for is_first in (False, True)
            for is_merged in (False, True)
        }

    def context(self, *, is_first: bool, is_merged: bool = False) -> Any:
        """What an insight is given. is_first: with nothing kept from a question before."""
        return self._contexts[is_first, is_merged]

    def counts(self, steps: int, *, is_first: bool, is_merged: bool = False) -> list[int]:
        from sv.insights.funnels import funnel
        from sv.model.query_parsing import parse_funnel_query

        body: dict[str, Any] = {
            "steps": [{"event": name} for name in STEPS[:steps]],
            "date_from": "2025-01-01",
            "date_to": "2025-03-01",
        }
        body["steps"][1]["properties"] = {"$device_type": "Desktop"}
        answer = funnel(
            self.context(is_first=is_first, is_merged=is_merged),
            parse_funnel_query(body, timezone="UTC", now_ms=ORIGIN_MS + SPAN_MS),
        )
        return [step["count"] for step in answer["steps"]]


_MADE = """
create table made as
select
  i, (hash(i) % $persons)::bigint as person,
  $steps[1 + least(len($steps) - 1, floor(-ln(1 - (hash(i, 1) % 1000000) / 1000000.0) * 1.1)::bigint)] as event,
  $origin::bigint + (hash(i, 2) % $span)::bigint as ms,
  ['Desktop', 'Mobile', 'Tablet'][(1 + hash(i, 3) % 3)::bigint] as device_type,
  'session-' || person as session
from range($count) t(i)
"""

_PROPERTIES = """'{"$current_url":"https://shop.example/p/' || (i % 50) || '","plan":"pro","n":' || i || '}'"""

_DAY = """
copy (
  select
    {id} as id, event, make_timestamp_ms(ms) as timestamp, make_timestamp_ms(ms) as received_at, 'person-' || person as distinct_id,
    person, 'person-' || person as anonymous_id, null::varchar as user_id, session as session_id,
    []::varchar[] as groups, null::uuid as client_event_id,
    {properties} as properties,
    'https://shop.example/p/' || (i % 50) as current_url, '/p/' || (i % 50) as url_path, null::varchar as referring_domain,
    'Chrome' as browser, '120' as browser_version, 'Linux' as os, device_type, 'DE' as country, false as is_bot,
    null::varchar as utm_source, null::varchar as utm_medium, null::varchar as utm_campaign, null::varchar as utm_term,
    null::varchar as utm_content
  from (
    select *, ms as ts, ($day::bigint * 1000000 + nth // 10)::ubigint as seq, nth % 10 as place
    from (select *, row_number() over (order by ms) as nth from made where (ms - $origin) // 86400000 = $day)
  )
  order by event, person, timestamp, id
) to '{path}' ({options})
"""


class ClickHouse:
    """chdb with the same events."""

    def __init__(self, source: Path, folder: Path) -> None:
        from chdb import session

        self._session = session.Session(str(folder))
        run = self.run = self._session.query
        run("create database bench engine = Atomic")
        run(
            "create table bench.events (event LowCardinality(String), person UInt64, ms UInt64, device_type LowCardinality(String))"
            " engine = MergeTree order by (event, person, ms)"
        )
        run(f"insert into bench.events select event, person, ms, device_type from file('{source}', Parquet)")
        run("optimize table bench.events final")
        size = run("select sum(bytes_on_disk) from system.parts where active and database = 'bench'", "TSV")
        self.bytes = int(str(size).strip())

    def rows(self, select: str) -> list[list[Any]]:
        """What a select answers, with two threads."""
        answer = self._session.query(f"{select} settings max_threads = 2", "JSONCompactEachRow")
        return [json.loads(line) for line in str(answer).splitlines() if line]

    def counts(self, steps: int) -> list[int]:
        conditions = [f"event = '{name}'" for name in STEPS[:steps]]
        conditions[1] += " and device_type = 'Desktop'"
        names = ", ".join(f"'{name}'" for name in STEPS[:steps])
        levels = ", ".join(f"countIf(level >= {level})" for level in range(1, steps + 1))
        answer = self._session.query(
            f"select {levels} from (select person, windowFunnel({WINDOW_MS})(ms, {', '.join(conditions)}) as level"
            f" from bench.events where event in ({names}) and ms >= {ORIGIN_MS} and ms < {ORIGIN_MS + SPAN_MS}"
            " group by person) settings max_threads = 2",
            "JSONCompactEachRow",
        )
        return [int(value) for value in json.loads(str(answer))]


if __name__ == "__main__":
    main()
