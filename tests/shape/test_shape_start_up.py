"""A command answers at once: what is heavy is loaded where it is needed, not when `sv` starts."""

import subprocess
import sys

HEAVY = {"argon2", "chdb", "duckdb", "httpx", "litestar", "maxminddb", "numpy", "pandas", "pyarrow"}
HEAVY |= {"rich", "ua_parser", "uvicorn"}
WALK = """
import importlib, pkgutil, sv
for module in pkgutil.walk_packages(sv.__path__, "sv."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
"""


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
