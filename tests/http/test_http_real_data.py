"""Real input: a shop's events and a web server's log go in by `sv import` and by the unmodified client, and answers equal SQL over the source.

The sources lie in `tests/data`, with their licences. ClickHouse (chdb) and DuckDB read them as they are; the server is asked over HTTP.
The client dates an event by its machine's clock, so it runs on one that shows, row by row, what the source has.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest
from http_rig import Api, Running

from tests import forked

DATA = Path(__file__).parents[1] / "data"
SHOP = DATA / "retentioneering_ecom.parquet"
LOG = DATA / "apache_access_2015.parquet"
SHOP_STEPS = ("product_view", "add_to_cart", "payment_details")
LOG_STEPS = ("/articles/dynamic-dns-with-dhcp/", "/images/jordan-80.png", "/favicon.ico")
SHOP_ROWS = 31_106
LOG_ROWS = 9_999
HOUR_MS = 3_600_000


def import_file(running: Running, file: Path, *more: str) -> None:
    command = [sys.executable, "-m", "sv", "import", str(file), "--project", "dev", "--url", running.url, *more]
    forked.run([*command, "--api-token", "sv_dev"], text=True, check=True)


def taken(api: Api) -> float:
    """Events that the server has stored since its start, whichever way they came."""
    return api.metric("sv_events_accepted_total") + api.metric("sv_events_imported_total")


REPLAY = """
import json, sys, time
import sessionvision

clock = [time.time()]
time.time = lambda: clock[0]
refused = []
sessionvision.init("sv_pub_dev", ingest_host=sys.argv[1], flush_size=500, on_error=lambda error, _: refused.append(error))
for ms, event, ids, properties in json.load(sys.stdin):
    clock[0] = (ms + 0.5) / 1000
    sessionvision.capture(event, **ids, properties=properties)
