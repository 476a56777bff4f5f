"""Exports of events over HTTP and by the command line of a running server: whole, of one project, and taken in again by an import."""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from http_rig import DAY, NOON, Api, event, iso


def some(count: int) -> list[dict[str, Any]]:
    return [
        event("view" if n % 3 else "buy", f"a{n % 7}", NOON + n * DAY // 4, properties={"n": n, "deep": [{"é": None}]})
        for n in range(count)
    ]


def exported(api: Api, **query: str) -> list[dict[str, Any]]:
    answer = api.http.get(api.path("events/export"), params=query)
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


def sv(*words: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SV_")}
    return subprocess.run(
        [sys.executable, "-m", "sv", *words], env=kept | {"SV_API_TOKEN": "sv_dev"}, capture_output=True, text=True, timeout=60
    )


def shown(api: Api) -> list[dict[str, Any]]:
    """What lists show, without what a server gives an event by itself."""
    own = ("id", "received_at", "session_id")
    return [{name: value for name, value in found.items() if name not in own} for found in api.listed()]


def test_an_export_has_every_event_of_the_range_once_oldest_first(api: Api) -> None:
    api.send(*some(40))
    found = exported(api)
    assert [row["properties"]["n"] for row in found] == list(range(40))
    assert found[0]["timestamp"] == iso(NOON)
    assert [row["properties"]["n"] for row in exported(api, date_from="2025-06-16", date_to="2025-06-16")] == [2, 3, 4, 5]
    assert [row["properties"]["n"] for row in exported(api, event="buy", filters=FILTERS)] == [36, 39]


FILTERS = json.dumps([{"property": "n", "operator": "gte", "value": 35}])


def test_each_format_is_answered_as_its_media_type(api: Api) -> None:
    api.send(*some(3))
    text = api.http.get(api.path("events/export"), params={"format": "csv"})
    assert text.headers["content-type"].startswith("text/csv")
    assert [row["event"] for row in csv.DictReader(io.StringIO(text.text))] == ["buy", "view", "view"]
    table = api.http.get(api.path("events/export"), params={"format": "parquet"})
    assert table.headers["content-type"] == "application/vnd.apache.parquet"
    assert (table.content[:4], table.content[-4:]) == (b"PAR1", b"PAR1")


def test_a_plan_counts_the_events_that_its_pieces_give(api: Api) -> None:
    api.send(*some(10))
    plan = api.http.get(api.path("events/export/plan")).json()
    assert plan["events"] == 10
    (piece,) = plan["pieces"]
    api.send(event("late"))
    asked = {"date_from": piece["date_from"], "date_to": piece["date_to"]}
    assert len(exported(api, **asked)) == 11
    assert len(exported(api, **asked, received_before="2000-01-01T00:00Z")) == 0


def test_what_is_asked_wrongly_is_named(api: Api) -> None:
    for query, named in (
        ({"format": "xml"}, "format"),
        ({"limit": "5"}, "limit"),
        ({"received_before": "soon"}, "received_before"),
        ({"filters": '[{"property": "a", "operator": "regex", "value": "("}]'}, "filters[0]"),
    ):
        answer = api.http.get(api.path("events/export"), params=query)
        assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_PARAMETER")
        assert named in answer.json()["error"]


def test_an_export_that_was_abandoned_gives_its_place_back(api: Api) -> None:
    api.send(*some(40))
    for _ in range(5):
        with api.http.stream("GET", api.path("events/export")) as answer:
            assert answer.status_code == 200
    assert len(exported(api)) == 40


def test_what_was_exported_from_a_server_and_imported_again_is_equal(api: Api, tmp_path: Path) -> None:
    api.send(*some(30), User_Agent="Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
    before = shown(api)
    path = tmp_path / "events.csv.gz"
    done = sv("export", "--project", "dev", "--url", api.server.url, "--output", str(path))
    assert done.returncode == 0, done.stderr
    api.reset()
    done = sv("import", str(path), "--project", "dev", "--url", api.server.url)
    assert done.returncode == 0, done.stderr
    assert shown(api) == before
