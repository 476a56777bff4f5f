"""Processes of ours for tests, forked from one that has imported whatever they import.

`Forked(words)` is `subprocess.Popen(words)` for words that begin with `python -m sv` or `python -c CODE`. Importing the engine, Arrow and the
HTTP framework is three quarters of what a server with a few events costs, and the tests start some hundred of them. What is forked is a
process of its own all the same: with its own pid, memory, files and end, and a child of whoever asked. What beginning itself costs or says is
for tests that start Python.

The dataframe library that the reference engine brings along is hidden: DuckDB imports it where it is there, and users don't have it.

Run as a script it is the process that forks; it ends with the test run, whose end of the socket closes.
"""

import atexit
import ctypes
import gc
import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

ROOT: Final = Path(__file__).resolve().parents[1]
IS_THERE: Final = sys.platform == "linux"
"""Elsewhere a forked process can't be made the child of another."""

_PR_SET_CHILD_SUBREAPER: Final = 36
_MAX_MESSAGE: Final = 1 << 20
_PRELOADED: Final = (
    "duckdb", "pyarrow", "pyarrow.compute", "pyarrow.csv", "pyarrow.dataset", "pyarrow.json", "pyarrow.parquet", "numpy", "litestar", "uvicorn",
    "uvloop", "httptools", "rich.progress", "uvicorn.lifespan.on", "uvicorn.loops.uvloop", "litestar._kwargs",
    "litestar.middleware.allowed_hosts", "litestar.middleware.csrf", "litestar.middleware.response_cache",
    "litestar.middleware._internal.exceptions", "litestar.exceptions.responses",
)  # fmt: skip

_lock = threading.Lock()
_parent: "tuple[subprocess.Popen[bytes], socket.socket] | None" = None


class Forked(subprocess.Popen):  # type: ignore[type-arg]
    """As a Popen that is given words, streams, `cwd`, `env` and `text`."""

    def _execute_child(self, args: Sequence[str], *rest: Any) -> None:
        words = list(map(str, args))
        # As `Popen.__init__` calls it, in every release so far: the folder is the fifth, the environment the sixth of the others, and
        # after four more come three pairs of the streams' descriptors, for either side.
        cwd, env = rest[4], rest[5]
        read_in, _, _, write_out, _, write_err = streams = rest[9:15]
        if not IS_THERE or words[0] != sys.executable or words[1] not in ("-m", "-c"):
            super()._execute_child(args, *rest)
            return
        asked = {"words": words[1:], "cwd": str(cwd or Path.cwd()), "env": dict(os.environ if env is None else env)}
        given = [own if own != -1 else inherited for inherited, own in enumerate((read_in, write_out, write_err))]
        with _lock:
            self.pid = _ask(json.dumps(asked).encode(), given)
        self._child_created = True
        self._close_pipe_fds(*streams)


def run(
    words: Sequence[str], *, stdin: Any = None, timeout: float = 120, check: bool = False, **options: Any
) -> "subprocess.CompletedProcess[Any]":
    """As `subprocess.run` with its output captured, which reads `stdin` where that is given, else nothing."""
    source = subprocess.DEVNULL if stdin is None else subprocess.PIPE
    with Forked(words, stdin=source, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options) as process:
        try:
            out, err = process.communicate(stdin, timeout)
        except BaseException:
            process.kill()
            raise
    done = subprocess.CompletedProcess(words, process.returncode, out, err)
    if check:
        done.check_returncode()
    return done


def _ask(message: bytes, streams: Sequence[int]) -> int:
    """Have a process forked; it is a child of this one. Returns its pid."""
    global _parent
    if _parent is None or _parent[0].poll() is not None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            words = [sys.executable, __file__, str(theirs.fileno())]
            process = subprocess.Popen(words, cwd=ROOT, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
        _parent = (process, ours)
    # TRICKY: the process is an orphan, and orphans become children of the nearest ancestor that asks for them. Only for this moment:
    # the children that other tests orphan are to vanish when they end.
    _adopt_orphans(True)
    try:
        socket.send_fds(_parent[1], [message], list(streams))
        return int(_parent[1].recv(100))
    finally:
        _adopt_orphans(False)


def _adopt_orphans(is_wanted: bool) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, int(is_wanted), 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


# In the process that forks


def serve(asking: socket.socket) -> None:
    """Fork whatever is asked for, until nobody is there to ask. In a forked process it ends with SystemExit."""
    _preload()
    gc.freeze()
    while True:
        message, streams, _, _ = socket.recv_fds(asking, _MAX_MESSAGE, 3)
        if not message:
            return
        reading, writing = os.pipe()
        between = os.fork()
        if between == 0:
            pid = os.fork()
            if pid == 0:
                os.close(reading)
                os.close(writing)
                asking.close()
                _become(streams, **json.loads(message))
            os.write(writing, str(pid).encode())
            os._exit(0)
        os.waitpid(between, 0)
        asking.send(os.read(reading, 100))
        for each in (reading, writing, *streams):
            os.close(each)


def _preload() -> None:
    sys.meta_path.insert(0, _Hidden())
    import sv

    for name in (*_PRELOADED, *(module.name for module in pkgutil.walk_packages(sv.__path__, "sv."))):
        if not name.startswith(("sv.__main__", "sv.sdk")):
            __import__(name)
    _read_agents()


def _read_agents() -> None:
    """Read the lists of browsers and of bots, which a server does at its first event: a quarter of what one with a few events costs."""
    from sv.ingest.enrich import agents

    read = agents._load_reader()
    agents._load_reader = lambda: read


class _Hidden:
    """Finds nothing where there is something."""

    def find_spec(self, name: str, *_: object) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def _become(streams: Sequence[int], *, words: list[str], cwd: str, env: dict[str, str]) -> NoReturn:
    for target, stream in enumerate(streams):
        os.dup2(stream, target)
        os.close(stream)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    time.tzset()
    # As Python sets it at a start in a terminal's foreground, whatever the tests were started from.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        _run(words)
    except SystemExit as ending:
        if not isinstance(ending.code, int | None):
            raise
        _leave(ending.code or 0)
    finally:
        gc.unfreeze()


def _run(words: Sequence[str]) -> NoReturn:
    option, code, *arguments = words
    if option == "-c":
        sys.argv = ["-c", *arguments]
        exec(code, {"__name__": "__main__"})
        sys.exit()
    from sv.cli import main

    sys.argv = ["sv", *arguments]
    sys.exit(main())


def _leave(code: int) -> NoReturn:
    """End as Python does, but for taking every module apart, which costs five times what a server's start does."""
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    with socket.socket(fileno=int(sys.argv[1])) as asking:
        serve(asking)
    _leave(0)
