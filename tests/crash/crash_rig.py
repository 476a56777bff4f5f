"""What the crash tests share: a real server process on a folder, a client that retries as ours do, and looks into the files."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.forked import Forked

ROOT = Path(__file__).resolve().parents[2]
READY_S = 30.0
ANSWER_S = 30.0
STOP_S = 60.0
PROJECT = "/api/v1/projects/dev"
INGEST = "/api/v1/ingest/events"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

# Only what a test says may lead to a flush or a merge. Their few rows are one thread's work: a second one has nothing to do and costs a tenth.
QUIET = {"SV_FLUSH_SECONDS": "3600", "SV_COMPACT_SECONDS": "0", "SV_MEMORY_LIMIT": "512MiB", "SV_THREADS": "1"}

Answer = tuple[int, dict[str, str], Any]
"""Status, headers with names in lower case, and the decoded JSON."""


class Connection:
    """One kept-alive connection, for one thread. Raises OSError or HTTPException as soon as anything goes wrong."""

    def __init__(self, port: int, timeout_s: float = ANSWER_S) -> None:
        self._inner = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)

    def ask(self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Answer:
        sent = {"User-Agent": BROWSER, "Content-Type": "application/json", "Authorization": "Bearer sv_dev", **(headers or {})}
        try:
            self._inner.request(method, path, body, sent)
            response = self._inner.getresponse()
            raw = response.read()
        except BaseException:
            self._inner.close()
            raise
        content = json.loads(raw) if raw and "json" in response.headers.get("content-type", "") else raw.decode()
        return response.status, {name.lower(): value for name, value in response.headers.items()}, content

    def raw(self) -> http.client.HTTPConnection:
        """For a request that is sent piece by piece."""
        return self._inner

    def close(self) -> None:
        self._inner.close()


class Server:
    """`sv dev` (or `serve`) on a folder that is kept, as a process of its own; its output goes to files beside the folder.

    wrapper: a command that the server's own is given to, such as strace with its options. code: Python that runs in the place of `sv`,
    for a server with a fault of ours in it. answer_s: how long an answer is waited for. patience_s: how long a page that is
    answered 503 is asked for again.
    """

    def __init__(
        self,
        folder: Path,
        settings: Mapping[str, str] = QUIET,
        *,
        wrapper: Sequence[str] = (),
        command: str = "dev",
        output: Path | None = None,
    ) -> None:
        self.folder = folder
        self.settings = dict(settings)
        self.wrapper = list(wrapper)
        self.command = command
        self.port = 0
        self.starts = 0
        self.code = ""
        self.answer_s = ANSWER_S
        self.patience_s = 0.0
        self.output = output or folder.parent
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None
        return self._process

    @property
    def log(self) -> str:
        """What the server has said on standard error since its last start."""
        return self._log_path.read_text(errors="replace")

    @property
    def all_logs(self) -> str:
        """The same of all its starts."""
        paths = [self.output / f"{self.folder.name}-{start}.err" for start in range(1, self.starts + 1)]
        return "".join(path.read_text(errors="replace") for path in paths)

    @property
    def _log_path(self) -> Path:
        return self.output / f"{self.folder.name}-{self.starts}.err"

    def spawn(self) -> None:
        """Start the process without waiting for anything."""
        self.starts += 1
        words = [
            sys.executable,
            *(["-c", self.code] if self.code else ["-m", "sv"]),
            self.command,
            "--data",
            str(self.folder),
            "--port",
            str(self.port),
        ]
        words += ["--json"] if self.command == "dev" else []
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("SV_", "PYTHONDONTWRITE"))}
        with (self.output / f"{self.folder.name}.out").open("wb") as out, self._log_path.open("wb") as err:
            self._process = Forked(
                [*self.wrapper, *words], cwd=ROOT, env=kept | self.settings, stdin=subprocess.DEVNULL, stdout=out, stderr=err
            )

    def start(self) -> "Server":
        """Start, and wait until requests are answered."""
        self.spawn()
        self.wait_until_ready()
        return self

    def wait_until_ready(self) -> None:
        out = self.output / f"{self.folder.name}.out"

        def is_ready() -> bool:
            assert self.process.poll() is None, f"the server left with {self.process.returncode}:\n{self.log}"
            return out.read_bytes().endswith(b"\n")

        wait_for(is_ready, "the server to be ready", READY_S, every_s=0.01)
        if self.command == "dev":
            self.port = int(json.loads(out.read_bytes())["url"].rpartition(":")[2])

    def kill(self) -> None:
        """`kill -9`, and of what wraps the server with it."""
        for child in self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        self.process.wait()

    def pids(self) -> list[int]:
        """The process and, where it is wrapped, the server below it."""
        if self.process.poll() is not None:
            return []
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        below = [int(pid) for pid in path.read_text().split()] if self.wrapper else []
        return [*below, self.process.pid]

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send the signal to the server and wait; returns the exit code."""
        os.kill(self.pids()[0], number)
        return self.process.wait(STOP_S)

    def close(self) -> None:
        """Whatever state it is in, leave nothing behind."""
        if self._process is not None:
            self.kill()

    # Asking

    def ask(self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None) -> Answer:
        """One request on a connection of its own. Bytes are sent as they are, everything else as JSON."""
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        connection = Connection(self.port, self.answer_s)
        try:
            return connection.ask(method, path, data, headers)
        finally:
            connection.close()

    def health(self) -> tuple[int, Any]:
        status, _, content = self.ask("GET", "/healthz")
        return status, content

    def send(self, body: bytes) -> Answer:
        return self.ask("POST", INGEST, body)

    def store(self, body: bytes) -> Any:
        """Send a body that has to be accepted; returns the answer's content."""
        status, _, content = self.send(body)
        assert status == 202, (status, content)
        return content

    def numbers(self) -> Counter[str]:
        """How often each event is there, by its number, read by paging through the list."""
        return Counter(event["properties"]["n"] for event in self.listed("events", {"event": "crash"}))

    def by_person(self) -> Counter[str]:
        """How many events each person has, read by paging through the list of events."""
        return Counter(event["distinct_id"] for event in self.listed("events", {"event": "crash"}))

    def persons_listed(self) -> Counter[str]:
        """The same, as the list of persons says."""
        return _summed((person["distinct_id"], person["event_count"]) for person in self.listed("persons"))

    def sessions_listed(self) -> Counter[str]:
        """The same by whose the sessions are, as the list of sessions says."""
        return _summed((session["distinct_id"], session["event_count"]) for session in self.listed("sessions"))

    def listed(self, what: str, query: Mapping[str, str] | None = None) -> Iterator[Any]:
        """All that a list has, page by page. Who has patience asks a server that is too busy again, as its answer says."""
        asked = {"limit": "1000", **(query or {})}
        while True:
            content = self._page(f"{PROJECT}/{what}?{urlencode(asked)}")
            yield from content["data"]
            if not content["meta"]["has_more"]:
                return
            asked["cursor"] = content["meta"]["next_cursor"]

    def _page(self, path: str) -> Any:
        deadline = time.monotonic() + self.patience_s
        while True:
            status, headers, content = self.ask("GET", path)
            if status == 200:
                return content
            assert status == 503 and time.monotonic() < deadline, (path, status, content)
            time.sleep(int(headers["retry-after"]))

    def total(self) -> int:
        """How many events there are, by a trends query."""
        return self._trend("total")

    def persons(self) -> int:
        """How many persons have events, by a trends query."""
        return self._trend("unique_persons")

    def _trend(self, math: str) -> int:
        query = {"events": [{"name": "crash", "math": math}], "date_from": "-60d", "interval": "day"}
        status, _, content = self.ask("POST", f"{PROJECT}/insights/trends", query)
        assert status == 200, content
        return int(content["series"][0]["total"])

    def metric(self, name: str) -> float:
        status, _, text = self.ask("GET", "/metrics")
        assert status == 200, text
        for line in str(text).splitlines():
            words = line.split()
            if words and words[0].partition("{")[0] == name:
                return float(words[-1])
        raise AssertionError(f"no metric {name} in:\n{text}")


