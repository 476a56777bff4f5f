"""A folder of N events for the bench of lists: N/10 persons, N/5 sessions, a merged file for each of sixty days, rollups made from them."""

import json
import time
from pathlib import Path
from typing import Final

from sv.engine.duck.database import Database
from sv.engine.duck.files import MERGED_LEVEL, file_facts, merged_order, parquet_options
from sv.meta.persons import Persons
from sv.model.part import NewPart
from sv.server import Server
from sv.settings import Settings

PROJECT: Final = "bench"
DAYS: Final = 60
DAY_MS: Final = 86_400_000
ORIGIN_MS: Final = 1_735_689_600_000
NUMBERED_AT_ONCE: Final = 50_000
MIB: Final = 1 << 20

_MADE: Final = """
create table made as
with sessions as (
  select
    i, i // 5 as session, (hash(i // 5) % $persons)::bigint as who,
    $origin + (hash(i // 5 + 7) % $span)::bigint + (i % 5) * 30000 as ts
  from range($count) r(i)
), named as (
  select
    *, 'user ' || who as name,
    case when i % 50 = 0 then '$identify' else ['$pageview', 'viewed', 'added', 'checkout', 'paid', 'searched'][1 + (hash(i) % 6)::bigint] end as event
  from sessions
)
select
  (((ts::ubigint << 16) | 28672)::uhugeint * 18446744073709551616::uhugeint
    + (9223372036854775808::ubigint | i::ubigint)::uhugeint)::uuid as id,
  event, make_timestamp_ms(ts) as timestamp, make_timestamp_ms(ts) as received_at, name as distinct_id, person,
  case when who % 3 > 0 then name end as anonymous_id, case when who % 3 = 0 then name end as user_id,
  'session ' || session as session_id, []::varchar[] as groups, null::uuid as client_event_id,
  case when event = '$identify'
    then '{"email":"' || who || '@mail' || who % 50 || '.example","name":"Name ' || who || '","plan":"' || who % 4 || '"}'
    else '{"n":' || i || '}' end as properties,
  'https://shop.example/p/' || hash(i) % 500 as current_url, '/p/' || hash(i) % 500 as url_path, null::varchar as referring_domain,
  ['Chrome', 'Firefox', 'Safari', 'Edge', 'Opera'][1 + who % 5] as browser, null::varchar as browser_version,
  ['Windows', 'macOS', 'iOS', 'Android'][1 + who % 4] as os, ['Desktop', 'Mobile', 'Tablet'][1 + who % 3] as device_type,
  case when who % 1000 = 0 then 'IS' else ['DE', 'FR', 'US', 'GB', 'IN'][1 + who % 5] end as country,
  false as is_bot, null::varchar as utm_source, null::varchar as utm_medium, null::varchar as utm_campaign,
  null::varchar as utm_term, null::varchar as utm_content
from named join numbered using (name)
"""

_DAY: Final = "select * from made where epoch_ms(timestamp) >= {from_ms} and epoch_ms(timestamp) < {to_ms}"


def made_folder(folder: Path, count: int, *, has_lists: bool = True) -> tuple[Server, float]:
    """The server over the new folder, open and not served, and the seconds that making its rollups took.

    has_lists: otherwise the lists of persons and sessions are empty, and the server takes them for made.
    """
    server = opened_folder(folder)
    server.projects.create("Bench", token="sv_pub_bench", now_ms=ORIGIN_MS, project_id=PROJECT)
    server.catalog.replace(by=server.parts.commit_flush(_write_parts(server, folder, count), 0))
    started = time.perf_counter()
    if has_lists:
        assert server.rollup_work.rebuild(PROJECT)
    else:
        assert server.builds.finish(server.builds.begin(PROJECT))
    built_s = time.perf_counter() - started
    server.maintenance.index()
    return server, built_s


def opened_folder(folder: Path) -> Server:
    """The server over the folder, open and not served."""
    server = Server(Settings(data=folder, memory_limit=4096 * MIB, threads=2, flush_seconds=3600.0, compact_seconds=0.0))
    server.open()
    assert server.store.tables is not None  # the engine is open from here on: key files are made and opened for who asks
    return server


def _write_parts(server: Server, folder: Path, count: int) -> list[NewPart]:
    events = folder / "events" / f"project={PROJECT}" / "day=mixed"
    events.mkdir(parents=True)
    persons = count // 10
    database = Database(events_folder=events, spill_folder=folder / "spill-bench", memory_bytes=8192 * MIB, threads=2)
    numbers = Persons(server.meta)
    written: list[NewPart] = []
    with database.cursor() as cursor:
        cursor.execute("create table numbered (name varchar, person bigint)")
        for start in range(0, persons, NUMBERED_AT_ONCE):
            names = json.dumps([f"user {who}" for who in range(start, min(start + NUMBERED_AT_ONCE, persons))])
            cursor.execute(
                "insert into numbered select unnest(from_json($names, '[\"VARCHAR\"]')), unnest(from_json($given, '[\"BIGINT\"]'))",
                {"names": names, "given": numbers.number_persons(PROJECT, names)},
            )
        cursor.execute(_MADE, {"count": count, "persons": persons, "span": (DAYS - 1) * DAY_MS, "origin": ORIGIN_MS})
        for day in range(DAYS):
            path = events / f"{day}.parquet"
            of_day = _DAY.format(from_ms=ORIGIN_MS + day * DAY_MS, to_ms=ORIGIN_MS + (day + 1) * DAY_MS)
            ordered = f"{of_day} order by {merged_order(cursor, of_day)}"
            cursor.execute(f"copy ({ordered}) to '{path}' ({parquet_options(MERGED_LEVEL)})")
            facts = file_facts(cursor, path)
            if not facts.rows:
                path.unlink()
            if facts.rows:
                written.append(
                    NewPart(
                        project_id=PROJECT, path=str(path.relative_to(folder)), day=None, rows=facts.rows, bytes=facts.bytes,
                        min_ts_ms=facts.min_ts_ms, max_ts_ms=facts.max_ts_ms, min_received_ms=facts.min_received_ms,
                        max_received_ms=facts.max_received_ms, level=1, schema_version=1, created_ms=ORIGIN_MS,
                    )
                )  # fmt: skip
    database.close()
    return written
