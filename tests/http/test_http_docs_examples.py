"""The examples of README.md and docs/ do what the pages say. docs/api.md has a test of its own; what no machine of ours can run is named here."""

import gzip
import itertools
import json
import os
import re
import shlex
import shutil
import sys
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import httpx
import pytest
from docs_rig import ROOT, RUN, Shell, block, pages
from http_rig import HOUR, INGEST, MINUTE, Api, body_of, event, running, story

from sv.model.limits import MAX_RETENTION_DAYS
from sv.sdk.testing import SvServer

NOON = 1_769_860_800_000
"""Where the clock of docs/ci.md stands."""
SHOWN_ELSEWHERE = {
    "docs/api.md": "tests/http/openapi/test_api_page.py",
    "docs/proxy.md": "tests/http/test_http_proxies.py",
    "docs/sample-shop.md": "tests/unit/sample/test_sample_stories.py",
    "docs/browser-client.md": "tests/browser/client, in Chromium",
    "docs/web-app.md": "building the app and running its tests is ./task ui and CI",
}
"""Pages, and what holds their blocks to account."""
NOT_RUN = {
    ("README.md", "./task serve"): ".ci/run",
    ("README.md", "curl http://127.0.0.1:8000/api/v1/projects/dev/insights/funnel"): ".ci/run",
    ("README.md", '{\n  "steps"'): ".ci/run",
    ("README.md", "./task test"): ".ci/run",
    ("README.md", "<script"): "tests/browser/client, in Chromium",
    ("README.md", "sv serve --data /var/lib/sv"): "tests/http/test_http_restart.py starts it, on a free port",
    ("docs/ci.md", "E       AssertionError"): "tests/plugin/test_pytest_plugin.py",
    ("docs/ci.md", "jobs:\n  test:\n    runs-on: ubuntu-latest\n    steps:"): "tests/http/test_http_pipelines.py",
    ("docs/ci.md", "jobs:\n  test:\n    runs-on: ubuntu-latest\n    services:"): "tests/http/test_http_containers.py",
    ("docs/ci.md", "services:"): "tests/http/test_http_containers.py",
    ("docs/ci.md", "test:\n  image: python:3.12\n  script:"): "tests/http/test_http_pipelines.py",
    ("docs/ci.md", "test:\n  image: python:3.12\n  services:"): "tests/http/test_http_containers.py",
    ("docs/ci.md", "sv dev --port 0 --json --stop-on-eof"): "the plugin starts it so: tests/plugin/test_pytest_plugin.py",
    ("docs/data-layout.md", "data/\n"): "a drawing",
    ("docs/operating.md", "install -m 755 dist/sv"): ".ci/executable-check starts the file; installing is for root",
    ("docs/recordings.md", "objects/"): "a drawing",
    ("docs/recordings.md", ".ci/install-system-packages"): ".ci/run",
}
"""Other blocks, by page and beginning, and why no test here runs them."""


@pytest.fixture(scope="module")
def still() -> Iterator[Api]:
    """With the arguments that docs/ci.md shows."""
    made: dict[str, Any] = {"pytest": SimpleNamespace(fixture=lambda **_: lambda function: function)}
    exec(block("docs/ci.md", "@pytest.fixture"), made)
    with running("dev", *made["sv_server_args"]()) as started, Api(started) as api:
        yield api


@pytest.fixture(scope="module")
def going() -> Iterator[Api]:
    """Its clock goes: clients send their own time, and an export is of what came before it."""
    with running("dev") as started, Api(started) as api:
        yield api


@pytest.fixture
def api(still: Api) -> Api:
    still.reset()
    return still


