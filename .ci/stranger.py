#!/usr/bin/env python3
"""Goes a stranger's way through README.md in a new clone and a new environment, and says what it took.

    .ci/stranger.py [--no-tests]

From a clone of this checkout's HEAD in a folder of its own, with empty caches (uv, pip, npm) and no setting but where the server is: the
line that starts the server with sample data, own events, the funnel they are in, the tests. The commands are the README's, taken from the
blocks after its `ci:` markers; only the port is a free one. Prints the rows of the README's table. Standard library only. Every wait is
bounded; what it started it stops. Exits 1 with one line, and the server's output, where something is amiss.
"""
# ruff: noqa: S603, S607, T201 - a command line that prints, runs fixed programs and asks a fixed address

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parents[1]
PORT: Final = ":8000"
START_S: Final = 900
ASK_S: Final = 60
TESTS_S: Final = 3600
OPENER: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Step(NamedTuple):
    """A command of the way. `marker` names the README's block; the clone has none, for where one clones from is not the README's to say."""

    marker: str
    reached: str


CLONE: Final = Step("", "a clone")
SERVE: Final = Step("serve", "running, with sample data")
SEND: Final = Step("send", "own events sent")
FUNNEL: Final = Step("own-funnel", "and seen in a funnel")
TEST: Final = Step("test", "every test passed")
CLONE_LINE: Final = "git clone …"
WAY: Final = (CLONE, SERVE, SEND, FUNNEL, TEST)


def block(page: str, marker: str) -> str:
    """The text of the fenced block after `<!-- ci:MARKER -->`."""
    found = re.search(rf"^<!-- ci:{re.escape(marker)}(?: [^\n]*)?-->\n+```\w*\n(.*?)\n```$", page, re.DOTALL | re.MULTILINE)
    if found is None:
        sys.exit(f"stranger: README.md has no block marked <!-- ci:{marker} -->")
    return found[1]


def commands(page: str) -> list[str]:
    """What is typed after the clone, in order: each block is one command, over as many lines as it likes."""
    return [block(page, step.marker) for step in WAY if step.marker]


def row(step: Step, command: str, seconds: float) -> str:
    first, *others = command.splitlines()
    shown = f"{first.partition(' -')[0]} …" if others else first
    return f"| `{shown}` | {step.reached} | {told(seconds)} |"


def told(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def new_environment(home: Path, port: int) -> dict[str, str]:
    """The caller's, without its settings of the server, its virtual environment and its caches."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SV_") and name != "VIRTUAL_ENV"}
    caches = dict.fromkeys(("UV_CACHE_DIR", "PIP_CACHE_DIR", "npm_config_cache", "XDG_CACHE_HOME"), str(home / "cache"))
    address = {"SV_PORT": str(port), "SV_URL": f"http://127.0.0.1:{port}", "SV_API_TOKEN": "sv_dev"}
    return kept | caches | address | {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}


def run(command: str, folder: Path, environment: dict[str, str], patience_s: float) -> str:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=patience_s,
    )
    if done.returncode != 0:
        sys.exit(f"stranger: {command}: status {done.returncode}\n{done.stdout[-4000:]}")
    return done.stdout


@contextlib.contextmanager
def serving(command: str, folder: Path, environment: dict[str, str]) -> Iterator[None]:
    """The server in a group of its own, from the moment at which it is healthy."""
    with tempfile.TemporaryFile() as output:
        server = subprocess.Popen(
            ["bash", "-c", command],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            deadline = time.monotonic() + START_S
            while not is_healthy(f"{environment['SV_URL']}/healthz"):
                if server.poll() is not None or time.monotonic() > deadline:
                    output.seek(0)
                    sys.exit(f"stranger: {command}: no server came of it\n{output.read()[-4000:].decode(errors='replace')}")
                time.sleep(0.05)
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGTERM)
            try:
                server.wait(ASK_S)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()


def is_healthy(url: str) -> bool:
    try:
        with OPENER.open(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def go(home: Path, port: int, *, with_tests: bool) -> Iterator[tuple[Step, str, float]]:
    """Each step with its command and how long it took."""
    folder, environment = home / "sv", new_environment(home, port)
    last = time.monotonic()

    def took() -> float:
        nonlocal last
        before, last = last, time.monotonic()
        return last - before

    run(f"git clone --quiet --no-local {ROOT} {folder}", home, environment, START_S)
    yield CLONE, CLONE_LINE, took()
    page = (folder / "README.md").read_text("utf-8")
    serve, send, funnel, test = (text.replace(PORT, f":{port}") for text in commands(page))
    with serving(serve, folder, environment):
        yield SERVE, serve, took()
        if '"accepted":2' not in (answer := run(send, folder, environment, ASK_S)).replace(" ", ""):
            sys.exit(f"stranger: the own events were answered {answer}")
        yield SEND, send, took()
        if "100.0 % converted" not in (answer := run(funnel, folder, environment, ASK_S)):
            sys.exit(f"stranger: the own events' funnel is {answer}")
        yield FUNNEL, funnel, took()
    if with_tests:
        took()
        run(test, folder, {name: value for name, value in environment.items() if not name.startswith("SV_")}, TESTS_S)
        yield TEST, test, took()


def main(*options: str) -> None:
    if set(options) - {"--no-tests"}:
        sys.exit("stranger: the one option is --no-tests")
    home, port = Path(tempfile.mkdtemp(prefix="sv-stranger-")), free_port()
    try:
        for step, command, seconds in go(home, port, with_tests="--no-tests" not in options):
            print(row(step, command.replace(f":{port}", PORT), seconds), flush=True)
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
