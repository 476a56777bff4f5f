"""Which server a command asks: a flag wins over a variable, and what was wrong is told by where it was given."""

import json
import socket
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from http_rig import Api, Running, event, running

from sv.meta.lock import LOCK_NAME
from sv.model.errors import InvalidParameter
from sv.remote.addresses import check_address, make_opener
from sv.server import Server
from sv.settings import Settings
from tests import forked

NOBODY = "http://127.0.0.1:1"
COMMANDS = {
    "tail": ["tail", "--no-follow"],
    "funnel": ["funnel", "view > buy", "--date-from", "2025-06-01"],
    "trends": ["trends", "view", "--date-from", "2025-06-01"],
    "rejections": ["rejections"],
    "sql": ["sql", "select event from events"],
    "check-events": ["check-events", "--schema", "{plan}"],
    "export": ["export", "--output", "-"],
}
FOLDER_AT_REST = ("sql", "check-events", "export")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kept") / "data"


@pytest.fixture(scope="module")
def plan(folder: Path) -> Path:
    path = folder.parent / "events.yml"
    path.write_text("events: {view: {}}\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def kept(folder: Path) -> Iterator[Running]:
    """A server on that folder, with one event."""
    with running("dev", "--data", str(folder)) as server:
        with Api(server) as api:
            api.send(event())
        yield server


def sv(plan: Path, command: str, *flags: str, url: str = NOBODY, **variables: str) -> Any:
    words = [word.format(plan=plan) for word in COMMANDS[command]]
    environment = {"PATH": "", "SV_URL": url, "SV_API_TOKEN": "sv_dev", **variables}
    return forked.run([sys.executable, "-m", "sv", *words, "--project", "dev", *flags], env=environment, text=True)


@pytest.mark.parametrize("command", [command for command in COMMANDS if command != "export"])  # which reads it at rest alone
def test_a_folder_that_a_flag_names_wins_over_the_variable(kept: Running, folder: Path, plan: Path, command: str) -> None:
    done = sv(plan, command, "--data", str(folder))
    assert (done.returncode, done.stderr) == (0, "")
    named = sv(plan, command, "--data", str(folder), "--url", NOBODY)
    assert named.returncode == 1
    assert f"no answer from {NOBODY}" in named.stderr
    elsewhere = sv(plan, command)
    assert (elsewhere.returncode, elsewhere.stdout) == (1, "")
    assert f"no answer from {NOBODY}" in elsewhere.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_a_variable_that_is_no_address_is_named(plan: Path, command: str) -> None:
    done = sv(plan, command, url="analytics.example.com")
    assert (done.returncode, done.stdout) == (2, "")
    told = "expected an address such as https://analytics.example.com, got 'analytics.example.com'"
    assert done.stderr == f"sv: {told} (SV_URL)\n"
    assert sv(plan, command, "--url", "analytics.example.com").stderr == f"sv: {told} (--url)\n"


@pytest.mark.parametrize(
    "url",
    [
        "http://[::",
        "http://[zz]:1",
        "http://x:abc",
        "http://x:99999",
        "http://x/é",
        "http://..",
        "http://a b",
        "http://x?",
        "http://x\n",
    ],
)
def test_what_can_be_no_address_is_named_and_not_asked(url: str) -> None:
    with pytest.raises(InvalidParameter, match=r"expected an address such as .* \(SV_URL\)"):
        check_address(url, "SV_URL")


def test_an_address_may_be_of_any_kind() -> None:
    for url in (
        "http://127.0.0.1:8000",
        "http://[::1]:8000",
        "https://läden.example/sv/",
        "http://sv_1",
        "https://a.example:443",
    ):
        check_address(url)


def test_a_server_that_was_killed_is_none(tmp_path: Path, plan: Path) -> None:
    """SCAR: whoever asked was sent to make a token for it."""
    held = {"pid": 1, "host": socket.gethostname(), "started_at": "2026-01-31T12:00:00Z", "url": "http://127.0.0.1:9"}
    (tmp_path / LOCK_NAME).write_text(json.dumps(held))
    done = sv(plan, "tail", "--data", str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"sv: no server runs on {tmp_path}; name one (--url), or another folder (--data)\n"


@pytest.mark.parametrize("command", [command for command in COMMANDS if command not in FOLDER_AT_REST])
def test_a_folder_on_which_no_server_runs_is_told_whatever_the_variable_says(tmp_path: Path, plan: Path, command: str) -> None:
    done = sv(plan, command, "--data", str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"sv: no server runs on {tmp_path}; name one (--url), or another folder (--data)\n"


@pytest.mark.parametrize("command", FOLDER_AT_REST)
def test_a_folder_that_another_command_has_is_told_to_be_in_use(tmp_path: Path, plan: Path, command: str) -> None:
    server = Server(Settings(data=tmp_path))
    server.open()
    try:
        done = sv(plan, command, "--data", str(tmp_path))
    finally:
        server.close()
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"sv: {tmp_path} is in use by process ")


@pytest.mark.parametrize("command", FOLDER_AT_REST)
def test_a_folder_at_rest_is_read_whatever_the_variable_says(tmp_path: Path, plan: Path, command: str) -> None:
    with running("dev", "--data", str(tmp_path / "data")) as server, Api(server) as api:
        api.send(event())
    done = sv(plan, command, "--data", str(tmp_path / "data"))
    assert done.returncode == 0, done.stderr
    assert "view" in done.stdout or "as planned: 1 event" in done.stdout


def test_a_proxy_is_asked_for_servers_elsewhere_alone(kept: Running, plan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = sv(plan, "rejections", url=kept.url, http_proxy=NOBODY)
    assert (done.returncode, done.stderr) == (0, "")
    monkeypatch.setenv("http_proxy", NOBODY)
    for url, is_proxied in (("http://localhost:8000", False), ("http://[::1]:8000", False), ("http://192.0.2.7/stats", True)):
        handlers: list[Any] = make_opener(url).handlers  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownVariableType]
        assert any(isinstance(each, urllib.request.ProxyHandler) for each in handlers) == is_proxied, url


@pytest.mark.parametrize("path", ["/api/v1", "/api/v1/", "/api/v1/ingest/events"])
def test_the_address_of_the_api_is_no_server_s(path: str) -> None:
    with pytest.raises(InvalidParameter, match=r"expected the server's own address, https://example.com/stats, got .* \(--url\)"):
        check_address(f"https://example.com/stats{path}")


def test_a_server_without_tls_that_is_asked_by_https_is_told_by_its_address(kept: Running, plan: Path) -> None:
    url = kept.url.replace("http:", "https:")
    done = sv(plan, "funnel", "--url", url, "--api-token", "sv_dev")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"sv: {url}: what answers there speaks no TLS; is it {kept.url}? (--url or SV_URL)\n"
