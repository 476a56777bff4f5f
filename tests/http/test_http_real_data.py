"""Real input: a shop's events and a web server's log go in by `sv import` and by the unmodified client, and answers equal SQL over the source.

The sources lie in `tests/data`, with their licences. ClickHouse (chdb) and DuckDB read them as they are; the server is asked over HTTP.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import chdb
import duckdb
import pytest
from http_rig import Api, Running

from tests import forked

DATA = Path(__file__).parents[1] / "data"
SHOP = DATA / "retentioneering_ecom.parquet"
LOG = DATA / "apache_access_2015.parquet"
SHOP_STEPS = ("product_view", "add_to_cart", "payment_details")
LOG_STEPS = ("/projects/xdotool/", "/projects/xdotool/xdotool.xhtml", "/files/xdotool/docs/html/")
HOUR_MS = 3_600_000


def import_file(running: Running, file: Path, *more: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "sv", "import", str(file), "--project", "dev", "--url", running.url, "--json", *more]
    done = forked.run([*command, "--api-token", "sv_dev"], text=True, check=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def ask(api: Api, insight: str, body: dict[str, Any]) -> dict[str, Any]:
    return api.funnel(**body) if insight == "funnel" else api.trends(**body)


def counts(answer: dict[str, Any]) -> list[int]:
    return [step["count"] for step in answer["steps"]]


def expected_funnel(source: str, conditions: list[str], window_ms: int) -> list[int]:
    """What ClickHouse says of the source; `source` is a select of (person, ms, …)."""
    levels = ", ".join(f"countIf(level >= {level + 1})" for level in range(len(conditions)))
    inner = f"select person, windowFunnel({window_ms})(ms, {', '.join(conditions)}) as level from ({source}) group by person"
    return [int(value) for value in json.loads(str(chdb.query(f"select {levels} from ({inner})", "JSONCompactEachRow")))]


def daily(sql: str) -> list[int]:
    return [int(count) for (count,) in duckdb.sql(sql).fetchall()]


@pytest.fixture
def shop(api: Api, server: Running) -> Api:
    import_file(server, SHOP, "--map", "distinct_id=userId", "--map", "ts=timestamp")
    return api


@pytest.fixture
def web_log(api: Api, server: Running, tmp_path: Path) -> Api:
    """The log with each request as an event `request`, its path as the URL."""
    source = tmp_path / "log.ndjson"
    duckdb.sql(f"""
        copy (
          select 'request' as event, distinct_id as "anonymousId", ts as timestamp, path, status, bytes, method, user_agent,
            'https://www.semicomplete.com' || path as "$current_url"
          from '{LOG}'
        ) to '{source}' (format json)
        """)
    import_file(server, source)
    return api


def test_an_imported_shops_funnel_equals_clickhouses_over_the_file(shop: Api) -> None:
    steps = [{"event": name} for name in SHOP_STEPS]
    asked = ask(shop, "funnel", {"steps": steps, "date_from": "2024-01-01", "date_to": "2024-06-30", "conversion_window": "1d"})
    source = f"select distinct_id as person, toUInt64(toUnixTimestamp64Milli(ts)) as ms, event from file('{SHOP}', Parquet)"
    expected = expected_funnel(source, [f"event = '{name}'" for name in SHOP_STEPS], 24 * HOUR_MS)
    assert counts(asked) == expected
    assert expected[0] > expected[-1] > 0


def test_an_imported_shops_daily_trend_equals_sql_over_the_file(shop: Api) -> None:
    events = [{"name": "product_view", "math": "unique_persons"}]
    asked = ask(shop, "trends", {"events": events, "interval": "day", "date_from": "2024-01-01", "date_to": "2024-06-30"})
    expected = daily(f"""
        select count(distinct distinct_id) filter (event = 'product_view')
        from range(date '2024-01-01', date '2024-07-01', interval 1 day) d(day) left join '{SHOP}' on ts::date = day
        group by day
        order by day
        """)
    assert asked["series"][0]["values"] == expected
    assert sum(expected) > 1000


def test_an_imported_web_logs_funnel_over_paths_equals_clickhouses(web_log: Api) -> None:
    steps = [{"event": "request", "properties": {"$current_url": path}} for path in LOG_STEPS]
    body = {"steps": steps, "date_from": "2015-05-01", "date_to": "2015-05-31", "conversion_window": "1d", "include_bots": True}
    asked = ask(web_log, "funnel", body)
    page = r"replaceRegexpOne(replaceRegexpOne(path, '[?#].*$', ''), '/$', '')"
    source = (
        f"select distinct_id as person, toUInt64(toUnixTimestamp64Milli(ts)) as ms, {page} as page from file('{LOG}', Parquet)"
    )
    conditions = [f"page = '{path.rstrip('/')}'" for path in LOG_STEPS]
    expected = expected_funnel(source, conditions, 24 * HOUR_MS)
    assert counts(asked) == expected
    assert expected[0] > expected[1] > 0


def test_an_imported_web_logs_daily_trend_equals_sql_over_the_file(web_log: Api) -> None:
    body = {
        "events": [{"name": "request", "filters": [{"property": "status", "operator": "lt", "value": 400}]}],
        "interval": "day",
        "date_from": "2015-05-16",
        "date_to": "2015-05-21",
        "include_bots": True,
    }
    expected = daily(f"""
        select count(*) filter (status < 400)
        from range(date '2015-05-16', date '2015-05-22', interval 1 day) d(day) left join '{LOG}' on ts::date = day
        group by day
        order by day
        """)
    assert ask(web_log, "trends", body)["series"][0]["values"] == expected
    assert sum(expected) > 5000


def test_the_shop_through_the_unmodified_client_makes_the_funnel_of_its_events_in_their_order(
    api: Api, server: Running, tmp_path: Path
) -> None:
    rows = duckdb.sql(f"select distinct_id, session_id, event, platform from '{SHOP}' order by ts limit 6000").fetchall()
    script = """
import json, sys, sessionvision
sessionvision.init("sv_pub_dev", ingest_host=sys.argv[1], flush_size=200)
for person, session, event, platform in json.load(sys.stdin):
    sessionvision.capture(event, user_id=person, session_id=session, properties={"platform": platform})
sessionvision.shutdown()
"""
    subprocess.run([sys.executable, "-c", script, server.url], input=json.dumps(rows), text=True, timeout=120, check=True)
    listed = api.listed()
    assert len(listed) == len(rows)
    # The client stamps events when they are captured, so the truth is ClickHouse's over the stamps that came back.
    stamped = [(item["distinct_id"], item["timestamp"], item["event"]) for item in listed]
    assert sorted((person, event) for person, _, event in stamped) == sorted((row[0], row[2]) for row in rows)
    stamps = tmp_path / "stamps.ndjson"
    stamps.write_text("".join(json.dumps({"person": row[0], "at": row[1], "event": row[2]}) + "\n" for row in stamped))
    source = (
        "select person, toUInt64(toUnixTimestamp64Milli(parseDateTime64BestEffort(at, 3, 'UTC'))) as ms, event"
        f" from file('{stamps}', JSONEachRow, 'person String, at String, event String')"
    )
    expected = expected_funnel(source, [f"event = '{name}'" for name in SHOP_STEPS], 24 * HOUR_MS)
    asked = ask(api, "funnel", {"steps": [{"event": name} for name in SHOP_STEPS], "date_from": "-1d", "conversion_window": "1d"})
    assert counts(asked) == expected
    assert expected[0] > expected[-1] > 0