@pytest.fixture
def shell(api: Api, tmp_path: Path) -> Shell:
    """At a server without an event, whose clock stands."""
    return Shell(tmp_path, api.server.url)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder at rest that has two events in the project `dev`."""
    folder = tmp_path_factory.mktemp("kept") / "data"
    with running("dev", "--data", str(folder)) as server, Api(server) as api:
        api.send(event("view", "ann", NOON), event("purchase", "ann", NOON + MINUTE, properties={"amount": 5}))
    return folder


@pytest.fixture
def rest(kept: Path, tmp_path: Path) -> Shell:
    """Beside a copy of that folder."""
    folder = shutil.copytree(kept, tmp_path / "data")
    paths = {"/var/lib/sv": str(folder), "/mnt/backup/sv": str(tmp_path / "copy")}
    return Shell(tmp_path, paths=paths)


def test_own_events_by_python_and_by_curl_are_in_the_readmes_funnel(going: Api, tmp_path: Path) -> None:
    shell, api = Shell(tmp_path, going.server.url), going
    shell.python(block("README.md", "import sessionvision"))
    assert [each["event"] for each in api.listed()] == ["purchase"]
    api.reset()
    answer = json.loads(shell.bash(block("README.md", "curl http://127.0.0.1:8000/api/v1/ingest/events")))
    assert answer == {"status": "accepted", "accepted": 2, "rejected": 0, "errors": []}
    drawn = shell.sv(block("README.md", ".venv/bin/sv funnel")).splitlines()
    shown = block("README.md", "1  trial").splitlines()
    assert [line.rstrip() for line in drawn[:2]] == shown[:2]
    assert drawn[2].startswith(shown[2])


def test_a_file_comes_in_beside_the_readmes_server_by_the_readmes_line(going: Api, tmp_path: Path) -> None:
    going.reset()
    (tmp_path / "events.ndjson").write_text(json.dumps(event("view", "ann", NOON)) + "\n")
    (line,) = re.findall(r"`(sv import [^`]+)`", (ROOT / "README.md").read_text())
    Shell(tmp_path, going.server.url).sv(line, SV_URL="", SV_API_TOKEN="")
    assert [each["event"] for each in going.listed()] == ["view"]


def on_path(folder: Path) -> str:
    """A PATH on which `sv` is this one."""
    made = folder / "bin"
    made.mkdir()
    (made / "sv").write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m sv "$@"\n')
    (made / "sv").chmod(0o755)
    return f"{made}:{os.environ['PATH']}"


def test_the_terminals_commands_draw_what_the_page_shows(shell: Shell, api: Api) -> None:
    start = NOON - HOUR
    api.send(*story("ann: view@0m, cart@2m, buy@10m; bob: view@0m, cart@4m; cat: view@0m; dan: view@0m", start))
    drawn = shell.sv(block("docs/terminal.md", "sv funnel")).splitlines()
    shown = block("docs/terminal.md", "1  view").splitlines()
    assert [line.rstrip() for line in drawn[:3]] == shown[:3]
    assert drawn[3].rpartition(",")[0] == shown[3].rpartition(",")[0]
    bought = {"$current_url": "https://shop.example/checkout", "amount": 99.9, "plan": "pro"}
    api.send(
        event("purchase", "ann", NOON, properties=bought, userId="ann"),
        event("purchase", "eve", NOON - 1, properties={"amount": 120}),
    )
    every, bought_for_more, waiting = block("docs/terminal.md", "sv tail").splitlines()
    tails = [shell.sv(line.partition("  #")[0] + " --no-follow --lines 1") for line in (every, bought_for_more)]
    assert tails == [block("docs/terminal.md", "2026-01-31 12:00:00") + "\n", "2026-01-31 11:59:59  purchase  eve  amount=120\n"]
    assert {json.loads(line)["event"] for line in awaited(shell, api, waiting).splitlines()} == {"sign_up"}
    weeks, money, browsers = shell.each_sv(block("docs/terminal.md", "sv trends"))
    assert weeks and "219.9" in money and browsers
    counts, plans = shell.each_sv(block("docs/terminal.md", "sv sql"))
    assert "view" in counts
    assert plans.splitlines()[0] == "plan,n"
    assert set(plans.splitlines()[1:]) == {"pro,1"} | {line for line in plans.splitlines() if line.startswith(",")}


def awaited(shell: Shell, api: Api, line: str) -> str:
    """What a command prints that waits for a `sign_up`: they are sent until it has seen one."""
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(shell.sv, f"{line.partition('  #')[0]} --every 0.05")
        moments = itertools.count(NOON - HOUR, MINUTE)
        while not wait([waiting], 0.1).done:
            api.send(event("sign_up", "eve", next(moments)))
        return waiting.result()


def test_the_gates_commands_make_a_plan_and_tell_the_departures_that_the_page_shows(shell: Shell, api: Api) -> None:
    api.send(event("purchase", "ann", NOON, properties={"amount": 1}))
    write, check = block("docs/ci.md", "sv check-events").splitlines()
    shell.sv(write)
    assert "amount" in (shell.folder / "events.yml").read_text()
    shell.sv(check)
    (shell.folder / "events.yml").write_text(block("docs/ci.md", "events:"))
    api.reset()
    api.send(
        event("purchase", "bob", NOON),
        event("purchase", "ann", NOON + 1, properties={"amount": "9"}),
        event("purchase", "ann", NOON + 3, properties={"amount": 9}),
        event("sign_upp", "ann", NOON + 2),
    )
    assert shell.sv(check, expected=1) == block("docs/ci.md", "purchase\n") + "\n"


class Shop:
    """What is tested in the plugin's example: a shop that tells a server what happens in it."""

    def __init__(self, analytics: str, token: str) -> None:
        self.url, self.token = analytics, token

    def buy(self, who: str, **properties: Any) -> None:
        events = [{"event": name, "userId": who, "properties": properties} for name in ("view", "cart", "purchase")]
        assert httpx.post(f"{self.url}{INGEST}", json=body_of(events, self.token), trust_env=False).status_code == 202


