"""`--json` of every command: what programs read is JSON and nothing else, beside a running server and on a folder at rest."""

import json
import sys
import time
from pathlib import Path
from typing import Any

from http_rig import INGEST, Api, Running, body_of, event

from sv.cli import COMMANDS, make_parsers
from sv.cli.completion import offers_of
from tests import forked

Words = tuple[str, ...]

LINES = {("tail",)}
"""These answer with an object a line."""

NO_JSON = {("completion",), ("person", "export")}
"""A script for a shell, and one that is JSON anyhow."""


def leaves() -> set[Words]:
    return {offer.words for offer in offers_of(COMMANDS, make_parsers()) if offer.words and not offer.commands}


class Runner:
    """Runs commands on one folder; what it ran is in `ran`."""

    def __init__(self, folder: Path, work: Path) -> None:
        self.folder, self.work = folder, work
        self.ran: set[Words] = set()

    def __call__(self, command: str, *rest: str, stdin: str | None = None, status: int = 0) -> Any:
        words = tuple(command.split())
        self.ran.add(words)
        where = ("--data", str(self.folder)) if words != ("restore",) else ()
        asked = [sys.executable, "-m", "sv", *words, *rest, "--json", *where]
        done = forked.run(asked, cwd=self.work, stdin=stdin, text=True)
        assert done.returncode == status, (words, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        if words in LINES:
            return [json.loads(line) for line in done.stdout.splitlines()]
        return json.loads(done.stdout)


def beside_the_server(sv: Runner, api: Api, token: str) -> None:
    assert sv("project list")[0]["id"] == api.project
    other = sv("project create", "Other shop")[0]["id"]
    assert sv("project rename", other, "Another shop")
    assert sv("project settings", other)
    rotated = sv("project rotate-token", other)
    assert rotated and sv("project rotate", other)
    assert sv("project delete", other, "--yes")
    made = sv("token create", "pipeline", "--scope", "read")[0]
    assert made["token"].startswith("sv_")
    assert made["id"] in [each["id"] for each in sv("token list")]
    assert sv("token revoke", made["id"])
    assert sv("user create", "bob@example.com")[0]["email"] == "bob@example.com"
    assert sv("user role", "bob@example.com", api.project, "editor")
    assert sv("user password", "bob@example.com")
    assert sv("user list")
    assert sv("user delete", "bob@example.com")
    asked = ("--url", api.server.url, "--api-token", token)
    assert [each["event"] for each in sv("tail", "--no-follow", *asked)] == ["view", "buy"]
    assert [step["count"] for step in sv("funnel", "view > buy", *asked)["steps"]] == [1, 1]
    assert [series["total"] for series in sv("trends", "buy", *asked)["series"]] == [1]
    assert sv("sql", "select count(*) as n from events", *asked)
    assert sv("rejections", *asked)
    assert sv("check-events", "--write", *asked)
    assert sv("check-events", *asked)
    (sv.work / "more.ndjson").write_text(json.dumps({"event": "late", "userId": "cy", "timestamp": 1_750_000_000_000}) + "\n")
    assert sv("import", "more.ndjson", "--project", api.project, *asked)["taken"] == 1
    assert sv("export", "--project", api.project, "--output", "all.ndjson", *asked)
    assert sv("backup", str(sv.work / "copy"))


def at_rest(sv: Runner, project: str) -> None:
    assert sv("config")
    assert sv("person erase", "cy", "--project", project)
    assert sv("compact") is not None
    assert sv("check") is not None
    assert sv("restore", str(sv.work / "copy"), "--data", str(sv.work / "again"))


def test_every_command_answers_in_json_where_it_is_asked_to(tmp_path: Path) -> None:
    sv = Runner(tmp_path / "data", tmp_path)
    server = Running("serve", "--data", str(sv.folder), "--json")
    try:
        token, project = server.ready["project_token"], server.ready["project_id"]
        with Api(server, project, server.ready["api_token"], token) as api:
            now = int(time.time() * 1000)
            sent = [event(name, "ann", timestamp=now + place) for place, name in enumerate(("view", "buy"))]
            assert api.http.post(INGEST, json=body_of(sent, token)).status_code == 202
            beside_the_server(sv, api, server.ready["api_token"])
    finally:
        server.stop()
    at_rest(sv, project)
    servers: set[Words] = {("serve",), ("dev",)}  # whose line the rig reads
    assert sv.ran | servers | NO_JSON == leaves()
