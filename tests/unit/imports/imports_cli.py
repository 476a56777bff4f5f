"""`sv import` as a process of its own."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tests.forked import Forked

ROOT = Path(__file__).resolve().parents[3]
WAIT_S = 60.0

# The command as it is, but for chunks of so few rows that a small file has many.
SMALL = "import sys, sv.imports.chunks as chunks; chunks.CHUNK_ROWS, chunks.REST_ROWS = {rows}, 1; from sv.cli import main; sys.exit(main())"


def start(*words: object, rows: int | None = None, before: str = "", **environment: str) -> subprocess.Popen[str]:
    """before: code that runs first, where `rows` is given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SV_")}
    python = ["-m", "sv"] if rows is None else ["-c", before + SMALL.format(rows=rows)]
    return Forked(
        [sys.executable, *python, "import", *map(str, words)],
        cwd=ROOT,
        env=kept | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Exit code, output and what was said beside it, without lines of the log."""
    out, err = process.communicate(timeout=WAIT_S)
    said = [line for line in err.splitlines() if " INFO " not in line and " WARNING " not in line and " ERROR " not in line]
    return process.returncode, out, "\n".join(said)


def run(*words: object, rows: int | None = None, **environment: str) -> tuple[int, str, str]:
    return finish(start(*words, rows=rows, **environment))


def run_json(*words: object, rows: int | None = None) -> dict[str, Any]:
    code, out, err = run(*words, "--json", rows=rows)
    assert code == 0, err
    answer: dict[str, Any] = json.loads(out)
    return answer


def kill_when(process: subprocess.Popen[str], is_time: Callable[[], bool]) -> bool:
    """Kill it, as by `kill -9`, once it is time. Returns whether it was still running."""
    deadline = time.monotonic() + WAIT_S
    while process.poll() is None and not is_time():
        assert time.monotonic() < deadline
        time.sleep(0.002)
    was_running = process.poll() is None
    process.kill()
    process.communicate()
    return was_running


def shop_rows(count: int) -> list[dict[str, Any]]:
    names = ("view", "add_to_cart", "checkout", "buy")
    return [
        {
            "event": names[nth % 4],
            "timestamp": 1_700_000_000_000 + nth * 60_000,
            "userId": f"u{nth % 40}",
            "properties": {"n": nth},
        }
        for nth in range(count)
    ]


def numbers(events: Iterable[dict[str, Any]]) -> list[int]:
    return sorted(event["properties"]["n"] for event in events)