def test_the_plugins_example_passes(api: Api) -> None:
    """The fixture is what the plugin hands out, at a server that began with the arguments of the page's other example."""
    made: dict[str, Any] = {"Shop": Shop}
    exec(block("docs/ci.md", "def test_checkout"), made)
    made["test_checkout"](SvServer(api.server.url))
    assert [each["event"] for each in api.listed()] == ["purchase", "cart", "view"]


def test_a_person_is_exported_and_erased_and_retention_set_by_the_privacy_pages_lines(shell: Shell, api: Api) -> None:
    api.send(event("view", "ann", NOON))
    who = {"TOKEN": "sv_dev", "PROJECT": "dev", "DISTINCT_ID": "ann"}
    shell.bash(block("docs/privacy.md", 'curl -H "Authorization'), **who)
    assert len((shell.folder / "person.ndjson").read_text().splitlines()) >= 2
    job = json.loads(shell.bash(block("docs/privacy.md", "curl -X POST"), **who))
    assert {"id", "kind", "status"} <= job.keys()
    project = json.loads(shell.bash(block("docs/privacy.md", "curl -X PATCH"), **who))
    assert (project["settings"]["event_retention_days"], project["settings"]["recording_retention_days"]) == (400, 90)
    assert f"(1 to {MAX_RETENTION_DAYS:,})" in (ROOT / "docs" / "privacy.md").read_text()
    made = api.http.post("/api/v1/projects", json={"name": "gone"}).json()["id"]
    assert shell.bash(block("docs/privacy.md", "curl -X DELETE"), TOKEN="sv_dev", PROJECT=made) == ""
    assert api.http.get(f"/api/v1/projects/{made}").status_code == 404


def test_a_chunk_is_uploaded_and_told_by_the_recordings_pages_lines(shell: Shell, api: Api) -> None:
    api.send(event("view", "ann", NOON, sessionId="s-2"))
    answer = json.loads(shell.bash(block("docs/recordings.md", "session=")).splitlines()[-1])
    assert [(each["index"], each["size"]) for each in answer["chunks"]] == [(0, 53)]


def test_clicked_elements_of_the_smart_events_page_are_taken_in(api: Api) -> None:
    sent: dict[str, Any] = json.loads(block("docs/smart-events.md", '{\n  "event": "$click"'))
    assert api.http.post("/api/v1/ingest/events", json=body_of([{**sent, "userId": "ann"}])).json()["accepted"] == 1
    assert api.listed()[0]["properties"].items() >= sent["properties"].items()


def test_the_configuration_pages_file_is_in_force(tmp_path: Path) -> None:
    (tmp_path / "sv.toml").write_text(block("docs/configuration.md", "# sv.toml"))
    told = json.loads(Shell(tmp_path).sv("sv config --config sv.toml --json"))
    assert {name: told[name]["value"] for name in ("port", "flush_seconds", "memory_limit")} == {
        "port": "9000",
        "flush_seconds": "5",
        "memory_limit": str(2 << 30),
    }


