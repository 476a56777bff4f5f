#!/usr/bin/env python3
"""Starts the installed server, sends it an event, reads it back, stops it: does what was installed run?

Run by the interpreter that `sv` is installed beside (`./task smoke`), or with the address of a server that
runs already (`.ci/smoke.py http://127.0.0.1:8000`), which is then left running. The server must have the
credentials of `sv dev`. Standard library only. Every wait is bounded. Exits 1 with one line, and the server's
output, where something is amiss.
"""
# ruff: noqa: S310, S603, T201 - a command line that prints, asks a fixed address and starts a fixed program

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

START_S = 60.0
STOP_S = 30.0
ANSWER_S = 60.0
POLL_S = 0.05
TOKEN = "sv_dev"  # noqa: S105 - everybody knows it

# The environment's proxy is for the world outside; the server is on this machine.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def ask(url: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
    """Status and decoded JSON (None for a body that is not JSON) of a GET, or of a POST of `body`."""
    request = urllib.request.Request(
        url,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"},
    )
    try:
        with OPENER.open(request, timeout=ANSWER_S) as response:
            status, raw = response.status, response.read()
    except urllib.error.HTTPError as error:
        status, raw = error.code, error.read()
    with contextlib.suppress(ValueError):
        return status, json.loads(raw)
    return status, None


def wait_until_healthy(address: str, server: subprocess.Popen[bytes]) -> float:
    """Seconds until /healthz answered 200."""
    started = time.monotonic()
    while time.monotonic() - started < START_S:
        if server.poll() is not None:
            sys.exit(f"smoke: the server left with status {server.returncode} before it answered")
        with contextlib.suppress(OSError):
            if ask(f"{address}/healthz")[0] == 200:
                return time.monotonic() - started
        time.sleep(POLL_S)
    sys.exit(f"smoke: /healthz did not answer 200 within {START_S:.0f} s")


def exercise(address: str) -> None:
    """One event in, the same event out, and a wrong token refused."""
    event = {
        "event": "smoke",
        "anonymousId": "smoke",
        "timestamp": int(time.time() * 1000),
        "properties": {"ünï": [1, None]},
    }
    status, answer = ask(f"{address}/api/v1/ingest/events", {"projectToken": "sv_pub_dev", "events": [event]})
    if status != 202:
        sys.exit(f"smoke: an event was answered {status} {answer}")
    status, answer = ask(f"{address}/api/v1/projects/dev/events?limit=1&event=smoke")
    data = answer.get("data") if isinstance(answer, dict) else None
    if status != 200 or not data or data[0]["properties"].get("ünï") != [1, None]:
        sys.exit(f"smoke: the event just acknowledged did not come back: {status} {answer}")
    status, answer = ask(f"{address}/api/v1/ingest/events", {"projectToken": "sv_pub_wrong", "events": [event]})
    if status != 401:
        sys.exit(f"smoke: an unknown project token was answered {status} {answer}")


@contextlib.contextmanager
def started_server(port: int, output: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """`sv dev` on `port` with no settings of the caller's, killed at the end unless it has left by itself."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SV_")}
    command = [str(Path(sys.executable).with_name("sv")), "dev", "--port", str(port)]
    server = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        yield server
    finally:
        server.kill()
        server.wait()


def check_installed() -> None:
    """The whole life of a server: start, an event, SIGTERM, exit 0."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = int(listener.getsockname()[1])
    address = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryFile() as output:
        try:
            with started_server(port, output) as server:
                seconds = wait_until_healthy(address, server)
                exercise(address)
                server.send_signal(signal.SIGTERM)
                if (status := server.wait(STOP_S)) != 0:
                    sys.exit(f"smoke: SIGTERM ended the server with status {status}, not 0")
        except (SystemExit, subprocess.TimeoutExpired):
            output.seek(0)
            sys.stderr.write(output.read()[-8192:].decode(errors="replace"))
            raise
    print(f"smoke: healthy after {seconds:.2f} s, an event in and out, stopped cleanly")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        exercise(sys.argv[1].rstrip("/"))
    else:
        check_installed()
