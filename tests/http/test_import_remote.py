"""`sv import --url`: files into a running server, and its two routes."""

import gzip
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from http_rig import NOON, Api, Running, event

from tests.forked import Forked, run

ROOT = Path(__file__).resolve().parents[2]
WAIT_S = 60.0
IMPORT = "0123456789abcdef" * 2

# The command as it is, but for chunks of so few rows that a small file has many.
SMALL = "import sys, sv.imports.chunks as chunks; chunks.CHUNK_ROWS, chunks.REST_ROWS = {rows}, 1; from sv.cli import main; sys.exit(main())"


def start_import(url: str, path: Path, *words: str, rows: int = 100_000, token: str = "sv_dev") -> subprocess.Popen[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SV_")}
    command = [
        sys.executable,
        "-c",
        SMALL.format(rows=rows),
        "import",
        str(path),
        "--project",
        "dev",
        "--url",
        url,
        "--json",
        *words,
    ]
    environment = kept | {"SV_API_TOKEN": token}
    return Forked(
        command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def run_import(url: str, path: Path, *words: str, rows: int = 100_000) -> dict[str, Any]:
    """What became of the one file."""
    out, err = start_import(url, path, *words, rows=rows).communicate(timeout=WAIT_S)
    answer = json.loads(out)
    assert "error" not in answer, err
    report: dict[str, Any] = answer["files"][0]
    return report


def write_ndjson(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def some_events(count: int) -> list[dict[str, Any]]:
    chosen = random.Random(3)
    return [
        event(
            "view",
            f"a{nth % 30}",
            NOON - nth * 1000,
            properties={"n": nth, "x": chosen.random(), "deep": {"k": [1, {"é": None}]}},
        )
        for nth in range(count)
    ]


def numbers(api: Api) -> list[int]:
    return sorted(found["properties"]["n"] for found in api.listed())


def chunks_in(url: str, import_id: str) -> list[int]:
    answer = httpx.get(
        f"{url}/api/v1/projects/dev/imports/{import_id}", headers={"Authorization": "Bearer sv_dev"}, trust_env=False
    )
    assert answer.status_code == 200, answer.text
    found: list[int] = answer.json()["chunks"]
    return found


def wait_until(is_time: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not is_time():
        assert time.monotonic() < deadline
        time.sleep(0.005)


# ---- The command ----


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_what_is_read_back_equals_the_file(api: Api, server: Running, tmp_path: Path, suffix: str) -> None:
    events = some_events(250)
    path = write_ndjson(tmp_path / "f.ndjson", events)
    if suffix:
        path = tmp_path / "f.ndjson.gz"
        path.write_bytes(gzip.compress((tmp_path / "f.ndjson").read_bytes()))
    report = run_import(server.url, path, rows=60)
    assert (report["rows"], report["taken"], report["rejected"]) == (250, 250, 0)
    found = sorted(api.listed(), key=lambda kept: kept["properties"]["n"])
    assert [kept["properties"] for kept in found] == [sent["properties"] for sent in events]
    assert [(kept["event"], kept["anonymous_id"]) for kept in found] == [(sent["event"], sent["anonymousId"]) for sent in events]


def test_the_same_file_again_is_nothing_new(api: Api, server: Running, tmp_path: Path) -> None:
    path = write_ndjson(tmp_path / "f.ndjson", some_events(50))
    assert run_import(server.url, path)["taken"] == 50
    again = run_import(server.url, path)
    assert (again["rows"], again["taken"], again["already_up_to"]) == (0, 0, 50)
    assert len(api.listed()) == 50


def test_rejected_rows_are_told_by_their_line(api: Api, server: Running, tmp_path: Path) -> None:
    path = write_ndjson(tmp_path / "f.ndjson", [event(), event(""), event("late", "ann", "2999-01-01T00:00:00Z")])
    report = run_import(server.url, path)
    assert (report["taken"], report["rejected"]) == (1, 2)
    examples = {entry["code"]: entry["examples"][0]["line"] for entry in report["rejections"]}
    assert examples == {"INVALID_EVENT_NAME": 2, "TIMESTAMP_IN_FUTURE": 3}
    assert len(api.listed()) == 1


def test_imported_events_live_events_and_their_persons_are_one(api: Api, server: Running, tmp_path: Path) -> None:
    api.send(event("buy", "ann", NOON + 60_000))
    assert run_import(server.url, write_ndjson(tmp_path / "f.ndjson", [event("view", "ann"), event("view", "bob")]))["taken"] == 2
    day = {"date_from": "2025-06-15", "date_to": "2025-06-15"}
    assert [step["count"] for step in api.funnel(steps=[{"event": "view"}, {"event": "buy"}], **day)["steps"]] == [2, 1]


def test_credentials_that_do_not_do_are_told(api: Api, server: Running, tmp_path: Path) -> None:
    path = write_ndjson(tmp_path / "f.ndjson", [event()])
    process = start_import(server.url, path, token="sv_nobody")
    out, err = process.communicate(timeout=WAIT_S)
    assert process.returncode == 1
    assert "unknown, expired or revoked API token" in err
    assert "unknown, expired or revoked API token" in json.loads(out)["error"]
    assert api.listed() == []


def test_a_client_killed_at_any_moment_and_started_again_takes_each_row_once(api: Api, server: Running, tmp_path: Path) -> None:
    path = write_ndjson(tmp_path / "f.ndjson", some_events(3000))
    import_id = run_import(server.url, path, "--dry-run")["import_id"]
    kills = 0
    for more in (0, 1, 3, 6):
        process = start_import(server.url, path, rows=50)
        before = len(chunks_in(server.url, import_id))
        wait_until(
            lambda process=process, least=before + more: (
                process.poll() is not None or len(chunks_in(server.url, import_id)) >= least
            )
        )
        kills += process.poll() is None
        process.kill()
        process.communicate()
    report = run_import(server.url, path, rows=50)
    assert kills >= 3
    assert 0 < report["already_up_to"] < 3000
    assert numbers(api) == list(range(3000))


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def dev_server(data: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SV_")}
    process = Forked(
        [sys.executable, "-m", "sv", "dev", "--data", str(data), "--port", str(port), "--json"],
        cwd=ROOT,
        env=kept | {"SV_MEMORY_LIMIT": "256MiB"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline(), "the server did not start"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_a_server_killed_under_an_import_and_started_again_takes_each_row_once(tmp_path: Path) -> None:
    path = write_ndjson(tmp_path / "f.ndjson", some_events(1500))
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    client: subprocess.Popen[str] | None = None
    import_id = ""
    for more in (1, 4, 9, None):
        with dev_server(tmp_path / "data", port) as process:
            if client is None:
                import_id = run_import(url, path, "--dry-run")["import_id"]
                client = start_import(url, path, rows=30)
            if more is not None:
                least = min(len(chunks_in(url, import_id)) + more, 1500 // 30)
                wait_until(lambda known=import_id, least=least: len(chunks_in(url, known)) >= least)
                process.kill()
                continue
            out, err = client.communicate(timeout=WAIT_S)
            assert client.returncode == 0, err
            assert "trying again in" in err
            (report,) = json.loads(out)["files"]
            assert report["rows"] == 1500
            assert report["taken"] + report["already_rows"] == 1500
            with Api(cast("Running", SimpleNamespace(url=url))) as api:
                assert numbers(api) == list(range(1500))
            process.send_signal(signal.SIGTERM)
            assert process.wait(WAIT_S) == 0


# ---- The routes ----


def post_chunk(api: Api, number: object, content: bytes, import_id: str = IMPORT, **headers: str) -> httpx.Response:
    sent = {"content-type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return api.http.post(api.path(f"imports/{import_id}/chunks/{number}"), content=content, headers=sent)


def chunk(*events: Any, user_agent: str = "") -> bytes:
    return json.dumps({"batches": [{"user_agent": user_agent, "events": list(events)}]}).encode()


def test_a_chunk_is_answered_for_once_and_seen_at_once(api: Api) -> None:
    answer = post_chunk(api, 7, chunk(event(), event(""), event()))
    assert answer.status_code == 200
    content = answer.json()
    assert (content["taken"], content["rejected"], content["already"]) == (2, 1, False)
    assert content["rejected_by_code"] == {"INVALID_EVENT_NAME": 1}
    assert [(error["batch"], error["index"], error["code"]) for error in content["errors"]] == [(0, 1, "INVALID_EVENT_NAME")]
    assert len(api.listed()) == 2
    again = post_chunk(api, 7, gzip.compress(chunk(event())), content_encoding="gzip").json()
    assert (again["taken"], again["rejected"], again["already"]) == (0, 0, True)
    assert api.http.get(api.path(f"imports/{IMPORT}")).json() == {"import_id": IMPORT, "chunks": [7]}
    assert len(api.listed()) == 2


def test_a_reset_forgets_imports_too(api: Api) -> None:
    assert post_chunk(api, 7, chunk(event())).json()["taken"] == 1
    api.reset()
    assert api.http.get(api.path(f"imports/{IMPORT}")).json()["chunks"] == []
    assert post_chunk(api, 7, chunk(event())).json()["taken"] == 1
    assert len(api.listed()) == 1


@pytest.mark.parametrize(
    ("number", "content", "headers", "status", "code", "said"),
    [
        (0, chunk(event()), {}, 400, "INVALID_PARAMETER", "chunk_no"),
        (2**53, chunk(event()), {}, 400, "INVALID_PARAMETER", "chunk_no"),
        ("x", chunk(event()), {}, 400, "INVALID_PARAMETER", "chunk_no"),
        (1, b"", {}, 400, "INVALID_PARAMETER", "body"),
        (1, b"{", {}, 400, "INVALID_PARAMETER", "body"),
        (1, b"not gzip", {"content_encoding": "gzip"}, 400, "INVALID_PARAMETER", "body"),
        (1, b"[]", {}, 422, "VALIDATION_ERROR", "body"),
        (1, b'{"batches":5}', {}, 422, "VALIDATION_ERROR", "batches"),
        (1, b'{"batches":[],"x":1}', {}, 422, "VALIDATION_ERROR", "x"),
        (1, chunk(), {}, 422, "VALIDATION_ERROR", "batches[0].events"),
        (1, chunk(*[{}] * 2001), {}, 413, "PAYLOAD_TOO_LARGE", "batches[0]"),
        (1, chunk(event()), {"content_encoding": "br"}, 415, "UNSUPPORTED_MEDIA_TYPE", "Content-Encoding"),
        (1, chunk(event()), {"content_type": "text/csv"}, 415, "UNSUPPORTED_MEDIA_TYPE", "Content-Type"),
        (1, gzip.compress(b" " * (65 << 20), 1), {"content_encoding": "gzip"}, 413, "PAYLOAD_TOO_LARGE", "body"),
    ],
)
def test_a_bad_chunk_is_refused_with_the_field(
    full: Api, number: object, content: bytes, headers: dict[str, str], status: int, code: str, said: str
) -> None:
    answer = post_chunk(full, number, content, "f" * 32, **headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert said in answer.json()["error"]
    assert full.http.get(full.path(f"imports/{'f' * 32}")).json()["chunks"] == []


@pytest.mark.parametrize("import_id", ["x", "0" * 31, "0" * 33, "0" * 31 + "G", "A" * 32, "%00" * 32, "é" * 32])
def test_an_import_has_an_id_of_32_hexadecimal_digits(full: Api, import_id: str) -> None:
    for answer in (full.http.get(full.path(f"imports/{import_id}")), post_chunk(full, 1, chunk(event()), import_id)):
        assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_PARAMETER")
        assert "import_id" in answer.json()["error"]


def test_a_body_that_is_larger_than_it_may_be_is_refused_before_it_is_read(full: Api) -> None:
    with socket.create_connection(("127.0.0.1", httpx.URL(full.server.url).port or 0), timeout=30) as connection:
        head = f"POST {full.path(f'imports/{IMPORT}/chunks/1')} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer sv_dev\r\n"
        connection.sendall((head + f"content-type: application/json\r\ncontent-length: {65 << 20}\r\n\r\n").encode())
        assert connection.recv(4096).startswith(b"HTTP/1.1 413")


def test_a_client_that_leaves_within_its_body_is_no_fault_of_the_server(full: Api) -> None:
    with socket.create_connection(("127.0.0.1", httpx.URL(full.server.url).port or 0), timeout=30) as connection:
        head = f"POST {full.path(f'imports/{IMPORT}/chunks/1')} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer sv_dev\r\n"
        connection.sendall((head + "content-type: application/json\r\ncontent-length: 100\r\n\r\n{").encode())
        time.sleep(0.2)
    time.sleep(0.2)
    assert full.http.get("/healthz").status_code == 200
    assert full.server.take_faults() == []


def test_who_may_not_write_may_not_import(full: Api) -> None:
    path = full.path(f"imports/{IMPORT}/chunks/1")
    for headers, status in (({}, 401), ({"Authorization": "Bearer sv_nobody"}, 401)):
        answer = httpx.post(full.server.url + path, content=chunk(event()), headers=headers, trust_env=False)
        assert answer.status_code == status
    answer = full.http.post("/api/v1/projects/nowhere/imports/" + IMPORT + "/chunks/1", content=chunk(event()))
    assert answer.status_code == 404


def test_the_server_of_sv_url_is_meant_unless_a_folder_is_named(api: Api, server: Running, tmp_path: Path) -> None:
    path = write_ndjson(tmp_path / "f.ndjson", [event("view", "ann")])
    known = {"SV_URL": server.url, "SV_API_TOKEN": "sv_dev", "PATH": ""}

    def sv(*words: str) -> "subprocess.CompletedProcess[str]":
        return run([sys.executable, "-m", "sv", *words, "--project", "dev", "--json"], cwd=ROOT, env=known, text=True)

    assert json.loads(sv("import", str(path)).stdout)["taken"] == 1
    assert sv("export", "--output", str(tmp_path / "out.ndjson")).returncode == 0
    assert json.loads((tmp_path / "out.ndjson").read_text())["event"] == "view"
    for words in (("import", str(path)), ("export", "--output", str(tmp_path / "none.ndjson"))):
        refused = sv(*words, "--data", str(tmp_path / "nothing"))
        assert refused.returncode != 0
        assert "is no data folder yet" in refused.stdout + refused.stderr
