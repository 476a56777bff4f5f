"""A command answers at once: what is heavy is loaded where it is needed, not when `sv` starts."""

import json
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

HEAVY = {"argon2", "chdb", "duckdb", "httpx", "litestar", "maxminddb", "numpy", "pandas", "pyarrow"}
HEAVY |= {"rich", "ua_parser", "uvicorn"}
WALK = """
import importlib, pkgutil, sv
for module in pkgutil.walk_packages(sv.__path__, "sv."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
"""

ENGINE = re.compile(r"duckdb|arrow|numpy|pandas|litestar|rich|argon2", re.IGNORECASE)
"""In the names of files that a process has mapped."""

IDLE_MB = 60


def run_python(*arguments: str) -> str:
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_the_command_line_loads_nothing_heavy() -> None:
    loaded = run_python("-c", "import sys, sv.cli; print(*sys.modules)").split()
    assert "sv.cli" in loaded
    assert not HEAVY & {name.partition(".")[0] for name in loaded}


def test_every_module_can_be_imported_and_prints_and_warns_of_nothing() -> None:
    assert run_python("-W", "error", "-c", WALK) == ""


def test_the_first_event_is_acknowledged_before_an_engine_is_in_memory() -> None:
    words = [sys.executable, "-m", "sv", "dev", "--port", "0", "--json", "--stop-on-eof"]
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None and server.stdin is not None
        address = json.loads(server.stdout.readline())["url"]
        body = json.dumps({"projectToken": "sv_pub_dev", "events": [{"event": "first", "anonymousId": "ann"}]}).encode()
        request = urllib.request.Request(f"{address}/api/v1/ingest/events", body, {"Content-Type": "application/json"})
        with opener.open(request, timeout=30) as answer:
            assert answer.status == 202
        process = Path("/proc") / str(server.pid)
        mapped = {line.split(maxsplit=5)[-1] for line in (process / "maps").read_text().splitlines() if line.endswith(".so")}
        resident = next(line for line in (process / "status").read_text().splitlines() if line.startswith("VmRSS"))
        server.stdin.close()
        assert server.wait(60) == 0
    assert mapped and not [name for name in mapped if ENGINE.search(Path(name).name)]
    assert int(resident.split()[1]) / 1000 < IDLE_MB
