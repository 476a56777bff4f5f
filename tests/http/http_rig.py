"""A server in a process of its own, and a client that speaks to it as anybody would: nothing of the product is imported here."""

import gzip
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import httpx

from tests.forked import Forked

START_S = 60.0
STOP_S = 30.0
PATIENCE_S = 120.0  # with an answer; what spills takes seconds of the processor, and gives way to all else
INGEST = "/api/v1/ingest/events"
NOON = 1_749_988_800_000  # 2025-06-15T12:00:00.000Z, a Sunday
SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
UNITS = {"s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY}


def iso(ms: float) -> str:
    """Unix milliseconds as the API writes times."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def event(name: str = "view", person: str = "ann", at: float = NOON, /, **fields: Any) -> dict[str, Any]:
    """An event as the wire has it; a field given as `...` is left out."""
    whole = {"event": name, "anonymousId": person, "timestamp": at, **fields}
    return {key: value for key, value in whole.items() if value is not ...}


def story(text: str, start: int = NOON, /, **fields: Any) -> list[dict[str, Any]]:
    """`"ann: view@0m, buy@12m; bob: view@3m"` as events."""
    told: list[dict[str, Any]] = []
    for part in filter(None, (part.strip() for part in text.split(";"))):
        person, _, acts = part.partition(":")
        for act in acts.split(","):
            name, _, offset = act.strip().partition("@")
            told.append(event(name, person.strip(), start + round(float(offset[:-1]) * UNITS[offset[-1]]), **fields))
    return told


def body_of(events: list[Any], token: Any = "sv_pub_dev", **more: Any) -> dict[str, Any]:
    return {"projectToken": token, "events": events, **more}


class Running:
    """`sv dev` in a child process, or what `code` makes of it. `ready` is what it says of itself, `told` the text of that where it is for people; the log's lines that no test may cause are its faults."""

    def __init__(self, *arguments: str, environment: Mapping[str, str] | None = None, code: str = "") -> None:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("SV_")}
        self.process = Forked(
            [sys.executable, *(["-c", code] if code else ["-m", "sv"]), *arguments, "--port", "0", "--log-format", "json"],
            env={**inherited, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines: list[str] = []
        self.told = ""
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()
        watchdog = threading.Timer(START_S, self.process.kill)
        watchdog.start()
        self.ready = self._introduction()
        watchdog.cancel()
        self.url = self.ready["url"]

    def _introduction(self) -> dict[str, str]:
        """What it prints once it is ready: a line of JSON, or the text of a first start for people."""
        assert self.process.stdout is not None
        read = ""
        for line in self.process.stdout:
            read += line
            if line.startswith("{"):
                found: dict[str, str] = json.loads(line)
                return found
            if line.startswith("Next, "):
                self.told = read
                url = re.search(r"http://[\d.]+:\d+", read)
                named = dict(re.findall(r"^ +(project token|project|API token) +(\S+)", read, re.MULTILINE))
                assert url is not None, read
                return {
                    "url": url[0],
                    "project_id": named["project"],
                    "project_token": named["project token"],
                    "api_token": named["API token"],
                }
        raise AssertionError(f"the server did not start: {read}{self.lines}")

    def _read_log(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line.rstrip())

    def take_faults(self) -> list[str]:
        """What was logged since the last call at level error or beyond, or not as a log line at all."""
        taken, self.lines = self.lines, []
        return [line for line in taken if not _is_harmless(line)]

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        self._reader.join(STOP_S)
        assert self.process.stdout is not None and self.process.stderr is not None
        self.process.stdout.close()
        self.process.stderr.close()
        assert status == 0, f"SIGTERM ended the server with status {status}"


def _is_harmless(line: str) -> bool:
    try:
        return json.loads(line)["level"] in ("debug", "info", "warning")
    except (ValueError, KeyError, TypeError):
        return False


@contextmanager
def running(*arguments: str, environment: Mapping[str, str] | None = None, code: str = "") -> Iterator[Running]:
    """A server for the block, stopped cleanly after it, with nothing amiss in its log."""
    server = Running(*arguments, *(["--json"] if arguments[0] == "dev" else []), environment=environment, code=code)
    try:
        yield server
    finally:
        server.stop()
    faults = server.take_faults()
    assert faults == [], faults


class Api:
    """A client of one project, which may be used from several threads.

    failures: every answer of status 500 or more. content: what a test module put there for all its tests, "" after a reset.
    """

    def __init__(
        self, server: Running, project: str = "dev", token: str | None = "sv_dev", project_token: str = "sv_pub_dev"
    ) -> None:
        self.server = server
        self.project = project
        self.project_token = project_token
        self.failures: list[str] = []
        self.content = ""
        self.http = httpx.Client(
            base_url=server.url,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=PATIENCE_S,
            trust_env=False,
            verify=False,  # there is no TLS, and to read the certificates of all the world costs more than a request
            event_hooks={"response": [self._note]},
        )

    def _note(self, response: httpx.Response) -> None:
        if response.status_code >= 500:
            response.read()
            self.failures.append(
                f"{response.request.method} {response.request.url}: {response.status_code} {response.text[:300]}"
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def path(self, rest: str) -> str:
        return f"/api/v1/projects/{self.project}/{rest}"

    # ---- Ingest ----

    def post_events(self, events: list[Any], headers: Mapping[str, str] | None = None) -> httpx.Response:
        return self.http.post(INGEST, json=body_of(events, self.project_token), headers=headers)

    def post_raw(self, content: bytes, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """Bytes as they are, as JSON unless `headers` says otherwise."""
        return self.http.post(INGEST, content=content, headers={"Content-Type": "application/json", **(headers or {})})

    def post_gzip(self, content: bytes) -> httpx.Response:
        return self.post_raw(gzip.compress(content, mtime=0), {"Content-Encoding": "gzip"})

    def send(self, *events: dict[str, Any], **headers: str) -> None:
        """Events that must all be stored; keywords are headers, `_` for `-`."""
        answer = self.post_events(list(events), {name.replace("_", "-"): value for name, value in headers.items()})
        assert answer.status_code == 202, answer.text
        assert answer.json() == {"status": "accepted", "accepted": len(events), "rejected": 0, "errors": []}

    # ---- Reading ----

    def page(self, **parameters: Any) -> dict[str, Any]:
        """One page of events; lists and objects among the parameters are sent as JSON."""
        sent = {name: json.dumps(value) if isinstance(value, list | dict) else value for name, value in parameters.items()}
        answer = self.http.get(self.path("events"), params=sent)
        assert answer.status_code == 200, answer.text
        page: dict[str, Any] = answer.json()
        assert page.keys() == {"data", "meta"}
        assert page["meta"].keys() == {"next_cursor", "has_more"}
        assert (page["meta"]["next_cursor"] is not None) == page["meta"]["has_more"]
        return page

    def all_pages(self, path: str, **parameters: Any) -> list[dict[str, Any]]:
        """Every item of a list of persons, sessions and the like, by as many pages as it takes. path: below the project's."""
        found: list[dict[str, Any]] = []
        while True:
            answer = self.http.get(self.path(path), params=parameters)
            assert answer.status_code == 200, answer.text
            page = answer.json()
            found += page["data"]
            if not page["meta"]["has_more"]:
                assert page["meta"]["next_cursor"] is None
                return found
            parameters["cursor"] = page["meta"]["next_cursor"]

    def listed(self, **parameters: Any) -> list[dict[str, Any]]:
        """Every event that the parameters ask for, newest first, by as many pages as it takes."""
        found: list[dict[str, Any]] = []
        parameters = {"limit": 1000, **parameters}
        while True:
            page = self.page(**parameters)
            found += page["data"]
            if not page["meta"]["has_more"]:
                return found
            parameters["cursor"] = page["meta"]["next_cursor"]

    def stored(self, sent: dict[str, Any], **headers: str) -> dict[str, Any]:
        """Send one event to a project without any and read back what is kept of it."""
        self.send(sent, **headers)
        (kept,) = self.listed()
        return kept

    def trends(self, **body: Any) -> dict[str, Any]:
        return self._asked("insights/trends", body)

    def funnel(self, **body: Any) -> dict[str, Any]:
        return self._asked("insights/funnel", body)

    def _asked(self, route: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self.http.post(self.path(route), json=body)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        assert found.pop("elapsed_ms") >= 0
        return found

    def metric(self, name: str) -> float:
        (line,) = [line for line in self.http.get("/metrics").text.splitlines() if line.startswith(f"{name} ")]
        return float(line.split()[1])

    def reset(self) -> None:
        answer = self.http.post("/api/v1/dev/reset")
        assert answer.status_code == 204, answer.text
        assert answer.content == b""
        self.content = ""