def _summed(counted: Iterable[tuple[str, int]]) -> Counter[str]:
    found: Counter[str] = Counter()
    for name, count in counted:
        found[name] += count
    return found


# Bodies


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def event(
    number: str, *, at_ms: int | None = None, event_id: str | None = None, user: str = "ann", pad: int = 0
) -> dict[str, Any]:
    """One event. at_ms None: it carries no timestamp."""
    made: dict[str, Any] = {"event": "crash", "userId": user, "properties": {"n": number, **({"pad": "x" * pad} if pad else {})}}
    if at_ms is not None:
        made["timestamp"] = at_ms
    if event_id is not None:
        made["eventId"] = event_id
    return made


def body_of(events: Sequence[Mapping[str, Any]]) -> bytes:
    return json.dumps({"projectToken": "sv_pub_dev", "events": list(events)}).encode()


def dated(*numbers: str, user: str = "ann", pad: int = 0) -> bytes:
    """A body whose repetition is known by its bytes."""
    return body_of([event(number, at_ms=now_ms(), user=user, pad=pad) for number in numbers])


def identified(*numbers: str) -> bytes:
    """A body without timestamps, whose repetition is known by each event's id."""
    return body_of([event(number, event_id=str(uuid.uuid5(uuid.NAMESPACE_OID, number))) for number in numbers])


# Files


def numbers_in_files(folder: Path) -> Counter[str]:
    """How often each event is in the Parquet files, whatever the catalog says: what a person with DuckDB would count."""
    import duckdb

    files = [str(path) for path in part_files(folder)]
    if not files:
        return Counter()
    with duckdb.connect() as connection:
        rows = connection.execute(
            "select properties->>'$.n', count(*) from read_parquet($files, hive_partitioning = false) group by all",
            {"files": files},
        ).fetchall()
    return Counter(dict(rows))


def numbers_meanwhile(folder: Path) -> Counter[str] | None:
    """The same beside a server that deletes files; None where one went while it was counted."""
    import duckdb

    try:
        return numbers_in_files(folder)
    except duckdb.IOException:
        return None


def part_files(folder: Path) -> list[Path]:
    return sorted((folder / "events").rglob("*.parquet"))


def temporary_files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.tmp"))


def files_aside(folder: Path) -> list[Path]:
    return sorted(path for path in (folder / "aside").rglob("*") if path.is_file())


# Waiting


def wait_for(is_so: Callable[[], bool], what: str, timeout_s: float = 180.0, every_s: float = 0.02) -> None:
    deadline = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < deadline, f"waited {timeout_s:g} s for {what}"
        time.sleep(every_s)


@contextlib.contextmanager
def closing_all(servers: list[Server]) -> Iterator[list[Server]]:
    try:
        yield servers
    finally:
        for server in servers:
            server.close()
