"""`sv check-events` against a running server and against a folder at rest: what departs from the plan is told, and fails."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from http_rig import Api, event, running

from tests import forked


def sv(*words: str, token: str = "sv_dev") -> "subprocess.CompletedProcess[str]":
    return forked.run([sys.executable, "-m", "sv", "check-events", *words], env={"SV_API_TOKEN": token, "PATH": ""}, text=True)


def at(api: Api) -> tuple[str, ...]:
    """Other tests' projects are on the server, too."""
    return ("--url", api.server.url, "--project", "dev")


def buys(*amounts: Any) -> list[dict[str, Any]]:
    return [event("buy", properties={"amount": amount}, timestamp=1_750_000_000_000 + n) for n, amount in enumerate(amounts)]


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "events.yml"
    path.write_text("events:\n  buy:\n    properties:\n      amount: {type: number, required: true}\n")
    return path


def test_a_plan_made_of_what_arrived_is_kept_to_until_something_else_arrives(api: Api, tmp_path: Path) -> None:
    path = str(tmp_path / "events.yml")
    api.send(*buys(1, 2.5))
    made = sv("--write", *at(api), "--schema", path)
    assert (made.returncode, made.stderr) == (0, "")
    assert "amount:\n        type: number\n        required: true" in Path(path).read_text()
    assert "is there already" in sv("--write", *at(api), "--schema", path).stderr
    assert sv(*at(api), "--schema", path).stdout == f"as planned: 2 events held against {path}\n"
    api.send(event("buy", "bob", properties={}), event("sign\x1b[31mup"))
    assert json.loads(sv("--write", "--force", "--json", *at(api), "--schema", path).stdout)["events"] == [
        "buy",
        "sign\x1b[31mup",
    ]
    assert sv(*at(api), "--schema", path).returncode == 0


def test_departures_are_told_by_name_without_colours_in_a_pipe_and_fail(api: Api, plan: Path) -> None:
    api.send(*buys(1, "9"), event("buy", "bob"), event("sign\x1b[31mup"))
    done = sv(*at(api), "--schema", str(plan))
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "buy",
        "  ~ amount  expected number, got string: 1 of 3 events, such as ann at 2025-06-15T15:06:40.001Z",
        "  - amount  is required (number) and missing: 1 of 3 events, such as bob at 2025-06-15T12:00:00.000Z",
        "+ sign\\x1b[31mup  is not planned: 1 event, such as ann at 2025-06-15T12:00:00.000Z",
        f"3 departures from {plan} in 4 events",
    ]
    told = json.loads(sv("--json", *at(api), "--schema", str(plan)).stdout)
    assert (told["events"], told["has_more"]) == (4, False)
    assert [(each["wrong"], each["property"], each["count"]) for each in told["departures"]] == [
        ("changed type", "amount", 1),
        ("missing property", "amount", 1),
        ("unknown event", None, 1),
    ]


def test_strict_and_complete_runs_find_more(api: Api, plan: Path) -> None:
    plan.write_text(plan.read_text() + "  view: {}\n")
    api.send(event("buy", properties={"amount": 1, "colour": "red"}))
    arguments = ("--json", *at(api), "--schema", str(plan))
    assert sv(*arguments).returncode == 0
    found = json.loads(sv(*arguments, "--strict", "--complete").stdout)["departures"]
    assert [(each["wrong"], each["event"], each["property"]) for each in found] == [
        ("unexpected property", "buy", "colour"),
        ("event that never came", "view", None),
    ]


def test_a_check_of_nothing_fails_and_says_so(api: Api, plan: Path) -> None:
    done = sv(*at(api), "--schema", str(plan))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "sv: no event arrived, so nothing was checked\n"
    api.send(*buys(1))
    assert "no event arrived" in sv(*at(api), "--schema", str(plan), "--date-from", "2026-01-01").stderr


def test_a_folder_is_checked_by_its_server_and_at_rest(tmp_path: Path, plan: Path) -> None:
    folder = str(tmp_path / "data")
    with running("dev", "--data", folder) as server, Api(server) as api:
        api.send(*buys(1, 2))
        served = sv("--data", folder, "--schema", str(plan))
    assert served.stdout == f"as planned: 2 events held against {plan}\n", served.stderr
    rested = sv("--data", folder, "--schema", str(plan), token="")
    assert (rested.returncode, rested.stdout) == (0, served.stdout), rested.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--url", "http://127.0.0.1:9"], 1, "no answer from http://127.0.0.1:9"),
        (["--url", "ftp://x"], 2, "expected an address"),
        (["--data", "/nowhere"], 1, "/nowhere"),
        (["--schema", "/nowhere.yml"], 2, "/nowhere.yml is not there"),
    ],
)
def test_what_can_t_be_checked_fails_with_one_line(plan: Path, arguments: list[str], code: int, told: str) -> None:
    done = sv("--schema", str(plan), *arguments)
    assert done.returncode == code
    assert done.stderr.startswith("sv: ") and told in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
