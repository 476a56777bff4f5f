"""`sv import` and `sv export`, as whole commands, against DuckDB's own `copy` of the same file into sorted Parquet and out of it.

Half a million events of a shop, as NDJSON, CSV and Parquet; two threads each; the import into an empty folder at rest, and of NDJSON also into
a running server. The ratios are of events a second, and of events a second of processor time, which a machine with other work distorts less;
ours and DuckDB's take turns. Of an import into a server its time is the client's. DuckDB's copy checks nothing, makes no ids, and keeps no lists
of persons, sessions and definitions. `SV_BENCH_EVENTS` takes another size, `SV_BENCH_ROUNDS` other rounds (medians; default 3).
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias

import duckdb

from sv.server import Server
from sv.settings import Settings

FORMATS: Final = ("ndjson", "csv", "parquet")
PROJECT: Final = "bench"
FIELDS: Final = ("event", "timestamp", "anonymousId", "userId", "sessionId", "properties")

_MADE: Final = """
create table made as
with visits as (
  select i, i // 12 as visit, hash(i // 12, 7) % ($count // 25) as who from range($count) r(i)
)
select
  ['$pageview', '$pageview', '$pageview', '$click', 'added', 'checkout', 'paid'][1 + (hash(i) % 7)::int] as event,
  make_timestamp_ms(1767225600000 + (i * 2592000000 // $count)::bigint) as timestamp,
  'anon-' || who as anonymousId, case when hash(visit, 3) % 3 = 0 then 'user-' || who end as userId, 's-' || visit as sessionId,
  {
    '$current_url': 'https://shop.example/' || ['', 'pricing', 'p/' || hash(i) % 500, 'cart?utm_source=news'][1 + (hash(i, 2) % 4)::int],
    '$referrer': 'https://www.example.org/', '$browser': ['Chrome', 'Firefox', 'Safari'][1 + (hash(visit) % 3)::int],
    'plan': ['free', 'pro', 'team'][1 + (hash(i, 9) % 3)::int], 'price': (hash(i, 5) % 10000) / 100.0, 'items': hash(i, 6) % 7,
    'is_member': hash(i, 8) % 2 = 0, '$title': 'A page of the shop, number ' || hash(i) % 500
  } as properties
from visits
"""

_TEXT: Final = "select * replace (to_json(properties)::varchar as properties, strftime(timestamp, '%Y-%m-%dT%H:%M:%S.%gZ') as timestamp) from made"
_WRITTEN: Final = {
    "ndjson": "select * replace (strftime(timestamp, '%Y-%m-%dT%H:%M:%S.%gZ') as timestamp) from made",
    "csv": _TEXT,
    "parquet": "select * replace (to_json(properties)::varchar as properties, timestamp::timestamptz as timestamp) from made",
}
_OPTIONS: Final = {
    "ndjson": "format json",
    "csv": "format csv, header",
    "parquet": "format parquet, compression zstd",
}
_READ: Final = {
    "ndjson": "read_json('{}', format = 'newline_delimited')",
    "csv": "read_csv('{}')",
    "parquet": "read_parquet('{}')",
}


Spent: TypeAlias = tuple[float, float]
"""Seconds by the clock, and of processor time: of this process and those that it waited for."""


def main() -> None:
    count = int(os.environ.get("SV_BENCH_EVENTS", "500000"))
    rounds = int(os.environ.get("SV_BENCH_ROUNDS", "3"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = _made_files(folder, count)
        print(f"{count:,} events   ours ev/s   DuckDB ev/s   ratio   of processor time")
        for kind, file in files.items():
            ours: list[Spent] = []
            theirs: list[Spent] = []
            for nth in range(rounds):
                ours.append(_import(folder / f"data-{kind}-{nth}", file))
                theirs.append(_timed(lambda k=kind, f=file: _copy_in(folder, k, f)))
            _tell(f"import {kind}", count, ours, theirs)
        _tell("import ndjson, server", count, [_upload(files["ndjson"]) for _ in range(rounds)], [])
        data = folder / "data-ndjson-0"
        for kind in FORMATS:
            ours, theirs = [], []
            for nth in range(rounds):
                target = str(folder / f"out-{nth}.{kind}")
                words = ("export", "--data", str(data), "--project", PROJECT, "--output", target)
                ours.append(_timed(lambda words=words: _run(*words)))
                theirs.append(_timed(lambda k=kind, d=data: _copy_out(d, k)))
            _tell(f"export {kind}", count, ours, theirs)


def _made_files(folder: Path, count: int) -> dict[str, Path]:
    files = {kind: folder / f"in.{kind}" for kind in FORMATS}
    with duckdb.connect() as connection:
        connection.execute(_MADE, {"count": count})
        for kind, path in files.items():
            connection.execute(f"copy ({_WRITTEN[kind]}) to '{path}' ({_OPTIONS[kind]})")
    return files


def _tell(title: str, count: int, ours: list[Spent], theirs: list[Spent]) -> None:
    wall, cpu = (statistics.median(each) for each in zip(*ours, strict=True))
    against = ""
    if theirs:
        their_wall, their_cpu = (statistics.median(each) for each in zip(*theirs, strict=True))
        against = f"{count / their_wall:13,.0f}   {their_wall / wall:5.2f}   {their_cpu / cpu:5.2f}"
    print(f"{title:21} {count / wall:11,.0f} {against}", flush=True)


def _timed(work: Callable[[], object]) -> Spent:
    started, spent = time.perf_counter(), sum(os.times()[:4])
    work()
    return time.perf_counter() - started, sum(os.times()[:4]) - spent


def _run(*words: str) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SV_")}
    subprocess.run(
        [sys.executable, "-m", "sv", *words],
        env=kept | {"SV_API_TOKEN": "sv_dev", "SV_THREADS": "2"},
        capture_output=True,
        check=True,
    )


def _import(data: Path, file: Path) -> Spent:
    server = Server(Settings(data=data))
    server.open()
    server.projects.create("Bench", token="sv_pub_bench", now_ms=0, project_id=PROJECT)
    server.close()
    return _timed(lambda: _run("import", str(file), "--data", str(data), "--project", PROJECT))


def _upload(file: Path) -> Spent:
    command = [sys.executable, "-m", "sv", "dev", "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        try:
            assert server.stdout is not None
            url: str = json.loads(server.stdout.readline())["url"]
            return _timed(lambda: _run("import", str(file), "--project", "dev", "--url", url))
        finally:
            server.terminate()


def _copy_in(folder: Path, kind: str, file: Path) -> None:
    with duckdb.connect(config={"threads": "2"}) as connection:
        order = 'event, coalesce("userId", "anonymousId"), timestamp'
        source = _READ[kind].format(file)
        connection.execute(
            f"copy (select * from {source} order by {order}) to '{folder / 'sorted.parquet'}' (format parquet, compression zstd)"
        )


def _copy_out(data: Path, kind: str) -> None:
    columns = "event, timestamp, anonymous_id, user_id, session_id, groups, client_event_id, properties"
    source = f"read_parquet('{data}/events/**/*.parquet', hive_partitioning = false)"
    with duckdb.connect(config={"threads": "2"}) as connection:
        connection.execute(
            f"copy (select {columns} from {source} order by timestamp) to '{data.parent / f'their.{kind}'}' ({_OPTIONS[kind]})"
        )


if __name__ == "__main__":
    main()
