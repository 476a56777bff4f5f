"""Bytes an event at rest: our files, and ClickHouse's MergeTree (chdb) of the same columns, compressed by zstd and merged to one part.

The events are those of `funnel_bench`, once with its three properties and once with the nine of `properties_bench`. The MergeTree is ordered by
(event, person, time); columns of few distinct values are LowCardinality there, times have milliseconds. Our key files are counted apart: they are
an index, which ClickHouse's table lacks, and may be deleted. `SV_BENCH_EVENTS` says how many events (2,000,000).
"""

import os
import tempfile
from pathlib import Path

from sv.engine.duck.schema import COLUMNS
from tests.bench.funnel_bench import ClickHouse, Ours
from tests.bench.properties_bench import PROPERTIES

TYPES = {"uuid": "UUID", "timestamp": "DateTime64(3, 'UTC')", "bigint": "Int64", "boolean": "Bool", "varchar[]": "Array(String)"}
OF_MANY_VALUES = {"distinct_id", "anonymous_id", "user_id", "session_id", "properties", "current_url"}
NEVER_NULL = {"id", "event", "timestamp", "received_at", "distinct_id", "person", "groups"}


def main() -> None:
    count = int(os.environ.get("SV_BENCH_EVENTS", "2000000"))
    print(f"{'':24}   ours   keys   ClickHouse   ratio   with keys")
    for title, properties in (("three properties", ""), ("nine properties", PROPERTIES)):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            ours = Ours(folder, count, properties=properties)
            theirs = bytes_of(folder)
        both = ours.bytes + ours.key_bytes
        told = f"{ours.bytes / count:6.1f} {ours.key_bytes / count:6.1f} {theirs / count:12.1f}"
        print(f"{title:24} {told} {ours.bytes / theirs:7.2f} {both / theirs:11.2f}", flush=True)


def bytes_of(folder: Path) -> int:
    """What the events' files take as a MergeTree."""
    theirs = ClickHouse(folder / "made.parquet", folder / "clickhouse")
    columns = ", ".join(f'"{name}" {_kind(name, kind)}' for name, kind in COLUMNS.items())
    theirs.run(
        f"create table bench.whole ({columns}) engine = MergeTree order by (event, person, timestamp)"
        " settings default_compression_codec = 'ZSTD(1)'"
    )
    listed = ", ".join(f'"{name}"' for name in COLUMNS)
    theirs.run(f"insert into bench.whole select {listed} from file('{folder}/events/*.parquet', Parquet)")
    theirs.run("optimize table bench.whole final")
    ((size, rows),) = theirs.rows(
        "select sum(bytes_on_disk), sum(rows) from system.parts where active and database = 'bench' and table = 'whole'"
    )
    ((expected,),) = theirs.rows("select count() from bench.events")
    assert int(rows) == int(expected), (rows, expected)
    return int(size)


def _kind(name: str, kind: str) -> str:
    if kind != "varchar":
        plain = TYPES[kind]
        return plain if name in NEVER_NULL else f"Nullable({plain})"
    if name in OF_MANY_VALUES:
        return "String" if name in NEVER_NULL else "Nullable(String)"
    return "LowCardinality(String)" if name in NEVER_NULL else "LowCardinality(Nullable(String))"


if __name__ == "__main__":
    main()