sessionvision.shutdown()
sys.exit(str(refused) if refused else 0)
"""


def replay(running: Running, rows: Sequence[tuple[int, str, dict[str, str], dict[str, Any]]]) -> None:
    """Capture each row (Unix milliseconds, event, ids, properties) at its time, in a process of its own."""
    command = [sys.executable, "-c", REPLAY, running.url]
    subprocess.run(command, input=json.dumps(rows), text=True, timeout=120, check=True)


def ask(api: Api, insight: str, body: dict[str, Any]) -> dict[str, Any]:
    return api.funnel(**body) if insight == "funnel" else api.trends(**body)


def counts(answer: dict[str, Any]) -> list[int]:
    return [step["count"] for step in answer["steps"]]


def expected_funnel(source: str, conditions: list[str], window_ms: int) -> list[int]:
    """What ClickHouse says of the source; `source` is a select of (person, ms, …)."""
    import chdb  # half a second, which who only collects tests does without

    levels = ", ".join(f"countIf(level >= {level + 1})" for level in range(len(conditions)))
    inner = f"select person, windowFunnel({window_ms})(ms, {', '.join(conditions)}) as level from ({source}) group by person"
    return [int(value) for value in json.loads(str(chdb.query(f"select {levels} from ({inner})", "JSONCompactEachRow")))]


def daily(sql: str) -> list[list[int]]:
    """The columns of counts, a row a day."""
    return [list(column) for column in zip(*duckdb.sql(sql).fetchall(), strict=True)]


def send_shop(way: str, server: Running) -> None:
    if way == "import":
        import_file(server, SHOP, "--map", "distinct_id=userId", "--map", "ts=timestamp")
        return
    rows = duckdb.sql(f"select epoch_ms(ts), event, distinct_id, session_id, platform from '{SHOP}' order by ts").fetchall()
    replay(server, [(ms, name, {"user_id": who, "session_id": at}, {"platform": on}) for ms, name, who, at, on in rows])


def send_log(way: str, server: Running, folder: Path) -> None:
    """Each request as an event `request`, its path as the URL."""
    columns = "path, status, bytes, method, user_agent, 'https://www.semicomplete.com' || path as \"$current_url\""
    if way == "import":
        source = folder / "log.ndjson"
        duckdb.sql(f"""
            copy (select 'request' as event, distinct_id as "anonymousId", ts as timestamp, {columns} from '{LOG}')
            to '{source}' (format json)
            """)
        import_file(server, source)
        return
    asked = duckdb.sql(f"select epoch_ms(ts), distinct_id, {columns} from '{LOG}' order by ts")
    names = asked.columns[2:]
    replay(
        server,
        [(ms, "request", {"anonymous_id": who}, dict(zip(names, more, strict=True))) for ms, who, *more in asked.fetchall()],
    )


@pytest.mark.parametrize("way", ["import", "client"])
def test_a_shops_funnel_and_daily_trend_equal_sql_over_the_file(api: Api, server: Running, way: str) -> None:
    before = taken(api)
    send_shop(way, server)
    assert taken(api) - before == SHOP_ROWS
    dates = {"date_from": "2024-01-01", "date_to": "2024-06-30"}
    asked = ask(api, "funnel", {"steps": [{"event": name} for name in SHOP_STEPS], "conversion_window": "1d", **dates})
    source = f"select distinct_id as person, toUInt64(toUnixTimestamp64Milli(ts)) as ms, event from file('{SHOP}', Parquet)"
    expected = expected_funnel(source, [f"event = '{name}'" for name in SHOP_STEPS], 24 * HOUR_MS)
    assert counts(asked) == expected
    assert expected[0] > expected[1] > expected[2] > 0

    events = [{"name": "product_view", "math": "unique_persons"}, {"name": "product_view"}]
    asked = ask(api, "trends", {"events": events, "interval": "day", **dates})
    viewers, views = daily(f"""
        select count(distinct distinct_id) filter (event = 'product_view'), count(*) filter (event = 'product_view')
        from range(date '2024-01-01', date '2024-07-01', interval 1 day) d(day) left join '{SHOP}' on ts::date = day
        group by day
        order by day
        """)
    assert [series["values"] for series in asked["series"]] == [viewers, views]
    assert sum(views) > sum(viewers) > 1000


@pytest.mark.parametrize("way", ["import", "client"])
def test_a_web_logs_funnel_over_paths_and_daily_trend_equal_sql_over_the_file(
    api: Api, server: Running, tmp_path: Path, way: str
) -> None:
    before = taken(api)
    send_log(way, server, tmp_path)
    assert taken(api) - before == LOG_ROWS
    steps = [{"event": "request", "properties": {"$current_url": path}} for path in LOG_STEPS]
    body = {"steps": steps, "date_from": "2015-05-01", "date_to": "2015-05-31", "conversion_window": "1d", "include_bots": True}
    asked = ask(api, "funnel", body)
    page = r"replaceRegexpOne(replaceRegexpOne(path, '[?#].*$', ''), '/$', '')"
    source = (
        f"select distinct_id as person, toUInt64(toUnixTimestamp64Milli(ts)) as ms, {page} as page from file('{LOG}', Parquet)"
    )
    conditions = [f"page = '{path.rstrip('/')}'" for path in LOG_STEPS]
    expected = expected_funnel(source, conditions, 24 * HOUR_MS)
    assert counts(asked) == expected
    assert expected[0] > expected[1] > expected[2] > 0

    body = {
        "events": [{"name": "request", "filters": [{"property": "status", "operator": "lt", "value": 400}]}, {"name": "request"}],
        "interval": "day",
        "date_from": "2015-05-16",
        "date_to": "2015-05-21",
        "include_bots": True,
    }
    asked = ask(api, "trends", body)
    served, requests = daily(f"""
        select count(*) filter (status < 400), count(path)
        from range(date '2015-05-16', date '2015-05-22', interval 1 day) d(day) left join '{LOG}' on ts::date = day
        group by day
        order by day
        """)
    assert [series["values"] for series in asked["series"]] == [served, requests]
    assert sum(served) > 5000
    assert sum(requests) == LOG_ROWS
