"""The routes about the server itself: health, metrics, its own description, and the reset that only `sv dev` has."""

import importlib.util
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from bad_input import error_of
from heavy_rig import eventually
from http_rig import INGEST, Api, body_of, event, running

ROUTES = {
    "/api/v1/ingest/events": {"post"},
    "/api/v1/projects/{project_id}/events": {"get"},
    "/api/v1/projects/{project_id}/events/{event_id}": {"get"},
    "/api/v1/projects/{project_id}/insights/trends": {"post"},
    "/api/v1/projects/{project_id}/insights/funnel": {"post"},
    "/api/v1/projects/{project_id}/insights/funnel/persons": {"post"},
    "/healthz": {"get"},
    "/metrics": {"get"},
    "/api/v1/dev/reset": {"post"},
}


def test_the_server_describes_every_route_as_openapi(api: Api) -> None:
    answer = api.http.get("/schema", headers={"Authorization": ""})
    assert answer.status_code == 200
    assert "json" in answer.headers["content-type"]
    document = answer.json()
    assert document["openapi"].startswith("3.")
    for path, methods in ROUTES.items():
        assert methods <= document["paths"][path].keys(), path
    ingest = document["paths"]["/api/v1/ingest/events"]["post"]
    assert {"202", "400", "401", "413", "415", "422", "503"} <= ingest["responses"].keys()
    assert "429" not in ingest["responses"]


def test_health_is_for_everybody(api: Api) -> None:
    answer = api.http.get("/healthz", headers={"Authorization": ""})
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert api.http.head("/healthz").status_code == 200
    assert api.http.get("/healthz?probe=1").status_code == 200


def test_metrics_speak_prometheus_and_count(api: Api) -> None:
    answer = api.http.get("/metrics", headers={"Authorization": ""})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    for line in answer.text.splitlines():
        assert re.fullmatch(r'# (HELP|TYPE) sv_\w+ .+|sv_\w+(\{\w+="\w+"(,\w+="[^"]+")?\})? -?[0-9.e+]+', line), line
    before = api.metric("sv_events_accepted_total")
    api.send(event(), event("b"))
    assert api.metric("sv_events_accepted_total") == before + 2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Forwarded-For", "203.0.113.7"),
        ("Forwarded", "for=203.0.113.7"),
        ("X-Real-IP", "203.0.113.7"),
        ("Via", "1.1 stats.example"),
        ("X-Forwarded-Host", "stats.example"),
        ("X-Forwarded-Proto", "https"),
    ],
)
def test_metrics_behind_a_proxy_are_not_for_everybody(api: Api, name: str, value: str) -> None:
    assert api.http.get("/metrics", headers={"Authorization": ""}).status_code == 200
    error_of(api.http.get("/metrics", headers={name: value, "Authorization": ""}), 401)
    assert api.http.get("/metrics", headers={name: value}).status_code == 200


def test_a_reset_forgets_events_and_nothing_else(api: Api) -> None:
    api.send(event())
    api.reset()
    assert api.listed() == []
    assert api.trends(events=[{"name": "view"}], date_from="2025-06-15", date_to="2025-06-15")["series"][0]["total"] == 0
    api.send(event())
    assert len(api.listed()) == 1


def test_a_reset_with_a_parameter_empties_nothing(api: Api) -> None:
    api.send(event())
    error_of(api.http.post("/api/v1/dev/reset?keep=events"), 400)
    assert len(api.listed()) == 1


def test_every_answer_carries_headers_that_keep_browsers_from_guessing(api: Api) -> None:
    for path in ("/healthz", "/schema", "/nothing", api.path("events"), "/api/v1/ingest/events"):
        headers = api.http.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "server" not in headers


def test_only_a_server_for_development_can_be_reset(tmp_path: Path) -> None:
    with running("serve", "--data", str(tmp_path / "data")) as server:
        made = server.ready
        with Api(server, made["project_id"], made["api_token"], made["project_token"]) as api:
            api.send(event())
            error_of(api.http.post("/api/v1/dev/reset"), 404)
            assert "/api/v1/dev/reset" not in api.http.get("/schema").json()["paths"]
            error_of(api.http.get("/api/v1/projects/dev/events"), 404)
            error_of(api.http.get(api.path("events"), headers={"Authorization": "Bearer sv_dev"}), 401)
            error_of(api.http.post("/api/v1/ingest/events", json=body_of([event()])), 401)
            assert len(api.listed()) == 1
            assert api.failures == []


@contextmanager
def new_process(folder: Path) -> Iterator[tuple[int, str]]:
    """(process number, address) of an `sv dev` of this folder that is no copy of a process which has everything imported already."""
    words = [sys.executable, "-m", "sv", "dev", "--json", "--port", "0", "--data", str(folder), "--flush-seconds", "0.1"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        assert server.stdout is not None
        try:
            yield server.pid, json.loads(server.stdout.readline())["url"]
        finally:
            server.terminate()
    assert server.returncode == 0


def mapped_by(pid: int) -> str:
    """The files that are mapped into a process, of which its extension modules are some."""
    return Path(f"/proc/{pid}/maps").read_text()


def test_a_dataframe_library_that_is_there_is_not_imported(tmp_path: Path) -> None:
    assert importlib.util.find_spec("pandas"), "the development environment has it, by way of the reference engine"
    with new_process(tmp_path / "data") as (pid, url):
        assert httpx.post(f"{url}{INGEST}", json=body_of([event()])).status_code == 202
        files = tmp_path / "data" / "events"
        eventually(lambda: any(files.rglob("*.parquet")))
        asked = {"events": [{"name": "view"}], "date_from": "2025-06-15", "date_to": "2025-06-15"}
        answer = httpx.post(f"{url}/api/v1/projects/dev/insights/trends", json=asked, headers={"Authorization": "Bearer sv_dev"})
        assert answer.json()["series"][0]["total"] == 1
        mapped = mapped_by(pid)
    assert "pyarrow" in mapped
    assert "pandas" not in mapped


def test_a_server_that_has_events_gets_ready_for_questions_before_the_first_one(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with new_process(folder) as (pid, url):
        time.sleep(0.5)
        assert "duckdb" not in mapped_by(pid)  # there is nothing to ask about
        assert httpx.post(f"{url}{INGEST}", json=body_of([event()])).status_code == 202
    for _ in range(2):  # ended while it gets ready, it ends as any other
        with new_process(folder):
            pass
    with new_process(folder) as (pid, url):
        eventually(lambda: all(name in mapped_by(pid) for name in ("duckdb", "pyarrow", "numpy")))
        listed = httpx.get(f"{url}/api/v1/projects/dev/events", headers={"Authorization": "Bearer sv_dev"}).json()
        assert len(listed["data"]) == 1