def test_files_come_in_and_go_out_by_the_lines_of_the_import_and_export_page(rest: Shell, going: Api, tmp_path: Path) -> None:
    going.reset()
    shell = Shell(tmp_path, going.server.url)
    lines = "".join(json.dumps(event("view", f"p{n}", NOON + n)) + "\n" for n in range(3))
    (tmp_path / "events.ndjson").write_text(lines)
    (tmp_path / "events.ndjson.gz").write_bytes(gzip.compress(lines.replace("view", "zipped").encode()))
    (tmp_path / "access.csv").write_text("ts,visitor,event\n2026-01-30 10:00:00,v1,$pageview\n")
    (tmp_path / "export.json").write_text('{"event": "seen", "properties": {"time": 1769770000, "distinct_id": "m1"}}\n')
    hour = {"event_type": "paid", "event_time": "2026-01-30 10:01:00.000000", "user_id": "u1", "device_id": "d1", "uuid": None}
    hour |= {"session_id": -1, "amplitude_id": 9, "platform": "Web", "event_properties": {}, "user_properties": {}}
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as zipped:
        zipped.writestr("123/123_2026-01-30_10#0.json.gz", gzip.compress(json.dumps(hour).encode()))
    rest.sv("sv export --project dev --output more.parquet")

    dry, real, mapped = block("docs/import-export.md", "sv import events.ndjson.gz").splitlines()
    for line in (dry, real, mapped, *block("docs/import-export.md", "sv import export.zip").splitlines()):
        rest.sv(line)
    shell.bash(
        block("docs/import-export.md", "sv import events.ndjson --project dev --url"), PATH=on_path(tmp_path), TOKEN="sv_dev"
    )
    assert len(going.listed()) == 3
    (tmp_path / "events.ndjson.gz").unlink()
    *local, from_server = block("docs/import-export.md", "sv export").splitlines()
    printed = [rest.sv(line) for line in local]
    shell.sv(from_server)
    counts = duckdb.sql(f"select event, count(*) from '{tmp_path}/2026.parquet' group by 1").fetchall()
    assert dict(counts) == {"view": 2, "purchase": 2, "zipped": 3, "$pageview": 1, "seen": 1}
    assert [json.loads(line)["event"] for line in printed[3].splitlines()] == ["purchase"] * 2
    assert len((tmp_path / "events.csv").read_text().splitlines()) == 4


def test_the_operating_pages_lines_back_up_restore_and_look_over(rest: Shell) -> None:
    backup, restore = block("docs/operating.md", "sv backup").splitlines()
    rest.sv(backup)
    rest.sv(restore)
    *_, cron = block("docs/operating.md", "15 3 * * *").split(None, 6)
    rest.sv(cron)
    for line in block("docs/operating.md", "sv check").splitlines():
        rest.sv(line)
    assert rest.sv("sv export --project dev --data data-2 --output -").count("\n") == 2


def test_other_programs_read_the_folder_by_the_recipes(rest: Shell) -> None:
    rest.sv("sv compact")
    (sql,) = block("docs/data-layout.md", "duckdb -c").removeprefix('duckdb -c "').splitlines()
    read = sql.removesuffix('"').replace("'data/", f"'{rest.folder}/data/")
    assert sorted(duckdb.sql(read).fetchall()) == [("purchase", 1), ("view", 1)]
    assert "purchase" in rest.python(block("docs/data-layout.md", "import polars"))
    assert rest.python(block("docs/data-layout.md", "import pandas") + "\nprint(len(events))") == "2\n"


def test_every_block_is_run_here_or_somewhere_that_is_named() -> None:
    """The last of this file: the others say what they run when they run."""
    named = {(page, text) for page, begins in NOT_RUN for text in pages()[page] if text.startswith(begins)}
    assert len(named) == len(NOT_RUN)
    every = {(page, text) for page, blocks in pages().items() if page not in SHOWN_ELSEWHERE for text in blocks}
    assert not named & RUN
    assert every - named - RUN == set()
