"""How the process of a command ends."""

import subprocess
import sys
from pathlib import Path

PREPARED = """
import atexit, sys, threading, sv.cli

class Held:
    def __del__(self):
        print("taken apart")

def wait():
    threading.main_thread().join()
    print("waited for")

held = Held()
atexit.register(lambda: print("called"))
threading.Thread(target=wait).start()
sys.argv = ["sv", *sys.argv[1:]]
sys.exit(sv.cli.main())
"""


def run(*words: str) -> "subprocess.CompletedProcess[str]":
    """As `python -m sv`, in a process that Python itself would end otherwise."""
    return subprocess.run([sys.executable, "-c", PREPARED, *words], capture_output=True, text=True, timeout=60)


def test_a_command_waits_for_threads_and_calls_what_wants_it_and_takes_nothing_apart() -> None:
    done = run("config", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-2:] == ["waited for", "called"]
    assert "taken apart" not in done.stdout


def test_the_exit_code_is_the_command_s(tmp_path: Path) -> None:
    done = run("compact", "--data", str(tmp_path / "none"))
    assert done.returncode == 1
    assert "none" in done.stderr
